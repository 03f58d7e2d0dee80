/* The pool of threads: each task once, phases one after another, from several callers, after a fork, unloaded. Of use
 * under the thread sanitizer, too: the tasks share plain memory between phases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/core/parallel.h"

static const int some_threads[] = { 1, 2, 7, 40 };
enum { RUNS = sizeof some_threads / sizeof some_threads[0], PATIENCE = 60 /* seconds */ };

/* ---- a job that counts ---- */

enum { PHASES = 8, MOST_TASKS = 2000 };
static const size_t tasks_of_phase[PHASES] = { 0, 1, 1000, 3, 0, 0, MOST_TASKS, 0 };

typedef struct {
    int threads;
    atomic_int runs[PHASES][MOST_TASKS];
    atomic_int using[64]; /* thread numbers in use */
    atomic_int finished[PHASES];
    atomic_int mistakes;
} counting;

static size_t counting_tasks(void *arg, size_t phase)
{
    (void)arg;
    return tasks_of_phase[phase];
}

static void counting_task(void *arg, size_t phase, size_t task, size_t thread)
{
    counting *c = arg;
    if (phase >= PHASES || task >= tasks_of_phase[phase] || thread >= (size_t)c->threads) {
        atomic_fetch_add(&c->mistakes, 1);
        return;
    }
    if (atomic_fetch_add(&c->using[thread], 1))
        atomic_fetch_add(&c->mistakes, 1);
    for (size_t p = 0; p < phase; p++)
        if (atomic_load(&c->finished[p]) && (size_t)atomic_load(&c->finished[p]) != tasks_of_phase[p])
            atomic_fetch_add(&c->mistakes, 1);
    atomic_fetch_add(&c->runs[phase][task], 1);
    atomic_fetch_add(&c->finished[phase], 1);
    atomic_fetch_sub(&c->using[thread], 1);
}

/* Whether phases first .. last-1 ran once each, and no others. */
static int count_run(int threads, size_t first, size_t last)
{
    counting *c = calloc(1, sizeof *c);
    if (!c)
        return 0;
    c->threads = threads;
    lami_parallel_run(threads, first, last, counting_tasks, counting_task, c);
    int good = !c->mistakes;
    for (size_t p = 0; p < PHASES; p++)
        for (size_t t = 0; t < MOST_TASKS; t++)
            good &= c->runs[p][t] == (p >= first && p < last && t < tasks_of_phase[p]);
    free(c);
    return good;
}

static void every_task_runs_exactly_once(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++) {
        lami_parallel_prepare(some_threads[i]);
        for (int again = 0; again < 5; again++)
            assert_true(count_run(some_threads[i], 0, PHASES));
    }
    for (int i = 0; i < RUNS; i++) /* fewer threads than the pool has */
        assert_true(count_run(some_threads[i], 0, PHASES));
}

static void only_the_phases_asked_for_run(void **state)
{
    (void)state;
    lami_parallel_prepare(7);
    for (size_t first = 0; first <= PHASES; first++)
        for (size_t last = first; last <= PHASES; last++)
            assert_true(count_run(7, first, last));
}

/* ---- a job whose phases read what the one before wrote, in plain memory ---- */

enum { CHAIN = 60, LINKS = 150 };

typedef struct {
    uint32_t value[CHAIN + 1][LINKS];
} chain;

static size_t chain_tasks(void *arg, size_t phase)
{
    (void)arg;
    return phase % 4 == 3 ? 0 : phase % 4 == 2 ? 1 : LINKS;
}

static void chain_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)thread;
    chain *c = arg;
    const size_t before = phase - (phase % 4 == 0 && phase ? 1 : 0); /* the row that the phase before wrote */
    if (phase % 4 == 2) {                                            /* one task for all */
        for (size_t i = 0; i < LINKS; i++)
            c->value[phase + 1][i] = c->value[phase][LINKS - 1 - i] + 1;
        return;
    }
    c->value[phase + 1][task] = c->value[before][(task * 7 + 3) % LINKS] * 3 + c->value[before][task] + (uint32_t)phase;
}

static void a_phase_sees_what_the_one_before_wrote(void **state)
{
    (void)state;
    static chain want, got;
    for (size_t i = 0; i < LINKS; i++)
        want.value[0][i] = (uint32_t)(i * i);
    got = want;
    for (size_t p = 0; p < CHAIN; p++)
        for (size_t i = 0; i < chain_tasks(NULL, p); i++)
            chain_task(&want, p, i, 0);
    for (int i = 0; i < RUNS; i++) {
        lami_parallel_prepare(some_threads[i]);
        for (int again = 0; again < 10; again++) {
            memset(got.value[1], 0, sizeof got - sizeof got.value[0]);
            lami_parallel_run(some_threads[i], 0, CHAIN, chain_tasks, chain_task, &got);
            assert_memory_equal(&got, &want, sizeof want);
        }
    }
}

/* ---- small and large ---- */

