/* gemm: matrix products on a tile of the output.
 *
 * The sum over k is cut into blocks of KC; within a block fused multiply-adds run in increasing k from +0; the sums of
 * the blocks are added as a binary tree that depends on their number alone (a binary counter: two sums of 2^l blocks
 * make one of 2^(l+1), what is left at the end is added from the smallest up). That is the result, whatever the tile,
 * the size of the registers or the number of threads.
 *
 * One micro-kernel does all the work: MR rows x 2 registers of columns of the output, an outer product per k. A is read
 * by row and column strides (broadcast loads); packed when it is transposed, since its rows would share cache sets. B
 * is read where it lies or packed in panels: for many rows, transposed, tails (padded with zeros), and strides that are a
 * multiple of 1 KiB, whose rows would share cache sets too. Rows of A are read for some panels in turn, while they are in the
 * second-level cache.  Source: Goto, van de Geijn 2008; BLIS. */

enum {
    KC = 256,
    MR = LAMI_VBYTES == 64   ? 8
         : LAMI_VBYTES == 32 ? 6
                             : 4,
    NV = 2, /* registers across a panel */
    NR = NV * LANES,
    MB = LAMI_GEMM_ROWS * 2, /* rows of A that are packed together */
    PANELS = 4,              /* panels of B that share rows of A */
    PACKED_ROWS = 2 * MB,    /* of a tile: so many make good for packing B */
    AHEAD = 16,              /* rows of B that are fetched ahead: too short a run for the machine to foresee the next */
    LEVELS = 40
};

/* Where a finished block goes: dst = level[count-1] + ( ... (level[0] + block)). */
typedef struct {
    const real *level[LEVELS];
    size_t count, ld; /* of the levels */
    real *dst;
    size_t ldd;
} block_sink;

/* mr x nv registers: block(i, j) = sum over k of a[i * rs + k * ks] * b[k * ldb + j]. mr, nv, rs or ks are constants at
 * each call. */
INLINE void micro(const int mr, const int nv, size_t kc, const real *a, size_t rs, size_t ks, const real *b, size_t ldb,
                  const block_sink *s, size_t row)
{
    vec acc[8][2];
    sums_zero(mr, nv, acc);
    for (size_t k = 0; k < kc; k++) {
        vec bv[2];
        UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = vload(b + k * ldb + (size_t)j * LANES);
        UNROLL
        for (int i = 0; i < mr; i++) {
            const vec av = vset(a[(size_t)i * rs + k * ks]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vfma(av, bv[j], acc[i][j]);
        }
    }
    for (size_t l = 0; l < s->count; l++)
        sums_add(mr, nv, acc, s->level[l] + row * s->ld, s->ld);
    sums_store(mr, nv, acc, s->dst + row * s->ldd, s->ldd);
}

#define MICRO(mr, nv)                                                                                  \
    static void micro_rows_##mr##_##nv(size_t kc, const real *a, size_t rs, const real *b, size_t ldb, \
                                       const block_sink *s, size_t row)                                \
    {                                                                                                  \
        micro(mr, nv, kc, a, rs, 1, b, ldb, s, row);                                                   \
    }                                                                                                  \
    static void micro_cols_##mr##_##nv(size_t kc, const real *a, size_t ks, const real *b, size_t ldb, \
                                       const block_sink *s, size_t row)                                \
    {                                                                                                  \
        micro(mr, nv, kc, a, 1, ks, b, ldb, s, row);                                                   \
    }
#define MICRO_BOTH(mr) MICRO(mr, 1) MICRO(mr, 2)
MICRO_BOTH(1)
MICRO_BOTH(2)
MICRO_BOTH(3)
MICRO_BOTH(4)
MICRO_BOTH(5)
MICRO_BOTH(6)
MICRO_BOTH(7)
MICRO_BOTH(8)

typedef void (*micro_fn)(size_t kc, const real *a, size_t stride, const real *b, size_t ldb, const block_sink *s,
                         size_t row);
#define ROW_OF(kind, nv)                                                                               \
    {                                                                                                  \
        micro_##kind##_1_##nv, micro_##kind##_2_##nv, micro_##kind##_3_##nv, micro_##kind##_4_##nv,    \
            micro_##kind##_5_##nv, micro_##kind##_6_##nv, micro_##kind##_7_##nv, micro_##kind##_8_##nv \
    }
static const micro_fn micro_table[2][2][8] = { { ROW_OF(rows, 1), ROW_OF(rows, 2) },
                                               { ROW_OF(cols, 1), ROW_OF(cols, 2) } };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

enum { PANEL = KC * NR }; /* elements of a panel of B: a block of rows */

/* Columns of a panel's row in whole registers. */
static size_t lanes_of(size_t width)
{
    return width > (size_t)LANES ? NR : LANES;
}

