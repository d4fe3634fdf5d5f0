/* The hosts of libpq's environment, to be tried one by one. */
#ifndef CALLHOOK_HOSTS_H
#define CALLHOOK_HOSTS_H

#include <stddef.h>

#define HOSTS_MAX 16

/* Values for libpq; NULL: its own, from the environment or a service file. */
struct host {
    char *name;
    char *address;
    char *port;
};

struct hosts {
    struct host list[HOSTS_MAX];
    size_t count;
};

/*
 * Splits PGHOST, PGHOSTADDR and PGPORT, or what a service file says. Where
 * that is one host, or a list that only libpq can read, there is one entry and
 * libpq does as it always does.
 */
void hosts_read(struct hosts *hosts);

void hosts_free(struct hosts *hosts);

#endif
