/* exec: walks a plan. A task is a tile of a group: the group's operations run on it one after another. */
#include "plan.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "../core/parallel.h"
#include "../core/shape.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t tiles_of(size_t n, size_t tile)
{
    return (n + tile - 1) / tile;
}

static size_t round_up(size_t n, size_t unit)
{
    return tiles_of(n, unit) * unit;
}

/* ---- tiles: their shape decides the speed and never the result ---- */

enum {
    MOST_ROWS = 8 * LAMI_GEMM_ROWS, /* rows of a product's tile: packed columns are used for all of them */
    MOST_COLS = 128,
    TASKS_WANTED = 4, /* per thread, so that uneven tiles and other processes even out */
    MOST_CONV_ROWS = 40 * LAMI_GEMM_ROWS,
    MOST_CONV_FILTERS = 256,
    MOST_WINOGRAD_ROWS = 2048,
    SMALL_TASK = 1 << 12, /* elements: less is not worth handing out */
    LARGE_TASK = 1 << 14, /* so many are a long enough run through memory, or of a channel's plane where images turn */
    SMALL_PRODUCT = 1 << 15, /* multiply-adds: the same of a whole product */
    VECTOR_TASK = 1024,      /* columns of a tile of one row */
    PAST_CACHES = 1 << 25    /* bytes: of an array that caches hold nothing of by the time it is read */
};

static size_t tiles(const lami_group *g)
{
    return tiles_of(g->rows, g->tile_rows) * tiles_of(g->cols, g->tile_cols);
}

/* Is a product one task, whatever the number of samples? */
static int small_product(const lami_plan *plan, const lami_record *lead)
{
    const double rows = (double)lami_extent_of(lead->rows, plan->max_samples);
    return rows * (double)lead->cols * (double)lami_extent_of(lead->depth, plan->max_samples) <= SMALL_PRODUCT;
}

/* Tiles of a product: enough of them, and then those for which least is read and packed again: of the left side for each tile
 * of columns, of the right side for each tile of rows. */
static void shape_product(const lami_plan *plan, lami_group *g, const lami_record *lead)
{
    const int few = (lead->op == LAMI_OP_gemm_nn || lead->op == LAMI_OP_gemm_panels) && g->rows <= LAMI_GEMM_FEW;
    const size_t wanted = TASKS_WANTED * (size_t)plan->threads, panel = plan->ops->panel * (few ? 4 : 1);
    if (small_product(plan, lead)) {
        g->tile_rows = MOST_ROWS;
        g->tile_cols = g->whole_rows ? g->cols : least(g->cols, MOST_COLS);
        return;
    }
    lami_group best = *g;
    double least_cost = 0;
    for (g->tile_rows = LAMI_GEMM_ROWS; g->tile_rows <= MOST_ROWS; g->tile_rows *= 2)
        for (g->tile_cols = g->whole_rows ? g->cols : panel;; g->tile_cols *= 2) {
            const double count = (double)tiles(g), lacking = count < (double)wanted ? (double)wanted / count : 1;
            const double again = 4 / (double)least(g->tile_rows, g->rows) + 4 / (double)least(g->tile_cols, g->cols);
            const double cost = (1 + again) * lacking * lacking;
            if (!least_cost || cost < least_cost) {
                least_cost = cost;
                best = *g;
            }
            if (g->tile_cols >= least(g->cols, MOST_COLS))
                break;
        }
    *g = best;
}

static int is_filter(lami_op op)
{
    return op == LAMI_OP_conv_filter || op == LAMI_OP_winograd_filter;
}

/* Tiles of a convolution: rows that share a copy of the image, all filters unless they are many. Its filters' gradient:
 * all rows of a chunk, or parts of them where there are few chunks. */
