/* An access token: what it may be, and what is in it. */
#ifndef RENEWER_ACCESS_TOKEN_H
#define RENEWER_ACCESS_TOKEN_H

struct token {
    char *text;         /* memory_wipe() it; NULL: none */
    int64_t expires_at; /* seconds since 1970, as the next two */
    int64_t obtained_at;
    int64_t replaced_at; /* when it took the place of a refused one, or 0 */
};

/* Whether the token's `roles` hold this one. (It is looked at, not trusted.) */
bool access_token_has_role(const char *token, const char *role);

/* Whether a text can be an access token: printable ASCII, at most 16 KiB. */
bool access_token_is_sound(const char *text);

void access_token_free(struct token *token);

#endif
