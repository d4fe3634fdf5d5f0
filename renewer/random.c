/* Random bytes and GUIDs, from the kernel. */
#include "random.h"

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

void random_guid(char text[RANDOM_GUID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16];
    char *s = text;

    random_bytes(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *s++ = '-';
        *s++ = hex[bytes[i] >> 4];
        *s++ = hex[bytes[i] & 15];
    }
    *s = '\0';
}