typedef struct {
    size_t tasks;
    uint64_t sum[64]; /* of each thread: no two tasks at once have its number */
} adding;

static size_t adding_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const adding *)arg)->tasks;
}

static void adding_task(void *arg, size_t phase, size_t task, size_t thread)
{
    ((adding *)arg)->sum[thread] += task + 1 + phase;
}

static uint64_t sum_of_run(int threads, size_t phases, size_t tasks)
{
    adding a = { .tasks = tasks };
    lami_parallel_run(threads, 0, phases, adding_tasks, adding_task, &a);
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++)
        sum += a.sum[i];
    return sum;
}

static void thousands_of_tiny_runs(void **state)
{
    (void)state;
    lami_parallel_prepare(2);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(sum_of_run(2, 2, 2), 3 + 5);
    lami_parallel_prepare(7);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(sum_of_run(7, 1, 3), 6);
}

/* After a pause the workers have fallen asleep. */
static void runs_after_pauses(void **state)
{
    (void)state;
    lami_parallel_prepare(7);
    for (int i = 0; i < 20; i++) {
        const struct timespec pause = { .tv_nsec = 5000000 };
        nanosleep(&pause, NULL);
        assert_int_equal(sum_of_run(7, 2, 100), 5050 + 5150);
    }
}

static void a_phase_of_the_largest_number_of_tasks(void **state)
{
    (void)state;
    const uint64_t n = LAMI_MAX_TASKS;
    assert_int_equal(sum_of_run(7, 1, n), n * (n + 1) / 2);
}

static void nothing_to_do_is_fine(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(sum_of_run(some_threads[i], 0, 10), 0);
        assert_int_equal(sum_of_run(some_threads[i], 50, 0), 0);
    }
    assert_int_equal(sum_of_run(0, 1, 10), 55);
    assert_int_equal(sum_of_run(-3, 1, 10), 55);
}

/* ---- at once ---- */

static atomic_int arrived;

/* Waits for all the others, and multiplies a subnormal. */
static void meeting_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase, (void)task;
    adding *a = arg;
    atomic_fetch_add(&arrived, 1);
    while ((size_t)atomic_load(&arrived) < a->tasks)
        sched_yield();
    volatile double small = 0x1p-1074;
    const double product = small * 3;
    uint64_t bits;
    memcpy(&bits, &product, sizeof bits);
    a->sum[thread] += bits == 3;
}

static void meet(int threads)
{
    adding a = { .tasks = (size_t)threads };
    atomic_store(&arrived, 0);
    alarm(PATIENCE);
    lami_parallel_run(threads, 0, 1, adding_tasks, meeting_task, &a);
    alarm(0);
    for (int t = 0; t < threads; t++)
        assert_int_equal(a.sum[t], 1);
}

static void as_many_tasks_run_at_once_as_there_are_threads(void **state)
{
    (void)state;
    for (int i = 0; i < RUNS; i++) {
        lami_parallel_prepare(some_threads[i]);
        meet(some_threads[i]);
    }
}

#if defined(__x86_64__)
/* The first test: a thread starts with the state of the one that makes it. */
static void workers_keep_subnormals_whoever_starts_them(void **state)
{
    (void)state;
    const unsigned usual = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(usual | 0x8040); /* flush to zero, subnormals are zeros */
    lami_parallel_prepare(7);
    __builtin_ia32_ldmxcsr(usual);
    meet(7);
}
#endif

static void *one_user(void *good)
{
    for (int i = 0; i < 150 && *(int *)good; i++) {
        lami_parallel_prepare(2 + i % 6);
        *(int *)good = sum_of_run(2 + i % 6, 4, 50) == 4 * 1275 + 50 * 6 && count_run(7, 0, 4);
    }
    return NULL;
}

static void several_callers_at_once(void **state)
{
    (void)state;
    enum { USERS = 5 };
    pthread_t user[USERS];
    int good[USERS];
    for (int i = 0; i < USERS; i++) {
        good[i] = 1;
        assert_int_equal(pthread_create(&user[i], NULL, one_user, &good[i]), 0);
    }
    for (int i = 0; i < USERS; i++) {
        pthread_join(user[i], NULL);
        assert_true(good[i]);
    }
}

/* A task may run a job of its own: it runs by itself. */
static void nested_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase, (void)task;
    ((adding *)arg)->sum[thread] += sum_of_run(7, 1, 10);
}

static void a_task_may_run_a_job(void **state)
{
    (void)state;
    adding a = { .tasks = 100 };
    lami_parallel_prepare(7);
    lami_parallel_run(7, 0, 1, adding_tasks, nested_task, &a);
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++)
        sum += a.sum[i];
    assert_int_equal(sum, 5500);
}

/* ---- fork ---- */

/* The thread sanitizer cannot start threads after a fork, and the address sanitizer looks for leaks in threads that a
 * child does not have. */
