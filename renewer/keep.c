/* Keeps one live subscription for a tenant. */
#include "keep.h"

#include "log.h"
#include "random.h"
#include "renew.h"
#include "store.h"
#include "subscription.h"

/* Our list may be of a moment before; then it is looked at once more. */
#define ROUNDS 2

static enum outcome no_database(struct keeping *keeping)
{
    fault_say(&keeping->fault, "database", "it did not take what happened");
    return LATER;
}

static const struct row *row_of(const struct keeping *keeping, const char *id)
{
    return due_row_of(keeping->duty->rows, keeping->duty->row_count, id);
}

/* A row that waits for the id of its subscription. */
static bool is_announced(const struct keeping *keeping, const struct row *row)
{
    return !row->ended_at && !*row->id &&
           due_is_wanted(keeping->duty->tenant, row);
}

/*
 * The number of the row whose secret a subscription under our URL must have
 * that no row names: the one announced by this run, or else the only one that
 * waits. NULL: it cannot be told.
 */
static const char *announced_row(const struct keeping *keeping)
{
    const struct duty *duty = keeping->duty;
    const char *no = NULL;

    if (*keeping->announced_no)
        return keeping->announced_no;
    for (size_t i = 0; i < duty->row_count; i++)
        if (is_announced(keeping, &duty->rows[i])) {
            if (no)
                return NULL;
            no = duty->rows[i].no;
        }
    return no;
}

/* Ends the rows that still wait although another subscription lives. */
static bool end_announced(struct keeping *keeping, const char *but)
{
    const struct duty *duty = keeping->duty;
    bool good = true;

    for (size_t i = 0; i < duty->row_count && good; i++)
        if (is_announced(keeping, &duty->rows[i]) &&
            strcmp(duty->rows[i].no, but) != 0)
            good = store_end(keeping->database, duty->rows[i].no);
    if (*keeping->announced_no && strcmp(keeping->announced_no, but) != 0)
        good = good && store_end(keeping->database, keeping->announced_no);
    return good;
}

/* When Graph last showed one of the tenant's alive; 0: there never was one. */
static int64_t last_alive_at(const struct keeping *keeping)
{
    const struct duty *duty = keeping->duty;
    int64_t last = 0;

    for (const struct row *row = duty->rows; row < duty->rows + duty->row_count;
         row++)
        if (due_is_wanted(duty->tenant, row) && row->alive_at > last)
            last = row->alive_at;
    return last;
}

/*
 * It is not at Graph any more: from here on there is a gap. `reason` NULL: no
 * gap comes of it.
 */
static bool note_gone(struct keeping *keeping, const struct row *row,
                      const char *reason, int64_t begins_at)
{
    if (row && !row->ended_at && !store_end(keeping->database, row->no))
        return false;
    return !reason || store_open_gap(keeping->database, keeping->duty->tenant,
                                     reason, begins_at);
}

/* Deletes one of ours at Graph. `reason` NULL: no gap comes of it. */
static enum outcome remove_one(struct keeping *keeping,
                               const struct subscription *one,
                               const char *reason, int64_t begins_at)
{
    const struct row *row = row_of(keeping, one->id);
    enum outcome outcome =
        subscription_delete(keeping->graph, one->id, &keeping->fault);

    if (outcome != DONE)
        return outcome;
    if (keeping->duty->due & DUE_REPLACE && reason)
        log_line("%s: items of subscription %s were refused by callhook, for "
                 "its secret is not the one that was announced: replacing it",
                 keeping->duty->tenant->name, one->id);
    log_detail("%s: deleted subscription %s: %s", keeping->duty->tenant->name,
               one->id, reason ? reason : "not needed");
    if (!note_gone(keeping, row, reason, begins_at))
        return no_database(keeping);
    store_forget_refusals(keeping->database, one->id);
    return DONE;
}