/* kc rows of B, `width` columns, to panels of NR columns, PANEL apart: (kc, lanes) each, zeros after the width. All panels
 * row by row, since each row of B costs a look into memory. */
static void pack_b(real *panels, const real *b, size_t ldb, size_t kc, size_t width)
{
    const size_t tail = width % NR, whole = width - tail, lanes = lanes_of(tail);
    for (size_t k = 0; k < kc; k++, b += ldb) {
        real *to = panels + k * NR;
        for (size_t j = 0; j < whole; j += NR, to += PANEL) {
            __builtin_prefetch(b + AHEAD * ldb + j);
            for (size_t l = 0; l < NR; l += LANES)
                vstore(to + l, vload(b + j + l));
        }
        to = panels + whole / NR * PANEL + k * lanes;
        for (size_t l = 0; l < tail; l += LANES)
            vstore(to + l, vload_pad(b + whole + l, tail - l, 0));
    }
}

/* The same of B transposed, (width, kc). */
static void pack_b_turned(real *panels, const real *b, size_t ldb, size_t kc, size_t width)
{
    for (size_t j = 0; j < width; j += NR, panels += PANEL) {
        const size_t here = least(NR, width - j), lanes = lanes_of(here);
        if (here < lanes)
            memset(panels, 0, kc * lanes * sizeof(real));
        turn(panels, lanes, b + j * ldb, ldb, here, kc);
    }
}

/* A block of A^T: rows k0 .. k0+kc, columns i .. i+m of the (K, N) array, to block (kc, MB). */
static void pack_a(real *block, const real *a, size_t lda, size_t k0, size_t kc, size_t i, size_t m)
{
    a += k0 * lda + i;
    for (size_t k = 0; k < kc; k++, a += lda, block += MB)
        for (size_t r = 0; r < m; r += LANES)
            vstore(block + r, vload_pad(a + r, m - r, 0));
}

typedef struct {
    const lami_args *args;
    const real *a, *b;
    size_t lda, ldb, blocks, rows; /* rows: of the tile */
    int ta, tb, ready;             /* ready: B came in panels */
    real *packed_a, *packed_b, *tail, *levels;
    size_t level_rows, level_ld;
} gemm_job;

/* Where element (k, j) of B is. */
static const real *b_at(const gemm_job *g, size_t k, size_t j)
{
    const size_t panel = g->args->chunk;
    return g->b + k * g->ldb + (g->ready ? j / panel * panel * g->args->depth + j % panel : j);
}

/* The sums that block number `b` adds to itself, and where the result goes. */
static block_sink sink_of(const gemm_job *g, size_t b, real *y, size_t ldy)
{
    block_sink s = { .count = 0, .ld = g->level_ld, .dst = y, .ldd = ldy };
    const size_t level_size = g->level_rows * g->level_ld;
    size_t l = 0;
    for (; b >> l & 1; l++)
        s.level[s.count++] = g->levels + l * level_size;
    if (b + 1 == g->blocks) {
        for (; b >> l; l++)
            if (b >> l & 1)
                s.level[s.count++] = g->levels + l * level_size;
    } else {
        s.dst = g->levels + l * level_size;
        s.ldd = g->level_ld;
    }
    return s;
}

static int must_pack_b(const gemm_job *g, size_t width)
{
    return !g->ready &&
           (g->tb || width < lanes_of(width) || g->rows >= PACKED_ROWS || g->ldb * sizeof(real) % 1024 == 0);
}

/* Block number `block` of rows i .. i+m and of the panel of columns j .. j+width. (row, col): their place in the
 * levels. B of the block and panel is at packed_b where must_pack_b. */
static void panel_block(const gemm_job *g, const real *packed_b, size_t block, size_t i, size_t m, size_t j,
                        size_t width, size_t row, size_t col)
{
    const size_t k0 = block * KC, kc = least(KC, g->args->depth - k0), ldy = g->args->cols;
    const size_t lanes = lanes_of(width), nv = lanes / LANES;
    const int packed = must_pack_b(g, width), last = block + 1 == g->blocks, partial = last && width < lanes;
    const real *b = packed ? packed_b : b_at(g, k0, j);
    real *y = (real *)g->args->out[0] + i * ldy + j;
    block_sink s = sink_of(g, block, partial ? g->tail : y, partial ? lanes : ldy);
    for (size_t l = 0; l < s.count; l++)
        s.level[l] += row * s.ld + col;
    if (!last)
        s.dst += row * s.ldd + col;

    const micro_fn *f = micro_table[g->ta][nv - 1];
    for (size_t r = 0; r < m; r += MR) {
        const real *a = g->ta ? g->packed_a + r : g->a + (i + r) * g->lda + k0;
        f[least(MR, m - r) - 1](kc, a, g->ta ? (size_t)MB : g->lda, b, packed ? lanes : g->ldb, &s, r);
    }
    if (partial)
        for (size_t r = 0; r < m; r++)
            memcpy(y + r * ldy, g->tail + r * lanes, width * sizeof(real));
}

