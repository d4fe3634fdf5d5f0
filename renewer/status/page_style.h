/* The page's style sheet, in parts; NULL is its end. */
#ifndef RENEWER_PAGE_STYLE_H
#define RENEWER_PAGE_STYLE_H

extern const char *const page_style[];

#endif
