/* The reading of one call record: which page comes next, until it is whole. */
#ifndef RENEWER_READING_H
#define RENEWER_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "bucket.h"
#include "http.h"
#include "knowledge.h"
#include "page.h"

/* Pages of a record, as callhook_store.store_page() names them. */
enum kind { KIND_RECORD, KIND_SESSIONS, KIND_PARTICIPANTS, KINDS };

/* Zero it, set the first two, reading_start() it, reading_free() it. */
struct reading {
    char call_id[GUID_SIZE];
    char no[24]; /* the number under which the call is claimed */

    struct reading *next; /* in a list of the owner's */
    struct bucket *quota; /* the record's own, from its second page on */
    size_t lane;          /* how large an answer it may be */
    bool reauthorised;    /* it was sent again with another token */
    int64_t begun_at;     /* clock_ms() */

    enum kind kind; /* of the page that is asked for, or was answered */
    int page_no;    /* from 1, in each kind */
    int records;    /* how often the record itself was asked for */
    bool apart;     /* sessions and participants by two requests */
    char *url;      /* of the request; NULL: no page is left */
    char *bearer;   /* its access token */
    struct transfer transfer;
    struct page links; /* still to be followed: sessions and participants */
    char *body;        /* of a record that is one page, not stored yet */
    size_t body_length;
    int pages; /* that came */
};

/* The word that the database has for the kind. */
const char *reading_kind(enum kind kind);

/*
 * Makes the first request's URL. Graph documentation has `$expand` with one
 * relationship; `apart` false asks for both at once all the same, which is
 * half of the requests where it is taken.
 */
void reading_start(struct reading *reading, const char *graph_url, bool apart);

/* Whether the request expands both relationships. */
bool reading_asks_for_both(const struct reading *reading);

/*
 * Takes what the answered page links to. False: it is no page, or a link leads
 * away from `graph_url` (`*strayed`); the token must not go there.
 */
bool reading_take(struct reading *reading, const char *graph_url,
                  bool *strayed);

/* Goes on to the next page; false: there is none, the record is whole. */
bool reading_advance(struct reading *reading, const char *graph_url);

void reading_free(struct reading *reading);

#endif
