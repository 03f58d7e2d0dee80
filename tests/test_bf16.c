/* Products of bf16 (--precision bf16): the rounding, zeros for subnormals, convolutions to the bit in the documented order on
 * each set, and what a network, a model and a training make of the option. Of products of matrices: test_ops.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/random.h"
#include "../src/net/net.h"
#include "bf16_order.h"
#include "folder.h"
#include "toy.h"

/* The i-th table that runs here, NULL past the end. */
static const lami_ops *table_of(size_t i)
{
    const char *name;
    int usable;
    for (size_t k = 0; (name = lami_set_name(k, &usable)); k++)
        if (usable && !i--) {
            const lami_ops *ops;
            assert_int_equal(lami_ops_find(&ops, name, 32), LAM_OK);
            return ops;
        }
    return NULL;
}

/* Run an operation on tiles of so many rows and columns. */
static void run(const lami_ops *ops, lami_op op, const lami_args *args, size_t rows, size_t cols)
{
    void *work = aligned_alloc(64, (ops->work(op, args, rows, cols) + 127) / 64 * 64);
    assert_non_null(work);
    for (size_t r = 0; r < args->rows; r += rows)
        for (size_t c = 0; c < args->cols; c += cols) {
            const lami_tile t = { r, r + rows < args->rows ? r + rows : args->rows, c,
                                  c + cols < args->cols ? c + cols : args->cols };
            (args->bf16 ? ops->run_bf16 : ops->run)[op](args, t, work);
        }
    free(work);
}

/* ---- known values ---- */

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Sum of n products. */
static float sum_of(const lami_ops *ops, const float *a, const float *b, size_t n)
{
    float y = 7;
    const lami_args args = { .in = { a, b }, .out = { &y }, .rows = 1, .cols = 1, .depth = n, .bf16 = 1 };
    run(ops, LAMI_OP_gemm_nn, &args, 1, 1);
    return y;
}

static void numbers_are_rounded_to_the_nearest_bf16(void **state)
{
    (void)state;
    static const uint32_t known[][2] = {
        { 0x3f800000, 0x3f800000 },                             /* 1 */
        { 0x3f807fff, 0x3f800000 }, { 0x3f808000, 0x3f800000 }, /* halfway: to even */
        { 0x3f808001, 0x3f810000 }, { 0x3f817fff, 0x3f810000 }, { 0x3f818000, 0x3f820000 },
        { 0xbf818000, 0xbf820000 }, { 0x3fffffff, 0x40000000 }, { 0x7f7f7fff, 0x7f7f0000 }, /* the largest */
        { 0x7f7f8000, 0x7f800000 }, { 0xff7fffff, 0xff800000 }, { 0x7f800000, 0x7f800000 }, /* infinities */
        { 0x00800000, 0x00800000 }, { 0x807fffff, 0x00000000 }, { 0x00000001, 0x00000000 }, /* subnormals: zero */
    };
    const float one = 1;
    const lami_ops *ops;
    for (size_t k = 0; (ops = table_of(k)); k++) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            const float x = float_of(known[i][0]);
            const uint32_t got = bits_of(sum_of(ops, &x, &one, 1)), other = bits_of(sum_of(ops, &one, &x, 1));
            if (got != known[i][1] || other != known[i][1])
                fail_msg("%s: %08x is rounded to %08x and %08x, not %08x", ops->set, known[i][0], got, other,
                         known[i][1]);
        }
        const float nan = float_of(0x7f800001); /* whose upper half is that of infinity */
        assert_true(isnan(sum_of(ops, &nan, &one, 1)));
    }
}

/* A result below 2^-126 is zero, and which ones those are shows before they are rounded to what subnormals have: 2^-126 less
 * 2^-150 is a number of 24 digits and too small; less 2^-151 it is halfway to 2^-126, and goes there. */
