/* GUIDs. */
#include "base/guid.h"

#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/text.h"

/* An item has half a dozen of them: no branch for each digit. */
bool guid_read(struct guid *guid, const char *text, size_t length)
{
    static const uint8_t digits_at[16] = {0,  2,  4,  6,  9,  11, 14, 16,
                                          19, 21, 24, 26, 28, 30, 32, 34};
    struct guid read;
    int all = 0;

    if (length != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-')
        return false;
    for (size_t i = 0; i < sizeof(read.bytes); i++) {
        int high = text_hex_value(text[digits_at[i]]);
        int low = text_hex_value(text[digits_at[i] + 1]);
        all |= high | low;
        read.bytes[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    if (all < 0) /* -1 is among them */
        return false;
    *guid = read;
    return true;
}

bool guid_equal(const struct guid *a, const struct guid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Random bytes, fetched by the page: a system call an item would show. */
static void random_bytes(uint8_t *out, size_t length)
{
    static _Thread_local uint8_t pool[512];
    static _Thread_local size_t left;

    if (left < length) {
        if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
            die(EX_OSERR, "the kernel gives no random bytes");
        left = sizeof(pool);
    }
    left -= length;
    memcpy(out, pool + left, length);
}

void guid_make(struct guid *guid, int64_t wall, uint16_t index)
{
    uint64_t ms = (uint64_t)wall / 1000;
    uint64_t sub_ms = (uint64_t)wall % 1000 * 4096 / 1000;
    uint8_t *b = guid->bytes;

    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(0x70 | sub_ms >> 8);
    b[7] = (uint8_t)sub_ms;
    random_bytes(b + 8, 8);
    /* the variant, 14 bits of the index, 2 more of it in the next byte */
    b[8] = (uint8_t)(0x80 | index >> 10);
    b[9] = (uint8_t)(index >> 2);
    b[10] = (uint8_t)((index & 3) << 6 | (b[10] & 0x3f));
}
