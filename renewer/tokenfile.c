/* The file that keeps a tenant's access token. */
#include "tokenfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "memory.h"
#include "secretfile.h"

#define FILE_MAX 65536
#define GOOD_FOR 300        /* seconds that a token must have left */
#define CLOCK_TOLERANCE 300 /* seconds by which a clock may have gone back */
#define LIFETIME_MAX (25 * 3600)
#define LOCK_PAUSE_NS 20000000 /* 20 ms */

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

    if (!text || !token_is_sound(text) ||
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
    return json_number(file, "expires_at", &token->expires_at);
}

bool tokenfile_read(struct token *token, const struct tenant *tenant,
                    const char *state_dir, int64_t now)
{
    char *path = file_path(tenant, state_dir, "");
    char why[120];
    size_t length;
    char *bytes = secretfile_read(path, FILE_MAX, &length, why, sizeof(why));
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

/* All of the texts are printable ASCII. Returns the end. */
static char *put_text(char *s, const char *name, const char *value)
{
    s = mempcpy(s, "\"", 1);
    s = mempcpy(s, name, strlen(name));
    s = mempcpy(s, "\":\"", 3);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            *s++ = '\\';
        *s++ = *value;
    }
    return mempcpy(s, "\",", 2);
}

/* In memory of its own, made in one go, so that no copy of it is left. */
static char *make_file(const struct token *token, const struct tenant *tenant,
                       int64_t obtained_at)
{
    size_t room = 2 * (strlen(tenant->client_id) + strlen(tenant->tenant_id) +
                       strlen(tenant->login_url) + strlen(tenant->scope) +
                       strlen(token->text)) +
                  256;
    char *text = memory_new(room, 1);
    char *s = mempcpy(text, "{", 1);

    s = put_text(s, "client_id", tenant->client_id);
    s = put_text(s, "tenant_id", tenant->tenant_id);
    s = put_text(s, "login_url", tenant->login_url);
    s = put_text(s, "scope", tenant->scope);
    s = put_text(s, "access_token", token->text);
    snprintf(s, room - (size_t)(s - text),
             "\"obtained_at\":%lld,\"expires_at\":%lld}\n",
             (long long)obtained_at, (long long)token->expires_at);
    return text;
}

bool tokenfile_write(const struct token *token, const struct tenant *tenant,
                     const char *state_dir, int64_t obtained_at)
{
    char *path = file_path(tenant, state_dir, "");
    char *text = make_file(token, tenant, obtained_at);
    bool written = secretfile_write(path, text, strlen(text));
    int saved = errno;

    memory_wipe(text);
    free(path);
    errno = saved;
    return written;
}

static bool wait_for(int file, int64_t deadline)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (clock_ms() >= deadline) {
            errno = EWOULDBLOCK;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

int tokenfile_lock(const struct tenant *tenant, const char *state_dir,
                   int64_t deadline)
{
    char *path = file_path(tenant, state_dir, "-lock");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                    S_IRUSR | S_IWUSR);
    int saved = errno;

    free(path);
    errno = saved;
    if (file < 0 || wait_for(file, deadline))
        return file;
    saved = errno;
    close(file);
    errno = saved;
    return -1;
}
