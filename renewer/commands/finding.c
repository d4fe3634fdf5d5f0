/* What the command `check` finds, a line each. */
#include "commands/finding.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static unsigned faults;

/* Each line at once: what comes next may take seconds. */
void finding_say(enum finding finding, const char *subject, const char *format,
                 ...)
{
    static const char *const words[] = {"ok", "note", "FAULT"};
    char text[1000];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *s = text; *s; s++)
        if (!isprint((unsigned char)*s))
            *s = '?';
    printf("%-8s%s: %s\n", words[finding], subject, text);
    fflush(stdout);
    faults += finding == FAULTY;
}

unsigned finding_faults(void)
{
    return faults;
}
