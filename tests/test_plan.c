/* plan: merging and placing change no bits, whatever the network; what the arena and the groups are like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../src/core/digest.h"
#include "../src/core/parallel.h"
#include "../src/net/session.h"
#include "tensors.h"
#include "toy.h"

enum { INPUT = 7, TEXT = 8192, STEPS = 3 };

/* ---- random networks ---- */

typedef struct {
    char text[TEXT];
    size_t length;
    lami_rng rng;
    uint64_t drawn;
} writer;

static size_t pick(writer *w, size_t n)
{
    return lami_rng_below(&w->rng, w->drawn++, n);
}

__attribute__((format(printf, 2, 3))) static void say(writer *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    w->length += (size_t)vsnprintf(w->text + w->length, TEXT - w->length, format, list);
    va_end(list);
    assert_true(w->length < TEXT);
}

static size_t say_chain(writer *w, size_t width, int depth);

static size_t say_affine(writer *w)
{
    const size_t width = 1 + pick(w, 40);
    say(w, "affine %zu", width);
    return width;
}

/* A block that ends as wide as it began, or one with a shortcut. */
static size_t say_residual(writer *w, size_t width, int depth)
{
    say(w, "residual {");
    const size_t body = say_chain(w, width, depth - 1);
    size_t out = width;
    if (pick(w, 2)) {
        if (body != width)
            say(w, " - affine %zu", width);
    } else {
        out = 1 + pick(w, 40);
        say(w, " - affine %zu | ", out);
        if (pick(w, 2)) {
            say_chain(w, width, depth - 1);
            say(w, " - ");
        }
        say(w, "affine %zu", out);
    }
    say(w, "}");
    return out;
}

static size_t say_group(writer *w, int depth)
{
    say(w, "{");
    size_t width = say_affine(w);
    say(w, " - ");
    width = say_chain(w, width, depth - 1);
    say(w, "} x %zu", 1 + pick(w, 3));
    return width;
}

static size_t say_item(writer *w, size_t width, int depth)
{
    static const char *const words[] = { "relu",        "batchnorm", "layernorm", "dropout 0",
                                         "dropout 0.3", "relu",      "batchnorm" };
    const size_t kind = pick(w, depth ? 14 : 10);
    if (kind < 3)
        return say_affine(w);
    if (kind < 10) {
        say(w, "%s", words[kind - 3]);
        return width;
    }
    return kind < 13 ? say_residual(w, width, depth) : say_group(w, depth);
}

static size_t say_chain(writer *w, size_t width, int depth)
{
    const size_t items = 1 + pick(w, 4);
    for (size_t i = 0; i < items; i++) {
        if (i)
            say(w, " - ");
        width = say_item(w, width, depth);
    }
    return width;
}

static void say_network(writer *w, uint32_t number)
{
    *w = (writer) { .rng = lami_rng_make(5, LAMI_RNG_TEST, 3, number) };
    say_chain(w, INPUT, 2);
    if (pick(w, 4))
        say(w, " - affine %zu", 2 + pick(w, 9));
    say(w, pick(w, 2) ? " - softmax" : " - svm");
}

/* Networks with which planning could go wrong. */
static const char *const odd_networks[] = {
    "relu - softmax",
    "batchnorm - svm",
    "dropout 0 - softmax",
    "dropout 0.5 - softmax",
    "residual {relu} - softmax",
    "relu - affine 4 - softmax",
    "affine 4 - relu - softmax",
    "affine 1 - softmax",
    "residual {dropout 0} - affine 3 - softmax",
    "affine 5 - residual {dropout 0} - residual {dropout 0 | dropout 0} - softmax",
    "residual {dropout 0.5} - affine 4 - svm",
    "affine 7 - residual {dropout 0 | affine 7} - affine 4 - softmax",
    "relu - residual {dropout 0.5 | affine 7 - relu} - affine 4 - softmax",
    "affine 6 - residual {relu | relu} - affine 4 - softmax",
    "residual {residual {residual {affine 7} - relu} - residual {dropout 0.5}} - affine 4 - softmax",
    "residual {affine 7 - residual {affine 7 | affine 7} | dropout 0.3} - affine 4 - softmax",
    "residual {affine 9 - batchnorm - relu - affine 5 - batchnorm | affine 5 - batchnorm} - relu - affine 4 - softmax",
    "{dropout 0 - dropout 0} x 3 - affine 4 - dropout 0 - softmax",
    "layernorm - layernorm - batchnorm - batchnorm - affine 4 - softmax",
    "relu - relu - dropout 0.3 - dropout 0.3 - affine 4 - svm",
};
#ifdef NDEBUG
enum { RANDOM = 200 };
#else
enum { RANDOM = 60 };
#endif
enum { ODD = sizeof odd_networks / sizeof *odd_networks };

