/* Graph's subscriptions: the five things that can be done with them. */
#include "subscriptions/subscription.h"

#include "base/datetime.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/url.h"

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

bool subscription_is_under(const struct subscription *one,
                           const struct tenant *tenant)
{
    return url_is_same(one->notification_url, tenant->notification_url);
}

bool subscriptions_hold(const struct subscriptions *subscriptions,
                        const char *id)
{
    for (size_t i = 0; i < subscriptions->count; i++)
        if (strcmp(subscriptions->all[i].id, id) == 0)
            return true;
    return false;
}

void subscriptions_add(struct subscriptions *subscriptions,
                       const struct subscription *one)
{
    size_t count = ++subscriptions->count;

    subscriptions->all =
        memory_resize(subscriptions->all, count * sizeof(*subscriptions->all));
    subscriptions->all[count - 1] = *one;
}

static char *copy_member(yajl_val object, const char *name)
{
    const char *text = json_text(object, name);

    return memory_copy(text ? text : "");
}

/* An id goes into URLs and statements: it must be a GUID. */
static bool read_subscription(struct subscription *subscription, yajl_val from)
{
    const char *id = json_text(from, "id");

    *subscription = (struct subscription){0};
    if (!id || !guid_read(subscription->id, id) ||
        !datetime_read(json_text(from, "expirationDateTime"),
                       &subscription->expires_at))
        return false;
    subscription->resource = copy_member(from, "resource");
    subscription->change_type = copy_member(from, "changeType");
    subscription->notification_url = copy_member(from, "notificationUrl");
    subscription->lifecycle_url = copy_member(from, "lifecycleNotificationUrl");
    return true;
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
        if (read_subscription(&one, value->u.array.values[i]))
            subscriptions_add(subscriptions, &one);
    }
    *next = good && link && *link ? memory_copy(link) : NULL;
    yajl_tree_free(page);
    return good;
}

enum outcome subscription_list(struct graph *graph,
                               struct subscriptions *subscriptions)
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
                     !url_same_origin(next, graph->tenant->graph_url))) {
            outcome = REFUSED;
            fault_say(&transfer.fault, transfer.step,
                      "the next page is on another host, or there is no end");
        }
        graph->fault = transfer.fault;
        transfer_free(&transfer);
        free(url);
        url = next;
    }
    free(url);
    if (outcome != DONE)
        subscriptions_free(subscriptions);
    return outcome;
}

/*
 * Sends it with the URL of the subscription, or (NULL) of all, and reads the
 * one in the answer.
 */
static enum outcome ask(struct graph *graph, struct transfer *transfer,
                        const char *id, struct subscription *subscription)
{
    char *all = graph_url(graph, "/subscriptions");
    char *url = id ? memory_print("%s/%s", all, id) : memory_copy(all);

    transfer->url = url;
    if (graph_send(graph, transfer) == DONE && subscription) {
        yajl_val answer = json_parse(transfer->answer, transfer->answer_length);

        if (!read_subscription(subscription, answer))
            not_understood(transfer);
        yajl_tree_free(answer);
    }
    graph->fault = transfer->fault;
    free(all);
    free(url);
    return transfer->outcome;
}

enum outcome subscription_get(struct graph *graph, const char *id,
                              struct subscription *subscription)
{
    struct transfer transfer = {.step = "get subscription", .method = "GET"};
    enum outcome outcome;

    *subscription = (struct subscription){0};
    outcome = ask(graph, &transfer, id, subscription);
    transfer_free(&transfer);
    return outcome;
}

enum outcome subscription_delete(struct graph *graph, const char *id)
{
    struct transfer transfer = {.step = "delete subscription",
                                .method = "DELETE"};
    enum outcome outcome = ask(graph, &transfer, id, NULL);

    transfer_free(&transfer);
    return outcome;
}

/* The body that creates one, with its secret; or NULL, and renews one. */
static char *make_body(const struct graph *graph, int64_t expires_at,
                       const char *client_state, const char *notification_url)
{
    const struct tenant *tenant = graph->tenant;
    bool create = client_state;
    char expires[DATETIME_SIZE];
    struct json_writer body;

    datetime_write(expires, expires_at);
    json_writer_begin(&body);
    if (create)
        json_writer_text(&body, "changeType", tenant->change_type);
    if (notification_url)
        json_writer_text(&body, "notificationUrl", notification_url);
    if (create) {
        json_writer_text(&body, "lifecycleNotificationUrl",
                         tenant->lifecycle_url);
        json_writer_text(&body, "resource", tenant->resource);
        json_writer_text(&body, "clientState", client_state);
    }
    json_writer_text(&body, "expirationDateTime", expires);
    return json_writer_end(&body);
}

/*
 * "Subscription expiration can only be 4230 minutes in the future": what is
 * granted is nowhere but in this text. 0: it says nothing of the kind.
 */
static long minutes_granted(const struct transfer *transfer)
{
    static const char mark[] = "can only be ";
    const char *found =
        transfer->status == 400 ? strstr(transfer->answer, mark) : NULL;
    char *end;
    long minutes;

    if (!found)
        return 0;
    minutes = strtol(found + sizeof(mark) - 1, &end, 10);
    return minutes > 0 && strncmp(end, " minutes", 8) == 0 ? minutes : 0;
}

/*
 * Renews the one with this id, or (NULL) creates one with this secret. Asks for
 * our lifetime and, if that is too long, for what Graph grants. It may be too
 * long only by our clock: the refusal has told us what Graph's says.
 */
static enum outcome send_with_expiry(struct graph *graph, const char *id,
                                     const char *client_state,
                                     const char *notification_url,
                                     struct subscription *subscription)
{
    long minutes = graph->tenant->lifetime_minutes;
    enum outcome outcome = LATER;
    long granted = 1;

    *subscription = (struct subscription){0};
    for (int attempt = 1; granted && attempt <= EXPIRY_ATTEMPTS; attempt++) {
        char *body = make_body(graph, graph_now(graph) + minutes * 60,
                               client_state, notification_url);
        struct transfer transfer = {
            .step = id ? "renew subscription" : "create subscription",
            .method = id ? "PATCH" : "POST",
            .content_type = "application/json",
            .body = body,
            .body_length = strlen(body),
            .secret = client_state,
            .once = !id,
        };

        outcome = ask(graph, &transfer, id, subscription);
        granted = minutes_granted(&transfer);
        if (granted && granted < minutes)
            minutes = granted;
        transfer_free(&transfer);
        memory_wipe(body);
    }
    return outcome;
}

enum outcome subscription_create(struct graph *graph, const char *client_state,
                                 struct subscription *subscription)
{
    return send_with_expiry(graph, NULL, client_state,
                            graph->tenant->notification_url, subscription);
}

enum outcome subscription_renew(struct graph *graph, const char *id,
                                const char *notification_url,
                                struct subscription *subscription)
{
    return send_with_expiry(graph, id, NULL, notification_url, subscription);
}
