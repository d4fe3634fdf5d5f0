/* Reads a tenant's logs of phone calls: PSTN and Direct Routing, daily. */
#include "calls/phone_logs.h"

#include "base/clock.h"
#include "calls/windows.h"

#define LOG(function)                                                          \
    .path = "/communications/callRecords/" function "(fromDateTime=",          \
    .until = ",toDateTime=", .rest = ")", .quota = QUOTA_PSTN, .page_ms = 1300

static const struct windows_list logs[] = {
    {"pstn", "read PSTN calls", LOG("getPstnCalls")},
    {"direct_routing", "read Direct Routing calls",
     LOG("getDirectRoutingCalls")},
};

enum outcome phone_logs_read(struct graph *graph, struct database *database,
                             struct fault *fault)
{
    const size_t count = sizeof(logs) / sizeof(*logs);
    int64_t deadline = graph->deadline;
    enum outcome first = DONE;

    for (size_t i = 0; i < count; i++) {
        struct windows windows = {
            .list = &logs[i], .graph = graph, .database = database};
        int64_t now = clock_ms();
        enum outcome outcome;

        graph->deadline = now + (deadline - now) / (int64_t)(count - i);
        outcome = windows_read(&windows);
        if (first == DONE) {
            first = outcome;
            *fault = windows.fault;
        }
    }
    graph->deadline = deadline;
    return first;
}
