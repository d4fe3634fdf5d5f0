/* Calls to Graph as one tenant's application, with its token. */
#include "graph.h"

#include "clock.h"
#include "memory.h"

char *graph_url(const struct graph *graph, const char *path)
{
    return memory_print("%s/v1.0%s", graph->tenant->graph_url, path);
}

int64_t graph_now(const struct graph *graph)
{
    return clock_wall() + graph->skew;
}

/* Gets the token that the transfer is to carry; false: it has the fault. */
static bool authorise(struct graph *graph, struct transfer *transfer,
                      const char *refused)
{
    struct token token = {0};
    enum outcome outcome = DONE;

    if (!graph->token.text || refused ||
        graph->token.expires_at < clock_wall() + 60) {
        outcome =
            token_get(&token, graph->tenant, graph->state_dir, graph->http,
                      graph->deadline, refused, &transfer->fault);
        token_free(&graph->token);
        graph->token = token;
    }
    transfer->bearer = graph->token.text;
    transfer->outcome = outcome;
    return outcome == DONE;
}

enum outcome graph_send(struct graph *graph, struct transfer *transfer)
{
    transfer->tenant = graph->tenant;
    transfer->deadline = graph->deadline;
    if (!transfer->limit)
        transfer->limit = HTTP_SMALL;
    if (!authorise(graph, transfer, NULL))
        return transfer->outcome;
    http_send(graph->http, transfer);
    if (transfer->status == 401) {
        char *refused = memory_copy(graph->token.text);

        transfer_free(transfer);
        if (authorise(graph, transfer, refused))
            http_send(graph->http, transfer);
        memory_wipe(refused);
    }
    if (transfer->date)
        graph->skew = transfer->date - clock_wall();
    return transfer->outcome;
}

void graph_close(struct graph *graph)
{
    token_free(&graph->token);
}
