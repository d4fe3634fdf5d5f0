/* How a fault of a run is told. */
#include "base/report.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"

#define QUIET_SECONDS 3600

/* What is kept of a line: a hash of 64 bits. */
#define KEY_SIZE 17

/* A tenant has few different faults within an hour. */
#define TOLD_MAX 50

/* FNV-1a: a digest of libcrypto's would have that start up for `status`. */
static void make_key(char key[KEY_SIZE], const char *line)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *line; line++)
        hash = (hash ^ (unsigned char)*line) * 0x100000001b3;
    snprintf(key, KEY_SIZE, "%016" PRIx64, hash);
}

/* Files of lines "TIME KEY LINE", the newest last. */
#define FILE_MAX (TOLD_MAX * (FAULT_SIZE + 200UL))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * `instead`: where state_dir is full or read-only, memory that other users
 * cannot reach keeps it until the machine starts again.
 */
static char *get_path(const char *state_dir, const char *subject, bool instead)
{
    char key[KEY_SIZE];

    if (!instead)
        return memory_print("%s/%s.told", state_dir, subject);
    make_key(key, state_dir);
    return memory_print("/dev/shm/callhook-%u-%s-%s.told", (unsigned)geteuid(),
                        key, subject);
}

/* NULL: nothing was told. */
static char *read_told(const char *state_dir, const char *subject)
{
    char why[200];
    char *text = NULL;

    for (int instead = 1; instead >= 0 && !text; instead--) {
        char *path = get_path(state_dir, subject, instead);
        size_t length;

        text = private_file_read(path, FILE_MAX, &length, why, sizeof(why));
        free(path);
    }
    return text;
}

static void write_told(const char *state_dir, const char *subject,
                       const char *text)
{
    char *path = get_path(state_dir, subject, false);
    char *instead = get_path(state_dir, subject, true);

    if (private_file_write(path, text, strlen(text)))
        unlink(instead);
    else
        private_file_write(instead, text, strlen(text));
    free(path);
    free(instead);
}

/*
 * Copies the lines of the last hour, if `kept` is not NULL; returns whether the
 * key's was among them.
 */
static bool keep_fresh(const char *old, const char *key, int64_t now,
                       FILE *kept)
{
    bool found = false;
    int count = 0;

    for (const char *s = old, *next; s && *s; s = next) {
        size_t length = strcspn(s, "\n");
        char *one;
        int64_t at = strtoll(s, &one, 10);

        next = s + length + (s[length] != '\0');
        one += *one == ' ';
        if (at > now || now - at >= QUIET_SECONDS || count == TOLD_MAX)
            continue;
        if (strncmp(one, key, KEY_SIZE - 1) == 0)
            found = true;
        if (kept)
            fprintf(kept, "%.*s\n", (int)length, s);
        count++;
    }
    return found;
}

/* `same`: what is equal as long as the fault is the same. */
static void tell(const char *state_dir, const char *subject, const char *same,
                 const char *line)
{
    char key[KEY_SIZE];
    char *kept = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&kept, &length);
    char *old;
    bool found;

    make_key(key, same);
    pthread_mutex_lock(&lock);
    old = read_told(state_dir, subject);
    found = stream && keep_fresh(old, key, clock_wall(), stream);
    if (!found || log_verbose)
        log_line("%s", line);
    if (stream) {
        if (!found)
            fprintf(stream, "%" PRId64 " %s %s\n", clock_wall(), key, line);
        fclose(stream);
        write_told(state_dir, subject, kept); /* its time: last seen */
    }
    pthread_mutex_unlock(&lock);
    free(kept);
    free(old);
}

/* Whether it was told of this subject within the hour. */
static bool is_told(const char *state_dir, const char *subject,
                    const char *same)
{
    char key[KEY_SIZE];
    char *old;
    bool found;

    make_key(key, same);
    pthread_mutex_lock(&lock);
    old = read_told(state_dir, subject);
    pthread_mutex_unlock(&lock);
    found = keep_fresh(old, key, clock_wall(), NULL);
    free(old);
    return found;
}

void report_line(const char *state_dir, const char *subject, const char *line)
{
    tell(state_dir, subject, line, line);
}

void report_fault(const char *state_dir, const char *tenant, const char *part,
                  const struct fault *fault)
{
    char what[FAULT_SIZE], same[FAULT_SIZE];
    char *subject, *line;

    fault_print(fault, what);
    fault_print_key(fault, same);
    /* A token that fails fails for the tenant's calls as well. */
    if (*part && !log_verbose && is_told(state_dir, tenant, same))
        return;
    subject = memory_print("%s%s", tenant, part);
    line = memory_print("%s: %s", tenant, what);
    tell(state_dir, subject, same, line);
    free(line);
    free(subject);
}

void report_database(const char *state_dir, const char *what)
{
    char *line = memory_print("database: %s", what);

    report_line(state_dir, REPORT_DATABASE, line);
    free(line);
}

char *report_last(const char *state_dir, const char *subject)
{
    char *told = read_told(state_dir, subject);
    size_t length = told ? strlen(told) : 0;
    char *line = NULL, *last;

    if (length) {
        told[length - 1] = '\0'; /* the last line's end */
        last = strrchr(told, '\n');
        last = strchr(last ? last + 1 : told, ' ');
        last = last ? strchr(last + 1, ' ') : NULL;
        line = memory_copy(last ? last + 1 : "a fault");
    }
    free(told);
    return line;
}

void report_end(const char *state_dir, const char *subject, long seconds)
{
    char *path = get_path(state_dir, subject, false);
    struct stat seen;
    char *last;

    pthread_mutex_lock(&lock);
    last = report_last(state_dir, subject);
    if (last && (stat(path, &seen) != 0 ||
                 clock_wall() - (int64_t)seen.st_mtime >= seconds)) {
        write_told(state_dir, subject, "");
        unlink(path);
        log_line("ended: %s", last);
    }
    pthread_mutex_unlock(&lock);
    free(last);
    free(path);
}
