/* What is read of a response: some headers, and the code of an error. */
#ifndef RENEWER_RESPONSE_H
#define RENEWER_RESPONSE_H

#include "http/transfer.h"

/* Takes one header, if it is one that we want. */
void response_header(struct transfer *transfer, const char *name,
                     const char *value);

/*
 * Reads Graph's error body, or the identity platform's: the code, the sentence,
 * and the request-id where no header gave it.
 */
void response_error(struct transfer *transfer);

#endif