/* ---- training with everything written down ---- */

typedef struct {
    double loss[STEPS];
    char sha[65], gradients[65];
} outcome;

/* Every buffer in a place of its own from beginning to end: what the plan computes when nothing is shared. */
static void keep_all(lami_plan *plan)
{
    lami_pages_free(plan->arena, plan->arena_bytes);
    plan->arena = NULL;
    plan->arena_bytes = plan->sum_bytes = plan->samples = 0;
    for (size_t b = 1; b < plan->buffers; b++) {
        plan->buffer[b].place_of = (lami_buf)b;
        plan->buffer[b].offset = plan->buffer[b].bytes = 0;
        plan->buffer[b].wanted = 1;
    }
    assert_ok(lami_plan_place(plan));
    assert_int_equal(plan->arena_bytes, plan->sum_bytes);
}

static void digest_gradients(lami_digest *digest, const lam_session *session, const lam_net *net)
{
    for (size_t i = 0; i < net->params; i++) {
        if (!net->param[i].spec->trained)
            continue;
        double block[41 * 41];
        assert_true(net->param[i].count <= 41 * 41);
        lam_tensor t = { net->dtype, net->param[i].file_shape, block };
        assert_ok(lam_session_grad(session, net->param[i].name, &t));
        lami_digest_add(digest, block, net->param[i].count * lami_dtype_size(net->dtype));
    }
}

static void one_step(double *loss, lam_session *session, const lam_net *net, lami_session_kind kind,
                     const lam_tensor *x, const int32_t *labels, lami_digest *digest)
{
    const size_t n = x->shape.dim[0];
    const void *row[64];
    for (size_t i = 0; i < n; i++)
        row[i] = (const char *)x->data + i * INPUT * lami_dtype_size(x->dtype);
    assert_ok(lami_session_load(session, &(lami_batch) { .x = row, .type = x->dtype, .n = n, .label = labels }));
    if (kind == LAMI_SESSION_TRAIN) {
        assert_ok(lami_session_train(loss, session));
        return;
    }
    assert_ok(lami_session_forward_loaded(loss, session));
    assert_ok(lam_session_backward(session));
    digest_gradients(digest, session, net);
    assert_ok(lam_session_step(session));
}

/* Three steps with batches of n, n and fewer samples. */
static outcome train(const char *notation, const char *list, lami_session_kind kind, size_t n, int spread)
{
    outcome out = { { 0 }, "", "" };
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = toy_options(list);
    lami_digest digest;
    int32_t labels[64];
    assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { INPUT } }, options));
    assert_ok(lami_session_make(&session, net, options, kind));
    if (spread)
        keep_all(lami_session_plan(session));
    lami_digest_start(&digest);
    const long before = lami_alloc_count();
    for (uint32_t t = 0; t < STEPS; t++) {
        const lam_tensor x = make_normal(LAM_F32, t < 2 ? n : n / 2 + 1, INPUT, 10 + t);
        for (size_t i = 0; i < n; i++)
            labels[i] = (int32_t)((i + t) % lam_net_classes(net));
        one_step(&out.loss[t], session, net, kind, &x, labels, &digest);
    }
    assert_int_equal(lami_alloc_count(), before);
    lami_digest_end(&digest, out.gradients);
    assert_ok(lam_net_sha256(net, out.sha));
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    free_tensors(NULL);
    return out;
}

static void assert_same_outcome(const outcome *a, const outcome *b, int gradients, const char *notation,
                                const char *what)
{
    const int same = !memcmp(a->loss, b->loss, sizeof a->loss) && !strcmp(a->sha, b->sha) &&
                     (!gradients || !strcmp(a->gradients, b->gradients));
    if (!same)
        fail_msg("%s: other bits %s (losses %.17g %.17g %.17g and %.17g %.17g %.17g)", notation, what, a->loss[0],
                 a->loss[1], a->loss[2], b->loss[0], b->loss[1], b->loss[2]);
}

