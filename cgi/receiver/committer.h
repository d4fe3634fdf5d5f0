/* The thread that owns the database connection. */
#ifndef CALLHOOK_COMMITTER_H
#define CALLHOOK_COMMITTER_H

/* The thread; `receiver` is a struct receiver. Ends when that closes. */
void *committer_run(void *receiver);

#endif
