/* What is read of a response: some headers, and the code of an error. */
#ifndef RENEWER_RESPONSE_H
#define RENEWER_RESPONSE_H

#include "http/transfer.h"

/* Takes one header, if it is one that we want. */
void response_header(struct transfer *transfer, const char *name,
                     const char *value);

/*
 * Reads Graph's error body, or the identity platform's, into fault->code, and
 * into fault->request_id where no header gave it. Their sentences are for
 * people and may hold names: they are not read.
 */
void response_error(struct transfer *transfer);

#endif