#if defined(__has_feature)
#define UNDER(sanitizer) __has_feature(sanitizer##_sanitizer)
#else
#define UNDER(sanitizer) 0
#endif
#if defined(__SANITIZE_THREAD__) || UNDER(thread)
enum { CHILD_THREADS = 0, CHILD_ENDS = 0 };
#elif defined(__SANITIZE_ADDRESS__) || UNDER(address)
enum { CHILD_THREADS = 1, CHILD_ENDS = 0 };
#else
enum { CHILD_THREADS = 1, CHILD_ENDS = 1 };
#endif

static void fork_and_run(void)
{
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        alarm(PATIENCE);
        int good = count_run(7, 0, PHASES); /* the workers are not here */
        if (CHILD_THREADS)
            lami_parallel_prepare(7);
        for (int i = 0; i < 100; i++)
            good &= sum_of_run(7, 4, 50) == 4 * 1275 + 50 * 6;
        if (CHILD_ENDS) { /* joins its own workers, and those alone */
            fclose(stdout);
            exit(!good);
        }
        _exit(!good);
    }
    assert_true(count_run(7, 0, PHASES));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_child_after_fork_runs_and_exits(void **state)
{
    (void)state;
    lami_parallel_prepare(7);
    for (int i = 0; i < 5; i++) {
        assert_true(count_run(7, 0, PHASES));
        fork_and_run();
    }
}

static atomic_int user_stops;

static void *busy_user(void *arg)
{
    (void)arg;
    while (!atomic_load(&user_stops))
        sum_of_run(7, 4, 50);
    return NULL;
}

/* While another thread has the pool. */
static void a_child_of_a_busy_process_runs_and_exits(void **state)
{
    (void)state;
    pthread_t user;
    atomic_store(&user_stops, 0);
    lami_parallel_prepare(7);
    assert_int_equal(pthread_create(&user, NULL, busy_user, NULL), 0);
    for (int i = 0; i < 10; i++)
        fork_and_run();
    atomic_store(&user_stops, 1);
    pthread_join(user, NULL);
}

/* ---- the library loaded and unloaded ---- */

#if defined(PARALLEL_MODULE)
static int threads_of_process(void)
{
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    int count = 0;
    for (const struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void unloading_joins_the_workers(void **state)
{
    (void)state;
    const int before = threads_of_process();
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(PARALLEL_MODULE, RTLD_NOW | RTLD_LOCAL);
        assert_non_null(library);
        void (*prepare)(int);
        void (*run)(int, size_t, size_t, lami_tasks_fn, lami_task_fn, void *);
        *(void **)&prepare = dlsym(library, "lami_parallel_prepare");
        *(void **)&run = dlsym(library, "lami_parallel_run");
        assert_true(prepare && run && run != lami_parallel_run);
        prepare(5);
        assert_int_equal(threads_of_process(), before + 4);
        adding a = { .tasks = 1000 };
        run(5, 0, 1, adding_tasks, adding_task, &a);
        assert_int_equal(a.sum[0] + a.sum[1] + a.sum[2] + a.sum[3] + a.sum[4], 500500);
        assert_int_equal(dlclose(library), 0);
        /* a joined thread may stay listed for a moment */
        for (int wait = 0; threads_of_process() != before && wait < 1000; wait++)
            nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
        assert_int_equal(threads_of_process(), before);
    }
}
#endif

/* ---- how many ---- */

static void the_number_of_cpus_follows_the_affinity_mask(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    const int cpus = lami_cpus();
    assert_in_range(cpus, 1, CPU_COUNT(&all));
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
            assert_int_equal(lami_cpus(), 1);
        }
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(lami_cpus(), cpus);
}

/* Many threads on one CPU: nobody waits for a thread that cannot run. */
static void forty_threads_get_along_on_one_cpu(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    lami_parallel_prepare(40);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    int good = 1;
    for (int i = 0; i < 20; i++)
        good &= count_run(40, 0, PHASES);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_true(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(workers_keep_subnormals_whoever_starts_them),
#endif
        cmocka_unit_test(nothing_to_do_is_fine),
        cmocka_unit_test(every_task_runs_exactly_once),
        cmocka_unit_test(only_the_phases_asked_for_run),
        cmocka_unit_test(a_phase_sees_what_the_one_before_wrote),
        cmocka_unit_test(thousands_of_tiny_runs),
        cmocka_unit_test(runs_after_pauses),
        cmocka_unit_test(a_phase_of_the_largest_number_of_tasks),
        cmocka_unit_test(as_many_tasks_run_at_once_as_there_are_threads),
        cmocka_unit_test(several_callers_at_once),
        cmocka_unit_test(a_task_may_run_a_job),
        cmocka_unit_test(a_child_after_fork_runs_and_exits),
        cmocka_unit_test(a_child_of_a_busy_process_runs_and_exits),
#if defined(PARALLEL_MODULE)
        cmocka_unit_test(unloading_joins_the_workers),
#endif
        cmocka_unit_test(the_number_of_cpus_follows_the_affinity_mask),
        cmocka_unit_test(forty_threads_get_along_on_one_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
