/* Whom to believe: the rules of callhook(8), TRUST. */
#include "unit.h"

#include "base/memory.h"
#include "notification/copy_row.h"
#include "notification/secrets.h"

/*
 * Each thing is named by one letter. Subscriptions, tenants and secrets of
 * the database: see `known`. '-' is an absent one, '0' the nil GUID.
 */
static struct guid guid_of(char letter)
{
    struct guid guid = GUID_NIL;

    if (letter != '-' && letter != '0')
        memset(&guid, letter, sizeof(guid));
    return guid;
}

static struct digest digest_of(char letter)
{
    struct digest digest;

    digest_make(&digest, &letter, 1);
    return digest;
}

/* What the renewer wrote down; '-' for a subscription: only announced. */
static const struct known {
    char subscription, tenant, secret;
} known[] = {
    {'A', 'T', 'a'},                  /* a usual one */
    {'B', 'U', 'b'},                  /* of another tenant */
    {'C', 'T', 's'},                  /* two that share a secret */
    {'D', 'U', 's'}, {'E', '-', 'e'}, /* its tenant is not known */
    {'F', 'T', 'f'},                  /* two secrets, one after the other */
    {'F', 'T', 'g'}, {'-', 'T', 'n'}, /* announced */
    {'-', '-', 'm'},                  /* announced, its tenant is not known */
    {'-', 'T', 'a'}, /* the announced next one of A keeps A's secret */
};

static struct secrets make_secrets(void)
{
    struct secrets secrets = {.count = COUNT(known)};

    secrets.by_digest = memory_new(COUNT(known), sizeof(struct secret));
    for (size_t i = 0; i < COUNT(known); i++)
        secrets.by_digest[i] = (struct secret){
            .digest = digest_of(known[i].secret),
            .subscription_id = guid_of(known[i].subscription),
            .tenant_id = guid_of(known[i].tenant),
            .announced = known[i].subscription == '-',
        };
    secrets_index(&secrets);
    return secrets;
}

/* By hand: the secrets h and i; subscriptions that need none. */
static struct digest listed[2];
static struct guid open_subscriptions[3];

static struct settings make_settings(void)
{
    listed[0] = digest_of('i');
    listed[1] = digest_of('h');
    open_subscriptions[0] = guid_of('P');
    open_subscriptions[1] = guid_of('O');
    open_subscriptions[2] = guid_of('0');
    return (struct settings){
        .client_states = listed,
        .client_states_count = COUNT(listed),
        .open_subscriptions = open_subscriptions,
        .open_subscriptions_count = COUNT(open_subscriptions),
    };
}

/* subscription, tenant, secret; a tenant of '?' is given, but no GUID */
static struct item make_item(const char *letters)
{
    return (struct item){
        .subscription_id = guid_of(letters[0]),
        .has_subscription = letters[0] != '-',
        .tenant_id = guid_of(letters[1] == '?' ? '-' : letters[1]),
        .has_tenant = letters[1] != '-' && letters[1] != '?',
        .odd_tenant = letters[1] == '?',
        .secret = digest_of(letters[2]),
        .has_secret = letters[2] != '-',
    };
}

