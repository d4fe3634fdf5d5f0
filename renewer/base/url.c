/* URLs, read more strictly than libcurl does. */
#include "base/url.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

struct parts {
    bool https; /* else http */
    const char *host;
    size_t host_length;
    long port;
};

/* No two parsers of URLs agree about any other byte. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '\\')
            return false;
    return true;
}

/* How long the host is that `text` begins with; 0: there is none. */
static size_t measure_host(const char *text)
{
    size_t n;

    if (*text != '[')
        return strspn(text, LETTERS DIGITS "-._");
    n = strspn(text + 1, "abcdefABCDEF" DIGITS ":.");
    return n && text[1 + n] == ']' ? n + 2 : 0;
}

/* Of what stands behind the host, "" or ":443"; 0: it is none. */
static long read_port(const char *text, size_t length, bool https)
{
    long port;

    if (length == 0)
        return https ? 443 : 80;
    if (*text != ':' || length < 2 || length > 6 ||
        strspn(text + 1, DIGITS) != length - 1)
        return 0;
    port = strtol(text + 1, NULL, 10);
    return port <= 65535 ? port : 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *split(struct parts *parts, const char *url)
{
    parts->https = strncasecmp(url, "https://", 8) == 0;
    if (!parts->https && strncasecmp(url, "http://", 7) != 0)
        return "the URL does not begin with https://";
    parts->host = url + (parts->https ? 8 : 7);
    parts->host_length = measure_host(parts->host);
    size_t authority = strcspn(parts->host, "/?#");
    if (memchr(parts->host, '@', authority))
        return "the URL holds a user name or a password";
    if (!is_plain(url))
        return "the URL holds a character that must be written as %XX";
    if (!parts->host_length)
        return "the URL names no host";
    parts->port = read_port(parts->host + parts->host_length,
                            authority - parts->host_length, parts->https);
    return parts->port ? NULL : "the URL has a host or a port that cannot be";
}

bool url_same_origin(const char *a, const char *b)
{
    struct parts one, other;

    return !split(&one, a) && !split(&other, b) && one.https == other.https &&
           one.port == other.port && one.host_length == other.host_length &&
           strncasecmp(one.host, other.host, one.host_length) == 0;
}

/* Path and query; no path is the same as "/". */
static const char *behind_host(const char *url)
{
    const char *rest = strstr(url, "://") + 3;

    rest += strcspn(rest, "/?#");
    return rest + (*rest == '/');
}

bool url_is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (url_same_origin(a, b) &&
                                 strcmp(behind_host(a), behind_host(b)) == 0);
}

static bool is_host(const struct parts *parts, const char *host)
{
    return strlen(host) == parts->host_length &&
           strncasecmp(host, parts->host, parts->host_length) == 0;
}

static bool names_loopback(const struct parts *parts)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;

    snprintf(host, sizeof(host), "%.*s", (int)parts->host_length, parts->host);
    return is_host(parts, "localhost") || is_host(parts, "[::1]") ||
           (is_host(parts, host) && inet_pton(AF_INET, host, &address) == 1 &&
            ntohl(address.s_addr) >> 24 == 127);
}

bool url_is_loopback(const char *url)
{
    struct parts parts;

    return !split(&parts, url) && names_loopback(&parts);
}

const char *url_form_fault(const char *url)
{
    struct parts parts;

    return split(&parts, url);
}

const char *url_fault(const char *url)
{
    struct parts parts;
    const char *fault = split(&parts, url);

    if (!fault && !parts.https && !names_loopback(&parts))
        return "the URL is not https (http is for loopback addresses only)";
    return fault;
}

char *url_form_value(char *out, const char *value)
{
    static const char hex[] = "0123456789abcdef";

    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (strchr(LETTERS DIGITS "-._", c)) {
            *out++ = (char)c;
        } else if (c == ' ') {
            *out++ = '+';
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    return out;
}
