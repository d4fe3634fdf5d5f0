/* The parts of the command `check`. Each says in lines what it looked at. */
#ifndef RENEWER_CHECK_H
#define RENEWER_CHECK_H

#include "commands/status_data.h"
#include "http/http.h"
#include "settings/settings.h"

enum finding { FINE, NOTED, FAULTY };

/*
 * "ok      SUBJECT: ...", "note    SUBJECT: ..." (worth knowing, no fault), or
 * "FAULT   SUBJECT: what is wrong: what to do".
 */
void check_say(enum finding finding, const char *subject, const char *format,
               ...) __attribute__((format(printf, 3, 4)));

/*
 * What a run needs for one tenant, at Microsoft and in the database. `known`:
 * what the database says of it, see status_data.h; NULL: it is away.
 */
void check_tenant(const struct settings *settings, const struct tenant *tenant,
                  struct http *http, yajl_val known);

#endif
