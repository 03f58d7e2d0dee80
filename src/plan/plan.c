/* plan: writing records and buffers down. merge.c, place.c and exec.c do the rest. */
#include "plan.h"

#include "../core/mem.h"
#include "../core/parallel.h"

/* Rows of a chunk of column statistics (docs/numerics.md): a constant by the rows of one sample, few where a sample is
 * a row so that small batches still spread over threads, more for the pixels of images so that the partial results stay
 * small. */
static size_t chunk_rows(lami_extent rows)
{
    return rows.per_sample == 1 ? LAMI_GEMM_ROWS : 4 * LAMI_GEMM_ROWS;
}

size_t lami_extent_of(lami_extent e, size_t samples)
{
    const size_t rows = e.per_sample * samples + e.fixed;
    return e.chunk ? (rows + e.chunk - 1) / e.chunk * (e.times ? e.times : 1) : rows;
}

lam_status lami_plan_new(lami_plan **out, const lami_ops *ops, lam_dtype dtype, size_t max_samples, int threads,
                         int merge)
{
    *out = NULL;
    lami_plan *plan = lami_alloc(1, sizeof *plan);
    if (!plan)
        return LAM_ENOMEM;
    plan->ops = ops;
    plan->dtype = dtype;
    plan->max_samples = max_samples;
    plan->threads = threads;
    plan->merge = merge;
    plan->buffers = 1; /* number 0 is LAMI_NONE */
    *out = plan;
    return LAM_OK;
}

void lami_plan_free(lami_plan *plan)
{
    if (!plan)
        return;
    lami_pages_free(plan->arena, plan->arena_bytes);
    lami_free(plan->work);
    lami_free(plan->record);
    lami_free(plan->record_part);
    lami_free(plan->deferred);
    lami_free(plan->buffer);
    lami_free(plan->args);
    lami_free(plan->idle);
    lami_free(plan->order);
    lami_free(plan->group);
    lami_free(plan->phase);
    lami_free(plan);
}

static lami_buf add_buffer(lami_plan *plan, lami_buffer b)
{
    if (plan->status)
        return LAMI_NONE;
    plan->status = lami_grow((void **)&plan->buffer, &plan->buffer_capacity, plan->buffers + 1, sizeof *plan->buffer);
    if (plan->status)
        return LAMI_NONE;
    const lami_buf number = (lami_buf)plan->buffers++;
    b.place_of = number;
    b.node = plan->node;
    plan->buffer[number] = b;
    return number;
}

lami_buf lami_buffer_new(lami_plan *plan, lami_extent rows, size_t cols, const char *label)
{
    return add_buffer(plan, (lami_buffer) {
                                .rows = rows, .cols = cols, .element = (size_t)plan->ops->bits / 8, .label = label });
}

lami_buf lami_buffer_outside(lami_plan *plan, lami_extent rows, size_t cols, const char *label)
{
    return add_buffer(
        plan, (lami_buffer) {
                  .outside = 1, .rows = rows, .cols = cols, .element = (size_t)plan->ops->bits / 8, .label = label });
}

lami_buf lami_buffer_given(lami_plan *plan, lami_extent rows, size_t cols, const char *label)
{
    const lami_buf b = lami_buffer_new(plan, rows, cols, label);
    if (!plan->status)
        plan->buffer[b].given = 1;
    return b;
}

lami_buf lami_buffer_labels(lami_plan *plan)
{
    return add_buffer(plan, (lami_buffer) { .given = 1,
                                            .wanted = 1,
                                            .rows = lami_per_sample(1),
                                            .cols = 1,
                                            .element = sizeof(int32_t),
                                            .label = "labels" });
}

void lami_emit_record(lami_plan *plan, lami_record record)
{
    if (plan->status ||
        (plan->status =
             lami_grow((void **)&plan->record, &plan->record_capacity, plan->records + 1, sizeof *plan->record)) ||
        (plan->status = lami_grow((void **)&plan->record_part, &plan->part_capacity, plan->records + 1, sizeof(int))))
        return;
    record.node = plan->node;
    record.until = plan->until;
    plan->stops |= plan->until > 0;
    record.bf16 = plan->bf16 && plan->ops->run_bf16[record.op];
    plan->record[plan->records] = record;
    plan->record_part[plan->records++] = plan->part;
}

void lami_emit_deferred(lami_plan *plan, lami_record record)
{
    if (plan->status || (plan->status = lami_grow((void **)&plan->deferred, &plan->deferred_capacity,
                                                  plan->deferreds + 1, sizeof *plan->deferred)))
        return;
    record.node = plan->node;
    plan->deferred[plan->deferreds++] = record;
}

void lami_plan_part(lami_plan *plan, int part)
{
    plan->part = part == LAMI_PARTS - 1 && plan->fused ? part - 1 : part;
    if (part == LAMI_PARTS - 1)
        lami_plan_commit(plan);
}

