/* What follows from a plan and from what Graph lists. */
#include "subscriptions/decision.h"

#include "plan_world.h"

#define OLD_URL "https://old.example.com/"
#define A "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define B "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

/* What our notes say of A, and what of B. */
enum notes {
    NONE,
    LIVE,
    ENDED,
    ANNOUNCED,     /* a row without an id */
    OTHERS,        /* of a resource that nobody wants */
    REFUSED_ITEMS, /* its items are */
    REMOVED,       /* Graph said so */
    OLD,           /* it is time to renew */
};

static const struct test {
    const char *name;
    enum notes a, b;
    const char *listed;    /* "A", "B", "AB" in the order of the list */
    const char *url;       /* theirs; NULL: ours */
    const char *lifecycle; /* theirs; NULL: ours */
    const char *removed;   /* ids' letters */
    const char *reason;    /* of the gap by the first removal */
    int64_t gap_begins;    /* before NOW; 0: now */
    char kept;             /* a letter, 0: none */
    bool renew;
    bool foreign;
} tests[] = {
    {"nothing is there", NONE, NONE, "", NULL, NULL, "", NULL, 0, 0, 0, 0},
    {"the one we know", LIVE, NONE, "A", NULL, NULL, "", NULL, 0, 'A', 0, 0},
    {"it is time", OLD, NONE, "A", NULL, NULL, "", NULL, 0, 'A', 1, 0},
    {"known, at our old URL", LIVE, NONE, "A", OLD_URL, NULL, "", NULL, 0, 'A',
     1, 0},
    {"known, and it had ended", ENDED, NONE, "A", NULL, NULL, "", NULL, 0, 'A',
     1, 0},
    {"removed, says Graph, and lists it", REMOVED, NONE, "A", NULL, NULL, "",
     NULL, 0, 'A', 1, 0},
    {"unknown, at our URL", NONE, NONE, "A", NULL, NULL, "A",
     "its secret was not known", 0, 0, 0, 0},
    {"unknown, beside a known one", LIVE, NONE, "AB", NULL, NULL, "B", NULL, 0,
     'A', 0, 0},
    {"unknown, and the known one had ended", ENDED, NONE, "AB", NULL, NULL, "B",
     "its secret was not known", 0, 'A', 1, 0},
    {"announced by one that died", ANNOUNCED, NONE, "B", NULL, NULL, "", NULL,
     0, 'B', 0, 0},
    {"announced twice", ANNOUNCED, ANNOUNCED, "B", NULL, NULL, "B",
     "its secret was not known", 0, 0, 0, 0},
    {"unknown, at another URL", NONE, NONE, "A", OLD_URL, NULL, "", NULL, 0, 0,
     0, 1},
    {"another lifecycle URL", LIVE, NONE, "A", NULL, OLD_URL, "A",
     "the lifecycle URL changed", 0, 0, 0, 0},
    {"a lifecycle URL that is not shown", LIVE, NONE, "A", NULL, "", "", NULL,
     0, 'A', 0, 0},
    {"its items are refused", REFUSED_ITEMS, NONE, "A", NULL, NULL, "A",
     "its items were refused", 10 * MINUTE, 0, 0, 0},
    {"two live, the first ends last", LIVE, LIVE, "AB", NULL, NULL, "B", NULL,
     0, 'A', 0, 0},
    {"two live, the second ends last", LIVE, LIVE, "BA", NULL, NULL, "B", NULL,
     0, 'A', 0, 0},
    {"one that nobody wants", LIVE, OTHERS, "AB", NULL, NULL, "B", NULL, 0, 'A',
     0, 0},
};

static void add_notes(struct world *world, enum notes notes, const char *id)
{
    struct row *row;

    if (notes == NONE)
        return;
    row = add_row(world);
    snprintf(row->no, sizeof(row->no), "%c", *id);
    snprintf(row->id, sizeof(row->id), "%s", notes == ANNOUNCED ? "" : id);
    if (notes == ANNOUNCED)
        row->alive_at = 0;
    if (notes == ENDED)
        row->ended_at = NOW - HOUR;
    if (notes == OTHERS)
        row->resource = TEXT("communications/onlineMeetings");
    if (notes == OLD)
        row->renewed_at = NOW - 3 * HOUR;
    if (notes == REFUSED_ITEMS)
        add_refusal(world, id);
    if (notes == REMOVED)
        add_event(world, "subscriptionRemoved");
}

/* The one that is called A ends last. */
static void fill(struct subscriptions *listed, const struct test *test)
{
    static struct subscription all[2];

    *listed = (struct subscriptions){.all = all};
    for (const char *letter = test->listed; *letter; letter++) {
        bool others = *letter == 'B' && test->b == OTHERS;

        all[listed->count] = (struct subscription){
            .resource = TEXT(others ? "communications/onlineMeetings"
                                    : "/communications/callrecords"),
            .change_type = TEXT("updated"),
            .notification_url = TEXT(test->url ? test->url : URL),
            .lifecycle_url = TEXT(test->lifecycle ? test->lifecycle : URL),
            .expires_at = NOW + (*letter == 'A' ? 2 * HOUR : HOUR)};
        snprintf(all[listed->count++].id, sizeof(all->id), "%s",
                 *letter == 'A' ? A : B);
    }
}

TEST_EACH(a_list_decides, tests, test)
{
    static struct world world;
    struct subscriptions listed;
    struct decision decision;
    char removed[3] = "";

    make_world(&world);
    add_notes(&world, test->a, A);
    add_notes(&world, test->b, B);
    find(&world);
    fill(&listed, test);
    decision_make(&decision, &world.plan, &listed, world.plan.announced_no);
    for (size_t i = 0; i < decision.count; i++)
        removed[i] = *decision.removals[i].one->id == 'a' ? 'A' : 'B';
    assert_string_equal(removed, test->removed);
    if (decision.count) {
        const char *reason = decision.removals[0].reason;
        int64_t begins = test->gap_begins ? NOW - test->gap_begins : 0;

        assert_string_equal(reason ? reason : "",
                            test->reason ? test->reason : "");
        if (reason && !strstr(reason, "secret")) /* then: last alive */
            assert_int_equal(decision.removals[0].begins_at, begins);
    }
    assert_int_equal(!decision.kept, !test->kept);
    if (decision.kept) {
        assert_int_equal(*decision.kept->id, test->kept == 'A' ? 'a' : 'b');
        assert_non_null(decision.kept_no);
        assert_int_equal(decision.renew, test->renew);
    }
    assert_int_equal(decision.foreign != NULL, test->foreign);
    decision_free(&decision);
}
