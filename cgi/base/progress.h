/*
 * How far long work is: one line that is written over and over, and only where
 * standard error is a terminal. One thread, one work at a time.
 */
#ifndef CALLHOOK_PROGRESS_H
#define CALLHOOK_PROGRESS_H

#include <stdint.h>

/*
 * "WORK: 0 of TOTAL UNIT"; the texts must live until the end. Whatever ends the
 * work without progress_end(), also Ctrl-C, leaves a whole line.
 */
void progress_begin(const char *work, uint64_t total, const char *unit);

/* So much of the total is done. Cheap, and nothing where none has begun. */
void progress_at(uint64_t done);

/* Takes the line away until it is next written: another is to come. */
void progress_hide(void);

/* Takes it away for good. */
void progress_end(void);

#endif
