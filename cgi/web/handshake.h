/* Graph's endpoint validation: a token that is to be sent back. */
#ifndef CALLHOOK_HANDSHAKE_H
#define CALLHOOK_HANDSHAKE_H

#include "base/buffer.h"

enum handshake {
    HANDSHAKE_NONE,    /* the request is none */
    HANDSHAKE_SOUND,   /* answer with the token */
    HANDSHAKE_REFUSED, /* a token that Graph would not send */
};

/*
 * Reads validationToken from a query string (may be NULL). SOUND: the decoded
 * token is in `token`. REFUSED: `why` points to a sentence. The token is
 * opaque (Graph documents no form), but the answer must not be one that a
 * browser could run: no control characters, no < and >, at most 2,048 bytes
 * of UTF-8. The caller frees `token`.
 */
enum handshake handshake_read(const char *query, struct buffer *token,
                              const char **why);

#endif
