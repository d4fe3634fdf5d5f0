/* Keeps one live subscription for a tenant. */
#include "subscriptions/ensure.h"

#include "base/log.h"
#include "subscriptions/client_state.h"
#include "subscriptions/renew.h"
#include "subscriptions/subscription.h"
#include "subscriptions/subscription_store.h"

/* Our list may be of a moment before; then it is looked at once more. */
#define ROUNDS 2

static enum outcome no_database(struct ensuring *ensuring)
{
    fault_say(&ensuring->fault, "database", "it did not take what happened");
    return LATER;
}

static const struct row *row_of(const struct ensuring *ensuring, const char *id)
{
    return plan_row_of(ensuring->plan->rows, ensuring->plan->row_count, id);
}

/* A row that waits for the id of its subscription. */
static bool is_announced(const struct ensuring *ensuring, const struct row *row)
{
    return !row->ended_at && !*row->id &&
           plan_is_wanted(ensuring->plan->tenant, row);
}

/*
 * The number of the row whose secret a subscription under our URL must have
 * that no row names: the one announced by this run, or else the only one that
 * waits. NULL: it cannot be told.
 */
static const char *announced_row(const struct ensuring *ensuring)
{
    const struct plan *plan = ensuring->plan;
    const char *no = NULL;

    if (*ensuring->announced_no)
        return ensuring->announced_no;
    for (size_t i = 0; i < plan->row_count; i++)
        if (is_announced(ensuring, &plan->rows[i])) {
            if (no)
                return NULL;
            no = plan->rows[i].no;
        }
    return no;
}

/* Ends the rows that still wait although another subscription lives. */
static bool end_announced(struct ensuring *ensuring, const char *but)
{
    const struct plan *plan = ensuring->plan;
    bool good = true;

    for (size_t i = 0; i < plan->row_count && good; i++)
        if (is_announced(ensuring, &plan->rows[i]) &&
            strcmp(plan->rows[i].no, but) != 0)
            good = subscription_store_end(ensuring->database, plan->rows[i].no);
    if (*ensuring->announced_no && strcmp(ensuring->announced_no, but) != 0)
        good = good && subscription_store_end(ensuring->database,
                                              ensuring->announced_no);
    return good;
}

/* When Graph last showed one of the tenant's alive; 0: there never was one. */
static int64_t last_alive_at(const struct ensuring *ensuring)
{
    const struct plan *plan = ensuring->plan;
    int64_t last = 0;

    for (const struct row *row = plan->rows; row < plan->rows + plan->row_count;
         row++)
        if (plan_is_wanted(plan->tenant, row) && row->alive_at > last)
            last = row->alive_at;
    return last;
}

/*
 * It is not at Graph any more: from here on there is a gap. `reason` NULL: no
 * gap comes of it.
 */
static bool note_gone(struct ensuring *ensuring, const struct row *row,
                      const char *reason, int64_t begins_at)
{
    if (row && !row->ended_at &&
        !subscription_store_end(ensuring->database, row->no))
        return false;
    return !reason || subscription_store_open_gap(ensuring->database,
                                                  ensuring->plan->tenant,
                                                  reason, begins_at);
}

/* Deletes one of ours at Graph. `reason` NULL: no gap comes of it. */
static enum outcome remove_one(struct ensuring *ensuring,
                               const struct subscription *one,
                               const char *reason, int64_t begins_at)
{
    const struct row *row = row_of(ensuring, one->id);
    enum outcome outcome =
        subscription_delete(ensuring->graph, one->id, &ensuring->fault);

    if (outcome != DONE)
        return outcome;
    if (ensuring->plan->due & PLAN_REPLACE && reason)
        log_line("%s: items of subscription %s were refused by callhook, for "
                 "its secret is not the one that was announced: replacing it",
                 ensuring->plan->tenant->name, one->id);
    log_detail("%s: deleted subscription %s: %s", ensuring->plan->tenant->name,
               one->id, reason ? reason : "not needed");
    if (!note_gone(ensuring, row, reason, begins_at))
        return no_database(ensuring);
    subscription_store_forget_refusals(ensuring->database, one->id);
    return DONE;
}

