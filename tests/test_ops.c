/* Every operation on rows of kern/ops.h (those of images: test_image_layers.c, test_winograd.c), on each table of it that runs here and on the kernels of 64-byte vectors compiled for
 * the tests: the formula within a tolerance, and exactly the bits that docs/numerics.md promises, for any tiles. Arrays
 * end where memory ends, have a guard before them, and all that a tile must not touch is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/core/random.h"
#include "bf16_order.h"
#include "reference.h"

enum { ROOM = 1 << 22, GUARD = 256, PATTERN = 0xA5, SLOTS = LAMI_INS + LAMI_OUTS, CUTS = 5, MOST_PANEL = 64 };

/* ---- what the operands are ---- */

/* P: chunks of N; in panels, of `chunk` columns: ND and KD */
typedef enum { NONE, ND, D, N, PD, NK, KN, KD, DK, ND_PANELS, KD_PANELS } shape;

/* A shape and what is in it: from -1 to 1; with POSITIVE from 1/4 to 2; with LABEL columns, int32. */
enum { SHAPE = 15, POSITIVE = 16, LABEL = 32 };

typedef struct {
    int in[LAMI_INS];
    shape out[LAMI_OUTS];
    int own[LAMI_OUTS]; /* 1 + the input that the output stands in, 0: none */
    double c[LAMI_CONSTANTS];
    int optional; /* the second output may be missing */
    int in_place; /* the plan may let the first output take the place of an input */
} op_case;

