/* Graph's endpoint validation. */
#include "web/handshake.h"

#include "base/text.h"
#include "web/query.h"

#define TOKEN_MAX 2048

/* C0, DEL, and C1 as UTF-8 writes it (C2 80 to C2 9F); < and >. */
static bool holds_unsafe(const struct buffer *token)
{
    for (size_t i = 0; i < token->length; i++) {
        unsigned char c = (unsigned char)token->data[i];

        if (c < 0x20 || c == 0x7f || c == '<' || c == '>')
            return true;
        if (c == 0xc2 && (unsigned char)token->data[i + 1] < 0xa0)
            return true;
    }
    return false;
}

enum handshake handshake_read(const char *query, struct buffer *token,
                              const char **why)
{
    switch (query_find(query, "validationToken", token)) {
    case QUERY_ABSENT:
        return HANDSHAKE_NONE;
    case QUERY_TWICE:
        *why = "validationToken is given twice";
        return HANDSHAKE_REFUSED;
    case QUERY_BROKEN:
        *why = "validationToken has a broken escape";
        return HANDSHAKE_REFUSED;
    case QUERY_FOUND:
        break;
    }
    if (token->length == 0)
        *why = "validationToken is empty";
    else if (token->length > TOKEN_MAX)
        *why = "validationToken is longer than 2048 bytes";
    else if (!text_is_utf8(token->data, token->length))
        *why = "validationToken is not UTF-8";
    else if (holds_unsafe(token))
        *why = "validationToken has a character that no token has";
    else
        return HANDSHAKE_SOUND;
    return HANDSHAKE_REFUSED;
}