static void assert_same_however_planned(const char *notation, uint32_t number)
{
    static const char *const rules[] = { "sgd", "momentum", "nesterov", "rmsprop", "adam" };
    const size_t n = 1 + number * 7 % 60;
    EACH_TYPE(type)
    {
        char list[160], unmerged[192];
        snprintf(list, sizeof list, "threads=2 batch=60 lr=1e-3 seed=%u dtype=%s optim=%s l2=%s", number,
                 type == LAM_F32 ? "f32" : "f64", rules[number % 5], number % 3 ? "0" : "0.1");
        snprintf(unmerged, sizeof unmerged, "%s no-merge=1", list);
        const outcome plain = train(notation, unmerged, LAMI_SESSION_STEPS, n, 1);
        const outcome others[] = {
            train(notation, list, LAMI_SESSION_STEPS, n, 0),     train(notation, unmerged, LAMI_SESSION_STEPS, n, 0),
            train(notation, list, LAMI_SESSION_STEPS, n, 1),     train(notation, list, LAMI_SESSION_TRAIN, n, 0),
            train(notation, unmerged, LAMI_SESSION_TRAIN, n, 0), train(notation, list, LAMI_SESSION_CHECK, n, 0),
        };
        static const char *const what[] = { "merged, with gradients", "unmerged, with gradients",
                                            "merged, nothing shared", "merged, whole steps",
                                            "unmerged, whole steps",  "with the input's gradient" };
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            assert_same_outcome(&plain, &others[i], i != 3 && i != 4, notation, what[i]);
    }
}

static void merging_and_sharing_change_no_bits_of_random_networks(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < RANDOM; k++) {
        writer w;
        say_network(&w, k);
        assert_same_however_planned(w.text, k);
    }
}

static void merging_and_sharing_change_no_bits_of_odd_networks(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < ODD; k++)
        assert_same_however_planned(odd_networks[k], k + 3);
}

static void gradients_of_odd_networks_are_right(void **state)
{
    (void)state;
    lam_options *options = toy_options("seed=1");
    for (size_t k = 0; k < ODD; k++) {
        lam_check_row *rows = NULL;
        size_t count = 0;
        if (lam_check(&rows, &count, odd_networks[k], &(lam_shape) { 1, { INPUT } }, options))
            fail_msg("%s: %s", odd_networks[k], lam_last_error());
        lam_check_free(rows);
    }
    lam_options_free(options);
}

/* ---- places, by the records alone ---- */

typedef struct {
    int begin, end;  /* positions of the first and last use in the order of execution; end < begin: unused */
    int first, last; /* phases of these */
} life;

static int reads(const lami_record *r, lami_buf b)
{
    int found = 0;
    for (int i = 0; i < LAMI_INS; i++)
        found |= r->in[i] == b;
    return found;
}

static int uses(const lami_record *r, lami_buf b)
{
    int found = reads(r, b);
    for (int i = 0; i < LAMI_OUTS; i++)
        found |= r->out[i] == b;
    return found;
}

static life life_of(const lami_plan *plan, lami_buf b)
{
    life l = { 0, -1, 0, -1 };
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count; k++) {
            const int position = plan->group[g].first + k;
            if (!uses(&plan->record[plan->order[position]], b))
                continue;
            if (l.end < l.begin) {
                l.begin = position;
                l.first = plan->group[g].phase;
            }
            l.end = position;
            l.last = plan->group[g].phase;
        }
    if (plan->buffer[b].given)
        l = (life) { -1, l.end, -1, l.last };
    if (plan->buffer[b].wanted) {
        l.end = (int)plan->records;
        l.last = (int)plan->phases;
    }
    return l;
}

/* b takes the place of a at `position`: nobody else may want a's elements in that phase. */
static void assert_taken_over(const lami_plan *plan, lami_buf a, int position)
{
    int phase = -1;
    for (size_t g = 0; g < plan->groups; g++)
        if (position >= plan->group[g].first && position < plan->group[g].first + plan->group[g].count)
            phase = plan->group[g].phase;
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count && plan->group[g].phase == phase; k++) {
            const int at_position = plan->group[g].first + k;
            const lami_record *r = &plan->record[plan->order[at_position]];
            if (!uses(r, a))
                continue;
            assert_true(at_position <= position);
            assert_true(position - at_position < plan->group[g].count && plan->group[g].first <= position &&
                        position < plan->group[g].first + plan->group[g].count); /* the same group */
            assert_true(r->op == LAMI_OP_row_norm_grad || !reads(r, a) || !lami_reads_whole(plan, r, a));
        }
}

