/* The command `simulate`: one notification, from the own URL to its row. */
#include <signal.h>
#include <stdarg.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/guid.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/memory.h"
#include "commands/commands.h"
#include "commands/handshake.h"
#include "subscriptions/client_state.h"
#include "subscriptions/subscription_store.h"

#define POST_MS 15000
#define ROW_MS 5000
#define POLL_US 50000

#define NIL_GUID "00000000-0000-0000-0000-000000000000"
#define RESOURCE "communications/callRecords/" NIL_GUID
#define LIFE_SECONDS 3600

static volatile sig_atomic_t interrupted;

struct simulation {
    const struct settings *settings;
    const struct tenant *tenant;
    struct database *database;
    struct http *http;
    char id[GUID_SIZE]; /* of the subscription that is none */
    struct client_state secret;
    int64_t step_begun_at;
};

/* A step is done: says so, with the time that it took. The next one begins. */
static bool done(struct simulation *simulation, const char *what)
{
    int64_t now = clock_ms();

    printf("ok      %s, %d ms\n", what, (int)(now - simulation->step_begun_at));
    fflush(stdout);
    simulation->step_begun_at = now;
    return true;
}

static bool fault(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static bool fault(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("FAULT   ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    fflush(stdout);
    return false;
}

/* -- the steps --------------------------------------------------------- */

static bool open_database(struct simulation *simulation)
{
    char why[DATABASE_WHY];

    simulation->database = database_open(simulation->settings->database, why);
    simulation->step_begun_at = clock_ms();
    return simulation->database ? true : fault("database: %s", why);
}

static bool announce(struct simulation *simulation)
{
    char no[24];

    if (!subscription_store_announce(simulation->database, simulation->tenant,
                                     simulation->secret.sha256_hex,
                                     simulation->id, no))
        return fault("announce a secret: the database did not take it: "
                     "callhook-renewer check looks at the rights");
    return done(simulation, "a secret is announced");
}

static bool shake_hands(struct simulation *simulation)
{
    struct handshake handshake;

    if (!handshake_try(&handshake, simulation->http, simulation->tenant,
                       simulation->tenant->notification_url))
        return fault("the own URL: %s", handshake.why);
    return done(simulation, "the handshake passes");
}

static bool judge(const struct transfer *transfer)
{
    char what[FAULT_SIZE];

    if (transfer->status == 202)
        return true;
    if (transfer->status == 503)
        return fault("the notification: HTTP 503: callhook could store it "
                     "neither in the database nor in the spool, or the web "
                     "server does not reach callhook: see their messages");
    if (transfer->outcome == DONE)
        snprintf(what, sizeof(what), "HTTP %ld, and callhook's answer is 202",
                 transfer->status);
    else
        fault_print(&transfer->fault, what);
    return fault("the notification: %s: %s", what, handshake_advice(transfer));
}

/*
 * Graph documentation: change notifications for callRecords. It holds the
 * secret: memory_wipe() it.
 */
static char *make_notification(const struct simulation *simulation)
{
    const char *types = simulation->tenant->change_type;
    char *type = memory_copy_bytes(types, strcspn(types, ","));
    char expires[DATETIME_SIZE];
    struct json_writer body;

    datetime_write(expires, clock_wall() + LIFE_SECONDS);
    json_writer_begin(&body);
    json_writer_open_array(&body, "value");
    json_writer_open_object(&body, NULL);
    json_writer_text(&body, "subscriptionId", simulation->id);
    json_writer_text(&body, "clientState", simulation->secret.text);
    json_writer_text(&body, "changeType", type);
    json_writer_text(&body, "resource", RESOURCE);
    json_writer_text(&body, "subscriptionExpirationDateTime", expires);
    json_writer_open_object(&body, "resourceData");
    json_writer_text(&body, "@odata.type", "#Microsoft.Graph.callRecord");
    json_writer_text(&body, "@odata.id", RESOURCE);
    json_writer_text(&body, "id", NIL_GUID);
    json_writer_close_object(&body);
    json_writer_text(&body, "tenantId", simulation->tenant->tenant_id);
    json_writer_close_object(&body);
    json_writer_close_array(&body);
    free(type);
    return json_writer_end(&body);
}

static bool notify(struct simulation *simulation)
{
    struct tenant direct = handshake_direct(
        simulation->tenant, simulation->tenant->notification_url);
    char *body = make_notification(simulation);
    struct transfer transfer = {
        .tenant = &direct,
        .step = "notification",
        .method = "POST",
        .url = simulation->tenant->notification_url,
        .content_type = "application/json",
        .body = body,
        .body_length = strlen(body),
        .limit = HTTP_SMALL,
        .deadline = clock_ms() + POST_MS,
        .once = true,
    };
    bool good;

    http_send(simulation->http, &transfer);
    good = judge(&transfer) && done(simulation, "the notification is accepted, "
                                                "HTTP 202");
    transfer_free(&transfer);
    memory_wipe(body);
    return good;
}

/* NULL: not there, or the database does not answer. */
static PGresult *look_for_row(const struct simulation *simulation)
{
    static const char sql[] = "SELECT * FROM callhook.notifications"
                              " WHERE received_at > now() - interval '10 min'"
                              " AND subscription_id = $1::uuid";
    PGresult *result = database_run(simulation->database, sql,
                                    DATABASE_VALUES(simulation->id));

    if (result && PQntuples(result) > 0)
        return result;
    PQclear(result);
    return NULL;
}

/* Web servers put into it what they like. */
static void print_row(const PGresult *row)
{
    for (int i = 0; i < PQnfields(row); i++) {
        printf("        %s: ", PQfname(row, i));
        log_print(PQgetisnull(row, 0, i) ? "-" : PQgetvalue(row, 0, i));
        putchar('\n');
    }
}

/* What comes out of the spool later may still be stored. */
static bool wait_for_row(struct simulation *simulation)
{
    int64_t until = clock_ms() + ROW_MS;
    PGresult *row;

    while (!(row = look_for_row(simulation)) && clock_ms() < until &&
           database_is_there(simulation->database) && !interrupted)
        usleep(POLL_US);
    if (row) {
        done(simulation, "the row is there");
        print_row(row);
        PQclear(row);
        return true;
    }
    if (interrupted)
        return false;
    if (!database_is_there(simulation->database))
        return fault("the row: the connection to the database is lost");
    return fault("the row: not there within 5 s. Either callhook does not "
                 "reach the database and has it in its spool (GET .../health "
                 "says spooling); if it comes within an hour, remove it by "
                 "SELECT callhook_store.remove_simulated('%s'). Or it was "
                 "refused because callhook uses another database than "
                 "`database` in the settings",
                 simulation->id);
}

/* -- and the end ------------------------------------------------------- */

static bool remove_rows(const struct simulation *simulation)
{
    return database_do(simulation->database,
                       "SELECT callhook_store.remove_simulated($1::uuid)",
                       DATABASE_VALUES(simulation->id));
}

/* Also after a fault; what cannot be removed does no harm and is named. */
static bool clean_up(struct simulation *simulation)
{
    bool removed;

    simulation->step_begun_at = clock_ms();
    removed = remove_rows(simulation);
    if (!removed) {
        database_close(simulation->database);
        removed = open_database(simulation) && remove_rows(simulation);
    }
    if (removed)
        return done(simulation, "subscription and row are removed");
    return fault("removing: remove it later, by SELECT "
                 "callhook_store.remove_simulated('%s'); its secret ends in a "
                 "day",
                 simulation->id);
}

static void note_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Ctrl-C, too, must leave nothing behind. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static bool simulate(struct simulation *simulation)
{
    bool good;

    if (!open_database(simulation))
        return false;
    good = announce(simulation) && !interrupted && shake_hands(simulation) &&
           !interrupted && notify(simulation) && wait_for_row(simulation);
    if (interrupted)
        good = fault("the simulation: it was interrupted");
    return clean_up(simulation) && good;
}

int simulate_command(const struct settings *settings, const struct words *words)
{
    struct simulation simulation = {
        .settings = settings,
        .tenant = settings_tenant(settings, words->all[0])};
    bool good;

    catch_signals();
    guid_make(simulation.id);
    client_state_make(&simulation.secret);
    simulation.http = http_open();
    good = simulate(&simulation);
    http_close(simulation.http);
    database_close(simulation.database);
    explicit_bzero(&simulation.secret, sizeof(simulation.secret));
    return good ? EX_OK : 1;
}
