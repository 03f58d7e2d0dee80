/* plan: a network as a list of records of operations, merged, put into phases, with every buffer placed in one arena.
 * After lami_plan_finish nothing is allocated and nothing can fail.
 *
 *   records   what the layers wrote (lami_emit), in order
 *   groups    records merged: run one after another on each tile (kern/ops.h says what may be merged)
 *   phases    groups that do not depend on each other: their tiles are handed out together, a barrier between phases
 *   arena     buffers, by lifetime in phases; elementwise results take the place of their input where it is not used
 *             again */
#ifndef LAMI_PLAN_H
#define LAMI_PLAN_H

#include "../core/status.h"
#include "../kern/ops.h"

typedef struct lami_plan lami_plan;
typedef int lami_buf; /* a buffer of a plan, numbered from 1; LAMI_NONE: there is none */
enum { LAMI_NONE = 0 };

/* A number of rows that may grow with the batch: per_sample * n + fixed; with `chunk`, how many chunks of so many rows
 * that is, `times` (or 1) rows each. */
typedef struct lami_extent {
    size_t per_sample, fixed, chunk, times;
} lami_extent;

static inline lami_extent lami_per_sample(size_t rows)
{
    return (lami_extent) { .per_sample = rows };
}
static inline lami_extent lami_fixed(size_t rows)
{
    return (lami_extent) { .fixed = rows };
}
size_t lami_extent_of(lami_extent e, size_t samples);

/* A record: an operation, its operands (kern/ops.h has their order) and sizes. */
typedef struct lami_record {
    lami_op op;
    int node;       /* the node it belongs to, or one of the enum below */
    uint64_t until; /* it runs in so many steps (lami_plan_set_steps) and then no more; 0: in all */
    lami_buf in[LAMI_INS], out[LAMI_OUTS];
    lami_extent rows, depth;
    size_t cols, chunk;
    double c[LAMI_CONSTANTS];
    uint32_t place, threshold;
    int bf16; /* lami_ops.run_bf16 does it */
    lami_window window;
} lami_record;

enum { LAMI_NODE_LOSS = -1, LAMI_NODE_UPDATE = -2 };

typedef struct lami_buffer {
    int outside; /* memory of somebody else: parameters, state, a caller's tensors; lami_plan_bind sets its address */
    int given, wanted; /* filled in before a run; read after it: such buffers live from the start, or to the end */
    lami_extent rows;
    size_t cols, element; /* bytes of an element */
    const char *label;    /* for describe */
    int node;             /* whose records were being written when it was made */
    void *address;
    int left_out;         /* an outside buffer bound to NULL */
    int still;            /* depends on outside buffers alone, in a plan where those stay: made once, lives all along */
    int needed;           /* outside and not left out, wanted, or read by a record that is not idle */
    int first, last;      /* phases of its life; last < first: unused */
    lami_buf place_of;    /* shares the place of this buffer; itself otherwise */
    size_t offset, bytes; /* in the arena */
} lami_buffer;

typedef struct lami_group {
    int first, count; /* in plan->order: indices of records */
    int whole_rows;   /* a ROW operation is among them: tiles of all columns */
    size_t chunk;     /* not 0: a STAT operation is among them: tiles of whole chunks of this many rows */
    int part;         /* 0 forward, 1 backward (and a fused update), 2 update: phases do not cross parts */
    int phase;
    size_t rows, cols, tile_rows, tile_cols, row_tiles, col_tiles; /* for plan->samples */
} lami_group;

typedef struct lami_phase {
    int first, count; /* groups */
    size_t tiles;
    int part;
} lami_phase;

enum { LAMI_PARTS = 3 };

struct lami_plan {
    lam_status status; /* first error while records were written */
    const lami_ops *ops;
    lam_dtype dtype;
    size_t max_samples, samples; /* samples: what the sizes are set for; 0: not set yet */
    int merge, threads;
    int divided;    /* a group has more than one tile, for plan->samples */
    int direct;     /* convolutions as sums of products only */
    int still;      /* what is outside stays as it is from run to run, until lami_plan_forget */
    int settled;    /* what depends on that alone has been made */
    int bf16;       /* products by lami_ops.run_bf16, where it has them */
    int fused;      /* no gradients are asked for: the update may run inside the backward pass */
    int node, part; /* to which lami_emit attributes records */
    uint64_t until; /* of the records that lami_emit writes */
    uint64_t steps; /* done, while some record has an `until` */
    int stops;      /* some has */
    lami_record *record;
    size_t records, record_capacity;
    int *record_part;
    size_t part_capacity;
    lami_record *deferred; /* lami_emit_on_update */
    size_t deferreds, deferred_capacity;
    lami_buffer *buffer;             /* numbered from 1 */
    size_t buffers, buffer_capacity; /* buffers counts the unused number 0 */
    lami_args *args;                 /* per record */
    uint8_t *idle;                   /* per record: nobody needs what it makes */
    int *order;                      /* records in order of execution */
    lami_group *group;
    size_t groups;
    lami_phase *phase;
    size_t phases, part_end[LAMI_PARTS]; /* phases of part k: up to part_end[k] */
    size_t still_end;                    /* phases that make what is still: the first of part 0, up to here */
    uint8_t *arena;
    size_t arena_bytes, sum_bytes; /* sum_bytes: of all buffers, had each its own place */
    uint8_t *work;
    size_t work_bytes; /* scratch of a thread */
    lami_vars vars;
};

