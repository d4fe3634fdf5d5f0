/* Graph's subscriptions: the five things that can be done with them. */
#ifndef RENEWER_SUBSCRIPTION_H
#define RENEWER_SUBSCRIPTION_H

#include "base/fault.h"
#include "graph/graph.h"

/* A subscription as Graph shows it. Texts are never NULL. */
struct subscription {
    char id[37];
    char *resource;
    char *change_type;
    char *notification_url;
    char *lifecycle_url;
    int64_t expires_at; /* seconds since 1970 */
};

struct subscriptions {
    struct subscription *all;
    size_t count;
};

void subscription_free(struct subscription *subscription);
void subscriptions_free(struct subscriptions *subscriptions);

/* Whether its items go to the tenant's notification URL. */
bool subscription_is_under(const struct subscription *one,
                           const struct tenant *tenant);

/* Whether one of them has this id. */
bool subscriptions_hold(const struct subscriptions *subscriptions,
                        const char *id);

/* Adds one, whose texts are the list's from then on. */
void subscriptions_add(struct subscriptions *subscriptions,
                       const struct subscription *one);

/*
 * Each of these asks Graph. Where the outcome is not DONE, graph->fault says
 * why and what was to be filled in is empty.
 */

/* All that this application has in this tenant, every page of the list. */
enum outcome subscription_list(struct graph *graph,
                               struct subscriptions *subscriptions);

enum outcome subscription_get(struct graph *graph, const char *id,
                              struct subscription *subscription);

/*
 * Creates the tenant's with the secret `client_state`. UNSURE: it may be there.
 * Asks for lifetime_minutes by Graph's clock; where Graph says how many it
 * grants at most, for those.
 */
enum outcome subscription_create(struct graph *graph, const char *client_state,
                                 struct subscription *subscription);

/* Sets a new expiry and, unless NULL, the notification URL. */
enum outcome subscription_renew(struct graph *graph, const char *id,
                                const char *notification_url,
                                struct subscription *subscription);

/* ABSENT: it is gone already, or there never was one. */
enum outcome subscription_delete(struct graph *graph, const char *id);

#endif
