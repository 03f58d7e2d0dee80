/* bf16: products of numbers that were rounded to bf16, summed in float, as vdpbf16ps does it (docs/numerics.md).
 *
 * Operands are rounded as they are packed, into pairs of terms of the sum: A in rows or columns of pairs, B in panels. So one
 * micro-kernel does for gemm, conv and conv_filter: MR rows x 2 registers of columns, a pair per step. The sums of blocks are
 * added as in gemm.t.h. What differs between sets is in vec.h.
 * Source: Intel, Architecture Instruction Set Extensions, VDPBF16PS and VCVTNEPS2BF16. */
#if LAMI_BITS == 32

typedef uint32_t bf16_pair __attribute__((may_alias));
typedef uint16_t bf16_half
    __attribute__((may_alias)); /* term 2 p of a row is the lower half of pair p: little-endian */

enum {
    PAIRS = KC / 2,
    STRIP = 128,          /* columns for which A is packed once; a multiple of each set's NR */
    FILTER_ROWS = 4 * MB, /* of conv_filter's sums, for which A is packed */
};

/* Rounded to nearest, even; subnormals to zero, NaNs made quiet. In the upper half. */
INLINE uint32_t bf16_of(real x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    const uint32_t size = u & 0x7fffffff;
    uint32_t r = u + 0x7fff + (u >> 16 & 1);
    r = size > 0x7f800000 ? u | 0x00400000 : r;
    r = size < 0x00800000 ? u & 0x80000000 : r;
    return r & 0xffff0000;
}

static void terms(bf16_half *to, const real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (bf16_half)(bf16_of(x[i]) >> 16);
}

/* Pairs of terms that lie one after another; the last of an odd number is with +0. */
static void pairs_along(bf16_pair *to, const real *x, size_t n)
{
    terms((bf16_half *)to, x, n);
    if (n % 2)
        ((bf16_half *)to)[n] = 0;
}

/* Pairs of terms in two rows; y NULL: with +0. */
static void pairs_across(bf16_pair *to, const real *x, const real *y, size_t n)
{
    if (y)
        for (size_t i = 0; i < n; i++)
            to[i] = bf16_of(x[i]) >> 16 | bf16_of(y[i]);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = bf16_of(x[i]) >> 16;
}

static size_t pairs_of(size_t terms_count)
{
    return (terms_count + 1) / 2;
}

/* Rows k0 .. k0+kc of B, columns j .. j+width, to a panel (pairs, lanes), zeros after the width. */
static void pack_pairs(bf16_pair *panel, size_t lanes, const real *b, size_t ldb, int transposed, size_t k0, size_t kc,
                       size_t j, size_t width)
{
    if (width < lanes)
        memset(panel, 0, pairs_of(kc) * lanes * sizeof *panel);
    if (!transposed) {
        for (size_t k = 0; k < kc; k += 2) {
            const real *row = b + (k0 + k) * ldb + j;
            pairs_across(panel + k / 2 * lanes, row, k + 1 < kc ? row + ldb : NULL, width);
        }
        return;
    }
    for (size_t c = 0; c < width; c++) {
        bf16_pair column[PAIRS];
        pairs_along(column, b + (j + c) * ldb + k0, kc);
        for (size_t p = 0; p < pairs_of(kc); p++)
            panel[p * lanes + c] = column[p];
    }
}

/* ---- sums ---- */

/* mr x nv registers: sum(i, j) over the pairs of a[i * rs + p * ks] and b, from +0 or from what is there. */
INLINE void bf16_micro(const int mr, const int nv, size_t pairs, const bf16_pair *a, size_t rs, size_t ks,
                       const bf16_pair *b, real *sum, int fresh)
{
    vec acc[8][2];
    if (fresh)
        sums_zero(mr, nv, acc);
    else
        sums_load(mr, nv, acc, sum, (size_t)nv * LANES);
    for (size_t p = 0; p < pairs; p++, a += ks, b += nv * LANES) {
        UNROLL
        for (int step = 0; step < BF16_STEPS; step++) {
            uvec bv[2];
            UNROLL
            for (int j = 0; j < nv; j++)
                bv[j] = bf16_term(step, (uvec)vload((const real *)b + j * LANES));
            UNROLL
            for (int i = 0; i < mr; i++) {
                const uvec av = bf16_term(step, (uvec)vset(*(const real *)(a + (size_t)i * rs)));
                UNROLL
                for (int j = 0; j < nv; j++)
                    acc[i][j] = bf16_add(acc[i][j], av, bv[j]);
            }
        }
    }
    sums_store(mr, nv, acc, sum, (size_t)nv * LANES);
}

