/* Which refused items are noted, and for how many there is room. */
#include "unit.h"

#include <pthread.h>

#include "store/refusals.h"

#define THREADS 4
#define ITEMS_A_THREAD 20000

static struct guid guid_of(unsigned number)
{
    struct guid guid = GUID_NIL;

    memcpy(guid.bytes, &number, sizeof(number));
    return guid;
}

static void note(unsigned number, enum item_verdict verdict)
{
    struct item item = {
        .subscription_id = guid_of(number),
        .has_subscription = true,
        .verdict = (uint8_t)verdict,
    };

    refusals_note(&item);
}

/* What was noted of a subscription; no items if nothing was. */
static struct refusal find(const struct refusal *taken, size_t count,
                           unsigned number)
{
    struct guid guid = guid_of(number);
    struct refusal found = {0};

    for (size_t i = 0; i < count; i++)
        if (guid_equal(&taken[i].subscription_id, &guid)) {
            assert_int_equal(found.items, 0); /* once only */
            found = taken[i];
        }
    return found;
}

static void empty(void)
{
    struct refusal taken[REFUSALS_MAX];

    refusals_take(taken);
}

static const struct verdict_case {
    const char *name;
    enum item_verdict verdict;
    bool names_one;
    bool is_noted;
} verdict_cases[] = {
    {"unknown", ITEM_UNKNOWN, true, true},
    {"another secret", ITEM_WRONG_SECRET, true, true},
    {"trusted", ITEM_TRUSTED, true, false},
    {"malformed", ITEM_MALFORMED, true, false},
    {"not judged", ITEM_UNJUDGED, true, false},
    {"unknown, without a subscription", ITEM_UNKNOWN, false, false},
};

TEST_EACH(noted_by_verdict, verdict_cases, c)
{
    struct item item = {
        .subscription_id = guid_of(7),
        .has_subscription = c->names_one,
        .verdict = (uint8_t)c->verdict,
    };
    struct refusal taken[REFUSALS_MAX];

    empty();
    refusals_note(&item);
    assert_int_equal(refusals_take(taken), c->is_noted);
    if (!c->is_noted)
        return;
    assert_true(guid_equal(&taken[0].subscription_id, &item.subscription_id));
    assert_int_equal(taken[0].reason, c->verdict);
    assert_int_equal(taken[0].items, 1);
}

TEST(the_nil_guid_is_one_too)
{
    struct refusal taken[REFUSALS_MAX];

    empty();
    note(0, ITEM_UNKNOWN);
    note(0, ITEM_UNKNOWN);
    assert_int_equal(refusals_take(taken), 1);
    assert_int_equal(taken[0].items, 2);
}

TEST(items_add_up_and_the_last_reason_counts)
{
    struct refusal taken[REFUSALS_MAX];

    empty();
    note(1, ITEM_UNKNOWN);
    note(2, ITEM_WRONG_SECRET);
    note(1, ITEM_WRONG_SECRET);
    note(1, ITEM_UNKNOWN);
    note(2, ITEM_WRONG_SECRET);
    size_t count = refusals_take(taken);
    assert_int_equal(count, 2);
    assert_int_equal(find(taken, count, 1).items, 3);
    assert_int_equal(find(taken, count, 1).reason, ITEM_UNKNOWN);
    assert_int_equal(find(taken, count, 2).items, 2);
    assert_int_equal(find(taken, count, 2).reason, ITEM_WRONG_SECRET);
}

TEST(what_is_taken_is_noted_no_more)
{
    struct refusal taken[REFUSALS_MAX];

    empty();
    note(1, ITEM_UNKNOWN);
    assert_int_equal(refusals_take(taken), 1);
    assert_int_equal(refusals_take(taken), 0);
    note(1, ITEM_UNKNOWN);
    assert_int_equal(refusals_take(taken), 1);
    assert_int_equal(taken[0].items, 1);
}

TEST(what_is_not_written_is_noted_still)
{
    struct database nowhere = {0};
    struct refusal taken[REFUSALS_MAX];

    empty();
    assert_true(refusals_write(&nowhere, 0)); /* there is nothing */
    for (unsigned i = 0; i < REFUSALS_MAX; i++)
        note(i, ITEM_WRONG_SECRET);
    note(3, ITEM_WRONG_SECRET);
    assert_false(refusals_write(&nowhere, 0));
    note(3, ITEM_UNKNOWN);
    assert_false(refusals_write(&nowhere, 0));
    size_t count = refusals_take(taken);
    assert_int_equal(count, REFUSALS_MAX);
    assert_int_equal(find(taken, count, 3).items, 3);
    assert_int_equal(find(taken, count, 3).reason, ITEM_UNKNOWN);
    assert_int_equal(find(taken, count, 4).items, 1);
    assert_int_equal(find(taken, count, 4).reason, ITEM_WRONG_SECRET);
}

TEST(the_newest_have_room)
{
    struct refusal taken[REFUSALS_MAX];

    empty();
    for (unsigned i = 1; i <= 10 * REFUSALS_MAX + 5; i++)
        note(i, ITEM_UNKNOWN);
    size_t count = refusals_take(taken);
    assert_int_equal(count, REFUSALS_MAX);
    for (unsigned i = 9 * REFUSALS_MAX + 6; i <= 10 * REFUSALS_MAX + 5; i++)
        assert_int_equal(find(taken, count, i).items, 1);
}

/* Wherever in the table it is: a stranger's ids come once, ours again. */
TEST(one_that_comes_again_stays)
{
    struct refusal taken[REFUSALS_MAX];

    empty();
    for (unsigned before = 0; before < 2 * REFUSALS_MAX; before++) {
        unsigned number = 1000;
        for (unsigned i = 0; i < before; i++)
            note(number++, ITEM_UNKNOWN);
        note(1, ITEM_UNKNOWN);
        note(1, ITEM_UNKNOWN);
        for (unsigned i = 0; i < 5 * REFUSALS_MAX; i++)
            note(number++, ITEM_UNKNOWN);
        note(1, ITEM_WRONG_SECRET);
        size_t count = refusals_take(taken);
        assert_int_equal(count, REFUSALS_MAX);
        assert_int_equal(find(taken, count, 1).items, 3);
    }
}

static void *note_many(void *context)
{
    const unsigned *first = context;

    for (unsigned i = 0; i < ITEMS_A_THREAD; i++)
        note(*first + i % 3, ITEM_UNKNOWN);
    return NULL;
}

/* Taken while threads note: every item is counted once. */
TEST(threads_lose_no_item)
{
    struct refusal taken[REFUSALS_MAX];
    unsigned firsts[THREADS];
    pthread_t threads[THREADS];
    uint64_t items = 0;

    empty();
    for (unsigned i = 0; i < THREADS; i++) {
        firsts[i] = i; /* shared with the next one */
        assert_int_equal(
            pthread_create(&threads[i], NULL, note_many, &firsts[i]), 0);
    }
    for (unsigned round = 0; round < 1000; round++)
        for (size_t count = refusals_take(taken); count > 0; count--)
            items += taken[count - 1].items;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t count = refusals_take(taken); count > 0; count--)
        items += taken[count - 1].items;
    assert_int_equal(items, THREADS * ITEMS_A_THREAD);
}
