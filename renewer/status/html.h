/*
 * Writing HTML: elements, attributes, texts and numbers. All that is not a
 * tag's name is escaped here, so that no caller can forget it.
 */
#ifndef RENEWER_HTML_H
#define RENEWER_HTML_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HTML_DEPTH 24

struct html {
    FILE *stream;
    const char *open[HTML_DEPTH]; /* elements, the outermost first */
    int depth;
    bool in_tag; /* attributes may follow */
};

/* Begins a document. */
void html_begin(struct html *html, FILE *stream);

/* Opens an element; `class` may be NULL. */
void html_open(struct html *html, const char *tag, const char *class);

/* Attributes of the element that was opened last, before anything is in it. */
void html_attribute(struct html *html, const char *name, const char *value);
void html_attribute_print(struct html *html, const char *name,
                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void html_number(struct html *html, const char *name, double value);

/* The attribute `d` of a path, a step at a time: M x y, L x y, V y, H x, Z. */
void html_path_begin(struct html *html);
void html_path_to(struct html *html, char step, double x, double y);
void html_path_end(struct html *html);

/* Content. A text of NULL is nothing. */
void html_text(struct html *html, const char *text);
void html_print(struct html *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A style sheet of ours, as it stands: parts, and NULL at the end. */
void html_style(struct html *html, const char *const *sheet);

void html_close(struct html *html);

/* An element with nothing but a text in it. */
void html_leaf(struct html *html, const char *tag, const char *class,
               const char *text);

/* Closes all that is open. */
void html_end(struct html *html);

#endif
