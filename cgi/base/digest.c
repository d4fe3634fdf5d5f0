/* SHA-256. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"

/*
 * OpenSSL 3 looks an algorithm up under locks at each SHA256() call, which
 * costs more than the digest of a clientState; so it is fetched once and kept
 * for the life of the process.
 */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void digest_make(struct digest *digest, const void *bytes, size_t length)
{
    pthread_once(&sha256_once, fetch_sha256);
    if (!sha256 ||
        !EVP_Digest(bytes, length, digest->bytes, NULL, sha256, NULL))
        die(EX_SOFTWARE, "libcrypto makes no SHA-256");
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
