/* The command `check`: tests all that a run needs, and names each fault. */
#include "commands/commands.h"

#include <errno.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/database.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/state_dir.h"
#include "commands/check_tenant.h"
#include "commands/finding.h"
#include "commands/handshake.h"
#include "status/state.h"

/* Graph documentation: slower answers to notifications count as slow. */
#define SLOW_SECONDS 3.0

static void check_state_dir(const struct settings *settings)
{
    const char *fault = state_dir_fault(settings->state_dir);

    if (fault)
        finding_say(FAULTY, "state_dir",
                    "%s: %s: see to the disk, and that this user owns the "
                    "folder",
                    settings->state_dir, fault);
    else
        finding_say(FINE, "state_dir", "%s can be written to",
                    settings->state_dir);
}

/* -- the database ------------------------------------------------------ */

/*
 * What sql/grants.sql gives to each role. The renewer's rights are this user's;
 * where a user installed for himself alone there are no other roles.
 */
static const char select_missing[] =
    "WITH missing AS (SELECT m.privilege, m.object, role, holder"
    " FROM (VALUES ('callhook_renewer', current_user),"
    " ('callhook_receiver', 'callhook_receiver'),"
    " ('callhook_reader', 'callhook_reader')) AS r (role, holder)"
    " CROSS JOIN LATERAL callhook_store.missing_rights(role, holder) AS m"
    " WHERE holder IN (SELECT rolname FROM pg_catalog.pg_roles)),"
    /* who is not in the role lacks all of its rights: one line */
    " outside AS (SELECT FROM pg_catalog.pg_roles"
    " WHERE rolname = 'callhook_renewer'"
    " AND NOT pg_catalog.pg_has_role(oid, 'USAGE')"
    " AND EXISTS (SELECT FROM missing WHERE role = 'callhook_renewer'))"
    " SELECT pg_catalog.format('%s is not in the role callhook_renewer: as an"
    " administrator, GRANT callhook_renewer TO %I', current_user, current_user)"
    " AS what, 'z' AS role, '' AS object, '' AS privilege FROM outside"
    " UNION ALL SELECT pg_catalog.format('%s on %s is missing for %s: run"
    " sql/install.sql again as the owner of the schema, and GRANT %s to who"
    " needs it', privilege, object, holder, role), role, object, privilege"
    " FROM missing WHERE role <> 'callhook_renewer'"
    " OR NOT EXISTS (SELECT FROM outside)"
    " ORDER BY role DESC, object, privilege";

static void check_rights(struct database *database)
{
    PGresult *result = database_run(database, select_missing, 0, NULL);
    int count = PQntuples(result);

    if (!result)
        finding_say(FAULTY, "database",
                    "it did not say which rights there are: see the line on "
                    "standard error");
    for (int i = 0; i < count; i++)
        finding_say(FAULTY, "database", "%s", PQgetvalue(result, i, 0));
    if (result && count == 0)
        finding_say(FINE, "database", "the rights are there");
    PQclear(result);
}

/* What is written is rolled back. A server may be there to be read only. */
static bool check_write(struct database *database)
{
    static const char *const steps[] = {"BEGIN",
                                        "INSERT INTO callhook_store.tenants "
                                        "(tenant, tenant_id, last_run_at)"
                                        " VALUES ('', "
                                        "'00000000-0000-0000-0000-000000000000'"
                                        ", now())",
                                        "ROLLBACK"};
    char sqlstate[SQLSTATE_SIZE];
    bool good = true;

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        PGresult *result = database_try(database, steps[i], 0, NULL, sqlstate);

        good = good && result;
        if (!result && strcmp(sqlstate, "25006") == 0)
            finding_say(FAULTY, "database",
                        "the server is read-only: name the primary in "
                        "`database`, or all hosts and "
                        "target_session_attrs=read-write");
        else if (!result)
            finding_say(FAULTY, "database",
                        "it does not take a row: see the line on standard "
                        "error");
        PQclear(result);
        /* Outside of a transaction nothing is written. */
        if (!result && (i == 0 || !database_is_there(database)))
            break;
    }
    if (good)
        finding_say(FINE, "database", "a row is taken, and rolled back");
    return good;
}

/*
 * What is rolled back waits neither for the log's disk nor for a standby. Where
 * the function was taken from this user, nobody knows.
 */
