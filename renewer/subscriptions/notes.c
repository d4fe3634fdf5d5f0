/* What a turn has found and done, written down at its end. */
#include "subscriptions/notes.h"

#include "base/memory.h"
#include "subscriptions/subscription_store.h"

void notes_ended(struct notes *notes, const struct ended *ended)
{
    notes->all =
        memory_resize(notes->all, (notes->count + 1) * sizeof(*notes->all));
    notes->all[notes->count++] = *ended;
    if (strcmp(ended->id, notes->live.id) == 0)
        subscription_free(&notes->live);
}

void notes_live(struct notes *notes, const struct subscription *live,
                const char *no, bool renewed)
{
    subscription_free(&notes->live);
    memcpy(notes->live.id, live->id, sizeof(notes->live.id));
    notes->live.expires_at = live->expires_at;
    notes->live.notification_url = memory_copy(live->notification_url);
    notes->live.lifecycle_url = memory_copy(live->lifecycle_url);
    snprintf(notes->live_no, sizeof(notes->live_no), "%s", no);
    notes->renewed = notes->renewed || renewed;
}

bool notes_has_ended(const struct notes *notes, const char *id)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->all[i].id, id) == 0)
            return true;
    return false;
}

static bool write_ended(const struct ended *ended, struct database *database,
                        const struct tenant *tenant)
{
    if (*ended->no && !subscription_store_end(database, ended->no))
        return false;
    if (ended->deleted)
        subscription_store_forget_refusals(database, ended->id);
    return !ended->reason ||
           subscription_store_note_gap(database, tenant, ended->reason,
                                       ended->begins_at, 0);
}

/* Rows that still wait, although another subscription lives, end. */
static bool end_waiting(const struct notes *notes, struct database *database,
                        const struct plan *plan)
{
    bool good = true;

    for (size_t i = 0; i < plan->count && good; i++)
        if (plan->all[i].announced &&
            strcmp(plan->all[i].row->no, notes->live_no) != 0)
            good = subscription_store_end(database, plan->all[i].row->no);
    if (*notes->announced_no &&
        strcmp(notes->announced_no, notes->live_no) != 0)
        good = good && subscription_store_end(database, notes->announced_no);
    return good;
}

bool notes_write(const struct notes *notes, struct database *database,
                 const struct plan *plan)
{
    bool good = true;

    for (size_t i = 0; i < notes->count && good; i++)
        good = write_ended(&notes->all[i], database, plan->tenant);
    if (!*notes->live.id)
        return good;
    return good &&
           subscription_store_alive(database, plan->tenant, notes->live_no,
                                    &notes->live, notes->renewed) &&
           end_waiting(notes, database, plan) &&
           subscription_store_close_gap(database, plan->tenant);
}

void notes_free(struct notes *notes)
{
    free(notes->all);
    subscription_free(&notes->live);
}
