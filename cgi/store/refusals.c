/* The subscriptions whose items were refused, noted for the renewer. */
#include "store/refusals.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/stats.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of both */
static struct refusal noted[REFUSALS_MAX]; /* no items: an empty place */
static size_t next; /* where to look first: at the oldest of equal ones */

static void add(const struct refusal *refusal)
{
    struct refusal *place = &noted[next];

    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        struct refusal *other = &noted[(next + i) % REFUSALS_MAX];
        if (other->items &&
            guid_equal(&other->subscription_id, &refusal->subscription_id)) {
            uint64_t before = other->items;
            *other = *refusal;
            other->items += before;
            return;
        }
        if (other->items < place->items)
            place = other;
    }
    *place = *refusal;
    next = (size_t)(place - noted + 1) % REFUSALS_MAX;
}

void refusals_count(const size_t *refused)
{
    stats_count(STATS_REFUSED_UNKNOWN, refused[ITEM_UNKNOWN]);
    stats_count(STATS_REFUSED_SECRET, refused[ITEM_WRONG_SECRET]);
    stats_count(STATS_REFUSED_MALFORMED, refused[ITEM_MALFORMED]);
}

void refusals_note(const struct item *item)
{
    if (!item->has_subscription ||
        (item->verdict != ITEM_UNKNOWN && item->verdict != ITEM_WRONG_SECRET))
        return;
    struct refusal refusal = {
        .subscription_id = item->subscription_id,
        .tenant_id = item->has_tenant ? item->tenant_id : GUID_NIL,
        .reason = item->verdict,
        .items = 1,
    };
    pthread_mutex_lock(&lock);
    add(&refusal);
    pthread_mutex_unlock(&lock);
}

size_t refusals_take(struct refusal *taken)
{
    size_t count = 0;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < REFUSALS_MAX; i++)
        if (noted[i].items)
            taken[count++] = noted[i];
    memset(noted, 0, sizeof(noted));
    next = 0;
    pthread_mutex_unlock(&lock);
    return count;
}

enum { IDS, TENANTS, REASONS, ITEMS, ARRAYS };

static void add_text(struct buffer *array, const char *text)
{
    buffer_add(array, array->length ? "," : "{", 1);
    buffer_add(array, text, strlen(text));
}

static void add_guid(struct buffer *array, const struct guid *guid)
{
    char text[2 * sizeof(guid->bytes) + 1];

    for (size_t i = 0; i < sizeof(guid->bytes); i++)
        snprintf(text + 2 * i, 3, "%02x", guid->bytes[i]);
    add_text(array, text);
}

/* Array literals, as add_refusals takes them. */
static void add_arrays(struct buffer *arrays, const struct refusal *refusals,
                       size_t count)
{
    char items[24];

    for (size_t i = 0; i < count; i++) {
        const struct refusal *refusal = &refusals[i];
        snprintf(items, sizeof(items), "%llu",
                 (unsigned long long)refusal->items);
        add_guid(&arrays[IDS], &refusal->subscription_id);
        add_guid(&arrays[TENANTS], &refusal->tenant_id);
        add_text(&arrays[REASONS],
                 refusal->reason == ITEM_UNKNOWN ? "unknown" : "secret");
        add_text(&arrays[ITEMS], items);
    }
    for (int i = 0; i < ARRAYS; i++)
        buffer_add(&arrays[i], "}", 2);
}

/* Gives back what was not written. */
static void add_again(const struct refusal *refusals, size_t count)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        add(&refusals[i]);
    pthread_mutex_unlock(&lock);
}

bool refusals_write(struct database *database, int64_t deadline)
{
    static const char statement[] = "SELECT callhook_store.add_refusals($1, "
                                    "$2, $3, $4)";
    struct refusal refusals[REFUSALS_MAX];
    struct buffer arrays[ARRAYS] = {0};
    const char *values[ARRAYS];
    size_t count = refusals_take(refusals);

    if (count == 0)
        return true;
    add_arrays(arrays, refusals, count);
    for (int i = 0; i < ARRAYS; i++)
        values[i] = arrays[i].data;
    enum database_outcome outcome =
        database_call(database, statement, ARRAYS, values, deadline);
    for (int i = 0; i < ARRAYS; i++)
        buffer_free(&arrays[i]);
    if (outcome == DATABASE_DONE)
        return true;
    log_cause(LOG_STATEMENT, "the refusals are not written: %s",
              database_fault(database));
    add_again(refusals, count);
    return false;
}