/* Graph's list may show for a while what has expired. */
static bool is_alive(const struct ensuring *ensuring,
                     const struct subscription *one)
{
    return one->expires_at > graph_now(ensuring->graph);
}

/* A row says that it lives and the list does not show it: ask for itself. */
static enum outcome ask_for_missing(struct ensuring *ensuring,
                                    struct subscriptions *listed,
                                    const struct row *row)
{
    struct subscription found;
    enum outcome outcome =
        subscription_get(ensuring->graph, row->id, &found, &ensuring->fault);

    if (outcome == DONE) {
        if (is_alive(ensuring, &found)) {
            subscriptions_add(listed, &found);
            return DONE;
        }
        subscription_free(&found);
    } else if (outcome != ABSENT) {
        return outcome;
    }
    snprintf(ensuring->gone_id, sizeof(ensuring->gone_id), "%s", row->id);
    if (!note_gone(ensuring, row, "the subscription was gone", row->alive_at))
        return no_database(ensuring);
    return DONE;
}

static enum outcome find_missing(struct ensuring *ensuring,
                                 struct subscriptions *listed)
{
    const struct plan *plan = ensuring->plan;

    for (size_t i = 0; i < plan->row_count; i++) {
        const struct row *row = &plan->rows[i];
        bool shown = row->ended_at || !*row->id ||
                     !plan_is_wanted(plan->tenant, row) ||
                     strcmp(row->id, ensuring->gone_id) == 0;

        for (size_t j = 0; j < listed->count && !shown; j++)
            shown = strcmp(listed->all[j].id, row->id) == 0 &&
                    is_alive(ensuring, &listed->all[j]);
        if (!shown) {
            enum outcome outcome = ask_for_missing(ensuring, listed, row);

            if (outcome != DONE)
                return outcome;
        }
    }
    return DONE;
}

/* The number of its row, or of the one announced for it; NULL: neither. */
static const char *number_of(const struct ensuring *ensuring,
                             const struct subscription *one)
{
    const struct row *row = row_of(ensuring, one->id);

    return row ? row->no : announced_row(ensuring);
}

/*
 * Why a subscription of ours must go, and when the gap began (0: now). NULL: it
 * can stay.
 */
static const char *find_fault(const struct ensuring *ensuring,
                              const struct subscription *one,
                              int64_t *gap_begins_at)
{
    const struct plan *plan = ensuring->plan;
    const struct row *row = row_of(ensuring, one->id);
    const char *lifecycle_url = one->lifecycle_url;

    *gap_begins_at = 0;
    if (!number_of(ensuring, one)) {
        *gap_begins_at = last_alive_at(ensuring);
        return "its secret was not known";
    }
    if (plan->due & PLAN_REPLACE && strcmp(one->id, plan->refused_id) == 0) {
        *gap_begins_at = plan->refused_at;
        return "its items were refused";
    }
    if (!*lifecycle_url && row)
        lifecycle_url = row->lifecycle_url;
    if (*lifecycle_url &&
        strcmp(lifecycle_url, plan->tenant->lifecycle_url) != 0)
        return "the lifecycle URL changed";
    return NULL;
}

/* Whether one of the list is in our notes: then nothing was missed. */
static bool is_any_known(const struct ensuring *ensuring,
                         const struct subscriptions *listed)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct row *row = row_of(ensuring, listed->all[i].id);

        if (row && !row->ended_at && is_alive(ensuring, &listed->all[i]) &&
            renew_is_wanted(ensuring->plan->tenant, &listed->all[i]))
            return true;
    }
    return false;
}

/*
 * Goes through the list: deletes what is ours and must go, and finds the one
 * to keep (NULL: none), the one that ends last. What is not ours stays.
 */
