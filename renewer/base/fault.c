/* How a step ended, and what there is to say about it. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"

void fault_say(struct fault *fault, const char *step, const char *format, ...)
{
    va_list arguments;

    fault->step = step;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
}

/* Characters of which tokens and secrets are made. */
static const char token_like[] = "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-_.~+=";

/* Longer than a GUID. */
#define SECRET_LENGTH 40

/* Puts "***" in place of so many bytes. */
static char *hide(char *at, size_t length)
{
    size_t rest = strlen(at + length) + 1;

    memmove(at + 3, at + length, rest);
    memset(at, '*', 3);
    return at + 3;
}

static void hide_secrets(char *text, const char *const *secrets)
{
    for (; *secrets; secrets++)
        for (char *s = text;
             strlen(*secrets) >= 4 && (s = strstr(s, *secrets));)
            s = hide(s, strlen(*secrets));
    for (char *s = text; *s;) {
        size_t length = strspn(s, token_like);
        size_t query = *s == '?' ? strcspn(s + 1, " \"'<>") : 0;

        if (length >= SECRET_LENGTH)
            s = hide(s, length);
        else if (query >= 3)
            s = hide(s + 1, query);
        else
            s += length ? length : 1;
    }
}

void fault_quote(struct fault *fault, const char *text,
                 const char *const *secrets)
{
    size_t length;
    char *line;

    text += strspn(text, "\r\n\t ");
    line = memory_copy_bytes(text, strcspn(text, "\r\n"));
    hide_secrets(line, secrets);
    for (char *s = line; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = ' ';
    length = strlen(line);
    if (length >= sizeof(fault->sentence)) {
        length = sizeof(fault->sentence) - 1;
        while (length && (line[length] & 0xc0) == 0x80) /* half a character */
            length--;
    }
    memcpy(fault->sentence, line, length);
    fault->sentence[length] = '\0';
    memory_wipe(line);
}

void fault_print_key(const struct fault *fault, char line[FAULT_SIZE])
{
    char status[32] = "";

    if (fault->status)
        snprintf(status, sizeof(status), "HTTP %ld", fault->status);
    snprintf(line, FAULT_SIZE, "%s: %s%s%s%s%s", fault->step, fault->text,
             *fault->text && *status ? ", " : "", status,
             *fault->code ? ", code " : "", fault->code);
}

void fault_print(const struct fault *fault, char line[FAULT_SIZE])
{
    const struct {
        const char *before, *text, *after;
    } more[] = {
        {", \"", fault->sentence, "\""},
        {", request-id ", fault->request_id, ""},
        {", client-request-id ", fault->client_request_id, ""},
    };

    fault_print_key(fault, line);
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
        size_t n = strlen(line);

        if (*more[i].text)
            snprintf(line + n, FAULT_SIZE - n, "%s%s%s", more[i].before,
                     more[i].text, more[i].after);
    }
}

void fault_log(const struct fault *fault, const char *tenant)
{
    char what[FAULT_SIZE];

    fault_print(fault, what);
    log_line("%s: %s", tenant, what);
}
