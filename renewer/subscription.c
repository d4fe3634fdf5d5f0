/* Graph's subscriptions: the five things that can be done with them. */
#include "subscription.h"

#include <ctype.h>
#include <yajl/yajl_gen.h>

#include "datetime.h"
#include "json.h"
#include "memory.h"

/* Graph allows 100 callRecords subscriptions in an organization. */
#define PAGES_MAX 50

/* For an expiry that Graph takes: by its clock, then what it grants. */
#define EXPIRY_ATTEMPTS 3

void subscription_free(struct subscription *subscription)
{
    free(subscription->resource);
    free(subscription->change_type);
    free(subscription->notification_url);
    free(subscription->lifecycle_url);
    *subscription = (struct subscription){0};
}

void subscriptions_free(struct subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->count; i++)
        subscription_free(&subscriptions->all[i]);
    free(subscriptions->all);
    *subscriptions = (struct subscriptions){0};
}

static struct subscription *add_empty(struct subscriptions *subscriptions)
{
    size_t count = ++subscriptions->count;

    subscriptions->all =
        memory_resize(subscriptions->all, count * sizeof(*subscriptions->all));
    subscriptions->all[count - 1] = (struct subscription){0};
    return &subscriptions->all[count - 1];
}

void subscriptions_add(struct subscriptions *subscriptions,
                       const struct subscription *one)
{
    struct subscription *copy = add_empty(subscriptions);

    *copy = *one;
    copy->resource = memory_copy(one->resource);
    copy->change_type = memory_copy(one->change_type);
    copy->notification_url = memory_copy(one->notification_url);
    copy->lifecycle_url = memory_copy(one->lifecycle_url);
}

/* An id goes into URLs and statements: a GUID, in lower case, or it is none. */
static bool read_id(char id[37], const char *text)
{
    if (!text || strlen(text) != 36)
        return false;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
        id[i] = (char)tolower((unsigned char)text[i]);
    }
    id[36] = '\0';
    return true;
}

static char *copy_member(yajl_val object, const char *name)
{
    const char *text = json_text(object, name);

    return memory_copy(text ? text : "");
}

static bool read_subscription(struct subscription *subscription, yajl_val from)
{
    *subscription = (struct subscription){
        .resource = copy_member(from, "resource"),
        .change_type = copy_member(from, "changeType"),
        .notification_url = copy_member(from, "notificationUrl"),
        .lifecycle_url = copy_member(from, "lifecycleNotificationUrl"),
    };
    if (read_id(subscription->id, json_text(from, "id")) &&
        datetime_read(json_text(from, "expirationDateTime"),
                      &subscription->expires_at))
        return true;
    subscription_free(subscription);
    return false;
}

/* An answer that says DONE and is not what it should be. */
static enum outcome not_understood(struct transfer *transfer)
{
    transfer->outcome = transfer->once ? UNSURE : LATER;
    fault_say(&transfer->fault, transfer->step,
              "the answer could not be understood");
    transfer->fault.status = transfer->status;
    return transfer->outcome;
}

/* Reads the subscription in the answer, frees it and returns the outcome. */
static enum outcome conclude(struct transfer *transfer,
                             struct subscription *subscription,
                             struct fault *fault)
{
    if (transfer->outcome == DONE && subscription) {
        yajl_val answer = json_parse(transfer->answer, transfer->answer_length);

        if (!read_subscription(subscription, answer))
            not_understood(transfer);
        yajl_tree_free(answer);
    }
    *fault = transfer->fault;
    transfer_free(transfer);
    return transfer->outcome;
}

/* Adds a page's subscriptions; sets `next` to the next page's URL or NULL. */
static bool read_page(struct subscriptions *subscriptions,
                      const struct transfer *transfer, char **next)
{
    yajl_val page = json_parse(transfer->answer, transfer->answer_length);
    yajl_val value = json_member(page, "value");
    const char *link = json_text(page, "@odata.nextLink");
    bool good = YAJL_IS_ARRAY(value);

    for (size_t i = 0; good && i < value->u.array.len; i++) {
        struct subscription one;

        /* One of a kind that we cannot read is none of ours. */
        if (read_subscription(&one, value->u.array.values[i])) {
            subscriptions_add(subscriptions, &one);
            subscription_free(&one);
        }
    }
    *next = good && link ? memory_copy(link) : NULL;
    yajl_tree_free(page);
    return good;
}

enum outcome subscription_list(struct graph *graph,
                               struct subscriptions *subscriptions,
                               struct fault *fault)
{
    char *url = graph_url(graph, "/subscriptions");
    enum outcome outcome = DONE;

    *subscriptions = (struct subscriptions){0};
    for (int pages = 0; url && outcome == DONE; pages++) {
        struct transfer transfer = {
            .step = "list subscriptions", .method = "GET", .url = url};
        char *next = NULL;

        outcome = graph_send(graph, &transfer);
        if (outcome == DONE && !read_page(subscriptions, &transfer, &next))
            outcome = not_understood(&transfer);
        if (next && (pages == PAGES_MAX ||
                     !http_same_origin(next, graph->tenant->graph_url))) {
            outcome = REFUSED;
            fault_say(&transfer.fault, transfer.step,
                      "the next page is on another host, or there is no end");
        }
        *fault = transfer.fault;
        transfer_free(&transfer);
        free(url);
        url = next;
    }
    free(url);
    if (outcome != DONE)
        subscriptions_free(subscriptions);
    return outcome;
}

