/* winograd: 3x3 convolutions with stride 1 as F(4x4, 3x3): 4x4 pixels of the output from 6x6 of the input by 36 products in
 * place of 144. With d a block of the input, g a filter, both transformed,
 *   y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
 * so that each of the 36 places is a matrix product over the channels, for TILES blocks at a time.
 * Channels and filters are multiples of WINO_PANEL (the rule of layer/conv.c). Sums over c: in blocks of KC as in gemm, added
 * one after another.  Source: Lavin, Gray 2015, arXiv:1509.09308, section 4.3. */

enum {
    WINO_PANEL = 16,                   /* filters whose weights lie together */
    WINO_TILES = LAMI_WINOGRAD_BLOCKS, /* what is read of the weights serves them all */
    WINO = 36
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
            for (size_t j = t.c0; j < t.c1; j += LANES) {
                vec half[3][6], out[6];
                for (int x = 0; x < 3; x++) {
                    vec column[3];
                    for (int y = 0; y < 3; y++)
                        column[y] = at(IN(0), (((size_t)(3 * y + x)) * channels + c) * filters + panel * WINO_PANEL + j,
                                       t.c1 - j);
                    wino_g(half[x], column);
                }
                for (size_t y = 0; y < 6; y++) {
                    wino_g(out, (const vec[3]) { half[0][y], half[1][y], half[2][y] });
                    for (size_t x = 0; x < 6; x++) {
                        const size_t row = first + (6 * y + x) * channels;
                        if (row >= t.r0 && row < t.r1)
                            put(OUT(0), row * WINO_PANEL + j, t.c1 - j, out[x]);
                    }
                }
            }
        }
}

/* ---- blocks ---- */

/* Elements between two places of a block. One line of the cache more than the blocks take: a transform goes through all
 * places, which would share a set. */
enum { WINO_M_PLACE = (WINO_TILES + 1) * WINO_PANEL };

typedef struct {
    const lami_args *args;
    const lami_window *w;
    lami_tile t;
    real *v, *m, *copy;              /* the transformed input; (panel, place, block, column); a region with zeros */
    size_t v_place, v_panel, v_tile; /* elements of v from one place, PANEL of channels, block to the next */
    real *sum;                       /* winograd_filter: (panel, place, channel, column) */
    size_t sum_place, count;
    struct {
        size_t n, y, x; /* image; first pixel of the output */
    } block[WINO_TILES];
} wino_job;

static size_t wino_panels(size_t cols)
{
    return (cols + WINO_PANEL - 1) / WINO_PANEL;
}

static size_t wino_layout(wino_job *g, real *work, const lami_args *args, size_t cols)
{
    g->v_tile = args->window->c;
    g->v_panel = WINO_PANEL;
    g->v_place = WINO_TILES * args->window->c + WINO_PANEL;
    const size_t v = WINO * g->v_place, m = (size_t)WINO * WINO_M_PLACE * wino_panels(cols);
    g->v = work;
    g->m = work + v;
    g->copy = g->m + m;
    return v + m + WINO * args->window->c;
}

/* Block number t of the input, transformed. */
static void wino_input(const wino_job *g, size_t t)
{
    const lami_window *w = g->w;
    const region r = { (ptrdiff_t)g->block[t].y - w->pad_top, (ptrdiff_t)g->block[t].x - w->pad_left, 6, 6 };
    const real *x = (const real *)g->args->in[0] + g->block[t].n * w->h * w->w * w->c;
    size_t pitch = 6 * w->c;
    if (is_inside(w, r)) {
        x += ((size_t)r.top * w->w + (size_t)r.left) * w->c;
        pitch = w->w * w->c;
    } else {
        copy_region(g->copy, x, w, r);
        x = g->copy;
    }
    for (size_t c = 0; c < w->c; c += LANES) {
        real *to = g->v + c / WINO_PANEL * g->v_panel + t * g->v_tile + c % WINO_PANEL;
        vec half[6][6], in[6], out[6];
        UNROLL
        for (size_t i = 0; i < 6; i++) {
            UNROLL
            for (size_t k = 0; k < 6; k++)
                in[k] = vload(x + k * pitch + i * w->c + c);
            wino_b(out, in);
            UNROLL
            for (size_t k = 0; k < 6; k++)
                half[k][i] = out[k];
        }
        UNROLL
        for (size_t i = 0; i < 6; i++) {
            wino_b(out, half[i]);
            UNROLL
            for (size_t k = 0; k < 6; k++)
                vstore(to + (6 * i + k) * g->v_place, out[k]);
        }
    }
}

