/* What results mean, pauses, headers, error bodies. No network. */
#include "http/response.h"
#include "http/retry.h"
#include "unit.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/attempt.h"
#include "http/http.h"

static const struct status_case {
    const char *name;
    long status;
    enum outcome outcome;
    bool again;
    bool fresh;
    enum outcome once; /* the outcome where it goes out only once */
    bool once_again;
} status_cases[] = {
    {"200", 200, DONE, false, false, DONE, false},
    {"201", 201, DONE, false, false, DONE, false},
    {"202", 202, DONE, false, false, DONE, false},
    {"204", 204, DONE, false, false, DONE, false},
    {"301", 301, REFUSED, false, false, REFUSED, false},
    {"302", 302, REFUSED, false, false, REFUSED, false},
    {"304", 304, REFUSED, false, false, REFUSED, false},
    {"308", 308, REFUSED, false, false, REFUSED, false},
    {"400", 400, REFUSED, false, false, REFUSED, false},
    {"401", 401, REFUSED, false, false, REFUSED, false},
    {"403", 403, REFUSED, false, false, REFUSED, false},
    {"404", 404, ABSENT, false, false, ABSENT, false},
    {"406", 406, REFUSED, false, false, REFUSED, false},
    {"408", 408, LATER, true, true, UNSURE, false},
    {"409", 409, CLASH, false, false, CLASH, false},
    {"410", 410, ABSENT, false, false, ABSENT, false},
    {"424", 424, REFUSED, false, false, REFUSED, false},
    {"429", 429, LATER, true, false, LATER, true},
    {"500", 500, LATER, true, true, UNSURE, false},
    {"501", 501, LATER, false, false, UNSURE, false},
    {"502", 502, LATER, true, true, UNSURE, false},
    {"503", 503, LATER, true, true, UNSURE, false},
    {"504", 504, LATER, true, true, UNSURE, false},
    {"507", 507, LATER, false, false, UNSURE, false},
    {"509", 509, LATER, true, true, UNSURE, false},
    {"599", 599, LATER, false, false, UNSURE, false},
    {"600", 600, LATER, false, false, UNSURE, false},
    {"999", 999, LATER, false, false, UNSURE, false},
    {"101", 101, LATER, false, false, UNSURE, false},
};

TEST_EACH(status, status_cases, c)
{
    struct verdict often = retry_status(c->status, false);
    struct verdict once = retry_status(c->status, true);

    assert_int_equal(often.outcome, c->outcome);
    assert_int_equal(often.again, c->again);
    assert_int_equal(often.fresh, c->fresh);
    assert_int_equal(once.outcome, c->once);
    assert_int_equal(once.again, c->once_again);
    assert_non_null(often.text);
    assert_non_null(once.text);
}

static const struct failure_case {
    const char *name;
    CURLcode code;
    bool sent;
    bool once;
    enum outcome outcome;
    bool again;
    const char *text;
} failure_cases[] = {
    {"refused", CURLE_COULDNT_CONNECT, false, false, LATER, true,
     "cannot connect"},
    {"refused, once", CURLE_COULDNT_CONNECT, false, true, LATER, true,
     "cannot connect"},
    {"no name, once", CURLE_COULDNT_RESOLVE_HOST, false, true, LATER, true,
     "the name cannot be resolved"},
    {"slow to connect", CURLE_OPERATION_TIMEDOUT, false, true, LATER, true,
     "connecting took too long"},
    {"slow to answer", CURLE_OPERATION_TIMEDOUT, true, false, LATER, true,
     "no answer in time"},
    {"slow to answer, once", CURLE_OPERATION_TIMEDOUT, true, true, UNSURE,
     false, "no answer in time"},
    {"no answer", CURLE_GOT_NOTHING, true, false, LATER, true,
     "the connection ended without an answer"},
    {"no answer, once", CURLE_GOT_NOTHING, true, true, UNSURE, false,
     "the connection ended without an answer"},
    {"dead connection", CURLE_ABORTED_BY_CALLBACK, true, false, LATER, true,
     "the connection ended without an answer"},
    {"dead connection, once", CURLE_ABORTED_BY_CALLBACK, true, true, UNSURE,
     false, "the connection ended without an answer"},
    {"cut, once", CURLE_PARTIAL_FILE, true, true, UNSURE, false,
     "the answer was cut"},
    {"no HTTP", CURLE_UNSUPPORTED_PROTOCOL, true, false, LATER, true,
     "the answer is no HTTP"},
    {"no HTTPS", CURLE_UNSUPPORTED_PROTOCOL, false, false, BROKEN, false,
     "libcurl cannot do this protocol"},
    {"certificate", CURLE_PEER_FAILED_VERIFICATION, false, false, REFUSED,
     false, ""},
    {"certificate, once", CURLE_PEER_FAILED_VERIFICATION, false, true, REFUSED,
     false, ""},
    {"ca_file", CURLE_SSL_CACERT_BADFILE, false, false, BROKEN, false,
     "ca_file cannot be read"},
    {"handshake, once", CURLE_SSL_CONNECT_ERROR, false, true, LATER, true,
     "the TLS handshake failed"},
};

