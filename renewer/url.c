/* What http.h says of URLs, as libcurl reads them. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include "http.h"
#include "memory.h"

struct origin {
    char *scheme;
    char *host;
    char *port;
    bool has_user;
};

static void origin_free(struct origin *origin)
{
    curl_free(origin->scheme);
    curl_free(origin->host);
    curl_free(origin->port);
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return found;
}

static bool get_parts(struct origin *origin, CURLU *url)
{
    origin->has_user =
        has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD);
    return curl_url_get(url, CURLUPART_SCHEME, &origin->scheme, 0) ==
               CURLUE_OK &&
           curl_url_get(url, CURLUPART_HOST, &origin->host, 0) == CURLUE_OK &&
           curl_url_get(url, CURLUPART_PORT, &origin->port,
                        CURLU_DEFAULT_PORT) == CURLUE_OK;
}

/* No parser of URLs agrees with another about any other byte. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '\\')
            return false;
    return true;
}

/* origin_free() in either case. */
static bool read_origin(struct origin *origin, const char *text)
{
    bool sound = false;

    *origin = (struct origin){0};
    if (!is_plain(text))
        return false;
    CURLU *url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        sound = get_parts(origin, url);
    curl_url_cleanup(url);
    return sound;
}

bool http_same_origin(const char *a, const char *b)
{
    struct origin one, other;
    bool one_sound = read_origin(&one, a);
    bool other_sound = read_origin(&other, b);
    bool same = one_sound && other_sound &&
                strcasecmp(one.scheme, other.scheme) == 0 &&
                strcasecmp(one.host, other.host) == 0 &&
                strcmp(one.port, other.port) == 0;

    origin_free(&one);
    origin_free(&other);
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

bool http_url_allowed(const char *url)
{
    struct origin origin;
    bool allowed =
        read_origin(&origin, url) && !origin.has_user &&
        (strcasecmp(origin.scheme, "https") == 0 ||
         (strcasecmp(origin.scheme, "http") == 0 && is_loopback(origin.host)));

    origin_free(&origin);
    return allowed;
}
