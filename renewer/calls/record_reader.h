/* The reading of one call record: which page comes next, until it is whole. */
#ifndef RENEWER_RECORD_READER_H
#define RENEWER_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "graph/quota.h"
#include "http/http.h"

#define CALL_ID_SIZE 37 /* a GUID's */

/* Pages of a record, as callhook_store.store_page() names them. */
enum kind { KIND_RECORD, KIND_SESSIONS, KIND_PARTICIPANTS, KINDS };

/* Zero it, set the first two, record_reader_start() it, record_reader_free()
 * it. */
struct reading {
    char call_id[CALL_ID_SIZE];
    char no[24]; /* the number under which the call is claimed */

    enum kind kind;     /* of the page that is asked for, or was answered */
    int pages[KINDS];   /* asked for in each kind: the last one's number */
    char *links[KINDS]; /* to the next page of the kind, not followed yet */
    bool apart;         /* sessions and participants by two requests */
    bool resumed;       /* an earlier reading's pages are among those */
    char *url;          /* of the request */
    struct transfer transfer;

    /* The owner's. */
    struct reading *next;
    enum { READY, FLYING, WHOLE } state;
    bool changed;       /* the version, while it was read: begin anew */
    struct quota quota; /* the record's own */
    size_t lane;        /* how large an answer it may be */
    char *bearer;       /* the request's access token */
    bool reauthorised;  /* it was sent again with another token */
    char *body;         /* of a record that is one page, not stored yet */
    size_t bytes;       /* of all pages that came */
};

/* The word that the database has for the kind of the page. */
const char *record_reader_kind(const struct reading *reading);

/*
 * Makes the first request's URL. Graph documentation has `$expand` with one
 * relationship; `apart` false asks for both at once all the same, which is
 * half of the requests where it is taken.
 */
void record_reader_start(struct reading *reading, const char *graph_url,
                         bool apart);

/*
 * The same for a reading whose pages, links and `apart` are known from an
 * earlier one. False: a link leads away from `graph_url`; begin anew.
 */
bool record_reader_resume(struct reading *reading, const char *graph_url);

/* Whether the request expands both relationships. */
bool record_reader_asks_for_both(const struct reading *reading);

/* Takes what the answered page links to. False: the transfer has the fault. */
bool record_reader_take(struct reading *reading);

/* Goes on to the next page; false: there is none, the record is whole. */
bool record_reader_advance(struct reading *reading, const char *graph_url);

void record_reader_free(struct reading *reading);

#endif
