/* The folder `state_dir`, and the locks in it: one run at a time. */
#ifndef RENEWER_STATE_DIR_H
#define RENEWER_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the folder (0700) if its parent is there, and sees to it that nobody
 * else can touch it. Returns false after logging why.
 */
bool state_dir_check(const char *state_dir);

/*
 * Why nothing can be kept there, or NULL. By writing: a full disk and one
 * mounted to be read look writable.
 */
const char *state_dir_fault(const char *state_dir);

/*
 * Locks STATE_DIR/NAME.lock, waiting until `deadline` (clock_ms()) at most;
 * returns a descriptor to close, or -1: another program holds it, or (`held`
 * false) it cannot be made, which is told.
 */
int state_dir_lock(const char *state_dir, const char *name, int64_t deadline,
                   bool *held);

#endif
