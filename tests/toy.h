/* toy: small data sets made of clouds round a centre per class. Include after cmocka.h. */
#ifndef LAMI_TEST_TOY_H
#define LAMI_TEST_TOY_H

#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/data/data.h"
#include "status_checks.h"

/* n rows of d floats and their labels, sample i of class i mod classes; `stream` makes other samples of the same
 * classes. */
static inline void toy_fill(float *x, uint8_t *y, size_t n, size_t d, size_t classes, double spread, uint32_t stream)
{
    const lami_rng centre = lami_rng_make(11, LAMI_RNG_TEST, 0, 0);
    const lami_rng noise = lami_rng_make(11, LAMI_RNG_TEST, 1, stream);
    for (size_t i = 0; i < n; i++) {
        y[i] = (uint8_t)(i % classes);
        for (size_t j = 0; j < d; j++)
            x[i * d + j] =
                (float)(lami_rng_normal(&centre, y[i] * d + j) + spread * lami_rng_normal(&noise, i * d + j));
    }
}

/* Training part of n and, unless 0, validation and test parts of n_val samples. */
static inline lam_data *toy_data(size_t n, size_t n_val, size_t d, size_t classes, double spread)
{
    lam_data *data = NULL;
    const size_t most = n > n_val ? n : n_val;
    float *x = lami_alloc(most * d, sizeof *x);
    uint8_t *y = lami_alloc(most, 1);
    assert_true(x && y);
    for (lam_part part = LAM_TRAIN; part <= LAM_TEST; part++) {
        const size_t count = part == LAM_TRAIN ? n : n_val;
        if (!count)
            continue;
        toy_fill(x, y, count, d, classes, spread, (uint32_t)part);
        const lam_tensor xs = { LAM_F32, { 2, { count, d } }, x }, ys = { LAM_U8, { 1, { count } }, y };
        if (part == LAM_TRAIN)
            assert_int_equal(lam_data_from_arrays(&data, &xs, &ys, classes, 0), LAM_OK);
        else
            assert_int_equal(lam_data_add_part(data, part, &xs, &ys, 0), LAM_OK);
    }
    lami_free(x);
    lami_free(y);
    return data;
}

/* Number k of a row of d inputs: mean + spread * a linear function of deviation about 1. */
static inline double toy_number(const float *x, size_t d, size_t k, double mean, double spread)
{
    const lami_rng rng = lami_rng_make(11, LAMI_RNG_TEST, 2, (uint32_t)k);
    double sum = 0;
    for (size_t j = 0; j < d; j++)
        sum += lami_rng_normal(&rng, j) * (double)x[j];
    return mean + spread * sum / __builtin_sqrt((double)d);
}

/* The same parts, of normal inputs, with `targets` numbers to predict. */
static inline lam_data *toy_numbers(size_t n, size_t n_val, size_t d, size_t targets, double mean, double spread)
{
    lam_data *data = NULL;
    const size_t most = n > n_val ? n : n_val;
    float *x = lami_alloc(most * d, sizeof *x);
    double *y = lami_alloc(most * targets, sizeof *y);
    assert_true(x && y);
    for (lam_part part = LAM_TRAIN; part <= LAM_TEST; part++) {
        const size_t count = part == LAM_TRAIN ? n : n_val;
        const lami_rng rng = lami_rng_make(11, LAMI_RNG_TEST, 3, (uint32_t)part);
        if (!count)
            continue;
        for (size_t i = 0; i < count * d; i++)
            x[i] = (float)lami_rng_normal(&rng, i);
        for (size_t i = 0; i < count * targets; i++)
            y[i] = toy_number(x + i / targets * d, d, i % targets, mean, spread);
        const lam_tensor xs = { LAM_F32, { 2, { count, d } }, x }, ys = { LAM_F64, { 2, { count, targets } }, y };
        if (part == LAM_TRAIN)
            assert_int_equal(lam_data_from_arrays(&data, &xs, &ys, 0, 0), LAM_OK);
        else
            assert_int_equal(lam_data_add_part(data, part, &xs, &ys, 0), LAM_OK);
    }
    lami_free(x);
    lami_free(y);
    return data;
}

/* Options from "name=value name=value". */
static inline lam_options *toy_options(const char *list)
{
    lam_options *options = NULL;
    char item[128];
    int length = 0;
    assert_int_equal(lam_options_new(&options), LAM_OK);
    for (; sscanf(list, " %127s%n", item, &length) == 1; list += length) {
        char *equals = strchr(item, '=');
        assert_non_null(equals);
        *equals = 0;
        assert_int_equal(lam_options_set(options, item, equals + 1), LAM_OK);
    }
    return options;
}

#endif