TEST_EACH(failure, failure_cases, c)
{
    struct verdict verdict = retry_failure(c->code, c->sent, c->once);

    assert_int_equal(verdict.outcome, c->outcome);
    assert_int_equal(verdict.again, c->again);
    assert_int_equal(verdict.fresh, c->again);
    assert_string_equal(verdict.text, c->text);
}

static const struct pause_case {
    const char *name;
    int attempt;
    long retry_after;
    int64_t least;
    int64_t left;
    int64_t pause; /* the shortest that may be; a quarter more is fine */
} pause_cases[] = {
    {"first", 1, 0, 0, 60000, 1000},
    {"second", 2, 0, 0, 60000, 3000},
    {"third", 3, 0, 0, 60000, -1},
    {"first of the identity platform", 1, 0, 5000, 60000, 5000},
    {"second of the identity platform", 2, 0, 5000, 60000, 5000},
    {"a short one that is no longer", 2, 0, 2000, 60000, 3000},
    {"asked for", 1, 2, 0, 60000, 2000},
    {"asked for, less than ours", 2, 1, 5000, 60000, 1000},
    {"asked for 10 s", 1, 10, 0, 60000, 10000},
    {"asked for 11 s", 1, 11, 0, 60000, -1},
    {"asked for an absurd time", 1, 2147483647, 0, 60000, -1},
    {"asked for, at the end", 3, 1, 0, 60000, -1},
    {"no time left", 1, 0, 0, 1000, -1},
    {"no time left for what was asked", 1, 5, 0, 5000, -1},
    {"past the deadline", 1, 0, 0, -5, -1},
};

TEST_EACH(pauses, pause_cases, c)
{
    for (unsigned chance = 0; chance < 256; chance++) {
        int64_t pause =
            retry_pause(c->attempt, c->retry_after, c->least, c->left, chance);

        if (c->pause < 0) {
            assert_int_equal(pause, -1);
            continue;
        }
        assert_in_range(pause, (uintmax_t)c->pause,
                        (uintmax_t)c->pause * 5 / 4);
    }
    /* Not all come back at the same time. */
    if (c->pause > 0)
        assert_int_not_equal(
            retry_pause(c->attempt, c->retry_after, c->least, c->left, 0),
            retry_pause(c->attempt, c->retry_after, c->least, c->left, 255));
}

TEST(headers)
{
    struct transfer transfer = {0};

    response_header(&transfer, "Content-Type",
                    "Application/JSON; charset=utf-8");
    response_header(&transfer, "DATE", "Sun, 22 Nov 2026 10:00:00 GMT");
    response_header(&transfer, "request-id", "9a3b-1");
    response_header(&transfer, "x-ms-request-id", "other");
    assert_string_equal(transfer.answer_type, "application/json");
    assert_int_equal(transfer.date, 1795341600);
    assert_string_equal(transfer.fault.request_id, "9a3b-1");
    *transfer.fault.request_id = '\0';
    response_header(&transfer, "x-ms-request-id", "other");
    assert_string_equal(transfer.fault.request_id, "other");
    response_header(&transfer, "Request-Id", "better");
    assert_string_equal(transfer.fault.request_id, "better");
}

