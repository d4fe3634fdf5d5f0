/* Graph's handshake, posted to the own URL as Graph would. */
#include "commands/handshake.h"

#include "base/clock.h"
#include "base/guid.h"
#include "base/memory.h"
#include "base/url.h"

/* Graph documentation: the token must come back within 10 s. */
#define LIMIT_SECONDS 10.0
#define DEADLINE_MS 15000

/* Longer than any token; a web page instead of it is not read to its end. */
#define ANSWER_LIMIT 65536

static const char step[] = "handshake";

/* With everything that is coded in another way in a query; opaque. */
static char *make_token(void)
{
    char id[GUID_SIZE];

    guid_make(id);
    return memory_print("Validation: Testing callhook 100%% + \xc3\xa4 "
                        "Request-Id: %s",
                        id);
}

static char *make_url(const char *url, const char *token)
{
    char *encoded = memory_new(strlen(token) + 1, 3);

    url_form_value(encoded, token);
    char *text = memory_print("%s%cvalidationToken=%s", url,
                              strchr(url, '?') ? '&' : '?', encoded);
    free(encoded);
    return text;
}

char *handshake_public_url(const char *url)
{
    return memory_copy_bytes(url, strcspn(url, "?"));
}

struct tenant handshake_direct(const struct tenant *tenant, const char *url)
{
    static char none[] = "";
    struct tenant direct = *tenant;

    direct.proxy = none;
    if (!url_is_loopback(url)) /* Graph trusts public authorities only */
        direct.ca_file = none;
    return direct;
}

/* Statuses that a web server gives for faults that are known. */
static const struct advice {
    long status;
    const char *text;
} advices[] = {
    {400, "is it callhook that answers there? It takes this token"},
    {401, "the web server must ask for no password there"},
    {403, "the web server must let everybody in there, or Graph's addresses "
          "and this machine's"},
    {404, "no callhook is under this path; see the web server's configuration"},
    {405, "the web server must let POST through to callhook"},
    {502, "the web server does not reach callhook: is it running, and may the "
          "web server open its socket?"},
    {503, "the web server does not reach callhook, or it has no room: see its "
          "messages"},
    {504, "callhook does not answer the web server in time: see its messages"},
};

const char *handshake_advice(const struct transfer *transfer)
{
    if (transfer->status == 0)
        return "see to DNS, the firewall, and the certificate with all of its "
               "chain: Graph trusts public authorities only";
    if (transfer->status >= 300 && transfer->status < 400)
        return "Graph follows no redirect: set the URL to where it leads";
    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
        if (advices[i].status == transfer->status)
            return advices[i].text;
    return "see the web server's messages";
}

/* An answer has come with status 200: is it the token? */
static const char *judge(const struct transfer *transfer, const char *token)
{
    if (transfer->status != 200)
        return "the status must be 200: is it callhook that answers there?";
    if (strcmp(transfer->answer_type, "text/plain") != 0)
        return "Content-Type must be text/plain: is it callhook that answers "
               "there, and does nothing change its answers?";
    if (transfer->answer_length != strlen(token) ||
        memcmp(transfer->answer, token, transfer->answer_length) != 0)
        return "the body is not the token, decoded: does something between "
               "change the query or the answer?";
    if (transfer->seconds > LIMIT_SECONDS)
        return "it took over 10 s, and Graph waits no longer";
    return NULL;
}

static void conclude(struct handshake *handshake,
                     const struct transfer *transfer, const char *token)
{
    handshake->seconds = transfer->seconds;
    if (transfer->outcome != DONE) {
        struct fault fault = transfer->fault;
        char what[FAULT_SIZE];

        *fault.client_request_id = '\0'; /* Graph's; no use to our own site */
        fault_print(&fault, what);
        snprintf(handshake->why, sizeof(handshake->why), "%.220s: %.170s", what,
                 handshake_advice(transfer));
    } else {
        const char *why = judge(transfer, token);

        snprintf(handshake->why, sizeof(handshake->why), "%s", why ? why : "");
    }
}

bool handshake_try(struct handshake *handshake, struct http *http,
                   const struct tenant *tenant, const char *url)
{
    struct tenant direct = handshake_direct(tenant, url);
    char *token = make_token();
    char *target = make_url(url, token);
    struct transfer transfer = {
        .tenant = &direct,
        .step = step,
        .method = "POST",
        .url = target,
        .content_type = "text/plain; charset=utf-8",
        .accept = "text/plain",
        .limit = ANSWER_LIMIT,
        .deadline = clock_ms() + DEADLINE_MS,
        .once = true, /* Graph does not try it again either */
    };

    http_send(http, &transfer);
    conclude(handshake, &transfer, token);
    transfer_free(&transfer);
    free(target);
    free(token);
    return !*handshake->why;
}
