/* Access tokens: the kept one, or a new one. */
#include "token.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base64url.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "memory.h"
#include "tokenfile.h"
#include "tokenrequest.h"

#define TOKEN_MAX 16384

static const char step[] = "token";

void token_free(struct token *token)
{
    memory_wipe(token->text);
    *token = (struct token){0};
}

bool token_is_sound(const char *text)
{
    size_t length = 0;

    for (; text[length]; length++)
        if (text[length] <= ' ' || text[length] > '~' || length >= TOKEN_MAX)
            return false;
    return length > 0;
}

int64_t token_kept_until(const struct tenant *tenant, const char *state_dir)
{
    struct token token;
    int64_t until = 0;

    if (tokenfile_read(&token, tenant, state_dir, clock_wall()))
        until = token.expires_at;
    token_free(&token);
    return until;
}

static bool same(const struct token *token, const char *refused)
{
    return refused && strcmp(token->text, refused) == 0;
}

/* The kept token, unless it is the refused one. */
static bool get_kept(struct token *token, const struct tenant *tenant,
                     const char *state_dir, const char *refused)
{
    if (!tokenfile_read(token, tenant, state_dir, clock_wall()))
        return false;
    if (!same(token, refused))
        return true;
    token_free(token);
    return false;
}

/* A token that cannot be kept is as good as another. Told once a run. */
static void say_not_kept(const struct tenant *tenant, const char *state_dir)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    int number = errno;

    if (!atomic_flag_test_and_set(&told))
        log_line("%s: no token can be kept in %s: %s", tenant->name, state_dir,
                 strerrordesc_np(number));
}

static enum outcome get_new(struct token *token, const struct tenant *tenant,
                            const char *state_dir, struct http *http,
                            int64_t deadline, const char *refused,
                            struct fault *fault)
{
    int64_t asked_at = clock_wall();
    enum outcome outcome =
        tokenrequest_send(token, tenant, http, deadline, fault);

    if (outcome != DONE)
        return outcome;
    if (same(token, refused)) {
        token_free(token);
        fault_say(fault, step, "a token came again that Graph does not take");
        return REFUSED;
    }
    if (!tokenfile_write(token, tenant, state_dir, asked_at))
        say_not_kept(tenant, state_dir);
    return DONE;
}

enum outcome token_get(struct token *token, const struct tenant *tenant,
                       const char *state_dir, struct http *http,
                       int64_t deadline, const char *refused,
                       struct fault *fault)
{
    enum outcome outcome = DONE;

    *token = (struct token){0};
    *fault = (struct fault){.step = step};
    if (get_kept(token, tenant, state_dir, refused))
        return DONE;
    int lock = tokenfile_lock(tenant, state_dir, deadline);
    if (lock < 0 && errno == EWOULDBLOCK) {
        fault_say(fault, step, "another program has been asking for it");
        return LATER;
    }
    if (lock < 0)
        say_not_kept(tenant, state_dir);
    if (!get_kept(token, tenant, state_dir, refused))
        outcome =
            get_new(token, tenant, state_dir, http, deadline, refused, fault);
    if (lock >= 0)
        close(lock);
    return outcome;
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

bool token_has_role(const char *token, const char *role)
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
