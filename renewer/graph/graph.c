/* Calls to Graph as one tenant's application, with its token. */
#include "graph/graph.h"

#include "base/clock.h"
#include "base/memory.h"

/* A token that Graph finds without a right is replaced if it is older, and so
 * often at most. */
#define OLD_SECONDS 60
#define REPLACE_SECONDS 300

/* A Date that is further off than any certificate lasts is a proxy's fault. */
#define SKEW_MAX (2 * 365 * 86400LL)

char *graph_url(const struct graph *graph, const char *path)
{
    return memory_print("%s/v1.0%s", graph->tenant->graph_url, path);
}

int64_t graph_now(const struct graph *graph)
{
    return clock_wall() + graph->skew;
}

enum outcome graph_authorise(struct graph *graph, const char *refused,
                             struct fault *fault)
{
    struct token token = {0};
    enum outcome outcome;

    if (!refused && graph->token.text &&
        graph->token.expires_at >= clock_wall() + 60)
        return DONE;
    outcome = token_get(&token, graph->tenant, graph->state_dir, graph->http,
                        graph->deadline, refused, fault);
    access_token_free(&graph->token);
    graph->token = token;
    return outcome;
}

/* Sends the transfer with the token; false: there is none. */
static bool send_with_token(struct graph *graph, struct transfer *transfer,
                            const char *refused)
{
    transfer->outcome = graph_authorise(graph, refused, &transfer->fault);
    if (transfer->outcome != DONE)
        return false;
    transfer->bearer = graph->token.text;
    http_send(graph->http, transfer);
    return true;
}

/* Roles are in the token: one from before the consent knows nothing of it. */
static bool may_replace(const struct token *token)
{
    int64_t now = clock_wall();

    return now - token->obtained_at > OLD_SECONDS &&
           now - token->replaced_at >= REPLACE_SECONDS;
}

bool graph_replace_token(struct graph *graph)
{
    struct token token = {0};
    struct fault fault;

    if (!may_replace(&graph->token) ||
        token_get(&token, graph->tenant, graph->state_dir, graph->http,
                  graph->deadline, graph->token.text, &fault) != DONE)
        return false;
    access_token_free(&graph->token);
    graph->token = token;
    return true;
}

static void note_time(struct graph *graph, int64_t skew)
{
    if (skew < -SKEW_MAX || skew > SKEW_MAX)
        return;
    graph->skew = skew;
    graph->told_time = true;
}

enum outcome graph_send(struct graph *graph, struct transfer *transfer)
{
    transfer->tenant = graph->tenant;
    transfer->deadline = graph->deadline;
    if (!transfer->limit)
        transfer->limit = HTTP_SMALL;
    if (!send_with_token(graph, transfer, NULL))
        return transfer->outcome;
    if (transfer->status == 401) {
        char *refused = memory_copy(graph->token.text);

        transfer_free(transfer);
        send_with_token(graph, transfer, refused);
        memory_wipe(refused);
    }
    if (transfer->status == 403 && graph_replace_token(graph)) {
        transfer_free(transfer);
        send_with_token(graph, transfer, NULL);
    }
    if (transfer->date)
        note_time(graph, transfer->date - clock_wall());
    return transfer->outcome;
}

void graph_close(struct graph *graph)
{
    access_token_free(&graph->token);
}
