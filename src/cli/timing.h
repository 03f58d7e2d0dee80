/* timing: repetitions of something, each timed, and what they come to. */
#ifndef LAMI_TIMING_H
#define LAMI_TIMING_H

#include <stddef.h>

#include "../core/status.h"

double cli_now(void); /* seconds on a clock that only goes forward */

/* Times of repetitions, in seconds; {0} is empty. lami_free(second) is the caller's. */
typedef struct cli_times {
    double *second;
    size_t count, capacity;
} cli_times;
lam_status cli_times_add(cli_times *times, double seconds);

/* Of `count` numbers, which are sorted. 0 of none. */
double cli_median(double *value, size_t count);

typedef lam_status cli_step_fn(void *arg);

/* What is timed: `once`, each time after `before` (NULL: nothing), whose time does not count. */
typedef struct cli_timed {
    cli_step_fn *before, *once;
    void *arg;
} cli_timed;

/* Append the time of one call. */
lam_status cli_time_once(cli_times *times, const cli_timed *timed);

typedef struct cli_timing {
    double median, best; /* seconds */
    size_t count;
} cli_timing;

/* Time calls for so many seconds, or, where steps is not 0, so many times; a few calls go before that do not count. */
lam_status cli_time(cli_timing *timing, const cli_timed *timed, double seconds, size_t steps);

#endif
