/* `check`: the database, its schema, and the rights that a run needs. */
#include "check_database.h"

#include "clock.h"
#include "report.h"

#define CONNECT_MS 8000

static const char subject[] = "database";

/*
 * What sql/grants.sql gives to the role callhook_renewer. Names are looked up
 * in the catalogs: asking for the rights on what is not there is an error.
 */
static const char select_missing[] =
    "WITH wanted (kind, schema, name, rights) AS (VALUES"
    " ('t', 'callhook_store', 'subscriptions',"
    " '{SELECT,INSERT,UPDATE,DELETE}'::text[]),"
    " ('t', 'callhook_store', 'gaps', '{SELECT,INSERT,UPDATE,DELETE}'),"
    " ('t', 'callhook_store', 'lifecycle_handled',"
    " '{SELECT,INSERT,UPDATE,DELETE}'),"
    " ('t', 'callhook_store', 'tenants', '{SELECT,INSERT,UPDATE,DELETE}'),"
    " ('t', 'callhook_store', 'refusals', '{SELECT,DELETE}'),"
    " ('t', 'callhook_store', 'notifications', '{SELECT}'),"
    " ('t', 'callhook', 'notifications', '{SELECT}'),"
    " ('f', 'callhook_store', 'make_partitions', '{EXECUTE}'),"
    " ('f', 'callhook_store', 'remove_simulated', '{EXECUTE}')),"
    " had AS (SELECT w.*, r AS \"right\", EXISTS (SELECT FROM pg_class AS c"
    " WHERE w.kind = 't' AND c.relnamespace = n.oid AND c.relname = w.name"
    " AND has_table_privilege(c.oid, r)) OR EXISTS (SELECT FROM pg_proc AS p"
    " WHERE w.kind = 'f' AND p.pronamespace = n.oid AND p.proname = w.name"
    " AND has_function_privilege(p.oid, r)) AS is_there"
    " FROM wanted AS w CROSS JOIN unnest(w.rights) AS r"
    " LEFT JOIN pg_namespace AS n ON n.nspname = w.schema)"
    " SELECT schema || '.' || name, string_agg(\"right\", ', ')"
    " FROM had WHERE NOT is_there GROUP BY schema, name"
    " UNION ALL SELECT 'schema ' || schema, 'USAGE'"
    " FROM (VALUES ('callhook_store'), ('callhook')) AS s (schema)"
    " WHERE NOT coalesce((SELECT has_schema_privilege(n.oid, 'USAGE')"
    " FROM pg_namespace AS n WHERE n.nspname = schema), false)"
    " ORDER BY 1";

static void check_rights(struct database *database)
{
    PGresult *result = database_run(database, select_missing, 0, NULL);
    int count = result ? PQntuples(result) : 0;

    if (!result)
        report_fault(subject, "it did not say which rights there are: see the "
                              "line on standard error");
    for (int i = 0; i < count; i++)
        report_fault(subject,
                     "%s of %s is missing: run sql/install.sql again as the "
                     "owner of the schema, and GRANT callhook_renewer to this "
                     "user",
                     PQgetvalue(result, i, 1), PQgetvalue(result, i, 0));
    if (result && count == 0)
        report_ok(subject, "the rights are there");
    PQclear(result);
}

struct database *check_database(const struct settings *settings)
{
    char why[300];
    int64_t begun_at = clock_ms();
    struct database *database = database_open(
        settings->database, begun_at + CONNECT_MS, why, sizeof(why));

    if (!database) {
        report_fault(subject,
                     "%s: see to `database` in the settings, and whether the "
                     "server runs",
                     why);
        return NULL;
    }
    report_ok(subject, "connected in %d ms, the schema is ours",
              (int)(clock_ms() - begun_at));
    check_rights(database);
    return database;
}