static void results_that_are_subnormal_are_zero(void **state)
{
    (void)state;
    const lami_ops *ops;
    for (size_t k = 0; (ops = table_of(k)); k++) {
        const float a[] = { -0x1p-75f, 0x1p-63f }, half[] = { -0x1p-76f, 0x1p-63f };
        const float b[] = { 0x1p-75f, 0x1p-63f };
        assert_true(sum_of(ops, a, b, 2) == 0);
        assert_true(sum_of(ops, half, b, 2) == 0x1p-126f);
        const float tiny[] = { 0x1p-64f, 0 }, near[] = { 0x1.fep-64f, 0 }, c[] = { -0x1p-63f, 1 };
        const float zero = sum_of(ops, tiny, c, 2);
        assert_true(zero == 0 && signbit(zero));
        assert_true(sum_of(ops, near, c, 2) == 0); /* 1.9921875 * 2^-127 */
        const float up[] = { 0x1p-63f, 0x1p-63f }, lost[] = { 0x1p-64f, 0x1p-64f };
        assert_true(sum_of(ops, up, up, 2) == 0x1p-125f);
        assert_true(sum_of(ops, lost, lost, 2) == 0); /* as the first of the two is lost */
    }
}

static void the_second_of_a_pair_is_added_first(void **state)
{
    (void)state;
    const float one[] = { 1, 1, 1, 1 }, a[] = { 0, 0x1p24f, 1, -0x1p24f }, b[] = { 0, 0x1p24f, -0x1p24f, 1 };
    const lami_ops *ops;
    for (size_t k = 0; (ops = table_of(k)); k++) {
        assert_true(sum_of(ops, a, one, 4) == 1);
        assert_true(sum_of(ops, b, one, 4) == 0); /* 2^24 + 1 is no float */
    }
}

/* ---- convolutions ---- */

typedef struct {
    size_t n, h, w, c, filters, kernel[2], stride[2];
    ptrdiff_t pad[2];
} task;

static const task tasks[] = {
    { 2, 6, 5, 3, 5, { 3, 3 }, { 1, 1 }, { 1, 1 } },     { 3, 7, 9, 16, 33, { 3, 3 }, { 2, 2 }, { 1, 1 } },
    { 1, 9, 11, 1, 1, { 4, 4 }, { 3, 3 }, { 1, 1 } },    { 2, 5, 7, 9, 40, { 1, 1 }, { 2, 2 }, { 0, 0 } },
    { 1, 4, 300, 3, 4, { 3, 1 }, { 1, 1 }, { 0, 2 } },   { 2, 6, 6, 100, 20, { 3, 3 }, { 2, 2 }, { 1, 1 } },
    { 3, 4, 4, 2, 3, { 2, 2 }, { 4, 4 }, { 5, 3 } },     { 9, 1, 1, 40, 150, { 1, 1 }, { 1, 1 }, { 0, 0 } },
    { 1, 17, 16, 32, 17, { 5, 2 }, { 1, 1 }, { 0, 0 } }, { 40, 3, 3, 30, 16, { 3, 3 }, { 1, 1 }, { 1, 1 } },
};
enum { TASKS = sizeof tasks / sizeof *tasks };

static float *numbers(size_t count, uint32_t layer)
{
    float *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    const lami_rng rng = lami_rng_make(7, LAMI_RNG_TEST, layer, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)lami_rng_normal(&rng, i);
    return x;
}

static lami_window window_of(const task *t)
{
    return (lami_window) { .h = t->h,
                           .w = t->w,
                           .c = t->c,
                           .out_h = (t->h + 2 * (size_t)t->pad[0] - t->kernel[0]) / t->stride[0] + 1,
                           .out_w = (t->w + 2 * (size_t)t->pad[1] - t->kernel[1]) / t->stride[1] + 1,
                           .kernel_h = t->kernel[0],
                           .kernel_w = t->kernel[1],
                           .stride_h = t->stride[0],
                           .stride_w = t->stride[1],
                           .pad_top = t->pad[0],
                           .pad_left = t->pad[1],
                           .up_h = 1,
                           .up_w = 1 };
}

