/* Lists a tenant's calls at Graph, files the missing, closes gaps. */
#include "calls/call_list.h"

#include "base/log.h"
#include "base/result.h"
#include "graph/pages.h"

static const struct windows_list calls = {
    .name = "calls",
    .step = "list call records",
    .path = "/communications/callRecords?$filter=startDateTime%20ge%20",
    .until = "%20and%20startDateTime%20lt%20",
    .rest = "&$select=id,version,startDateTime,endDateTime",
    .quota = QUOTA_LIST,
    .page_ms = 600,
};

static bool close_gaps(struct call_list *call_list)
{
    const struct tenant *tenant = call_list->windows.graph->tenant;
    const char *const values[] = {tenant->tenant_id};
    PGresult *result = database_run(call_list->windows.database,
                                    "SELECT * FROM "
                                    "callhook_store.close_listed_gaps($1)",
                                    1, values);

    call_list->gaps = result_number(result, 0, "gaps");
    if (call_list->gaps)
        log_detail("%s: %s gaps are closed, %s calls found", tenant->name,
                   result_text(result, 0, "gaps"),
                   result_text(result, 0, "found"));
    PQclear(result);
    return result != NULL;
}

enum outcome call_list_read(struct call_list *call_list)
{
    struct windows *windows = &call_list->windows;
    enum outcome outcome;

    windows->list = &calls;
    outcome = windows_read(windows);
    if (!close_gaps(call_list) && outcome == DONE)
        outcome = pages_untaken(&windows->fault, calls.step, "");
    return outcome;
}
