/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#ifndef RENEWER_RECORDSTORE_H
#define RENEWER_RECORDSTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "database.h"
#include "reading.h"

/* A tenant's. All functions are false where the database failed. */
struct recordstore {
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
 * first page: ids, an array literal. */
bool recordstore_want(const struct recordstore *store, const char *ids);

/*
 * Claims calls that are due, of these ids if there are any: a list of new
 * readings. Those that an earlier reading has pages of know where it stopped.
 */
bool recordstore_claim(const struct recordstore *store, const char *ids,
                       struct reading **readings);

/* Stores the answer of the reading as a page of its kind. */
bool recordstore_page(const struct recordstore *store,
                      const struct reading *reading);

/*
 * Makes the records of those readings in a list visible that are whole; first
 * stores the bodies that they hold. One that has changed stays claimed, without
 * its pages. A record that the database does not take fails alone.
 */
bool recordstore_finish(const struct recordstore *store,
                        struct reading *readings, struct finished *finished);

/* Gives a claimed call back, to be read (on) after so many seconds. */
bool recordstore_release(const struct recordstore *store,
                         const struct reading *reading, long seconds);

/* Notes that the record could not be read, and why. */
bool recordstore_failed(const struct recordstore *store,
                        const struct reading *reading,
                        const struct fault *fault);

#endif