/* The data gradient's: a convolution of dy. */
static lami_window turned(const task *t)
{
    const lami_window w = window_of(t);
    return (lami_window) { .h = w.out_h,
                           .w = w.out_w,
                           .c = t->filters,
                           .out_h = t->h,
                           .out_w = t->w,
                           .kernel_h = w.kernel_h,
                           .kernel_w = w.kernel_w,
                           .stride_h = 1,
                           .stride_w = 1,
                           .pad_top = (ptrdiff_t)w.kernel_h - 1 - w.pad_top,
                           .pad_left = (ptrdiff_t)w.kernel_w - 1 - w.pad_left,
                           .up_h = w.stride_h,
                           .up_w = w.stride_w };
}

/* What output pixel (i, j) of an image sees, element by element, and the rows of the weights that this meets; how many. */
static size_t seen(float *x, size_t *row, const lami_window *w, const float *image, size_t i, size_t j)
{
    size_t n = 0;
    for (size_t u = 0; u < w->kernel_h; u++)
        for (size_t v = 0; v < w->kernel_w; v++) {
            const ptrdiff_t y = (ptrdiff_t)(i * w->stride_h + u) - w->pad_top;
            const ptrdiff_t z = (ptrdiff_t)(j * w->stride_w + v) - w->pad_left;
            if (y % (ptrdiff_t)w->up_h || z % (ptrdiff_t)w->up_w)
                continue;
            const ptrdiff_t p = y / (ptrdiff_t)w->up_h, q = z / (ptrdiff_t)w->up_w;
            const int inside = p >= 0 && q >= 0 && p < (ptrdiff_t)w->h && q < (ptrdiff_t)w->w;
            for (size_t c = 0; c < w->c; c++, n++) {
                x[n] = inside ? image[((size_t)p * w->w + (size_t)q) * w->c + c] : 0;
                row[n] = (u * w->kernel_w + v) * w->c + c;
            }
        }
    return n;
}

/* The convolution of window w with weights (kernel_h kernel_w c, cols), in the documented order. */
static float *convolved(const lami_window *w, const float *x, const float *weights, size_t n, size_t cols)
{
    const size_t pixels = w->out_h * w->out_w, depth = w->kernel_h * w->kernel_w * w->c;
    float *y = calloc(n * pixels * cols, sizeof *y), *a = malloc(depth * sizeof *a), *b = malloc(depth * sizeof *b);
    size_t *row = malloc(depth * sizeof *row);
    assert_true(y && a && b && row);
    for (size_t r = 0; r < n * pixels; r++) {
        const size_t p = r % pixels;
        const size_t terms = seen(a, row, w, x + r / pixels * w->h * w->w * w->c, p / w->out_w, p % w->out_w);
        for (size_t f = 0; f < cols; f++) {
            for (size_t k = 0; k < terms; k++)
                b[k] = weights[row[k] * cols + f];
            y[r * cols + f] = terms ? bf16_sum(a, 1, b, 1, terms) : 0;
        }
    }
    free(a);
    free(b);
    free(row);
    return y;
}

/* Weights turned by half, channels and filters swapped: (kernel_h kernel_w filters, c). */
static float *turn(const task *t, const float *weights)
{
    const size_t taps = t->kernel[0] * t->kernel[1];
    float *to = malloc(taps * t->c * t->filters * sizeof *to);
    assert_non_null(to);
    for (size_t k = 0; k < taps; k++)
        for (size_t f = 0; f < t->filters; f++)
            for (size_t c = 0; c < t->c; c++)
                to[(k * t->filters + f) * t->c + c] = weights[((taps - 1 - k) * t->c + c) * t->filters + f];
    return to;
}

