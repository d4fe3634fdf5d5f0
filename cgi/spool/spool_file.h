/*
 * The form of a spool file: a line that names it, then of each item what it
 * is judged by and its row (copy_row.h), then the SHA-256 of all that.
 */
#ifndef CALLHOOK_SPOOL_FILE_H
#define CALLHOOK_SPOOL_FILE_H

#include "base/buffer.h"
#include "notification/item.h"

/* The three steps of writing one. `item->row_length` bytes are at `row`. */
void spool_file_begin(struct buffer *bytes);
void spool_file_add(struct buffer *bytes, const struct item *item,
                    const char *row);
void spool_file_end(struct buffer *bytes);

/* The end of a file's name whose items are all trusted. */
#define SPOOL_TRUSTED_END ".trusted"

/*
 * The longest that there can be: one that is nearly full, and then a row of the
 * largest body that can be set (256 MiB), eight times as long as that.
 */
#define SPOOL_FILE_MOST (((uint64_t)2 << 30) + ((uint64_t)2 << 20))

/*
 * Whether the open file, of `length` bytes, is whole, without taking it into
 * memory: NULL, or why it is not.
 */
const char *spool_file_check(int fd, uint64_t length);

/* Reads one; NULL, or why it is none. The caller frees the list. */
const char *spool_file_read(const struct buffer *bytes, struct item_list *list);

#endif
