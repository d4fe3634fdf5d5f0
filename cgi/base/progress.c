/* How far long work is: one line that is written over and over. */
#include "base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define REWRITE_US 250000
#define WIDTH_MOST 200
#define WIDTH_DEFAULT 80

/* An average over less time would jump. */
#define RATE_US 1000000

static struct {
    const char *work; /* NULL: none, or no terminal */
    const char *unit;
    uint64_t total;
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

/* ", 12/s, 3 min left" */
static void print_rate(char *text, size_t size, uint64_t done, uint64_t us)
{
    uint64_t left = done ? (now.total - done) * us / done / RATE_US : 0;
    bool long_left = left >= 120;

    *text = '\0';
    if (done && us >= RATE_US)
        snprintf(text, size, ", %" PRIu64 "/s, %" PRIu64 " %s left",
                 done * RATE_US / us, long_left ? left / 60 : left,
                 long_left ? "min" : "s");
}

static void rewrite(uint64_t done)
{
    char line[2 * WIDTH_MOST + 2] = "\r", rate[80];
    size_t width = columns(), length;

    now.written = clock_now();
    print_rate(rate, sizeof(rate), done, (uint64_t)(now.written - now.began));
    snprintf(line + 1, width + 1, "%s: %" PRIu64 " of %" PRIu64 " %s%s",
             now.work, done, now.total, now.unit, rate);
    length = strlen(line);
    while (length <= (size_t)shown && length <= width)
        line[length++] = ' ';
    shown = (sig_atomic_t)length - 1;
    write_out(line, length);
}

void progress_begin(const char *work, uint64_t total, const char *unit)
{
    if (!isatty(STDERR_FILENO))
        return;
    now.work = work;
    now.unit = unit;
    now.total = total;
    now.began = clock_now();
    catch_ends();
    rewrite(0);
}

void progress_at(uint64_t done)
{
    if (now.work && clock_now() - now.written >= REWRITE_US)
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
    if (!now.work)
        return;
    progress_hide();
    now.work = NULL;
    for (size_t i = 0; i < ENDS; i++)
        sigaction(ends[i], &before[i], NULL);
}
