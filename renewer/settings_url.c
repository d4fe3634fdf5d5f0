/* Whether a URL of the settings is one. */
#include "settings_url.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What RFC 3986 lets a URL consist of. */
static const char url_characters[] = LETTERS DIGITS "-._~:/?#[]@!$&'()*+,;=%";

/* Skips "https://"; NULL if there is none. */
static const char *skip_scheme(const char *url)
{
    if (strncasecmp(url, "https://", 8) == 0)
        return url + 8;
    if (strncasecmp(url, "http://", 7) == 0)
        return url + 7;
    return NULL;
}

/* How long the host is that `text` begins with; 0: there is none. */
static size_t host_length(const char *text)
{
    size_t n;

    if (*text != '[')
        return strspn(text, LETTERS DIGITS "-._");
    n = strspn(text + 1, "abcdefABCDEF" DIGITS ":.");
    return n && text[1 + n] == ']' ? n + 2 : 0;
}

/* Whether "", or ":443", stands in the `length` bytes. */
static bool is_port(const char *text, size_t length)
{
    if (length == 0)
        return true;
    if (*text != ':' || length < 2 || length > 6 ||
        strspn(text + 1, DIGITS) != length - 1)
        return false;
    long port = strtol(text + 1, NULL, 10);
    return port >= 1 && port <= 65535;
}

const char *settings_url_fault(const char *url, bool origin)
{
    const char *host = skip_scheme(url);

    if (!host)
        return "does not begin with https://";
    size_t authority = strcspn(host, "/?#");
    if (memchr(host, '@', authority))
        return "holds a user name or a password";
    if (url[strspn(url, url_characters)])
        return "holds a character that must be written as %XX";
    if (strchr(url, '#'))
        return "has a fragment (#)";
    size_t length = host_length(host);
    if (!length)
        return "names no host";
    if (!is_port(host + length, authority - length))
        return "has a host or a port that cannot be";
    if (origin && strcmp(host + authority, "") != 0 &&
        strcmp(host + authority, "/") != 0)
        return "has more than scheme, host and port";
    return NULL;
}
