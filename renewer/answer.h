/* What is read of an answer: some of its headers, and the code of an error. */
#ifndef RENEWER_ANSWER_H
#define RENEWER_ANSWER_H

#include <stddef.h>

#include "http.h"

/* Takes one header line; the status line forgets those before it. */
void answer_header(struct transfer *transfer, const char *line, size_t length);

/*
 * Reads Graph's error body, or the identity platform's, into fault->code, and
 * into fault->request_id where no header gave it. Their sentences are for
 * people and may hold names: they are not read.
 */
void answer_error(struct transfer *transfer);

#endif
