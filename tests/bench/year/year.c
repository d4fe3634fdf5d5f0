/*
 * A made-up year of Teams calls, the same for the same seed.
 *
 *   year TABLE CALLS USERS FIRST DAYS   rows of some days, for COPY
 *   year json CALLS USERS FIRST DAYS    their records as Graph sends them
 *   year -c TABLE                       their columns
 *   year users USERS                    principal name and department
 *
 * Each call has its own random stream: a table, or a day, can be made alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "year.h"

#define DAYS 365
#define HOURS (24L * DAYS)

/* How busy an hour is, beside the others of the year. */
static double weight(long hour)
{
    static const double of_day[24] = {.05, .03, .02, .02, .03, .1,  .4,  2,
                                      5.5, 8,   9,   8.5, 5,   6.5, 8.5, 8,
                                      6.5, 4,   2,   1,   .6,  .4,  .2,  .1};
    static const double of_week[7] = {.03, 1, 1.1, 1, 1, .8, .06}; /* Sunday */
    long day = hour / 24;
    double w = of_day[hour % 24] * of_week[(5 + day) % 7];
    if (day >= 26 && day <= 39)
        w *= .25; /* Christmas */
    if (day >= 245 && day <= 275)
        w *= .75; /* summer */
    random_state = mix(seed + 31 * (uint64_t)day);
    return w * (.9 + .2 * unit());
}

/* The calls of some hours, each hour's evenly over it. */
static bool print_hours(const char *table, long calls, long first, long end)
{
    double all = 0, sum = 0;
    long done = 0;
    for (long hour = 0; hour < HOURS; hour++)
        all += weight(hour);
    for (long hour = 0; hour < end; hour++) {
        sum += weight(hour);
        long until =
            hour == HOURS - 1 ? calls : (long)(sum / all * (double)calls);
        for (long n = done; hour >= first && n < until; n++) {
            double part = ((double)(n - done) + .5) / (double)(until - done);
            make_call(n, YEAR_BEGINS + ((double)hour + part) * 3600);
            if (strcmp(table, "json") == 0)
                print_record();
            else if (!print_rows(table))
                return false;
        }
        done = until;
    }
    return true;
}

static void print_users(void)
{
    for (int i = 0; i < user_count; i++)
        printf("%s\tDepartment %02d\n", users[i].upn, users[i].department);
}

static int usage(void)
{
    fputs("usage: year TABLE CALLS USERS FIRST DAYS | -c TABLE | users USERS\n",
          stderr);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-c") == 0)
        return print_columns(argv[2]) ? EX_OK : usage();
    if (argc != 6 && argc != 3)
        return usage();
    user_count = atoi(argv[argc == 3 ? 2 : 3]);
    if (user_count < 1)
        return usage();
    make_users();
    if (argc == 3) {
        print_users();
        return EX_OK;
    }
    long first = atol(argv[4]), days = atol(argv[5]);
    if (first < 0 || days < 0 || first + days > DAYS)
        return usage();
    return print_hours(argv[1], atol(argv[2]), first * 24, (first + days) * 24)
               ? EX_OK
               : usage();
}
