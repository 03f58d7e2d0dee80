/* real: the only file that says float or double. Files compiled per number type (src/kern, core/mathfn.c) are built
 * with LAMI_BITS 32 or 64; in them array data is `real` and R(name) is the name with its type. */
#ifndef LAMI_REAL_H
#define LAMI_REAL_H

#include <stdint.h>

#if LAMI_BITS == 64
typedef double real;
typedef int64_t real_int;
typedef uint64_t real_uint;
#define R(name) name##_f64
#elif LAMI_BITS == 32
typedef float real;
typedef int32_t real_int;
typedef uint32_t real_uint;
#define R(name) name##_f32
#else
#error "LAMI_BITS must be 32 or 64"
#endif

#endif