static enum outcome sort_out(struct ensuring *ensuring,
                             const struct subscriptions *listed,
                             const struct subscription **kept)
{
    const struct tenant *tenant = ensuring->plan->tenant;
    enum outcome outcome = DONE;

    *kept = NULL;
    for (size_t i = 0; i < listed->count && outcome == DONE; i++) {
        const struct subscription *one = &listed->all[i], *lesser = *kept;
        const struct row *row = row_of(ensuring, one->id);
        const char *fault;
        int64_t begins_at;

        if (!is_alive(ensuring, one) || strcmp(one->id, ensuring->gone_id) == 0)
            continue;
        if (!renew_is_wanted(tenant, one)) {
            if (row && plan_is_orphan(ensuring->settings, row))
                outcome = remove_one(ensuring, one, NULL, 0);
            continue;
        }
        if (!row && !renew_is_under_our_url(tenant, one))
            continue;
        fault = find_fault(ensuring, one, &begins_at);
        if (fault) {
            bool spare = !row && is_any_known(ensuring, listed);

            outcome =
                remove_one(ensuring, one, spare ? NULL : fault, begins_at);
            continue;
        }
        if (lesser && lesser->expires_at >= one->expires_at)
            lesser = one;
        else
            *kept = one;
        if (lesser)
            outcome = remove_one(ensuring, lesser, NULL, 0);
    }
    return outcome;
}

/* Writes down that it lives, and with it that a gap is over. */
static enum outcome note_alive(struct ensuring *ensuring,
                               const struct subscription *one, const char *no,
                               bool renewed)
{
    const struct tenant *tenant = ensuring->plan->tenant;

    if (subscription_store_alive(ensuring->database, tenant, no, one,
                                 renewed) &&
        end_announced(ensuring, no) &&
        subscription_store_close_gap(ensuring->database, tenant))
        return DONE;
    return no_database(ensuring);
}

static enum outcome renew(struct ensuring *ensuring,
                          const struct subscription *one, const char *no)
{
    struct subscription renewed;
    enum outcome outcome =
        renew_subscription(ensuring->graph, one, &renewed, &ensuring->fault);

    if (outcome == DONE) {
        log_detail("%s: renewed subscription %s", ensuring->plan->tenant->name,
                   one->id);
        ensuring->renewed = true;
        outcome = note_alive(ensuring, &renewed, no, true);
        subscription_free(&renewed);
    } else if (outcome == ABSENT) {
        const struct row *row = row_of(ensuring, one->id);

        snprintf(ensuring->gone_id, sizeof(ensuring->gone_id), "%s", one->id);
        if (!note_gone(ensuring, row, "the subscription was gone",
                       row ? row->alive_at : 0))
            outcome = no_database(ensuring);
    }
    return outcome;
}

/* Whether the one that is kept is to be PATCHed now. */
static bool must_renew(const struct ensuring *ensuring,
                       const struct subscription *one)
{
    const struct row *row = row_of(ensuring, one->id);
    const struct plan *plan = ensuring->plan;

    return plan->due & PLAN_RENEW ||
           !renew_is_under_our_url(plan->tenant, one) ||
           (row && row->ended_at) || plan_says_removed(plan, one->id);
}

/* Its secret's digest is durable before the secret goes out. */
static enum outcome create(struct ensuring *ensuring)
{
    const struct tenant *tenant = ensuring->plan->tenant;
    struct subscription made;
    struct client_state secret;
    enum outcome outcome;

    if (last_alive_at(ensuring) &&
        !subscription_store_open_gap(ensuring->database, tenant,
                                     "there was no subscription",
                                     last_alive_at(ensuring)))
        return no_database(ensuring);
    client_state_make(&secret);
    if (!subscription_store_announce(ensuring->database, tenant,
                                     secret.sha256_hex, ensuring->announced_no))
        return no_database(ensuring);
    outcome = subscription_create(ensuring->graph, secret.text, &made,
                                  &ensuring->fault);
    explicit_bzero(&secret, sizeof(secret));
    if (outcome == DONE) {
        log_detail("%s: created subscription %s", tenant->name, made.id);
        ensuring->renewed = true;
        outcome = note_alive(ensuring, &made, ensuring->announced_no, true);
        subscription_free(&made);
    } else if (outcome != UNSURE) {
        if (!subscription_store_end(ensuring->database, ensuring->announced_no))
            return no_database(ensuring);
        *ensuring->announced_no = '\0';
    }
    return outcome;
}

