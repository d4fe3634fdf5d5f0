/* The digest by which the page's policy names its style sheet. */
#include "status/page_style.h"
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

TEST(page_style_digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char text[4 * (SHA256_DIGEST_LENGTH / 3 + 1) + 1];

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (const char *const *part = page_style; *part; part++)
        EVP_DigestUpdate(context, *part, strlen(*part));
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    EVP_EncodeBlock(text, digest, sizeof(digest));
    assert_string_equal(page_style_sha256, (const char *)text);
}
