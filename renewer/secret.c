/* A subscription's secret (clientState). */
#include "secret.h"

#include <openssl/sha.h>
#include <sys/random.h>
#include <sysexits.h>

#include "log.h"

static void write_hex(char *text, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

void secret_make(struct secret *secret)
{
    unsigned char bytes[16];
    unsigned char digest[SHA256_DIGEST_LENGTH];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        die(EX_OSERR, "no random bytes");
    write_hex(secret->text, bytes, sizeof(bytes));
    SHA256((const unsigned char *)secret->text, strlen(secret->text), digest);
    write_hex(secret->sha256_hex, digest, sizeof(digest));
    explicit_bzero(bytes, sizeof(bytes));
}