/* Where the products of a panel begin: column j of it, which is counted from the tile's first. */
static real *wino_m(const wino_job *g, size_t j, size_t place)
{
    return g->m + (j / WINO_PANEL * WINO + place) * WINO_M_PLACE + j % WINO_PANEL;
}

/* Columns j .. j + LANES of the tile: back from the products to pixels. */
static void wino_output(const wino_job *g, size_t t, size_t j)
{
    const lami_window *w = g->w;
    const size_t cols = g->args->cols, y0 = g->block[t].y, x0 = g->block[t].x;
    const real *m = wino_m(g, j, 0) + t * WINO_PANEL;
    const size_t image = g->block[t].n * w->out_h * w->out_w;
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
            const size_t row = image + (y0 + i) * w->out_w + x0 + k;
            if (y0 + i < w->out_h && x0 + k < w->out_w && row >= g->t.r0 && row < g->t.r1)
                vstore((real *)g->args->out[0] + row * cols + g->t.c0 + j, out[k]);
        }
    }
}

/* The products of one place, of all blocks and columns: what is read of v, which is large, serves all columns. */
static void wino_place(const wino_job *g, size_t place)
{
    const size_t channels = g->w->c, nv = least(NV, WINO_PANEL / LANES);
    const real *v = g->v + place * g->v_place;
    for (size_t j = 0; j < g->t.c1 - g->t.c0; j += nv * LANES) {
        const size_t column = g->t.c0 + j;
        const real *u = (const real *)g->args->in[1] + (column / WINO_PANEL * WINO + place) * channels * WINO_PANEL +
                        column % WINO_PANEL;
        real *m = wino_m(g, j, place);
        for (size_t k = 0; k < channels; k += KC) {
            const block_sink sink = { .level = { m }, .count = k > 0, .ld = WINO_PANEL, .dst = m, .ldd = WINO_PANEL };
            for (size_t r = 0; r < g->count; r += MR)
                micro_table[0][nv - 1][least(MR, g->count - r) - 1](least(KC, channels - k), v + r * channels + k,
                                                                    channels, u + k * WINO_PANEL, WINO_PANEL, &sink, r);
        }
    }
}

static void wino_blocks(wino_job *g)
{
    for (size_t t = 0; t < g->count; t++)
        wino_input(g, t);
    for (size_t place = 0; place < WINO; place++)
        wino_place(g, place);
    for (size_t t = 0; t < g->count; t++)
        for (size_t j = 0; j < g->t.c1 - g->t.c0; j += LANES)
            wino_output(g, t, j);
    g->count = 0;
}

/* All blocks that have a pixel of the tile; at its ends, where a tile cuts blocks, both sides compute them. */
static void winograd(const lami_args *args, lami_tile t, void *work)
{
    const lami_window *w = args->window;
    const size_t image = w->out_h * w->out_w;
    wino_job g = { .args = args, .w = w, .t = t };
    wino_layout(&g, work, args, t.c1 - t.c0);
    for (size_t n = t.r0 / image; n * image < t.r1; n++) {
        const size_t first = n * image < t.r0 ? (t.r0 - n * image) / w->out_w / 4 * 4 : 0;
        const size_t last = least(image, t.r1 - n * image) - 1;
        for (size_t y = first; y <= last / w->out_w; y += 4)
            for (size_t x = 0; x < w->out_w; x += 4) {
                g.block[g.count].n = n;
                g.block[g.count].y = y;
                g.block[g.count++].x = x;
                if (g.count == WINO_TILES)
                    wino_blocks(&g);
            }
    }
    wino_blocks(&g);
}