static void shape_conv(const lami_plan *plan, lami_group *g, const lami_record *lead)
{
    const size_t wanted = TASKS_WANTED * (size_t)plan->threads;
    const size_t panel = round_up(plan->ops->panel, lead->op == LAMI_OP_winograd_filter ? LAMI_WINOGRAD_PANEL : 1);
    const int filter = is_filter(lead->op);
    g->tile_cols = g->whole_rows ? g->cols : least(g->cols, filter ? MOST_CONV_FILTERS : MOST_COLS);
    g->tile_rows = filter ? lead->rows.times : least(g->rows, MOST_CONV_ROWS);
    const size_t least_rows = filter ? 2 * LAMI_GEMM_ROWS : 4 * LAMI_GEMM_ROWS;
    while (tiles(g) < wanted && g->tile_rows >= 2 * least_rows && lead->op != LAMI_OP_winograd_filter)
        g->tile_rows = round_up(g->tile_rows / 2, LAMI_GEMM_ROWS);
    while (!g->whole_rows && tiles(g) < wanted && g->tile_cols > panel)
        g->tile_cols = round_up(g->tile_cols / 2, panel);
}

/* Rows of blocks of 4x4 pixels that tiles of so many rows of a Winograd convolution touch: where a tile ends within a block,
 * both sides compute it. */
static size_t block_rows(const lami_window *w, size_t rows, size_t tile_rows)
{
    const size_t image = w->out_h * w->out_w, strip = 4 * w->out_w, strips = (w->out_h + 3) / 4;
    size_t count = 0;
    for (size_t r = 0; r < rows; r += tile_rows) {
        const size_t last = least(r + tile_rows, rows) - 1;
        count += last / image * strips + last % image / strip + 1 - (r / image * strips + r % image / strip);
    }
    return count;
}

/* Time that a tile of a Winograd convolution takes, in that of a block's products at one place, of a channel with 16 filters:
 * of the products; of reading the weights, for each group of blocks about as long as eight blocks take; of the transforms. */
static double winograd_time(const lami_record *lead, double blocks, double cols)
{
    const double channels = (double)lead->window.c, groups = ceil(blocks / LAMI_WINOGRAD_BLOCKS);
    return 36 * channels * cols / 16 * (blocks + 8 * groups) + blocks * (12 * channels + 9 * cols);
}

/* Tiles of a Winograd convolution: those with which the threads are done first. Tiles of fewer rows make some blocks twice
 * and read the weights more often, tiles of fewer filters transform the input again; for larger ones the threads wait
 * longer at the end. */
static void shape_winograd(const lami_plan *plan, lami_group *g, const lami_record *lead)
{
    const size_t unit = g->chunk ? g->chunk : 4 * lead->window.out_w;
    const double wait = 0.1, across = (double)((lead->window.out_w + 3) / 4);
    lami_group best = *g;
    double least_time = 0;
    size_t rows = 0;
    do {
        rows += unit;
        const double blocks =
            (double)block_rows(&lead->window, g->rows, rows) * across / (double)tiles_of(g->rows, rows);
        g->tile_rows = rows;
        g->tile_cols = g->whole_rows ? g->cols : least(g->cols, MOST_CONV_FILTERS);
        for (;; g->tile_cols = round_up(g->tile_cols / 2, LAMI_WINOGRAD_PANEL)) {
            const double rounds = ceil((double)tiles(g) / plan->threads) + wait;
            const double time = winograd_time(lead, blocks, (double)g->tile_cols) * rounds;
            if (!least_time || time < least_time) {
                least_time = time;
                best = *g;
            }
            if (g->whole_rows || g->tile_cols <= LAMI_WINOGRAD_PANEL)
                break;
        }
    } while (rows < g->rows && rows + unit <= MOST_WINOGRAD_ROWS);
    *g = best;
}

/* Elements that go into one of the output: more than one where images become few numbers. */
static size_t work_of(const lami_plan *plan, const lami_record *r)
{
    const size_t made = lami_extent_of(r->rows, plan->samples) * r->cols;
    size_t most = made;
    for (int i = 0; i < LAMI_INS; i++) {
        const lami_buffer *b = &plan->buffer[r->in[i]];
        if (r->in[i] && lami_extent_of(b->rows, plan->samples) * b->cols > most)
            most = lami_extent_of(b->rows, plan->samples) * b->cols;
    }
    return most / made;
}