static const struct judge_case {
    const char *name;
    const char *item;
    enum item_verdict verdict;
    char tenant;   /* in the row of a trusted one */
    bool doubtful; /* a later reading could still vouch for it */
} cases[] = {
    {"its secret and tenant", "ATa", ITEM_TRUSTED, 'T', false},
    {"another subscription's as well", "BUb", ITEM_TRUSTED, 'U', false},
    {"no tenant: the subscription's", "A-a", ITEM_TRUSTED, 'T', false},
    {"another tenant", "AUa", ITEM_WRONG_SECRET, 0, true},
    {"an unknown tenant", "AXa", ITEM_WRONG_SECRET, 0, true},
    {"a tenant that is no GUID", "A?a", ITEM_WRONG_SECRET, 0, true},
    {"another's secret", "ATb", ITEM_WRONG_SECRET, 0, true},
    {"an unknown secret", "ATx", ITEM_WRONG_SECRET, 0, true},
    {"no secret", "AT-", ITEM_WRONG_SECRET, 0, false},
    {"nothing but the subscription", "A--", ITEM_WRONG_SECRET, 0, false},
    {"an unknown subscription and secret", "XTx", ITEM_UNKNOWN, 0, true},
    {"an unknown subscription, another's secret", "XUb", ITEM_UNKNOWN, 0, true},
    {"no subscription, a known secret", "-Ub", ITEM_UNKNOWN, 0, true},
    {"a known tenant only", "-T-", ITEM_UNKNOWN, 0, false},
    {"nothing at all", "---", ITEM_UNKNOWN, 0, false},

    {"a shared secret, the first", "CTs", ITEM_TRUSTED, 'T', false},
    {"a shared secret, the second", "DUs", ITEM_TRUSTED, 'U', false},
    {"a shared secret, no tenant", "D-s", ITEM_TRUSTED, 'U', false},
    {"a shared secret, the other's tenant", "CUs", ITEM_WRONG_SECRET, 0, true},

    {"tenant not known: any is good", "EXe", ITEM_TRUSTED, 'X', false},
    {"tenant not known: none is good", "E-e", ITEM_TRUSTED, '-', false},
    {"tenant not known: an odd one is good", "E?e", ITEM_TRUSTED, '-', false},
    {"tenant not known, a wrong secret", "EXa", ITEM_WRONG_SECRET, 0, true},

    {"the older of two secrets", "FTf", ITEM_TRUSTED, 'T', false},
    {"the newer of two secrets", "FTg", ITEM_TRUSTED, 'T', false},

    {"announced", "XTn", ITEM_TRUSTED, 'T', false},
    {"announced, no tenant", "X-n", ITEM_TRUSTED, 'T', false},
    {"announced, another tenant", "XUn", ITEM_UNKNOWN, 0, true},
    {"announced, an odd tenant", "X?n", ITEM_UNKNOWN, 0, true},
    {"announced, no subscription", "-Tn", ITEM_TRUSTED, 'T', false},
    {"announced, tenant not known", "XYm", ITEM_TRUSTED, 'Y', false},
    {"announced, beside a live one's", "XTa", ITEM_TRUSTED, 'T', false},
    {"announced, for another known one", "BTa", ITEM_TRUSTED, 'T', false},

    {"listed, an unknown subscription", "XXh", ITEM_TRUSTED, 'X', false},
    {"listed, no subscription, no tenant", "--h", ITEM_TRUSTED, '-', false},
    {"listed, an odd tenant", "X?h", ITEM_TRUSTED, '-', false},
    {"listed, no tenant: the known one's", "B-h", ITEM_TRUSTED, 'U', false},
    {"listed, a known one, another tenant", "BTh", ITEM_TRUSTED, 'T', false},
    {"listed, the other one", "XXi", ITEM_TRUSTED, 'X', false},

    {"open, no secret", "OX-", ITEM_TRUSTED, 'X', false},
    {"open, any secret", "OXx", ITEM_TRUSTED, 'X', false},
    {"open, no tenant", "O--", ITEM_TRUSTED, '-', false},
    {"open, the other one", "PX-", ITEM_TRUSTED, 'X', false},
    {"open, the nil one", "0X-", ITEM_TRUSTED, 'X', false},
    {"open, the nil one, no tenant", "0--", ITEM_TRUSTED, '-', false},
};

/* Adds an item with a row of its own. */
static void add_item(struct item_list *list, const char *letters)
{
    struct item item = make_item(letters);
    struct guid id = guid_of('I');

    item.row_at = (uint32_t)list->rows.length;
    copy_row_begin(&list->rows);
    copy_row_guid(&list->rows, &id);
    copy_row_time(&list->rows, 0);
    copy_row_guid(&list->rows, &item.tenant_id);
    for (int column = COPY_ROW_SUBSCRIPTION_ID; column < COPY_ROW_FIELDS;
         column++)
        copy_row_null(&list->rows);
    item.row_length = (uint32_t)list->rows.length - item.row_at;
    item_list_add(list, &item);
}

static void assert_tenant(const struct item_list *list, size_t i, char letter)
{
    const struct guid expected = guid_of(letter);
    const struct item *item = &list->items[i];
    const char *values[COPY_ROW_FIELDS];
    int lengths[COPY_ROW_FIELDS];

    assert_true(copy_row_fields(list->rows.data + item->row_at,
                                item->row_length, values, lengths));
    assert_memory_equal(values[COPY_ROW_TENANT_ID], &expected,
                        sizeof(expected));
}