void lami_plan_commit(lami_plan *plan)
{
    const int node = plan->node;
    for (size_t i = 0; i < plan->deferreds; i++) {
        plan->node = plan->deferred[i].node;
        lami_emit_record(plan, plan->deferred[i]);
    }
    plan->node = node;
    plan->deferreds = 0;
}

/* A buffer with a row for each chunk. */
static lami_buf chunks_of(lami_plan *plan, lami_extent rows, size_t cols, const char *label)
{
    rows.chunk = chunk_rows(rows);
    return lami_buffer_new(plan, rows, cols, label);
}

void lami_emit_column_sum(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, lami_buf sum)
{
    const lami_buf part = chunks_of(plan, rows, cols, "sums");
    lami_emit(plan, stat_sum, rows, cols, .in = { x }, .out = { part }, .chunk = chunk_rows(rows));
    lami_emit(plan, tree_sum, lami_fixed(1), cols, .in = { part }, .out = { sum }, .depth = rows,
              .chunk = chunk_rows(rows));
}

void lami_emit_column_sumsq(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, lami_buf sum)
{
    const lami_buf part = chunks_of(plan, rows, cols, "sums");
    lami_emit(plan, stat_sumsq, rows, cols, .in = { x }, .out = { part }, .chunk = chunk_rows(rows));
    lami_emit(plan, tree_sum, lami_fixed(1), cols, .in = { part }, .out = { sum }, .depth = rows,
              .chunk = chunk_rows(rows));
}

void lami_emit_moments(lami_plan *plan, lami_buf x, lami_extent rows, size_t cols, double eps, lami_buf mean,
                       lami_buf var, lami_buf rstd)
{
    const lami_buf shift = chunks_of(plan, rows, cols, "shifts"), means = chunks_of(plan, rows, cols, "means");
    const lami_buf m2 = chunks_of(plan, rows, cols, "squares");
    lami_emit(plan, stat_moments, rows, cols, .in = { x }, .out = { shift, means, m2 }, .chunk = chunk_rows(rows));
    lami_emit(plan, tree_moments, lami_fixed(1), cols, .in = { shift, means, m2 }, .out = { mean, var, rstd },
              .c = { eps }, .depth = rows, .chunk = chunk_rows(rows));
}

void lami_emit_norm_sums(lami_plan *plan, int by_rows, lami_buf dy, lami_buf x, lami_extent rows, size_t cols,
                         lami_buf mean, lami_buf rstd, lami_buf dgamma, lami_buf dbeta)
{
    const lami_buf a = chunks_of(plan, rows, cols, "sums"), b = chunks_of(plan, rows, cols, "sums");
    lami_emit_record(plan, (lami_record) { .op = by_rows ? LAMI_OP_stat_norm_rows : LAMI_OP_stat_norm_cols,
                                           .rows = rows,
                                           .cols = cols,
                                           .in = { dy, x, mean, rstd },
                                           .out = { a, b },
                                           .chunk = chunk_rows(rows) });
    lami_emit(plan, tree_sum, lami_fixed(1), cols, .in = { a, b }, .out = { dgamma, dbeta }, .depth = rows,
              .chunk = chunk_rows(rows));
}

void lami_plan_bind(lami_plan *plan, lami_buf buffer, void *address)
{
    plan->buffer[buffer].address = address;
    plan->buffer[buffer].left_out = !address;
    plan->samples = 0;
    plan->settled = 0;
}

void *lami_plan_address(const lami_plan *plan, lami_buf buffer)
{
    return plan->buffer[buffer].address;
}

void lami_plan_lend(lami_plan *plan, lami_buf buffer, const void *address)
{
    for (size_t i = 0; i < plan->records; i++)
        for (int k = 0; k < LAMI_INS; k++)
            if (plan->record[i].in[k] == buffer)
                plan->args[i].in[k] = address;
}

lam_status lami_plan_finish(lami_plan *plan)
{
    LAM_TRY(plan->status);
    LAM_TRY(lami_plan_merge(plan));
    LAM_TRY(lami_plan_place(plan));
    plan->args = lami_alloc(plan->records, sizeof *plan->args);
    plan->idle = lami_alloc(plan->records, sizeof *plan->idle);
    if (!plan->args || !plan->idle)
        return LAM_ENOMEM;
    lami_plan_set_samples(plan, plan->max_samples);
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count; k++) {
            const int r = plan->order[plan->group[g].first + k];
            const size_t bytes =
                plan->ops->work(plan->record[r].op, &plan->args[r], plan->group[g].tile_rows, plan->group[g].tile_cols);
            if (bytes > plan->work_bytes)
                plan->work_bytes = bytes;
        }
    plan->work_bytes = (plan->work_bytes + LAMI_ALIGN - 1) / LAMI_ALIGN * LAMI_ALIGN;
    /* Not on huge pages: those were no faster, and slower at times. */
    plan->work = lami_alloc((size_t)plan->threads, plan->work_bytes);
    if (!plan->work)
        return LAM_ENOMEM;
    lami_parallel_prepare(plan->threads);
    return LAM_OK;
}