/* Parts of the filters' gradient, of `chunk` samples each: pairs of pixels of an output row. */
static float *filtered(const task *t, const float *x, const float *dy, size_t chunk)
{
    const lami_window w = window_of(t);
    const size_t depth = w.kernel_h * w.kernel_w * w.c, parts = (t->n + chunk - 1) / chunk, width = w.out_w;
    float *sum = calloc(parts * depth * t->filters, sizeof *sum), *a = malloc(width * depth * sizeof *a);
    size_t *row = malloc(depth * sizeof *row);
    assert_true(sum && a && row);
    for (size_t n = 0; n < t->n; n++)
        for (size_t i = 0; i < w.out_h; i++) {
            for (size_t j = 0; j < width; j++)
                seen(a + j * depth, row, &w, x + n * w.h * w.w * w.c, i, j);
            for (size_t k = 0; k < depth; k++)
                for (size_t f = 0; f < t->filters; f++) {
                    float *to = &sum[(n / chunk * depth + k) * t->filters + f];
                    *to = bf16_pairs(*to, a + k, depth, dy + (n * w.out_h + i) * width * t->filters + f, t->filters,
                                     width);
                }
        }
    free(a);
    free(row);
    return sum;
}

static void assert_bits(const float *got, const float *wanted, size_t count, size_t number, const char *set,
                        const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (bits_of(got[i]) != bits_of(wanted[i]))
            fail_msg("task %zu, %s: element %zu of %s is %a, in the documented order %a", number, set, i, what,
                     (double)got[i], (double)wanted[i]);
}

static void convolutions_have_the_bits_of_the_documented_order(void **state)
{
    (void)state;
    static const size_t tiles[][2] = { { 10000, 10000 }, { 7, 5 }, { 100, 32 } };
    for (size_t i = 0; i < TASKS; i++) {
        const task *t = &tasks[i];
        const lami_window w = window_of(t), back = turned(t);
        const size_t rows = t->n * w.out_h * w.out_w, depth = w.kernel_h * w.kernel_w * w.c;
        const size_t pixels = t->n * t->h * t->w, chunk = (t->n + 1) / 2, parts = (t->n + chunk - 1) / chunk;
        float *x = numbers(pixels * t->c, 1), *weights = numbers(depth * t->filters, 2);
        float *dy = numbers(rows * t->filters, 3), *flipped = turn(t, weights);
        float *y = convolved(&w, x, weights, t->n, t->filters), *dx = convolved(&back, dy, flipped, t->n, t->c);
        float *part = filtered(t, x, dy, chunk);
        float *got = malloc((rows + pixels + parts * depth) * (t->filters + t->c) * sizeof *got);
        float *sorted = malloc(depth * t->filters * sizeof *sorted);
        assert_true(got && sorted);
        const lami_ops *ops;
        for (size_t k = 0; (ops = table_of(k)); k++)
            for (size_t n = 0; n < sizeof tiles / sizeof *tiles; n++) {
                const size_t down = tiles[n][0], across = tiles[n][1];
                const lami_args forward = { .in = { x, weights },
                                            .out = { got },
                                            .rows = rows,
                                            .cols = t->filters,
                                            .depth = depth,
                                            .bf16 = 1,
                                            .window = &w };
                run(ops, LAMI_OP_conv, &forward, down, across);
                assert_bits(got, y, rows * t->filters, i, ops->set, "y");
                const size_t turned_depth = w.kernel_h * w.kernel_w * t->filters;
                const lami_args flip = {
                    .in = { weights }, .out = { sorted }, .rows = turned_depth, .cols = t->c, .window = &back
                };
                run(ops, LAMI_OP_conv_flip, &flip, turned_depth, t->c);
                const lami_args data = { .in = { dy, sorted },
                                         .out = { got },
                                         .rows = pixels,
                                         .cols = t->c,
                                         .depth = turned_depth,
                                         .bf16 = 1,
                                         .window = &back };
                run(ops, LAMI_OP_conv, &data, down, across);
                assert_bits(got, dx, pixels * t->c, i, ops->set, "dx");
                const lami_args filter = { .in = { x, dy },
                                           .out = { got },
                                           .rows = parts * depth,
                                           .cols = t->filters,
                                           .depth = rows,
                                           .chunk = chunk,
                                           .bf16 = 1,
                                           .window = &w };
                run(ops, LAMI_OP_conv_filter, &filter, down, across);
                assert_bits(got, part, parts * depth * t->filters, i, ops->set, "dw");
            }
        free(x);
        free(weights);
        free(dy);
        free(flipped);
        free(y);
        free(dx);
        free(part);
        free(got);
        free(sorted);
    }
}

