/* limits: see limits.h. */
#include "limits.h"

#include <time.h>

#include "../core/parallel.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- arithmetic ---- */

enum { PEAK_TURNS = 200000, PEAK_REPETITIONS = 6 };

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
    const double r = j->ops->peak(PEAK_TURNS, &flops);
    if (!thread)
        j->sink = r;
}

double lami_peak_gflops(const lami_ops *ops, int threads)
{
    peak_job j = { .ops = ops, .tasks = 8 * (size_t)threads };
    double best = 0;
    ops->peak(1, &j.flops);
    for (int k = 0; k < PEAK_REPETITIONS; k++) {
        const double start = now();
        lami_parallel_run(threads, 0, 1, peak_tasks, peak_task, &j);
        const double rate = j.flops * PEAK_TURNS * (double)j.tasks / (now() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

/* ---- memory ---- */

enum { STREAM_REPETITIONS = 4 };
static const double stream_seconds = 3e-3; /* of a repetition at least, so that starting the threads does not count */

typedef struct {
    const lami_ops *ops;
    lami_stream kind;
    char *memory;
    size_t each, turns, tasks;
    volatile double sink;
} stream_job;

static size_t stream_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const stream_job *)arg)->tasks;
}

/* Each task has its own part of the memory; a copy goes from its second half to its first. */
static void stream_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase;
    stream_job *j = arg;
    char *part = j->memory + task * j->each;
    const size_t half = j->kind == LAMI_STREAM_COPY ? j->each / 2 : 0;
    const double r =
        j->ops->stream(j->kind, part, part + half, (j->each - half) / (size_t)(j->ops->bits / 8), j->turns);
    if (!thread)
        j->sink = r;
}

static double stream_once(stream_job *j, int threads)
{
    const double start = now();
    lami_parallel_run(threads, 0, 1, stream_tasks, stream_task, j);
    return now() - start;
}

double lami_bandwidth(const lami_ops *ops, lami_stream kind, int threads, void *memory, size_t each)
{
    stream_job j = { .ops = ops, .kind = kind, .memory = memory, .each = each, .turns = 1, .tasks = (size_t)threads };
    stream_once(&j, threads); /* the first use of the pages */
    while (stream_once(&j, threads) < stream_seconds)
        j.turns *= 2;
    double best = 0;
    for (int k = 0; k < STREAM_REPETITIONS; k++) {
        const double rate = (double)each * (double)threads * (double)j.turns / stream_once(&j, threads) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

/* ---- threads ---- */

/* A thread alone would take tasks without work, and wait for nobody: each has some. */
enum { PHASES = 500, RUNS = 500, PHASE_TURNS = 1000, PHASE_REPETITIONS = 8 };

static void phase_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase, (void)task;
    peak_job *j = arg;
    double flops;
    const double r = j->ops->peak(PHASE_TURNS, &flops);
    if (!thread)
        j->sink = r;
}

/* Microseconds of a phase in which each thread has a task. */
static double phase_us(peak_job *j, size_t runs, size_t phases)
{
    const double start = now();
    for (size_t k = 0; k < runs; k++)
        lami_parallel_run((int)j->tasks, 0, phases, peak_tasks, phase_task, j);
    return 1e6 * (now() - start) / (double)(runs * phases);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

void lami_phase_cost(double *run_us, double *barrier_us, const lami_ops *ops, int threads)
{
    peak_job one = { .ops = ops, .tasks = 1 }, all = { .ops = ops, .tasks = (size_t)threads };
    double work = phase_us(&one, 1, PHASES), run = phase_us(&all, RUNS, 1), phase = phase_us(&all, 1, PHASES);
    for (int k = 1; k < PHASE_REPETITIONS; k++) {
        work = least(work, phase_us(&one, 1, PHASES));
        run = least(run, phase_us(&all, RUNS, 1));
        phase = least(phase, phase_us(&all, 1, PHASES));
    }
    *run_us = run > work ? run - work : 0;
    *barrier_us = phase > work ? phase - work : 0;
}
