/* mix: see mix.h. */
#include "mix.h"

#define MIX(type)                                                \
    for (size_t i = first; i < first + count; i++) {             \
        type *restrict a = (type *)x + i * each;                 \
        type *restrict b = (type *)x + (n - 1 - i) * each;       \
        const type other = (type)share, own = (type)(1 - share); \
        for (size_t k = 0; k < each; k++) {                      \
            const type was = a[k];                               \
            a[k] = own * was + other * b[k];                     \
            b[k] = own * b[k] + other * was;                     \
        }                                                        \
    }

void lami_mix_pairs(void *x, lam_dtype dtype, size_t n, size_t each, size_t first, size_t count, double share)
{
    if (dtype == LAM_F64)
        MIX(double)
    else
        MIX(float)
}
#undef MIX
