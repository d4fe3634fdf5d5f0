/* How a step ended, and what there is to say about it. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void fault_say(struct fault *fault, const char *step, const char *format, ...)
{
    va_list arguments;

    fault->step = step;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
}

void fault_print(const struct fault *fault, char *line, size_t size)
{
    char status[32] = "";

    if (fault->status)
        snprintf(status, sizeof(status), "HTTP %ld", fault->status);
    snprintf(line, size, "%s: %s%s%s%s%s%s%s%s%s", fault->step, fault->text,
             *fault->text && *status ? ", " : "", status,
             *fault->code ? ", code " : "", fault->code,
             *fault->request_id ? ", request-id " : "", fault->request_id,
             *fault->client_request_id ? ", client-request-id " : "",
             fault->client_request_id);
}

void fault_log(const struct fault *fault, const char *tenant)
{
    char what[FAULT_SIZE];

    fault_print(fault, what, sizeof(what));
    log_line("%s: %s", tenant, what);
}
