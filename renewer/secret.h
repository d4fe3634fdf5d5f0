/* A subscription's secret (clientState): random, and kept as its digest. */
#ifndef RENEWER_SECRET_H
#define RENEWER_SECRET_H

struct secret {
    char text[33];               /* 128 random bits, in hexadecimal */
    char sha256_hex[2 * 32 + 1]; /* of the text */
};

void secret_make(struct secret *secret);

#endif
