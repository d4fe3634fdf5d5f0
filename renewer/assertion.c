/* The JWT by which a certificate's owner asks for a token. */
#include "assertion.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base64url.h"
#include "memory.h"
#include "random.h"
#include "secretfile.h"

#define FILE_MAX 65536 /* bytes of a certificate's or a key's file */
#define BITS_MIN 2048
#define LIFETIME 600 /* seconds */

struct signer {
    X509 *certificate;
    EVP_PKEY *key;
};

/* libcurl, in the same thread, must not find our errors in OpenSSL's queue. */
static void signer_free(struct signer *signer)
{
    X509_free(signer->certificate);
    EVP_PKEY_free(signer->key);
    ERR_clear_error();
}

static bool read_certificate(struct signer *signer, const char *path, char *why,
                             size_t why_size)
{
    size_t length;
    char *pem = publicfile_read(path, FILE_MAX, &length, why, why_size);
    BIO *bytes = pem ? BIO_new_mem_buf(pem, (int)length) : NULL;

    if (bytes)
        signer->certificate = PEM_read_bio_X509(bytes, NULL, NULL, NULL);
    if (!signer->certificate)
        snprintf(why, why_size, "certificate_file %s",
                 pem ? "holds no PEM certificate" : "cannot be read");
    BIO_free(bytes);
    free(pem);
    return signer->certificate;
}

/* Without it OpenSSL would ask at the terminal. */
static int note_passphrase(char *buffer, int size, int writing, void *context)
{
    bool *asked = context;

    (void)buffer;
    (void)size;
    (void)writing;
    *asked = true;
    return -1;
}

static EVP_PKEY *parse_key(const char *pem, size_t length, bool *encrypted)
{
    BIO *bytes = BIO_new_mem_buf(pem, (int)length);
    EVP_PKEY *key = NULL;

    *encrypted = false;
    if (bytes)
        key = PEM_read_bio_PrivateKey(bytes, NULL, note_passphrase, encrypted);
    BIO_free(bytes);
    return key;
}

static bool read_key(struct signer *signer, const char *path, char *why,
                     size_t why_size)
{
    char reason[120];
    size_t length;
    bool encrypted;
    char *pem =
        secretfile_read(path, FILE_MAX, &length, reason, sizeof(reason));

    if (!pem) {
        snprintf(why, why_size, "private_key_file %s", reason);
        return false;
    }
    signer->key = parse_key(pem, length, &encrypted);
    memory_wipe(pem);
    if (encrypted)
        snprintf(why, why_size,
                 "private_key_file is encrypted; it must be stored without a "
                 "passphrase");
    else if (!signer->key)
        snprintf(why, why_size, "private_key_file holds no PEM private key");
    else if (!EVP_PKEY_is_a(signer->key, "RSA") ||
             EVP_PKEY_get_bits(signer->key) < BITS_MIN)
        snprintf(why, why_size,
                 "private_key_file holds no RSA key of %d bits or more",
                 BITS_MIN);
    else
        return true;
    return false;
}

/* signer_free() in either case. */
static bool read_signer(struct signer *signer, const char *certificate_file,
                        const char *private_key_file, char *why,
                        size_t why_size)
{
    *signer = (struct signer){0};
    if (!read_certificate(signer, certificate_file, why, why_size) ||
        !read_key(signer, private_key_file, why, why_size))
        return false;
    if (X509_check_private_key(signer->certificate, signer->key) == 1)
        return true;
    snprintf(why, why_size,
             "private_key_file does not belong to certificate_file");
    return false;
}

bool assertion_check(const char *certificate_file, const char *private_key_file,
                     char *why, size_t why_size)
{
    struct signer signer;
    bool sound =
        read_signer(&signer, certificate_file, private_key_file, why, why_size);

    signer_free(&signer);
    return sound;
}

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

    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return NULL;
    char *thumbprint = base64url_encode(digest, length);
    char *header = memory_print("{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#"
                                "S256\":\"%s\"}",
                                thumbprint);
    free(thumbprint);
    return encode_text(header);
}

static char *make_claims(const char *client_id, const char *audience,
                         int64_t now)
{
    char id[RANDOM_GUID_SIZE];

    random_guid(id);
    return encode_text(memory_print("{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%"
                                    "s\",\"jti\":\"%s\","
                                    "\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}",
                                    audience, client_id, client_id, id,
                                    (long long)now, (long long)now,
                                    (long long)now + LIFETIME));
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

static char *make_jwt(const struct signer *signer, const char *client_id,
                      const char *audience, int64_t now)
{
    char *header = make_header(signer->certificate);
    char *jwt = NULL;

    if (!header)
        return NULL;
    char *claims = make_claims(client_id, audience, now);
    char *text = memory_print("%s.%s", header, claims);
    char *signature = make_signature(signer->key, text);
    if (signature)
        jwt = memory_print("%s.%s", text, signature);
    free(header);
    free(claims);
    free(text);
    memory_wipe(signature);
    return jwt;
}

/* Such a text needs no escapes in JSON. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

char *assertion_make(const char *certificate_file, const char *private_key_file,
                     const char *client_id, const char *audience, int64_t now,
                     char *why, size_t why_size)
{
    struct signer signer = {0};
    char *jwt = NULL;

    if (!is_plain(client_id) || !is_plain(audience)) {
        snprintf(why, why_size, "odd characters in client_id or in the URL");
    } else if (read_signer(&signer, certificate_file, private_key_file, why,
                           why_size)) {
        jwt = make_jwt(&signer, client_id, audience, now);
        if (!jwt)
            snprintf(why, why_size, "libcrypto cannot sign");
    }
    signer_free(&signer);
    return jwt;
}
