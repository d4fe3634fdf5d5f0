/* The file that keeps a tenant's access token. */
#include "auth/token_cache.h"

#include "base/json.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"

#define FILE_MAX 65536
#define GOOD_FOR 300        /* seconds that a token must have left */
#define CLOCK_TOLERANCE 300 /* seconds by which a clock may have gone back */
#define LIFETIME_MAX (25 * 3600)

static char *file_path(const struct tenant *tenant, const char *state_dir,
                       const char *ending)
{
    return memory_print("%s/%s.token%s", state_dir, tenant->name, ending);
}

static bool is(yajl_val file, const char *name, const char *expected)
{
    const char *text = json_text(file, name);

    return text && strcmp(text, expected) == 0;
}

/* What makes the kept token useless; NULL: nothing. */
static const char *find_fault(yajl_val file, const struct tenant *tenant,
                              int64_t now)
{
    const char *text = json_text(file, "access_token");
    int64_t obtained_at, expires_at;

    if (!text || !access_token_is_sound(text) ||
        !json_number(file, "obtained_at", &obtained_at) ||
        !json_number(file, "expires_at", &expires_at))
        return "damaged";
    if (!is(file, "client_id", tenant->client_id) ||
        !is(file, "tenant_id", tenant->tenant_id) ||
        !is(file, "login_url", tenant->login_url) ||
        !is(file, "scope", tenant->scope))
        return "for another client";
    if (obtained_at < 0 || obtained_at > now + CLOCK_TOLERANCE)
        return "from the future";
    if (expires_at < obtained_at || expires_at - obtained_at > LIFETIME_MAX)
        return "good for an odd time";
    return expires_at - now < GOOD_FOR ? "about to end" : NULL;
}

static bool take_token(struct token *token, yajl_val file,
                       const struct tenant *tenant, int64_t now)
{
    const char *fault = find_fault(file, tenant, now);

    if (fault) {
        log_detail("%s: the kept token is %s", tenant->name, fault);
        return false;
    }
    token->text = memory_copy(json_text(file, "access_token"));
    json_number(file, "obtained_at", &token->obtained_at);
    json_number(file, "replaced_at", &token->replaced_at);
    return json_number(file, "expires_at", &token->expires_at);
}

bool token_cache_read(struct token *token, const struct tenant *tenant,
                      const char *state_dir, int64_t now)
{
    char *path = file_path(tenant, state_dir, "");
    char why[120];
    size_t length;
    char *bytes = private_file_read(path, FILE_MAX, &length, why, sizeof(why));
    bool taken = false;

    *token = (struct token){0};
    if (bytes) {
        yajl_val file = json_parse(bytes, length);

        taken = take_token(token, file, tenant, now);
        json_free_secret(file, "access_token");
    } else {
        log_detail("%s: %s %s", tenant->name, path, why);
    }
    memory_wipe(bytes);
    free(path);
    return taken;
}

static char *make_file(const struct token *token, const struct tenant *tenant)
{
    struct json_writer file;

    json_writer_begin(&file);
    json_writer_text(&file, "client_id", tenant->client_id);
    json_writer_text(&file, "tenant_id", tenant->tenant_id);
    json_writer_text(&file, "login_url", tenant->login_url);
    json_writer_text(&file, "scope", tenant->scope);
    json_writer_number(&file, "obtained_at", token->obtained_at);
    json_writer_number(&file, "replaced_at", token->replaced_at);
    json_writer_number(&file, "expires_at", token->expires_at);
    json_writer_text(&file, "access_token", token->text);
    return json_writer_end(&file);
}

bool token_cache_write(const struct token *token, const struct tenant *tenant,
                       const char *state_dir)
{
    char *path = file_path(tenant, state_dir, "");
    char *text = make_file(token, tenant);
    bool written = private_file_write(path, text, strlen(text));

    memory_wipe(text);
    free(path);
    return written;
}

int token_cache_lock(const struct tenant *tenant, const char *state_dir,
                     int64_t deadline)
{
    char *path = file_path(tenant, state_dir, "-lock");
    int file = lock_file_take(path, deadline);

    free(path);
    return file;
}
