/* A certificate and the private key that belongs to it, from PEM files. */
#ifndef RENEWER_CERTIFICATE_H
#define RENEWER_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

/*
 * Reads both. False: `why` says what is wrong. certificate_free() in either
 * case.
 */
bool certificate_read(struct certificate *certificate,
                      const char *certificate_file,
                      const char *private_key_file, char *why, size_t why_size);
void certificate_free(struct certificate *certificate);

/* Whether the files hold a certificate and the key that belongs to it. */
bool certificate_check(const char *certificate_file,
                       const char *private_key_file, char *why,
                       size_t why_size);

#endif
