/*
 * How many answers of which size may be on their way, over all threads: the
 * memory of a run stays small whatever Graph sends.
 */
#ifndef RENEWER_LANE_H
#define RENEWER_LANE_H

#include <stdbool.h>
#include <stddef.h>

/* From small to large: most answers fit into the first. */
#define LANES 3

/* The longest answer that the lane takes. */
size_t lane_limit(size_t lane);

/* Takes a place in a lane; false: there is none now. */
bool lane_take(size_t lane);
void lane_give(size_t lane);

#endif