static void assert_disjoint(const lami_plan *plan, lami_buf a, lami_buf b, const life *x, const life *y)
{
    const lami_buffer *p = &plan->buffer[plan->buffer[a].place_of], *q = &plan->buffer[plan->buffer[b].place_of];
    if (x->end < x->begin || y->end < y->begin)
        return;
    if (p == q) {
        const int a_first = x->end == y->begin, b_first = y->end == x->begin;
        assert_true(x->end <= y->begin || y->end <= x->begin);
        if (a_first || b_first)
            assert_taken_over(plan, a_first ? a : b, a_first ? x->end : y->end);
        return;
    }
    if (x->first <= y->last && y->first <= x->last)
        assert_true(p->offset + p->bytes <= q->offset || q->offset + q->bytes <= p->offset);
}

static void assert_places(const lami_plan *plan)
{
    life *lives = lami_alloc(plan->buffers, sizeof *lives);
    assert_non_null(lives);
    for (size_t b = 1; b < plan->buffers; b++) {
        lives[b] = life_of(plan, (lami_buf)b);
        const lami_buffer *own = &plan->buffer[b], *place = &plan->buffer[own->place_of];
        if (own->outside || lives[b].end < lives[b].begin)
            continue;
        assert_int_equal(place->place_of, own->place_of);
        assert_int_equal(place->offset % LAMI_ALIGN, 0);
        assert_true(own->rows.per_sample || own->rows.fixed);
        assert_true(lami_extent_of(own->rows, plan->max_samples) * own->cols * own->element <= place->bytes);
        assert_true(place->offset + place->bytes <= plan->arena_bytes);
    }
    for (size_t a = 1; a < plan->buffers; a++)
        for (size_t b = a + 1; b < plan->buffers; b++)
            if (!plan->buffer[a].outside && !plan->buffer[b].outside)
                assert_disjoint(plan, (lami_buf)a, (lami_buf)b, &lives[a], &lives[b]);
    lami_free(lives);
}

static void assert_placed(const char *notation, const char *list)
{
    static const lami_session_kind kinds[] = { LAMI_SESSION_TRAIN, LAMI_SESSION_STEPS, LAMI_SESSION_CHECK,
                                               LAMI_SESSION_MEASURE, LAMI_SESSION_PREDICT };
    lam_options *options = toy_options(list);
    lam_net *net = NULL;
    assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { INPUT } }, options));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        lam_session *session = NULL;
        assert_ok(lami_session_make(&session, net, options, kinds[k]));
        assert_places(lami_session_plan(session));
        lam_session_free(session);
    }
    lam_net_free(net);
    lam_options_free(options);
}

static void buffers_alive_at_the_same_time_are_apart(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < RANDOM + ODD; k++) {
        writer w;
        say_network(&w, k);
        const char *const notation = k < RANDOM ? w.text : odd_networks[k - RANDOM];
        assert_placed(notation, k % 2 ? "threads=1 batch=33 l2=0.1" : "threads=1 batch=33 l2=0.1 no-merge=1");
    }
}

/* ---- what plans are like ---- */

typedef struct {
    lam_net *net;
    lam_session *session;
    lam_options *options;
    lami_plan *plan;
} planned;

static planned make_plan(const char *notation, const lam_shape input, const char *list, lami_session_kind kind)
{
    planned p = { .options = toy_options(list) };
    assert_ok(lam_net_new(&p.net, notation, &input, p.options));
    assert_ok(lami_session_make(&p.session, p.net, p.options, kind));
    p.plan = lami_session_plan(p.session);
    return p;
}

static void free_plan(planned p)
{
    lam_session_free(p.session);
    lam_net_free(p.net);
    lam_options_free(p.options);
}

static size_t still_bytes(const lami_plan *plan)
{
    size_t bytes = 0;
    for (size_t b = 1; b < plan->buffers; b++)
        bytes += plan->buffer[b].still ? plan->buffer[b].bytes + LAMI_ALIGN : 0;
    return bytes;
}

