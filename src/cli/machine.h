/* machine: what this machine can do at most, measured: what shares are shares of, and `lamina bench --machine`. */
#ifndef LAMI_MACHINE_H
#define LAMI_MACHINE_H

#include "../plan/limits.h"

enum { CLI_MEMORY_ROWS = 8 };

/* Bandwidths of `threads` threads, GB/s, by the bytes that each of them goes through; rows by size, ascending. */
typedef struct cli_memory {
    int threads;
    size_t rows, each[CLI_MEMORY_ROWS];
    double rate[CLI_MEMORY_ROWS][LAMI_STREAMS];
} cli_memory;

/* Measure up to the first size whose sum over the threads is at least `most` bytes. Errors: LAM_ENOMEM. */
lam_status cli_memory_measure(cli_memory *memory, const lami_ops *ops, int threads, double most);

/* The fastest of reading, writing and copying, GB/s, where the threads share so many bytes. */
double cli_memory_rate(const cli_memory *memory, double bytes);

/* Measure and print all limits: of set `isa`, of one thread and of `threads`. Errors: LAM_EUNSUPPORTED (the set),
 * LAM_ENOMEM, LAM_EWRITE. */
lam_status cli_machine(const char *isa, int threads, int json);

#endif
