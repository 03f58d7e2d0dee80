/* place: lifetimes of buffers in phases, results that take the place of an input, offsets in the arena. */
#include "plan.h"

#include <stdlib.h>

#include "../core/mem.h"

/* How a buffer is used, in the order of execution. */
typedef struct {
    int first_use, last_use; /* positions of records in that order, -1: none */
    int last_group;          /* the group of the last use */
    int shared_phase;        /* in the phase of its last use more than one group uses it */
    int whole_phase;         /* last phase in which it is read otherwise than tile by tile, -1: none */
} usage;

static void use(lami_plan *plan, usage *u, lami_buf b, int position, int g)
{
    if (!b)
        return;
    lami_buffer *buffer = &plan->buffer[b];
    const int phase = plan->group[g].phase;
    if (u[b].first_use < 0) {
        u[b].first_use = position;
        buffer->first = buffer->given ? -1 : phase;
        u[b].shared_phase = 0;
    } else if (u[b].last_group != g) {
        u[b].shared_phase = plan->group[u[b].last_group].phase == phase;
    }
    u[b].last_use = position;
    u[b].last_group = g;
    buffer->last = phase;
}

static void find_uses(lami_plan *plan, usage *u)
{
    for (size_t b = 0; b < plan->buffers; b++) {
        u[b] = (usage) { .first_use = -1, .last_use = -1, .whole_phase = -1 };
        plan->buffer[b].first = 0;
        plan->buffer[b].last = -1;
    }
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count; k++) {
            const int position = plan->group[g].first + k;
            const lami_record *r = &plan->record[plan->order[position]];
            for (int i = 0; i < LAMI_INS; i++)
                if (r->in[i]) {
                    use(plan, u, r->in[i], position, (int)g);
                    if (lami_reads_whole(plan, r, r->in[i]))
                        u[r->in[i]].whole_phase = plan->group[g].phase;
                }
            for (int i = 0; i < LAMI_OUTS; i++)
                use(plan, u, r->out[i], position, (int)g);
        }
    for (size_t b = 1; b < plan->buffers; b++) {
        lami_buffer *buffer = &plan->buffer[b];
        if (buffer->given)
            buffer->first = -1;
        if (buffer->wanted)
            buffer->last = (int)plan->phases;
        if (buffer->still) {
            buffer->first = -1;
            buffer->last = (int)plan->phases;
        }
    }
}

/* An elementwise result takes the place of an input that is used for the last time there, and by nothing but tiles. One in
 * another order than the record's tiles (from_pixels) does not. */
static void share_places(lami_plan *plan, const usage *u)
{
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count; k++) {
            const int position = plan->group[g].first + k;
            const lami_record *r = &plan->record[plan->order[position]];
            lami_buffer *y = &plan->buffer[r->out[0]];
            if ((lami_op_table[r->op].class != LAMI_MAP && r->op != LAMI_OP_row_norm_grad) || y->outside || y->given ||
                !lami_aligned(y, r) || u[r->out[0]].first_use != position)
                continue;
            for (int i = 0; i < LAMI_INS; i++) {
                const lami_buf b = r->in[i];
                const lami_buffer *x = &plan->buffer[b];
                if (!b || b == r->out[0] || x->outside || x->wanted || x->still || u[b].last_use != position ||
                    u[b].shared_phase || u[b].whole_phase == plan->group[g].phase || x->cols != y->cols ||
                    x->element != y->element ||
                    lami_extent_of(x->rows, plan->max_samples) != lami_extent_of(y->rows, plan->max_samples) ||
                    lami_extent_of(x->rows, 1) != lami_extent_of(y->rows, 1))
                    continue;
                y->place_of = x->place_of;
                if (plan->buffer[y->place_of].last < y->last)
                    plan->buffer[y->place_of].last = y->last;
                break;
            }
        }
}

typedef struct {
    size_t bytes;
    lami_buf b;
} sized;

static int larger_first(const void *a, const void *b)
{
    const sized *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

/* The lowest offset where a buffer fits beside those placed already (sorted by offset) that live at the same time. */
static size_t gap_for(const lami_plan *plan, const lami_buf *placed, size_t count, const lami_buffer *buffer)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const lami_buffer *other = &plan->buffer[placed[i]];
        if (other->first > buffer->last || other->last < buffer->first)
            continue;
        if (other->offset >= at + buffer->bytes)
            break;
        if (other->offset + other->bytes > at)
            at = other->offset + other->bytes;
    }
    return at;
}

static lam_status size_buffers(lami_plan *plan, sized *list, size_t *count)
{
    *count = 0;
    for (size_t b = 1; b < plan->buffers; b++) {
        lami_buffer *buffer = &plan->buffer[b];
        if (buffer->outside || buffer->last < buffer->first || (buffer->first < 0 && buffer->last < 0))
            continue;
        size_t elements;
        LAM_TRY(lami_mul(&elements, buffer->rows.per_sample, plan->max_samples)); /* lami_extent_of wraps */
        LAM_TRY(lami_mul(&elements, lami_extent_of(buffer->rows, plan->max_samples), buffer->cols));
        LAM_TRY(lami_mul(&buffer->bytes, elements, buffer->element));
        LAM_TRY(lami_mul(&buffer->bytes, buffer->bytes / LAMI_ALIGN + 1, LAMI_ALIGN));
        if (plan->sum_bytes + buffer->bytes < plan->sum_bytes)
            return lami_fail(LAM_ENOMEM, "the network's buffers are larger than memory can be");
        plan->sum_bytes += buffer->bytes;
        if (buffer->place_of == (lami_buf)b)
            list[(*count)++] = (sized) { buffer->bytes, (lami_buf)b };
    }
    return LAM_OK;
}

/* Largest first, each at the lowest offset that is free during its life. */
static void place_all(lami_plan *plan, sized *list, size_t count, lami_buf *placed)
{
    qsort(list, count, sizeof *list, larger_first);
    for (size_t i = 0; i < count; i++) {
        lami_buffer *buffer = &plan->buffer[list[i].b];
        buffer->offset = gap_for(plan, placed, i, buffer);
        if (buffer->offset + buffer->bytes > plan->arena_bytes)
            plan->arena_bytes = buffer->offset + buffer->bytes;
        size_t at = i;
        for (; at && plan->buffer[placed[at - 1]].offset > buffer->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = list[i].b;
    }
}

lam_status lami_plan_place(lami_plan *plan)
{
    lam_status status = LAM_ENOMEM;
    usage *u = lami_alloc(plan->buffers, sizeof *u);
    sized *list = lami_alloc(plan->buffers, sizeof *list);
    lami_buf *placed = lami_alloc(plan->buffers, sizeof *placed);
    if (!u || !list || !placed)
        goto done;
    find_uses(plan, u);
    share_places(plan, u);
    size_t count;
    LAM_TRY_DONE(size_buffers(plan, list, &count));
    place_all(plan, list, count, placed);
    LAM_TRY_DONE(lami_pages_new((void **)&plan->arena, plan->arena_bytes));
    for (size_t b = 1; b < plan->buffers; b++) {
        lami_buffer *buffer = &plan->buffer[b];
        if (!buffer->outside && buffer->bytes)
            buffer->address = plan->arena + plan->buffer[buffer->place_of].offset;
    }
done:
    lami_free(u);
    lami_free(list);
    lami_free(placed);
    return status;
}
