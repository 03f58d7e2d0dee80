/* Winograd convolutions against the plain ones: the same sums within rounding, on all sets the same bits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../src/core/random.h"
#include "../src/kern/ops.h"

typedef struct {
    size_t n, h, w, c, filters;
    ptrdiff_t pad;
} task;

static const task tasks[] = {
    { 2, 8, 8, 16, 16, 1 },  { 3, 7, 9, 32, 48, 1 },    { 1, 3, 3, 16, 32, 1 },  { 2, 5, 6, 48, 16, 0 },
    { 1, 6, 4, 16, 16, 2 },  { 1, 12, 13, 272, 16, 1 }, { 30, 4, 4, 16, 16, 1 }, { 1, 1, 1, 16, 16, 1 },
    { 40, 7, 7, 16, 32, 1 }, { 90, 2, 3, 32, 16, 1 },   { 3, 31, 5, 16, 16, 1 }, { 5, 6, 15, 16, 16, 1 },
    { 70, 9, 1, 16, 16, 1 }, { 3, 7, 9, 24, 40, 1 },    { 2, 6, 6, 17, 5, 1 },   { 1, 8, 8, 100, 20, 0 },
    { 2, 5, 5, 1, 1, 1 },    { 1, 9, 6, 260, 31, 1 },
};

static float *numbers(size_t count, uint32_t layer)
{
    float *x = malloc((count + 1) * sizeof *x);
    const lami_rng rng = lami_rng_make(7, LAMI_RNG_TEST, layer, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)lami_rng_normal(&rng, i);
    return x;
}

/* Run an operation on tiles of so many rows and columns. */
static void run(const lami_ops *ops, lami_op op, const lami_args *args, size_t rows, size_t cols)
{
    void *work = aligned_alloc(64, (ops->work(op, args, rows, cols) + 127) / 64 * 64);
    for (size_t r = 0; r < args->rows; r += rows)
        for (size_t c = 0; c < args->cols; c += cols) {
            const lami_tile t = { r, r + rows < args->rows ? r + rows : args->rows, c,
                                  c + cols < args->cols ? c + cols : args->cols };
            ops->run[op](args, t, work);
        }
    free(work);
}

typedef struct {
    lami_window window;
    size_t pixels, depth, chunk, parts;
    float *x, *w, *dy, *u, *y, *part;
} problem;

static size_t whole_panels(size_t filters)
{
    return (filters + LAMI_WINOGRAD_PANEL - 1) / LAMI_WINOGRAD_PANEL * LAMI_WINOGRAD_PANEL;
}

static problem make(const task *t)
{
    problem p = { .window = { .h = t->h,
                              .w = t->w,
                              .c = t->c,
                              .kernel_h = 3,
                              .kernel_w = 3,
                              .stride_h = 1,
                              .stride_w = 1,
                              .pad_top = t->pad,
                              .pad_left = t->pad,
                              .up_h = 1,
                              .up_w = 1 } };
    p.window.out_h = t->h + 2 * (size_t)t->pad - 2;
    p.window.out_w = t->w + 2 * (size_t)t->pad - 2;
    p.pixels = t->n * p.window.out_h * p.window.out_w;
    p.depth = 9 * t->c;
    p.chunk = (t->n + 1) / 2;
    p.parts = (t->n + p.chunk - 1) / p.chunk;
    p.x = numbers(t->n * t->h * t->w * t->c, 1);
    p.w = numbers(p.depth * t->filters, 2);
    p.dy = numbers(p.pixels * t->filters, 3);
    p.u = malloc(36 * t->c * whole_panels(t->filters) * sizeof *p.u);
    p.y = calloc(p.pixels * t->filters, sizeof *p.y);
    p.part = calloc(p.parts * p.depth * t->filters, sizeof *p.part);
    return p;
}

static void release(problem *p)
{
    free(p->x);
    free(p->w);
    free(p->dy);
    free(p->u);
    free(p->y);
    free(p->part);
}

static void forward(const lami_ops *ops, problem *p, const task *t, int winograd, size_t rows, size_t cols)
{
    const lami_args weights = { .in = { p->w },
                                .out = { p->u },
                                .rows = 36 * t->c * whole_panels(t->filters) / LAMI_WINOGRAD_PANEL,
                                .cols = LAMI_WINOGRAD_PANEL,
                                .depth = t->filters,
                                .window = &p->window };
    const lami_args args = { .in = { p->x, winograd ? p->u : p->w },
                             .out = { p->y },
                             .rows = p->pixels,
                             .cols = t->filters,
                             .depth = p->depth,
                             .window = &p->window };
    if (winograd)
        run(ops, LAMI_OP_winograd_weights, &weights, 100, 16);
    run(ops, winograd ? LAMI_OP_winograd : LAMI_OP_conv, &args, rows, cols);
}

static void filter(const lami_ops *ops, problem *p, const task *t, int winograd, size_t rows, size_t cols)
{
    const lami_args args = { .in = { p->x, p->dy },
                             .out = { p->part },
                             .rows = p->parts * p->depth,
                             .cols = t->filters,
                             .depth = p->pixels,
                             .chunk = p->chunk,
                             .window = &p->window };
    run(ops, winograd ? LAMI_OP_winograd_filter : LAMI_OP_conv_filter, &args, rows, cols);
}

/* Largest difference, of the largest value. */
static double difference(const float *a, const float *b, size_t count)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = (double)a[i] - (double)b[i], size = b[i] < 0 ? -(double)b[i] : (double)b[i];
        most = d > most ? d : -d > most ? -d : most;
        largest = size > largest ? size : largest;
    }
    return most / largest;
}

static void it_is_the_plain_convolution_within_rounding(void **state)
{
    (void)state;
    const lami_ops *ops;
    assert_int_equal(lami_ops_find(&ops, "auto", 32), 0);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        const task *t = &tasks[i];
        problem a = make(t), b = make(t);
        forward(ops, &a, t, 1, 1000, t->filters);
        forward(ops, &b, t, 0, 1000, t->filters);
        filter(ops, &a, t, 1, a.depth, t->filters);
        filter(ops, &b, t, 0, b.depth, t->filters);
        const double y = difference(a.y, b.y, a.pixels * t->filters);
        const double g = difference(a.part, b.part, a.parts * a.depth * t->filters);
        if (!(y < 2e-5 && g < 2e-5))
            fail_msg("task %zu: forward %g, filters %g", i, y, g);
        release(&a);
        release(&b);
    }
}

static void each_set_and_each_tile_gives_the_same_bits(void **state)
{
    (void)state;
    const lami_ops *plain;
    int usable;
    assert_int_equal(lami_ops_find(&plain, "plain", 32), 0);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        const task *t = &tasks[i];
        problem a = make(t);
        forward(plain, &a, t, 1, 1000, t->filters);
        filter(plain, &a, t, 1, a.depth, t->filters);
        for (size_t k = 0; lami_set_name(k, &usable); k++) {
            const lami_ops *ops;
            if (!usable)
                continue;
            assert_int_equal(lami_ops_find(&ops, lami_set_name(k, &usable), 32), 0);
            problem b = make(t);
            forward(ops, &b, t, 1, 7, 16);
            filter(ops, &b, t, 1, a.depth / 3 + 1, 16);
            assert_memory_equal(a.y, b.y, a.pixels * t->filters * sizeof *a.y);
            assert_memory_equal(a.part, b.part, a.parts * a.depth * t->filters * sizeof *a.part);
            release(&b);
        }
        release(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_plain_convolution_within_rounding),
        cmocka_unit_test(each_set_and_each_tile_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
