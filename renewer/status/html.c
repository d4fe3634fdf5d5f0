/* Writing HTML. */
#include "status/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"

static void end_tag_if_open(struct html *html)
{
    if (html->in_tag)
        fputc('>', html->stream);
    html->in_tag = false;
}

/* Controls are no characters of HTML; the database hands out valid UTF-8. */
static void escape(struct html *html, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", html->stream);
            break;
        case '<':
            fputs("&lt;", html->stream);
            break;
        case '>':
            fputs("&gt;", html->stream);
            break;
        case '"':
            fputs("&quot;", html->stream);
            break;
        case '\'':
            fputs("&#39;", html->stream);
            break;
        default:
            if ((unsigned char)*text < ' ' || *text == '\x7f')
                fputc(' ', html->stream);
            else
                fputc(*text, html->stream);
        }
}

static void escape_print(struct html *html, const char *format, va_list values)
{
    char *text = NULL;

    if (vasprintf(&text, format, values) < 0)
        die(EX_OSERR, "out of memory");
    escape(html, text);
    free(text);
}

void html_begin(struct html *html, FILE *stream)
{
    *html = (struct html){.stream = stream};
    fputs("<!DOCTYPE html>\n", stream);
}

void html_open(struct html *html, const char *tag, const char *class)
{
    end_tag_if_open(html);
    if (html->depth == HTML_DEPTH)
        die(EX_SOFTWARE, "html: %s is too deep", tag);
    html->open[html->depth++] = tag;
    fprintf(html->stream, "<%s", tag);
    html->in_tag = true;
    if (class)
        html_attribute(html, "class", class);
}

static void begin_attribute(struct html *html, const char *name)
{
    if (!html->in_tag)
        die(EX_SOFTWARE, "html: %s outside of a tag", name);
    fprintf(html->stream, " %s=\"", name);
}

void html_attribute(struct html *html, const char *name, const char *value)
{
    begin_attribute(html, name);
    escape(html, value);
    fputc('"', html->stream);
}

void html_attribute_print(struct html *html, const char *name,
                          const char *format, ...)
{
    va_list values;

    begin_attribute(html, name);
    va_start(values, format);
    escape_print(html, format, values);
    va_end(values);
    fputc('"', html->stream);
}

/* Tenths are finer than any screen. A page has thousands of them: whole numbers
 * are printed in a fraction of the time of others. */
static void put_number(struct html *html, double value)
{
    long tenths = lround(value * 10);

    fprintf(html->stream, tenths % 10 ? "%s%ld.%ld" : "%s%ld",
            tenths < 0 ? "-" : "", labs(tenths) / 10, labs(tenths) % 10);
}

void html_number(struct html *html, const char *name, double value)
{
    begin_attribute(html, name);
    put_number(html, value);
    fputc('"', html->stream);
}

void html_path_begin(struct html *html)
{
    begin_attribute(html, "d");
}

void html_path_to(struct html *html, char step, double x, double y)
{
    fputc(step, html->stream);
    if (step == 'Z')
        return;
    if (step != 'V')
        put_number(html, x);
    if (step == 'M' || step == 'L')
        fputc(' ', html->stream);
    if (step != 'H')
        put_number(html, y);
}

void html_path_end(struct html *html)
{
    fputc('"', html->stream);
}

void html_text(struct html *html, const char *text)
{
    end_tag_if_open(html);
    if (text)
        escape(html, text);
}

void html_print(struct html *html, const char *format, ...)
{
    va_list values;

    end_tag_if_open(html);
    va_start(values, format);
    escape_print(html, format, values);
    va_end(values);
}

void html_style(struct html *html, const char *const *sheet)
{
    html_open(html, "style", NULL);
    end_tag_if_open(html);
    for (; *sheet; sheet++)
        fputs(*sheet, html->stream);
    html_close(html);
}

static bool is_one_of(const char *tag, const char *const *tags)
{
    for (; *tags; tags++)
        if (strcmp(tag, *tags) == 0)
            return true;
    return false;
}

void html_close(struct html *html)
{
    static const char *const empty[] = {"meta", "br", NULL};
    static const char *const leaves[] = {"rect", "path", "line", "circle",
                                         NULL};
    const char *tag = html->open[--html->depth];

    if (html->in_tag && is_one_of(tag, leaves)) {
        fputs("/>", html->stream);
        html->in_tag = false;
    } else {
        end_tag_if_open(html);
        if (!is_one_of(tag, empty))
            fprintf(html->stream, "</%s>", tag);
    }
    if (html->depth < 5) /* lines, for who reads the source */
        fputc('\n', html->stream);
}

void html_leaf(struct html *html, const char *tag, const char *class,
               const char *text)
{
    html_open(html, tag, class);
    html_text(html, text);
    html_close(html);
}

void html_end(struct html *html)
{
    while (html->depth)
        html_close(html);
}
