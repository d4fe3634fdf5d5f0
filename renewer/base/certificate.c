/* A certificate and the private key that belongs to it, from PEM files. */
#include "base/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/private_file.h"

#define FILE_MAX 65536 /* bytes of a certificate's or a key's file */
#define BITS_MIN 2048

/* libcurl, in the same thread, must not find our errors in OpenSSL's queue. */
void certificate_free(struct certificate *it)
{
    X509_free(it->x509);
    EVP_PKEY_free(it->key);
    ERR_clear_error();
}

static bool read_x509(struct certificate *it, const char *path, char *why,
                      size_t why_size)
{
    char reason[120];
    size_t length;
    char *pem = private_file_read_trusted(path, FILE_MAX, &length, reason,
                                          sizeof(reason));
    BIO *bytes = pem ? BIO_new_mem_buf(pem, (int)length) : NULL;

    if (bytes)
        it->x509 = PEM_read_bio_X509(bytes, NULL, NULL, NULL);
    if (!it->x509)
        snprintf(why, why_size, "certificate_file %s",
                 pem ? "holds no PEM certificate" : reason);
    BIO_free(bytes);
    free(pem);
    return it->x509;
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

static bool read_key(struct certificate *it, const char *path, char *why,
                     size_t why_size)
{
    char reason[120];
    size_t length;
    bool encrypted;
    char *pem =
        private_file_read(path, FILE_MAX, &length, reason, sizeof(reason));

    if (!pem) {
        snprintf(why, why_size, "private_key_file %s", reason);
        return false;
    }
    it->key = parse_key(pem, length, &encrypted);
    memory_wipe(pem);
    if (encrypted)
        snprintf(why, why_size,
                 "private_key_file is encrypted; it must be stored without a "
                 "passphrase");
    else if (!it->key)
        snprintf(why, why_size, "private_key_file holds no PEM private key");
    else if (!EVP_PKEY_is_a(it->key, "RSA") ||
             EVP_PKEY_get_bits(it->key) < BITS_MIN)
        snprintf(why, why_size,
                 "private_key_file holds no RSA key of %d bits or more",
                 BITS_MIN);
    else
        return true;
    return false;
}

bool certificate_read(struct certificate *it, const char *certificate_file,
                      const char *private_key_file, char *why, size_t why_size)
{
    *it = (struct certificate){0};
    if (!read_x509(it, certificate_file, why, why_size) ||
        !read_key(it, private_key_file, why, why_size))
        return false;
    if (X509_check_private_key(it->x509, it->key) == 1)
        return true;
    snprintf(why, why_size,
             "private_key_file does not belong to certificate_file");
    return false;
}

bool certificate_check(const char *certificate_file,
                       const char *private_key_file, char *why, size_t why_size)
{
    struct certificate it;
    bool sound = certificate_read(&it, certificate_file, private_key_file, why,
                                  why_size);

    certificate_free(&it);
    return sound;
}
