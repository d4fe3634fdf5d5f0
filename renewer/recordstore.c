/* Call records in PostgreSQL: claimed, stored page by page, finished. */
#include "recordstore.h"

#include <string.h>

#include "literal.h"
#include "memory.h"

#define NUMBER_SIZE 24

/* A statement whose rows are of no interest. */
static bool run(struct database *database, const char *sql, int count,
                const char *const *values)
{
    PGresult *result = database_run(database, sql, count, values);

    PQclear(result);
    return result != NULL;
}

bool recordstore_want(struct database *database, const char *tenant_id,
                      const char *ids)
{
    const char *const values[] = {tenant_id, ids};

    return run(database,
               "SELECT callhook_store.want_calls($1::uuid, $2::uuid[])", 2,
               values);
}

bool recordstore_claim(struct database *database, const char *tenant_id,
                       int most, struct reading **readings)
{
    char number[NUMBER_SIZE];
    const char *const values[] = {tenant_id, number};
    PGresult *result;

    snprintf(number, sizeof(number), "%d", most);
    result = database_run(database,
                          "SELECT call_id, reading_no"
                          " FROM callhook_store.claim_calls($1::uuid, $2::int)",
                          2, values);
    *readings = NULL;
    for (int i = result ? PQntuples(result) : 0; i-- > 0;) {
        struct reading *reading = memory_new(1, sizeof(*reading));

        snprintf(reading->call_id, sizeof(reading->call_id), "%s",
                 PQgetvalue(result, i, 0));
        snprintf(reading->no, sizeof(reading->no), "%s",
                 PQgetvalue(result, i, 1));
        reading->next = *readings;
        *readings = reading;
    }
    PQclear(result);
    return result != NULL;
}

bool recordstore_page(struct database *database, const char *tenant_id,
                      const struct reading *reading)
{
    char number[NUMBER_SIZE];
    const char *const values[] = {tenant_id,   reading->call_id,
                                  reading->no, reading_kind(reading->kind),
                                  number,      reading->transfer.answer};

    snprintf(number, sizeof(number), "%d", reading->page_no);
    return run(database,
               "SELECT callhook_store.store_page($1::uuid, $2::uuid,"
               " $3::bigint, $4, $5::integer, $6::json)",
               6, values);
}

/* `one`: the list is taken as if it ended after its first. */
static bool store_bodies(struct database *database, const char *tenant_id,
                         const struct reading *readings, bool one)
{
    struct literal calls = {0}, numbers = {0}, bodies = {0};
    bool good = true;

    for (const struct reading *r = readings; r; r = one ? NULL : r->next)
        if (r->body) {
            literal_add(&calls, r->call_id);
            literal_add(&numbers, r->no);
            literal_add(&bodies, r->body);
        }
    if (calls.length) {
        const char *const values[] = {tenant_id, literal_end(&calls),
                                      literal_end(&numbers),
                                      literal_end(&bodies)};

        good = run(database,
                   "SELECT callhook_store.store_single_pages($1::uuid,"
                   " $2::uuid[], $3::bigint[], $4::json[])",
                   4, values);
    }
    literal_free(&calls);
    literal_free(&numbers);
    literal_free(&bodies);
    return good;
}

/* What finish_records() may say of a reading, and where it is counted. */
static void count(struct finished *finished, const PGresult *result)
{
    const struct {
        const char *outcome;
        size_t *number;
    } outcomes[] = {
        {"stored", &finished->stored},      {"same", &finished->same},
        {"older", &finished->same},         {"changed", &finished->changed},
        {"incomplete", &finished->refused}, {"bad", &finished->refused},
        {"lost", &finished->lost},
    };

    for (int i = 0; i < PQntuples(result); i++)
        for (size_t j = 0; j < sizeof(outcomes) / sizeof(*outcomes); j++)
            if (strcmp(PQgetvalue(result, i, 0), outcomes[j].outcome) == 0)
                ++*outcomes[j].number;
}

static bool finish_bodies(struct database *database, const char *tenant_id,
                          const struct reading *readings, bool one,
                          struct finished *finished)
{
    struct literal calls = {0}, numbers = {0};
    PGresult *result;

    for (const struct reading *r = readings; r; r = one ? NULL : r->next) {
        literal_add(&calls, r->call_id);
        literal_add(&numbers, r->no);
    }
    const char *const values[] = {tenant_id, literal_end(&calls),
                                  literal_end(&numbers)};
    result = database_run(database,
                          "SELECT outcome FROM callhook_store.finish_records("
                          "$1::uuid, $2::uuid[], $3::bigint[])",
                          3, values);
    if (result)
        count(finished, result);
    literal_free(&calls);
    literal_free(&numbers);
    PQclear(result);
    return result != NULL;
}

bool recordstore_finish(struct database *database, const char *tenant_id,
                        const struct reading *readings,
                        struct finished *finished)
{
    const struct fault untaken = {.step = "", .code = "untaken"};

    if (store_bodies(database, tenant_id, readings, false) &&
        finish_bodies(database, tenant_id, readings, false, finished))
        return true;
    for (const struct reading *r = readings; r; r = r->next) {
        if (store_bodies(database, tenant_id, r, true) &&
            finish_bodies(database, tenant_id, r, true, finished))
            continue;
        if (!recordstore_failed(database, tenant_id, r, &untaken))
            return false;
        finished->untaken++;
    }
    return true;
}

bool recordstore_release(struct database *database, const char *tenant_id,
                         const struct reading *reading, long seconds)
{
    char number[NUMBER_SIZE];
    const char *const values[] = {tenant_id, reading->call_id, reading->no,
                                  number};

    snprintf(number, sizeof(number), "%ld", seconds);
    return run(database,
               "SELECT callhook_store.release_call($1::uuid, $2::uuid,"
               " $3::bigint, make_interval(secs => $4::integer))",
               4, values);
}

bool recordstore_failed(struct database *database, const char *tenant_id,
                        const struct reading *reading,
                        const struct fault *fault)
{
    char status[NUMBER_SIZE];
    const char *const values[] = {tenant_id,
                                  reading->call_id,
                                  reading->no,
                                  fault->status ? status : NULL,
                                  *fault->code ? fault->code : NULL,
                                  *fault->request_id ? fault->request_id
                                                     : NULL};

    snprintf(status, sizeof(status), "%ld", fault->status);
    return run(database,
               "SELECT callhook_store.reading_failed($1::uuid, $2::uuid,"
               " $3::bigint, $4::integer, $5, $6)",
               6, values);
}
