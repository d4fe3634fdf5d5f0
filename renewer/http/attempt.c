/* One transfer on its way: libcurl's handle of an attempt, and what comes. */
#include "http/attempt.h"

#include <openssl/x509.h>
#include <strings.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/url.h"
#include "http/response.h"
#include "http/retry.h"

#define CONNECT_MS 5000L
#define ATTEMPT_MS 30000L
#define STALLED_SECONDS 25L /* creating waits for two handshakes of 10 s */
#define STALLED_BYTES 10L   /* a second */
#define VALUE_MAX 16384     /* bytes of a header or of a URL */
#define HEADERS_MAX 65536   /* bytes of all headers of an answer */
#define FIRST_ROOM 16384    /* for an answer: a token needs no second one */

/* libcurl refuses an option only without memory or without the feature. */
static void must(CURLcode code)
{
    if (code != CURLE_OK)
        die(EX_SOFTWARE, "libcurl: %s", curl_easy_strerror(code));
}

#define SET(option, value)                                                     \
    must(curl_easy_setopt(attempt->handle, CURLOPT_##option, value))

static bool fits_header(const char *value)
{
    size_t length = value ? strlen(value) : 0;

    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return false;
    return length <= VALUE_MAX;
}

const char *attempt_fault(const struct transfer *transfer)
{
    if (strlen(transfer->url) > VALUE_MAX || url_fault(transfer->url))
        return "the URL may not be used";
    if (!fits_header(transfer->bearer))
        return "the access token does not fit into a header";
    if (!fits_header(transfer->content_type) ||
        !fits_header(transfer->accept) || !fits_header(transfer->prefer))
        return "a value does not fit into a header";
    return NULL;
}

/* -- what comes from libcurl ------------------------------------------- */

static void make_room(struct attempt *attempt, size_t needed)
{
    struct transfer *transfer = attempt->transfer;
    size_t room = attempt->room * 2 > needed ? attempt->room * 2 : needed;
    char *larger = memory_new(room, 1);

    memcpy(larger, transfer->answer, transfer->answer_length);
    explicit_bzero(transfer->answer, attempt->room);
    free(transfer->answer);
    transfer->answer = larger;
    attempt->room = room;
}

/* Taking less than there is makes libcurl end the transfer. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct attempt *attempt = context;
    struct transfer *transfer = attempt->transfer;
    size_t length = size * count;

    if (length > transfer->limit - transfer->answer_length) {
        attempt->over = transfer->limit;
        return 0;
    }
    if (transfer->answer_length + length >= attempt->room)
        make_room(attempt, transfer->answer_length + length + 1);
    memcpy(transfer->answer + transfer->answer_length, bytes, length);
    transfer->answer_length += length;
    transfer->answer[transfer->answer_length] = '\0';
    return length;
}

/* libcurl keeps headers, however long they are, for take_headers(). */
static size_t count_header(char *bytes, size_t size, size_t count,
                           void *context)
{
    struct attempt *attempt = context;
    size_t length = size * count;

    (void)bytes;
    attempt->header_bytes += length;
    if (attempt->header_bytes > HEADERS_MAX) {
        attempt->over = HEADERS_MAX;
        return 0;
    }
    return length;
}

/*
 * Called before the request goes out. Where a kept connection turns out to be
 * dead libcurl sends it a second time by itself: that is for retry.c to judge.
 */
static int before_sending(void *context, char *to, char *from, int to_port,
                          int from_port)
{
    struct attempt *attempt = context;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    if (attempt->sent)
        return CURL_PREREQFUNC_ABORT;
    attempt->sent = 1;
    return CURL_PREREQFUNC_OK;
}

/* -- an attempt begins ------------------------------------------------- */

static void add_header(struct attempt *attempt, const char *name,
                       const char *value)
{
    char *line = memory_print("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(attempt->headers, line);

    memory_wipe(line);
    if (!longer)
        die(EX_OSERR, "out of memory");
    attempt->headers = longer;
}

static void add_headers(struct attempt *attempt)
{
    struct transfer *transfer = attempt->transfer;
    const char *accept = transfer->accept;

    add_header(attempt, "Accept", accept ? accept : "application/json");
    add_header(attempt, "Accept-Encoding", "identity");
    add_header(attempt, "client-request-id", transfer->fault.client_request_id);
    add_header(attempt, "return-client-request-id", "true");
    /* Without a value: libcurl's own header is left out. */
    add_header(attempt, "Expect", "");
    add_header(attempt, "Content-Type",
               transfer->content_type ? transfer->content_type : "");
    if (transfer->prefer)
        add_header(attempt, "Prefer", transfer->prefer);
    if (transfer->bearer) {
        char *value = memory_print("Bearer %s", transfer->bearer);

        add_header(attempt, "Authorization", value);
        memory_wipe(value);
    }
    SET(HTTPHEADER, attempt->headers);
}

/* No redirects, cookies, netrc or content coding: those are off by default. */
static void set_limits(struct attempt *attempt)
{
    int64_t left = attempt->transfer->deadline - attempt->begun_at;
    long total = left < 1 ? 1 : left < ATTEMPT_MS ? (long)left : ATTEMPT_MS;

    SET(NOSIGNAL, 1L);
    SET(TIMEOUT_MS, total);
    SET(CONNECTTIMEOUT_MS, total < CONNECT_MS ? total : CONNECT_MS);
    SET(LOW_SPEED_LIMIT, STALLED_BYTES);
    SET(LOW_SPEED_TIME, STALLED_SECONDS);
    SET(QUICK_EXIT, 1L); /* a slow resolver must not hold us up */
    SET(FRESH_CONNECT, attempt->fresh || attempt->transfer->once ? 1L : 0L);
    SET(FOLLOWLOCATION, 0L);
    SET(DISALLOW_USERNAME_IN_URL, 1L);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(HTTP09_ALLOWED, 0L);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(HEADEROPT, (long)CURLHEADER_SEPARATE); /* none to the proxy */
    SET(SUPPRESS_CONNECT_HEADERS, 1L);
}

/*
 * The environment's proxy is ignored. libcurl puts CURLOPT_CAINFO in place of
 * the system's file of certificates, but still looks into the system's folder.
 */
static void set_peer(struct attempt *attempt)
{
    const struct transfer *transfer = attempt->transfer;
    const struct tenant *tenant = transfer->tenant;
    bool plain = strncasecmp(transfer->url, "http:", 5) == 0;

    SET(URL, transfer->url);
    SET(PROTOCOLS_STR, plain ? "http" : "https");
    SET(PROXY, tenant ? tenant->proxy : "");
    SET(NOPROXY, "");
    if (tenant && *tenant->ca_file) {
        SET(CAINFO, tenant->ca_file);
        SET(PROXY_CAINFO, tenant->ca_file);
    }
    SET(USERAGENT, "callhook-renewer/" CALLHOOK_VERSION);
}

static void set_method(struct attempt *attempt)
{
    const struct transfer *transfer = attempt->transfer;
    bool post = strcmp(transfer->method, "POST") == 0;

    if (transfer->body || post) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_length);
        SET(POSTFIELDS, transfer->body ? transfer->body : "");
    }
    if (!post)
        SET(CUSTOMREQUEST, transfer->method);
}

static void set_callbacks(struct attempt *attempt)
{
    SET(PRIVATE, attempt);
    SET(WRITEFUNCTION, take_body);
    SET(WRITEDATA, attempt);
    SET(HEADERFUNCTION, count_header);
    SET(HEADERDATA, attempt);
    SET(PREREQFUNCTION, before_sending);
    SET(PREREQDATA, attempt);
}

/* Nothing of an earlier attempt may be left. */
static void clear_answer(struct attempt *attempt)
{
    struct transfer *transfer = attempt->transfer;

    if (!transfer->answer) {
        attempt->room = FIRST_ROOM;
        transfer->answer = memory_new(attempt->room, 1);
    }
    explicit_bzero(transfer->answer, transfer->answer_length);
    transfer->answer_length = 0;
    *transfer->answer_type = '\0';
    transfer->date = 0;
    transfer->fault = (struct fault){.step = transfer->step};
    attempt->sent = 0;
    attempt->header_bytes = 0;
    attempt->over = 0;
}

void attempt_begin(struct attempt *attempt)
{
    clear_answer(attempt);
    guid_make(attempt->transfer->fault.client_request_id);
    attempt->begun_at = clock_ms();
    attempt->handle = curl_easy_init();
    if (!attempt->handle)
        die(EX_OSERR, "out of memory");
    set_limits(attempt);
    set_peer(attempt);
    set_method(attempt);
    set_callbacks(attempt);
    add_headers(attempt);
}

/* -- and ends ---------------------------------------------------------- */

void attempt_drop(struct attempt *attempt)
{
    curl_easy_cleanup(attempt->handle);
    attempt->handle = NULL;
    for (struct curl_slist *one = attempt->headers; one; one = one->next)
        explicit_bzero(one->data, strlen(one->data));
    curl_slist_free_all(attempt->headers);
    attempt->headers = NULL;
}

static long get_long(CURL *handle, CURLINFO info)
{
    long value = 0;

    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

/* libcurl compares the name itself and leaves no result of OpenSSL's. */
static const char *certificate_fault(long result)
{
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
        return "it is for another name";
    return X509_verify_cert_error_string(result);
}

static void say_certificate(struct attempt *attempt, const char *host)
{
    long result = get_long(attempt->handle, CURLINFO_SSL_VERIFYRESULT);
    long of_proxy = get_long(attempt->handle, CURLINFO_PROXY_SSL_VERIFYRESULT);

    fault_say(&attempt->transfer->fault, attempt->transfer->step,
              "the certificate of %s is not trusted: %s",
              of_proxy ? "the proxy" : host,
              certificate_fault(of_proxy ? of_proxy : result));
}

/* libcurl's own error texts may quote the peer; these do not. */
static void say_failure(struct attempt *attempt, CURLcode code,
                        const char *text)
{
    struct transfer *transfer = attempt->transfer;
    const char *at = strstr(transfer->url, "://") + 3;
    long connect = get_long(attempt->handle, CURLINFO_HTTP_CONNECTCODE);
    long number = get_long(attempt->handle, CURLINFO_OS_ERRNO);
    const char *why =
        code == CURLE_COULDNT_CONNECT ? strerrordesc_np((int)number) : NULL;
    bool proxy = transfer->tenant && *transfer->tenant->proxy;
    char host[80];

    snprintf(host, sizeof(host), "%.*s%s", (int)strcspn(at, "/?#"), at,
             proxy ? " by the proxy" : "");
    if (attempt->over)
        fault_say(&transfer->fault, transfer->step, "%s: answer over %zu bytes",
                  host, attempt->over);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        say_certificate(attempt, host);
    else if (!attempt->sent && connect >= 300)
        fault_say(&transfer->fault, transfer->step,
                  "%s: the proxy refuses, HTTP %ld", host, connect);
    else
        fault_say(&transfer->fault, transfer->step, "%s: %s%s%s", host, text,
                  number && why ? ": " : "", number && why ? why : "");
}

/* Those of the last answer, none of a proxy's. */
static void take_headers(struct attempt *attempt)
{
    struct curl_header *header = NULL;

    while ((header = curl_easy_nextheader(attempt->handle, CURLH_HEADER, -1,
                                          header)))
        response_header(attempt->transfer, header->name, header->value);
}

/* A byte order mark is no part of JSON, but some peers send it. */
static void drop_mark(struct transfer *transfer)
{
    char *text = transfer->answer;

    if (strncmp(text, "\xef\xbb\xbf{", 4) != 0)
        return;
    transfer->answer_length -= 3;
    memmove(text, text + 3, transfer->answer_length + 1);
}

static struct verdict judge(struct attempt *attempt, CURLcode code)
{
    struct transfer *transfer = attempt->transfer;
    struct verdict verdict = retry_failure(code, attempt->sent, transfer->once);

    if (code == CURLE_OK && transfer->status) {
        verdict = retry_status(transfer->status, transfer->once);
        fault_say(&transfer->fault, transfer->step, "%s", verdict.text);
        if (verdict.outcome != DONE)
            response_error(transfer);
        return verdict;
    }
    if (attempt->over)
        verdict.again = false; /* it would only be as long again */
    say_failure(attempt, code, verdict.text);
    return verdict;
}

struct verdict attempt_end(struct attempt *attempt, CURLcode code)
{
    struct transfer *transfer = attempt->transfer;
    int64_t took = clock_ms() - attempt->begun_at;

    transfer->attempts++;
    transfer->seconds += (double)took / 1000;
    transfer->status = get_long(attempt->handle, CURLINFO_RESPONSE_CODE);
    transfer->fault.status = transfer->status;
    take_headers(attempt);
    drop_mark(transfer);
    struct verdict verdict = judge(attempt, code);
    transfer->outcome = verdict.outcome;
    log_detail("%s: %s: HTTP %ld, %lld ms, client-request-id %s, request-id %s",
               transfer->tenant ? transfer->tenant->name : "-", transfer->step,
               transfer->status, (long long)took,
               transfer->fault.client_request_id,
               *transfer->fault.request_id ? transfer->fault.request_id : "-");
    attempt_drop(attempt);
    return verdict;
}
