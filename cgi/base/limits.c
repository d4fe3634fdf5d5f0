/* What the system must allow this process. */
#include "base/limits.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Descriptors for the spool, the database and ourselves. */
#define FILES_RESERVED 96
#define CONNECTIONS_MIN 32
#define CONNECTIONS_MAX 4096
#define STACK_MIN ((rlim_t)256 << 10)

/* As many as the system lets us have. */
static rlim_t raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return getrlimit(RLIMIT_NOFILE, &files) ? 0 : files.rlim_cur;
}

static bool raise_stack(void)
{
    struct rlimit stack;

    if (getrlimit(RLIMIT_STACK, &stack))
        return false;
    if (stack.rlim_cur >= STACK_MIN)
        return true;
    stack.rlim_cur = STACK_MIN;
    return stack.rlim_max >= STACK_MIN && setrlimit(RLIMIT_STACK, &stack) == 0;
}

void limits_fill_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

bool limits_prepare(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    rlim_t files = raise_files();

    sigaction(SIGXFSZ, &ignore, NULL);
    if (!raise_stack()) {
        log_line("the limit of the stack is below %llu bytes",
                 (unsigned long long)STACK_MIN);
        return false;
    }
    if (files < FILES_RESERVED + CONNECTIONS_MIN) {
        log_line("the limit of open files is %llu, %d are needed",
                 (unsigned long long)files, FILES_RESERVED + CONNECTIONS_MIN);
        return false;
    }
    return true;
}

size_t limits_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) ||
        files.rlim_cur < FILES_RESERVED + CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return files.rlim_cur - FILES_RESERVED < CONNECTIONS_MAX
               ? files.rlim_cur - FILES_RESERVED
               : CONNECTIONS_MAX;
}
