/* parallel: the only file that knows threads. Work is a list of phases, each a number of tasks; tasks of a phase are
 * handed out one by one to whoever is free, and a phase begins when all tasks of the one before are done. A barrier
 * waits for tasks, not for threads: a thread that the system has put aside holds up nobody unless it is inside a task,
 * so that another busy process costs its share and no more.
 *
 * There is one pool of workers in the process, started when first asked for, which grows to the largest number asked
 * for. While it serves one caller, other callers run their work by themselves: same results, no waiting. After fork the
 * child starts with an empty pool. The workers are joined when the library is unloaded or the process ends. */
#ifndef LAMI_PARALLEL_H
#define LAMI_PARALLEL_H

#include <pthread.h>

#include "status.h"

enum { LAMI_MAX_THREADS = 1024, LAMI_MAX_TASKS = (1 << 20) - 1 };

/* Task `task` of phase `phase`; thread < threads of the run, no two tasks at once with the same number. */
typedef void (*lami_task_fn)(void *arg, size_t phase, size_t task, size_t thread);

/* Number of tasks of a phase, at most LAMI_MAX_TASKS; 0 is fine. */
typedef size_t (*lami_tasks_fn)(void *arg, size_t phase);

/* The CPUs this process may use: its affinity mask, cut to the cgroup's quota as it is at the first call. At least
 * 1. */
int lami_cpus(void);

/* Make sure that runs with `threads` threads find their workers. When the system gives fewer, runs go on with those. */
void lami_parallel_prepare(int threads);

/* Run phases first .. last-1 on at most `threads` threads, the caller among them. */
void lami_parallel_run(int threads, size_t first, size_t last, lami_tasks_fn tasks, lami_task_fn task, void *arg);

/* A lock, for what long tasks have in common. */
typedef struct lami_lock {
    pthread_mutex_t mutex;
} lami_lock;
void lami_lock_init(lami_lock *lock);
void lami_lock_end(lami_lock *lock);
void lami_lock_take(lami_lock *lock);
void lami_lock_give(lami_lock *lock);

#endif
