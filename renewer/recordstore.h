/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#ifndef RENEWER_RECORDSTORE_H
#define RENEWER_RECORDSTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "database.h"
#include "reading.h"

/* What became of the readings that were finished. */
struct finished {
    size_t stored;  /* new, or in a newer version */
    size_t same;    /* as it was stored, or older */
    size_t changed; /* while they were read: due again at once */
    size_t refused; /* no record, or a part is missing */
    size_t lost;    /* somebody else reads them now */
    size_t untaken; /* the database did not take them */
};

/* Makes calls due, of which nothing may be known: ids, an array literal. */
bool recordstore_want(struct database *database, const char *tenant_id,
                      const char *ids);

/*
 * Claims calls that are due: a list of new readings, with nothing but their
 * ids. False: the database failed.
 */
bool recordstore_claim(struct database *database, const char *tenant_id,
                       int most, struct reading **readings);

/* Stores the answer of the reading as a page of its kind. */
bool recordstore_page(struct database *database, const char *tenant_id,
                      const struct reading *reading);

/*
 * Makes the records of a list of readings visible; first stores the bodies
 * that they hold. A record that the database does not take fails alone. False:
 * the database is gone.
 */
bool recordstore_finish(struct database *database, const char *tenant_id,
                        const struct reading *readings,
                        struct finished *finished);

/* Gives a claimed call back, to be read after so many seconds. */
bool recordstore_release(struct database *database, const char *tenant_id,
                         const struct reading *reading, long seconds);

/* Notes that the record could not be read, and why. */
bool recordstore_failed(struct database *database, const char *tenant_id,
                        const struct reading *reading,
                        const struct fault *fault);

#endif
