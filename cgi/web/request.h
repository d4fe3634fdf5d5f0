/* What a request asks for, by the table of callhook(8). */
#ifndef CALLHOOK_REQUEST_H
#define CALLHOOK_REQUEST_H

#include "receiver/exchange.h"
#include "receiver/receiver.h"

/*
 * Reads an exchange and sees to its answer; it is then no more the caller's.
 */
void request_handle(struct receiver *receiver, struct exchange *exchange);

#endif
