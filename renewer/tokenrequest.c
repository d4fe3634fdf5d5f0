/* Asking the identity platform for an access token. */
#include "tokenrequest.h"

#include <strings.h>

#include "assertion.h"
#include "clock.h"
#include "json.h"
#include "memory.h"
#include "secretfile.h"

#define SECRET_MAX 4096
#define PAUSE_MS 5000            /* what the identity platform wants at least */
#define LIFETIME_MAX (24 * 3600) /* we ask for another token sooner */

static const char step[] = "token";

struct field {
    const char *name;
    const char *value; /* NULL: left out */
};

/* Everything but what RFC 3986 calls unreserved is escaped. */
static char *put_value(char *s, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";

    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (strchr(plain, c)) {
            *s++ = (char)c;
        } else {
            *s++ = '%';
            *s++ = hex[c >> 4];
            *s++ = hex[c & 15];
        }
    }
    return s;
}

/* A form, made in one piece of memory, so that no copy of a secret is left. */
static char *make_form(const struct field *fields, size_t count)
{
    size_t room = 1;

    for (size_t i = 0; i < count; i++)
        if (fields[i].value)
            room += strlen(fields[i].name) + 3 * strlen(fields[i].value) + 2;
    char *form = memory_new(room, 1);
    char *s = form;
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].value)
            continue;
        if (s > form)
            *s++ = '&';
        s = mempcpy(s, fields[i].name, strlen(fields[i].name));
        *s++ = '=';
        s = put_value(s, fields[i].value);
    }
    return form;
}

/* Without the line's end; NULL: the fault says why. */
static char *read_secret(const struct tenant *tenant, struct fault *fault)
{
    char why[120] = "is empty or holds a NUL";
    size_t length;
    char *secret = secretfile_read(tenant->client_secret_file, SECRET_MAX,
                                   &length, why, sizeof(why));

    if (secret) {
        while (length && strchr("\r\n", secret[length - 1]))
            secret[--length] = '\0';
        if (length && strlen(secret) == length)
            return secret;
        explicit_bzero(secret, length);
        free(secret);
    }
    fault_say(fault, step, "client_secret_file %s", why);
    return NULL;
}

/* The form that is sent; NULL: the fault says why there is none. */
static char *make_body(const struct tenant *tenant, const char *url,
                       struct fault *fault)
{
    bool by_certificate = *tenant->certificate_file;
    char why[160];
    char *proof =
        by_certificate
            ? assertion_make(tenant->certificate_file, tenant->private_key_file,
                             tenant->client_id, url, clock_wall(), why,
                             sizeof(why))
            : read_secret(tenant, fault);

    if (!proof) {
        if (by_certificate)
            fault_say(fault, step, "%s", why);
        return NULL;
    }
    const struct field fields[] = {
        {"client_id", tenant->client_id},
        {"scope", tenant->scope},
        {"grant_type", "client_credentials"},
        {"client_secret", by_certificate ? NULL : proof},
        {"client_assertion_type", by_certificate ? "urn:ietf:params:oauth:"
                                                   "client-assertion-type:jwt-"
                                                   "bearer"
                                                 : NULL},
        {"client_assertion", by_certificate ? proof : NULL},
    };
    char *body = make_form(fields, sizeof(fields) / sizeof(*fields));
    memory_wipe(proof);
    return body;
}

/* RFC 6749, section 5.1. */
static bool read_answer(struct token *token, yajl_val answer, int64_t asked_at)
{
    const char *type = json_text(answer, "token_type");
    const char *text = json_text(answer, "access_token");
    int64_t lifetime;

    if (!type || strcasecmp(type, "Bearer") != 0 || !text ||
        !token_is_sound(text) ||
        !json_number(answer, "expires_in", &lifetime) || lifetime <= 0)
        return false;
    if (lifetime > LIFETIME_MAX)
        lifetime = LIFETIME_MAX;
    token->text = memory_copy(text);
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

enum outcome tokenrequest_send(struct token *token, const struct tenant *tenant,
                               struct http *http, int64_t deadline,
                               struct fault *fault)
{
    char *url = memory_print("%s/%s/oauth2/v2.0/token", tenant->login_url,
                             tenant->tenant_id);
    char *body = make_body(tenant, url, fault);
    enum outcome outcome = BROKEN;

    if (body) {
        int64_t asked_at = clock_wall();
        struct transfer transfer = {
            .tenant = tenant,
            .step = step,
            .method = "POST",
            .url = url,
            .content_type = "application/x-www-form-urlencoded",
            .body = body,
            .body_length = strlen(body),
            .limit = HTTP_SMALL,
            .deadline = deadline,
            .pause_ms = PAUSE_MS,
        };

        http_send(http, &transfer);
        outcome = judge(token, &transfer, asked_at, fault);
        transfer_free(&transfer);
    }
    memory_wipe(body);
    free(url);
    return outcome;
}
