/* merge: records to groups, groups to phases; by class of operation and data flow, never by layer. */
#include "plan.h"

#include "../core/mem.h"

/* The most bytes of a tile of whole rows, for which a row operation joins a product: it should stay in the second-level
 * cache. */
enum { WHOLE_ROWS_BYTES = 192 << 10 };

/* What has happened to a buffer so far: the last group that wrote it, that read it, and that read it otherwise than
 * tile by tile (-1: none). */
typedef struct {
    int writer, reader, whole_reader;
    lami_class by; /* class of the operation that wrote it */
    int computed;  /* some record writes it */
} history;

typedef struct {
    lami_plan *plan;
    history *h;    /* per buffer */
    int *group_of; /* per record */
} merger;

static lami_class class_of(const lami_record *r)
{
    return lami_op_table[r->op].class;
}

static int same_extent(lami_extent a, lami_extent b)
{
    return a.per_sample == b.per_sample && a.fixed == b.fixed && a.chunk == b.chunk && a.times == b.times;
}

int lami_aligned(const lami_buffer *b, const lami_record *r)
{
    return same_extent(b->rows, r->rows) && b->cols == r->cols;
}

int lami_reads_whole(const lami_plan *plan, const lami_record *r, lami_buf b)
{
    return class_of(r) == LAMI_PRODUCER || class_of(r) == LAMI_POOL || !lami_aligned(&plan->buffer[b], r);
}

static int is_still(const lami_plan *plan, const lami_record *r)
{
    return plan->buffer[r->out[0]].still;
}

/* What record j wants of group g is there once g's tile has run: elements of the same tile, or, where a row operation
 * made it, of the same rows. */
static int input_fits(const merger *m, lami_buf b, const lami_record *j)
{
    const lami_buffer *buffer = &m->plan->buffer[b];
    return lami_aligned(buffer, j) ||
           (m->h[b].by == LAMI_ROW && buffer->cols == 1 && same_extent(buffer->rows, j->rows));
}

static void raise_to(int *g, int other)
{
    if (other > *g)
        *g = other;
}

/* The group that record j may join, or -1: the one that wrote the last of j's inputs, if everything else that j must
 * come after is no later. */
static int group_for(const merger *m, size_t index)
{
    const lami_plan *plan = m->plan;
    const lami_record *j = &plan->record[index];
    const lami_class class = class_of(j);
    if (!plan->merge || class == LAMI_PRODUCER || class == LAMI_POOL || class == LAMI_TREE)
        return -1;
    int g = -1, after = -1;
    for (int i = 0; i < LAMI_INS; i++)
        if (j->in[i])
            raise_to(&g, m->h[j->in[i]].writer);
    for (int i = 0; i < LAMI_OUTS; i++)
        if (j->out[i]) {
            raise_to(&after, m->h[j->out[i]].writer);
            raise_to(&after, m->h[j->out[i]].reader);
        }
    if (g < 0 || after > g)
        return -1;
    const lami_group *group = &plan->group[g];
    const lami_record *lead = &plan->record[group->first];
    if (is_still(plan, lead) != is_still(plan, j) || group->part != plan->record_part[index] ||
        !same_extent(lead->rows, j->rows) || lead->cols != j->cols)
        return -1;
    if (class == LAMI_ROW && class_of(lead) == LAMI_PRODUCER &&
        LAMI_GEMM_ROWS * j->cols * ((size_t)plan->ops->bits / 8) > WHOLE_ROWS_BYTES)
        return -1;
    for (int i = 0; i < LAMI_INS; i++)
        if (j->in[i] && m->h[j->in[i]].writer == g && !input_fits(m, j->in[i], j))
            return -1;
    for (int i = 0; i < LAMI_OUTS; i++)
        if (j->out[i] && m->h[j->out[i]].reader == g &&
            (m->h[j->out[i]].whole_reader == g || !lami_aligned(&plan->buffer[j->out[i]], j)))
            return -1;
    return g;
}

