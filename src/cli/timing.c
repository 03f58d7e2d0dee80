/* timing: see timing.h. */
#include "timing.h"

#include <stdlib.h>
#include <time.h>

#include "../core/mem.h"

enum {
    WARM_UP = 3,     /* calls before anything counts */
    LEAST_CALLS = 5, /* however long they take */
    MOST_CALLS = 1000000
};

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

lam_status cli_times_add(cli_times *times, double seconds)
{
    void *array = times->second;
    const lam_status status = lami_grow(&array, &times->capacity, times->count + 1, sizeof *times->second);
    times->second = array;
    LAM_TRY(status);
    times->second[times->count++] = seconds;
    return LAM_OK;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double cli_median(double *value, size_t count)
{
    if (!count)
        return 0;
    qsort(value, count, sizeof *value, ascending);
    return count % 2 ? value[count / 2] : (value[count / 2 - 1] + value[count / 2]) / 2;
}

lam_status cli_time_once(cli_times *times, const cli_timed *timed)
{
    LAM_TRY(timed->before ? timed->before(timed->arg) : LAM_OK);
    const double start = cli_now();
    LAM_TRY(timed->once(timed->arg));
    return cli_times_add(times, cli_now() - start);
}

lam_status cli_time(cli_timing *timing, const cli_timed *timed, double seconds, size_t steps)
{
    cli_times times = { 0 };
    lam_status status = LAM_OK;
    const double start = cli_now();
    for (size_t k = 0; k < WARM_UP; k++)
        LAM_TRY_DONE(cli_time_once(&times, timed));
    times.count = 0;
    while (steps ? times.count < steps
                 : times.count < LEAST_CALLS || (cli_now() - start < seconds && times.count < MOST_CALLS))
        LAM_TRY_DONE(cli_time_once(&times, timed));
    timing->count = times.count;
    timing->median = cli_median(times.second, times.count);
    timing->best = times.second[0];
done:
    lami_free(times.second);
    return status;
}
