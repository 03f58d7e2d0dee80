/* winograd: 3x3 convolutions with stride 1 as F(4x4, 3x3): 4x4 pixels of the output from 6x6 of the input by 36 products in
 * place of 144. With d a block of the input, g a filter, both transformed,
 *   y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
 * so that each of the 36 places is a matrix product over the channels, for TILES blocks at a time.
 * Channels and filters are multiples of WINO_PANEL (the rule of layer/conv.c). Sums over c: in blocks of KC as in gemm, added
 * one after another.  Source: Lavin, Gray 2015, arXiv:1509.09308, section 4.3. */

enum {
    WINO_PANEL = 16,                   /* filters whose weights lie together */
    WINO_TILES = LAMI_WINOGRAD_BLOCKS, /* what is read of the weights serves them all */
    WINO = 36,
    AHEAD_ROWS = 4 /* channels of the weights that are fetched ahead */
};

/* ---- transforms, of a vector of six ---- */

INLINE void wino_b(vec y[6], const vec x[6]) /* B^T */
{
    const vec four = vset(4), two = vset(2), five = vset(5);
    const vec p = vfma(-four, x[2], x[4]), q = vfma(-four, x[1], x[3]);
    const vec r = x[4] - x[2], s = two * (x[3] - x[1]);
    y[0] = vfma(four, x[0], vfma(-five, x[2], x[4]));
    y[1] = p + q;
    y[2] = p - q;
    y[3] = r + s;
    y[4] = r - s;
    y[5] = vfma(four, x[1], vfma(-five, x[3], x[5]));
}

INLINE void wino_g(vec y[6], const vec x[3]) /* G */
{
    const vec sum = x[0] + x[2], a = vset((real)(-1.0 / 6)), b = vset((real)(1.0 / 24)), c = vset((real)(1.0 / 12));
    const vec far = vfma(vset(4), x[2], x[0]);
    y[0] = vset((real)0.25) * x[0];
    y[1] = a * (sum + x[1]);
    y[2] = a * (sum - x[1]);
    y[3] = vfma(b, far, c * x[1]);
    y[4] = vfma(b, far, -(c * x[1]));
    y[5] = x[2];
}

INLINE void wino_a(vec y[4], const vec x[6]) /* A^T */
{
    const vec p = x[1] + x[2], q = x[1] - x[2], r = x[3] + x[4], s = x[3] - x[4];
    y[0] = x[0] + p + r;
    y[1] = vfma(vset(2), s, q);
    y[2] = vfma(vset(4), r, p);
    y[3] = vfma(vset(8), s, q) + x[5];
}

INLINE void wino_a_back(vec y[6], const vec x[4]) /* A */
{
    const vec p = x[0] + x[2], q = x[1] + x[3];
    const vec r = vfma(vset(4), x[2], x[0]), s = vset(2) * vfma(vset(4), x[3], x[1]);
    y[0] = x[0];
    y[1] = p + q;
    y[2] = p - q;
    y[3] = r + s;
    y[4] = r - s;
    y[5] = x[3];
}

INLINE void wino_g_back(vec y[3], const vec x[6]) /* G^T */
{
    const vec sixth = vset((real)(1.0 / 6)), p = x[1] + x[2], q = x[3] + x[4];
    y[0] = vfma(vset((real)0.25), x[0], vfma(-sixth, p, vset((real)(1.0 / 24)) * q));
    y[1] = vfma(sixth, x[2] - x[1], vset((real)(1.0 / 12)) * (x[3] - x[4]));
    y[2] = vfma(sixth, q - p, x[5]);
}

/* ---- weights ---- */

