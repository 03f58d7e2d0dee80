#include "parallel.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "fpu.h"

/* The ticket holds all that a thread must know to take a task, so that taking one is one compare-and-swap and a thread
 * that comes late can do no harm: | phase number 14 | threads allowed 10 | tasks 20 | next task 20 |. Only while a task
 * is taken and not yet done does a thread look at `job`: then the job cannot end. */
enum { NEXT_BITS = 20, COUNT_BITS = 20, LIMIT_BITS = 10 };

typedef struct {
    size_t phase, last; /* the phase the ticket is for */
    lami_tasks_fn tasks;
    lami_task_fn task;
    void *arg;
    uint64_t limit;
} job;

static struct {
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint64_t done; /* tasks of the phase that are done */
    _Alignas(64) atomic_int running;    /* 1 while a job runs; cleared by who does its last task */
    _Alignas(64) atomic_int busy;       /* a caller has the pool */
    atomic_int sleepers, stop;
    job job;
    pthread_mutex_t lock; /* of the fields below, and of falling asleep */
    pthread_cond_t wake;
    pthread_t worker[LAMI_MAX_THREADS];
    int workers, hooked;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static uint64_t next_of(uint64_t t)
{
    return t & ((1u << NEXT_BITS) - 1);
}
static uint64_t count_of(uint64_t t)
{
    return t >> NEXT_BITS & ((1u << COUNT_BITS) - 1);
}
static uint64_t limit_of(uint64_t t)
{
    return t >> (NEXT_BITS + COUNT_BITS) & ((1u << LIMIT_BITS) - 1);
}
static uint64_t number_of(uint64_t t)
{
    return t >> (NEXT_BITS + COUNT_BITS + LIMIT_BITS);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait a little: spin first, then let others run. */
static void wait_a_little(unsigned *turns)
{
    if (++*turns < 200)
        relax();
    else
        sched_yield();
}

/* Hand out the next phase that has tasks, or end the job. Only who has done the last task of a phase comes here. */
static void publish(void)
{
    job *j = &pool.job;
    uint64_t count = 0;
    while (j->phase < j->last && !(count = j->tasks(j->arg, j->phase)))
        j->phase++;
    const uint64_t number = number_of(atomic_load_explicit(&pool.ticket, memory_order_relaxed)) + 1;
    atomic_store_explicit(&pool.done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.ticket,
                          number << (NEXT_BITS + COUNT_BITS + LIMIT_BITS) | j->limit << (NEXT_BITS + COUNT_BITS) |
                              count << NEXT_BITS,
                          memory_order_release);
    if (!count)
        atomic_store_explicit(&pool.running, 0, memory_order_release);
}

/* Take and do tasks of the present phase until there are none. Returns whether there were any. */
static int help(size_t thread)
{
    uint64_t mine = 0, count = 0;
    uint64_t t = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    while (next_of(t) < count_of(t) && thread < limit_of(t)) {
        if (!atomic_compare_exchange_weak_explicit(&pool.ticket, &t, t + 1, memory_order_acq_rel, memory_order_acquire))
            continue;
        pool.job.task(pool.job.arg, pool.job.phase, next_of(t), thread);
        mine++;
        count = count_of(t);
        t = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    }
    if (!mine)
        return 0;
    if (atomic_fetch_add_explicit(&pool.done, mine, memory_order_acq_rel) + mine == count) {
        pool.job.phase++;
        publish();
    }
    return 1;
}

static void fall_asleep(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while (!atomic_load(&pool.running) && !atomic_load(&pool.stop))
        pthread_cond_wait(&pool.wake, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.lock);
}

static void *work(void *number)
{
    const size_t thread = (size_t)(uintptr_t)number;
    lami_fpu_enter();
    for (unsigned turns = 0; !atomic_load_explicit(&pool.stop, memory_order_relaxed);) {
        if (help(thread))
            turns = 0;
        else if (turns < 2000 || atomic_load_explicit(&pool.running, memory_order_relaxed))
            wait_a_little(&turns);
        else {
            fall_asleep();
            turns = 0;
        }
    }
    return NULL;
}

/* In the child of a fork there are no workers, and the state is whatever it was. */
static void forget(void)
{
    pool.workers = 0;
    atomic_store(&pool.busy, 0);
    atomic_store(&pool.running, 0);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.ticket, 0);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
}

__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.stop, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.workers; i++)
        pthread_join(pool.worker[i], NULL);
    pool.workers = 0;
}

void lami_parallel_prepare(int threads)
{
    if (threads > LAMI_MAX_THREADS - 1)
        threads = LAMI_MAX_THREADS - 1;
    sigset_t all, before; /* the host's signals are for its own threads */
    sigfillset(&all);
    pthread_mutex_lock(&pool.lock);
    if (pool.workers >= threads - 1) {
        pthread_mutex_unlock(&pool.lock);
        return;
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!pool.hooked)
        pool.hooked = !pthread_atfork(NULL, NULL, forget);
    while (pool.workers < threads - 1 &&
           !pthread_create(&pool.worker[pool.workers], NULL, work, (void *)(uintptr_t)(pool.workers + 1)))
        pool.workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_unlock(&pool.lock);
}

void lami_parallel_run(int threads, size_t first, size_t last, lami_tasks_fn tasks, lami_task_fn task, void *arg)
{
    int free = 0;
    if (threads < 2 || !atomic_compare_exchange_strong(&pool.busy, &free, 1)) {
        for (size_t p = first; p < last; p++)
            for (size_t i = 0, n = tasks(arg, p); i < n; i++)
                task(arg, p, i, 0);
        return;
    }
    if (threads > LAMI_MAX_THREADS - 1)
        threads = LAMI_MAX_THREADS - 1;
    pool.job =
        (job) { .phase = first, .last = last, .tasks = tasks, .task = task, .arg = arg, .limit = (uint64_t)threads };
    atomic_store(&pool.running, 1);
    publish();
    if (atomic_load(&pool.sleepers)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    for (unsigned turns = 0; atomic_load_explicit(&pool.running, memory_order_acquire);) {
        if (help(0))
            turns = 0;
        else
            wait_a_little(&turns);
    }
    atomic_store(&pool.busy, 0);
}

/* ---- locks ---- */

void lami_lock_init(lami_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

void lami_lock_end(lami_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

void lami_lock_take(lami_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void lami_lock_give(lami_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

/* ---- how many ---- */

/* CPUs of the cgroup's quota (version 2, then 1), INT_MAX when there is none. */
static int read_quota(void)
{
    long long max = -1, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f) {
        if (fscanf(f, "%lld %lld", &max, &period) != 2)
            max = -1;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
        if (fscanf(f, "%lld", &max) != 1)
            max = -1;
        fclose(f);
        if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re"))) {
            if (fscanf(f, "%lld", &period) != 1)
                period = 0;
            fclose(f);
        }
    }
    if (max <= 0 || period <= 0)
        return INT_MAX;
    const long long cpus = (max + period - 1) / period;
    return cpus > INT_MAX ? INT_MAX : (int)cpus;
}

/* Read once: every function by itself asks how many threads it may use. */
static int quota(void)
{
    static atomic_int known;
    int cpus = atomic_load_explicit(&known, memory_order_relaxed);
    if (!cpus)
        atomic_store_explicit(&known, cpus = read_quota(), memory_order_relaxed);
    return cpus;
}

int lami_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int cpus = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    const int most = quota();
    if (cpus > most)
        cpus = most;
    return cpus < 1 ? 1 : cpus > LAMI_MAX_THREADS - 1 ? LAMI_MAX_THREADS - 1 : cpus;
}