#define BF16_MICRO(mr, nv)                                                                                         \
    static void bf16_micro_##mr##_##nv(size_t pairs, const bf16_pair *a, size_t rs, size_t ks, const bf16_pair *b, \
                                       real *sum, int fresh)                                                       \
    {                                                                                                              \
        bf16_micro(mr, nv, pairs, a, rs, ks, b, sum, fresh);                                                       \
    }
#define BF16_BOTH(mr) BF16_MICRO(mr, 1) BF16_MICRO(mr, 2)
BF16_BOTH(1)
BF16_BOTH(2)
BF16_BOTH(3)
BF16_BOTH(4)
BF16_BOTH(5)
BF16_BOTH(6)
BF16_BOTH(7)
BF16_BOTH(8)

typedef void (*bf16_fn)(size_t pairs, const bf16_pair *a, size_t rs, size_t ks, const bf16_pair *b, real *sum,
                        int fresh);
#define BF16_ROW(nv)                                                                                   \
    {                                                                                                  \
        bf16_micro_1_##nv, bf16_micro_2_##nv, bf16_micro_3_##nv, bf16_micro_4_##nv, bf16_micro_5_##nv, \
            bf16_micro_6_##nv, bf16_micro_7_##nv, bf16_micro_8_##nv                                    \
    }
static const bf16_fn bf16_table[2][8] = { BF16_ROW(1), BF16_ROW(2) };

/* Sums of m rows, `lanes` apart. */
static void bf16_rows(size_t m, size_t pairs, const bf16_pair *a, size_t rs, size_t ks, const bf16_pair *b, real *sum,
                      size_t lanes, int fresh)
{
    for (size_t r = 0; r < m; r += MR)
        bf16_table[lanes / LANES - 1][least(MR, m - r) - 1](pairs, a + r * rs, rs, ks, b, sum + r * lanes, fresh);
}

static void add_level(real *sum, const real *level, size_t count)
{
    for (size_t i = 0; i < count; i += LANES)
        vstore(sum + i, bf16_flush(vload(level + i) + vload(sum + i)));
}

/* ---- gemm and conv: a tile, its left side packed block by block ---- */

typedef struct bf16_job {
    const lami_args *args;
    lami_tile t;
    const conv_job *conv;                                         /* conv: the band */
    void (*pack)(const struct bf16_job *g, size_t k0, size_t kc); /* the block of A to rows rs, their pairs ks apart */
    real *(*to)(const struct bf16_job *g, size_t r);              /* row of the output */
    const real *b;
    size_t ldb, depth, rows, rs, ks;
    int tb;
    bf16_pair *a, *panel;
    real *sum, *levels;
    size_t level_size;
} bf16_job;

/* Scratch, in elements: A, a panel of B, its sums, the levels of a strip. */
static size_t bf16_layout(bf16_job *g, real *work, size_t depth, size_t rows, size_t cols)
{
    const size_t a = rows * PAIRS, panel = (size_t)PAIRS * NR, sum = rows * NR;
    g->a = (bf16_pair *)work;
    g->panel = g->a + a;
    g->sum = (real *)(g->panel + panel);
    g->levels = g->sum + sum;
    g->level_size = rows * least(round_up(cols, NR), STRIP);
    return a + panel + sum + gemm_levels(depth) * g->level_size;
}