/* Rows of the output are (panel, place, c), columns the panel's filters. */
static void winograd_weights(const lami_args *args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    const size_t filters = args->depth, channels = w->c;
    for (size_t panel = 0; panel < filters / WINO_PANEL; panel++)
        for (size_t c = 0; c < channels; c++) {
            const size_t first = panel * WINO * channels + c; /* of the rows that channel c makes, `channels` apart */
            if (first >= t.r1 || first + (WINO - 1) * channels < t.r0)
                continue;
            for (size_t k = 0; k < 9; k++) /* so many streams are too many for the machine to foresee */
                __builtin_prefetch(IN(0) + (k * channels + c + AHEAD_ROWS) * filters + panel * WINO_PANEL);
            for (size_t k = 0; k < WINO; k++)
                __builtin_prefetch(OUT(0) + (first + k * channels + AHEAD_ROWS) * WINO_PANEL, 1);
            vec half[(WINO_PANEL + LANES - 1) / LANES][3][6], out[6]; /* so that whole lines are written */
            for (size_t j = t.c0, l = 0; j < t.c1; j += LANES, l++)
                for (size_t x = 0; x < 3; x++) {
                    vec column[3];
                    for (size_t y = 0; y < 3; y++)
                        column[y] =
                            at(IN(0), ((3 * y + x) * channels + c) * filters + panel * WINO_PANEL + j, t.c1 - j);
                    wino_g(half[l][x], column);
                }
            for (size_t y = 0; y < 6; y++)
                for (size_t j = t.c0, l = 0; j < t.c1; j += LANES, l++) {
                    wino_g(out, (const vec[3]) { half[l][0][y], half[l][1][y], half[l][2][y] });
                    for (size_t x = 0; x < 6; x++) {
                        const size_t row = first + (6 * y + x) * channels;
                        if (row >= t.r0 && row < t.r1)
                            put(OUT(0), row * WINO_PANEL + j, t.c1 - j, out[x]);
                    }
                }
        }
}

/* ---- blocks ---- */

/* Elements between two places of a block. One line of the cache more than the blocks take: a transform goes through all
 * places, which would share a set. */
enum { WINO_M_PLACE = (WINO_TILES + 1) * WINO_PANEL };

typedef struct {
    size_t n, y, x; /* image; first pixel of the output */
} wino_block;

/* V, the transformed input, is (place, group of blocks, PANEL of channels, block, channel): what the micro-kernel reads
 * lies in a row. M is (place, block, column): the products of one panel of columns; in winograd_filter, dy transformed, one such
 * array for each panel. */
typedef struct {
    const lami_args *args;
    const lami_window *w;
    lami_tile t;
    real *v, *m, *zeros;
    size_t v_place, group; /* elements of V of a place; blocks of a group */
    real *sum;             /* winograd_filter: (panel, place, channel, column) */
    size_t sum_place, count;
    size_t n, y, x, rows; /* the block that comes next; row of the output at which blocks end */
    wino_block block[WINO_TILES];
} wino_job;

static size_t wino_panels(size_t cols)
{
    return (cols + WINO_PANEL - 1) / WINO_PANEL;
}

static size_t wino_layout(wino_job *g, real *work, const lami_args *args)
{
    const size_t channels = args->window->c;
    g->group = MR;
    g->v_place = round_up(WINO_TILES, MR) * channels + WINO_PANEL;
    const size_t v = WINO * g->v_place, m = (size_t)WINO * WINO_M_PLACE;
    g->v = work;
    g->m = work + v;
    g->zeros = g->m + m;
    return v + m + channels;
}

/* Where the places of the input's block number t begin: channels c .. c + PANEL. */
static real *wino_v(const wino_job *g, size_t t, size_t c)
{
    return g->v + t / g->group * g->group * g->w->c + t % g->group * WINO_PANEL + c * g->group;
}

/* Where the places of dy's panel begin: column j of it, which is counted from the tile's first. */
static real *wino_m(const wino_job *g, size_t j, size_t place)
{
    return g->m + (j / WINO_PANEL * WINO + place) * WINO_M_PLACE + j % WINO_PANEL;
}

