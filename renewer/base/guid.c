/* GUIDs as text. */
#include "base/guid.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hex.h"
#include "base/random.h"

bool guid_read(char guid[GUID_SIZE], const char *text)
{
    static const char form[GUID_SIZE] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < GUID_SIZE; i++) {
        unsigned char c = (unsigned char)text[i];

        if (form[i] == 'x' ? !isxdigit(c) : c != (unsigned char)form[i])
            return false;
        guid[i] = (char)tolower(c);
    }
    return true;
}

void guid_make(char guid[GUID_SIZE])
{
    uint8_t bytes[16];
    char *s = guid;

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