/* A block of the panel of columns from j on, whose place in the strip is `place`. */
static void bf16_panel(const bf16_job *g, size_t block, size_t kc, size_t j, size_t place)
{
    const size_t width = least(NR, g->t.c1 - j), lanes = lanes_of(width), count = g->rows * lanes;
    const int last = block * KC + kc == g->depth;
    real *level = g->levels + place * g->rows;
    pack_pairs(g->panel, lanes, g->b, g->ldb, g->tb, block * KC, kc, j, width);
    bf16_rows(g->rows, pairs_of(kc), g->a, g->rs, g->ks, g->panel, g->sum, lanes, 1);
    for (; last ? block : block & 1; block >>= 1, level += g->level_size)
        if (block & 1)
            add_level(g->sum, level, count);
    if (!last) {
        memcpy(level, g->sum, count * sizeof(real));
        return;
    }
    for (size_t r = 0; r < g->rows; r++)
        memcpy(g->to(g, r) + j, g->sum + r * lanes, width * sizeof(real));
}

static void bf16_tile(const bf16_job *g)
{
    for (size_t strip = g->t.c0; strip < g->t.c1; strip += STRIP)
        for (size_t k0 = 0; k0 < g->depth; k0 += KC) {
            const size_t kc = least(KC, g->depth - k0);
            g->pack(g, k0, kc);
            for (size_t j = strip; j < least(strip + STRIP, g->t.c1); j += NR)
                bf16_panel(g, k0 / KC, kc, j, j - strip);
        }
}

static void pack_rows(const bf16_job *g, size_t k0, size_t kc)
{
    const real *a = (const real *)g->args->in[0] + g->t.r0 * g->depth + k0;
    for (size_t r = 0; r < g->rows; r++)
        pairs_along(g->a + r * PAIRS, a + r * g->depth, kc);
}

static void pack_columns(const bf16_job *g, size_t k0, size_t kc)
{
    pack_pairs(g->a, g->rows, g->args->in[0], g->args->rows, 0, k0, kc, g->t.r0, g->rows);
}

static real *row_of(const bf16_job *g, size_t r)
{
    return (real *)g->args->out[0] + (g->t.r0 + r) * g->args->cols;
}

static void bf16_gemm(const lami_args *args, lami_tile t, void *work, int ta, int tb)
{
    const size_t rows = t.r1 - t.r0;
    bf16_job g = { .args = args,
                   .t = t,
                   .pack = ta ? pack_columns : pack_rows,
                   .to = row_of,
                   .b = args->in[1],
                   .ldb = tb ? args->depth : args->cols,
                   .tb = tb,
                   .depth = args->depth,
                   .rows = rows,
                   .rs = ta ? 1 : PAIRS,
                   .ks = ta ? rows : 1 };
    bf16_layout(&g, work, args->depth, rows, t.c1 - t.c0);
    const uint32_t state = bf16_enter();
    bf16_tile(&g);
    bf16_leave(state);
}

static void bf16_gemm_nn(const lami_args *args, lami_tile t, void *work)
{
    bf16_gemm(args, t, work, 0, 0);
}

static void bf16_gemm_nt(const lami_args *args, lami_tile t, void *work)
{
    bf16_gemm(args, t, work, 0, 1);
}

static void bf16_gemm_tn(const lami_args *args, lami_tile t, void *work)
{
    bf16_gemm(args, t, work, 1, 0);
}

static void pack_windows(const bf16_job *g, size_t k0, size_t kc)
{
    conv_run runs[RUNS];
    const size_t n = runs_of(runs, g->conv, k0, kc);
    for (size_t r = 0; r < g->rows; r++) {
        bf16_half *to = (bf16_half *)(g->a + r * PAIRS);
        for (size_t i = 0; i < n; to += runs[i++].len)
            terms(to, g->conv->from[r] + runs[i].at, runs[i].len);
        if (kc % 2)
            *to = 0;
    }
}

static real *pixel_of(const bf16_job *g, size_t r)
{
    return g->conv->to[r];
}

static void bf16_band(const conv_job *c)
{
    bf16_job g = { .args = c->args,
                   .t = c->t,
                   .conv = c,
                   .pack = pack_windows,
                   .to = pixel_of,
                   .b = c->b,
                   .ldb = c->args->cols,
                   .depth = c->depth,
                   .rows = c->count,
                   .rs = PAIRS,
                   .ks = 1 };
    bf16_layout(&g, c->more, c->args->depth, c->count, c->t.c1 - c->t.c0);
    bf16_tile(&g);
}

static void bf16_conv(const lami_args *args, lami_tile t, void *work)
{
    conv_job g = { .args = args, .w = args->window, .t = t, .panels = bf16_band };
    conv_layout(&g, work, args);
    const uint32_t state = bf16_enter();
    conv_tile(&g);
    bf16_leave(state);
}

