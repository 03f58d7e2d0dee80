/* tensors: for the tests of layers, losses and update rules: tensors filled as the course's notebooks do it,
 * compared in double, and numeric gradients. Their memory ends where their elements end and is not aligned. Include
 * after cmocka.h; tests that make tensors are listed with TEST, which frees them. */
#ifndef LAMI_TEST_TENSORS_H
#define LAMI_TEST_TENSORS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/core/shape.h"
#include "status_checks.h"

#define TEST(name)      cmocka_unit_test_teardown(name, free_tensors)
#define EACH_TYPE(type) for (lam_dtype type = LAM_F32; type <= LAM_F64; type++)

enum { MOST_TENSORS = 1024 };
static void *tensor_memory[MOST_TENSORS];
static size_t tensor_count;

static inline int free_tensors(void **state)
{
    (void)state;
    while (tensor_count)
        free(tensor_memory[--tensor_count]);
    return 0;
}

static inline lam_tensor make_tensor(lam_dtype type, const lam_shape shape)
{
    const size_t size = lami_dtype_size(type);
    assert_true(tensor_count < MOST_TENSORS);
    char *p = calloc(lam_shape_count(&shape) + 1, size);
    assert_non_null(p);
    tensor_memory[tensor_count++] = p;
    return (lam_tensor) { type, shape, p + size };
}

static inline lam_tensor make_rows(lam_dtype type, size_t n, size_t d)
{
    return make_tensor(type, lami_shape2(n, d));
}

static inline lam_tensor make_vector(lam_dtype type, size_t d)
{
    return make_tensor(type, lami_shape1(d));
}

static inline size_t count_of(const lam_tensor *t)
{
    return lam_shape_count(&t->shape);
}

static inline double at(const lam_tensor *t, size_t i)
{
    return t->dtype == LAM_F32 ? (double)((const float *)t->data)[i] : ((const double *)t->data)[i];
}

static inline void put(const lam_tensor *t, size_t i, double v)
{
    if (t->dtype == LAM_F32)
        ((float *)t->data)[i] = (float)v;
    else
        ((double *)t->data)[i] = v;
}

static inline void fill_all(const lam_tensor *t, double v)
{
    for (size_t i = 0; i < count_of(t); i++)
        put(t, i, v);
}

/* From `from` to `to` in equal steps, as np.linspace. */
static inline void fill_linspace(const lam_tensor *t, double from, double to)
{
    const size_t n = count_of(t);
    for (size_t i = 0; i < n; i++)
        put(t, i, n > 1 ? from + (to - from) / (double)(n - 1) * (double)i : from);
}

/* The same numbers for the same stream, in either type up to rounding. */
static inline void fill_normal(const lam_tensor *t, uint32_t stream, double mean, double deviation)
{
    const lami_rng rng = lami_rng_make(21, LAMI_RNG_TEST, 7, stream);
    for (size_t i = 0; i < count_of(t); i++)
        put(t, i, mean + deviation * lami_rng_normal(&rng, i));
}

static inline lam_tensor make_normal(lam_dtype type, size_t n, size_t d, uint32_t stream)
{
    const lam_tensor t = make_rows(type, n, d);
    fill_normal(&t, stream, 0, 1);
    return t;
}

static inline lam_tensor make_copy(const lam_tensor *t)
{
    const lam_tensor copy = make_tensor(t->dtype, t->shape);
    memcpy(copy.data, t->data, count_of(t) * lami_dtype_size(t->dtype));
    return copy;
}

/* Half a unit in the last place of 1. */
static inline double unit_of(lam_dtype type)
{
    return type == LAM_F32 ? 0x1p-24 : 0x1p-53;
}

static inline void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        print_error("%.17g where %.17g is expected, within %g\n", got, expected, tolerance);
        fail();
    }
}

static inline void assert_elements(const lam_tensor *t, const double *expected, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        assert_near(at(t, i), expected[i], tolerance);
}

static inline void assert_same_bits(const lam_tensor *a, const lam_tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(count_of(a), count_of(b));
    assert_memory_equal(a->data, b->data, count_of(a) * lami_dtype_size(a->dtype));
}

static inline double largest_of(const lam_tensor *t)
{
    double largest = 0;
    for (size_t i = 0; i < count_of(t); i++)
        largest = fabs(at(t, i)) > largest ? fabs(at(t, i)) : largest;
    return largest;
}

/* Both up to a share of the largest element. */
static inline void assert_close(const lam_tensor *a, const lam_tensor *b, double share)
{
    assert_int_equal(count_of(a), count_of(b));
    for (size_t i = 0; i < count_of(b); i++)
        assert_near(at(a, i), at(b, i), share * largest_of(b));
}

/* Is dx the gradient of f with respect to the elements of x (f64), by central differences? */
static inline void assert_gradient(const lam_tensor *x, const lam_tensor *dx, double (*f)(void *arg), void *arg)
{
    const double h = 1e-5, largest = largest_of(dx);
    assert_int_equal(x->dtype, LAM_F64);
    assert_int_equal(count_of(x), count_of(dx));
    for (size_t i = 0; i < count_of(x); i++) {
        const double before = at(x, i);
        put(x, i, before + h);
        const double above = f(arg);
        put(x, i, before - h);
        const double below = f(arg);
        put(x, i, before);
        assert_near(at(dx, i), (above - below) / (2 * h), 1e-8 * (largest + 1));
    }
}

/* Sum of the elements of a times those of b: a loss whose gradient with respect to a is b. */
static inline double dot_of(const lam_tensor *a, const lam_tensor *b)
{
    double sum = 0;
    for (size_t i = 0; i < count_of(a); i++)
        sum += at(a, i) * at(b, i);
    return sum;
}

#endif