/* Graph's list may show for a while what has expired. */
static bool is_alive(const struct keeping *keeping,
                     const struct subscription *one)
{
    return one->expires_at > graph_now(keeping->graph);
}

/* A row says that it lives and the list does not show it: ask for itself. */
static enum outcome ask_for_missing(struct keeping *keeping,
                                    struct subscriptions *listed,
                                    const struct row *row)
{
    struct subscription found;
    enum outcome outcome =
        subscription_get(keeping->graph, row->id, &found, &keeping->fault);

    if (outcome == DONE) {
        if (is_alive(keeping, &found)) {
            subscriptions_add(listed, &found);
            return DONE;
        }
        subscription_free(&found);
    } else if (outcome != ABSENT) {
        return outcome;
    }
    snprintf(keeping->gone_id, sizeof(keeping->gone_id), "%s", row->id);
    if (!note_gone(keeping, row, "the subscription was gone", row->alive_at))
        return no_database(keeping);
    return DONE;
}

static enum outcome find_missing(struct keeping *keeping,
                                 struct subscriptions *listed)
{
    const struct duty *duty = keeping->duty;

    for (size_t i = 0; i < duty->row_count; i++) {
        const struct row *row = &duty->rows[i];
        bool shown = row->ended_at || !*row->id ||
                     !due_is_wanted(duty->tenant, row) ||
                     strcmp(row->id, keeping->gone_id) == 0;

        for (size_t j = 0; j < listed->count && !shown; j++)
            shown = strcmp(listed->all[j].id, row->id) == 0 &&
                    is_alive(keeping, &listed->all[j]);
        if (!shown) {
            enum outcome outcome = ask_for_missing(keeping, listed, row);

            if (outcome != DONE)
                return outcome;
        }
    }
    return DONE;
}

/* The number of its row, or of the one announced for it; NULL: neither. */
static const char *number_of(const struct keeping *keeping,
                             const struct subscription *one)
{
    const struct row *row = row_of(keeping, one->id);

    return row ? row->no : announced_row(keeping);
}

/*
 * Why a subscription of ours must go, and when the gap began (0: now). NULL: it
 * can stay.
 */
static const char *find_fault(const struct keeping *keeping,
                              const struct subscription *one,
                              int64_t *gap_begins_at)
{
    const struct duty *duty = keeping->duty;
    const struct row *row = row_of(keeping, one->id);
    const char *lifecycle_url = one->lifecycle_url;

    *gap_begins_at = 0;
    if (!number_of(keeping, one)) {
        *gap_begins_at = last_alive_at(keeping);
        return "its secret was not known";
    }
    if (duty->due & DUE_REPLACE && strcmp(one->id, duty->refused_id) == 0) {
        *gap_begins_at = duty->refused_at;
        return "its items were refused";
    }
    if (!*lifecycle_url && row)
        lifecycle_url = row->lifecycle_url;
    if (*lifecycle_url &&
        strcmp(lifecycle_url, duty->tenant->lifecycle_url) != 0)
        return "the lifecycle URL changed";
    return NULL;
}

/* Whether one of the list is in our notes: then nothing was missed. */
static bool is_any_known(const struct keeping *keeping,
                         const struct subscriptions *listed)
{
    for (size_t i = 0; i < listed->count; i++) {
        const struct row *row = row_of(keeping, listed->all[i].id);

        if (row && !row->ended_at && is_alive(keeping, &listed->all[i]) &&
            renew_is_wanted(keeping->duty->tenant, &listed->all[i]))
            return true;
    }
    return false;
}

/*
 * Goes through the list: deletes what is ours and must go, and finds the one
 * to keep (NULL: none), the one that ends last. What is not ours stays.
 */
