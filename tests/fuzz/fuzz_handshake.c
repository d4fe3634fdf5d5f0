/* The handshake. An input is a query string. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "web/handshake.h"

#define TOKEN_MAX 2048

/* What a browser must not be sent back, looked for in another way. */
static void check_token(const char *token, size_t length)
{
    REQUIRE(length >= 1 && length <= TOKEN_MAX);
    REQUIRE(text_is_utf8(token, length));
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)token[i];
        REQUIRE(c >= 0x20 && c != 0x7f && c != '<' && c != '>');
    }
    for (unsigned char c = 0x80; c <= 0x9f; c++)
        REQUIRE(!memmem(token, length, (char[]){'\xc2', (char)c}, 2));
}

/* Every byte of a token escaped must give the same token again. */
static void check_escaped(const char *token, size_t length)
{
    static char query[sizeof("validationToken=") + 3 * TOKEN_MAX];
    size_t n = (size_t)snprintf(query, sizeof(query), "validationToken=");
    struct buffer again = {0};
    const char *why;

    for (size_t i = 0; i < length; i++)
        n += (size_t)snprintf(query + n, sizeof(query) - n, "%%%02X",
                              (unsigned char)token[i]);
    REQUIRE(handshake_read(query, &again, &why) == HANDSHAKE_SOUND);
    REQUIRE(again.length == length);
    REQUIRE(memcmp(again.data, token, length) == 0);
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *query = memory_new(size + 1, 1);
    struct buffer token = {0};
    const char *why = NULL;

    if (size)
        memcpy(query, data, size);
    switch (handshake_read(query, &token, &why)) {
    case HANDSHAKE_NONE:
        REQUIRE(token.length == 0);
        break;
    case HANDSHAKE_SOUND:
        check_token(token.data, token.length);
        check_escaped(token.data, token.length);
        break;
    case HANDSHAKE_REFUSED:
        REQUIRE(why && *why);
        break;
    }
    buffer_free(&token);
    free(query);
    return 0;
}
