/* How far long work is: one line that is written over and over. */
#include "base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"

#define REWRITE_MS 250
#define WIDTH_MOST 200
#define WIDTH_DEFAULT 80

/* An average over less time would jump. */
#define RATE_MS 1000

static struct {
    const char *subject; /* NULL: no work, or no terminal */
    const char *work;
    const char *unit;
    int64_t total;
    int64_t began;
    int64_t written;
} now;

/* Columns of the line that stands there: a signal's handler asks. */
static volatile sig_atomic_t shown;

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

#define ENDS (sizeof(ends) / sizeof(*ends))

static struct sigaction before[ENDS];

static void write_out(const char *text, size_t length)
{
    int saved = errno;

    /* There is nobody to tell if the terminal is gone. */
    if (write(STDERR_FILENO, text, length) < 0)
        errno = saved;
}

/* The signal then does what it would have done: SA_RESETHAND. */
static void end_line(int signal)
{
    if (shown)
        write_out("\n", 1);
    shown = 0;
    raise(signal);
}

static void catch_ends(void)
{
    struct sigaction action = {.sa_handler = end_line,
                               .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler == SIG_DFL)
            sigaction(ends[i], &action, NULL);
    }
}

/* A line that fills the last column would not be written over, but scroll. */
static size_t columns(void)
{
    struct winsize size;
    size_t width = WIDTH_DEFAULT;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        width = size.ws_col;
    return width > WIDTH_MOST ? WIDTH_MOST : width - 1;
}

/* ", 12/s, 3 min left": slow work is told by the minute or hour. */
static void print_rate(char *text, size_t size, int64_t done, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } per[] = {{1000, "s"}, {60000, "min"}, {3600000, "h"}};
    int64_t left = (now.total - done) * ms / (done ? done : 1) / 1000;
    size_t i = 0;

    while (i < 2 && done * per[i].ms < ms)
        i++;
    *text = '\0';
    if (done && ms >= RATE_MS)
        snprintf(text, size, ", %" PRId64 "/%s, %s left", done * per[i].ms / ms,
                 per[i].name, duration_of(left).text);
}

static void rewrite(int64_t done)
{
    char line[2 * WIDTH_MOST + 2] = "\r", rate[80];
    size_t width = columns(), length;

    now.written = clock_ms();
    print_rate(rate, sizeof(rate), done, now.written - now.began);
    snprintf(line + 1, width + 1, "%s: %s: %" PRId64 " of %" PRId64 " %s%s",
             now.subject, now.work, done, now.total, now.unit, rate);
    length = strlen(line);
    while (length <= (size_t)shown && length <= width)
        line[length++] = ' ';
    shown = (sig_atomic_t)length - 1;
    write_out(line, length);
}

void progress_begin(const char *subject, const char *work, int64_t total,
                    const char *unit)
{
    if (!isatty(STDERR_FILENO))
        return;
    now.subject = subject;
    now.work = work;
    now.unit = unit;
    now.total = total;
    now.began = clock_ms();
    catch_ends();
    rewrite(0);
}

void progress_at(int64_t done)
{
    if (now.subject && clock_ms() - now.written >= REWRITE_MS)
        rewrite(done < now.total ? done : now.total);
}

void progress_hide(void)
{
    char line[WIDTH_MOST + 2];
    size_t width = (size_t)shown;

    if (!width)
        return;
    memset(line, ' ', sizeof(line));
    line[0] = '\r';
    line[width + 1] = '\r';
    shown = 0;
    write_out(line, width + 2);
}

void progress_end(void)
{
    if (!now.subject)
        return;
    progress_hide();
    now.subject = NULL;
    for (size_t i = 0; i < ENDS; i++)
        sigaction(ends[i], &before[i], NULL);
}