/* The pixels of block number t, by address: side x side of the input (6) or of dy (4). Those outside are zeros. */
static void wino_see(int side, const real **pixel, const wino_job *g, size_t t)
{
    const int is_input = side == 6;
    const lami_window *w = g->w;
    const size_t height = is_input ? w->h : w->out_h, width = is_input ? w->w : w->out_w;
    const size_t channels = is_input ? w->c : g->args->cols;
    const real *image = (const real *)g->args->in[is_input ? 0 : 1] + g->block[t].n * height * width * channels;
    const size_t top = g->block[t].y - (size_t)(is_input ? w->pad_top : 0); /* negative ones become large */
    const size_t left = g->block[t].x - (size_t)(is_input ? w->pad_left : 0);
    const real *const zeros = g->zeros;
    for (int i = 0; i < side; i++)
        for (int k = 0; k < side; k++) {
            const size_t y = top + (size_t)i, x = left + (size_t)k;
            pixel[side * i + k] = y < height && x < width ? image + (y * width + x) * channels : zeros;
        }
}

/* side pixels to six places: of the input, of dy. */
INLINE void wino_six(const int side, vec y[6], const vec x[6])
{
    if (side == 6)
        wino_b(y, x);
    else
        wino_a_back(y, x);
}

/* Channels c .. c + LANES of a block, transformed: to places `stride` apart. */
INLINE void wino_transform(const int side, real *to, size_t stride, const real *const *pixel, size_t c)
{
    vec half[6][6], in[6], out[6];
    UNROLL
    for (int i = 0; i < side; i++) {
        UNROLL
        for (int k = 0; k < side; k++)
            in[k] = vload(pixel[side * k + i] + c);
        wino_six(side, out, in);
        UNROLL
        for (int k = 0; k < 6; k++)
            half[k][i] = out[k];
    }
    UNROLL
    for (size_t i = 0; i < 6; i++) {
        wino_six(side, out, half[i]);
        UNROLL
        for (size_t k = 0; k < 6; k++)
            vstore(to + (6 * i + k) * stride, out[k]);
    }
}

/* The job's blocks, transformed. The pixels of a block are fetched during the one before: they are too scattered for the
 * machine to foresee. */
INLINE void wino_transforms(const int side, const wino_job *g)
{
    const size_t c0 = side == 6 ? 0 : g->t.c0, c1 = side == 6 ? g->w->c : g->t.c1;
    const size_t stride = side == 6 ? g->v_place : WINO_M_PLACE;
    const real *pixels[2][WINO];
    wino_see(side, pixels[0], g, 0);
    for (size_t t = 0; t < g->count; t++) {
        const real **pixel = pixels[t % 2], **next = pixels[(t + 1) % 2];
        wino_see(side, next, g, least(t + 1, g->count - 1));
        for (size_t c = c0; c < c1; c += WINO_PANEL) {
            real *to = side == 6 ? wino_v(g, t, c) : wino_m(g, c - c0, 0) + t * WINO_PANEL;
            for (int k = 0; k < side * side; k++)
                __builtin_prefetch(next[k] + c);
            for (size_t l = 0; l < WINO_PANEL; l += LANES)
                wino_transform(side, to + l, stride, pixel, c + l);
        }
    }
}

static void wino_input(const wino_job *g) /* to V */
{
    wino_transforms(6, g);
}

static void wino_gradient(const wino_job *g) /* to M */
{
    wino_transforms(4, g);
}

