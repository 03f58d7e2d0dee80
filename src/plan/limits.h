/* limits: what this machine can do at most, measured, so that shares of it can be told. Each takes the best of a few
 * repetitions, some 50 ms in all. */
#ifndef LAMI_LIMITS_H
#define LAMI_LIMITS_H

#include "../kern/ops.h"

/* Fused multiply-adds that `threads` threads reach in registers, GFLOP/s. */
double lami_peak_gflops(const lami_ops *ops, int threads);

/* What `threads` threads read, write or copy (read and written bytes both count), GB/s, each going through `each` bytes
 * of its own again and again. memory: threads * each bytes, 64-byte aligned; each: a multiple of LAMI_STREAM_UNIT. Zeros
 * in, numbers out: its contents are lost. */
enum { LAMI_STREAM_UNIT = 1024 };
double lami_bandwidth(const lami_ops *ops, lami_stream kind, int threads, void *memory, size_t each);

/* What `threads` threads pay, in microseconds, to do a task each: to begin a run of the pool, and to go from one phase to
 * the next in a run, when all have waited for all. */
void lami_phase_cost(double *run_us, double *barrier_us, const lami_ops *ops, int threads);

#endif
