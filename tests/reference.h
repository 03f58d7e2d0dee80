/* reference: every operation of kern/ops.h twice, in plain scalar loops written for reading only.
 *   reference     the formula, on arrays of double, sums in long double: what an operation means
 *   ordered_f32   the same on arrays of float, each rounding and each sum in the documented order (order.t.h):
 *   ordered_f64   and of double: the exact bits of this numerics version
 *   ordered_bf16  and of float with products of bf16, where an operation has them, else NULL
 * Each computes the whole output: classes, tiles and sets do not matter here. Labels stay int32. */
#ifndef LAMI_REFERENCE_H
#define LAMI_REFERENCE_H

#include "../src/kern/ops.h"

typedef void (*reference_fn)(const lami_args *args);

extern const reference_fn reference[LAMI_ROW_OP_COUNT], ordered_f32[LAMI_ROW_OP_COUNT], ordered_f64[LAMI_ROW_OP_COUNT];
extern const reference_fn ordered_bf16[LAMI_ROW_OP_COUNT];

#endif
