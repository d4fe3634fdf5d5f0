/* What may stand in a text: UTF-8, JSON's escapes, numbers. */
#ifndef CALLHOOK_TEXT_H
#define CALLHOOK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One more than the value of each hexadecimal digit, 0 for all else. */
extern const int8_t text_hex_values[256];

/* The value of a hexadecimal digit of either case, -1 for all else. */
static inline int text_hex_value(char c)
{
    return text_hex_values[(unsigned char)c] - 1;
}

/*
 * Strict UTF-8 (RFC 3629), as PostgreSQL checks it: no overlong form, no
 * surrogate, nothing above U+10FFFF. yajl's own check lets these pass.
 */
bool text_is_utf8(const char *text, size_t length);

/*
 * Within JSON that a parser has accepted: false if a string holds \u0000 or
 * half of a surrogate pair, which no jsonb can hold and yajl makes up
 * characters for.
 */
bool text_escapes_are_sound(const char *json, size_t length);

/*
 * Whether PostgreSQL's numeric, and so jsonb, can hold a JSON number: at most
 * 131,072 digits before the decimal point and 16,383 after it.
 */
bool text_number_fits(const char *number, size_t length);

#endif
