/*
 * Lists a tenant's calls at Graph, adds those without a notification,
 * and closes gaps.
 */
#ifndef RENEWER_CALL_LIST_H
#define RENEWER_CALL_LIST_H

#include "calls/windows.h"

/* Zero it and set settings, and windows.graph, .database and .since. */
struct call_list {
    const struct settings *settings;
    struct windows windows;
    int64_t gaps; /* closed */
};

/* Lists what the plan and noted gaps ask for. */
enum outcome call_list_read(struct call_list *call_list);

#endif
