/* What the result of an attempt means, and whether another one is worth it. */
#include "http/retry.h"

#define PAUSE_FIRST 1000
#define PAUSE_LATER 3000
#define RETRY_AFTER_MAX 10 /* seconds; beyond it the next run does it */

/*
 * The first line that holds a status counts. `done`: the peer may have done
 * what it was asked to, whatever it says.
 */
static const struct status_rule {
    long from, to;
    enum outcome outcome;
    bool again;
    bool fresh;
    bool done;
    const char *text;
} status_rules[] = {
    {200, 299, DONE, false, false, true, ""},
    {300, 399, REFUSED, false, false, false, "a redirect, not followed"},
    {404, 404, ABSENT, false, false, false, ""},
    {408, 408, LATER, true, true, true, ""},
    {409, 409, CLASH, false, false, false, ""},
    {410, 410, ABSENT, false, false, false, ""},
    {429, 429, LATER, true, false, false, "too many requests"},
    {400, 499, REFUSED, false, false, false, ""},
    {500, 500, LATER, true, true, true, ""},
    {502, 504, LATER, true, true, true, ""},
    {509, 509, LATER, true, true, true, ""},
    {500, 599, LATER, false, false, true, ""},
    {0, 999, LATER, false, false, true, "no status of HTTP"},
};

struct verdict retry_status(long status, bool once)
{
    const struct status_rule *rule = status_rules;

    while (status < rule->from || status > rule->to)
        rule++;
    if (once && rule->done && rule->outcome != DONE)
        return (struct verdict){.outcome = UNSURE, .text = rule->text};
    return (struct verdict){rule->outcome, rule->again, rule->fresh,
                            rule->text};
}

/* What is not here is a fault of the network: LATER, and again. */
static const struct failure_rule {
    CURLcode code;
    enum outcome outcome;
    const char *text;
} failure_rules[] = {
    {CURLE_PEER_FAILED_VERIFICATION, REFUSED, ""},
    {CURLE_SSL_CACERT_BADFILE, BROKEN, "ca_file cannot be read"},
    {CURLE_UNSUPPORTED_PROTOCOL, BROKEN, "libcurl cannot do this protocol"},
    {CURLE_URL_MALFORMAT, BROKEN, "libcurl cannot read the URL"},
    {CURLE_OUT_OF_MEMORY, BROKEN, "out of memory"},
    {CURLE_COULDNT_RESOLVE_HOST, LATER, "the name cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, LATER, "the proxy's name is not resolved"},
    {CURLE_COULDNT_CONNECT, LATER, "cannot connect"},
    {CURLE_SSL_CONNECT_ERROR, LATER, "the TLS handshake failed"},
    {CURLE_GOT_NOTHING, LATER, "the connection ended without an answer"},
    {CURLE_ABORTED_BY_CALLBACK, LATER,
     "the connection ended without an answer"},
    {CURLE_SEND_ERROR, LATER, "the connection broke"},
    {CURLE_RECV_ERROR, LATER, "the connection broke"},
    {CURLE_PARTIAL_FILE, LATER, "the answer was cut"},
    {CURLE_WEIRD_SERVER_REPLY, LATER, "the answer is no HTTP"},
};

static struct failure_rule find_failure(CURLcode code)
{
    for (size_t i = 0; i < sizeof(failure_rules) / sizeof(*failure_rules); i++)
        if (failure_rules[i].code == code)
            return failure_rules[i];
    return (struct failure_rule){code, LATER, curl_easy_strerror(code)};
}

struct verdict retry_failure(CURLcode code, bool sent, bool once)
{
    if (sent && code == CURLE_UNSUPPORTED_PROTOCOL) /* taken for HTTP/0.9 */
        code = CURLE_WEIRD_SERVER_REPLY;
    struct failure_rule rule = find_failure(code);

    if (code == CURLE_OPERATION_TIMEDOUT)
        rule.text = sent ? "no answer in time" : "connecting took too long";
    if (sent && once)
        return (struct verdict){.outcome = UNSURE, .text = rule.text};
    if (rule.outcome != LATER)
        return (struct verdict){.outcome = rule.outcome, .text = rule.text};
    return (struct verdict){LATER, true, true, rule.text};
}

int64_t retry_pause(int attempt, long retry_after, int64_t least, int64_t left,
                    unsigned chance)
{
    int64_t pause = attempt == 1 ? PAUSE_FIRST : PAUSE_LATER;

    if (attempt >= RETRY_ATTEMPTS || retry_after > RETRY_AFTER_MAX)
        return -1;
    if (pause < least)
        pause = least;
    if (retry_after > 0)
        pause = (int64_t)retry_after * 1000;
    pause += pause * (chance % 256) / 1024;
    return pause < left ? pause : -1;
}