/* ---- the filters' gradient: pairs of neighbours in a row of pixels, the last of an odd number with +0 ---- */

typedef struct {
    bf16_pair *a, *panel;
    real *sum;
    size_t pairs;
} block_pairs;

/* Scratch, in elements: A, a panel of dy, its sums. */
static size_t block_layout(block_pairs *p, real *work, size_t rows)
{
    const size_t most = least(rows, FILTER_ROWS), a = most * PIXELS, panel = (size_t)PIXELS * NR;
    p->a = (bf16_pair *)work;
    p->panel = p->a + a;
    p->sum = (real *)(p->panel + panel);
    return a + panel + most * NR;
}

/* Elements k .. k+m of the windows of the block's pixels. */
static size_t pack_pixels(bf16_pair *to, const filter_job *g, size_t k, size_t m)
{
    const size_t row = g->w->kernel_w * g->w->c, step = g->w->stride_w * g->w->c;
    size_t pairs = 0;
    for (size_t i = 0; i < g->runs; i++)
        for (size_t q = 0; q < g->run[i].len; q += 2, pairs++)
            for (size_t e = k, n; e < k + m; e += n, to += n) {
                const real *x = g->base + g->run[i].at + q * step + e / row * g->pitch + e % row;
                n = least(row - e % row, k + m - e);
                pairs_across(to, x, q + 1 < g->run[i].len ? x + step : NULL, n);
            }
    return pairs;
}

static void pack_gradients(bf16_pair *panel, const filter_job *g, const real *dy, size_t width, size_t lanes)
{
    const size_t cols = g->args->cols;
    for (size_t i = 0; i < g->runs; dy += g->run[i++].len * cols)
        for (size_t q = 0; q < g->run[i].len; q += 2, panel += lanes) {
            memset(panel + width, 0, (lanes - width) * sizeof *panel);
            pairs_across(panel, dy + q * cols, q + 1 < g->run[i].len ? dy + (q + 1) * cols : NULL, width);
        }
}

static void bf16_filter_panels(const filter_job *g, real *sum, size_t k0, size_t k1, const real *dy, int fresh)
{
    const size_t cols = g->args->cols;
    block_pairs p;
    block_layout(&p, g->more, g->t.r1 - g->t.r0);
    for (size_t k = k0; k < k1; k += FILTER_ROWS) {
        const size_t m = least(FILTER_ROWS, k1 - k), pairs = pack_pixels(p.a, g, k, m);
        for (size_t j = g->t.c0; j < g->t.c1; j += NR) {
            const size_t width = least(NR, g->t.c1 - j), lanes = lanes_of(width);
            real *to = sum + k * cols + j;
            pack_gradients(p.panel, g, dy + j, width, lanes);
            for (size_t r = 0; !fresh && r < m; r++)
                memcpy(p.sum + r * lanes, to + r * cols, width * sizeof(real));
            bf16_rows(m, pairs, p.a, 1, m, p.panel, p.sum, lanes, fresh);
            for (size_t r = 0; r < m; r++)
                memcpy(to + r * cols, p.sum + r * lanes, width * sizeof(real));
        }
    }
}

static void bf16_conv_filter(const lami_args *args, lami_tile t, void *work)
{
    filter_job g = { .args = args, .w = args->window, .t = t, .panels = bf16_filter_panels };
    filter_layout(&g, work, args);
    const uint32_t state = bf16_enter();
    filter_tile(&g);
    bf16_leave(state);
}

/* Scratch of an operation, in elements. */
static size_t bf16_work(lami_op op, const lami_args *args, size_t tile_rows, size_t tile_cols)
{
    bf16_job g;
    conv_job c;
    filter_job f;
    block_pairs p;
    if (op == LAMI_OP_conv)
        return conv_layout(&c, NULL, args) + bf16_layout(&g, NULL, args->depth, BAND, tile_cols);
    if (op == LAMI_OP_conv_filter)
        return filter_layout(&f, NULL, args) + block_layout(&p, NULL, tile_rows);
    return bf16_layout(&g, NULL, args->depth, tile_rows, tile_cols);
}
#endif
