/* Messages on standard error. */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"

#define LINE_MAX_BYTES 1024
#define QUIET_US (60 * INT64_C(1000000))
#define WAIT_MS 100

struct repeat {
    int64_t told; /* clock_now() of the last line, 0: never */
    unsigned long left_out;
};

static struct repeat repeats[LOG_CAUSES];
static pthread_mutex_t repeats_lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether standard error is what systemd says it has joined to the journal. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    char name[48];

    if (!stream || fstat(STDERR_FILENO, &file) != 0)
        return false;
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)file.st_dev,
             (uintmax_t)file.st_ino);
    return strcmp(name, stream) == 0;
}

/* One write(2) a line: lines of threads and of processes do not mix. */
static void write_line(const char *priority, const char *text)
{
    char line[4 * LINE_MAX_BYTES + 16];
    size_t n = (size_t)snprintf(line, sizeof(line), "%scallhook: ", priority);
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    for (const unsigned char *p = (const unsigned char *)text;
         *p && n + 5 < sizeof(line); p++) {
        if (*p >= 0x20 && *p < 0x7f)
            line[n++] = (char)*p;
        else
            n += (size_t)snprintf(line + n, 5, "\\x%02x", *p);
    }
    line[n++] = '\n';
    progress_hide();
    /* Whoever reads the messages may hang; no answer waits for that. (Nor is
     * there anybody to tell that standard error is gone.) */
    if (poll(&out, 1, WAIT_MS) == 0 || write(STDERR_FILENO, line, n) < 0)
        return;
}

void log_line(const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    write_line("", text);
}

void log_notice(const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    write_line(is_journal() ? "<5>" : "", text);
}

void log_cause(enum log_cause cause, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    struct repeat *repeat = &repeats[cause];
    int64_t now = clock_now();
    unsigned long left_out;
    va_list ap;
    int n;

    pthread_mutex_lock(&repeats_lock);
    if (repeat->told && now - repeat->told < QUIET_US) {
        repeat->left_out++;
        pthread_mutex_unlock(&repeats_lock);
        return;
    }
    left_out = repeat->left_out;
    repeat->told = now;
    repeat->left_out = 0;
    pthread_mutex_unlock(&repeats_lock);

    va_start(ap, format);
    n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (left_out && n >= 0 && (size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n,
                 " (and %lu times more since it was last told)", left_out);
    write_line("", text);
}

void die(int status, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    write_line("", text);
    _exit(status);
}