/* And of what is made once. */
static void inference_needs_the_memory_of_two_layers(void **state)
{
    (void)state;
    static const char *const lists[] = { "batch=100 dtype=f32", "batch=100 dtype=f64", "batch=100 no-merge=1" };
    for (size_t i = 0; i < 3; i++) {
        const planned p =
            make_plan("{affine 100 - relu} x 20 - softmax", lami_shape1(100), lists[i], LAMI_SESSION_PREDICT);
        const size_t output = 100 * 100 * lami_dtype_size(p.net->dtype);
        assert_true(p.plan->arena_bytes <= 2 * (output + LAMI_ALIGN) + still_bytes(p.plan));
        free_plan(p);
    }
}

static void training_needs_less_than_all_buffers_together(void **state)
{
    (void)state;
    const planned p = make_plan("{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax",
                                lami_shape1(300), "batch=100", LAMI_SESSION_TRAIN);
    assert_true(p.plan->arena_bytes < p.plan->sum_bytes / 2);
    free_plan(p);
    const planned few =
        make_plan("{affine 64 - relu} x 20 - softmax", lami_shape1(64), "batch=50", LAMI_SESSION_MEASURE);
    assert_true(few.plan->arena_bytes < few.plan->sum_bytes / 8);
    free_plan(few);
}

static size_t group_of(const lami_plan *plan, int record)
{
    for (size_t g = 0; g < plan->groups; g++)
        for (int k = 0; k < plan->group[g].count; k++)
            if (plan->order[plan->group[g].first + k] == record)
                return g;
    fail();
    return 0;
}

/* Groups of the forward pass, other than g, that read a buffer of this size written by g. */
static size_t readers_of(const lami_plan *plan, size_t g)
{
    size_t readers = 0;
    for (size_t h = 0; h < plan->groups; h++) {
        int reads = 0;
        for (int k = 0; k < plan->group[h].count && h != g && !plan->group[h].part; k++)
            for (int j = 0; j < plan->group[g].count; j++) {
                const lami_record *r = &plan->record[plan->order[plan->group[h].first + k]];
                const lami_record *w = &plan->record[plan->order[plan->group[g].first + j]];
                for (int i = 0; i < LAMI_INS; i++)
                    reads |= r->in[i] && r->in[i] == w->out[0] && plan->buffer[r->in[i]].rows.per_sample &&
                             !plan->buffer[r->in[i]].rows.chunk;
            }
        readers += reads != 0;
    }
    return readers;
}

static int has_op(const lami_plan *plan, size_t g, lami_op op)
{
    for (int k = 0; k < plan->group[g].count; k++)
        if (plan->record[plan->order[plan->group[g].first + k]].op == op)
            return 1;
    return 0;
}

/* gemm, bias and statistics on one tile; normalise, relu and dropout on another. */
static void a_block_of_a_batchnorm_net_reads_the_product_once_after_its_statistics(void **state)
{
    (void)state;
    static const char *const lists[] = { "batch=100", "batch=33 dtype=f64", "batch=100 threads=7 isa=plain" };
    for (size_t i = 0; i < 3; i++) {
        const planned p = make_plan("{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax",
                                    lami_shape1(300), lists[i], LAMI_SESSION_TRAIN);
        int blocks = 0;
        for (size_t r = 0; r < p.plan->records; r++) {
            if (p.plan->record[r].op != LAMI_OP_stat_moments)
                continue;
            const size_t g = group_of(p.plan, (int)r);
            assert_true(has_op(p.plan, g, LAMI_OP_gemm_nn) && has_op(p.plan, g, LAMI_OP_bias));
            assert_int_equal(readers_of(p.plan, g), 1);
            blocks++;
        }
        for (size_t r = 0; r < p.plan->records; r++)
            if (p.plan->record[r].op == LAMI_OP_norm_cols) {
                const size_t g = group_of(p.plan, (int)r);
                assert_true(has_op(p.plan, g, LAMI_OP_relu) && has_op(p.plan, g, LAMI_OP_dropout));
            }
        assert_int_equal(blocks, 4);
        free_plan(p);
    }
}

static void in_inference_a_block_of_a_batchnorm_net_is_one_group(void **state)
{
    (void)state;
    const planned p = make_plan("{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax",
                                lami_shape1(300), "batch=100", LAMI_SESSION_PREDICT);
    size_t gemms = 0;
    for (size_t g = 0; g < p.plan->groups; g++)
        gemms += (size_t)has_op(p.plan, g, LAMI_OP_gemm_panels);
    assert_int_equal(gemms, 5);
    assert_int_equal(p.plan->groups, 5 + 5 + 4); /* and packed weights, and the four reciprocal deviations */
    free_plan(p);
}

