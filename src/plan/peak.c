/* peak: the machine's arithmetic limit, measured, so that shares of it can be told. */
#include <time.h>

#include "../core/parallel.h"
#include "plan.h"

enum { TURNS = 200000 };

typedef struct {
    const lami_ops *ops;
    size_t tasks;
    double flops;
    volatile double sink;
} peak_job;

static size_t peak_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const peak_job *)arg)->tasks;
}

static void peak_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase;
    (void)task;
    peak_job *j = arg;
    double flops;
    const double r = j->ops->peak(TURNS, &flops);
    if (!thread)
        j->sink = r;
}

double lami_peak_gflops(const lami_ops *ops, int threads)
{
    peak_job j = { .ops = ops, .tasks = 8 * (size_t)threads };
    double best = 0;
    ops->peak(1, &j.flops);
    for (int turn = 0; turn < 6; turn++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        lami_parallel_run(threads, 0, 1, peak_tasks, peak_task, &j);
        clock_gettime(CLOCK_MONOTONIC, &b);
        const double seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        const double rate = j.flops * TURNS * (double)j.tasks / seconds * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}
