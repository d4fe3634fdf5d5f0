/* The command `run`: whatever is due, for all tenants, some at a time. */
#include "commands/commands.h"

#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/database.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/report.h"
#include "base/state_dir.h"
#include "calls/call_pass.h"
#include "calls/maintenance.h"
#include "graph/session.h"
#include "http/workers.h"
#include "status/files.h"
#include "subscriptions/plan.h"
#include "subscriptions/snapshot.h"
#include "subscriptions/subscription_pass.h"

/* A run ends within 50 s: the next one begins a minute after it. */
#define RUN_MS 44000
#define TENANT_MS 20000
#define LAST_RESORT_SECONDS 50

/*
 * Those that failed the last time may hang again: they all have this time, for
 * the calls of the others need the rest. Who would have little of it is among
 * the next run's first.
 */
#define FAILED_MS (RUN_MS / 2)
#define FAILED_LEAST_MS (TENANT_MS / 2)

/* Then the files that show how it stands, whatever time the rest took. */
#define FILES_SECONDS 9

/* Of it: for new notifications at first, and for old rows at the end. */
#define FOLD_MS 10000
#define LEFT_FOR_CHORES_MS 4000

/*
 * Lists of subscriptions in a run, for each application. Graph documentation,
 * throttling: 40 in 20 s for an application, over all its tenants.
 */
#define LISTS 30

/* Tenants at a time. They mostly wait for Graph. */
#define WORKERS 24

struct run {
    const struct settings *settings;
    struct database *database; /* NULL: away */
    struct plan *plans;        /* those that are due, the most urgent first */
    size_t count;
    size_t next;
    size_t left; /* who needs a list and gets none */
    bool failed;
    int64_t deadline;
};

static bool has_failed(const struct plan *plan)
{
    return plan->past && plan->past->failed_at;
}

/* Milliseconds that the tenant may have. */
static int64_t time_for(const struct run *run, const struct plan *plan)
{
    int64_t left = run->deadline - clock_ms();

    return has_failed(plan) ? left - (RUN_MS - FAILED_MS) : left;
}

/* The next plan, or NULL: there is none, or no time for it. */
static void *take(void *context, void *last)
{
    struct run *run = context;
    const struct plan *next = &run->plans[run->next];

    (void)last;
    if (run->next == run->count ||
        time_for(run, next) < (has_failed(next) ? FAILED_LEAST_MS : 1000))
        return NULL; /* the next run's */
    return &run->plans[run->next++];
}

static bool work(void *context, void *task, struct http *http)
{
    const struct run *run = context;
    const struct plan *plan = task;
    int64_t left = time_for(run, plan);
    struct session session;
    bool good;

    session_open(&session, run->settings, plan->tenant, run->database, http,
                 left < TENANT_MS ? left : TENANT_MS);
    good = subscription_pass_run(&session, run->settings, plan);
    session_close(&session);
    return good;
}

static bool work_together(struct run *run)
{
    const struct workers workers = {.count = run->count < WORKERS ? run->count
                                                                  : WORKERS,
                                    .take = take,
                                    .work = work,
                                    .context = run};

    return workers_run(&workers);
}

/* Those that failed the last time come last: they may cost much time. */
static int by_urgency(const void *a, const void *b)
{
    const struct plan *one = a;
    const struct plan *other = b;
    bool one_failed = has_failed(one);
    bool other_failed = has_failed(other);
    int64_t one_ran = one->past ? one->past->last_run_at : 0;
    int64_t other_ran = other->past ? other->past->last_run_at : 0;

    if (one_failed != other_failed)
        return one_failed ? 1 : -1;
    return (one_ran > other_ran) - (one_ran < other_ran);
}

static bool has_list_left(const struct run *run, const struct plan *plan)
{
    size_t lists = 0;

    for (size_t i = 0; i < run->count; i++)
        lists +=
            run->plans[i].may_list && strcmp(run->plans[i].tenant->client_id,
                                             plan->tenant->client_id) == 0;
    return lists < LISTS;
}

/*
 * Shares out the lists that an application may ask for: first to those who
 * need one, then, as a caution, to others. Who needs one and gets none is left
 * to the next run.
 */
