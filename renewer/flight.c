/* One transfer on its way: libcurl's handle of an attempt, and what comes. */
#include "flight.h"

#include <openssl/x509.h>
#include <strings.h>
#include <sysexits.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "random.h"

#define CONNECT_MS 5000
#define ATTEMPT_MS 30000
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

static bool fits_header(const char *value)
{
    size_t length = value ? strlen(value) : 0;

    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return false;
    return length <= VALUE_MAX;
}

const char *flight_fault(const struct transfer *transfer)
{
    if (strlen(transfer->url) > VALUE_MAX || !http_url_allowed(transfer->url))
        return "the URL may not be used";
    if (!fits_header(transfer->bearer))
        return "the access token does not fit into a header";
    if (!fits_header(transfer->content_type) ||
        !fits_header(transfer->accept) || !fits_header(transfer->prefer))
        return "a value does not fit into a header";
    return NULL;
}

/* -- what comes from libcurl ------------------------------------------- */

static void make_room(struct flight *flight, size_t needed)
{
    struct transfer *transfer = flight->transfer;
    size_t room = flight->room * 2 > needed ? flight->room * 2 : needed;
    char *larger = memory_new(room, 1);

    memcpy(larger, transfer->answer, transfer->answer_length);
    explicit_bzero(transfer->answer, flight->room);
    free(transfer->answer);
    transfer->answer = larger;
    flight->room = room;
}

/* Taking less than there is makes libcurl end the transfer. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct flight *flight = context;
    struct transfer *transfer = flight->transfer;
    size_t length = size * count;

    if (length > transfer->limit - transfer->answer_length) {
        flight->over = transfer->limit;
        return 0;
    }
    if (transfer->answer_length + length >= flight->room)
        make_room(flight, transfer->answer_length + length + 1);
    memcpy(transfer->answer + transfer->answer_length, bytes, length);
    transfer->answer_length += length;
    transfer->answer[transfer->answer_length] = '\0';
    return length;
}

/* libcurl keeps headers, however long they are, for take_headers(). */
static size_t count_header(char *bytes, size_t size, size_t count,
                           void *context)
{
    struct flight *flight = context;
    size_t length = size * count;

    (void)bytes;
    flight->header_bytes += length;
    if (flight->header_bytes > HEADERS_MAX) {
        flight->over = HEADERS_MAX;
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
    struct flight *flight = context;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    if (flight->sent)
        return CURL_PREREQFUNC_ABORT;
    flight->sent = 1;
    return CURL_PREREQFUNC_OK;
}

/* -- an attempt begins ------------------------------------------------- */

static void add_header(struct flight *flight, const char *name,
                       const char *value)
{
    char *line = memory_print("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(flight->headers, line);

    memory_wipe(line);
    if (!longer)
        die(EX_OSERR, "out of memory");
    flight->headers = longer;
}

static void add_headers(struct flight *flight)
{
    struct transfer *transfer = flight->transfer;
    const char *accept = transfer->accept;

    add_header(flight, "Accept", accept ? accept : "application/json");
    add_header(flight, "Accept-Encoding", "identity");
    add_header(flight, "client-request-id", transfer->fault.client_request_id);
    add_header(flight, "return-client-request-id", "true");
    /* Without a value: libcurl's own header is left out. */
    add_header(flight, "Expect", "");
    add_header(flight, "Content-Type",
               transfer->content_type ? transfer->content_type : "");
    if (transfer->prefer)
        add_header(flight, "Prefer", transfer->prefer);
    if (transfer->bearer) {
        char *value = memory_print("Bearer %s", transfer->bearer);

        add_header(flight, "Authorization", value);
        memory_wipe(value);
    }
    must(curl_easy_setopt(flight->handle, CURLOPT_HTTPHEADER, flight->headers));
}

/* No redirects, cookies, netrc or content coding: those are off by default. */
static void set_limits(struct flight *flight)
{
    CURL *handle = flight->handle;
    int64_t left = flight->transfer->deadline - flight->begun_at;
    long total = left < 1 ? 1 : left < ATTEMPT_MS ? (long)left : ATTEMPT_MS;
    const struct {
        CURLoption option;
        long value;
    } options[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_TIMEOUT_MS, total},
        {CURLOPT_CONNECTTIMEOUT_MS, total < CONNECT_MS ? total : CONNECT_MS},
        {CURLOPT_LOW_SPEED_LIMIT, STALLED_BYTES},
        {CURLOPT_LOW_SPEED_TIME, STALLED_SECONDS},
        {CURLOPT_QUICK_EXIT, 1}, /* a slow resolver must not hold us up */
        {CURLOPT_FRESH_CONNECT, flight->fresh || flight->transfer->once},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* none to the proxy */
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        must(curl_easy_setopt(handle, options[i].option, options[i].value));
}

/*
 * The environment's proxy is ignored. libcurl puts CURLOPT_CAINFO in place of
 * the system's file of certificates, but still looks into the system's folder.
 */
static void set_peer(struct flight *flight)
{
    CURL *handle = flight->handle;
    const struct transfer *transfer = flight->transfer;
    const struct tenant *tenant = transfer->tenant;
    bool plain = strncasecmp(transfer->url, "http:", 5) == 0;

    must(curl_easy_setopt(handle, CURLOPT_URL, transfer->url));
    must(curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR,
                          plain ? "http" : "https"));
    must(curl_easy_setopt(handle, CURLOPT_PROXY, tenant ? tenant->proxy : ""));
    must(curl_easy_setopt(handle, CURLOPT_NOPROXY, ""));
    if (tenant && *tenant->ca_file) {
        must(curl_easy_setopt(handle, CURLOPT_CAINFO, tenant->ca_file));
        must(curl_easy_setopt(handle, CURLOPT_PROXY_CAINFO, tenant->ca_file));
    }
    must(curl_easy_setopt(handle, CURLOPT_USERAGENT,
                          "callhook-renewer/" CALLHOOK_VERSION));
}

static void set_method(struct flight *flight)
{
    CURL *handle = flight->handle;
    const struct transfer *transfer = flight->transfer;
    bool post = strcmp(transfer->method, "POST") == 0;

    if (transfer->body || post) {
        must(curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                              (curl_off_t)transfer->body_length));
        must(curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                              transfer->body ? transfer->body : ""));
    }
    if (!post)
        must(curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, transfer->method));
}