static size_t gemm_levels(size_t depth)
{
    const size_t blocks = (depth + KC - 1) / KC;
    size_t levels = 0;
    while (blocks > 1 && (blocks - 1) >> levels)
        levels++;
    return levels;
}

/* Scratch, in elements: packed A, packed B, a tail panel, the levels. */
static size_t gemm_layout(gemm_job *g, real *work, size_t depth, size_t tile_rows)
{
    g->rows = tile_rows;
    g->level_rows = round_up(tile_rows, MB);
    g->level_ld = (size_t)PANELS * NR;
    const size_t a = g->ta ? (size_t)KC * MB : 0, b = (size_t)PANEL * PANELS, tail = (size_t)MB * NR;
    g->packed_a = work;
    g->packed_b = work + a;
    g->tail = work + a + b;
    g->levels = work + a + b + tail;
    return a + b + tail + gemm_levels(depth) * g->level_rows * g->level_ld;
}

/* ---- few rows ---- */

/* With one to FEW rows registers go along the columns, so that enough sums run at once, and B is read where it lies. */
enum { FEW = LAMI_GEMM_FEW };

/* kc rows of B and nv registers of columns, NR columns at each of b; s: where the block's sums go. */
INLINE void micro_few(const int mr, const int nv, size_t kc, const real *a, size_t rs, const real *const *b, size_t ldb,
                      const block_sink *s)
{
    vec acc[FEW][8];
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vset(0);
    }
    for (size_t k = 0; k < kc; k++) {
        UNROLL
        for (int j = 0; j < nv; j += NV)
            for (size_t line = 0; line < NR * sizeof(real); line += 64)
                __builtin_prefetch((const char *)(b[j / NV] + (k + AHEAD) * ldb) + line);
        UNROLL
        for (int i = 0; i < mr; i++) {
            const vec av = vset(a[(size_t)i * rs + k]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vfma(av, vload(b[j / NV] + k * ldb + (size_t)(j % NV) * LANES), acc[i][j]);
        }
    }
    for (size_t l = 0; l < s->count; l++) {
        UNROLL
        for (int i = 0; i < mr; i++) {
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vload(s->level[l] + (size_t)i * s->ld + (size_t)j * LANES) + acc[i][j];
        }
    }
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            vstore(s->dst + (size_t)i * s->ldd + (size_t)j * LANES, acc[i][j]);
    }
}

/* The same for one register of columns, whose last rows may end behind the array: rows from `safe` on are at `rest`. */
INLINE void micro_edge(const int mr, size_t k0, size_t kc, const real *a, size_t rs, const real *b, size_t ldb,
                       size_t safe, const real *rest, const block_sink *s)
{
    vec acc[FEW];
    UNROLL
    for (int i = 0; i < mr; i++)
        acc[i] = vset(0);
    for (size_t k = k0; k < k0 + kc; k++) {
        const vec bv = vload(k < safe ? b + k * ldb : rest + (k - safe) * LANES);
        UNROLL
        for (int i = 0; i < mr; i++)
            acc[i] = vfma(vset(a[(size_t)i * rs + k]), bv, acc[i]);
    }
    UNROLL
    for (int i = 0; i < mr; i++) {
        for (size_t l = 0; l < s->count; l++)
            acc[i] = vload(s->level[l] + (size_t)i * s->ld) + acc[i];
        vstore(s->dst + (size_t)i * s->ldd, acc[i]);
    }
}

/* A tile of m rows. Where a register hangs over the last column it reads the beginning of the next row. */
INLINE void gemm_rows(const int m, const int nv, gemm_job *g, lami_tile t)
{
    const size_t depth = g->args->depth, ld = g->ldb, ldy = g->args->cols, step = (size_t)nv * LANES;
    const real *a = g->a + t.r0 * g->lda;
    real *y = (real *)g->args->out[0] + t.r0 * ldy;
    size_t j = t.c0;
    g->level_rows = FEW;
    g->level_ld = step;
    for (; j + step <= t.c1; j += step)
        for (size_t block = 0; block < g->blocks; block++) {
            const size_t k0 = block * KC;
            const block_sink s = sink_of(g, block, y + j, ldy);
            const real *b[8 / NV];
            for (int q = 0; q < nv / NV; q++)
                b[q] = b_at(g, k0, j + (size_t)q * NR);
            micro_few(m, nv, least(KC, depth - k0), a + k0, g->lda, b, ld, &s);
        }
    for (; j < t.c1; j += LANES) {
        const size_t width = least(LANES, t.c1 - j), over = !g->ready && j + LANES > ld ? j + LANES - ld : 0;
        const size_t safe = depth - least(depth, (over + ld - 1) / ld);
        memset(g->packed_b, 0, (depth - safe) * LANES * sizeof(real));
        for (size_t k = safe; k < depth; k++)
            memcpy(g->packed_b + (k - safe) * LANES, g->b + k * ld + j, width * sizeof(real));
        for (size_t block = 0; block < g->blocks; block++) {
            const size_t k0 = block * KC;
            const block_sink s = sink_of(g, block, g->tail, LANES);
            micro_edge(m, k0, least(KC, depth - k0), a, g->lda, b_at(g, 0, j), ld, safe, g->packed_b, &s);
        }
        for (size_t i = 0; i < (size_t)m; i++)
            memcpy(y + i * ldy + j, g->tail + i * LANES, width * sizeof(real));
    }
}

