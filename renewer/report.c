/* The lines of `check`. */
#include "report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static unsigned faults;

/* Each at once: what comes next may take seconds. */
__attribute__((format(printf, 3, 0))) static void print(const char *kind,
                                                        const char *subject,
                                                        const char *format,
                                                        va_list arguments)
{
    char text[1000];

    vsnprintf(text, sizeof(text), format, arguments);
    for (char *s = text; *s; s++)
        if (!isprint((unsigned char)*s))
            *s = '?';
    printf("%-8s%s: %s\n", kind, subject, text);
    fflush(stdout);
}

void report_ok(const char *subject, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("ok", subject, format, arguments);
    va_end(arguments);
}

void report_note(const char *subject, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("note", subject, format, arguments);
    va_end(arguments);
}

void report_fault(const char *subject, const char *format, ...)
{
    va_list arguments;

    faults++;
    va_start(arguments, format);
    print("FAULT", subject, format, arguments);
    va_end(arguments);
}

unsigned report_faults(void)
{
    return faults;
}
