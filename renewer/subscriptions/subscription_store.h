/*
 * What the renewer knows, in PostgreSQL: its subscriptions, the gaps between
 * them, how each tenant's last run went. The statements of subscriptions are
 * all here. A function returns false where the database did not do it.
 */
#ifndef RENEWER_SUBSCRIPTION_STORE_H
#define RENEWER_SUBSCRIPTION_STORE_H

#include "base/database.h"
#include "settings/settings.h"
#include "subscriptions/subscription.h"

/*
 * Takes the tenant's turn for those who share a lock (`run` names it); others
 * may have it (`taken` false). It ends by itself after 40 seconds. A schema
 * that is older than turns does not hold up renewals: it is told, and `taken`.
 */
bool subscription_store_take_turn(struct database *database,
                                  const struct tenant *tenant, const char *run,
                                  bool *taken);

void subscription_store_end_turn(struct database *database,
                                 const struct tenant *tenant, const char *run);

/*
 * Writes down the digest of a secret before the secret goes out; sets `no`.
 * For `simulate` with a `simulated_id`: the row has ended from its start. Its
 * secret is good for a day, and no run and no view takes it for a subscription.
 */
bool subscription_store_announce(struct database *database,
                                 const struct tenant *tenant,
                                 const char *secret_sha256_hex,
                                 const char *simulated_id, char no[24]);

/*
 * The row is (again) this subscription, which Graph has shown alive just now;
 * URLs that it did not show stay as they were. `renewed`: it has been renewed.
 */
bool subscription_store_alive(struct database *database,
                              const struct tenant *tenant, const char *no,
                              const struct subscription *shown, bool renewed);

/* It has ended, or never began. Its secret stays good for a day. */
bool subscription_store_end(struct database *database, const char *no);

/*
 * A gap begins, or began, at `begins_at` (seconds since 1970) and lasts if
 * `ends_at` is 0. Of one that lasts the begin may be 0: now; if another lasts
 * already that stays as it is.
 */
bool subscription_store_note_gap(struct database *database,
                                 const struct tenant *tenant,
                                 const char *reason, int64_t begins_at,
                                 int64_t ends_at);

/* A subscription lives: the gap that lasted, if one did, is over. */
bool subscription_store_close_gap(struct database *database,
                                  const struct tenant *tenant);

/* The event needs nothing more. */
bool subscription_store_handled(struct database *database,
                                const char *notification_id);

/* The refusals of a subscription have been dealt with. */
bool subscription_store_forget_refusals(struct database *database,
                                        const char *id);

/*
 * How the run went; `failure` NULL: well. retry_after in seconds, or 0. looked:
 * at Graph's list, for ids that are not known.
 */
bool subscription_store_past(struct database *database,
                             const struct tenant *tenant, const char *failure,
                             long retry_after, bool looked);

#endif