static void shape_others(const lami_plan *plan, lami_group *g, const lami_record *lead)
{
    const size_t each = lami_op_table[lead->op].class == LAMI_POOL ? work_of(plan, lead) : 1;
    const size_t share = g->rows * g->cols * each / (TASKS_WANTED * (size_t)plan->threads);
    const size_t task = share < SMALL_TASK ? SMALL_TASK : least(share, LARGE_TASK);
    if (g->rows == 1) {
        g->tile_rows = 1;
        g->tile_cols = g->whole_rows ? g->cols : least(g->cols, VECTOR_TASK);
        return;
    }
    g->tile_cols = g->whole_rows ? g->cols : least(g->cols, VECTOR_TASK);
    g->tile_rows = g->chunk ? g->chunk : each > 1 ? 1 : 8;
    if (!g->whole_rows && !g->chunk && g->cols > task) { /* in one stretch of memory */
        g->tile_rows = 1;
        g->tile_cols = task;
    }
    if (lead->op == LAMI_OP_winograd_weights) /* the places of a panel are made together */
        g->tile_rows = 36 * lead->window.c;
    while (g->tile_rows * g->tile_cols * each < task && g->tile_rows < g->rows)
        g->tile_rows *= 2;
}

static void shape_group(const lami_plan *plan, lami_group *g)
{
    const lami_record *lead = &plan->record[plan->order[g->first]];
    g->rows = lami_extent_of(lead->rows, plan->samples);
    g->cols = lead->cols;
    if (lead->op == LAMI_OP_winograd)
        shape_winograd(plan, g, lead);
    else if (lead->op == LAMI_OP_conv || is_filter(lead->op))
        shape_conv(plan, g, lead);
    else if (lami_op_table[lead->op].class == LAMI_PRODUCER)
        shape_product(plan, g, lead);
    else
        shape_others(plan, g, lead);
    if (g->chunk)
        g->tile_rows = round_up(g->tile_rows, g->chunk);
    const size_t most = LAMI_MAX_TASKS / (size_t)plan->phase[g->phase].count; /* so that a phase has not too many */
    while (tiles(g) > most)
        if (g->tile_rows < g->rows)
            g->tile_rows *= 2;
        else
            g->tile_cols *= 2;
    g->row_tiles = tiles_of(g->rows, g->tile_rows);
    g->col_tiles = tiles_of(g->cols, g->tile_cols);
}

/* Mark the records of which nobody wants the results: a gradient that the caller leaves out, or whose update is over. */
static void find_idle(lami_plan *plan)
{
    for (size_t b = 0; b < plan->buffers; b++)
        plan->buffer[b].needed =
            b && (plan->buffer[b].wanted || (plan->buffer[b].outside && !plan->buffer[b].left_out));
    for (size_t i = plan->records; i-- > 0;) {
        const lami_record *r = &plan->record[i];
        int idle = 1;
        for (int k = 0; k < LAMI_OUTS; k++)
            idle &= !plan->buffer[r->out[k]].needed;
        idle |= lami_is_over(r->until, plan->steps);
        plan->idle[i] = (uint8_t)idle;
        for (int k = 0; k < LAMI_INS && !idle; k++)
            plan->buffer[r->in[k]].needed = r->in[k] != LAMI_NONE;
    }
}

static int group_idle(const lami_plan *plan, const lami_group *g)
{
    for (int k = 0; k < g->count; k++)
        if (!plan->idle[plan->order[g->first + k]])
            return 0;
    return 1;
}

/* Does a later record of the group read what its record number k makes? */
static int read_in_group(const lami_plan *plan, const lami_group *g, int k)
{
    const lami_buf made = plan->record[plan->order[g->first + k]].out[0];
    for (int later = k + 1; later < g->count; later++)
        for (int i = 0; i < LAMI_INS; i++)
            if (plan->record[plan->order[g->first + later]].in[i] == made)
                return 1;
    return 0;
}

/* Mark what is written past the caches. */
static void find_past(lami_plan *plan)
{
    for (size_t i = 0; i < plan->groups; i++) {
        const lami_group *g = &plan->group[i];
        for (int k = 0; k < g->count; k++) {
            lami_args *a = &plan->args[plan->order[g->first + k]];
            a->past = a->rows * a->cols * lami_dtype_size(plan->dtype) >= PAST_CACHES && !read_in_group(plan, g, k);
        }
    }
}