static void unmerged_every_record_is_a_group(void **state)
{
    (void)state;
    const planned p = make_plan("{affine 20 - batchnorm - relu} x 2 - affine 10 - softmax", lami_shape1(30),
                                "batch=10 no-merge=1", LAMI_SESSION_TRAIN);
    assert_int_equal(p.plan->groups, p.plan->records);
    free_plan(p);
}

/* ---- running ---- */

/* A plan of `count` records side by side, of arrays that nobody has to have: tiles of its one phase. */
static size_t tiles_of_phase(size_t rows, size_t cols, size_t count, int product)
{
    const lami_ops *ops = NULL;
    lami_plan *plan = NULL;
    assert_ok(lami_ops_find(&ops, "plain", 32));
    assert_ok(lami_plan_new(&plan, ops, LAM_F32, 1, 2, 1));
    for (size_t i = 0; i < count; i++) {
        const lami_buf x = lami_buffer_outside(plan, lami_fixed(rows), product ? 1 : cols, "x");
        const lami_buf w = lami_buffer_outside(plan, lami_fixed(1), cols, "w");
        const lami_buf y = lami_buffer_outside(plan, lami_fixed(rows), cols, "y");
        if (product)
            lami_emit(plan, gemm_nn, lami_fixed(rows), cols, .in = { x, w }, .out = { y }, .depth = lami_fixed(1));
        else
            lami_emit(plan, bias, lami_fixed(rows), cols, .in = { x, w }, .out = { y });
    }
    assert_ok(lami_plan_finish(plan));
    assert_int_equal(plan->phases, 1);
    const size_t tiles = plan->phase[0].tiles;
    lami_plan_free(plan);
    return tiles;
}

static void a_phase_has_no_more_tiles_than_a_ticket_can_count(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 1, (size_t)1 << 34 }, { 2, (size_t)1 << 34 }, { (size_t)1 << 34, 3 } };
    for (size_t i = 0; i < 3; i++)
        for (int product = 0; product < 2; product++)
            for (size_t count = 1; count <= 300; count += 299) {
                const size_t tiles = tiles_of_phase(sizes[i][0], sizes[i][1], count, product);
                assert_in_range(tiles, LAMI_MAX_TASKS / 3, LAMI_MAX_TASKS);
            }
}

/* Two chains from x: one of two operations to a buffer that is left out, one to another. */
static void what_is_left_out_is_not_computed(void **state)
{
    (void)state;
    enum { ROWS = 10, COLS = 9 };
    const lami_ops *ops;
    lami_plan *plan = NULL;
    float x[ROWS * COLS], y[ROWS * COLS] = { 0 }, z[ROWS * COLS] = { 0 };
    for (size_t i = 0; i < ROWS * COLS; i++)
        x[i] = 1;
    assert_ok(lami_ops_find(&ops, "auto", 32));
    assert_ok(lami_plan_new(&plan, ops, LAM_F32, ROWS, 2, 1));
    const lami_buf bx = lami_buffer_outside(plan, lami_per_sample(1), COLS, "x");
    const lami_buf by = lami_buffer_outside(plan, lami_per_sample(1), COLS, "y");
    const lami_buf bz = lami_buffer_outside(plan, lami_per_sample(1), COLS, "z");
    const lami_buf between = lami_buffer_new(plan, lami_per_sample(1), COLS, "between");
    lami_emit(plan, relu, lami_per_sample(1), COLS, .in = { bx }, .out = { between });
    lami_emit(plan, relu, lami_per_sample(1), COLS, .in = { between }, .out = { by });
    lami_emit(plan, relu, lami_per_sample(1), COLS, .in = { bx }, .out = { bz });
    assert_ok(lami_plan_finish(plan));
    for (int left_out = 1; left_out >= 0; left_out--) {
        lami_plan_bind(plan, bx, x);
        lami_plan_bind(plan, by, left_out ? NULL : y);
        lami_plan_bind(plan, bz, z);
        lami_plan_set_samples(plan, ROWS);
        assert_int_equal(plan->idle[0], left_out);
        assert_int_equal(plan->idle[1], left_out);
        assert_int_equal(plan->idle[2], 0);
        lami_plan_run(plan, 0, 0);
        assert_true(z[ROWS * COLS - 1] == 1);
        assert_true(y[ROWS * COLS - 1] == (left_out ? 0 : 1));
    }
    lami_plan_free(plan);
}

