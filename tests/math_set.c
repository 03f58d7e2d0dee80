/* math_set: compiled once per instruction set and number type; the build sets LAMI_BITS, LAMI_VBYTES and MATH_SET, the
 * table's name. The last elements are padded, as in the kernels. */
#include "../src/core/math.t.h"

#include "math_set.h"

#define ON_ARRAYS(name, call)                                                           \
    static void name(size_t n, const void *xs, const void *ys, void *outs)              \
    {                                                                                   \
        const real *px = xs, *py = ys;                                                  \
        real *out = outs;                                                               \
        for (size_t i = 0; i < n; i += LANES) {                                         \
            const vec x = vload_pad(px + i, n - i, 1), y = vload_pad(py + i, n - i, 1); \
            (void)y;                                                                    \
            vstore_pad(out + i, n - i, call);                                           \
        }                                                                               \
    }

ON_ARRAYS(exp_array, m_exp(x))
ON_ARRAYS(log_array, m_log(x))
ON_ARRAYS(tanh_array, m_tanh(x))
ON_ARRAYS(erf_array, m_erf(x))
ON_ARRAYS(sin_array, m_sin(x))
ON_ARRAYS(cos_array, m_cos(x))
ON_ARRAYS(pow_array, m_pow(x, y))
ON_ARRAYS(exp_sum_array, exp_sum(x, y))
ON_ARRAYS(expm1_array, m_expm1(vmin(x, vset(0))))
ON_ARRAYS(log1p_array, m_log1p(vmin(vabs(x), vset(1))))
ON_ARRAYS(sigmoid_array, m_sigmoid(x))
ON_ARRAYS(ratio_array, normal_ratio(vmin(vabs(x), VC(15, 39))))

extern const math_set MATH_SET;
const math_set MATH_SET = { { exp_array, log_array, tanh_array, erf_array, sin_array, cos_array, pow_array,
                              exp_sum_array, expm1_array, log1p_array, sigmoid_array, ratio_array } };