void lami_plan_set_samples(lami_plan *plan, size_t samples)
{
    if (plan->samples == samples)
        return;
    plan->samples = samples;
    plan->vars.batch = (double)samples;
    for (size_t i = 0; i < plan->records; i++) {
        const lami_record *r = &plan->record[i];
        lami_args *a = &plan->args[i];
        *a = (lami_args) { .rows = lami_extent_of(r->rows, samples),
                           .cols = r->cols,
                           .depth = lami_extent_of(r->depth, samples),
                           .chunk = r->chunk,
                           .place = r->place,
                           .threshold = r->threshold,
                           .bf16 = r->bf16,
                           .window = &r->window,
                           .vars = &plan->vars };
        for (int k = 0; k < LAMI_INS; k++)
            a->in[k] = plan->buffer[r->in[k]].address;
        for (int k = 0; k < LAMI_OUTS; k++)
            a->out[k] = plan->buffer[r->out[k]].address;
        memcpy(a->c, r->c, sizeof a->c);
    }
    find_idle(plan);
    find_past(plan);
    plan->divided = 0;
    for (size_t g = 0; g < plan->groups; g++) {
        shape_group(plan, &plan->group[g]);
        if (group_idle(plan, &plan->group[g]))
            plan->group[g].row_tiles = 0;
        plan->divided |= plan->group[g].row_tiles * plan->group[g].col_tiles > 1;
    }
    for (size_t p = 0; p < plan->phases; p++) {
        lami_phase *phase = &plan->phase[p];
        phase->tiles = 0;
        for (int k = 0; k < phase->count; k++)
            phase->tiles += plan->group[phase->first + k].row_tiles * plan->group[phase->first + k].col_tiles;
    }
}

void lami_plan_set_steps(lami_plan *plan, uint64_t steps)
{
    const size_t samples = plan->samples;
    const uint64_t before = plan->steps;
    if (!plan->stops)
        return;
    plan->steps = steps;
    for (size_t i = 0; i < plan->records && plan->samples; i++)
        if (lami_is_over(plan->record[i].until, before) != lami_is_over(plan->record[i].until, steps))
            plan->samples = 0; /* so that it is set anew */
    lami_plan_set_samples(plan, samples);
}

/* ---- running ---- */

static lami_tile tile_of(const lami_group *g, size_t task)
{
    const size_t r = task / g->col_tiles * g->tile_rows, c = task % g->col_tiles * g->tile_cols;
    return (lami_tile) { r, least(r + g->tile_rows, g->rows), c, least(c + g->tile_cols, g->cols) };
}

static void run_record(const lami_plan *plan, size_t r, lami_tile t, void *work)
{
    const lami_args *a = &plan->args[r];
    (a->bf16 ? plan->ops->run_bf16 : plan->ops->run)[plan->record[r].op](a, t, work);
}

static void run_tile(const lami_plan *plan, const lami_group *g, size_t task, size_t thread)
{
    const lami_tile t = tile_of(g, task);
    uint8_t *work = plan->work + thread * plan->work_bytes;
    for (int k = 0; k < g->count; k++) {
        const int r = plan->order[g->first + k];
        if (!plan->idle[r])
            run_record(plan, (size_t)r, t, work);
    }
}

static size_t phase_tasks(void *arg, size_t p)
{
    return ((const lami_plan *)arg)->phase[p].tiles;
}

static void phase_task(void *arg, size_t p, size_t task, size_t thread)
{
    const lami_plan *plan = arg;
    const lami_group *g = &plan->group[plan->phase[p].first];
    for (; task >= g->row_tiles * g->col_tiles; g++)
        task -= g->row_tiles * g->col_tiles;
    run_tile(plan, g, task, thread);
}

void lami_plan_run(lami_plan *plan, int first, int last)
{
    const size_t begin = first ? plan->part_end[first - 1] : plan->settled ? plan->still_end : 0;
    const int threads = plan->divided ? plan->threads : 1; /* else workers, asleep or late, could only be waited for */
    lami_parallel_run(threads, begin, plan->part_end[last], phase_tasks, phase_task, plan);
    plan->settled |= plan->still && !first;
}

void lami_plan_forget(lami_plan *plan)
{
    plan->settled = 0;
}

/* ---- looking closely ---- */

static int finite_block(const void *p, size_t count, lam_dtype dtype)
{
    for (size_t i = 0; i < count; i++) {
        const double x = lami_real_at(p, dtype, i);
        if (!(x - x == 0))
            return 0;
    }
    return 1;
}