TEST(odd_headers)
{
    struct transfer transfer = {0};
    char value[2000];

    response_header(&transfer, "", "");
    response_header(&transfer, "request-id", "");
    response_header(&transfer, "request-id", "two words");
    response_header(&transfer, "request-id", "\x1b[2J");
    response_header(&transfer, "date", "yesterday");
    response_header(&transfer, "date", "Thu, 01 Jan 1960 00:00:00 GMT");
    assert_int_equal(transfer.date, 0);
    memset(value, 'x', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    response_header(&transfer, "request-id", value);
    response_header(&transfer, "content-type", value);
    value[80] = '\0';
    response_header(&transfer, "content-type", value);
    assert_string_equal(transfer.answer_type, "");
    response_header(&transfer, "content-type", value + 1);
    assert_int_equal(strlen(transfer.answer_type), 79);
    value[64] = '\0';
    response_header(&transfer, "request-id", value);
    assert_string_equal(transfer.fault.request_id, "");
    response_header(&transfer, "request-id", value + 1);
    assert_int_equal(strlen(transfer.fault.request_id), 63);
}

#define GRAPH(rest) "{\"error\":{\"code\":\"Forbidden\"" rest "}}"

static const struct error_case {
    const char *name;
    const char *body;
    const char *code;
    const char *request_id;
} error_cases[] = {
    {"Graph's",
     GRAPH(",\"message\":\"hidden\",\"innerError\":{\"request-id\":\"r-1\"}"),
     "Forbidden", "r-1"},
    {"Graph's in lower case", GRAPH(",\"innererror\":{\"request-id\":\"r-2\"}"),
     "Forbidden", "r-2"},
    {"nested",
     GRAPH(",\"innerError\":{\"innererror\":{\"request-id\":\"r-3\"}}"),
     "Forbidden", "r-3"},
    {"code with words", "{\"error\":{\"code\":\"Not allowed\"}}", "", ""},
    {"code with a line", "{\"error\":{\"code\":\"a\\nb\"}}", "", ""},
    {"code of 79",
     "{\"error\":{\"code\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     ""},
    {"code of 80",
     "{\"error\":{\"code\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
     "", ""},
    {"empty code", "{\"error\":{\"code\":\"\"}}", "", ""},
    {"no code", "{\"error\":{}}", "", ""},
    {"code that is a number", "{\"error\":{\"code\":5}}", "", ""},
    {"the identity platform's",
     "{\"error\":\"invalid_client\",\"error_description\":\"hidden\","
     "\"error_codes\":[7000215],\"trace_id\":\"t-1\"}",
     "invalid_client/AADSTS7000215", "t-1"},
    {"the identity platform's without a number",
     "{\"error\":\"invalid_scope\"}", "invalid_scope", ""},
    {"empty numbers", "{\"error\":\"invalid_scope\",\"error_codes\":[]}",
     "invalid_scope", ""},
    {"numbers that are none",
     "{\"error\":\"invalid_scope\",\"error_codes\":[\"a b\"]}", "invalid_scope",
     ""},
    {"error with words", "{\"error\":\"no way\",\"error_codes\":[1]}", "", ""},
    {"no JSON", "<html>", "", ""},
    {"nothing", "", "", ""},
    {"a list", "[]", "", ""},
    {"no error", "{\"value\":[]}", "", ""},
};

TEST_EACH(error, error_cases, c)
{
    struct transfer transfer = {
        .answer = memory_copy(c->body),
        .answer_length = strlen(c->body),
    };

    response_error(&transfer);
    assert_string_equal(transfer.fault.code, c->code);
    assert_string_equal(transfer.fault.request_id, c->request_id);
    transfer_free(&transfer);
}

/* The header's is the one that Microsoft's people ask for. */
TEST(request_id_of_the_header_stays)
{
    struct transfer transfer = {.answer = memory_copy(GRAPH(",\"innerError\":{"
                                                            "\"request-id\":"
                                                            "\"r\"}"))};

    transfer.answer_length = strlen(transfer.answer);
    response_header(&transfer, "request-id", "header");
    response_error(&transfer);
    assert_string_equal(transfer.fault.request_id, "header");
    assert_string_equal(transfer.fault.code, "Forbidden");
    transfer_free(&transfer);
}

/* A transfer that fails without a network; it must not be tried at all. */
static struct transfer sound_transfer(void)
{
    return (struct transfer){
        .step = "trial",
        .method = "GET",
        .url = "http://127.0.0.1:1/",
        .limit = 100,
        .deadline = clock_ms() + 60000,
    };
}

static void assert_not_sent(struct transfer transfer, enum outcome outcome,
                            const char *text)
{
    struct http *http = http_open();

    assert_int_equal(http_send(http, &transfer), outcome);
    assert_int_equal(transfer.attempts, 0);
    assert_string_equal(transfer.fault.step, "trial");
    assert_string_equal(transfer.fault.text, text);
    assert_string_equal(transfer.answer, "");
    transfer_free(&transfer);
    http_close(http);
}

TEST(what_must_not_be_sent)
{
    struct transfer transfer = sound_transfer();
    char *large = memory_new(16386, 1);

    memset(large, 'x', 16385);
    transfer.url = "http://a.example/";
    assert_not_sent(transfer, BROKEN, "the URL may not be used");
    transfer = sound_transfer();
    transfer.bearer = "a\r\nX: y";
    assert_not_sent(transfer, BROKEN,
                    "the access token does not fit into a header");
    transfer.bearer = large;
    assert_not_sent(transfer, BROKEN,
                    "the access token does not fit into a header");
    transfer = sound_transfer();
    transfer.prefer = "a\nb";
    assert_not_sent(transfer, BROKEN, "a value does not fit into a header");
    transfer = sound_transfer();
    transfer.accept = "a\x7f";
    assert_not_sent(transfer, BROKEN, "a value does not fit into a header");
    transfer = sound_transfer();
    transfer.content_type = "a\x01";
    assert_not_sent(transfer, BROKEN, "a value does not fit into a header");
    transfer = sound_transfer();
    transfer.deadline = clock_ms();
    assert_not_sent(transfer, LATER, "no time is left");
    free(large);
}

/* Port 1 of the loopback address refuses; a deadline keeps it to one try. */
TEST(a_refused_connection)
{
    struct http *http = http_open();
    struct transfer transfer = sound_transfer();

    transfer.deadline = clock_ms() + 900;
    assert_int_equal(http_send(http, &transfer), LATER);
    assert_int_equal(transfer.attempts, 1);
    assert_int_equal(transfer.status, 0);
    assert_string_equal(transfer.fault.text, "127.0.0.1:1: cannot connect: "
                                             "Connection refused");
    assert_int_equal(strlen(transfer.fault.client_request_id), 36);
    assert_string_equal(transfer.answer, "");
    transfer_free(&transfer);
    http_close(http);
}

TEST(what_is_abandoned)
{
    struct http *http = http_open();
    struct transfer transfers[3] = {sound_transfer(), sound_transfer(),
                                    sound_transfer()};

    transfers[1].url = "ftp://a.example/";
    for (size_t i = 0; i < COUNT(transfers); i++)
        http_start(http, &transfers[i]);
    assert_ptr_equal(http_next(http, 0), &transfers[1]);
    http_abandon(http);
    assert_null(http_next(http, INT64_MAX));
    for (size_t i = 0; i < COUNT(transfers); i++) {
        assert_int_equal(transfers[i].outcome, i == 1 ? BROKEN : LATER);
        assert_non_null(transfers[i].answer);
        transfer_free(&transfers[i]);
    }
    http_close(http);
    http_close(NULL);
}
