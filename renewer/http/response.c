/* What is read of an answer: some of its headers, and the code of an error. */
#include "http/response.h"

#include <ctype.h>
#include <curl/curl.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"

#define NESTING_MAX 4 /* of innerError */

/* Graph has asked for minutes; more than a day is a mistake. */
#define SANE_SECONDS 86400

/* An identifier that is fit for a log; empty if it is none. */
static void take_name(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);

    *out = '\0';
    if (length < size && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                                      "opqrstuvwxyz"
                                      "0123456789._/-") == length)
        memcpy(out, text, length + 1);
}

static void take_type(struct transfer *transfer, const char *value)
{
    size_t length = strcspn(value, "; \t");

    if (length >= sizeof(transfer->answer_type))
        return;
    for (size_t i = 0; i < length; i++)
        transfer->answer_type[i] = (char)tolower((unsigned char)value[i]);
    transfer->answer_type[length] = '\0';
}

/* Among several the largest that can be meant; without one of those, any. */
static void take_seconds(struct fault *fault, int64_t seconds)
{
    bool sane = seconds <= SANE_SECONDS;

    if (seconds > 0 && (fault->retry_after == 0 ||
                        (sane && (fault->retry_after > SANE_SECONDS ||
                                  seconds > fault->retry_after))))
        fault->retry_after = sane ? (long)seconds : INT32_MAX;
}

/* A Retry-After: a date, or seconds; several may stand behind commas. */
static void take_wait(struct fault *fault, const char *value)
{
    if (isalpha((unsigned char)*value))
        take_seconds(fault, curl_getdate(value, NULL) - clock_wall());
    else
        for (const char *s = value; *s; s += *s == ',') {
            s += strspn(s, " \t");
            size_t digits = strspn(s, "0123456789");
            const char *end = s + digits + strspn(s + digits, " \t");

            if (digits && (!*end || *end == ','))
                take_seconds(fault,
                             digits > 9 ? INT32_MAX : strtol(s, NULL, 10));
            s += strcspn(s, ",");
        }
}

void response_header(struct transfer *transfer, const char *name,
                     const char *value)
{
    struct fault *fault = &transfer->fault;
    time_t date;

    if (strcasecmp(name, "content-type") == 0) {
        take_type(transfer, value);
    } else if (strcasecmp(name, "date") == 0) {
        date = curl_getdate(value, NULL);
        transfer->date = date > 0 ? (int64_t)date : 0;
    } else if (strcasecmp(name, "retry-after") == 0) {
        take_wait(fault, value);
    } else if (strcasecmp(name, "request-id") == 0 ||
               (strcasecmp(name, "x-ms-request-id") == 0 &&
                !*fault->request_id)) {
        take_name(fault->request_id, sizeof(fault->request_id), value);
    }
}

/* {"error":{"code":"...","innerError":{...,"request-id":"..."}}} */
static void read_graph(struct fault *fault, yajl_val error)
{
    const char *code = json_text(error, "code");

    if (code)
        take_name(fault->code, sizeof(fault->code), code);
    for (int i = 0; error && i < NESTING_MAX && !*fault->request_id; i++) {
        const char *id = json_text(error, "request-id");
        yajl_val inner = json_member(error, "innerError");

        if (id)
            take_name(fault->request_id, sizeof(fault->request_id), id);
        error = inner ? inner : json_member(error, "innererror");
    }
}

/* {"error":"invalid_client","error_codes":[7000215],"trace_id":"..."} */
static void read_identity(struct fault *fault, yajl_val answer)
{
    yajl_val codes = json_member(answer, "error_codes");
    const char *trace = json_text(answer, "trace_id");
    char code[sizeof(fault->code)];
    yajl_val first = YAJL_IS_ARRAY(codes) && codes->u.array.len
                         ? codes->u.array.values[0]
                         : NULL;

    take_name(code, sizeof(code), json_text(answer, "error"));
    if (*code && YAJL_IS_INTEGER(first))
        snprintf(fault->code, sizeof(fault->code), "%.50s/AADSTS%lld", code,
                 YAJL_GET_INTEGER(first));
    else
        memcpy(fault->code, code, sizeof(code));
    if (trace && !*fault->request_id)
        take_name(fault->request_id, sizeof(fault->request_id), trace);
}

void response_error(struct transfer *transfer)
{
    yajl_val answer = json_parse(transfer->answer, transfer->answer_length);

    yajl_val error = json_member(answer, "error");
    const char *sentence = json_text(error, "message");
    const char *const secrets[] = {
        transfer->secret ? transfer->secret : transfer->bearer,
        transfer->secret ? transfer->bearer : NULL, NULL};

    if (json_text(answer, "error"))
        read_identity(&transfer->fault, answer);
    else if (error)
        read_graph(&transfer->fault, error);
    if (!sentence)
        sentence = json_text(answer, "error_description");
    if (sentence)
        fault_quote(&transfer->fault, sentence, secrets);
    yajl_tree_free(answer);
}