/* Columns j .. j + LANES of M's panel, which begins at `column` of the output: back from the products to pixels. */
INLINE void wino_back(const int whole, const wino_job *g, size_t t, size_t j, size_t column)
{
    const lami_window *w = g->w;
    const size_t cols = g->args->cols, y0 = g->block[t].y, x0 = g->block[t].x, width = w->out_w;
    const size_t r0 = g->t.r0, r1 = g->t.r1, down = w->out_h - y0, across = width - x0;
    const size_t first = g->block[t].n * w->out_h * width + y0 * width + x0;
    const real *m = g->m + t * WINO_PANEL + j;
    real *to = (real *)g->args->out[0] + first * cols + column + j;
    vec half[4][6], in[6], out[4];
    UNROLL
    for (size_t i = 0; i < 6; i++) {
        UNROLL
        for (size_t k = 0; k < 6; k++)
            in[k] = vload(m + (6 * k + i) * WINO_M_PLACE);
        wino_a(out, in);
        UNROLL
        for (size_t k = 0; k < 4; k++)
            half[k][i] = out[k];
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        wino_a(out, half[i]);
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            const size_t row = first + i * width + k;
            if (whole || (i < down && k < across && row >= r0 && row < r1))
                vstore(to + (i * width + k) * cols, out[k]);
        }
    }
}

static void wino_output(const wino_job *g, size_t t, size_t column)
{
    const lami_window *w = g->w;
    const size_t y0 = g->block[t].y, x0 = g->block[t].x;
    const size_t first = g->block[t].n * w->out_h * w->out_w + y0 * w->out_w + x0;
    if (y0 + 4 <= w->out_h && x0 + 4 <= w->out_w && first >= g->t.r0 && first + 3 * w->out_w + 4 <= g->t.r1)
        for (size_t j = 0; j < WINO_PANEL; j += LANES)
            wino_back(1, g, t, j, column);
    else
        for (size_t j = 0; j < WINO_PANEL; j += LANES)
            wino_back(0, g, t, j, column);
}

/* mr blocks x nv registers of columns of a place: sums over the channels, KC at a time. */
INLINE void wino_micro(const int mr, const int nv, size_t channels, const real *v, const real *u, real *m)
{
    for (size_t c = 0; c < channels;) {
        const size_t end = least(c + KC, channels);
        const int fresh = c == 0;
        vec acc[8][2];
        sums_zero(mr, nv, acc);
        for (; c < end; c += WINO_PANEL, v += MR * WINO_PANEL, u += WINO_PANEL * WINO_PANEL)
            for (size_t k = 0; k < WINO_PANEL; k++) {
                vec bv[2];
                UNROLL
                for (int j = 0; j < nv; j++)
                    bv[j] = vload(u + k * WINO_PANEL + (size_t)j * LANES);
                UNROLL
                for (int i = 0; i < mr; i++) {
                    const vec av = vset(v[(size_t)i * WINO_PANEL + k]);
                    UNROLL
                    for (int j = 0; j < nv; j++)
                        acc[i][j] = vfma(av, bv[j], acc[i][j]);
                }
            }
        if (!fresh)
            sums_add(mr, nv, acc, m, WINO_PANEL);
        sums_store(mr, nv, acc, m, WINO_PANEL);
    }
}

#define WINO_MICRO(mr)                                                                       \
    static void wino_micro_##mr(size_t channels, const real *v, const real *u, real *m)      \
    {                                                                                        \
        wino_micro(mr, NV *LANES < WINO_PANEL ? NV : WINO_PANEL / LANES, channels, v, u, m); \
    }
WINO_MICRO(1)
WINO_MICRO(2)
WINO_MICRO(3)
WINO_MICRO(4)
WINO_MICRO(5)
WINO_MICRO(6)
WINO_MICRO(7)
WINO_MICRO(8)
static void (*const wino_table[8])(size_t, const real *, const real *,
                                   real *) = { wino_micro_1, wino_micro_2, wino_micro_3, wino_micro_4,
                                               wino_micro_5, wino_micro_6, wino_micro_7, wino_micro_8 };

/* The products of one place and the panel from `column` on, of all blocks. The weights of the place that follows, a line for
 * each channel, are fetched meanwhile. */
