/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#ifndef RENEWER_RECORD_STORE_H
#define RENEWER_RECORD_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/database.h"
#include "calls/record_reader.h"

/* A tenant's. All functions are false where the database failed. */
struct record_store {
    struct database *database;
    const char *tenant_id;
};

/* What became of the readings that were finished. */
struct finished {
    size_t stored;  /* new, or in a newer version */
    size_t same;    /* as it was stored, or older */
    size_t changed; /* while they were read: to be read again */
    size_t refused; /* no record, a part is missing, or not to be stored */
    size_t locked;  /* given back: somebody else locks the tables for long */
};

/* Makes calls due, of which nothing may be known, and to be read from their
 * first page: ids, an array pg_list. */
bool record_store_want(const struct record_store *store, const char *ids);

/*
 * Claims calls that are due, of these ids if there are any: a list of new
 * readings. Those that an earlier reading has pages of know where it stopped.
 */
bool record_store_claim(const struct record_store *store, const char *ids,
                        struct reading **readings);

/* Stores the answer of the reading as a page of its kind. */
bool record_store_page(const struct record_store *store,
                       const struct reading *reading);

/*
 * Makes the records of those readings in a list visible that are whole; first
 * stores the bodies that they hold. One that has changed stays claimed, without
 * its pages. A record that the database does not take fails alone.
 */
bool record_store_finish(const struct record_store *store,
                         struct reading *readings, struct finished *finished);

/* Gives a claimed call back, to be read (on) after so many seconds. */
bool record_store_release(const struct record_store *store,
                          const struct reading *reading, long seconds);

/* Notes that the record could not be read, and why. */
bool record_store_failed(const struct record_store *store,
                         const struct reading *reading,
                         const struct fault *fault);

#endif
