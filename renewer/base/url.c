/* What http.h says of URLs, as libcurl reads them. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include "base/url.h"

/* No parser of URLs agrees with another about any other byte. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '\\')
            return false;
    return true;
}

/* NULL: it is no URL. curl_url_cleanup() takes that, too. */
static CURLU *parse(const char *text)
{
    CURLU *url = is_plain(text) ? curl_url() : NULL;

    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

/* NULL: there is none. curl_free() it. */
static char *get(CURLU *url, CURLUPart part)
{
    char *text = NULL;

    if (!url || curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return NULL;
    return text;
}

static bool have_same(CURLU *a, CURLU *b, CURLUPart part)
{
    char *one = get(a, part), *other = get(b, part);
    bool same = one && other && strcasecmp(one, other) == 0;

    curl_free(one);
    curl_free(other);
    return same;
}

bool url_same_origin(const char *a, const char *b)
{
    CURLU *one = parse(a), *other = parse(b);
    bool same = have_same(one, other, CURLUPART_SCHEME) &&
                have_same(one, other, CURLUPART_HOST) &&
                have_same(one, other, CURLUPART_PORT);

    curl_url_cleanup(one);
    curl_url_cleanup(other);
    return same;
}

/* libcurl writes every form of an IPv4 address with four numbers. */
static bool is_loopback(const char *host)
{
    struct in_addr address;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 &&
           ntohl(address.s_addr) >> 24 == 127;
}

bool url_is_allowed(const char *text)
{
    CURLU *url = parse(text);
    char *scheme = get(url, CURLUPART_SCHEME), *host = get(url, CURLUPART_HOST);
    char *user = get(url, CURLUPART_USER);
    char *password = get(url, CURLUPART_PASSWORD);
    bool allowed = scheme && host && !user && !password &&
                   (strcasecmp(scheme, "https") == 0 ||
                    (strcasecmp(scheme, "http") == 0 && is_loopback(host)));

    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(url);
    return allowed;
}
