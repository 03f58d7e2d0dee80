/* ops: the table of one instruction set and number type. Compiled once for each; the build sets LAMI_SET (avx2),
 * LAMI_BITS and LAMI_VBYTES. The table is the only external symbol. An operation missing from the templates does not
 * compile. */
#include "ops.h"

#include "vec.h"

#include "../core/math.t.h"

#include "sums.t.h"
#include "turn.t.h"

#include "gemm.t.h"
#include "conv.t.h"
#include "bf16.t.h"
#include "map.t.h"
#include "winograd_line.t.h"
#include "winograd.t.h"
#include "pool.t.h"
#include "pixels.t.h"
#include "group.t.h"
#include "update.t.h"
#include "stat.t.h"
#include "row.t.h"
#include "peak.t.h"

static size_t work_bytes(lami_op op, const lami_args *args, size_t tile_rows, size_t tile_cols)
{
    gemm_job g = { .ta = op == LAMI_OP_gemm_tn };
    conv_job c;
    filter_job f;
    wino_job w;
#if LAMI_BITS == 32
    if (args->bf16)
        return bf16_work(op, args, tile_rows, tile_cols) * sizeof(real);
#endif
    switch (op) {
    case LAMI_OP_gemm_nn:
    case LAMI_OP_gemm_nt:
    case LAMI_OP_gemm_tn:
    case LAMI_OP_gemm_panels:
        return gemm_layout(&g, NULL, args->depth, tile_rows) * sizeof(real);
    case LAMI_OP_conv:
        return conv_layout(&c, NULL, args) * sizeof(real);
    case LAMI_OP_conv_filter:
        return filter_layout(&f, NULL, args) * sizeof(real);
    case LAMI_OP_winograd_filter:
        return wino_filter_layout(&w, NULL, args, tile_cols) * sizeof(real);
    case LAMI_OP_group_moments:
    case LAMI_OP_group_means:
        return 2 * args->cols * sizeof(real);
    case LAMI_OP_winograd:
        return wino_layout(&w, NULL, args) * sizeof(real);
    default:
        return 0;
    }
}

#define NAME_(set, bits) lami_ops_##set##_f##bits
#define NAME(set, bits)  NAME_(set, bits)
#define TEXT_(set)       #set
#define TEXT(set)        TEXT_(set)

extern const lami_ops NAME(LAMI_SET, LAMI_BITS);
const lami_ops NAME(LAMI_SET, LAMI_BITS) = {
    .set = TEXT(LAMI_SET),
    .bits = LAMI_BITS,
    .panel = NR,
    .work = work_bytes,
    .peak = peak,
    .stream = stream,
    .run = {
#define OP(name, class) [LAMI_OP_##name] = name,
        LAMI_OPS(OP)
#undef OP
    },
#if LAMI_BITS == 32
    .native_bf16 = BF16_NATIVE,
    .run_bf16 = {
        [LAMI_OP_gemm_nn] = bf16_gemm_nn,
        [LAMI_OP_gemm_nt] = bf16_gemm_nt,
        [LAMI_OP_gemm_tn] = bf16_gemm_tn,
        [LAMI_OP_conv] = bf16_conv,
        [LAMI_OP_conv_filter] = bf16_conv_filter,
    },
#endif
};
