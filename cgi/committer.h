/* The thread that owns the database connection. */
#ifndef CALLHOOK_COMMITTER_H
#define CALLHOOK_COMMITTER_H

/* The thread; `engine` is a struct engine. Ends when that closes. */
void *committer_run(void *engine);

#endif
