/* shape: products checked, text both ways. */
#include "shape.h"

#include <stdint.h>
#include <stdio.h>

lam_shape lami_shape1(size_t d)
{
    return (lam_shape) { .rank = 1, .dim = { d } };
}

lam_shape lami_shape2(size_t n, size_t d)
{
    return (lam_shape) { .rank = 2, .dim = { n, d } };
}

lam_shape lami_shape3(size_t c, size_t h, size_t w)
{
    return (lam_shape) { .rank = 3, .dim = { c, h, w } };
}

int lami_shape_equal(const lam_shape *a, const lam_shape *b)
{
    if (a->rank != b->rank)
        return 0;
    for (int i = 0; i < a->rank && i < LAM_MAX_RANK; i++)
        if (a->dim[i] != b->dim[i])
            return 0;
    return 1;
}

const char *lami_shape_text(char text[LAMI_SHAPE_TEXT], const lam_shape *shape)
{
    if (shape->rank < 0 || shape->rank > LAM_MAX_RANK) {
        snprintf(text, LAMI_SHAPE_TEXT, "rank %d", shape->rank);
        return text;
    }
    snprintf(text, LAMI_SHAPE_TEXT, "scalar");
    size_t used = 0;
    for (int i = 0; i < shape->rank && used < LAMI_SHAPE_TEXT; i++) /* sizes of absurd shapes are cut off */
        used += (size_t)snprintf(text + used, LAMI_SHAPE_TEXT - used, "%s%zu", i ? "x" : "", shape->dim[i]);
    return text;
}

lam_status lami_shape_check(size_t *count, const lam_shape *shape)
{
    if (shape->rank < 0 || shape->rank > LAM_MAX_RANK)
        return lami_fail(LAM_ESHAPE, "shape has rank %d, must be 0 to %d", shape->rank, LAM_MAX_RANK);
    char text[LAMI_SHAPE_TEXT];
    size_t product = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (!shape->dim[i])
            return lami_fail(LAM_ESHAPE, "shape %s has a size of 0", lami_shape_text(text, shape));
        if (product > SIZE_MAX / 16 / shape->dim[i])
            return lami_fail(LAM_ESHAPE, "shape %s has too many elements", lami_shape_text(text, shape));
        product *= shape->dim[i];
    }
    *count = product;
    return LAM_OK;
}

size_t lam_shape_count(const lam_shape *shape)
{
    size_t product = 1;
    for (int i = 0; i < shape->rank && i < LAM_MAX_RANK; i++) {
        if (shape->dim[i] && product > SIZE_MAX / shape->dim[i])
            product = SIZE_MAX; /* only a shape made by hand gets here */
        else
            product *= shape->dim[i];
    }
    return product;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One size at *at; moves *at past it. 0 when there is none, or it is 0 or overflows. */
static size_t parse_size(const char **at)
{
    size_t value = 0;
    for (; is_digit(**at); ++*at) {
        const size_t digit = (size_t)(**at - '0');
        if (value > (SIZE_MAX - digit) / 10)
            return 0;
        value = value * 10 + digit;
    }
    return value;
}

lam_status lam_shape_parse(lam_shape *shape, const char *text)
{
    if (!shape || !text)
        return lami_fail(LAM_EINVAL, "lam_shape_parse: NULL argument");
    lam_shape s = { 0 };
    for (const char *at = text;; at++) {
        if (s.rank == LAM_MAX_RANK)
            return lami_fail(LAM_EINVAL, "shape \"%.64s\" has more than %d sizes", text, LAM_MAX_RANK);
        const size_t size = parse_size(&at);
        if (!size || (*at && *at != 'x'))
            return lami_fail(LAM_EINVAL,
                             "shape \"%.64s\": expected sizes from 1 joined by x, such as 3x32x32, at \"%.16s\"", text,
                             at);
        s.dim[s.rank++] = size;
        if (!*at)
            break;
    }
    size_t count;
    if (lami_shape_check(&count, &s))
        return lami_fail(LAM_EINVAL, "shape \"%.64s\" has too many elements", text);
    *shape = s;
    return LAM_OK;
}

size_t lami_dtype_size(lam_dtype dtype)
{
    switch (dtype) {
    case LAM_F32:
    case LAM_I32:
        return 4;
    case LAM_F64:
    case LAM_I64:
        return 8;
    case LAM_U8:
        return 1;
    }
    return 0;
}

const char *lami_dtype_name(lam_dtype dtype)
{
    switch (dtype) {
    case LAM_F32:
        return "f32";
    case LAM_F64:
        return "f64";
    case LAM_U8:
        return "u8";
    case LAM_I32:
        return "i32";
    case LAM_I64:
        return "i64";
    }
    return "unknown dtype";
}