static void wino_place(const wino_job *g, size_t place, size_t column)
{
    enum { STEP = NV * LANES < WINO_PANEL ? NV * LANES : WINO_PANEL };
    const size_t channels = g->w->c;
    const real *v = g->v + place * g->v_place;
    const real *u = (const real *)g->args->in[1] + (column / WINO_PANEL * WINO + place) * channels * WINO_PANEL;
    real *m = g->m + place * WINO_M_PLACE;
    for (size_t j = 0; j < WINO_PANEL; j += STEP)
        for (size_t r = 0, rows; r < g->count; r += rows) {
            rows = least(MR, g->count - r);
            for (size_t c = r * channels / g->count; c < (r + rows) * channels / g->count; c++)
                __builtin_prefetch(u + (channels + c) * WINO_PANEL);
            wino_table[rows - 1](channels, v + r * channels, u + j, m + r * WINO_PANEL + j);
        }
}

/* Blocks from that of row r0 on, to row r1. */
static void wino_begin(wino_job *g, size_t r0, size_t r1)
{
    const lami_window *w = g->w;
    const size_t image = w->out_h * w->out_w;
    g->n = r0 / image;
    g->y = r0 % image / w->out_w / 4 * 4;
    g->x = 0;
    g->rows = r1;
}

/* Take the next blocks, at most `most`. Returns how many. */
static size_t wino_next(wino_job *g, size_t most)
{
    const lami_window *w = g->w;
    const size_t image = w->out_h * w->out_w;
    for (g->count = 0; g->count < most && g->n * image < g->rows;) {
        g->block[g->count++] = (wino_block) { g->n, g->y, g->x };
        if ((g->x += 4) < w->out_w)
            continue;
        g->x = 0;
        if ((g->y += 4) <= (least(image, g->rows - g->n * image) - 1) / w->out_w)
            continue;
        g->y = 0;
        g->n++;
    }
    return g->count;
}

/* Row i of block t of the output, a panel from `column` on: fetched for writing while products are made. */
static void wino_fetch(const wino_job *g, size_t t, size_t i, size_t column)
{
    const lami_window *w = g->w;
    const wino_block *b = &g->block[t];
    const size_t cols = g->args->cols, row = (b->n * w->out_h + b->y + i) * w->out_w + b->x;
    const real *to = (const real *)g->args->out[0] + row * cols + column;
    if (b->y + i < w->out_h)
        for (size_t k = 0; k < least(4, w->out_w - b->x); k++)
            __builtin_prefetch(to + k * cols, 1);
}

static void wino_blocks(wino_job *g)
{
    const size_t rows = 4 * g->count;
    wino_input(g);
    for (size_t column = g->t.c0; column < g->t.c1; column += WINO_PANEL) {
        for (size_t place = 0; place < WINO; place++) {
            for (size_t i = rows * place / WINO; i < rows * (place + 1) / WINO; i++)
                wino_fetch(g, i / 4, i % 4, column);
            wino_place(g, place, column);
        }
        for (size_t t = 0; t < g->count; t++)
            wino_output(g, t, column);
    }
}

/* All blocks that have a pixel of the tile; at its ends, where a tile cuts blocks, both sides compute them. */
static void winograd(const lami_args *args, lami_tile t, void *work)
{
    const lami_window *w = args->window;
    wino_job g = { .args = args, .w = w, .t = t };
    wino_layout(&g, work, args);
    memset(g.zeros, 0, w->c * sizeof(real));
    for (wino_begin(&g, t.r0, t.r1); wino_next(&g, WINO_TILES);)
        wino_blocks(&g);
}

/* ---- the filters' gradient ----
 *   dg = G^T [ sum over blocks of (A dy A^T) * (B^T d B) ] G
 * per chunk of samples: blocks (n, y, x) in groups of WINO_TILES, fused multiply-adds in order from +0, groups added one
 * after another. */

static size_t wino_filter_layout(wino_job *g, real *work, const lami_args *args, size_t cols)
{
    const size_t channels = args->window->c;
    g->group = WINO_TILES;
    g->v_place = channels * WINO_TILES + WINO_PANEL;
    g->sum_place = (channels + 1) * WINO_PANEL;
    const size_t v = WINO * g->v_place, m = (size_t)WINO * WINO_M_PLACE * wino_panels(cols);
    const size_t zeros = channels > args->cols ? channels : args->cols;
    g->v = work;
    g->m = work + v;
    g->zeros = g->m + m;
    g->sum = g->zeros + zeros;
    return v + m + zeros + WINO * g->sum_place * wino_panels(cols);
}