static char *subscription_url(const struct graph *graph, const char *id)
{
    char *path = memory_print("/subscriptions/%s", id);
    char *url = graph_url(graph, path);

    free(path);
    return url;
}

enum outcome subscription_get(struct graph *graph, const char *id,
                              struct subscription *subscription,
                              struct fault *fault)
{
    char *url = subscription_url(graph, id);
    struct transfer transfer = {
        .step = "get subscription", .method = "GET", .url = url};
    enum outcome outcome;

    graph_send(graph, &transfer);
    outcome = conclude(&transfer, subscription, fault);
    free(url);
    return outcome;
}

/* Members are pairs of texts; ends with NULL. */
static char *write_object(const char *const *members)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *bytes;
    size_t length;
    char *text;

    yajl_gen_map_open(gen);
    for (const char *const *s = members; s[0]; s++)
        yajl_gen_string(gen, (const unsigned char *)*s, strlen(*s));
    yajl_gen_map_close(gen);
    yajl_gen_get_buf(gen, &bytes, &length);
    text = memory_copy_bytes((const char *)bytes, length);
    yajl_gen_free(gen);
    return text;
}

/*
 * "Subscription expiration can only be 4230 minutes in the future": what is
 * granted is nowhere but in this text. 0: it says nothing of the kind.
 */
static long minutes_granted(const char *answer)
{
    static const char mark[] = "can only be ";
    const char *found = answer ? strstr(answer, mark) : NULL;
    char *end;
    long minutes;

    if (!found)
        return 0;
    minutes = strtol(found + sizeof(mark) - 1, &end, 10);
    return strncmp(end, " minutes", 8) == 0 ? minutes : 0;
}

/* How a request's body is made for an expiry. */
typedef char *body_maker(const struct graph *graph, const char *expires,
                         const char *text);

/*
 * Asks for our lifetime and, if that is too long, for what Graph grants. It may
 * be too long only by our clock: the refusal has told us what Graph's says.
 */
static enum outcome send_with_expiry(struct graph *graph,
                                     struct transfer *request, body_maker *make,
                                     const char *text,
                                     struct subscription *subscription,
                                     struct fault *fault)
{
    long minutes = graph->tenant->lifetime_minutes;

    for (int attempt = 1;; attempt++) {
        struct transfer transfer = *request;
        char expires[DATETIME_SIZE];
        long granted = 0;
        char *body;

        datetime_write(expires, graph_now(graph) + minutes * 60);
        body = make(graph, expires, text);
        transfer.content_type = "application/json";
        transfer.body = body;
        transfer.body_length = strlen(body);
        graph_send(graph, &transfer);
        if (transfer.status == 400)
            granted = minutes_granted(transfer.answer);
        memory_wipe(body);
        if (granted > 0 && attempt < EXPIRY_ATTEMPTS) {
            if (granted < minutes)
                minutes = granted;
            transfer_free(&transfer);
            continue;
        }
        return conclude(&transfer, subscription, fault);
    }
}

static char *body_of_new(const struct graph *graph, const char *expires,
                         const char *client_state)
{
    const struct tenant *tenant = graph->tenant;
    const char *const members[] = {"changeType",
                                   tenant->change_type,
                                   "notificationUrl",
                                   tenant->notification_url,
                                   "lifecycleNotificationUrl",
                                   tenant->lifecycle_url,
                                   "resource",
                                   tenant->resource,
                                   "expirationDateTime",
                                   expires,
                                   "clientState",
                                   client_state,
                                   NULL};

    return write_object(members);
}

enum outcome subscription_create(struct graph *graph, const char *client_state,
                                 struct subscription *subscription,
                                 struct fault *fault)
{
    char *url = graph_url(graph, "/subscriptions");
    struct transfer transfer = {.step = "create subscription",
                                .method = "POST",
                                .url = url,
                                .once = true};
    enum outcome outcome = send_with_expiry(graph, &transfer, body_of_new,
                                            client_state, subscription, fault);

    free(url);
    return outcome;
}

static char *body_of_renewal(const struct graph *graph, const char *expires,
                             const char *notification_url)
{
    const char *const members[] = {"expirationDateTime", expires,
                                   notification_url ? "notificationUrl" : NULL,
                                   notification_url, NULL};

    (void)graph;
    return write_object(members);
}

enum outcome subscription_renew(struct graph *graph, const char *id,
                                const char *notification_url,
                                struct subscription *subscription,
                                struct fault *fault)
{
    char *url = subscription_url(graph, id);
    struct transfer transfer = {
        .step = "renew subscription", .method = "PATCH", .url = url};
    enum outcome outcome =
        send_with_expiry(graph, &transfer, body_of_renewal, notification_url,
                         subscription, fault);

    free(url);
    return outcome;
}

enum outcome subscription_delete(struct graph *graph, const char *id,
                                 struct fault *fault)
{
    char *url = subscription_url(graph, id);
    struct transfer transfer = {
        .step = "delete subscription", .method = "DELETE", .url = url};
    enum outcome outcome;

    graph_send(graph, &transfer);
    outcome = conclude(&transfer, NULL, fault);
    free(url);
    return outcome == ABSENT ? DONE : outcome;
}
