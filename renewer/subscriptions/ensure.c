/* Ensures one live subscription for a tenant. */
#include "subscriptions/ensure.h"

#include "base/log.h"
#include "subscriptions/client_state.h"
#include "subscriptions/decision.h"
#include "subscriptions/renew.h"
#include "subscriptions/subscription.h"
#include "subscriptions/subscription_store.h"

/* Our list may be of a moment before; then it is looked at once more. */
#define ROUNDS 2

static const char *name_of(const struct ensuring *ensuring)
{
    return ensuring->plan->tenant->name;
}

static void note_ended(struct ensuring *ensuring, const char *id,
                       const struct row *row, const char *reason,
                       int64_t begins_at)
{
    struct ended ended = {.reason = reason, .begins_at = begins_at};

    snprintf(ended.id, sizeof(ended.id), "%s", id);
    if (row && !row->ended_at)
        snprintf(ended.no, sizeof(ended.no), "%s", row->no);
    notes_ended(&ensuring->notes, &ended);
}

/* -- look: what lives at Graph? ---------------------------------------- */

/* Graph's list may show for a while what has expired, or was gone just now. */
static bool is_alive(const struct ensuring *ensuring,
                     const struct subscription *one)
{
    return one->expires_at > graph_now(ensuring->graph) &&
           !notes_has_ended(&ensuring->notes, one->id);
}

static void drop_dead(const struct ensuring *ensuring,
                      struct subscriptions *listed)
{
    size_t kept = 0;

    for (size_t i = 0; i < listed->count; i++)
        if (is_alive(ensuring, &listed->all[i]))
            listed->all[kept++] = listed->all[i];
        else
            subscription_free(&listed->all[i]);
    listed->count = kept;
}

/*
 * A row says that it lives and the list does not show it: ask for itself. No
 * answer is needed of one whose time is over: it must not keep us from having
 * another.
 */
static enum outcome ask_for_missing(struct ensuring *ensuring,
                                    struct subscriptions *listed,
                                    const struct row *row)
{
    struct subscription found = {0};
    enum outcome outcome = subscription_get(ensuring->graph, row->id, &found);
    bool over = row->expires_at <= graph_now(ensuring->graph);

    if (outcome == DONE && is_alive(ensuring, &found)) {
        subscriptions_add(listed, &found);
        return DONE;
    }
    subscription_free(&found);
    if (outcome != DONE && outcome != ABSENT && !over)
        return outcome;
    note_ended(ensuring, row->id, row, "the subscription was gone",
               row->alive_at);
    return DONE;
}

static enum outcome find_missing(struct ensuring *ensuring,
                                 struct subscriptions *listed)
{
    const struct plan *plan = ensuring->plan;
    enum outcome outcome = DONE;

    for (size_t i = 0; i < plan->count && outcome == DONE; i++)
        if (plan->all[i].live &&
            !subscriptions_hold(listed, plan->all[i].row->id) &&
            !notes_has_ended(&ensuring->notes, plan->all[i].row->id))
            outcome = ask_for_missing(ensuring, listed, plan->all[i].row);
    return outcome;
}

/* -- act: delete, renew, create ---------------------------------------- */

static enum outcome remove_one(struct ensuring *ensuring,
                               const struct removal *removal)
{
    const struct known *known = removal->known;
    const char *id = removal->one->id;
    enum outcome outcome = subscription_delete(ensuring->graph, id);

    if (outcome != DONE && outcome != ABSENT)
        return outcome;
    if (known && known->refused_at && removal->reason)
        log_line("%s: items of subscription %s were refused by callhook, for "
                 "its secret is not the one that was announced: replacing it",
                 name_of(ensuring), id);
    log_detail("%s: deleted subscription %s: %s", name_of(ensuring), id,
               removal->reason ? removal->reason : "not needed");
    note_ended(ensuring, id, known ? known->row : NULL, removal->reason,
               removal->begins_at);
    ensuring->notes.all[ensuring->notes.count - 1].deleted = true;
    return DONE;
}

static enum outcome renew(struct ensuring *ensuring,
                          const struct subscription *one, const char *no)
{
    struct subscription renewed;
    enum outcome outcome = renew_subscription(ensuring->graph, one, &renewed);

    if (outcome == DONE) {
        log_detail("%s: renewed subscription %s", name_of(ensuring), one->id);
        notes_live(&ensuring->notes, &renewed, no, true);
        subscription_free(&renewed);
    } else if (outcome == ABSENT) {
        const struct known *known = plan_known(ensuring->plan, one->id);
        const struct row *row = known ? known->row : NULL;

        note_ended(ensuring, one->id, row, "the subscription was gone",
                   row ? row->alive_at : 0);
    }
    return outcome;
}

/* Its secret's digest is durable before the secret goes out. */
static enum outcome create(struct ensuring *ensuring)
{
    const struct plan *plan = ensuring->plan;
    struct notes *notes = &ensuring->notes;
    struct subscription made;
    struct client_state secret;
    enum outcome outcome;

