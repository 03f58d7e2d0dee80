/* math_set: the functions of math.t.h on arrays, as compiled for one instruction set and number type (math_set.c). */
#ifndef LAMI_MATH_SET_H
#define LAMI_MATH_SET_H

#include <stddef.h>

enum {
    MATH_EXP,
    MATH_LOG,
    MATH_TANH,
    MATH_ERF,
    MATH_SIN,
    MATH_COS,
    MATH_POW,
    MATH_EXP_SUM, /* e^(x + y) */
    MATH_EXPM1,   /* of min(x, 0) */
    MATH_LOG1P,   /* of min(|x|, 1) */
    MATH_SIGMOID,
    MATH_RATIO, /* normal_ratio of |x|, at most 15 in float, 39 in double */
    MATH_COUNT
};

/* out[i] = f(x[i]), for pow and exp_sum f(x[i], y[i]): arrays of n floats or doubles */
typedef void math_function(size_t n, const void *x, const void *y, void *out);

typedef struct {
    math_function *f[MATH_COUNT];
} math_set;

#endif
