/* Messages on standard error, one line each. */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/progress.h"

/* Longest message; what is over it is cut. */
#define LINE_MAX_BYTES 1024

bool log_verbose;

/* In one write, so that threads do not mix their lines. */
__attribute__((format(printf, 1, 0))) static void write_line(const char *format,
                                                             va_list arguments)
{
    static const char hex[] = "0123456789abcdef";
    static const char name[] = "callhook-renewer: ";
    char message[LINE_MAX_BYTES];
    char line[sizeof(name) + 4 * sizeof(message)];
    size_t n = sizeof(name) - 1;
    int saved = errno;

    vsnprintf(message, sizeof(message), format, arguments);
    memcpy(line, name, n);
    for (const char *s = message; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c >= ' ' && c <= '~') {
            line[n++] = (char)c;
        } else {
            line[n++] = '\\';
            line[n++] = 'x';
            line[n++] = hex[c >> 4];
            line[n++] = hex[c & 15];
        }
    }
    line[n++] = '\n';
    progress_hide();
    /* There is nobody to tell if standard error is gone. */
    if (write(STDERR_FILENO, line, n) < 0)
        errno = saved;
    errno = saved;
}

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_detail(const char *format, ...)
{
    va_list arguments;

    if (!log_verbose)
        return;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_print(const char *text)
{
    for (; *text; text++)
        putchar(isprint((unsigned char)*text) ? *text : '?');
}

void die(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
    exit(status);
}