/* Graph has one already, and it is none of ours: names it. */
static void name_the_foreign(struct ensuring *ensuring,
                             const struct subscriptions *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        if (renew_is_wanted(ensuring->plan->tenant, &listed->all[i]) &&
            !row_of(ensuring, listed->all[i].id) &&
            !renew_is_under_our_url(ensuring->plan->tenant, &listed->all[i])) {
            fault_say(&ensuring->fault, "create subscription",
                      "one with another URL is in the way; to delete it: "
                      "callhook-renewer unsubscribe %s %s",
                      ensuring->plan->tenant->name, listed->all[i].id);
            return;
        }
    fault_say(&ensuring->fault, "create subscription",
              "Graph says that there is one, and does not list it");
}

/* One look at Graph, and what follows from it. */
static enum outcome go_round(struct ensuring *ensuring,
                             struct subscriptions *listed, int round)
{
    const struct subscription *kept = NULL;
    enum outcome outcome = find_missing(ensuring, listed);

    if (outcome == DONE)
        outcome = sort_out(ensuring, listed, &kept);
    if (outcome != DONE)
        return outcome;
    if (kept) {
        const char *no = number_of(ensuring, kept);

        outcome = note_alive(ensuring, kept, no, false);
        if (outcome == DONE && must_renew(ensuring, kept))
            outcome = renew(ensuring, kept, no);
        return outcome;
    }
    if (*ensuring->announced_no) {
        fault_say(&ensuring->fault, "create subscription",
                  "the answer was lost, and Graph lists none yet");
        return LATER; /* the next run looks again */
    }
    outcome = create(ensuring);
    if (outcome == CLASH && round + 1 == ROUNDS)
        name_the_foreign(ensuring, listed);
    return outcome;
}

/* The one row that lives, if there is just one; NULL otherwise. */
static const struct row *only_live_row(const struct plan *plan)
{
    const struct row *live = NULL;

    for (size_t i = 0; i < plan->row_count; i++) {
        const struct row *row = &plan->rows[i];

        if (row->ended_at || !plan_is_wanted(plan->tenant, row))
            continue;
        if (live || !*row->id)
            return NULL;
        live = row;
    }
    return live;
}

/*
 * Without a look at Graph's list, whose limit per application is low: renews
 * what is known, or creates the very first. ABSENT or CLASH: a look is needed.
 */
static enum outcome keep_unlisted(struct ensuring *ensuring)
{
    const struct row *row = only_live_row(ensuring->plan);
    struct subscription one = {0};

    if (!row)
        return create(ensuring);
    snprintf(one.id, sizeof(one.id), "%s", row->id);
    one.notification_url = row->notification_url;
    one.expires_at = row->expires_at;
    return renew(ensuring, &one, row->no);
}

/* Graph's list fails: what we know can be renewed all the same. */
static enum outcome renew_unseen(struct ensuring *ensuring)
{
    struct fault listing = ensuring->fault;

    if (only_live_row(ensuring->plan) && ensuring->plan->due & PLAN_RENEW)
        keep_unlisted(ensuring);
    ensuring->fault = listing;
    return LATER;
}

enum outcome ensure_subscription(struct ensuring *ensuring)
{
    enum outcome outcome = ABSENT;

    if (!plan_needs_list(ensuring->plan) && !ensuring->plan->may_list)
        outcome = keep_unlisted(ensuring);
    if (outcome == CLASH) {
        fault_say(&ensuring->fault, "create subscription",
                  "Graph has one already; a next run takes it over");
        return LATER; /* when it is this tenant's turn to list */
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct fault before = ensuring->fault;
        bool unsure = outcome == UNSURE;
        struct subscriptions listed;

        if (outcome != CLASH && outcome != ABSENT && !unsure)
            break;
        outcome = subscription_list(ensuring->graph, &listed, &ensuring->fault);
        if (outcome != DONE) {
            if (outcome == LATER && round == 0)
                return renew_unseen(ensuring);
            if (unsure)
                ensuring->fault = before; /* it says more than the list's */
            return outcome;
        }
        outcome = go_round(ensuring, &listed, round);
        subscriptions_free(&listed);
    }
    return outcome;
}
