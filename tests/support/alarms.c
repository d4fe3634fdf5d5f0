/*
 * Preloaded into the renewer: each alarm that it sets is a line of the file
 * named by ALARMS, its seconds and those that were left of the one before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

unsigned alarm(unsigned seconds)
{
    struct itimerval next = {.it_value.tv_sec = seconds}, last;
    FILE *file = fopen(getenv("ALARMS"), "a");

    setitimer(ITIMER_REAL, &next, &last);
    unsigned left =
        (unsigned)last.it_value.tv_sec + (last.it_value.tv_usec != 0);
    fprintf(file, "%u %u\n", seconds, left);
    fclose(file);
    return left;
}
