/* callhook --check: what a receiver needs, tried without serving. */
#include "receiver/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "spool/durable_file.h"
#include "spool/folder.h"
#include "store/database.h"
#include "store/hosts.h"
#include "store/probe.h"

#define PROBE_US INT64_C(5000000)

/*
 * Rights that the role lacks, a line each. sql/grants.sql has the list of ours;
 * first the one to ask for it, for an older schema has no such list.
 */
static const char rights_to_ask[] =
    "SELECT 'EXECUTE on callhook_store.missing_rights' "
    "WHERE NOT coalesce(pg_catalog.has_function_privilege("
    "pg_catalog.to_regprocedure('callhook_store.missing_rights(text,name)'), "
    "'EXECUTE'), false)";

static const char rights[] =
    "SELECT pg_catalog.split_part(privilege, ' ', 1) || ' on ' || "
    "pg_catalog.split_part(object, ' ', 2) "
    "FROM callhook_store.missing_rights('callhook_receiver')";

/* (The function has got one more argument in PostgreSQL 17.) */
static const char right_to_commit[] =
    "SELECT 'EXECUTE on pg_logical_emit_message' "
    "FROM pg_catalog.pg_proc WHERE proname = 'pg_logical_emit_message' "
    "AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace "
    "AND proargtypes[2] = 'pg_catalog.text'::pg_catalog.regtype "
    "AND NOT pg_catalog.has_function_privilege(oid, 'EXECUTE')";

/* What lets a commit be lost that the server has confirmed. */
static const char weaknesses[] = "SELECT * FROM "
                                 "callhook_store.weaknesses($1::pg_catalog."
                                 "int4)";

/* install.sql writes into the schema's comment which release it is of. */
static const char schema_age[] =
    "SELECT 'the schema is ' || coalesce('of release ' || release, 'older') "
    "|| ', this program is of " CALLHOOK_VERSION ": run install.sql again' "
    "FROM (SELECT pg_catalog.\"substring\"(pg_catalog.obj_description("
    "'callhook_store'::pg_catalog.regnamespace, 'pg_namespace'), "
    "'^callhook ([0-9]+([.][0-9]+)*):')) AS s (release) "
    "WHERE release IS NULL OR pg_catalog.string_to_array(release, '.')::int[] "
    "< pg_catalog.string_to_array('" CALLHOOK_VERSION "', '.')::int[]";

static bool fault(const char *what, const char *why)
{
    printf("%s: %s\n", what, why);
    return false;
}

static bool spool_fault(const struct settings *settings, const char *why)
{
    printf("%s: %s: CALLHOOK_SPOOL is a folder of the receiver's user, mode "
           "0700\n",
           settings->spool, why);
    return false;
}

/* Writes a file as the spool does, with its name, and removes it. */
static bool write_trial(const struct settings *settings, int at)
{
    struct buffer bytes = {0};
    char name[64];

    snprintf(name, sizeof(name), "check-%ld", (long)getpid());
    buffer_add(&bytes, "\n", 1);
    bool written =
        durable_file_write(at, name, &bytes) && durable_file_settle(at);
    int error = errno;
    buffer_free(&bytes);
    unlinkat(at, name, 0);
    if (written)
        return true;
    return error == EACCES ? spool_fault(settings, strerror(error))
                           : fault(settings->spool, strerror(error));
}

static bool check_spool(const struct settings *settings)
{
    struct statfs system;
    const char *why;

    if (!settings->spool) {
        puts("weak: there is no spool: what the database does not take in "
             "time is answered with 503");
        return true;
    }
    int at = folder_open(AT_FDCWD, settings->spool, &why);
    if (at < 0)
        return spool_fault(settings, why);
    bool sound = write_trial(settings, at);
    if (fstatfs(at, &system) == 0 &&
        (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC))
        printf("weak: %s: in memory, a crash of this host empties it\n",
               settings->spool);
    close(at);
    return sound;
}

/* Prints the rows of a query behind `before`; how many, -1: it failed. */
static int print_rows(struct database *database, const char *query,
                      const char *value, const char *before)
{
    PGresult *rows = NULL;
    int count = -1;

    if (database_query(database, query, value ? 1 : 0, &value, false, &rows,
                       clock_now() + PROBE_US) == DATABASE_DONE) {
        count = PQntuples(rows);
        for (int i = 0; i < count; i++)
            printf("%s%s\n", before, PQgetvalue(rows, i, 0));
    } else {
        fault("the database", database_fault(database));
    }
    PQclear(rows);
    return count;
}

static bool has_rights(struct database *database)
{
    int lacks = print_rows(database, rights_to_ask, NULL, "the role lacks ");

    if (lacks == 0)
        lacks = print_rows(database, rights, NULL, "the role lacks ");
    if (lacks > 0)
        puts("what the role lacks comes from sql/install.sql, run again, and "
             "GRANT callhook_receiver to the role");
    return lacks == 0 &&
           print_rows(database, right_to_commit, NULL, "the role lacks ") == 0;
}

/*
 * One host that lets us in; its rights first: they may be all that fails. Of
 * what has not been printed, `why` of the database says it.
 */
static bool check_host(struct database *database, size_t host_count)
{
    char count[24];
    int older = print_rows(database, schema_age, NULL, "weak: ");

    if (older < 0 || !has_rights(database)) {
        database->why[0] = '\0';
        return false;
    }
    if (!probe_run(database, clock_now() + PROBE_US))
        return false;
    snprintf(count, sizeof(count), "%zu", host_count);
    return older > 0 || print_rows(database, weaknesses, count, "weak: ") >= 0;
}

/*
 * Of hosts that fail beside one that is sound, a standby is as it should be.
 * (libpq refuses it by target_session_attrs, and has no code for that.)
 */
static void print_host(const char *why, bool any_sound)
{
    if (*why && !(any_sound && strstr(why, "read-only")))
        printf("%s%s\n", any_sound ? "weak: " : "", why);
}

static bool check_database(void)
{
    struct database database = {.timeout_us = PROBE_US};
    char whys[HOSTS_MAX][sizeof(database.why)];
    struct hosts hosts;
    bool sound = false;

    hosts_read(&hosts);
    for (size_t i = 0; i < hosts.count; i++) {
        database.why[0] = '\0';
        if (database_connect(&database, &hosts.list[i]) && !sound)
            sound = check_host(&database, hosts.count);
        memcpy(whys[i], database.why, sizeof(whys[i]));
        database_close(&database);
    }
    for (size_t i = 0; i < hosts.count; i++)
        print_host(whys[i], sound);
    hosts_free(&hosts);
    return sound;
}

int check_command(const struct settings *settings)
{
    bool spool = check_spool(settings);
    bool database = check_database();

    return spool && database ? EX_OK : EXIT_FAILURE;
}