static enum outcome sort_out(struct keeping *keeping,
                             const struct subscriptions *listed,
                             const struct subscription **kept)
{
    const struct tenant *tenant = keeping->duty->tenant;
    enum outcome outcome = DONE;

    *kept = NULL;
    for (size_t i = 0; i < listed->count && outcome == DONE; i++) {
        const struct subscription *one = &listed->all[i], *lesser = *kept;
        const struct row *row = row_of(keeping, one->id);
        const char *fault;
        int64_t begins_at;

        if (!is_alive(keeping, one) || strcmp(one->id, keeping->gone_id) == 0)
            continue;
        if (!renew_is_wanted(tenant, one)) {
            if (row && due_is_orphan(keeping->settings, row))
                outcome = remove_one(keeping, one, NULL, 0);
            continue;
        }
        if (!row && !renew_is_under_our_url(tenant, one))
            continue;
        fault = find_fault(keeping, one, &begins_at);
        if (fault) {
            bool spare = !row && is_any_known(keeping, listed);

            outcome = remove_one(keeping, one, spare ? NULL : fault, begins_at);
            continue;
        }
        if (lesser && lesser->expires_at >= one->expires_at)
            lesser = one;
        else
            *kept = one;
        if (lesser)
            outcome = remove_one(keeping, lesser, NULL, 0);
    }
    return outcome;
}

/* Writes down that it lives, and with it that a gap is over. */
static enum outcome note_alive(struct keeping *keeping,
                               const struct subscription *one, const char *no,
                               bool renewed)
{
    const struct tenant *tenant = keeping->duty->tenant;

    if (store_alive(keeping->database, tenant, no, one, renewed) &&
        end_announced(keeping, no) &&
        store_close_gap(keeping->database, tenant))
        return DONE;
    return no_database(keeping);
}

static enum outcome renew(struct keeping *keeping,
                          const struct subscription *one, const char *no)
{
    struct subscription renewed;
    enum outcome outcome =
        renew_subscription(keeping->graph, one, &renewed, &keeping->fault);

    if (outcome == DONE) {
        log_detail("%s: renewed subscription %s", keeping->duty->tenant->name,
                   one->id);
        keeping->renewed = true;
        outcome = note_alive(keeping, &renewed, no, true);
        subscription_free(&renewed);
    } else if (outcome == ABSENT) {
        const struct row *row = row_of(keeping, one->id);

        snprintf(keeping->gone_id, sizeof(keeping->gone_id), "%s", one->id);
        if (!note_gone(keeping, row, "the subscription was gone",
                       row ? row->alive_at : 0))
            outcome = no_database(keeping);
    }
    return outcome;
}

/* Whether the one that is kept is to be PATCHed now. */
static bool must_renew(const struct keeping *keeping,
                       const struct subscription *one)
{
    const struct row *row = row_of(keeping, one->id);
    const struct duty *duty = keeping->duty;

    return duty->due & DUE_RENEW ||
           !renew_is_under_our_url(duty->tenant, one) ||
           (row && row->ended_at) || due_says_removed(duty, one->id);
}

/* Its secret's digest is durable before the secret goes out. */
static enum outcome create(struct keeping *keeping)
{
    const struct tenant *tenant = keeping->duty->tenant;
    struct subscription made;
    struct secret secret;
    enum outcome outcome;

    if (last_alive_at(keeping) &&
        !store_open_gap(keeping->database, tenant, "there was no subscription",
                        last_alive_at(keeping)))
        return no_database(keeping);
    secret_make(&secret);
    if (!store_announce(keeping->database, tenant, secret.sha256_hex,
                        keeping->announced_no))
        return no_database(keeping);
    outcome = subscription_create(keeping->graph, secret.text, &made,
                                  &keeping->fault);
    explicit_bzero(&secret, sizeof(secret));
    if (outcome == DONE) {
        log_detail("%s: created subscription %s", tenant->name, made.id);
        keeping->renewed = true;
        outcome = note_alive(keeping, &made, keeping->announced_no, true);
        subscription_free(&made);
    } else if (outcome != UNSURE) {
        if (!store_end(keeping->database, keeping->announced_no))
            return no_database(keeping);
        *keeping->announced_no = '\0';
    }
    return outcome;
}

