/* Bytes that grow up to a limit. */
#include "base/buffer.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t wanted = buffer->length + more;
    size_t room = buffer->room ? buffer->room : 256;

    if (wanted < more || (buffer->limit && wanted > buffer->limit))
        return false;
    if (wanted <= buffer->room)
        return true;
    while (room < wanted)
        room += room / 2;
    if (buffer->limit && room > buffer->limit)
        room = buffer->limit;
    buffer->data = memory_resize(buffer->data, room);
    buffer->room = room;
    return true;
}

bool buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return false;
    if (length)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    return true;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.limit = buffer->limit};
}

void buffer_add16(struct buffer *buffer, int16_t value)
{
    uint16_t net = htobe16((uint16_t)value);

    buffer_add(buffer, &net, sizeof(net));
}

void buffer_add32(struct buffer *buffer, int32_t value)
{
    uint32_t net = htobe32((uint32_t)value);

    buffer_add(buffer, &net, sizeof(net));
}

void buffer_add64(struct buffer *buffer, int64_t value)
{
    uint64_t net = htobe64((uint64_t)value);

    buffer_add(buffer, &net, sizeof(net));
}
