/* What a monitor makes of the state. */
#include "status/verdict.h"

#include <string.h>

const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

    return words[verdict];
}

int64_t verdict_ends_at(yajl_val tenant)
{
    int64_t last = 0;
    yajl_val *all;
    size_t count = state_list(tenant, "subscriptions", &all);

    for (size_t i = 0; i < count; i++) {
        int64_t expires_at = state_time(all[i], "expires_at");
        const char *condition = json_text(all[i], "state");

        if (condition && strcmp(condition, "live") == 0 && expires_at > last)
            last = expires_at;
    }
    return last;
}

enum verdict verdict_of_tenant(const struct state *state, yajl_val tenant)
{
    int64_t ends_at = verdict_ends_at(tenant);
    int64_t now = state_time(state->tree, "at");

    if (!state->is_there)
        return VERDICT_UNKNOWN;
    if (ends_at - now < VERDICT_END_SECONDS)
        return VERDICT_CRITICAL;
    return YAJL_IS_TRUE(json_member(tenant, "ok")) ? VERDICT_OK
                                                   : VERDICT_WARNING;
}

const char *verdict_need(yajl_val tenant)
{
    yajl_val *needs;

    return state_list(tenant, "needs", &needs)
               ? NULL
               : "the subscription ends within 6 hours: callhook-renewer check "
                 "says what hinders its renewal";
}

enum verdict verdict_of_receiver(yajl_val receiver)
{
    const char *condition = json_text(receiver, "state");

    if (condition && strcmp(condition, "dead") == 0)
        return VERDICT_CRITICAL;
    return json_text(receiver, "need") ? VERDICT_WARNING : VERDICT_OK;
}

static enum verdict of_database(const struct state *state)
{
    const char *condition = json_text(state->tree, "database");

    if (!condition || strcmp(condition, "unusable") == 0)
        return VERDICT_UNKNOWN;
    return strcmp(condition, "live") == 0 ? VERDICT_OK : VERDICT_CRITICAL;
}

enum verdict verdict_of(const struct state *state)
{
    enum verdict worst = of_database(state);
    yajl_val *all;
    size_t count;

    if (!state->is_there)
        return worst;
    if (worst == VERDICT_OK && !YAJL_IS_TRUE(json_member(state->tree, "ok")))
        worst = VERDICT_WARNING;
    count = state_list(state->tree, "tenants", &all);
    for (size_t i = 0; i < count; i++)
        if (verdict_of_tenant(state, all[i]) > worst)
            worst = verdict_of_tenant(state, all[i]);
    count = state_list(state->tree, "receivers", &all);
    for (size_t i = 0; i < count; i++)
        if (verdict_of_receiver(all[i]) > worst)
            worst = verdict_of_receiver(all[i]);
    return worst;
}
