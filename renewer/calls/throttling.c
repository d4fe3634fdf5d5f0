/* How long Graph asked to be left alone, from one run to the next. */
#include "calls/throttling.h"

#include <string.h>

#include "base/result.h"

/* As the database names them. */
static const char *const names[THROTTLING_STEPS] = {
    [THROTTLING_LIST] = "list",
    [THROTTLING_LOGS] = "logs",
    [THROTTLING_RECORDS] = "records",
};

struct throttling throttling_read(struct database *database,
                                  const char *tenant_id)
{
    struct throttling throttling = {0};
    PGresult *result =
        database_run(database, "SELECT step FROM callhook_store.throttled($1)",
                     DATABASE_VALUES(tenant_id));

    for (int row = 0; row < PQntuples(result); row++)
        for (size_t i = 0; i < THROTTLING_STEPS; i++)
            if (strcmp(result_text(result, row, "step"), names[i]) == 0)
                throttling.waits[i] = true;
    PQclear(result);
    return throttling;
}

void throttling_note(struct database *database, const char *tenant_id,
                     enum throttling_step step, const struct fault *fault)
{
    if (fault->retry_after > 0)
        database_do(database,
                    "SELECT callhook_store.note_throttling($1, $2, $3)",
                    DATABASE_VALUES(tenant_id, names[step],
                                    database_number(fault->retry_after).text));
}
