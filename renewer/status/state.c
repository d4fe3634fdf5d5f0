/* The state of affairs, as one object: of it all forms are made. */
#include "status/state.h"

#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/change_type.h"
#include "base/clock.h"
#include "base/database.h"
#include "base/datetime.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/resource.h"
#include "base/state_dir.h"

static void put_last(struct json_writer *writer, const char *key,
                     const char *state_dir, const char *subject)
{
    char *last = report_last(state_dir, subject);

    if (last)
        json_writer_text(writer, key, last);
    free(last);
}

/* What lasts of runs, and that the folder itself takes nothing. */
static void put_faults(struct json_writer *writer, const char *state_dir)
{
    const char *fault = state_dir_fault(state_dir);
    char *line = memory_print("state_dir %s: %s", state_dir, fault);

    json_writer_open_array(writer, "faults");
    put_last(writer, NULL, state_dir, REPORT_DATABASE);
    put_last(writer, NULL, state_dir, REPORT_CLOCK);
    if (fault)
        json_writer_text(writer, NULL, line);
    else
        put_last(writer, NULL, state_dir, REPORT_STATE_DIR);
    put_last(writer, NULL, state_dir, REPORT_FILES);
    json_writer_close_array(writer);
    free(line);
}

/* What callhook_store.status() is to know. */
static char *describe(const struct settings *settings)
{
    struct json_writer list;

    json_writer_begin(&list);
    put_faults(&list, settings->state_dir);
    json_writer_bool(&list, "silence_alarm", settings->silence_alarm);
    json_writer_open_array(&list, "tenants");
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];
        char *resource = resource_key(tenant->resource);
        char *change_type = change_type_key(tenant->change_type);
        char *calls = memory_print("%s" REPORT_CALLS, tenant->name);
        int64_t until = token_kept_until(tenant, settings->state_dir);

        json_writer_open_object(&list, NULL);
        json_writer_text(&list, "tenant", tenant->name);
        json_writer_text(&list, "tenant_id", tenant->tenant_id);
        json_writer_text(&list, "resource", tenant->resource);
        json_writer_text(&list, "change_type", tenant->change_type);
        json_writer_text(&list, "resource_key", resource);
        json_writer_text(&list, "change_type_key", change_type);
        json_writer_bool(&list, "of_calls",
                         resource_is_call_records(tenant->resource));
        json_writer_bool(&list, "records", tenant->records);
        json_writer_bool(&list, "reconcile", tenant->reconcile);
        json_writer_number(&list, "renew_every_minutes",
                           tenant->renew_every_minutes);
        if (until)
            json_writer_number(&list, "token_expires_at", until);
        if (tenant->records || tenant->reconcile || tenant->pstn)
            put_last(&list, "calls_fault", settings->state_dir, calls);
        put_last(&list, "told", settings->state_dir, tenant->name);
        json_writer_close_object(&list);
        free(calls);
        free(resource);
        free(change_type);
    }
    json_writer_close_array(&list);
    return json_writer_end(&list);
}

/* NULL: the database did not answer. */
static char *ask(struct database *database, const char *tenants,
                 enum state_last last)
{
    static const char sql[] = "SELECT callhook_store.status($1, $2)";
    static const char *const how[] = {
        [LAST_NONE] = "false", [LAST_RECENT] = NULL, [LAST_ALL] = "true"};
    const char *const values[] = {tenants, how[last]};
    PGresult *result = database_run(database, sql, 2, values);
    char *text = result ? memory_copy(PQgetvalue(result, 0, 0)) : NULL;

    PQclear(result);
    return text;
}

static void put_time(struct json_writer *writer, const char *key,
                     int64_t seconds)
{
    char text[DATETIME_SIZE];

    datetime_write(text, seconds);
    json_writer_text(writer, key, seconds ? text : NULL);
}

static void put_empty(struct json_writer *writer, const char *key)
{
    json_writer_open_array(writer, key);
    json_writer_close_array(writer);
}

static void put_unknown(struct json_writer *all, const struct tenant *tenant,
                        const char *state_dir)
{
    static const char *const nulls[] = {
        "last_run_at",       "failed_since",
        "failure",           "retry_at",
        "lifecycle_waiting", "lifecycle_waiting_since",
        "gap_since",         "gaps_unsearched",
        "records_waiting",   "gaps_unsearched_since",
        "records_failed",    "records_waiting_since",
        "records_gone",      "calls_missing",
        "listed_until",      "last_listed_at",
        "silence",           "failure_of_calls"};
    static const char *const empty[] = {"subscriptions", "needs", "notes"};
    char *last = report_last(state_dir, tenant->name);

    json_writer_open_object(all, NULL);
    json_writer_text(all, "tenant", tenant->name);
    json_writer_bool(all, "ok", false);
    json_writer_text(all, "tenant_id", tenant->tenant_id);
    json_writer_text(all, "resource", tenant->resource);
    json_writer_text(all, "change_type", tenant->change_type);
    put_time(all, "token_expires_at", token_kept_until(tenant, state_dir));
    json_writer_text(all, "last_failure", last);
    for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++)
        json_writer_text(all, nulls[i], NULL);
    for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
        put_empty(all, empty[i]);
    json_writer_close_object(all);
    free(last);
}