static void gemm_few(gemm_job *g, lami_tile t)
{
    if (t.r1 - t.r0 == 1)
        gemm_rows(1, 8, g, t);
    else if (t.r1 - t.r0 == 2)
        gemm_rows(2, 4, g, t);
    else
        gemm_rows(3, 4, g, t);
}

/* Block number `block` of all rows of a tile and of the panels of columns from .. to. */
static void panels_block(const gemm_job *g, lami_tile t, size_t block, size_t from, size_t to)
{
    const size_t k0 = block * KC, kc = least(KC, g->args->depth - k0), whole = to - (to - from) % NR;
    const size_t packed = must_pack_b(g, NR) ? from : must_pack_b(g, to - whole) ? whole : to; /* from this column on */
    real *panels = g->packed_b + (packed - from) / NR * PANEL;
    if (g->tb)
        pack_b_turned(panels, g->b + packed * g->ldb + k0, g->ldb, kc, to - packed);
    else if (packed < to)
        pack_b(panels, g->b + k0 * g->ldb + packed, g->ldb, kc, to - packed);
    for (size_t i = t.r0; i < t.r1; i += MB) {
        const size_t m = least(MB, t.r1 - i);
        if (g->ta)
            pack_a(g->packed_a, g->a, g->lda, k0, kc, i, m);
        for (size_t j = from; j < to; j += NR)
            panel_block(g, g->packed_b + (j - from) / NR * PANEL, block, i, m, j, least(NR, to - j), i - t.r0,
                        j - from);
    }
}

typedef enum { NN, NT, TN, IN_PANELS } gemm_form;

static void gemm(const lami_args *args, lami_tile t, void *work, gemm_form form)
{
    const int ta = form == TN, tb = form == NT, ready = form == IN_PANELS;
    gemm_job g = { .args = args,
                   .a = args->in[0],
                   .b = args->in[1],
                   .ta = ta,
                   .tb = tb,
                   .ready = ready,
                   .lda = ta ? args->rows : args->depth,
                   .ldb = ready ? args->chunk
                          : tb  ? args->depth
                                : args->cols,
                   .blocks = (args->depth + KC - 1) / KC };
    gemm_layout(&g, work, args->depth, t.r1 - t.r0);
    if (t.r1 - t.r0 <= FEW && !ta && !tb) {
        gemm_few(&g, t);
        return;
    }
    for (size_t from = t.c0; from < t.c1; from += PANELS * NR) /* packed panels are used for all rows */
        for (size_t block = 0; block < g.blocks; block++)
            panels_block(&g, t, block, from, least(from + PANELS * NR, t.c1));
}

static void gemm_nn(const lami_args *args, lami_tile t, void *work)
{
    gemm(args, t, work, NN);
}

static void gemm_nt(const lami_args *args, lami_tile t, void *work)
{
    gemm(args, t, work, NT);
}

static void gemm_tn(const lami_args *args, lami_tile t, void *work)
{
    gemm(args, t, work, TN);
}

/* Tiles begin at a multiple of NR columns. */
static void gemm_panels(const lami_args *args, lami_tile t, void *work)
{
    gemm(args, t, work, IN_PANELS);
}

static void gemm_weights(const lami_args *args, lami_tile t, void *work)
{
    (void)work;
    const size_t panel = args->cols, cols = args->depth, depth = args->rows / ((cols + panel - 1) / panel);
    for (size_t r = t.r0; r < t.r1; r++) {
        const size_t from = r / depth * panel, width = least(panel, cols - from);
        const real *b = (const real *)args->in[0] + r % depth * cols + from;
        real *to = (real *)args->out[0] + r * panel;
        for (size_t j = t.c0; j < t.c1; j += LANES)
            vstore_pad(to + j, t.c1 - j, j < width ? vload_pad(b + j, width - j, 0) : vset(0));
    }
}