int lami_plan_walk(lami_plan *plan, lami_visit_fn *visit, void *arg)
{
    for (size_t g = 0; g < plan->groups; g++) {
        const lami_group *group = &plan->group[g];
        if (group->part)
            break;
        for (int k = 0; k < group->count; k++) {
            const int i = plan->order[group->first + k];
            const lami_record *r = &plan->record[i];
            for (size_t task = 0; task < group->row_tiles * group->col_tiles; task++)
                run_record(plan, i, tile_of(group, task), plan->work);
            if (visit(plan, r, arg))
                return 1;
        }
    }
    return 0;
}

static int is_bad(const lami_plan *plan, const lami_record *r, void *node)
{
    for (int o = 0; o < LAMI_OUTS; o++) {
        const lami_buffer *b = &plan->buffer[r->out[o]];
        if (r->out[o] && !finite_block(b->address, lami_extent_of(b->rows, plan->samples) * b->cols, plan->dtype)) {
            *(int *)node = r->node;
            return 1;
        }
    }
    return 0;
}

int lami_plan_find_bad(lami_plan *plan)
{
    int node = LAMI_NODE_LOSS;
    lami_plan_walk(plan, is_bad, &node);
    return node;
}

typedef struct {
    const lami_plan *plan;
    size_t group;
} one_group;

static size_t group_tasks(void *arg, size_t p)
{
    (void)p;
    const one_group *o = arg;
    return o->plan->group[o->group].row_tiles * o->plan->group[o->group].col_tiles;
}

static void group_task(void *arg, size_t p, size_t task, size_t thread)
{
    (void)p;
    const one_group *o = arg;
    run_tile(o->plan, &o->plan->group[o->group], task, thread);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void lami_plan_profile(lami_plan *plan, double *seconds)
{
    for (size_t g = 0; g < plan->groups; g++) {
        one_group o = { plan, g };
        const double start = now();
        lami_parallel_run(plan->threads, 0, 1, group_tasks, group_task, &o);
        seconds[g] += now() - start;
    }
}

void lami_group_cost(const lami_plan *plan, size_t group, double *flops, double *bytes)
{
    const lami_group *g = &plan->group[group];
    *flops = *bytes = 0;
    for (int k = 0; k < g->count; k++) {
        const int i = plan->order[g->first + k];
        const lami_record *r = &plan->record[i];
        const lami_args *a = &plan->args[i];
        if (is_filter(r->op)) /* rows are those of all chunks */
            *flops += 2.0 * (double)r->rows.times * (double)a->cols * (double)a->depth;
        else if (r->op == LAMI_OP_conv) /* of the window, only what meets no zeros between pixels */
            *flops += 2.0 * (double)a->rows * (double)a->cols * (double)a->depth /
                      (double)(a->window->up_h * a->window->up_w);
        else if (lami_op_table[r->op].class == LAMI_PRODUCER)
            *flops += 2.0 * (double)a->rows * (double)a->cols * (double)a->depth;
        /* what the group reads from outside and leaves behind; what stays inside a tile costs nothing */
        for (int n = 0; n < LAMI_INS + LAMI_OUTS; n++) {
            const lami_buf b = n < LAMI_INS ? r->in[n] : r->out[n - LAMI_INS];
            int seen = !b;
            for (int before = 0; before < k && !seen; before++) {
                const lami_record *q = &plan->record[plan->order[g->first + before]];
                for (int m = 0; m < LAMI_INS + LAMI_OUTS; m++) {
                    const lami_buf other = m < LAMI_INS ? q->in[m] : q->out[m - LAMI_INS];
                    seen |= other && plan->buffer[other].place_of == plan->buffer[b].place_of;
                }
            }
            if (!seen)
                *bytes += (double)(lami_extent_of(plan->buffer[b].rows, plan->samples) * plan->buffer[b].cols *
                                   plan->buffer[b].element);
        }
    }
}

double lami_plan_flops(const lami_plan *plan)
{
    double sum = 0, flops, bytes;
    for (size_t g = 0; g < plan->groups; g++) {
        lami_group_cost(plan, g, &flops, &bytes);
        sum += flops;
    }
    return sum;
}
