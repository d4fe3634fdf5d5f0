/* Random bytes, from the kernel. */
#include "base/random.h"

#include <sys/random.h>
#include <sysexits.h>

#include "base/log.h"

void random_bytes(void *out, size_t length)
{
    /* Up to 256 bytes come whole, whatever signal there is. */
    if (getrandom(out, length, 0) != (ssize_t)length)
        die(EX_OSERR, "the kernel gives no random bytes");
}

size_t random_below(size_t count)
{
    size_t number;

    random_bytes(&number, sizeof(number));
    return count ? number % count : 0;
}