TEST_EACH(judge, cases, c)
{
    struct secrets secrets = make_secrets();
    struct settings settings = make_settings();
    struct item_list list = {0};

    add_item(&list, c->item);
    assert_int_equal(secrets_judge(&secrets, &settings, &list), c->doubtful);
    assert_int_equal(list.items[0].verdict, c->verdict);
    if (c->verdict == ITEM_TRUSTED)
        assert_tenant(&list, 0, c->tenant);
    item_list_free(&list);
    secrets_free(&secrets);
}

/* Only what has a secret, or is listed, can ever be trusted. */
TEST_EACH(may_trust, cases, c)
{
    struct settings settings = make_settings();
    struct item item = make_item(c->item);

    assert_int_equal(secrets_may_trust(&settings, &item),
                     c->verdict == ITEM_TRUSTED || c->doubtful);
}

TEST(items_are_judged_one_by_one)
{
    struct secrets secrets = make_secrets();
    struct settings settings = make_settings();
    struct item_list list = {0};
    size_t doubtful = 0;

    for (size_t i = 0; i < COUNT(cases); i++) {
        add_item(&list, cases[i].item);
        doubtful += cases[i].doubtful;
    }
    assert_int_equal(secrets_judge(&secrets, &settings, &list), doubtful);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(list.items[i].verdict, cases[i].verdict);
        if (cases[i].verdict == ITEM_TRUSTED)
            assert_tenant(&list, i, cases[i].tenant);
    }
    item_list_free(&list);
    secrets_free(&secrets);
}

TEST(nothing_is_known)
{
    struct secrets secrets = {0};
    struct settings settings = {0};
    struct item_list list = {0};

    secrets_index(&secrets);
    add_item(&list, "ATa");
    add_item(&list, "A--");
    add_item(&list, "---");
    assert_int_equal(secrets_judge(&secrets, &settings, &list), 1);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].verdict, ITEM_UNKNOWN);
    assert_false(secrets_may_trust(&settings, &list.items[1]));
    item_list_free(&list);
    secrets_free(&secrets);
}

/* An announced secret has no subscription yet, and so names none. */
TEST(the_nil_subscription_is_not_the_announced_one)
{
    struct secrets secrets = make_secrets();
    struct settings settings = {0};
    struct item_list list = {0};

    add_item(&list, "0Tx");
    assert_int_equal(secrets_judge(&secrets, &settings, &list), 1);
    assert_int_equal(list.items[0].verdict, ITEM_UNKNOWN);
    item_list_free(&list);
    secrets_free(&secrets);
}

/* The digest of the nil bytes, or of no secret, is nobody's. */
TEST(an_absent_secret_matches_no_digest)
{
    struct secrets secrets = {.count = 1};
    struct settings settings = {0};
    struct item_list list = {0};

    secrets.by_digest = memory_new(1, sizeof(struct secret));
    secrets.by_digest[0].subscription_id = guid_of('A');
    secrets_index(&secrets);
    add_item(&list, "AT-");
    memset(&list.items[0].secret, 0, sizeof(list.items[0].secret));
    assert_int_equal(secrets_judge(&secrets, &settings, &list), 0);
    assert_int_equal(list.items[0].verdict, ITEM_WRONG_SECRET);
    item_list_free(&list);
    secrets_free(&secrets);
}

/* Many with one digest: the right one is found wherever it is sorted to. */
TEST(many_share_a_secret)
{
    enum { MANY = 200 };
    struct settings settings = {0};
    struct secrets secrets = {.count = MANY};
    char letters[4] = "?-s";

    secrets.by_digest = memory_new(MANY, sizeof(struct secret));
    for (int i = 0; i < MANY; i++)
        secrets.by_digest[i] = (struct secret){
            .digest = digest_of(i % 10 ? 's' : 'r'),
            .subscription_id = guid_of((char)(i + 50)),
            .tenant_id = guid_of((char)(i + 50)),
        };
    secrets_index(&secrets);
    for (int i = 0; i < MANY; i++) {
        struct item_list list = {0};

        letters[0] = (char)(i + 50);
        if (letters[0] == '-')
            continue;
        add_item(&list, letters);
        secrets_judge(&secrets, &settings, &list);
        assert_int_equal(list.items[0].verdict,
                         i % 10 ? ITEM_TRUSTED : ITEM_WRONG_SECRET);
        if (i % 10)
            assert_tenant(&list, 0, letters[0]);
        item_list_free(&list);
    }
    secrets_free(&secrets);
}
