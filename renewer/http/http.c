/* HTTPS requests, one or many at a time: which goes out when, and ends when. */
#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "http/attempt.h"
#include "http/retry.h"

struct http {
    CURLM *multi;
    struct attempt *attempts; /* in the order of their start */
};

static void must(CURLMcode code)
{
    if (code != CURLM_OK)
        die(EX_SOFTWARE, "libcurl: %s", curl_multi_strerror(code));
}

static void start_libcurl(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

    if (code != CURLE_OK)
        die(EX_SOFTWARE, "libcurl: %s", curl_easy_strerror(code));
}

/*
 * Not in main(): the TLS library takes milliseconds to get ready, and neither
 * `status` nor a run with nothing to ask of Graph sends a request. libcurl ends
 * with the process.
 */
struct http *http_open(void)
{
    static pthread_once_t started = PTHREAD_ONCE_INIT;
    struct http *http = memory_new(1, sizeof(*http));

    pthread_once(&started, start_libcurl);
    http->multi = curl_multi_init();
    if (!http->multi)
        die(EX_OSERR, "out of memory");
    return http;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    http_abandon(http);
    curl_multi_cleanup(http->multi);
    free(http);
}

/* An answer is never NULL, also of what was never sent. */
static void finish(struct attempt *attempt)
{
    if (!attempt->transfer->answer)
        attempt->transfer->answer = memory_new(1, 1);
    attempt->ended = true;
}

void http_start(struct http *http, struct transfer *transfer)
{
    struct attempt *attempt = memory_new(1, sizeof(*attempt));
    struct attempt **end = &http->attempts;
    const char *why = attempt_fault(transfer);

    while (*end)
        end = &(*end)->next;
    *end = attempt;
    attempt->transfer = transfer;
    attempt->send_at = clock_ms();
    transfer->fault = (struct fault){.step = transfer->step};
    transfer->outcome = why ? BROKEN : LATER;
    transfer->answer = NULL;
    transfer->answer_length = 0;
    transfer->status = 0;
    transfer->attempts = 0;
    transfer->seconds = 0;
    if (!why && attempt->send_at >= transfer->deadline)
        why = "no time is left";
    if (why) {
        fault_say(&transfer->fault, transfer->step, "%s", why);
        finish(attempt);
    }
}

/* Another attempt if it is worth it and there is time, else the end. */
static void decide(struct attempt *attempt, struct verdict verdict)
{
    struct transfer *transfer = attempt->transfer;
    int64_t now = clock_ms();
    uint8_t chance;

    if (!verdict.again) {
        finish(attempt);
        return;
    }
    random_bytes(&chance, sizeof(chance));
    int64_t pause =
        retry_pause(transfer->attempts, transfer->fault.retry_after,
                    transfer->pause_ms, transfer->deadline - now, chance);
    attempt->send_at = now + pause;
    attempt->fresh = verdict.fresh;
    if (pause >= 0)
        return;
    if (transfer->fault.retry_after)
        fault_say(&transfer->fault, transfer->step, "asks us to wait %ld s",
                  transfer->fault.retry_after);
    finish(attempt);
}

static void send_what_is_due(struct http *http)
{
    int64_t now = clock_ms();

    for (struct attempt *one = http->attempts; one; one = one->next)
        if (!one->ended && !one->handle && one->send_at <= now) {
            attempt_begin(one);
            must(curl_multi_add_handle(http->multi, one->handle));
        }
}

static void take_what_came(struct http *http)
{
    CURLMsg *message;
    int running, left;

    must(curl_multi_perform(http->multi, &running));
    while ((message = curl_multi_info_read(http->multi, &left))) {
        CURLcode code = message->data.result;
        char *attempt;

        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              &attempt) != CURLE_OK)
            continue;
        must(curl_multi_remove_handle(http->multi, message->easy_handle));
        decide((struct attempt *)(void *)attempt,
               attempt_end((struct attempt *)(void *)attempt, code));
    }
}

/* Takes one that has ended out of the list. `wanted`: this one; NULL: any. */
static struct transfer *take_ended(struct http *http,
                                   const struct transfer *wanted)
{
    for (struct attempt **at = &http->attempts; *at; at = &(*at)->next) {
        struct attempt *attempt = *at;
        struct transfer *transfer = attempt->transfer;

        if (!attempt->ended || (wanted && transfer != wanted))
            continue;
        *at = attempt->next;
        free(attempt);
        return transfer;
    }
    return NULL;
}

/* Sleeps until something comes, an attempt is due, or `until`. */
static void wait_for_more(struct http *http, int64_t until)
{
    int64_t now = clock_ms();

    for (struct attempt *one = http->attempts; one; one = one->next)
        if (!one->ended && !one->handle && one->send_at < until)
            until = one->send_at;
    int64_t pause = until - now;
    if (pause > 1000) /* libcurl's clocks end it sooner, where they must */
        pause = 1000;
    if (pause > 0)
        must(curl_multi_poll(http->multi, NULL, 0, (int)pause, NULL));
}

static struct transfer *next_ended(struct http *http, int64_t until,
                                   const struct transfer *wanted)
{
    while (http->attempts) {
        send_what_is_due(http);
        take_what_came(http);
        struct transfer *transfer = take_ended(http, wanted);
        if (transfer)
            return transfer;
        if (clock_ms() >= until)
            return NULL;
        wait_for_more(http, until);
    }
    return NULL;
}

struct transfer *http_next(struct http *http, int64_t until)
{
    return next_ended(http, until, NULL);
}

enum outcome http_send(struct http *http, struct transfer *transfer)
{
    http_start(http, transfer);
    next_ended(http, INT64_MAX, transfer);
    return transfer->outcome;
}

void http_abandon(struct http *http)
{
    while (http->attempts) {
        struct attempt *attempt = http->attempts;
        struct transfer *transfer = attempt->transfer;

        http->attempts = attempt->next;
        if (attempt->handle) {
            must(curl_multi_remove_handle(http->multi, attempt->handle));
            attempt_drop(attempt);
        }
        if (!attempt->ended) {
            transfer->outcome =
                transfer->once && attempt->sent ? UNSURE : LATER;
            fault_say(&transfer->fault, transfer->step, "given up");
            finish(attempt);
        }
        free(attempt);
    }
}
