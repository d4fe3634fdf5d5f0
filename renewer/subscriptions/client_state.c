/* The secret of a subscription. */
#include "subscriptions/client_state.h"

#include <openssl/sha.h>

#include "base/hex.h"
#include "base/random.h"

void client_state_make(struct client_state *secret)
{
    uint8_t bytes[16], digest[SHA256_DIGEST_LENGTH];

    random_bytes(bytes, sizeof(bytes));
    hex_write(secret->text, bytes, sizeof(bytes));
    SHA256((const uint8_t *)secret->text, strlen(secret->text), digest);
    hex_write(secret->sha256_hex, digest, sizeof(digest));
    explicit_bzero(bytes, sizeof(bytes));
}
