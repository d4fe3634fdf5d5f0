/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#include "calls/record_store.h"

#include <string.h>

#include "base/memory.h"
#include "base/pg_list.h"
#include "base/result.h"

#define NUMBER_SIZE 24

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

/* Takes the page that comes next; null: the first, or none if all are there. */
static void take_next(struct reading *reading, const PGresult *result, int row)
{
    const char *link = result_text(result, row, "link");

    snprintf(reading->kind, sizeof(reading->kind), "%s",
             result_text(result, row, "kind"));
    reading->page_no = (int)result_number(result, row, "page_no");
    free(reading->link);
    reading->link = *link ? memory_copy(link) : NULL;
}

bool record_store_claim(const struct record_store *store, const char *ids,
                        struct reading **readings)
{
    const char *const values[] = {store->tenant_id, ids};
    PGresult *result = database_run(store->database,
                                    "SELECT * FROM callhook_store.claim_calls("
                                    "$1::uuid, 32, $2::uuid[])",
                                    2, values);

    *readings = NULL;
    for (int i = result ? PQntuples(result) : 0; i-- > 0;) {
        struct reading *reading = memory_new(1, sizeof(*reading));

        snprintf(reading->call_id, sizeof(reading->call_id), "%s",
                 result_text(result, i, "call_id"));
        snprintf(reading->no, sizeof(reading->no), "%s",
                 result_text(result, i, "reading_no"));
        take_next(reading, result, i);
        reading->next = *readings;
        *readings = reading;
    }
    PQclear(result);
    return result != NULL;
}

static void take(struct reading *reading, const PGresult *result, int row)
{
    static const char *const outcomes[] = {
        [READING_MORE] = "more",   [READING_STORED] = "stored",
        [READING_SAME] = "same",   [READING_CHANGED] = "changed",
        [READING_LARGE] = "large", [READING_BAD] = "bad",
        [READING_LOST] = "lost",
    };
    const char *outcome = result_text(result, row, "outcome");

    reading->result = READING_BAD;
    for (int i = READING_MORE; i <= READING_LOST; i++)
        if (strcmp(outcome, outcomes[i]) == 0)
            reading->result = i;
    take_next(reading, result, row);
}

static struct reading *find(struct reading *const *readings,
                            const char *call_id)
{
    while (strcmp((*readings)->call_id, call_id) != 0)
        readings++;
    return *readings;
}

/* Each page is a parameter of its own: none is copied. */
static bool store_pages(const struct record_store *store,
                        struct reading *const *readings, size_t count)
{
    struct pg_list steps = {.brackets = "[]"}, places = {.brackets = "[]"};
    const char **values = memory_new(count + 2, sizeof(*values));
    char place[32], *sql;
    PGresult *result;

    for (size_t i = 0; i < count; i++) {
        const struct reading *r = readings[i];
        char *step =
            memory_print("[\"%s\",%s,\"%s\",%d,%s]", r->call_id, r->no, r->kind,
                         r->page_no, r->apart ? "true" : "false");

        pg_list_add(&steps, step);
        free(step);
        snprintf(place, sizeof(place), "$%zu::json", i + 3);
        pg_list_add(&places, place);
        values[i + 2] = r->body;
    }
    values[0] = store->tenant_id;
    values[1] = pg_list_end(&steps);
    sql = memory_print("SELECT * FROM callhook_store.take_pages("
                       "$1::uuid, $2::json, VARIADIC ARRAY%s)",
                       pg_list_end(&places));
    result = database_try(store->database, sql, (int)count + 2, values,
                          readings[0]->sqlstate);
    for (int i = 0; result && i < PQntuples(result); i++)
        take(find(readings, result_text(result, i, "call_id")), result, i);
    pg_list_free(&steps);
    pg_list_free(&places);
    free(values);
    free(sql);
    PQclear(result);
    return result != NULL;
}

void record_store_pages(const struct record_store *store,
                        struct reading *const *readings, size_t count)
{
    const char *sqlstate = readings[0]->sqlstate;
    bool taken = store_pages(store, readings, count);
    bool alone = count > 1 && strcmp(sqlstate, RECORD_STORE_LOCKED) != 0;

    for (size_t i = 0; !taken && i < count; i++) {
        memcpy(readings[i]->sqlstate, sqlstate, SQLSTATE_SIZE);
        if (!alone || !store_pages(store, readings + i, 1))
            readings[i]->result = READING_UNTAKEN;
    }
}

bool record_store_keep(const struct record_store *store,
                       const struct reading *reading)
{
    const char *const values[] = {store->tenant_id, reading->call_id,
                                  reading->no};

    return run(store,
               "SELECT callhook_store.keep_claim($1::uuid, $2::uuid,"
               " $3::bigint)",
               3, values);
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
