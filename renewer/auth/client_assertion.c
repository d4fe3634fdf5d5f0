/* The JWT by which a certificate's owner asks for a token. */
#include "auth/client_assertion.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64url.h"
#include "base/certificate.h"
#include "base/guid.h"
#include "base/json_writer.h"
#include "base/memory.h"

#define LIFETIME 600 /* seconds */

/* Encodes and frees a text. */
static char *encode_text(char *text)
{
    char *encoded = base64url_encode(text, strlen(text));

    free(text);
    return encoded;
}

/* RFC 7515, with the thumbprint of section 4.1.8; NULL: OpenSSL fails. */
static char *make_header(X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;
    struct json_writer header;

    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return NULL;
    char *thumbprint = base64url_encode(digest, length);
    json_writer_begin(&header);
    json_writer_text(&header, "alg", "PS256");
    json_writer_text(&header, "typ", "JWT");
    json_writer_text(&header, "x5t#S256", thumbprint);
    free(thumbprint);
    return encode_text(json_writer_end(&header));
}

static char *make_claims(const char *client_id, const char *audience,
                         int64_t now)
{
    char id[GUID_SIZE];
    struct json_writer claims;

    guid_make(id);
    json_writer_begin(&claims);
    json_writer_text(&claims, "aud", audience);
    json_writer_text(&claims, "iss", client_id);
    json_writer_text(&claims, "sub", client_id);
    json_writer_text(&claims, "jti", id);
    json_writer_number(&claims, "nbf", now);
    json_writer_number(&claims, "iat", now);
    json_writer_number(&claims, "exp", now + LIFETIME);
    return encode_text(json_writer_end(&claims));
}

/* RFC 7518, section 3.5: PSS with SHA-256 in all three places. */
static bool sign(EVP_MD_CTX *context, EVP_PKEY *key, const char *text,
                 unsigned char *signature, size_t *length)
{
    EVP_PKEY_CTX *options;
    const unsigned char *bytes = (const unsigned char *)text;

    return EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key) ==
               1 &&
           EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) ==
               1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) == 1 &&
           EVP_DigestSign(context, signature, length, bytes, strlen(text)) == 1;
}

/* The signature of `text` in base64url; NULL: OpenSSL fails. */
static char *make_signature(EVP_PKEY *key, const char *text)
{
    size_t length = (size_t)EVP_PKEY_get_size(key);
    unsigned char *signature = memory_new(length, 1);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *encoded = NULL;

    if (context && sign(context, key, text, signature, &length))
        encoded = base64url_encode(signature, length);
    EVP_MD_CTX_free(context);
    free(signature);
    return encoded;
}

static char *make_jwt(const struct certificate *certificate,
                      const char *client_id, const char *audience, int64_t now)
{
    char *header = make_header(certificate->x509);
    char *jwt = NULL;

    if (!header)
        return NULL;
    char *claims = make_claims(client_id, audience, now);
    char *text = memory_print("%s.%s", header, claims);
    char *signature = make_signature(certificate->key, text);
    if (signature)
        jwt = memory_print("%s.%s", text, signature);
    free(header);
    free(claims);
    free(text);
    memory_wipe(signature);
    return jwt;
}

char *client_assertion_make(const char *certificate_file,
                            const char *private_key_file, const char *client_id,
                            const char *audience, int64_t now, char *why,
                            size_t why_size)
{
    struct certificate certificate = {0};
    char *jwt = NULL;

    if (certificate_read(&certificate, certificate_file, private_key_file, why,
                         why_size)) {
        jwt = make_jwt(&certificate, client_id, audience, now);
        if (!jwt)
            snprintf(why, why_size, "libcrypto cannot sign");
    }
    certificate_free(&certificate);
    return jwt;
}
