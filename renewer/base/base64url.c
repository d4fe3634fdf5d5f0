/* base64url without padding, RFC 4648 section 5. */
#include "base/base64url.h"

#include <stdint.h>

#include "base/memory.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
                               "vwxyz0123456789-_";

char *base64url_encode(const void *bytes, size_t length)
{
    const uint8_t *in = bytes;
    char *text = memory_new(length / 3 * 4 + 5, 1);
    uint32_t bits = 0;
    unsigned count = 0;
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | in[i];
        for (count += 8; count >= 6; count -= 6)
            text[n++] = alphabet[bits >> (count - 6) & 63];
    }
    if (count)
        text[n++] = alphabet[bits << (6 - count) & 63];
    return text;
}

char *base64url_decode(const char *text, size_t text_length, size_t *length)
{
    char *bytes = memory_new(text_length / 4 * 3 + 4, 1);
    uint32_t bits = 0;
    unsigned count = 0;
    size_t n = 0;

    for (size_t i = 0; i < text_length; i++) {
        const char *found = text[i] ? strchr(alphabet, text[i]) : NULL;

        if (!found) {
            free(bytes);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)(found - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[n++] = (char)(bits >> count);
        }
    }
    *length = n;
    return bytes;
}
