/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#include "calls/record_store.h"

#include <string.h>

#include "base/memory.h"
#include "base/pg_list.h"

#define NUMBER_SIZE 24

/* Somebody holds a lock for long: forget_person(), or a migration. */
#define LOCK_NOT_AVAILABLE "55P03"
#define LOCKED_SECONDS 60

/* A statement whose rows are of no interest. */
static bool run(const struct record_store *store, const char *sql, int count,
                const char *const *values)
{
    PGresult *result = database_run(store->database, sql, count, values);

    PQclear(result);
    return result != NULL;
}

bool record_store_want(const struct record_store *store, const char *ids)
{
    const char *const values[] = {store->tenant_id, ids};

    return run(store, "SELECT callhook_store.want_calls($1::uuid, $2::uuid[])",
               2, values);
}

/* Of each kind: how many pages there are, and where the last one leads. */
static struct reading *claimed(const PGresult *result, int row)
{
    struct reading *reading = memory_new(1, sizeof(*reading));

    snprintf(reading->call_id, sizeof(reading->call_id), "%s",
             PQgetvalue(result, row, 0));
    snprintf(reading->no, sizeof(reading->no), "%s",
             PQgetvalue(result, row, 1));
    reading->apart = *PQgetvalue(result, row, 2) == 't';
    for (int i = 0; i < KINDS; i++) {
        reading->pages[i] =
            (int)strtol(PQgetvalue(result, row, 3 + 2 * i), NULL, 10);
        if (!PQgetisnull(result, row, 4 + 2 * i))
            reading->links[i] = memory_copy(PQgetvalue(result, row, 4 + 2 * i));
    }
    return reading;
}

bool record_store_claim(const struct record_store *store, const char *ids,
                        struct reading **readings)
{
    static const char sql[] =
        "SELECT call_id, reading_no, apart, records, NULL,"
        " session_pages, sessions_next, participant_pages, participants_next"
        " FROM callhook_store.claim_calls($1::uuid, 32, $2::uuid[])";
    const char *const values[] = {store->tenant_id, ids};
    PGresult *result = database_run(store->database, sql, 2, values);

    *readings = NULL;
    for (int i = result ? PQntuples(result) : 0; i-- > 0;) {
        struct reading *reading = claimed(result, i);

        reading->next = *readings;
        *readings = reading;
    }
    PQclear(result);
    return result != NULL;
}

bool record_store_page(const struct record_store *store,
                       const struct reading *reading)
{
    char number[NUMBER_SIZE];
    const char *const values[] = {store->tenant_id, reading->call_id,
                                  reading->no,      record_reader_kind(reading),
                                  number,           reading->transfer.answer};

    snprintf(number, sizeof(number), "%d", reading->pages[reading->kind]);
    return run(store,
               "SELECT callhook_store.store_page($1::uuid, $2::uuid,"
               " $3::bigint, $4, $5::integer, $6::json)",
               6, values);
}

static struct reading *find(struct reading *readings, const char *call_id)
{
    while (strcmp(readings->call_id, call_id) != 0)
        readings = readings->next;
    return readings;
}

/* Takes what finish_records() says of the readings, if it says so. */
static void take(struct reading *readings, struct finished *finished,
                 const PGresult *result)
{
    const struct {
        const char *outcome;
        size_t *number;
    } outcomes[] = {
        {"stored", &finished->stored},      {"same", &finished->same},
        {"older", &finished->same},         {"changed", &finished->changed},
        {"incomplete", &finished->refused}, {"bad", &finished->refused},
    };

    for (int i = 0; i < PQntuples(result); i++) {
        const char *outcome = PQgetvalue(result, i, 1);

        for (size_t j = 0; j < sizeof(outcomes) / sizeof(*outcomes); j++)
            if (strcmp(outcome, outcomes[j].outcome) == 0)
                ++*outcomes[j].number;
        if (strcmp(outcome, "changed") == 0)
            find(readings, PQgetvalue(result, i, 0))->changed = true;
    }
}

/* `only`: of the readings in the list this one; NULL: all that are whole. */
static bool finish(const struct record_store *store, struct reading *readings,
                   const struct reading *only, struct finished *finished,
                   char sqlstate[SQLSTATE_SIZE])
{
    struct pg_list calls = {.brackets = "{}"};
    struct pg_list numbers = {.brackets = "{}"};
    struct pg_list bodies = {.brackets = "[]"};
    PGresult *result;

    for (const struct reading *r = readings; r; r = r->next)
        if (only ? r == only : r->state == WHOLE) {
            pg_list_add(&calls, r->call_id);
            pg_list_add(&numbers, r->no);
            pg_list_add(&bodies, r->body ? r->body : "null");
        }
    const char *const values[] = {store->tenant_id, pg_list_end(&calls),
                                  pg_list_end(&numbers), pg_list_end(&bodies)};
    result = database_try(store->database,
                          "SELECT call_id, outcome"
                          " FROM callhook_store.finish_records("
                          "$1::uuid, $2::uuid[], $3::bigint[], $4::json)",
                          4, values, sqlstate);
    if (result)
        take(readings, finished, result);
    pg_list_free(&calls);
    pg_list_free(&numbers);
    pg_list_free(&bodies);
    PQclear(result);
    return result != NULL;
}

bool record_store_finish(const struct record_store *store,
                         struct reading *readings, struct finished *finished)
{
    const struct fault untaken = {.step = "", .code = "untaken"};
    char sqlstate[SQLSTATE_SIZE];

    if (finish(store, readings, NULL, finished, sqlstate))
        return true;
    for (const struct reading *r = readings; r; r = r->next) {
        if (r->state != WHOLE)
            continue;
        if (strcmp(sqlstate, LOCK_NOT_AVAILABLE) == 0) {
            if (!record_store_release(store, r, LOCKED_SECONDS))
                return false;
            finished->locked++;
            continue;
        }
        if (finish(store, readings, r, finished, sqlstate))
            continue;
        if (!record_store_failed(store, r, &untaken))
            return false;
        finished->refused++;
    }
    return true;
}

bool record_store_release(const struct record_store *store,
                          const struct reading *reading, long seconds)
{
    char number[NUMBER_SIZE];
    const char *const values[] = {store->tenant_id, reading->call_id,
                                  reading->no, number};

    snprintf(number, sizeof(number), "%ld", seconds);
    return run(store,
               "SELECT callhook_store.release_call($1::uuid, $2::uuid,"
               " $3::bigint, make_interval(secs => $4::integer))",
               4, values);
}

bool record_store_failed(const struct record_store *store,
                         const struct reading *reading,
                         const struct fault *fault)
{
    char status[NUMBER_SIZE];
    const char *const values[] = {store->tenant_id,
                                  reading->call_id,
                                  reading->no,
                                  fault->status ? status : NULL,
                                  *fault->code ? fault->code : NULL,
                                  *fault->request_id ? fault->request_id
                                                     : NULL};

    snprintf(status, sizeof(status), "%ld", fault->status);
    return run(store,
               "SELECT callhook_store.reading_failed($1::uuid, $2::uuid,"
               " $3::bigint, $4::integer, $5, $6)",
               6, values);
}