static void set_callbacks(struct flight *flight)
{
    CURL *handle = flight->handle;

    must(curl_easy_setopt(handle, CURLOPT_PRIVATE, flight));
    must(curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body));
    must(curl_easy_setopt(handle, CURLOPT_WRITEDATA, flight));
    must(curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, count_header));
    must(curl_easy_setopt(handle, CURLOPT_HEADERDATA, flight));
    must(curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, before_sending));
    must(curl_easy_setopt(handle, CURLOPT_PREREQDATA, flight));
}

/* Nothing of an earlier attempt may be left. */
static void clear_answer(struct flight *flight)
{
    struct transfer *transfer = flight->transfer;

    if (!transfer->answer) {
        flight->room = FIRST_ROOM;
        transfer->answer = memory_new(flight->room, 1);
    }
    explicit_bzero(transfer->answer, transfer->answer_length);
    transfer->answer_length = 0;
    *transfer->answer_type = '\0';
    transfer->date = 0;
    transfer->fault = (struct fault){.step = transfer->step};
    flight->sent = 0;
    flight->header_bytes = 0;
    flight->over = 0;
}

void flight_begin(struct flight *flight)
{
    clear_answer(flight);
    random_guid(flight->transfer->fault.client_request_id);
    flight->begun_at = clock_ms();
    flight->handle = curl_easy_init();
    if (!flight->handle)
        die(EX_OSERR, "out of memory");
    set_limits(flight);
    set_peer(flight);
    set_method(flight);
    set_callbacks(flight);
    add_headers(flight);
}

/* -- and ends ---------------------------------------------------------- */

void flight_drop(struct flight *flight)
{
    curl_easy_cleanup(flight->handle);
    flight->handle = NULL;
    for (struct curl_slist *one = flight->headers; one; one = one->next)
        explicit_bzero(one->data, strlen(one->data));
    curl_slist_free_all(flight->headers);
    flight->headers = NULL;
}