static void a_batch_larger_than_memory_can_be_is_refused(void **state)
{
    (void)state;
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = toy_options("batch=32");
    const lam_shape input = lami_shape3(1, (size_t)1 << 29, (size_t)1 << 30); /* x 32 is 2^64 */
    assert_ok(lam_net_new(&net, "batchnorm - avgpool global - svm", &input, options));
    assert_int_equal(lam_session_new_predict(&session, net, options), LAM_ENOMEM);
    lam_net_free(net);
    lam_options_free(options);
}

static void steps_and_predictions_allocate_nothing(void **state)
{
    (void)state;
    const planned p =
        make_plan("{affine 20 - batchnorm - relu - dropout 0.2} x 2 - residual {affine 20} - affine 4 - softmax",
                  lami_shape3(2, 3, 4), "batch=12 threads=2 l2=0.1", LAMI_SESSION_STEPS);
    const lam_tensor x = make_tensor(LAM_U8, (lam_shape) { 4, { 12, 2, 3, 4 } }),
                     y = make_tensor(LAM_U8, lami_shape1(12));
    lam_tensor scores = make_rows(LAM_F32, 12, 4), gradient = make_rows(LAM_F32, 20, 24);
    double loss = 0;
    const long before = lami_alloc_count();
    for (int t = 0; t < 5; t++) {
        assert_ok(lam_session_forward(&loss, p.session, &x, &y));
        assert_ok(lam_session_backward(p.session));
        assert_ok(lam_session_grad(p.session, "affine1.weight", &gradient));
        assert_ok(lam_session_step(p.session));
        assert_ok(lam_session_predict(p.session, &scores, &x));
    }
    assert_int_equal(lami_alloc_count(), before);
    free_plan(p);
}

static void predict_into(const lam_tensor *scores, const char *notation, const char *list, int spread)
{
    const planned p = make_plan(notation, lami_shape1(INPUT), list, LAMI_SESSION_PREDICT);
    lam_tensor out = *scores;
    const lam_tensor x = make_normal(LAM_F32, 100, INPUT, 1);
    if (spread)
        keep_all(p.plan);
    out.shape = lami_shape2(100, lam_net_classes(p.net));
    assert_ok(lam_session_predict(p.session, &out, &x));
    free_plan(p);
}

static void merging_and_sharing_change_no_bits_of_scores(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < RANDOM + ODD; k++) {
        writer w;
        say_network(&w, k);
        const char *const notation = k < RANDOM ? w.text : odd_networks[k - RANDOM];
        const lam_tensor a = make_rows(LAM_F32, 100, 40), b = make_rows(LAM_F32, 100, 40),
                         c = make_rows(LAM_F32, 100, 40);
        predict_into(&a, notation, "batch=100 threads=2 no-merge=1", 1);
        predict_into(&b, notation, "batch=100 threads=2", 0);
        predict_into(&c, notation, "batch=100 threads=2 no-merge=1", 0);
        if (memcmp(a.data, b.data, 4000 * sizeof(float)) || memcmp(a.data, c.data, 4000 * sizeof(float)))
            fail_msg("%s: other scores", notation);
        free_tensors(NULL);
    }
}

static void assert_scores_in_any_batch(const char *notation, const char *list)
{
    static const size_t sizes[] = { 1, 3, 17, 100 };
    const size_t n = 100;
    const planned p = make_plan(notation, lami_shape1(INPUT), list, LAMI_SESSION_PREDICT);
    const lam_tensor x = make_normal(LAM_F32, n, INPUT, 1);
    const size_t classes = lam_net_classes(p.net), size = classes * lami_dtype_size(p.net->dtype);
    lam_tensor all = make_rows(p.net->dtype, n, classes), some = make_rows(p.net->dtype, n, classes);
    assert_ok(lam_session_predict(p.session, &all, &x));
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        lam_tensor part = x;
        for (size_t first = 0; first + sizes[k] <= n; first += 1 + 13 * k) {
            some.shape.dim[0] = part.shape.dim[0] = sizes[k];
            part.data = (float *)x.data + first * INPUT;
            assert_ok(lam_session_predict(p.session, &some, &part));
            if (memcmp(some.data, (char *)all.data + first * size, sizes[k] * size))
                fail_msg("%s: other scores in a batch of %zu", notation, sizes[k]);
        }
    }
    free_plan(p);
    free_tensors(NULL);
}

