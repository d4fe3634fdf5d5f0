/* The folder `state_dir`: one run at a time, and what has been told already. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "random.h"
#include "secretfile.h"

#define QUIET_SECONDS 3600

/* What is kept of a line: 64 bits of its digest. */
#define KEY_SIZE 17

/* A tenant has few different faults within an hour. */
#define TOLD_MAX 50

bool state_check(const char *state_dir)
{
    struct stat status;

    if (mkdir(state_dir, 0700) != 0 && errno != EEXIST) {
        log_line("state_dir %s: %s", state_dir, strerror(errno));
        return false;
    }
    if (stat(state_dir, &status) != 0 || !S_ISDIR(status.st_mode)) {
        log_line("state_dir %s: it is no folder", state_dir);
        return false;
    }
    if (status.st_uid != geteuid() || status.st_mode & 077) {
        log_line("state_dir %s: it must belong to this user, mode 0700",
                 state_dir);
        return false;
    }
    return true;
}

int state_lock(const char *state_dir, const char *name, bool *held)
{
    char *path = memory_print("%s/%s.lock", state_dir, name);
    int lock = lockfile_take(path, 0);

    *held = lock < 0 && errno == EWOULDBLOCK;
    if (lock < 0 && !*held)
        log_line("%s: %s", path, strerror(errno));
    free(path);
    return lock;
}

static void make_key(char key[KEY_SIZE], const char *line)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)line, strlen(line), digest);
    hex_write(key, digest, (KEY_SIZE - 1) / 2);
}

/*
 * Copies the lines "TIME KEY" of the last hour but the key's; returns whether
 * that was among them.
 */
static bool keep_fresh(const char *old, const char *key, int64_t now,
                       FILE *kept)
{
    bool found = false;
    int count = 0;

    for (const char *s = old; s && *s; s = strchr(s, '\n')) {
        int64_t at;
        char *one;

        s += *s == '\n';
        at = strtoll(s, &one, 10);
        one += *one == ' ';
        if (strcspn(one, "\n") != KEY_SIZE - 1 || at > now ||
            now - at >= QUIET_SECONDS || count == TOLD_MAX)
            continue;
        if (strncmp(one, key, KEY_SIZE - 1) == 0)
            found = true;
        fprintf(kept, "%" PRId64 " %.*s\n", at, KEY_SIZE - 1, one);
        count++;
    }
    return found;
}

/* Request ids differ each time; the fault is the same. */
static char *without_ids(const char *line)
{
    const char *ids = strstr(line, ", request-id ");

    if (!ids)
        ids = strstr(line, ", client-request-id ");
    return memory_copy_bytes(line, ids ? (size_t)(ids - line) : strlen(line));
}

void state_tell(const char *state_dir, const char *name, const char *line)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char *path = memory_print("%s/%s.told", state_dir, name);
    char *fault = without_ids(line);
    char why[200], key[KEY_SIZE];
    char *kept = NULL;
    size_t length = 0, old_length;
    FILE *stream = open_memstream(&kept, &length);
    char *old;
    bool found;

    make_key(key, fault);
    pthread_mutex_lock(&lock);
    old = secretfile_read(path, 8192, &old_length, why, sizeof(why));
    found = stream && keep_fresh(old, key, clock_wall(), stream);
    if (!found || log_verbose)
        log_line("%s", line);
    if (stream) {
        if (!found)
            fprintf(stream, "%" PRId64 " %s\n", clock_wall(), key);
        fclose(stream);
        if (!found)
            secretfile_write(path, kept, length);
    }
    pthread_mutex_unlock(&lock);
    free(kept);
    free(old);
    free(fault);
    free(path);
}

void state_tell_fault(const char *state_dir, const char *tenant,
                      const struct fault *fault)
{
    char what[FAULT_SIZE];
    char *line;

    fault_print(fault, what, sizeof(what));
    line = memory_print("%s: %s", tenant, what);
    state_tell(state_dir, tenant, line);
    free(line);
}