static const op_case cases[LAMI_ROW_OP_COUNT] = {
    [LAMI_OP_gemm_nn] = { .in = { NK, KD }, .out = { ND } },
    [LAMI_OP_gemm_nt] = { .in = { NK, DK }, .out = { ND } },
    [LAMI_OP_gemm_tn] = { .in = { KN, KD }, .out = { ND } },
    [LAMI_OP_gemm_weights] = { .in = { ND }, .out = { ND_PANELS } },
    [LAMI_OP_gemm_panels] = { .in = { NK, KD_PANELS }, .out = { ND } },
    [LAMI_OP_bias] = { .in = { ND, D }, .out = { ND } },
    [LAMI_OP_add] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_relu] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_relu_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_leakyrelu] = { .in = { ND }, .out = { ND }, .c = { 0.01 } },
    [LAMI_OP_leakyrelu_grad] = { .in = { ND, ND }, .out = { ND }, .c = { 0.01 } },
    [LAMI_OP_elu] = { .in = { ND }, .out = { ND }, .c = { 1.3 } },
    [LAMI_OP_elu_grad] = { .in = { ND, ND }, .out = { ND }, .c = { 1.3 } },
    [LAMI_OP_gelu] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_gelu_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_gelu_tanh] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_gelu_tanh_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_silu] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_silu_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_sigmoid] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_sigmoid_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_tanh_forward] = { .in = { ND }, .out = { ND } },
    [LAMI_OP_tanh_grad] = { .in = { ND, ND }, .out = { ND } },
    [LAMI_OP_dropout] = { .in = { ND }, .out = { ND }, .c = { 1 / 0.7 } },
    [LAMI_OP_norm_cols] = { .in = { ND, D, D | POSITIVE, D, D }, .out = { ND } },
    [LAMI_OP_norm_rows] = { .in = { ND, N, N | POSITIVE, D, D }, .out = { ND } },
    [LAMI_OP_norm_cols_grad] = { .in = { ND, ND, D, D | POSITIVE, D, D, D }, .out = { ND } },
    [LAMI_OP_scale_cols] = { .in = { ND, D | POSITIVE, D }, .out = { ND } },
    [LAMI_OP_scale_rows] = { .in = { ND, N }, .out = { ND } },
    [LAMI_OP_rstd] = { .in = { ND | POSITIVE }, .out = { ND }, .c = { 1e-5 } },
    [LAMI_OP_running] = { .in = { ND, ND }, .out = { ND }, .own = { 1 }, .c = { 0.9 } },
    [LAMI_OP_axpby] = { .in = { ND, ND }, .out = { ND }, .c = { 0.7, -0.4 } },
    [LAMI_OP_scale_to_norm] = { .in = { ND, D | POSITIVE }, .out = { ND }, .c = { 3, 0.01 } },
    [LAMI_OP_scale_grad] = { .in = { ND }, .out = { ND }, .own = { 1 } },
    [LAMI_OP_average] = { .in = { ND, ND }, .out = { ND }, .own = { 1 } },
    [LAMI_OP_shrink] = { .in = { ND }, .out = { ND }, .own = { 1 }, .c = { 0.01, [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_sgd] = { .in = { ND, ND }, .out = { ND }, .own = { 1 }, .c = { [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_momentum] = { .in = { ND, ND, ND },
                           .out = { ND, ND },
                           .own = { 1, 3 },
                           .c = { 0.9, [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_nesterov] = { .in = { ND, ND, ND },
                           .out = { ND, ND },
                           .own = { 1, 3 },
                           .c = { 0.9, [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_rmsprop] = { .in = { ND, ND, ND | POSITIVE },
                          .out = { ND, ND },
                          .own = { 1, 3 },
                          .c = { 0.99, 1e-8, [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_adam] = { .in = { ND, ND, ND, ND | POSITIVE },
                       .out = { ND, ND, ND },
                       .own = { 1, 3, 4 },
                       .c = { 0.9, 0.999, 1e-8, [LAMI_LR_FACTOR] = 0.7 } },
    [LAMI_OP_muon] = { .in = { ND, ND }, .out = { ND, ND }, .own = { 2 }, .c = { 0.6 } },
    [LAMI_OP_stat_moments] = { .in = { ND }, .out = { PD, PD, PD } },
    [LAMI_OP_stat_sum] = { .in = { ND }, .out = { PD } },
    [LAMI_OP_stat_sumsq] = { .in = { ND }, .out = { PD } },
    [LAMI_OP_stat_norm_cols] = { .in = { ND, ND, D, D | POSITIVE }, .out = { PD, PD } },
    [LAMI_OP_stat_norm_rows] = { .in = { ND, ND, N, N | POSITIVE }, .out = { PD, PD } },
    [LAMI_OP_row_moments] = { .in = { ND }, .out = { N, N }, .c = { 0.1 } },
    [LAMI_OP_row_norm_grad] = { .in = { ND, ND, N, N | POSITIVE, D }, .out = { ND }, .in_place = 1 },
    [LAMI_OP_softmax_loss] = { .in = { ND, N | LABEL }, .out = { N, ND }, .c = { 0.1 }, .optional = 1 },
    [LAMI_OP_svm_loss] = { .in = { ND, N | LABEL }, .out = { N, ND }, .optional = 1 },
    [LAMI_OP_mse_loss] = { .in = { ND, ND }, .out = { N, ND }, .optional = 1 },
    [LAMI_OP_logistic_loss] = { .in = { ND, ND }, .out = { N, ND }, .optional = 1 },
    [LAMI_OP_tree_moments] = { .in = { PD, PD, PD | POSITIVE }, .out = { D, D, D }, .c = { 0.1 } },
    [LAMI_OP_tree_sum] = { .in = { PD, PD }, .out = { D, D }, .optional = 1 },
};

/* ---- numbers ---- */

static uint64_t drawn;

static uint32_t word(void)
{
    const lami_rng rng = lami_rng_make(2024, LAMI_RNG_TEST, 0, 0);
    return lami_rng_word(&rng, drawn++);
}

static size_t below(size_t n)
{
    return (size_t)((uint64_t)word() * n >> 32);
}

/* splitmix64 (Steele, Lea, Flood 2014): for the many */
static double uniform(void)
{
    static uint64_t state = 7;
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* NaN, infinities, zeros, subnormals, the largest and the smallest, among some usual numbers. */
static double special(int bits)
{
    const double small = bits == 32 ? 0x1p-149 : 0x1p-1074, least_normal = bits == 32 ? 0x1p-126 : 0x1p-1022;
    const double large = bits == 32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
    const double values[] = { NAN,       INFINITY,     -INFINITY,     0,     -0.0,  small, -small,
                              5 * small, least_normal, -least_normal, large, -large };
    const size_t i = below(60);
    return i < sizeof values / sizeof values[0] ? values[i] : 2 * uniform() - 1;
}

static double number_at(const void *p, size_t i, int bits)
{
    return bits == 32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

/* The same bits, or both NaN. */
static int same(const void *a, const void *b, size_t i, int bits)
{
    const double x = number_at(a, i, bits), y = number_at(b, i, bits);
    return isnan(x) ? isnan(y) : x == y && !signbit(x) == !signbit(y);
}

/* ---- tables ---- */

#if defined(LAMI_HAVE_WIDE)
extern const lami_ops lami_ops_wide_f32, lami_ops_wide_f64;
#endif

/* The i-th table that runs here, NULL past the end. */
static const lami_ops *table_of(size_t i, int bits)
{
    int usable;
    const char *name;
    for (size_t k = 0; (name = lami_set_name(k, &usable)); k++)
        if (usable && !i--) {
            const lami_ops *ops;
            assert_int_equal(lami_ops_find(&ops, name, bits), LAM_OK);
            return ops;
        }
#if defined(LAMI_HAVE_WIDE)
    if (!i && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return bits == 32 ? &lami_ops_wide_f32 : &lami_ops_wide_f64;
#endif
    return NULL;
}

/* ---- guarded arrays: their end is the end of the memory ---- */

typedef struct {
    uint8_t *room;   /* ROOM bytes, then a page that cannot be touched */
    uint8_t *shadow; /* what the array and its guard must hold */
    size_t bytes;
} slot;

static slot slots[SLOTS];

static void *array_of(const slot *s)
{
    return s->room + ROOM - s->bytes;
}

static void set_size(slot *s, size_t bytes)
{
    if (!s->room) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        s->room = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(s->room, MAP_FAILED);
        assert_int_equal(mprotect(s->room + ROOM, page, PROT_NONE), 0);
        s->shadow = malloc(ROOM);
        assert_non_null(s->shadow);
    }
    assert_true(bytes <= ROOM - GUARD);
    s->bytes = bytes;
    memset(s->room + ROOM - bytes - GUARD, PATTERN, bytes + GUARD);
}

static void remember(slot *s)
{
    memcpy(s->shadow, (uint8_t *)array_of(s) - GUARD, s->bytes + GUARD);
}

static int unchanged(const slot *s)
{
    return !memcmp(s->shadow, (uint8_t *)array_of(s) - GUARD, s->bytes + GUARD);
}

/* ---- a problem: an operation, its sizes, its inputs and what must come out ---- */

typedef struct {
    lami_op op;
    int bits;
    size_t n, d, k, chunk;
    int short_form; /* without the optional output */
    int unsmoothed; /* c[0] is 0 */
    int specials;
    int bf16; /* in the form that has products of bf16 */
    lami_vars vars;
    lami_args args;
    void *in[LAMI_INS];        /* of the number type */
    double *wide_in[LAMI_INS]; /* the same in double */
    void *out[LAMI_OUTS];
    double *wide_out[LAMI_OUTS];
} problem;

static size_t chunks(const problem *p)
{
    return (p->n + p->chunk - 1) / p->chunk;
}

/* Is an operand in panels? They are of MOST_PANEL columns, a multiple of what each table has. */
static int has_panels(lami_op op)
{
    return op == LAMI_OP_gemm_weights || op == LAMI_OP_gemm_panels;
}

static size_t panels(const problem *p)
{
    return (p->d + p->chunk - 1) / p->chunk;
}

static size_t rows_of(const problem *p, shape s)
{
    if (s == ND_PANELS || s == KD_PANELS)
        return panels(p) * (s == ND_PANELS ? p->n : p->k);
    return s == ND || s == N || s == NK ? p->n : s == PD ? chunks(p) : s == KN || s == KD ? p->k : s == DK ? p->d : 1;
}

static size_t cols_of(const problem *p, shape s)
{
    if (s == ND_PANELS || s == KD_PANELS)
        return p->chunk;
    return s == NK || s == DK ? p->k : s == KN ? p->n : s == N ? 1 : p->d;
}

static size_t count_of(const problem *p, shape s)
{
    return rows_of(p, s) * cols_of(p, s);
}

static size_t element_size(const problem *p)
{
    return (size_t)p->bits / 8;
}

static shape shape_in(const problem *p, int i)
{
    return (shape)(cases[p->op].in[i] & SHAPE);
}

/* Bytes of an operand's element. */
static size_t size_in(const problem *p, int i)
{
    return cases[p->op].in[i] & LABEL ? sizeof(int32_t) : element_size(p);
}

/* Inputs and outputs in use, in this form of the operation. */
static int has_in(const problem *p, int i)
{
    return cases[p->op].in[i] && !(p->short_form && p->op == LAMI_OP_tree_sum && i == 1);
}

static int has_out(const problem *p, int i)
{
    return cases[p->op].out[i] && !(p->short_form && i == 1);
}

static void fill_input(problem *p, int i)
{
    const int o = cases[p->op].in[i];
    const size_t count = count_of(p, shape_in(p, i));
    p->in[i] = calloc(count, 8);
    p->wide_in[i] = calloc(count, 8);
    assert_true(p->in[i] && p->wide_in[i]);
    for (size_t e = 0; e < count; e++) {
        if (o & LABEL) {
            ((int32_t *)p->in[i])[e] = (int32_t)below(p->d);
            continue;
        }
        const double x = p->specials ? special(p->bits) : o & POSITIVE ? 0.25 + 1.75 * uniform() : 2 * uniform() - 1;
        if (p->bits == 32)
            ((float *)p->in[i])[e] = (float)x;
        else
            ((double *)p->in[i])[e] = x;
        p->wide_in[i][e] = p->bf16 ? bf16_round(((float *)p->in[i])[e]) : number_at(p->in[i], e, p->bits);
    }
}

static void set_args(problem *p)
{
    const op_case *c = &cases[p->op];
    const int tree = lami_op_table[p->op].class == LAMI_TREE, product = lami_op_table[p->op].class == LAMI_PRODUCER;
    p->vars = (lami_vars) { .dropout_seed = 0x123456789abcdef0,
                            .step = 77,
                            .lr = 0.1,
                            .grad_scale = 1.0 / 3,
                            .share = 0.3,
                            .correct1 = 1 / (1 - 0.9 * 0.9),
                            .correct2 = 1 / (1 - 0.999 * 0.999),
                            .batch = (double)p->n };
    p->args = (lami_args) { .rows = tree ? 1 : p->n,
                            .cols = p->d,
                            .depth = product ? p->k
                                     : tree  ? p->n
                                             : 0,
                            .chunk = p->chunk,
                            .place = (uint32_t)LAMI_RNG_DROPOUT << 24 | 5,
                            .threshold = 0x4ccccccd,
                            .bf16 = p->bf16 };
    if (c->out[0] == ND_PANELS) {
        p->args.rows = rows_of(p, ND_PANELS);
        p->args.cols = cols_of(p, ND_PANELS);
        p->args.depth = p->d;
    }
    memcpy(p->args.c, c->c, sizeof c->c);
    if (p->unsmoothed)
        p->args.c[0] = 0;
}

/* Draw the inputs and work out what must come out. */
static void prepare(problem *p)
{
    const op_case *c = &cases[p->op];
    set_args(p);
    p->args.vars = &p->vars;
    lami_args formula = p->args, ordered = p->args;
    for (int i = 0; i < LAMI_INS; i++)
        if (has_in(p, i)) {
            fill_input(p, i);
            ordered.in[i] = p->in[i];
            formula.in[i] = c->in[i] & LABEL ? p->in[i] : (void *)p->wide_in[i];
        }
    for (int i = 0; i < LAMI_OUTS; i++)
        if (has_out(p, i)) {
            ordered.out[i] = p->out[i] = calloc(count_of(p, c->out[i]), 8);
            formula.out[i] = p->wide_out[i] = calloc(count_of(p, c->out[i]), 8);
            assert_true(p->out[i] && p->wide_out[i]);
        }
    (p->bf16 ? ordered_bf16 : p->bits == 32 ? ordered_f32 : ordered_f64)[p->op](&ordered);
    reference[p->op](&formula);
}

static void release(problem *p)
{
    for (int i = 0; i < LAMI_INS; i++) {
        free(p->in[i]);
        free(p->wide_in[i]);
    }
    for (int i = 0; i < LAMI_OUTS; i++) {
        free(p->out[i]);
        free(p->wide_out[i]);
    }
}

static const char *named(const problem *p, const char *set)
{
    static char text[200];
    snprintf(text, sizeof text, "%s%s, %s, %d bits, n %zu, d %zu, k %zu, chunk %zu%s%s", lami_op_table[p->op].name,
             p->bf16 ? "_bf16" : "", set, p->bits, p->n, p->d, p->k, p->chunk, p->short_form ? ", short" : "",
             p->specials ? ", special values" : "");
    return text;
}

/* The bits of the documented order are the formula's value: a unit of rounding for each term of a sum, and a few. */
static void check_formula(const problem *p)
{
    const lami_class class = lami_op_table[p->op].class;
    const size_t length = class == LAMI_PRODUCER ? p->k
                          : class == LAMI_STAT   ? (p->chunk < p->n ? p->chunk : p->n)
                          : class == LAMI_ROW    ? p->d
                          : class == LAMI_TREE   ? chunks(p)
                                                 : 1;
    const double unit = p->bits == 32 ? 0x1p-24 : 0x1p-53;
    for (int i = 0; i < LAMI_OUTS; i++)
        for (size_t e = 0; has_out(p, i) && e < count_of(p, cases[p->op].out[i]); e++) {
            const double want = p->wide_out[i][e], got = number_at(p->out[i], e, p->bits);
            if (!(fabs(got - want) <= unit * (8 + 8 * fabs(want) + 2 * (double)length)))
                fail_msg("%s: output %d, element %zu is %.17g, not %.17g", named(p, "in order"), i, e, got, want);
        }
}

/* ---- running it in tiles ---- */

/* The rows and columns of an output that belong to a tile. */
static lami_tile region_of(const problem *p, shape s, lami_tile t)
{
    if (s == PD)
        return (lami_tile) { t.r0 / p->chunk, (t.r1 + p->chunk - 1) / p->chunk, t.c0, t.c1 };
    if (s == N)
        return (lami_tile) { t.r0, t.r1, 0, 1 };
    if (s == D)
        return (lami_tile) { 0, 1, t.c0, t.c1 };
    return t;
}

/* Of an output's slot: what the tile wrote is as it should be. */
static void accept(const problem *p, shape s, slot *to, lami_tile t)
{
    const lami_tile region = region_of(p, s, t);
    const size_t cols = cols_of(p, s), size = element_size(p);
    for (size_t r = region.r0; r < region.r1; r++)
        memcpy(to->shadow + GUARD + (r * cols + region.c0) * size,
               (uint8_t *)array_of(to) + (r * cols + region.c0) * size, (region.c1 - region.c0) * size);
}

/* The slot of an output: its own, or that of the input it stands in. `shared`: 1 + the input for the first output. */
static slot *slot_of_out(const problem *p, int i, int shared)
{
    const int own = cases[p->op].own[i] ? cases[p->op].own[i] : i ? 0 : shared;
    return own ? &slots[own - 1] : &slots[LAMI_INS + i];
}

static void fill_slots(const problem *p, lami_args *args, int shared)
{
    for (int i = 0; i < LAMI_OUTS; i++)
        if (has_out(p, i)) {
            slot *s = slot_of_out(p, i, shared);
            set_size(s, count_of(p, cases[p->op].out[i]) * element_size(p));
            args->out[i] = array_of(s);
        }
    for (int i = 0; i < LAMI_INS; i++)
        if (has_in(p, i)) {
            const size_t bytes = count_of(p, shape_in(p, i)) * size_in(p, i);
            set_size(&slots[i], bytes);
            memcpy(array_of(&slots[i]), p->in[i], bytes);
            args->in[i] = array_of(&slots[i]);
        }
}

static void run_tile(const problem *p, const lami_ops *ops, const lami_args *args, lami_tile t)
{
    const size_t bytes = ops->work(p->op, args, t.r1 - t.r0, t.c1 - t.c0), room = (bytes + GUARD + 63) / 64 * 64;
    uint8_t *work = aligned_alloc(64, room);
    assert_non_null(work);
    memset(work, PATTERN, room);
    (p->bf16 ? ops->run_bf16 : ops->run)[p->op](args, t, work);
    for (size_t i = bytes; i < room; i++)
        if (work[i] != PATTERN)
            fail_msg("%s: wrote past its scratch", named(p, ops->set));
    free(work);
}

/* Cuts of 0..n at multiples of `unit`, at most CUTS + 1 pieces; returns their number. */
static size_t cut(size_t at[CUTS + 2], size_t n, size_t unit, size_t most)
{
    size_t pieces = 0, from = 0;
    at[0] = 0;
    while (pieces < most && from < n) {
        const size_t left = (n - from + unit - 1) / unit;
        from += (1 + below(left)) * unit;
        at[++pieces] = from < n ? from : n;
    }
    if (from < n)
        at[pieces] = n;
    return pieces;
}

/* Run the operation in tiles, all in one if `most` is 1, in random order, and compare all that is written. */
static void run_tiles(const problem *p, const lami_ops *ops, size_t most, int shared)
{
    const op_case *c = &cases[p->op];
    const lami_class class = lami_op_table[p->op].class;
    lami_args args = p->args;
    fill_slots(p, &args, shared);
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].room)
            remember(&slots[i]);
    size_t row[CUTS + 2], col[CUTS + 2], order[(CUTS + 1) * (CUTS + 1)];
    const size_t down = cut(row, args.rows, class == LAMI_STAT ? p->chunk : 1, most);
    const size_t across = cut(col, args.cols, has_panels(p->op) ? ops->panel : 1, class == LAMI_ROW ? 1 : most);
    for (size_t i = 0; i < down * across; i++) {
        const size_t j = below(i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < down * across; i++) {
        const size_t r = order[i] / across, q = order[i] % across;
        const lami_tile t = { row[r], row[r + 1], col[q], col[q + 1] };
        run_tile(p, ops, &args, t);
        for (int o = 0; o < LAMI_OUTS; o++)
            if (has_out(p, o))
                accept(p, c->out[o], slot_of_out(p, o, shared), t);
        for (int s = 0; s < SLOTS; s++)
            if (slots[s].room && !unchanged(&slots[s]))
                fail_msg("%s: tile %zu..%zu x %zu..%zu changed something else, in %s %d", named(p, ops->set), t.r0,
                         t.r1, t.c0, t.c1, s < LAMI_INS ? "input" : "output", s < LAMI_INS ? s : s - LAMI_INS);
    }
    for (int o = 0; o < LAMI_OUTS; o++)
        for (size_t e = 0; has_out(p, o) && e < count_of(p, c->out[o]); e++)
            if (!same(args.out[o], p->out[o], e, p->bits))
                fail_msg("%s: output %d, element %zu is %a, in the documented order %a (in %zu x %zu tiles, shared %d)",
                         named(p, ops->set), o, e, number_at(args.out[o], e, p->bits), number_at(p->out[o], e, p->bits),
                         down, across, shared);
}

/* May the first output take the place of input i? As the plan has it: same rows and columns. */
static int may_share(const problem *p, int i)
{
    const op_case *c = &cases[p->op];
    return (lami_op_table[p->op].class == LAMI_MAP || c->in_place) && !c->own[0] && has_in(p, i) &&
           rows_of(p, shape_in(p, i)) == rows_of(p, c->out[0]) && cols_of(p, shape_in(p, i)) == cols_of(p, c->out[0]);
}

/* All tables, whole, in tiles and in place. */
static void check(problem p)
{
    if (has_panels(p.op))
        p.chunk = MOST_PANEL;
    prepare(&p);
    if (!p.specials)
        check_formula(&p);
    const lami_ops *ops;
    for (size_t i = 0; (ops = table_of(i, p.bits)); i++) {
        run_tiles(&p, ops, 1, 0);
        run_tiles(&p, ops, CUTS, 0);
        for (int k = 0; k < LAMI_INS; k++)
            if (may_share(&p, k))
                run_tiles(&p, ops, 3, k + 1);
    }
    release(&p);
}

/* ---- tests ---- */

static const size_t sizes[] = { 1, 2, 3, 5, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static int is_product(lami_op op)
{
    return lami_op_table[op].class == LAMI_PRODUCER;
}

/* A problem in each form of its operation: float, double, and of bf16 where it has that. */
static void check_forms(problem p)
{
    for (p.bits = 32; p.bits <= 64; p.bits += 32)
        check(p);
    if (!ordered_bf16[p.op])
        return;
    p.bits = 32;
    p.bf16 = 1;
    check(p);
}

static void every_operation_has_a_case(void **state)
{
    (void)state;
    for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++) {
        if (!cases[op].in[0] || !cases[op].out[0])
            fail_msg("%s has no case in test_ops.c", lami_op_table[op].name);
        const lami_ops *ops;
        for (size_t i = 0; (ops = table_of(i, 32)); i++)
            assert_non_null(ops->run[op]);
        for (size_t i = 0; (ops = table_of(i, 32)); i++)
            assert_int_equal(!!ops->run_bf16[op], !!ordered_bf16[op]);
        for (size_t i = 0; (ops = table_of(i, 64)); i++)
            assert_null(ops->run_bf16[op]);
    }
}

static void tables_are_what_they_say(void **state)
{
    (void)state;
    const lami_ops *ops;
    for (int bits = 32; bits <= 64; bits += 32) {
        for (size_t i = 0; (ops = table_of(i, bits)); i++) {
            assert_int_equal(ops->bits, bits);
            assert_true(ops->panel > 0 && MOST_PANEL % ops->panel == 0);
        }
        const lami_ops *best;
        assert_int_equal(lami_ops_find(&best, "auto", bits), LAM_OK);
        assert_ptr_equal(best, table_of(0, bits));
    }
    assert_int_equal(lami_ops_find(&ops, "mmx", 32), LAM_EUNSUPPORTED);
    assert_null(ops);
    assert_non_null(strstr(lam_last_error(), "mmx"));
    size_t sets = 0;
    while (lami_set_name(sets, NULL))
        sets++;
    assert_string_equal(lami_set_name(sets - 1, NULL), "plain");
}

/* Each number of columns with four numbers of rows. */
static void all_but_products_on_odd_sizes(void **state)
{
    (void)state;
    for (int bits = 32; bits <= 64; bits += 32)
        for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++)
            for (size_t i = 0; i < 4 * SIZES && !is_product(op); i++) {
                static const size_t chunk[] = { 24, 7, 1, 96 };
                check((problem) { .op = op,
                                  .bits = bits,
                                  .n = sizes[(i * 5 + i / SIZES) % SIZES],
                                  .d = sizes[i % SIZES],
                                  .chunk = chunk[i / 3 % 4],
                                  .short_form = cases[op].optional && i % 3 == 0 });
            }
}

/* Without label smoothing, and leaky ReLU and ELU that leak nothing. */
static void operations_whose_constant_is_0(void **state)
{
    (void)state;
    static const lami_op ops[] = { LAMI_OP_softmax_loss, LAMI_OP_leakyrelu, LAMI_OP_leakyrelu_grad,
                                   LAMI_OP_elu,          LAMI_OP_elu_grad,  LAMI_OP_shrink };
    for (int bits = 32; bits <= 64; bits += 32)
        for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++)
            for (size_t i = 0; i < 2 * SIZES; i++)
                check((problem) { .op = ops[o],
                                  .bits = bits,
                                  .n = sizes[(i * 5 + i / SIZES) % SIZES],
                                  .d = sizes[i % SIZES],
                                  .chunk = 24,
                                  .unsmoothed = 1,
                                  .specials = i > SIZES,
                                  .short_form = cases[ops[o]].optional && i % 3 == 0 });
}

/* Many chunks: the tree has all its levels, with and without a last chunk that is not full. */
static void trees_of_any_number_of_chunks(void **state)
{
    (void)state;
    for (int bits = 32; bits <= 64; bits += 32)
        for (size_t n = 1; n < 140; n += n < 20 ? 1 : 1 + n / 8) {
            check((problem) { .op = LAMI_OP_tree_sum, .bits = bits, .n = n, .d = 9, .chunk = 1 });
            check((problem) { .op = LAMI_OP_tree_moments, .bits = bits, .n = n, .d = 9, .chunk = 1 });
            check((problem) { .op = LAMI_OP_tree_moments, .bits = bits, .n = 24 * n - 5, .d = 5, .chunk = 24 });
        }
}

static void products_on_odd_sizes(void **state)
{
    (void)state;
    static const size_t depth[] = { 1, 2, 3, 7, 16, 33 };
    for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++)
        for (size_t i = 0; i < 4 * SIZES && is_product(op); i++)
            check_forms((problem) { .op = op,
                                    .n = sizes[(i * 5 + i / SIZES) % SIZES],
                                    .d = sizes[i % SIZES],
                                    .k = depth[i % 6],
                                    .chunk = 1 });
}

/* Blocks of 256, and their binary counter. */
static void products_of_any_depth(void **state)
{
    (void)state;
    static const size_t depth[] = { 1, 255, 256, 257, 511, 512, 513, 768, 800, 1025, 1280, 1500, 1793 };
    static const size_t rows[] = { 1, 6, 25, 9, 50, 2 }, cols[] = { 17, 1, 33, 16, 5 };
    for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++)
        for (size_t i = 0; i < 2 * sizeof depth / sizeof depth[0] && is_product(op); i++)
            check_forms((problem) { .op = op,
                                    .n = rows[i % 6],
                                    .d = cols[i % 5],
                                    .k = depth[i % (sizeof depth / sizeof depth[0])],
                                    .chunk = 1 });
}

/* Rows a multiple of 1 KiB apart, which the kernels treat in another way, and just beside it. */
static void products_with_rows_of_1_kib(void **state)
{
    (void)state;
    static const size_t wide[] = { 128, 256, 512, 255, 257 };
    for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++)
        for (size_t i = 0; i < sizeof wide / sizeof wide[0] && is_product(op); i++) {
            check_forms((problem) { .op = op, .n = 5, .d = wide[i], .k = 20, .chunk = 1 });
            check_forms((problem) { .op = op, .n = 7, .d = 19, .k = wide[i], .chunk = 1 });
            check_forms((problem) { .op = op, .n = wide[i], .d = 6, .k = 17, .chunk = 1 });
            check_forms((problem) { .op = op, .n = 50, .d = wide[i], .k = 300, .chunk = 1 });
        }
}

/* NaN, infinities, -0, subnormals: as the scalar code has them, on each set and for any tiles. */
static void special_values_are_the_same_everywhere(void **state)
{
    (void)state;
    static const size_t odd[] = { 1, 4, 17, 33, 50 };
    for (lami_op op = 0; op < LAMI_ROW_OP_COUNT; op++)
        for (size_t i = 0; i < 15; i++)
            check_forms((problem) {
                .op = op, .n = odd[i / 3], .d = odd[i % 5], .k = i % 3 ? 3 : 260, .chunk = 24, .specials = 1 });
}

/* One operation on up to 3 inputs of n numbers as one row, whole, float or double; outputs back in double. */
static void run_small(const lami_ops *ops, lami_op op, lami_args args, double *const in[], const int32_t *labels,
                      double *out[], const size_t outs[])
{
    enum { MOST = 64 };
    _Alignas(64) static uint8_t memory[LAMI_INS + LAMI_OUTS][MOST * 8];
    for (int i = 0; i < LAMI_INS && cases[op].in[i]; i++) {
        args.in[i] = memory[i];
        for (size_t e = 0; e < args.rows * args.cols && in[i]; e++)
            if (ops->bits == 32)
                ((float *)memory[i])[e] = (float)in[i][e];
            else
                ((double *)memory[i])[e] = in[i][e];
        if (!in[i])
            args.in[i] = labels;
    }
    for (int i = 0; i < LAMI_OUTS && out[i]; i++)
        args.out[i] = memory[LAMI_INS + i];
    ops->run[op](&args, (lami_tile) { 0, args.rows, 0, args.cols }, NULL);
    for (int i = 0; i < LAMI_OUTS && out[i]; i++)
        for (size_t e = 0; e < outs[i]; e++)
            out[i][e] = number_at(args.out[i], e, ops->bits);
}

static void relu_of_nan_is_nan(void **state)
{
    (void)state;
    for (int bits = 32; bits <= 64; bits += 32) {
        const lami_ops *ops;
        const double small = bits == 32 ? 0x1p-149 : 0x1p-1074;
        for (size_t i = 0; (ops = table_of(i, bits)); i++) {
            double x[] = { NAN, INFINITY, -INFINITY, small, -small, 3, -3 }, y[7];
            run_small(ops, LAMI_OP_relu, (lami_args) { .rows = 1, .cols = 7 }, (double *[]) { x }, NULL,
                      (double *[LAMI_OUTS]) { y }, (size_t[]) { 7 });
            const double want[] = { NAN, INFINITY, 0, small, 0, 3, 0 };
            assert_true(isnan(y[0]));
            for (int e = 1; e < 7; e++)
                assert_true(y[e] == want[e]);
        }
    }
}

static void losses_of_nan_and_infinity_are_not_finite(void **state)
{
    (void)state;
    static const double bad[] = { NAN, INFINITY };
    const lami_vars vars = { .batch = 1 };
    for (int bits = 32; bits <= 64; bits += 32) {
        const lami_ops *ops;
        for (size_t i = 0; (ops = table_of(i, bits)); i++)
            for (int k = 0; k < 2; k++)
                for (size_t at = 0; at < 20; at++) {
                    double x[20], loss, dx[20];
                    const int32_t label = 3;
                    for (size_t j = 0; j < 20; j++)
                        x[j] = j == at ? bad[k] : (double)j;
                    const lami_args args = { .rows = 1, .cols = 20, .vars = &vars };
                    double *in[] = { x, NULL }, *out[LAMI_OUTS] = { &loss, dx };
                    run_small(ops, LAMI_OP_softmax_loss, args, in, &label, out, (size_t[]) { 1, 20 });
                    assert_true(isnan(loss));
                    for (size_t j = 0; j < 20; j++)
                        assert_true(isnan(dx[j]));
                }
    }
}

/* Large scores overflow nothing; a loss of 0 is +0. */
static void softmax_of_large_scores_is_right(void **state)
{
    (void)state;
    const lami_vars vars = { .batch = 2 };
    for (int bits = 32; bits <= 64; bits += 32) {
        const lami_ops *ops;
        for (size_t i = 0; (ops = table_of(i, bits)); i++) {
            double x[] = { 1e30, -1e30, 0, 0, 0, -1e30 }, loss[2], dx[6];
            const int32_t label[] = { 0, 1 };
            double *in[] = { x, NULL }, *out[LAMI_OUTS] = { loss, dx };
            run_small(ops, LAMI_OP_softmax_loss, (lami_args) { .rows = 2, .cols = 3, .vars = &vars }, in, label, out,
                      (size_t[]) { 2, 6 });
            assert_true(loss[0] == 0 && !signbit(loss[0]));
            assert_true(fabs(loss[1] - 0.69314718055994531) < 1e-7);
            const double want[] = { 0, 0, 0, 0.25, -0.25, 0 };
            for (int j = 0; j < 6; j++)
                assert_true(dx[j] == want[j]);
        }
    }
}

/* A kept element is one whose word, counted over the whole array, is not below the threshold. */
static void dropout_follows_the_random_words_at_any_offset(void **state)
{
    (void)state;
    static const uint64_t starts[] = { 0,   1,        2,          3,           254,         255,
                                       257, 1u << 20, 0xffffffff, 0x3fffffffd, 0x3ffffffff, 0x400000001 };
    static const uint32_t thresholds[] = { 0, 1, 0x80000000, 0xffffffff };
    enum { COUNT = 600 };
    static float x[COUNT], y[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        x[i] = 1;
    const lami_vars vars = { .dropout_seed = 0xfedcba9876543210, .step = 12345 };
    const lami_rng rng = lami_rng_make(vars.dropout_seed, LAMI_RNG_DROPOUT, 9, vars.step);
    const lami_ops *ops;
    for (size_t t = 0; (ops = table_of(t, 32)); t++)
        for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++)
            for (size_t k = 0; k < 4; k++) {
                /* the second row of an array whose first row is not there */
                const size_t start = (size_t)starts[s], cols = start > COUNT ? start : COUNT;
                const size_t row = start > COUNT, c0 = row ? 0 : start, first = row * cols + c0;
                const size_t count = row ? COUNT : cols - start;
                lami_args args = {
                    .rows = 2, .cols = cols, .place = rng.place, .threshold = thresholds[k], .vars = &vars, .c = { 2 }
                };
                args.in[0] = (const void *)((uintptr_t)x - first * sizeof(float));
                args.out[0] = (void *)((uintptr_t)y - first * sizeof(float));
                ops->run[LAMI_OP_dropout](&args, (lami_tile) { row, row + 1, c0, c0 + count }, NULL);
                for (size_t i = 0; i < count; i++)
                    assert_true(y[i] == (lami_rng_word(&rng, first + i) >= thresholds[k] ? 2.0f : 0.0f));
            }
}

/* Where |mean| >> deviation: against sums in long double of the same numbers. The mean is right to its last place, the
 * deviation to its own: one pass (mean of squares less square of mean) would be off by thousands. */
static void batch_statistics_keep_their_digits(void **state)
{
    (void)state;
    enum { ROWS = 1000, COLS = 37, CHUNK = 24, PARTS = (ROWS + CHUNK - 1) / CHUNK };
    const lami_rng rng = lami_rng_make(1, LAMI_RNG_TEST, 0, 0);
    static double memory[ROWS * COLS];
    static double parts[3][PARTS * COLS], result[3][COLS];
    for (int bits = 32; bits <= 64; bits += 32) {
        const double ulp = bits == 32 ? 0x1p-10 : 0x1p-39; /* of 1e4 */
        for (size_t i = 0; i < ROWS * COLS; i++)
            if (bits == 32)
                ((float *)memory)[i] = (float)(1e4 + lami_rng_normal(&rng, i));
            else
                memory[i] = 1e4 + lami_rng_normal(&rng, i);
        const lami_ops *ops;
        for (size_t t = 0; (ops = table_of(t, bits)); t++) {
            const lami_args stat = {
                .in = { memory }, .out = { parts[0], parts[1], parts[2] }, .rows = ROWS, .cols = COLS, .chunk = CHUNK
            };
            ops->run[LAMI_OP_stat_moments](&stat, (lami_tile) { 0, ROWS, 0, COLS }, NULL);
            const lami_args tree = { .in = { parts[0], parts[1], parts[2] },
                                     .out = { result[0], result[1], result[2] },
                                     .rows = 1,
                                     .cols = COLS,
                                     .depth = ROWS,
                                     .chunk = CHUNK,
                                     .c = { 1e-5 } };
            ops->run[LAMI_OP_tree_moments](&tree, (lami_tile) { 0, 1, 0, COLS }, NULL);
            for (size_t c = 0; c < COLS; c++) {
                long double mean = 0, var = 0;
                for (size_t r = 0; r < ROWS; r++)
                    mean += (long double)number_at(memory, r * COLS + c, bits) / ROWS;
                for (size_t r = 0; r < ROWS; r++) {
                    const long double d = (long double)number_at(memory, r * COLS + c, bits) - mean;
                    var += d * d / ROWS;
                }
                const double deviation = 1 / sqrt((double)var + tree.c[0]);
                const double epsilon = bits == 32 ? 0x1p-23 : 0x1p-52;
                assert_true(fabs(number_at(result[0], c, bits) - (double)mean) <= ulp);
                assert_true(fabs(number_at(result[1], c, bits) - (double)var) <= 16 * epsilon * (double)var);
                assert_true(fabs(number_at(result[2], c, bits) - deviation) <= 16 * epsilon * deviation);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_case),
        cmocka_unit_test(tables_are_what_they_say),
        cmocka_unit_test(all_but_products_on_odd_sizes),
        cmocka_unit_test(operations_whose_constant_is_0),
        cmocka_unit_test(trees_of_any_number_of_chunks),
        cmocka_unit_test(products_on_odd_sizes),
        cmocka_unit_test(products_of_any_depth),
        cmocka_unit_test(products_with_rows_of_1_kib),
        cmocka_unit_test(special_values_are_the_same_everywhere),
        cmocka_unit_test(relu_of_nan_is_nan),
        cmocka_unit_test(losses_of_nan_and_infinity_are_not_finite),
        cmocka_unit_test(softmax_of_large_scores_is_right),
        cmocka_unit_test(dropout_follows_the_random_words_at_any_offset),
        cmocka_unit_test(batch_statistics_keep_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