static void check_commit(struct database *database)
{
    static const char permitted[] =
        "SELECT FROM pg_catalog.pg_proc"
        " WHERE proname = 'pg_logical_emit_message'"
        " AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace"
        " AND proargtypes[2] = 'pg_catalog.text'::pg_catalog.regtype"
        " AND pg_catalog.has_function_privilege(oid, 'EXECUTE')";
    static const char commit[] = "SELECT "
                                 "pg_catalog.pg_logical_emit_message(true, "
                                 "'callhook', '')";
    PGresult *result = database_run(database, permitted, 0, NULL);
    bool may = PQntuples(result) > 0;

    PQclear(result);
    if (may && !database_do(database, commit, 0, NULL))
        finding_say(FAULTY, "database",
                    "it does not commit: see to its disk, and whether the "
                    "standbys are there that synchronous_standby_names waits "
                    "for");
}

/* Worth knowing: it may be meant so. */
static void note_weaknesses(struct database *database)
{
    PGresult *result = database_run(
        database, "SELECT * FROM callhook_store.weaknesses($1::integer)",
        DATABASE_VALUES(database_number(database_host_count(database)).text));

    for (int i = 0; i < PQntuples(result); i++)
        finding_say(NOTED, "database", "%s", PQgetvalue(result, i, 0));
    PQclear(result);
}

/* What a run has told and what lasts. */
static void check_runs(const struct settings *settings)
{
    static const char *const subjects[] = {REPORT_DATABASE, REPORT_STATE_DIR,
                                           REPORT_CLOCK, REPORT_FILES};

    for (size_t i = 0; i < 4; i++) {
        char *last = report_last(settings->state_dir, subjects[i]);

        if (last)
            finding_say(FAULTY, "last runs", "%s", last);
        free(last);
    }
}

static void check_database(const struct settings *settings, struct state *state)
{
    char why[DATABASE_WHY];
    int64_t begun_at = clock_ms();
    struct database *database = database_open(settings->database, why);

    if (database) {
        finding_say(FINE, "database", "connected in %d ms, the schema is ours",
                    (int)(clock_ms() - begun_at));
        check_rights(database);
        bool written = check_write(database);
        note_weaknesses(database);
        if (written)
            check_commit(database);
    } else {
        finding_say(FAULTY, "database",
                    "%s: see to `database` in the settings, and to the server",
                    why);
    }
    database_close(database);
    state_load(state, settings, LAST_NONE, false);
}

/* -- the own URLs ------------------------------------------------------ */

static void check_url(struct http *http, const struct tenant *tenant,
                      const char *url)
{
    char *subject = handshake_public_url(url);
    struct handshake handshake;
    bool passed = handshake_try(&handshake, http, tenant, url);

    if (!passed)
        finding_say(FAULTY, subject, "%s", handshake.why);
    else if (handshake.seconds > SLOW_SECONDS)
        finding_say(NOTED, subject,
                    "the handshake took %.1f s; Graph wants notifications "
                    "answered within 3 s",
                    handshake.seconds);
    else
        finding_say(FINE, subject, "the handshake passes from here, in %d ms",
                    (int)(handshake.seconds * 1000));
    if (strncasecmp(url, "http:", 5) == 0)
        finding_say(NOTED, subject, "Graph itself only takes URLs of https");
    free(subject);
}

/* Whether an earlier tenant has this URL, too, and trusts the same. */
static bool was_checked(const struct settings *settings, size_t i,
                        const char *url)
{
    for (size_t j = 0; j < i; j++) {
        const struct tenant *earlier = &settings->tenants[j];

        if (strcmp(earlier->ca_file, settings->tenants[i].ca_file) == 0 &&
            (strcmp(earlier->notification_url, url) == 0 ||
             strcmp(earlier->lifecycle_url, url) == 0))
            return true;
    }
    return false;
}

static void check_urls(const struct settings *settings, struct http *http)
{
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        const char *url = tenant->notification_url;
        const char *lifecycle = tenant->lifecycle_url;

        if (!was_checked(settings, i, url))
            check_url(http, tenant, url);
        if (strcmp(lifecycle, url) != 0 && !was_checked(settings, i, lifecycle))
            check_url(http, tenant, lifecycle);
    }
}

int check_command(const struct settings *settings, const struct words *words)
{
    struct http *http = http_open();
    struct state state;
    yajl_val *tenants;

    (void)words;
    finding_say(FINE, "settings", "they have been read, %zu tenant%s",
                settings->tenant_count, settings->tenant_count == 1 ? "" : "s");
    check_state_dir(settings);
    check_runs(settings);
    check_database(settings, &state);
    check_urls(settings, http);
    state_list(state.tree, "tenants", &tenants);
    for (size_t i = 0; i < settings->tenant_count; i++)
        check_tenant(settings, &settings->tenants[i], http,
                     state.is_there ? tenants[i] : NULL);
    state_free(&state);
    http_close(http);
    return finding_faults() ? 1 : EX_OK;
}
