/* shape: sizes of tensors. Public part in lamina.h. */
#ifndef LAMI_SHAPE_H
#define LAMI_SHAPE_H

#include "status.h"

enum { LAMI_SHAPE_TEXT = 96 };

lam_shape lami_shape1(size_t d);
lam_shape lami_shape2(size_t n, size_t d);
lam_shape lami_shape3(size_t c, size_t h, size_t w);
int lami_shape_equal(const lam_shape *a, const lam_shape *b);

/* "3x32x32" into text; returns text. Rank 0 is "scalar". */
const char *lami_shape_text(char text[LAMI_SHAPE_TEXT], const lam_shape *shape);

/* Product of the sizes; LAM_ESHAPE for rank < 0 or > LAM_MAX_RANK, a size of 0, or a product over SIZE_MAX / 16. */
lam_status lami_shape_check(size_t *count, const lam_shape *shape);

size_t lami_dtype_size(lam_dtype dtype);      /* bytes */
const char *lami_dtype_name(lam_dtype dtype); /* "f32" */

/* Element i of an array of LAM_F32 or LAM_F64 as a double, and a double into one, rounded to its type. */
static inline double lami_real_at(const void *array, lam_dtype dtype, size_t i)
{
    return dtype == LAM_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static inline void lami_real_put(void *array, lam_dtype dtype, size_t i, double value)
{
    if (dtype == LAM_F32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

#endif