static long get_long(CURL *handle, CURLINFO info)
{
    long value = 0;

    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

/* The date of a Retry-After may be past, and its number absurd. */
static long get_retry_after(CURL *handle)
{
    curl_off_t seconds = 0;

    if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK ||
        seconds < 0)
        return 0;
    return seconds > INT32_MAX ? INT32_MAX : (long)seconds;
}

/* libcurl compares the name itself and leaves no result of OpenSSL's. */
static const char *certificate_fault(long result)
{
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
        return "it is for another name";
    return X509_verify_cert_error_string(result);
}

static void say_certificate(struct flight *flight, const char *host)
{
    long result = get_long(flight->handle, CURLINFO_SSL_VERIFYRESULT);
    long of_proxy = get_long(flight->handle, CURLINFO_PROXY_SSL_VERIFYRESULT);

    fault_say(&flight->transfer->fault, flight->transfer->step,
              "the certificate of %s is not trusted: %s",
              of_proxy ? "the proxy" : host,
              certificate_fault(of_proxy ? of_proxy : result));
}

/* libcurl's own error texts may quote the peer; these do not. */
static void say_failure(struct flight *flight, CURLcode code, const char *text)
{
    struct transfer *transfer = flight->transfer;
    const char *at = strstr(transfer->url, "://") + 3;
    long connect = get_long(flight->handle, CURLINFO_HTTP_CONNECTCODE);
    long number = get_long(flight->handle, CURLINFO_OS_ERRNO);
    const char *why =
        code == CURLE_COULDNT_CONNECT ? strerrordesc_np((int)number) : NULL;
    bool proxy = transfer->tenant && *transfer->tenant->proxy;
    char host[80];

    snprintf(host, sizeof(host), "%.*s%s", (int)strcspn(at, "/?#"), at,
             proxy ? " by the proxy" : "");
    if (flight->over)
        fault_say(&transfer->fault, transfer->step, "%s: answer over %zu bytes",
                  host, flight->over);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        say_certificate(flight, host);
    else if (!flight->sent && connect >= 300)
        fault_say(&transfer->fault, transfer->step,
                  "%s: the proxy refuses, HTTP %ld", host, connect);
    else
        fault_say(&transfer->fault, transfer->step, "%s: %s%s%s", host, text,
                  number && why ? ": " : "", number && why ? why : "");
}

/* Those of the last answer, none of a proxy's. */
static void take_headers(struct flight *flight)
{
    struct curl_header *header = NULL;

    while ((header =
                curl_easy_nextheader(flight->handle, CURLH_HEADER, -1, header)))
        answer_header(flight->transfer, header->name, header->value);
}

static struct verdict judge(struct flight *flight, CURLcode code)
{
    struct transfer *transfer = flight->transfer;
    struct verdict verdict = retry_failure(code, flight->sent, transfer->once);

    if (code == CURLE_OK && transfer->status) {
        verdict = retry_status(transfer->status, transfer->once);
        fault_say(&transfer->fault, transfer->step, "%s", verdict.text);
        if (verdict.outcome != DONE)
            answer_error(transfer);
        return verdict;
    }
    if (flight->over)
        verdict.again = false; /* it would only be as long again */
    say_failure(flight, code, verdict.text);
    return verdict;
}

struct verdict flight_end(struct flight *flight, CURLcode code)
{
    struct transfer *transfer = flight->transfer;
    int64_t took = clock_ms() - flight->begun_at;

    transfer->attempts++;
    transfer->seconds += (double)took / 1000;
    transfer->status = get_long(flight->handle, CURLINFO_RESPONSE_CODE);
    transfer->fault.status = transfer->status;
    transfer->fault.retry_after = get_retry_after(flight->handle);
    take_headers(flight);
    struct verdict verdict = judge(flight, code);
    transfer->outcome = verdict.outcome;
    log_detail("%s: %s: HTTP %ld, %lld ms, client-request-id %s, request-id %s",
               transfer->tenant ? transfer->tenant->name : "-", transfer->step,
               transfer->status, (long long)took,
               transfer->fault.client_request_id,
               *transfer->fault.request_id ? transfer->fault.request_id : "-");
    flight_drop(flight);
    return verdict;
}
