/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#ifndef RENEWER_RECORD_STORE_H
#define RENEWER_RECORD_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/database.h"
#include "base/fault.h"
#include "base/guid.h"
#include "graph/quota.h"
#include "http/transfer.h"

/* A tenant's. All functions are false where the database failed. */
struct record_store {
    struct database *database;
    const char *tenant_id;
};

/*
 * The reading of one call record: which page comes next, as the database says,
 * and then what it holds. The rest is record_queue.c's.
 */
struct reading {
    char call_id[GUID_SIZE];
    char no[24];   /* the number under which the call is claimed */
    char kind[20]; /* record, sessions or participants_v2 */
    int page_no;   /* from 1 in each kind; 0: all pages are there */
    char *link;    /* Graph's, or the query of the record's own URL, or NULL */
    bool apart;    /* sessions and participants by two requests */
    const char *body; /* once it has come */

    enum {
        READING_MORE,    /* what comes next is set */
        READING_STORED,  /* new, or in a newer version */
        READING_SAME,    /* as it was stored, or older */
        READING_CHANGED, /* while it was read; what comes next is set */
        READING_LARGE,   /* all pages are there: record_large.c stores it */
        READING_BAD,     /* no record, a part is missing, or not to be stored */
        READING_LOST,    /* it is another's by now */
        READING_UNTAKEN, /* the SQLSTATE says why */
    } result;
    char sqlstate[SQLSTATE_SIZE];

    struct reading *next;
    enum { READY, FLYING, BATCHED, READING_STATES } state;
    struct transfer transfer;
    struct quota quota; /* the record's own */
    size_t lane;        /* how large an answer it may be */
    size_t bytes;       /* of all pages that came */
    char *bearer;       /* the request's access token */
    char *url;
    bool reauthorised; /* it was sent again with another token */
    bool resumed;      /* an earlier reading's pages are among those */
    unsigned changes;  /* how often its version has changed meanwhile */
};

/* The SQLSTATE where somebody locks tables for long: forget_person(), or a
 * migration. */
#define RECORD_STORE_LOCKED "55P03"

/* Makes calls due, of which nothing may be known, and to be read from their
 * first page: ids, an array pg_list. */
bool record_store_want(const struct record_store *store, const char *ids);

/*
 * Claims calls that are due, of these ids if there are any: a list of new
 * readings. Those that an earlier reading has pages of go on where it stopped.
 */
bool record_store_claim(const struct record_store *store, const char *ids,
                        struct reading **readings);

/*
 * Stores the pages that have come in one statement, makes the records visible
 * that are whole, and sets the results. A page that the database does not take
 * fails alone.
 */
void record_store_pages(const struct record_store *store,
                        struct reading *const *readings, size_t count);

/* Makes a claim last for ten minutes more, if it is this reading's still. */
bool record_store_keep(const struct record_store *store,
                       const struct reading *reading);

/* Gives a claimed call back, to be read (on) after so many seconds. */
bool record_store_release(const struct record_store *store,
                          const struct reading *reading, long seconds);

/* Notes that the record could not be read, and why. */
bool record_store_failed(const struct record_store *store,
                         const struct reading *reading,
                         const struct fault *fault);

#endif
