/* Faults on standard error, each once an hour. */
#include "base/report.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"

#define QUIET_SECONDS 3600

/* What is kept of a line: 64 bits of its digest. */
#define KEY_SIZE 17

/* A tenant has few different faults within an hour. */
#define TOLD_MAX 50

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

void report_line(const char *state_dir, const char *name, const char *line)
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
    old = private_file_read(path, 8192, &old_length, why, sizeof(why));
    found = stream && keep_fresh(old, key, clock_wall(), stream);
    if (!found || log_verbose)
        log_line("%s", line);
    if (stream) {
        if (!found)
            fprintf(stream, "%" PRId64 " %s\n", clock_wall(), key);
        fclose(stream);
        if (!found)
            private_file_write(path, kept, length);
    }
    pthread_mutex_unlock(&lock);
    free(kept);
    free(old);
    free(fault);
    free(path);
}

void report_fault(const char *state_dir, const char *tenant,
                  const struct fault *fault)
{
    char what[FAULT_SIZE];
    char *line;

    fault_print(fault, what, sizeof(what));
    line = memory_print("%s: %s", tenant, what);
    report_line(state_dir, tenant, line);
    free(line);
}
