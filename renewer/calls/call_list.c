/* Lists a tenant's calls at Graph, files the missing, closes gaps. */
#include "calls/call_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/resource.h"
#include "base/result.h"
#include "graph/pages.h"

static const struct windows_list calls = {
    .name = "calls",
    .step = "list call records",
    .path = "/communications/callRecords?$filter=startDateTime%20ge%20",
    .until = "%20and%20startDateTime%20lt%20",
    .quota = QUOTA_LIST,
    .page_ms = 600,
};

#define FIELDS "&$select=id,version,startDateTime,endDateTime"

/*
 * A subscription with a $filter is told of some people's calls: the list keeps
 * to them. Graph names their property otherwise there. NULL: there is none.
 */
static char *filter_of(const char *resource)
{
    const char *filter = strstr(resource, "$filter=");
    char *text = memory_copy("");

    for (const char *c = filter ? filter + 8 : ""; *c && *c != '&'; c++) {
        bool people = strncmp(c, "participants/any(", 17) == 0;
        bool plain = strchr(" \"'<>", *c) == NULL;
        char *longer = people ? memory_print("%sparticipants_v2", text)
                       : plain
                           ? memory_print("%s%c", text, *c)
                           : memory_print("%s%%%02X", text, (unsigned char)*c);

        c += people ? 11 : 0;
        free(text);
        text = longer;
    }
    if (filter && *text)
        return text;
    free(text);
    return NULL;
}

/* What lets pass whatever one of the two does; frees the first. */
static char *either(char *one, const char *resource)
{
    char *other = filter_of(resource);
    char *both = !other ? NULL
                 : strcmp(one, other) == 0
                     ? memory_copy(one)
                     : memory_print("%s%%20or%%20%s", one, other);

    free(one);
    free(other);
    return both;
}

/*
 * A span is listed once for all sections of a tenant_id: what is listed for one
 * counts as listed for the others.
 */
static char *filter_of_all(const struct settings *settings,
                           const struct tenant *tenant)
{
    char *filter = filter_of(tenant->resource);

    for (size_t i = 0; i < settings->tenant_count && filter; i++) {
        const struct tenant *other = &settings->tenants[i];

        if (other != tenant && other->reconcile &&
            resource_is_call_records(other->resource) &&
            strcmp(other->tenant_id, tenant->tenant_id) == 0)
            filter = either(filter, other->resource);
    }
    return filter;
}

/* What is behind the span's end in the URL. */
static char *rest_of(const struct settings *settings,
                     const struct tenant *tenant)
{
    char *filter = filter_of_all(settings, tenant);
    bool many = filter && strstr(filter, "%20or%20");
    char *rest = filter ? memory_print("%%20and%%20%s%s%s" FIELDS,
                                       many ? "(" : "", filter, many ? ")" : "")
                        : memory_copy(FIELDS);

    free(filter);
    return rest;
}

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
    struct windows_list list = calls;
    char *rest = rest_of(call_list->settings, windows->graph->tenant);
    enum outcome outcome;

    list.rest = rest;
    windows->list = &list;
    outcome = windows_read(windows);
    free(rest);
    if (!close_gaps(call_list) && outcome == DONE)
        outcome = pages_untaken(&windows->fault, calls.step, "");
    return outcome;
}