static void join(merger *m, size_t index, int g)
{
    lami_plan *plan = m->plan;
    const lami_record *j = &plan->record[index];
    lami_group *group = &plan->group[g];
    m->group_of[index] = g;
    group->count++;
    if (class_of(j) == LAMI_ROW)
        group->whole_rows = 1;
    if (class_of(j) == LAMI_STAT)
        group->chunk = j->chunk;
    for (int i = 0; i < LAMI_INS; i++)
        if (j->in[i]) {
            raise_to(&m->h[j->in[i]].reader, g);
            if (lami_reads_whole(plan, j, j->in[i]))
                raise_to(&m->h[j->in[i]].whole_reader, g);
        }
    for (int i = 0; i < LAMI_OUTS; i++)
        if (j->out[i]) {
            m->h[j->out[i]].writer = g;
            m->h[j->out[i]].by = class_of(j);
        }
}

static void put_in_group(merger *m, size_t index)
{
    lami_plan *plan = m->plan;
    int g = group_for(m, index);
    if (g < 0) {
        g = (int)plan->groups++;
        plan->group[g] = (lami_group) { .first = (int)index, .part = plan->record_part[index] };
    }
    join(m, index, g);
}

/* Does the record compute a vector from nothing that the plan computes? (Batch norm's deviations in inference.) */
static int comes_first(const merger *m, size_t index)
{
    const lami_plan *plan = m->plan;
    const lami_record *r = &plan->record[index];
    int first = class_of(r) == LAMI_MAP && !plan->record_part[index] && !r->rows.per_sample;
    for (int i = 0; i < LAMI_INS; i++)
        first &= !r->in[i] || (plan->buffer[r->in[i]].outside && !m->h[r->in[i]].computed);
    for (int i = 0; i < LAMI_OUTS; i++)
        first &= !r->out[i] || !plan->buffer[r->out[i]].outside;
    return first;
}

/* Where what is outside stays: the buffers that depend on nothing else. */
static void find_still(const merger *m)
{
    const lami_plan *plan = m->plan;
    for (size_t n = 0; plan->still && n < plan->records; n++) {
        const lami_record *r = &plan->record[n];
        int still = !plan->record_part[n] && !r->rows.per_sample && !r->depth.per_sample;
        for (int i = 0; i < LAMI_INS; i++) {
            const lami_buffer *b = &plan->buffer[r->in[i]];
            still &= !r->in[i] || b->still || (b->outside && !m->h[r->in[i]].computed);
        }
        for (int i = 0; i < LAMI_OUTS; i++)
            still &= !r->out[i] || !plan->buffer[r->out[i]].outside;
        for (int i = 0; i < LAMI_OUTS; i++)
            if (r->out[i])
                plan->buffer[r->out[i]].still = still;
    }
}

/* Groups in the order in which their first records were written, but what is still or comes first stands in nobody's way;
 * `first` is that record until the order is known. */
static void make_groups(merger *m)
{
    const lami_plan *plan = m->plan;
    for (size_t i = 0; i < plan->records; i++)
        for (int k = 0; k < LAMI_OUTS; k++)
            m->h[plan->record[i].out[k]].computed = 1;
    find_still(m);
    for (size_t i = 0; i < plan->records; i++)
        if (is_still(plan, &plan->record[i]))
            put_in_group(m, i);
    for (size_t i = 0; i < plan->records; i++)
        if (!is_still(plan, &plan->record[i]) && comes_first(m, i))
            put_in_group(m, i);
    for (size_t i = 0; i < plan->records; i++)
        if (!is_still(plan, &plan->record[i]) && !comes_first(m, i))
            put_in_group(m, i);
}