/* What is known without the database, under the same names. */
static char *make_without(const struct settings *settings,
                          const char *condition, const char *fault)
{
    static const char *const nulls[] = {"receivers", "holds_up", "consumers"};
    static const char *const empty[] = {"needs", "notes"};
    struct json_writer all;

    json_writer_begin(&all);
    json_writer_bool(&all, "ok", false);
    put_time(&all, "at", clock_wall());
    json_writer_text(&all, "database", condition);
    json_writer_text(&all, "database_fault", fault);
    put_faults(&all, settings->state_dir);
    json_writer_open_array(&all, "tenants");
    for (size_t i = 0; i < settings->tenant_count; i++)
        put_unknown(&all, &settings->tenants[i], settings->state_dir);
    json_writer_close_array(&all);
    for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++)
        json_writer_text(&all, nulls[i], NULL);
    for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
        put_empty(&all, empty[i]);
    return json_writer_end(&all);
}

static void load(struct state *state, const struct settings *settings,
                 struct database *database, enum state_last last)
{
    static const char older[] = "the database has an older schema than this "
                                "program: psql -f "
                                "install.sql, of this version, upgrades it";
    static const char silent[] = "the database did not answer; "
                                 "callhook-renewer check looks at its "
                                 "rights";
    char *tenants = describe(settings);

    state->text = ask(database, tenants, last);
    state->last_known = state->text && last != LAST_NONE;
    if (!state->text && last != LAST_NONE)
        state->text = ask(database, tenants, LAST_NONE);
    free(tenants);
    if (state->text)
        state->tree = json_parse(state->text, strlen(state->text));
    state->is_there = json_text(state->tree, "database");
    if (!state->is_there) {
        const char *fault = state->text ? older : silent;

        yajl_tree_free(state->tree);
        state->tree = NULL;
        free(state->text);
        state->text = make_without(settings, "unusable", fault);
    }
}

static void load_charts(struct state *state, struct database *database)
{
    PGresult *result = database_run(
        database, "SELECT callhook_store.status_charts()", 0, NULL);

    if (result)
        state->charts = json_parse(PQgetvalue(result, 0, 0),
                                   (size_t)PQgetlength(result, 0, 0));
    PQclear(result);
}

/*
 * A database that only can be read still says how it stands. The variable gives
 * way to what the user says, as in base/database.
 */
static struct database *open_to_read(const char *conninfo,
                                     char why[DATABASE_WHY])
{
    static const char variable[] = "PGTARGETSESSIONATTRS";
    struct database *database = database_open(conninfo, why);
    const char *wanted = getenv(variable);

    if (!database && wanted && strcmp(wanted, "read-write") == 0 &&
        (strstr(why, "read-only") || strstr(why, "hot standby"))) {
        char reader_why[DATABASE_WHY];

        setenv(variable, "any", 1);
        database = database_open(conninfo, reader_why);
        setenv(variable, "read-write", 1);
    }
    return database;
}

void state_load(struct state *state, const struct settings *settings,
                enum state_last last, bool with_charts)
{
    char why[DATABASE_WHY];
    struct database *database = open_to_read(settings->database, why);

    *state = (struct state){0};
    if (database) {
        load(state, settings, database, last);
        if (state->is_there && with_charts)
            load_charts(state, database);
    } else {
        char *fault = memory_print("the database cannot be used: %s: "
                                   "callhook-renewer check tries it again",
                                   why);

        state->text = make_without(settings, "away", fault);
        free(fault);
    }
    if (!state->tree)
        state->tree = json_parse(state->text, strlen(state->text));
    database_close(database);
}

void state_free(struct state *state)
{
    yajl_tree_free(state->charts);
    yajl_tree_free(state->tree);
    free(state->text);
}

size_t state_list(yajl_val object, const char *name, yajl_val **all)
{
    yajl_val list = json_member(object, name);

    *all = YAJL_IS_ARRAY(list) ? list->u.array.values : NULL;
    return *all ? list->u.array.len : 0;
}

int64_t state_time(yajl_val object, const char *name)
{
    int64_t seconds;

    return datetime_read(json_text(object, name), &seconds) ? seconds : 0;
}

int64_t state_number(yajl_val object, const char *name)
{
    int64_t number;

    return json_number(object, name, &number) ? number : 0;
}