/* Graph has one already, and it is none of ours: names it. */
static void name_the_foreign(struct keeping *keeping,
                             const struct subscriptions *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        if (renew_is_wanted(keeping->duty->tenant, &listed->all[i]) &&
            !row_of(keeping, listed->all[i].id) &&
            !renew_is_under_our_url(keeping->duty->tenant, &listed->all[i])) {
            fault_say(&keeping->fault, "create subscription",
                      "one with another URL is in the way; to delete it: "
                      "callhook-renewer unsubscribe %s %s",
                      keeping->duty->tenant->name, listed->all[i].id);
            return;
        }
    fault_say(&keeping->fault, "create subscription",
              "Graph says that there is one, and does not list it");
}

/* One look at Graph, and what follows from it. */
static enum outcome go_round(struct keeping *keeping,
                             struct subscriptions *listed, int round)
{
    const struct subscription *kept = NULL;
    enum outcome outcome = find_missing(keeping, listed);

    if (outcome == DONE)
        outcome = sort_out(keeping, listed, &kept);
    if (outcome != DONE)
        return outcome;
    if (kept) {
        const char *no = number_of(keeping, kept);

        outcome = note_alive(keeping, kept, no, false);
        if (outcome == DONE && must_renew(keeping, kept))
            outcome = renew(keeping, kept, no);
        return outcome;
    }
    if (*keeping->announced_no) {
        fault_say(&keeping->fault, "create subscription",
                  "the answer was lost, and Graph lists none yet");
        return LATER; /* the next run looks again */
    }
    outcome = create(keeping);
    if (outcome == CLASH && round + 1 == ROUNDS)
        name_the_foreign(keeping, listed);
    return outcome;
}

/* The one row that lives, if there is just one; NULL otherwise. */
static const struct row *only_live_row(const struct duty *duty)
{
    const struct row *live = NULL;

    for (size_t i = 0; i < duty->row_count; i++) {
        const struct row *row = &duty->rows[i];

        if (row->ended_at || !due_is_wanted(duty->tenant, row))
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
static enum outcome keep_unlisted(struct keeping *keeping)
{
    const struct row *row = only_live_row(keeping->duty);
    struct subscription one = {0};

    if (!row)
        return create(keeping);
    snprintf(one.id, sizeof(one.id), "%s", row->id);
    one.notification_url = row->notification_url;
    one.expires_at = row->expires_at;
    return renew(keeping, &one, row->no);
}

/* Graph's list fails: what we know can be renewed all the same. */
static enum outcome renew_unseen(struct keeping *keeping)
{
    struct fault listing = keeping->fault;

    if (only_live_row(keeping->duty) && keeping->duty->due & DUE_RENEW)
        keep_unlisted(keeping);
    keeping->fault = listing;
    return LATER;
}

enum outcome keep_subscription(struct keeping *keeping)
{
    enum outcome outcome = ABSENT;

    if (!due_needs_list(keeping->duty) && !keeping->duty->may_list)
        outcome = keep_unlisted(keeping);
    if (outcome == CLASH) {
        fault_say(&keeping->fault, "create subscription",
                  "Graph has one already; a next run takes it over");
        return LATER; /* when it is this tenant's turn to list */
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct fault before = keeping->fault;
        bool unsure = outcome == UNSURE;
        struct subscriptions listed;

        if (outcome != CLASH && outcome != ABSENT && !unsure)
            break;
        outcome = subscription_list(keeping->graph, &listed, &keeping->fault);
        if (outcome != DONE) {
            if (outcome == LATER && round == 0)
                return renew_unseen(keeping);
            if (unsure)
                keeping->fault = before; /* it says more than the list's */
            return outcome;
        }
        outcome = go_round(keeping, &listed, round);
        subscriptions_free(&listed);
    }
    return outcome;
}