static real *wino_sum(const wino_job *g, size_t j, size_t place)
{
    return g->sum + (j / WINO_PANEL * WINO + place) * g->sum_place + j % WINO_PANEL;
}

/* The products of one place, of the group's blocks, are added to its sums. */
static void wino_add_place(const wino_job *g, size_t place, int fresh)
{
    const size_t channels = g->w->c, nv = least(NV, WINO_PANEL / LANES);
    const real *v = g->v + place * g->v_place;
    for (size_t j = 0; j < g->t.c1 - g->t.c0; j += nv * LANES) {
        const real *m = wino_m(g, j, place);
        real *sum = wino_sum(g, j, place);
        const block_sink sink = { .level = { sum }, .count = !fresh, .ld = WINO_PANEL, .dst = sum, .ldd = WINO_PANEL };
        for (size_t c = 0; c < channels; c += WINO_PANEL)
            for (size_t i = 0; i < WINO_PANEL; i += MR)
                micro_table[1][nv - 1][least(MR, WINO_PANEL - i) - 1](g->count, v + c * WINO_TILES + i, WINO_PANEL, m,
                                                                      WINO_PANEL, &sink, c + i);
    }
}

static void wino_add(wino_job *g, int fresh)
{
    wino_input(g);
    wino_gradient(g);
    for (size_t place = 0; place < WINO; place++)
        wino_add_place(g, place, fresh);
}

/* Rows r0 .. r1 of a chunk's part (9 c, D) from its sums. */
static void wino_filters(const wino_job *g, real *part, size_t r0, size_t r1)
{
    const size_t channels = g->w->c, cols = g->args->cols;
    for (size_t j = g->t.c0; j < g->t.c1; j += LANES)
        for (size_t c = 0; c < channels; c++) {
            const real *sum = wino_sum(g, j - g->t.c0, 0) + c * WINO_PANEL;
            vec half[3][6], in[6], out[3];
            for (size_t i = 0; i < 6; i++) {
                for (size_t k = 0; k < 6; k++)
                    in[k] = vload(sum + (6 * k + i) * g->sum_place);
                wino_g_back(out, in);
                for (size_t k = 0; k < 3; k++)
                    half[k][i] = out[k];
            }
            for (size_t i = 0; i < 3; i++) {
                wino_g_back(out, half[i]);
                for (size_t k = 0; k < 3; k++) {
                    const size_t row = (3 * i + k) * channels + c;
                    if (row >= r0 && row < r1)
                        vstore(part + row * cols + j, out[k]);
                }
            }
        }
}

static void winograd_filter(const lami_args *args, lami_tile t, void *work)
{
    const lami_window *w = args->window;
    const size_t depth = 9 * w->c, samples = args->depth / (w->out_h * w->out_w);
    wino_job g = { .args = args, .w = w, .t = t };
    wino_filter_layout(&g, work, args, t.c1 - t.c0);
    memset(g.zeros, 0, (w->c > args->cols ? w->c : args->cols) * sizeof(real));
    for (size_t r = t.r0, here; r < t.r1; r += here) {
        const size_t chunk = r / depth, n0 = chunk * args->chunk, n1 = least(n0 + args->chunk, samples);
        int fresh = 1;
        here = least(depth - r % depth, t.r1 - r);
        for (wino_begin(&g, n0 * w->out_h * w->out_w, n1 * w->out_h * w->out_w); wino_next(&g, WINO_TILES); fresh = 0)
            wino_add(&g, fresh);
        wino_filters(&g, (real *)args->out[0] + chunk * depth * args->cols, r % depth, r % depth + here);
    }
}
