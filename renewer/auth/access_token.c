/* An access token: what it may be, and what is in it. */
#include "auth/access_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/json.h"
#include "base/memory.h"

#define TOKEN_MAX 16384

void access_token_free(struct token *token)
{
    memory_wipe(token->text);
    *token = (struct token){0};
}

bool access_token_is_sound(const char *text)
{
    size_t length = 0;

    for (; text[length]; length++)
        if (text[length] <= ' ' || text[length] > '~' || length >= TOKEN_MAX)
            return false;
    return length > 0;
}

/* The claims of a JWT, of which we check nothing. */
static yajl_val read_claims(const char *token)
{
    const char *claims = strchr(token, '.');
    yajl_val tree = NULL;
    size_t length;

    if (!claims)
        return NULL;
    claims++;
    char *text = base64url_decode(claims, strcspn(claims, "."), &length);
    if (text)
        tree = json_parse(text, length);
    free(text);
    return tree;
}

bool access_token_has_role(const char *token, const char *role)
{
    yajl_val claims = read_claims(token);
    yajl_val roles = json_member(claims, "roles");
    bool found = false;

    for (size_t i = 0; YAJL_IS_ARRAY(roles) && i < roles->u.array.len; i++) {
        const char *one = YAJL_GET_STRING(roles->u.array.values[i]);

        found |= one && strcmp(one, role) == 0;
    }
    yajl_tree_free(claims);
    return found;
}
