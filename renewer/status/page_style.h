/* The page's style sheet, in parts; NULL is its end. */
#ifndef RENEWER_PAGE_STYLE_H
#define RENEWER_PAGE_STYLE_H

extern const char *const page_style[];

/* The SHA-256 of all parts in base64: test_page_style says when it changes. */
extern const char page_style_sha256[];

#endif