/* ---- networks ---- */

static const char notation[] = "affine 40 - batchnorm - relu - affine 5 - softmax";

static lam_net *net_of(const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { 30 } }, options));
    lam_options_free(options);
    return net;
}

/* Loss and accuracy on the validation part after a training. */
static lam_metrics trained(char sha[65], const char *precision)
{
    char list[96];
    snprintf(list, sizeof list, "epochs=6 batch=50 lr=0.01 precision=%s", precision);
    lam_options *options = toy_options(list);
    lam_data *data = toy_data(600, 300, 30, 5, 1.5);
    lam_net *net = net_of(list);
    lam_metrics m;
    assert_ok(lam_train(net, data, options, NULL, NULL));
    assert_ok(lam_eval(&m, net, data, LAM_VAL, options));
    assert_ok(lam_net_sha256(net, sha));
    lam_net_free(net);
    lam_data_free(data);
    lam_options_free(options);
    return m;
}

static void training_comes_close_to_that_in_float(void **state)
{
    (void)state;
    char full[65], bf16[65];
    const lam_metrics a = trained(full, "full"), b = trained(bf16, "bf16");
    assert_string_not_equal(full, bf16);
    assert_true(a.accuracy > 0.9);
    assert_true(fabs(a.accuracy - b.accuracy) < 0.02 && fabs(a.loss - b.loss) < 0.1 * a.loss);
}

static void weights_and_what_is_no_product_stay_float(void **state)
{
    (void)state;
    lam_net *full = net_of("seed=3"), *bf16 = net_of("seed=3 precision=bf16");
    char a[65], b[65];
    assert_ok(lam_net_sha256(full, a));
    assert_ok(lam_net_sha256(bf16, b));
    assert_string_equal(a, b);
    lam_net_free(full);
    lam_net_free(bf16);
}

static void double_has_none(void **state)
{
    (void)state;
    lam_net *net = NULL;
    lam_check_row *rows = NULL;
    size_t count;
    lam_options *options = toy_options("precision=bf16 dtype=f64");
    const lam_shape input = { 1, { 30 } };
    assert_int_equal(lam_net_new(&net, notation, &input, options), LAM_EOPTION);
    assert_null(net);
    assert_string_equal(lam_last_error(), "--precision bf16 is for --dtype f32: in double no product is rounded");
    assert_int_equal(lam_check(&rows, &count, notation, &input, options), LAM_EOPTION); /* it checks in double */
    lam_options_free(options);
}

static void a_model_keeps_it(void **state)
{
    (void)state;
    lam_net *net = net_of("precision=bf16"), *loaded = NULL, *full = net_of(""), *other = NULL;
    assert_ok(lam_net_save(net, in_folder("bf16.safetensors")));
    assert_ok(lam_net_load(&loaded, in_folder("bf16.safetensors")));
    assert_true(net->bf16 && loaded->bf16);
    assert_ok(lam_net_save(full, in_folder("full.safetensors")));
    assert_ok(lam_net_load(&other, in_folder("full.safetensors")));
    assert_false(other->bf16);
    lam_net_free(net);
    lam_net_free(loaded);
    lam_net_free(full);
    lam_net_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_to_the_nearest_bf16),
        cmocka_unit_test(results_that_are_subnormal_are_zero),
        cmocka_unit_test(the_second_of_a_pair_is_added_first),
        cmocka_unit_test(convolutions_have_the_bits_of_the_documented_order),
        cmocka_unit_test(training_comes_close_to_that_in_float),
        cmocka_unit_test(weights_and_what_is_no_product_stay_float),
        cmocka_unit_test(double_has_none),
        cmocka_unit_test(a_model_keeps_it),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