/* A group's phase comes after those of the groups that it depends on, and the parts come one after another. */
static void make_phases(merger *m)
{
    lami_plan *plan = m->plan;
    int last = -1, floor = 0, part = 0, still = plan->still;
    for (size_t b = 0; b < plan->buffers; b++)
        m->h[b] = (history) { .writer = -1, .reader = -1, .whole_reader = -1 };
    for (size_t g = 0; g < plan->groups; g++) {
        lami_group *group = &plan->group[g];
        if (still && !is_still(plan, &plan->record[plan->order[group->first]])) {
            still = 0;
            floor = last + 1;
            plan->still_end = (size_t)floor;
        }
        if (group->part != part) {
            part = group->part;
            floor = last + 1;
        }
        int phase = floor - 1;
        for (int k = 0; k < group->count; k++) {
            const lami_record *r = &plan->record[plan->order[group->first + k]];
            for (int i = 0; i < LAMI_INS; i++)
                if (r->in[i])
                    raise_to(&phase, m->h[r->in[i]].writer);
            for (int i = 0; i < LAMI_OUTS; i++)
                if (r->out[i]) {
                    raise_to(&phase, m->h[r->out[i]].writer);
                    raise_to(&phase, m->h[r->out[i]].reader);
                }
        }
        group->phase = ++phase;
        raise_to(&last, phase);
        for (int k = 0; k < group->count; k++) {
            const lami_record *r = &plan->record[plan->order[group->first + k]];
            for (int i = 0; i < LAMI_INS; i++)
                if (r->in[i])
                    raise_to(&m->h[r->in[i]].reader, phase);
            for (int i = 0; i < LAMI_OUTS; i++)
                if (r->out[i])
                    raise_to(&m->h[r->out[i]].writer, phase);
        }
    }
    plan->phases = (size_t)(last + 1);
}

/* Records by group, kept in order within one. */
static void order_records(merger *m)
{
    lami_plan *plan = m->plan;
    int at = 0;
    for (size_t g = 0; g < plan->groups; g++) {
        const int count = plan->group[g].count;
        plan->group[g].first = at;
        plan->group[g].count = 0;
        at += count;
    }
    for (size_t i = 0; i < plan->records; i++) {
        lami_group *group = &plan->group[m->group_of[i]];
        plan->order[group->first + group->count++] = (int)i;
    }
}

/* Groups by phase. */
static lam_status order_groups(lami_plan *plan)
{
    plan->phase = lami_alloc(plan->phases, sizeof *plan->phase);
    lami_group *sorted = lami_alloc(plan->groups, sizeof *sorted);
    if (!plan->phase || !sorted) {
        lami_free(sorted);
        return LAM_ENOMEM;
    }
    for (size_t g = 0; g < plan->groups; g++)
        plan->phase[plan->group[g].phase].count++;
    for (size_t p = 0, at = 0; p < plan->phases; p++) {
        plan->phase[p].first = (int)at;
        at += (size_t)plan->phase[p].count;
        plan->phase[p].count = 0;
    }
    for (size_t g = 0; g < plan->groups; g++) {
        lami_phase *phase = &plan->phase[plan->group[g].phase];
        phase->part = plan->group[g].part;
        sorted[phase->first + phase->count++] = plan->group[g];
    }
    lami_free(plan->group);
    plan->group = sorted;
    for (size_t p = 0; p < plan->phases; p++)
        for (int part = plan->phase[p].part; part < LAMI_PARTS; part++)
            plan->part_end[part] = p + 1;
    return LAM_OK;
}

lam_status lami_plan_merge(lami_plan *plan)
{
    lam_status status = LAM_ENOMEM;
    merger m = { .plan = plan,
                 .h = lami_alloc(plan->buffers, sizeof *m.h),
                 .group_of = lami_alloc(plan->records, sizeof *m.group_of) };
    plan->group = lami_alloc(plan->records, sizeof *plan->group);
    plan->order = lami_alloc(plan->records, sizeof *plan->order);
    if (!m.h || !m.group_of || !plan->group || !plan->order)
        goto done;
    for (size_t b = 0; b < plan->buffers; b++)
        m.h[b] = (history) { .writer = -1, .reader = -1, .whole_reader = -1 };
    for (size_t i = 0; i < plan->records; i++)
        m.group_of[i] = -1;
    make_groups(&m);
    order_records(&m);
    make_phases(&m);
    status = order_groups(plan);
done:
    lami_free(m.h);
    lami_free(m.group_of);
    return status;
}
