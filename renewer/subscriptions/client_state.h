/* The secret of a subscription, which is kept as its digest. */
#ifndef RENEWER_CLIENT_STATE_H
#define RENEWER_CLIENT_STATE_H

struct client_state {
    char text[33];               /* 128 random bits, in hexadecimal */
    char sha256_hex[2 * 32 + 1]; /* of the text */
};

void client_state_make(struct client_state *secret);

#endif
