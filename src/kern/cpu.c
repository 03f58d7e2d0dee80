/* cpu: which table of operations this machine gets. The build defines LAMI_HAVE_<SET> for each vector set it has. */
#include "ops.h"

#include <string.h>

#include "../core/status.h"

const lami_op_info lami_op_table[LAMI_OP_COUNT] = {
#define OP(name, class) { #name, class },
    LAMI_OPS(OP)
#undef OP
};

#if defined(LAMI_HAVE_AVX512)
extern const lami_ops lami_ops_avx512_f32, lami_ops_avx512_f64;
static int avx512_usable(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
#endif
#if defined(LAMI_HAVE_AVX512BF16)
extern const lami_ops lami_ops_avx512bf16_f32;
static int avx512bf16_usable(void)
{
    return avx512_usable() && __builtin_cpu_supports("avx512bf16");
}
#endif
#if defined(LAMI_HAVE_AVX2)
extern const lami_ops lami_ops_avx2_f32, lami_ops_avx2_f64;
static int avx2_usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif
#if defined(LAMI_HAVE_NEON)
extern const lami_ops lami_ops_neon_f32, lami_ops_neon_f64;
#endif
extern const lami_ops lami_ops_plain_f32, lami_ops_plain_f64;

static int always(void)
{
    return 1;
}

static const struct {
    const char *name;
    int (*usable)(void);
    const lami_ops *f32, *f64;
} sets[] = {
#if defined(LAMI_HAVE_AVX512BF16)
    { "avx512bf16", avx512bf16_usable, &lami_ops_avx512bf16_f32, &lami_ops_avx512_f64 },
#endif
#if defined(LAMI_HAVE_AVX512)
    { "avx512", avx512_usable, &lami_ops_avx512_f32, &lami_ops_avx512_f64 },
#endif
#if defined(LAMI_HAVE_AVX2)
    { "avx2", avx2_usable, &lami_ops_avx2_f32, &lami_ops_avx2_f64 },
#endif
#if defined(LAMI_HAVE_NEON)
    { "neon", always, &lami_ops_neon_f32, &lami_ops_neon_f64 },
#endif
    { "plain", always, &lami_ops_plain_f32, &lami_ops_plain_f64 },
};

enum { SETS = sizeof sets / sizeof sets[0] };

const char *lami_set_name(size_t i, int *usable)
{
    if (i >= SETS)
        return NULL;
    if (usable)
        *usable = sets[i].usable();
    return sets[i].name;
}

lam_status lami_ops_find(const lami_ops **ops, const char *set, int bits)
{
    *ops = NULL;
    for (size_t i = 0; i < SETS; i++) {
        const int any = !strcmp(set, "auto");
        if (!any && strcmp(set, sets[i].name))
            continue;
        if (sets[i].usable()) {
            *ops = bits == 64 ? sets[i].f64 : sets[i].f32;
            return LAM_OK;
        }
        if (!any)
            return lami_fail(LAM_EUNSUPPORTED, "--isa %s: this machine does not have it", set);
    }
    return lami_fail(LAM_EUNSUPPORTED, "--isa %s: this build does not have it", set);
}