/* ---- the filters' gradient ----
 *   dg = G^T [ sum over blocks of (A dy A^T) * (B^T d B) ] G
 * per chunk of samples: blocks (n, y, x) in groups of WINO_TILES, fused multiply-adds in order from +0, groups added one
 * after another. */

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

static size_t wino_filter_layout(wino_job *g, real *work, const lami_args *args, size_t cols)
{
    const size_t channels = args->window->c;
    g->v_tile = WINO_PANEL;
    g->v_panel = WINO_TILES * WINO_PANEL;
    g->v_place = channels * WINO_TILES + WINO_PANEL;
    g->sum_place = (channels + 1) * WINO_PANEL;
    const size_t v = WINO * g->v_place, m = (size_t)WINO * WINO_M_PLACE * wino_panels(cols);
    const size_t copy = WINO * (channels > args->cols ? channels : args->cols);
    g->v = work;
    g->m = work + v;
    g->copy = g->m + m;
    g->sum = g->copy + copy;
    return v + m + copy + WINO * g->sum_place * wino_panels(cols);
}

/* Block number t of dy, transformed: (panel, place, t, filter). */
static void wino_gradient(const wino_job *g, size_t t)
{
    const lami_window *w = g->w;
    const lami_window out = { .h = w->out_h, .w = w->out_w, .c = g->args->cols };
    const region r = { (ptrdiff_t)g->block[t].y, (ptrdiff_t)g->block[t].x, 4, 4 };
    const real *dy = (const real *)g->args->in[1] + g->block[t].n * out.h * out.w * out.c;
    size_t pitch = 4 * out.c;
    if (is_inside(&out, r)) {
        dy += (g->block[t].y * out.w + g->block[t].x) * out.c;
        pitch = out.w * out.c;
    } else {
        copy_region(g->copy, dy, &out, r);
        dy = g->copy;
    }
    for (size_t j = g->t.c0; j < g->t.c1; j += LANES) {
        real *to = wino_m(g, j - g->t.c0, 0) + t * WINO_PANEL;
        vec half[6][4], in[4], out_row[6];
        UNROLL
        for (size_t i = 0; i < 4; i++) {
            UNROLL
            for (size_t k = 0; k < 4; k++)
                in[k] = vload(dy + k * pitch + i * out.c + j);
            wino_a_back(out_row, in);
            UNROLL
            for (size_t k = 0; k < 6; k++)
                half[k][i] = out_row[k];
        }
        UNROLL
        for (size_t i = 0; i < 6; i++) {
            wino_a_back(out_row, half[i]);
            UNROLL
            for (size_t k = 0; k < 6; k++)
                vstore(to + (6 * i + k) * WINO_M_PLACE, out_row[k]);
        }
    }
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
                micro_table[1][nv - 1][least(MR, WINO_PANEL - i) - 1](g->count, v + c / WINO_PANEL * g->v_panel + i,
                                                                      WINO_PANEL, m, WINO_PANEL, &sink, c + i);
    }
}

static void wino_add(wino_job *g, int fresh)
{
    for (size_t t = 0; t < g->count; t++) {
        wino_input(g, t);
        wino_gradient(g, t);
    }
    for (size_t place = 0; place < WINO; place++)
        wino_add_place(g, place, fresh);
    g->count = 0;
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
    for (size_t r = t.r0, here; r < t.r1; r += here) {
        const size_t chunk = r / depth, n0 = chunk * args->chunk, n1 = least(n0 + args->chunk, samples);
        int fresh = 1;
        here = least(depth - r % depth, t.r1 - r);
        for (size_t n = n0; n < n1; n++)
            for (size_t y = 0; y < w->out_h; y += 4)
                for (size_t x = 0; x < w->out_w; x += 4) {
                    g.block[g.count].n = n;
                    g.block[g.count].y = y;
                    g.block[g.count++].x = x;
                    if (g.count == WINO_TILES) {
                        wino_add(&g, fresh);
                        fresh = 0;
                    }
                }
        if (g.count)
            wino_add(&g, fresh);
        wino_filters(&g, (real *)args->out[0] + chunk * depth * args->cols, r % depth, r % depth + here);
    }
}
