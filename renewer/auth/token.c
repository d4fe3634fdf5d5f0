/* Access tokens: the kept one, or a new one. */
#include "auth/token.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

#include "auth/client_assertion.h"
#include "auth/token_cache.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "base/report.h"
#include "base/url.h"

#define PAUSE_MS 5000            /* what the identity platform wants at least */
#define LIFETIME_MAX (24 * 3600) /* we ask for another token sooner */

/* Where none is said: 5 minutes, and as many that a kept one must have left. */
#define LIFETIME_UNSAID 600

static const char step[] = "token";

/* What stands before the proof in the form. */
static const char secret_is[] = "&client_secret=";
static const char assertion_is[] = "&client_assertion_type="
                                   "urn%3Aietf%3Aparams%3Aoauth%3A"
                                   "client-assertion-type%3Ajwt-bearer"
                                   "&client_assertion=";

/* -- asking for one ---------------------------------------------------- */

/*
 * In memory of its own, made in one go, so that no copy of the secret is left.
 * A GUID needs no escapes.
 */
static char *make_form(const struct tenant *tenant, const char *credential,
                       const char *proof)
{
    size_t room = 256 + strlen(tenant->client_id) + strlen(credential) +
                  3 * strlen(tenant->scope) + 3 * strlen(proof);
    char *form = memory_new(room, 1);
    char *s = form;

    s += snprintf(
        form, room,
        "client_id=%s&grant_type=client_credentials&scope=", tenant->client_id);
    s = url_form_value(s, tenant->scope);
    s = mempcpy(s, credential, strlen(credential));
    url_form_value(s, proof);
    return form;
}

/* The secret, or a statement signed by the key; NULL: the fault says why. */
static char *make_proof(const struct tenant *tenant, const char *url,
                        struct fault *fault)
{
    bool by_secret = !*tenant->certificate_file;
    char why[160];
    char *proof =
        by_secret
            ? private_file_read_line(tenant->client_secret_file, why,
                                     sizeof(why))
            : client_assertion_make(tenant->certificate_file,
                                    tenant->private_key_file, tenant->client_id,
                                    url, clock_wall(), why, sizeof(why));

    if (!proof)
        fault_say(fault, step, "%s%s", by_secret ? "client_secret_file " : "",
                  why);
    return proof;
}

/* Some write a fraction, and more than 64 bits hold is long enough. */
static bool read_lifetime(yajl_val answer, int64_t *lifetime)
{
    yajl_val said = json_member(answer, "expires_in");

    if (!said || YAJL_IS_NULL(said))
        return true;
    if (json_number(answer, "expires_in", lifetime))
        return true;
    if (!YAJL_IS_DOUBLE(said) || !(YAJL_GET_DOUBLE(said) > 0))
        return false;
    *lifetime = YAJL_GET_DOUBLE(said) < LIFETIME_MAX
                    ? (int64_t)YAJL_GET_DOUBLE(said)
                    : LIFETIME_MAX;
    return true;
}

/* RFC 6749, section 5.1. */
static bool read_answer(struct token *token, yajl_val answer, int64_t asked_at)
{
    const char *type = json_text(answer, "token_type");
    const char *text = json_text(answer, "access_token");
    int64_t lifetime = LIFETIME_UNSAID;

    if (!type || strcasecmp(type, "Bearer") != 0 || !text ||
        !access_token_is_sound(text) || !read_lifetime(answer, &lifetime) ||
        lifetime <= 0)
        return false;
    if (lifetime > LIFETIME_MAX)
        lifetime = LIFETIME_MAX;
    token->text = memory_copy(text);
    token->obtained_at = asked_at;
    token->expires_at = asked_at + lifetime;
    return true;
}

static enum outcome judge(struct token *token, const struct transfer *transfer,
                          int64_t asked_at, struct fault *fault)
{
    *fault = transfer->fault;
    if (transfer->outcome == DONE) {
        yajl_val answer = json_parse(transfer->answer, transfer->answer_length);
        bool understood = read_answer(token, answer, asked_at);

        json_free_secret(answer, "access_token");
        if (!understood)
            fault_say(fault, step, "the answer holds no token that we know");
        return understood ? DONE : LATER;
    }
    /* Whatever the status: a URL or an application that is not there. */
    if (transfer->outcome == ABSENT || transfer->outcome == CLASH)
        return REFUSED;
    if (strncmp(fault->code, "temporarily_unavailable", 23) == 0)
        return LATER;
    return transfer->outcome;
}

/* Asks the identity platform, with the tenant's secret or certificate. */
static enum outcome ask(struct token *token, const struct tenant *tenant,
                        struct http *http, int64_t deadline,
                        struct fault *fault)
{
    char *url = memory_print("%s/%s/oauth2/v2.0/token", tenant->login_url,
                             tenant->tenant_id);
    char *proof = make_proof(tenant, url, fault);
    enum outcome outcome = BROKEN;

    if (proof) {
        char *body = make_form(
            tenant, *tenant->certificate_file ? assertion_is : secret_is,
            proof);
        int64_t asked_at = clock_wall();
        struct transfer transfer = {
            .tenant = tenant,
            .step = step,
            .method = "POST",
            .url = url,
            .content_type = "application/x-www-form-urlencoded",
            .body = body,
            .body_length = strlen(body),
            .secret = proof,
            .limit = HTTP_SMALL,
            .deadline = deadline,
            .pause_ms = PAUSE_MS,
        };

        http_send(http, &transfer);
        outcome = judge(token, &transfer, asked_at, fault);
        transfer_free(&transfer);
        memory_wipe(body);
    }
    memory_wipe(proof);
    free(url);
    return outcome;
}

/* -- the kept one, or a new one ---------------------------------------- */

int64_t token_kept_until(const struct tenant *tenant, const char *state_dir)
{
    struct token token;
    int64_t until = 0;

    if (token_cache_read(&token, tenant, state_dir, clock_wall()))
        until = token.expires_at;
    access_token_free(&token);
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
    if (!token_cache_read(token, tenant, state_dir, clock_wall()))
        return false;
    if (!same(token, refused))
        return true;
    access_token_free(token);
    return false;
}

/* A token that cannot be kept is as good as another. */
static void say_not_kept(const struct tenant *tenant, const char *state_dir)
{
    char *line = memory_print("%s: no token can be kept in %s: %s",
                              tenant->name, state_dir, strerrordesc_np(errno));

    report_line(state_dir, REPORT_STATE_DIR, line);
    free(line);
}

static enum outcome get_new(struct token *token, const struct tenant *tenant,
                            const char *state_dir, struct http *http,
                            int64_t deadline, const char *refused,
                            struct fault *fault)
{
    enum outcome outcome = ask(token, tenant, http, deadline, fault);

    if (outcome != DONE)
        return outcome;
    if (same(token, refused)) {
        access_token_free(token);
        fault_say(fault, step, "a token came again that Graph does not take");
        return REFUSED;
    }
    if (refused)
        token->replaced_at = token->obtained_at;
    if (!token_cache_write(token, tenant, state_dir))
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
    int lock = token_cache_lock(tenant, state_dir, deadline);
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
