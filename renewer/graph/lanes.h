/* Room in memory for answers. */
#ifndef RENEWER_LANES_H
#define RENEWER_LANES_H

/*
 * Lanes: how many answers of which size may be on their way, or be stored, over
 * all threads, so that the memory of a run stays small whatever Graph sends.
 * From small to large: most answers fit into the first; one that does not is
 * asked for again in the next.
 */
#define LANES 3

/* The longest answer that the lane takes. */
size_t lanes_limit(size_t lane);

/* Takes a place in a lane; false: there is none now. */
bool lanes_take(size_t lane);
void lanes_give(size_t lane);

#endif