static void a_sample_has_the_same_scores_in_any_batch(void **state)
{
    (void)state;
    static const char *const lists[] = { "batch=100", "batch=100 dtype=f64", "batch=100 no-merge=1 isa=plain" };
    for (uint32_t k = 0; k < 30 + ODD; k++) {
        writer w;
        say_network(&w, k);
        assert_scores_in_any_batch(k < 30 ? w.text : odd_networks[k - 30], lists[k % 3]);
    }
    assert_scores_in_any_batch("{affine 300 - batchnorm - relu - layernorm} x 2 - affine 10 - softmax", "batch=100");
}

static void a_network_of_images_gives_the_scores_of_one_of_rows(void **state)
{
    (void)state;
    /* one channel: H, W, C order is that of a row */
    const planned a = make_plan("batchnorm - affine 9 - relu - affine 4 - softmax", lami_shape3(1, 3, 5), "batch=6",
                                LAMI_SESSION_PREDICT);
    const planned b =
        make_plan("affine 9 - relu - affine 4 - softmax", lami_shape1(15), "batch=6", LAMI_SESSION_PREDICT);
    const lam_tensor x = make_normal(LAM_F32, 6, 15, 1);
    lam_tensor w = make_rows(LAM_F32, 9, 15), v = make_vector(LAM_F32, 1), scores = make_rows(LAM_F32, 6, 4);
    lam_tensor others = make_rows(LAM_F32, 6, 4);
    put(&v, 0, 1 - 1e-5);
    assert_ok(lam_net_set(a.net, "batchnorm1.running_var", &v)); /* rstd 1: batchnorm changes little */
    assert_ok(lam_net_get(a.net, "affine1.weight", &w));
    assert_ok(lam_net_set(b.net, "affine1.weight", &w));
    lam_tensor u = make_rows(LAM_F32, 4, 9);
    assert_ok(lam_net_get(a.net, "affine2.weight", &u));
    assert_ok(lam_net_set(b.net, "affine2.weight", &u));
    assert_ok(lam_session_predict(a.session, &scores, &x));
    assert_ok(lam_session_predict(b.session, &others, &x));
    assert_close(&scores, &others, 1e-6);
    free_plan(a);
    free_plan(b);
}

/* ---- failures ---- */

static void every_failed_allocation_of_a_session_is_reported(void **state)
{
    (void)state;
    lam_net *net = NULL;
    assert_ok(lam_net_new(&net, "affine 5 - batchnorm - residual {affine 5} - dropout 0.2 - affine 3 - softmax",
                          &(lam_shape) { 1, { INPUT } }, NULL));
    lam_options *options = toy_options("l2=0.1 batch=9 threads=2");
    for (lami_session_kind kind = LAMI_SESSION_TRAIN; kind <= LAMI_SESSION_PREDICT; kind++) {
        lam_session *session = NULL;
        lam_status status = LAM_ENOMEM;
        long n = 1;
        for (; status; n++) {
            lami_alloc_fail_at(n);
            status = lami_session_make(&session, net, options, kind);
            lami_alloc_fail_at(0);
            assert_true(status == LAM_OK || (status == LAM_ENOMEM && !session));
        }
        assert_true(n > 10);
        lam_session_free(session);
    }
    lam_options_free(options);
    lam_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(merging_and_sharing_change_no_bits_of_random_networks),
        TEST(merging_and_sharing_change_no_bits_of_odd_networks),
        TEST(gradients_of_odd_networks_are_right),
        TEST(buffers_alive_at_the_same_time_are_apart),
        TEST(inference_needs_the_memory_of_two_layers),
        TEST(training_needs_less_than_all_buffers_together),
        TEST(a_block_of_a_batchnorm_net_reads_the_product_once_after_its_statistics),
        TEST(in_inference_a_block_of_a_batchnorm_net_is_one_group),
        TEST(unmerged_every_record_is_a_group),
        TEST(a_phase_has_no_more_tiles_than_a_ticket_can_count),
        TEST(what_is_left_out_is_not_computed),
        TEST(a_batch_larger_than_memory_can_be_is_refused),
        TEST(steps_and_predictions_allocate_nothing),
        TEST(merging_and_sharing_change_no_bits_of_scores),
        TEST(a_sample_has_the_same_scores_in_any_batch),
        TEST(a_network_of_images_gives_the_scores_of_one_of_rows),
        TEST(every_failed_allocation_of_a_session_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