    if (plan->last_alive_at)
        note_ended(ensuring, "", NULL, "there was no subscription",
                   plan->last_alive_at);
    client_state_make(&secret);
    if (!subscription_store_announce(ensuring->database, plan->tenant,
                                     secret.sha256_hex, NULL,
                                     notes->announced_no)) {
        fault_say(&ensuring->graph->fault, "database",
                  "it did not take what happened");
        return LATER;
    }
    outcome = subscription_create(ensuring->graph, secret.text, &made);
    explicit_bzero(&secret, sizeof(secret));
    if (outcome == DONE) {
        log_detail("%s: created subscription %s", name_of(ensuring), made.id);
        notes_live(notes, &made, notes->announced_no, true);
        subscription_free(&made);
    } else if (outcome != UNSURE) {
        struct ended ended = {0};

        memcpy(ended.no, notes->announced_no, sizeof(ended.no));
        notes_ended(notes, &ended);
        *notes->announced_no = '\0';
    }
    return outcome;
}

/* Graph has one already, and it is none of ours: names it. */
static void name_the_foreign(struct ensuring *ensuring,
                             const struct subscription *foreign)
{
    if (foreign)
        fault_say(&ensuring->graph->fault, "create subscription",
                  "one with another URL is in the way; to delete it: "
                  "callhook-renewer unsubscribe %s %s",
                  name_of(ensuring), foreign->id);
    else
        fault_say(&ensuring->graph->fault, "create subscription",
                  "Graph says that there is one, and does not list it");
}

static enum outcome remove_all(struct ensuring *ensuring,
                               const struct decision *decision)
{
    enum outcome outcome = DONE;

    for (size_t i = 0; i < decision->count && outcome == DONE; i++)
        outcome = remove_one(ensuring, &decision->removals[i]);
    return outcome;
}

static enum outcome keep(struct ensuring *ensuring,
                         const struct decision *decision)
{
    notes_live(&ensuring->notes, decision->kept, decision->kept_no, false);
    return decision->renew ? renew(ensuring, decision->kept, decision->kept_no)
                           : DONE;
}

/* Another one that cannot be deleted must not let the kept one run out. */
static enum outcome act(struct ensuring *ensuring,
                        const struct decision *decision)
{
    enum outcome removed = remove_all(ensuring, decision);
    struct fault removing = ensuring->graph->fault;
    enum outcome kept;

    if (decision->kept) {
        kept = keep(ensuring, decision);
        if (removed == DONE)
            return kept;
        ensuring->graph->fault = removing;
    }
    if (removed != DONE)
        return removed;
    if (*ensuring->notes.announced_no) {
        fault_say(&ensuring->graph->fault, "create subscription",
                  "the answer was lost, and Graph lists none yet");
        return LATER; /* the next run looks again */
    }
    return create(ensuring);
}

/* -- the rungs --------------------------------------------------------- */

/*
 * Without a look at Graph's list, whose limit per application is low: renews
 * what is known, or creates the very first. ABSENT or CLASH: a look is needed.
 */
static enum outcome ensure_unlisted(struct ensuring *ensuring)
{
    const struct known *known = ensuring->plan->only;
    struct subscription one;

    if (!known)
        return create(ensuring);
    one = renew_of_row(known->row);
    return renew(ensuring, &one, known->row->no);
}

/*
 * To look fails, for whatever reason: what we know can be renewed all the same,
 * and must not run out meanwhile. The fault stays that of the look.
 */
static enum outcome renew_unseen(struct ensuring *ensuring,
                                 enum outcome outcome)
{
    struct fault looking = ensuring->graph->fault;

    if (ensuring->plan->only && ensuring->plan->due & PLAN_RENEW)
        ensure_unlisted(ensuring);
    ensuring->graph->fault = looking;
    return outcome;
}

/* What Graph shows, what follows from it, and that it is done. */
static enum outcome go_round(struct ensuring *ensuring,
                             struct subscriptions *listed, bool last)
{
    const char *announced_no = *ensuring->notes.announced_no
                                   ? ensuring->notes.announced_no
                                   : ensuring->plan->announced_no;
    struct decision decision;
    enum outcome outcome;

    drop_dead(ensuring, listed);
    outcome = find_missing(ensuring, listed);
    if (outcome != DONE)
        return renew_unseen(ensuring, outcome);
    decision_make(&decision, ensuring->plan, listed, announced_no);
    outcome = act(ensuring, &decision);
    if (outcome == CLASH && last)
        name_the_foreign(ensuring, decision.foreign);
    decision_free(&decision);
    return outcome;
}

enum outcome ensure_subscription(struct ensuring *ensuring)
{
    enum outcome outcome = ABSENT;

    if (!ensuring->plan->needs_list && !ensuring->plan->may_list)
        outcome = ensure_unlisted(ensuring);
    if (outcome == CLASH) {
        fault_say(&ensuring->graph->fault, "create subscription",
                  "Graph has one already; a next run takes it over");
        return LATER; /* when it is this tenant's turn to list */
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct fault before = ensuring->graph->fault;
        bool unsure = outcome == UNSURE;
        struct subscriptions listed;

        if (outcome != CLASH && outcome != ABSENT && !unsure)
            break;
        outcome = subscription_list(ensuring->graph, &listed);
        if (outcome != DONE) {
            if (round == 0 && !unsure)
                return renew_unseen(ensuring, outcome);
            if (unsure) /* its fault says more than the list's */
                ensuring->graph->fault = before;
            return outcome;
        }
        outcome = go_round(ensuring, &listed, round + 1 == ROUNDS);
        subscriptions_free(&listed);
    }
    return outcome;
}