lam_status lami_plan_new(lami_plan **plan, const lami_ops *ops, lam_dtype dtype, size_t max_samples, int threads,
                         int merge);
void lami_plan_free(lami_plan *plan);

/* ---- while records are written: a failure is remembered in plan->status and reported by lami_plan_finish ---- */

lami_buf lami_buffer_new(lami_plan *plan, lami_extent rows, size_t cols, const char *label);
lami_buf lami_buffer_outside(lami_plan *plan, lami_extent rows, size_t cols, const char *label);
lami_buf lami_buffer_labels(lami_plan *plan); /* int32, one per sample, given */
lami_buf lami_buffer_given(lami_plan *plan, lami_extent rows, size_t cols,
                           const char *label); /* filled in by the caller */

/* lami_emit(plan, relu, rows, cols, .in = { x }, .out = { y }): an operation of kern/ops.h with its operands. */
#define lami_emit(plan, name, rows_, cols_, ...) \
    lami_emit_record(plan, (lami_record) { .op = LAMI_OP_##name, .rows = (rows_), .cols = (cols_), __VA_ARGS__ })
void lami_emit_record(lami_plan *plan, lami_record record);

/* The same, but to run with the update: what a step commits only when its loss is finite. */
#define lami_emit_on_update(plan, name, rows_, cols_, ...) \
    lami_emit_deferred(plan, (lami_record) { .op = LAMI_OP_##name, .rows = (rows_), .cols = (cols_), __VA_ARGS__ })
void lami_emit_deferred(lami_plan *plan, lami_record record);

/* Write those records in the present part instead: where several backward passes make one update. */
void lami_plan_commit(lami_plan *plan);

/* Statistics of columns in two records: chunks (STAT), then their tree (TREE). */
void lami_emit_column_sum(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, lami_buf sum);
void lami_emit_column_sumsq(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, lami_buf sum);
void lami_emit_moments(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, double eps, lami_buf mean,
                       lami_buf var, lami_buf rstd);
/* dgamma = sum of dy * xhat, dbeta = sum of dy; mean and rstd per column, or per row where by_rows. */
void lami_emit_norm_sums(lami_plan *plan, int by_rows, lami_buf dy, lami_buf x, lami_extent rows, size_t cols,
                         lami_buf mean, lami_buf rstd, lami_buf dgamma, lami_buf dbeta);

/* From here on records belong to part 1 (backward) or 2 (update). */
void lami_plan_part(lami_plan *plan, int part);

/* ---- finishing ---- */

/* Merge, order in phases, place, allocate, set for max_samples. */
lam_status lami_plan_finish(lami_plan *plan);

lam_status lami_plan_merge(lami_plan *plan); /* merge.c: records to groups and phases */
lam_status lami_plan_place(lami_plan *plan); /* place.c: lifetimes, sharing, offsets */

/* Has a buffer the rows and columns of the record's tiles? */
int lami_aligned(const lami_buffer *b, const lami_record *r);

/* Does the record read buffer b otherwise than at the elements of its tile? */
int lami_reads_whole(const lami_plan *plan, const lami_record *r, lami_buf b);

/* Address of an outside buffer; may be set again between runs. Takes effect with the next lami_plan_set_samples. NULL
 * leaves out what records write there: it, and what only it needs, is not computed. */
void lami_plan_bind(lami_plan *plan, lami_buf buffer, void *address);
void *lami_plan_address(const lami_plan *plan, lami_buf buffer);

/* Read a given buffer from other memory until the number of samples changes; its own stays where it is. */
void lami_plan_lend(lami_plan *plan, lami_buf buffer, const void *address);

/* ---- running: exec.c; nothing is allocated, nothing can fail ---- */

/* Set the number of samples (1 .. max_samples) and the addresses for the following runs. */
void lami_plan_set_samples(lami_plan *plan, size_t samples);

/* Are the steps done that something is for? until 0: it is for all. */
static inline int lami_is_over(uint64_t until, uint64_t done)
{
    return until && until <= done;
}

/* So many steps are done: records whose `until` that is, and what only they need, do not run any more. */
void lami_plan_set_steps(lami_plan *plan, uint64_t steps);

/* Run parts first .. last. What is still is made by the first run alone. */
void lami_plan_run(lami_plan *plan, int first, int last);

/* What is outside has changed: the next run makes anew what depends on it alone. */
void lami_plan_forget(lami_plan *plan);

/* Run part 0 record by record, in one thread; visit sees each record with its results, and ends the walk by not
 * returning 0: then so does lami_plan_walk. */
typedef int lami_visit_fn(const lami_plan *plan, const lami_record *record, void *arg);
int lami_plan_walk(lami_plan *plan, lami_visit_fn *visit, void *arg);

/* The node whose output, in part 0, is the first that is not finite, or LAMI_NODE_LOSS. */
int lami_plan_find_bad(lami_plan *plan);

/* Run everything once, each group by itself; seconds[g] is added to for group g. */
void lami_plan_profile(lami_plan *plan, double *seconds);

/* Arithmetic (2 per multiply-add) and least memory traffic (bytes) of a group at the present number of samples. */
void lami_group_cost(const lami_plan *plan, size_t group, double *flops, double *bytes);

/* Arithmetic of all groups. Products and convolutions alone count, the latter as direct sums however they are
 * computed. */
double lami_plan_flops(const lami_plan *plan);

#endif
