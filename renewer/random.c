/* Random bytes, GUIDs and secrets, from the kernel. */
#include "random.h"

#include <openssl/sha.h>
#include <stdint.h>
#include <sys/random.h>
#include <sysexits.h>

#include "log.h"

void random_bytes(void *out, size_t length)
{
    /* Up to 256 bytes come whole, whatever signal there is. */
    if (getrandom(out, length, 0) != (ssize_t)length)
        die(EX_OSERR, "the kernel gives no random bytes");
}

void hex_write(char *text, const unsigned char *bytes, size_t length)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *text++ = hex[bytes[i] >> 4];
        *text++ = hex[bytes[i] & 15];
    }
    *text = '\0';
}

void random_guid(char text[RANDOM_GUID_SIZE])
{
    uint8_t bytes[16];
    char *s = text;

    random_bytes(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *s++ = '-';
        hex_write(s, &bytes[i], 1);
        s += 2;
    }
}

void secret_make(struct secret *secret)
{
    uint8_t bytes[16], digest[SHA256_DIGEST_LENGTH];

    random_bytes(bytes, sizeof(bytes));
    hex_write(secret->text, bytes, sizeof(bytes));
    SHA256((const uint8_t *)secret->text, strlen(secret->text), digest);
    hex_write(secret->sha256_hex, digest, sizeof(digest));
    explicit_bzero(bytes, sizeof(bytes));
}
