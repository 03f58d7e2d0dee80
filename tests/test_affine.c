/* affine: values against the course and plain loops in double, gradients against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

static void forward_gives_the_values_of_the_course(void **state)
{
    (void)state;
    static const double expected[] = { 1.49834967, 1.70660132, 1.91485297, 3.25553199, 3.5141327, 3.77273342 };
    EACH_TYPE(type)
    {
        const lam_tensor x = make_tensor(type, (lam_shape) { 4, { 2, 4, 5, 6 } }), w = make_rows(type, 120, 3);
        const lam_tensor b = make_vector(type, 3);
        lam_tensor out = make_rows(type, 2, 3);
        fill_linspace(&x, -0.1, 0.5);
        fill_linspace(&w, -0.2, 0.3);
        fill_linspace(&b, -0.3, 0.1);
        assert_ok(lam_affine_forward(NULL, &out, &x, &w, &b));
        assert_elements(&out, expected, 6, type == LAM_F32 ? 1e-6 : 5e-9);
    }
}

/* The error of a sum of D products and a bias is at most (D + 1) units of the sum of their sizes. */
static void assert_product(lam_dtype type, size_t n, size_t d, size_t m)
{
    const lam_tensor x = make_normal(type, n, d, 1), w = make_normal(type, d, m, 2), b = make_normal(type, 1, m, 3);
    lam_tensor out = make_rows(type, n, m);
    assert_ok(lam_affine_forward(NULL, &out, &x, &w, &b));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            double sum = at(&b, j), size = fabs(sum);
            for (size_t k = 0; k < d; k++) {
                const double product = at(&x, i * d + k) * at(&w, k * m + j);
                sum += product;
                size += fabs(product);
            }
            assert_near(at(&out, i * m + j), sum, 2 * (double)(d + 2) * unit_of(type) * size);
        }
}

static void forward_is_a_product_and_a_bias_for_odd_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][3] = { { 1, 1, 1 },     { 1, 700, 3 },   { 3, 2, 65 },    { 17, 31, 1 },
                                       { 23, 257, 33 }, { 25, 64, 100 }, { 49, 1025, 7 }, { 100, 5, 131 } };
    EACH_TYPE(type)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_product(type, sizes[i][0], sizes[i][1], sizes[i][2]);
        free_tensors(NULL);
    }
}

typedef struct {
    lam_tensor x, w, b, out, dout, dx, dw, db;
} affine;

static affine make_affine(lam_dtype type, size_t n, size_t d, size_t m)
{
    return (affine) { make_normal(type, n, d, 1), make_normal(type, d, m, 2), make_normal(type, 1, m, 3),
                      make_rows(type, n, m),      make_normal(type, n, m, 4), make_rows(type, n, d),
                      make_rows(type, d, m),      make_vector(type, m) };
}

static double objective(void *arg)
{
    affine *a = arg;
    assert_ok(lam_affine_forward(NULL, &a->out, &a->x, &a->w, &a->b));
    return dot_of(&a->out, &a->dout);
}

static void run_backward(affine *a)
{
    lam_cache *cache = NULL;
    assert_ok(lam_affine_forward(&cache, &a->out, &a->x, &a->w, &a->b));
    assert_ok(lam_affine_backward(&a->dx, &a->dw, &a->db, &a->dout, cache));
    lam_cache_free(cache);
}

static void backward_is_the_numeric_gradient(void **state)
{
    (void)state;
    static const size_t sizes[][3] = { { 10, 6, 5 }, { 1, 1, 1 }, { 27, 3, 9 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        affine a = make_affine(LAM_F64, sizes[i][0], sizes[i][1], sizes[i][2]);
        run_backward(&a);
        assert_gradient(&a.x, &a.dx, objective, &a);
        assert_gradient(&a.w, &a.dw, objective, &a);
        assert_gradient(&a.b, &a.db, objective, &a);
    }
}

static void backward_in_float_agrees_with_double(void **state)
{
    (void)state;
    affine single = make_affine(LAM_F32, 130, 301, 43), twice = make_affine(LAM_F64, 130, 301, 43);
    run_backward(&single);
    run_backward(&twice);
    assert_close(&single.dx, &twice.dx, 1e-6);
    assert_close(&single.dw, &twice.dw, 1e-6);
    assert_close(&single.db, &twice.db, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forward_gives_the_values_of_the_course),
        TEST(forward_is_a_product_and_a_bias_for_odd_sizes),
        TEST(backward_is_the_numeric_gradient),
        TEST(backward_in_float_agrees_with_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