static void share_lists(struct run *run)
{
    size_t kept = 0;

    for (int caution = 0; caution < 2; caution++)
        for (size_t i = 0; i < run->count; i++)
            if (run->plans[i].due && run->plans[i].needs_list != caution)
                run->plans[i].may_list = has_list_left(run, &run->plans[i]);
    for (size_t i = 0; i < run->count; i++)
        if (run->plans[i].may_list || !run->plans[i].needs_list)
            run->plans[kept++] = run->plans[i];
        else
            plan_free(&run->plans[i]);
    run->left = run->count - kept;
    run->count = kept;
}

/*
 * Without a database nobody can say what is due: Graph is asked, in turns. Who
 * is first is by chance: by the time of day it would be the same ones at each
 * run of some intervals, and nobody else would ever be asked for.
 */
static void find_due(struct run *run, const struct snapshot *snapshot)
{
    const struct settings *settings = run->settings;
    size_t turn = random_below(settings->tenant_count);

    run->plans = memory_new(settings->tenant_count, sizeof(struct plan));
    for (size_t i = 0; i < settings->tenant_count; i++) {
        struct plan *plan = &run->plans[run->count];

        if (run->database) {
            plan_make(plan, snapshot, settings, &settings->tenants[i]);
            if (plan_is_due(plan))
                run->count++;
            else
                plan_free(plan);
        } else {
            plan->tenant =
                &settings->tenants[(turn + i) % settings->tenant_count];
            plan->due = PLAN_LOOK;
            plan->needs_list = true;
            run->count++;
        }
    }
    if (run->database)
        qsort(run->plans, run->count, sizeof(struct plan), by_urgency);
    share_lists(run);
}

static void open_database(struct run *run, struct snapshot *snapshot)
{
    char why[DATABASE_WHY] = "";

    run->database = database_open(run->settings->database, why);
    if (run->database)
        database_report_to(run->database, run->settings->state_dir);
    if (run->database && !snapshot_load(run->database, NULL, snapshot)) {
        snprintf(why, sizeof(why), "it did not say what is due");
        database_close(run->database);
        run->database = NULL;
    }
    if (!run->database) {
        char *what = memory_print("%s; only renewing what Graph shows", why);

        report_database(run->settings->state_dir, what);
        free(what);
        run->failed = true;
    }
}

/* Should something hang that must not: cron's next run will try again. */
static void give_up(int signal)
{
    static const char line[] = "callhook-renewer: the run took too long and "
                               "was ended\n";

    (void)signal;
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
        _exit(EX_OSERR);
    _exit(1);
}

static void limit_time(void)
{
    struct sigaction action = {.sa_handler = give_up};

    sigaction(SIGALRM, &action, NULL);
    alarm(LAST_RESORT_SECONDS);
}

/*
 * Once all subscriptions are kept: the calls. Where their tables do not do what
 * they should, months are made all the same.
 */
static bool tend(const struct run *run)
{
    int64_t deadline = run->deadline - LEFT_FOR_CHORES_MS;
    int64_t fold_until = clock_ms() + FOLD_MS;
    bool good =
        maintenance_begin(run->database, run->settings,
                          fold_until < deadline ? fold_until : deadline) &&
        call_pass_run(run->settings, run->database, deadline);

    return maintenance_end(run->database, run->settings, run->deadline) && good;
}

static bool check_state_dir(const char *state_dir)
{
    const char *fault = state_dir_fault(state_dir);

    if (fault) {
        char *line = memory_print("state_dir %s: %s", state_dir, fault);

        report_line(state_dir, REPORT_STATE_DIR, line);
        free(line);
    } else {
        report_end(state_dir, REPORT_STATE_DIR, 0);
    }
    return !fault;
}

int run_command(const struct settings *settings, const struct words *words)
{
    struct snapshot snapshot = {0};
    struct run run = {.settings = settings, .deadline = clock_ms() + RUN_MS};

    (void)words;
    limit_time();
    run.failed = !check_state_dir(settings->state_dir);
    open_database(&run, &snapshot);
    find_due(&run, &snapshot);
    if (!work_together(&run))
        run.failed = true;
    if (run.left)
        log_detail("Graph's list is asked for often: %zu tenants wait",
                   run.left);
    if (run.database && !tend(&run))
        run.failed = true;
    if (run.database && database_is_well(run.database))
        report_end(settings->state_dir, REPORT_DATABASE, 0);
    database_close(run.database);
    snapshot_free(&snapshot);
    for (size_t i = 0; i < run.count; i++)
        plan_free(&run.plans[i]);
    free(run.plans);
    alarm(FILES_SECONDS);
    if (!files_write(settings))
        run.failed = true;
    return run.failed ? 1 : 0;
}
