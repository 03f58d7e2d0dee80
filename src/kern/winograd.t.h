/* winograd: 3x3 convolutions with stride 1 as F(4x4, 3x3): 4x4 pixels of the output from 6x6 of the input by 36 products in
 * place of 144. With d a block of the input, g a filter, both transformed,
 *   y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
 * so that each of the 36 places is a matrix product over the channels, for TILES blocks at a time. At the lower and right edge
 * blocks of fewer pixels have fewer places: 25 where 3x3 are left, 16 for 2x2.
 * Sums over c: in blocks of KC as in gemm, added one after another. Filters are taken WINO_PANEL at a time, with zeros behind
 * the last one.  Source: Lavin, Gray 2015, arXiv:1509.09308, section 4.3. */

enum {
    WINO_PANEL = LAMI_WINOGRAD_PANEL,
    WINO_TILES = LAMI_WINOGRAD_BLOCKS, /* what is read of the weights serves them all */
    WINO = WINO_LINE * WINO_LINE,
    AHEAD_ROWS = 4 /* channels of the weights that are fetched ahead */
};

/* ---- weights ---- */

static size_t wino_panels(size_t cols)
{
    return (cols + WINO_PANEL - 1) / WINO_PANEL;
}

/* Rows of the output are (panel, place, c), columns the panel's filters. */
static void winograd_weights(const lami_args *args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    const size_t filters = args->depth, channels = w->c;
    for (size_t panel = 0; panel < wino_panels(filters); panel++) {
        const size_t width = least(WINO_PANEL, filters - panel * WINO_PANEL);
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
                    for (size_t y = 0; y < 3; y++) {
                        const size_t first_filter = ((3 * y + x) * channels + c) * filters + panel * WINO_PANEL;
                        column[y] = j < width ? at(IN(0), first_filter + j, width - j) : vset(0);
                    }
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
}

/* ---- blocks ---- */

/* Elements between two places of a block. One line of the cache more than the blocks take: a transform goes through all
 * places, which would share a set. */
enum { WINO_M_PLACE = (WINO_TILES + 1) * WINO_PANEL };

typedef struct {
    size_t n, y, x;   /* image; first pixel of the output */
    int down, across; /* pixels of the output: 4, or what is left at the edge */
} wino_block;

typedef struct {
    size_t from, to;
} wino_range;

/* V, the transformed input, is (place, group of rows, PANEL of channels, row, channel): what the micro-kernel reads lies
 * together. M is (place, row, column): the products of one panel of columns; in winograd_filter, dy transformed, one
 * such array for each panel. A row is a block; blocks are in such an order that those that have a place are together. */
typedef struct {
    const lami_args *args;
    const lami_window *w;
    lami_tile t;
    real *v, *m, *zeros;
    size_t v_place, group; /* elements of V of a place; rows of a group */
    size_t deep;           /* channels of V: whole panels, of which those behind the last are not read */
    real *sum;             /* winograd_filter: (panel, place, channel, column) */
    size_t sum_place;
    size_t n, y, x, end; /* the block that comes next; row of the output at which blocks end */
    size_t count;        /* blocks */
    wino_block block[WINO_TILES];
    wino_range have[WINO]; /* the blocks that have a place */
} wino_job;

static size_t wino_layout(wino_job *g, real *work, const lami_args *args)
{
    const size_t channels = args->window->c;
    g->group = MR;
    g->deep = round_up(channels, WINO_PANEL);
    g->v_place = round_up(WINO_TILES, MR) * g->deep + WINO_PANEL;
    const size_t v = WINO * g->v_place, m = (size_t)WINO * WINO_M_PLACE;
    g->v = work;
    g->m = work + v;
    g->zeros = g->m + m;
    return v + m + channels;
}

/* Where V's places begin: channels c .. c + PANEL of a row. */
static real *wino_v(const wino_job *g, size_t row, size_t c)
{
    return g->v + row / g->group * g->group * g->deep + row % g->group * WINO_PANEL + c * g->group;
}

/* Where M's places begin: row of the panel with column j, which is counted from the tile's first. */
static real *wino_m(const wino_job *g, size_t row, size_t j)
{
    return g->m + j / WINO_PANEL * WINO * WINO_M_PLACE + row * WINO_PANEL + j % WINO_PANEL;
}

/* Pixels along a side of a block of so many outputs: of the input, or of dy. */
INLINE int wino_side(const int is_input, int outputs)
{
    return is_input ? outputs + 2 : outputs;
}

/* The pixels of block number t, by address: of the input or of dy. Those outside are zeros. */
static void wino_see(const int is_input, const real *pixel[WINO_LINE][WINO_LINE], const wino_job *g, size_t t)
{
    const lami_window *w = g->w;
    const wino_block *b = &g->block[t];
    const size_t height = is_input ? w->h : w->out_h, width = is_input ? w->w : w->out_w;
    const size_t channels = is_input ? w->c : g->args->cols;
    const real *image = (const real *)g->args->in[is_input ? 0 : 1] + b->n * height * width * channels;
    const size_t top = b->y - (size_t)(is_input ? w->pad_top : 0); /* negative ones become large */
    const size_t left = b->x - (size_t)(is_input ? w->pad_left : 0);
    const real *const zeros = g->zeros;
    for (int i = 0; i < wino_side(is_input, b->down); i++)
        for (int k = 0; k < wino_side(is_input, b->across); k++) {
            const size_t y = top + (size_t)i, x = left + (size_t)k;
            pixel[i][k] = y < height && x < width ? image + (y * width + x) * channels : zeros;
        }
}

/* F(m, ...) with m, 1 to 4, as a constant. */
#define WINO_BY_LINE(F, m, ...) \
    do {                        \
        if ((m) == 4)           \
            F(4, __VA_ARGS__);  \
        else if ((m) == 3)      \
            F(3, __VA_ARGS__);  \
        else if ((m) == 2)      \
            F(2, __VA_ARGS__);  \
        else                    \
            F(1, __VA_ARGS__);  \
    } while (0)

/* Pixels of the input or of dy to points. */
INLINE void wino_forth(const int m, const int is_input, vec y[WINO_LINE], const vec *x)
{
    if (is_input)
        wino_b(m, y, x);
    else
        wino_a_back(m, y, x);
}

/* Channels c .. c + LANES, or n of them, of a block of m rows of outputs: each column of pixels to its points. */
INLINE void wino_columns(const int m, const int is_input, vec half[WINO_LINE][WINO_LINE],
                         const real *const pixel[WINO_LINE][WINO_LINE], int columns, size_t c, size_t n)
{
    for (int k = 0; k < columns; k++) {
        vec in[WINO_LINE], out[WINO_LINE];
        UNROLL
        for (int i = 0; i < WINO_LINE; i++)
            if (i < wino_side(is_input, m))
                in[i] = vload_pad(pixel[i][k] + c, n, 0);
        wino_forth(m, is_input, out, in);
        UNROLL
        for (int i = 0; i < WINO_LINE; i++)
            if (wino_from[i] <= m)
                half[i][k] = out[i];
    }
}

/* Each row of points, of m columns of outputs: to places `stride` apart. */
INLINE void wino_rows(const int m, const int is_input, real *to, size_t stride, vec half[WINO_LINE][WINO_LINE],
                      int down)
{
    for (int i = 0; i < WINO_LINE; i++) {
        if (wino_from[i] > down)
            continue;
        vec out[WINO_LINE];
        wino_forth(m, is_input, out, half[i]);
        UNROLL
        for (int k = 0; k < WINO_LINE; k++)
            if (wino_from[k] <= m)
                vstore(to + (size_t)(WINO_LINE * i + k) * stride, out[k]);
    }
}

/* The job's blocks, transformed. The pixels of a block are fetched during the one before: they are too scattered for the
 * machine to foresee. */
INLINE void wino_transforms(const int is_input, const wino_job *g)
{
    const size_t c0 = is_input ? 0 : g->t.c0, c1 = is_input ? g->w->c : g->t.c1;
    const size_t stride = is_input ? g->v_place : WINO_M_PLACE;
    const real *pixels[2][WINO_LINE][WINO_LINE];
    vec half[WINO_LINE][WINO_LINE] = { { vset(0) } }; /* columns done, rows to do */
    wino_see(is_input, pixels[0], g, 0);
    for (size_t t = 0; t < g->count; t++) {
        const size_t after = least(t + 1, g->count - 1);
        const wino_block *b = &g->block[t], *next = &g->block[after];
        const int columns = wino_side(is_input, b->across);
        wino_see(is_input, pixels[(t + 1) % 2], g, after);
        for (size_t c = c0; c < c1; c += WINO_PANEL) {
            real *to = is_input ? wino_v(g, t, c) : wino_m(g, t, c - c0);
            for (int i = 0; i < wino_side(is_input, next->down); i++)
                for (int k = 0; k < wino_side(is_input, next->across); k++)
                    __builtin_prefetch(pixels[(t + 1) % 2][i][k] + c);
            for (size_t l = 0; l < WINO_PANEL; l += LANES) {
                const size_t left = c + l < c1 ? c1 - c - l : 0;
                if (left >= LANES) /* the usual case, with n as a constant */
                    WINO_BY_LINE(wino_columns, b->down, is_input, half, pixels[t % 2], columns, c + l, LANES);
                else
                    WINO_BY_LINE(wino_columns, b->down, is_input, half, pixels[t % 2], columns, c + l, left);
                WINO_BY_LINE(wino_rows, b->across, is_input, to + l, stride, half, b->down);
            }
        }
    }
}

static void wino_input(const wino_job *g) /* to V */
{
    wino_transforms(1, g);
}

static void wino_gradient(const wino_job *g) /* to M */
{
    wino_transforms(0, g);
}

/* Columns of places of M's panel, of m rows of outputs: from products to those rows. */
INLINE void wino_columns_back(const int m, vec half[4][WINO_LINE], const real *from, int across)
{
    for (int k = 0; k < WINO_LINE; k++) {
        if (wino_from[k] > across)
            continue;
        vec in[WINO_LINE], out[4];
        UNROLL
        for (int i = 0; i < WINO_LINE; i++)
            if (wino_from[i] <= m)
                in[i] = vload(from + (size_t)(WINO_LINE * i + k) * WINO_M_PLACE);
        wino_a(m, out, in);
        UNROLL
        for (int i = 0; i < m; i++)
            half[i][k] = out[i];
    }
}

/* Rows of m pixels from `first` on, which goes to `to`. Of a block that is not whole the tile's rows alone, and `width`
 * columns, are written. */
INLINE void wino_rows_back(const int m, const int whole, const wino_job *g, real *to, size_t first,
                           vec half[4][WINO_LINE], int down, size_t width)
{
    const size_t line = g->w->out_w, cols = g->args->cols;
    for (size_t i = 0; i < (size_t)down; i++) {
        vec out[4];
        wino_a(m, out, half[i]);
        UNROLL
        for (size_t k = 0; k < (size_t)m; k++) {
            const size_t row = first + i * line + k;
            if (whole)
                vstore(to + (i * line + k) * cols, out[k]);
            else if (row >= g->t.r0 && row < g->t.r1)
                vstore_pad(to + (i * line + k) * cols, width, out[k]);
        }
    }
}

/* M's panel, which begins at `column` of the output: back from the products to the pixels of block number t. */
static void wino_output(const wino_job *g, size_t t, size_t column)
{
    const lami_window *w = g->w;
    const wino_block *b = &g->block[t];
    const size_t first = (b->n * w->out_h + b->y) * w->out_w + b->x;
    const size_t last = first + (size_t)(b->down - 1) * w->out_w + (size_t)b->across - 1;
    const size_t width = least(WINO_PANEL, g->args->cols - column);
    const int whole = first >= g->t.r0 && last < g->t.r1 && width == WINO_PANEL;
    for (size_t j = 0; j < width; j += LANES) {
        real *to = (real *)g->args->out[0] + first * g->args->cols + column + j;
        vec half[4][WINO_LINE];
        WINO_BY_LINE(wino_columns_back, b->down, half, wino_m(g, t, j), b->across);
        if (whole)
            WINO_BY_LINE(wino_rows_back, b->across, 1, g, to, first, half, b->down, LANES);
        else
            WINO_BY_LINE(wino_rows_back, b->across, 0, g, to, first, half, b->down, width - j);
    }
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
            for (size_t k = 0; k < least(WINO_PANEL, end - c); k++) {
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

/* The products of one place and the panel from `column` on, of all blocks that have it. The weights of the place that follows,
 * a line for each channel, are fetched meanwhile. */
static void wino_place(const wino_job *g, size_t place, size_t column)
{
    enum { STEP = NV * LANES < WINO_PANEL ? NV * LANES : WINO_PANEL };
    const size_t channels = g->w->c, begin = g->have[place].from / MR * MR, end = g->have[place].to;
    const real *v = g->v + place * g->v_place;
    const real *u = (const real *)g->args->in[1] + (column / WINO_PANEL * WINO + place) * channels * WINO_PANEL;
    real *m = g->m + place * WINO_M_PLACE;
    for (size_t j = 0; j < WINO_PANEL; j += STEP)
        for (size_t r = begin, rows, next = 0; r < end; r += rows) {
            rows = least(MR, end - r);
            for (; next < (r + rows - begin) * channels / (end - begin); next++)
                __builtin_prefetch(u + (channels + next) * WINO_PANEL);
            wino_table[rows - 1](channels, v + r * g->deep, u + j, m + r * WINO_PANEL + j);
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
    g->end = r1;
}

/* Blocks stand in this order, and within it as they came: then those four down, those four across and those of both are each
 * in a row. */
enum { WINO_LOWER_EDGE, WINO_WHOLE, WINO_RIGHT_EDGE, WINO_CORNER, WINO_ORDERS };

static int wino_order(const wino_block *b)
{
    if (b->across == 4)
        return b->down == 4 ? WINO_WHOLE : WINO_LOWER_EDGE;
    return b->down == 4 ? WINO_RIGHT_EDGE : WINO_CORNER;
}

static void wino_sort(wino_job *g, const wino_block *came)
{
    size_t start[WINO_ORDERS + 1] = { 0 }, next[WINO_ORDERS];
    for (size_t t = 0; t < g->count; t++)
        start[wino_order(&came[t]) + 1]++;
    for (int k = 0; k < WINO_ORDERS; k++) {
        next[k] = start[k];
        start[k + 1] += start[k];
    }
    for (size_t t = 0; t < g->count; t++)
        g->block[next[wino_order(&came[t])]++] = came[t];
    const size_t down = (g->w->out_h - 1) % 4 + 1, across = (g->w->out_w - 1) % 4 + 1; /* of blocks at the edges */
    for (int i = 0; i < WINO_LINE; i++)
        for (int k = 0; k < WINO_LINE; k++) {
            const int tall = wino_from[i] > down, broad = wino_from[k] > across;
            g->have[WINO_LINE * i + k] = (wino_range) {
                .from = start[tall ? WINO_WHOLE : WINO_LOWER_EDGE],
                .to = start[broad  ? WINO_RIGHT_EDGE
                            : tall ? WINO_CORNER
                                   : WINO_ORDERS],
            };
        }
}

/* Take the next blocks, at most TILES. Returns how many. */
static size_t wino_next(wino_job *g)
{
    const lami_window *w = g->w;
    const size_t image = w->out_h * w->out_w;
    wino_block came[WINO_TILES];
    for (g->count = 0; g->count < WINO_TILES && g->n * image < g->end;) {
        const size_t down = least(4, w->out_h - g->y), across = least(4, w->out_w - g->x);
        came[g->count++] = (wino_block) { .n = g->n, .y = g->y, .x = g->x, .down = (int)down, .across = (int)across };
        if ((g->x += 4) < w->out_w)
            continue;
        g->x = 0;
        if ((g->y += 4) <= (least(image, g->end - g->n * image) - 1) / w->out_w)
            continue;
        g->y = 0;
        g->n++;
    }
    wino_sort(g, came);
    return g->count;
}

/* Row i of block t of the output, a panel from `column` on: fetched for writing while products are made. */
static void wino_fetch(const wino_job *g, size_t t, size_t i, size_t column)
{
    const lami_window *w = g->w;
    const wino_block *b = &g->block[t];
    const size_t cols = g->args->cols, row = (b->n * w->out_h + b->y + i) * w->out_w + b->x;
    const real *to = (const real *)g->args->out[0] + row * cols + column;
    if (i < (size_t)b->down)
        for (size_t k = 0; k < (size_t)b->across; k++)
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
    for (wino_begin(&g, t.r0, t.r1); wino_next(&g);)
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
    g->deep = round_up(channels, WINO_PANEL);
    g->v_place = g->deep * WINO_TILES + WINO_PANEL;
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

/* The products of one place, of the group's blocks that have it, are added to its sums. */
static void wino_add_place(const wino_job *g, size_t place, int fresh)
{
    const size_t channels = g->w->c, nv = least(NV, WINO_PANEL / LANES);
    const size_t first = g->have[place].from, count = g->have[place].to - first;
    const real *v = g->v + place * g->v_place + first * WINO_PANEL;
    if (!count && !fresh)
        return;
    for (size_t j = 0; j < g->t.c1 - g->t.c0; j += nv * LANES) {
        const real *m = wino_m(g, first, j) + place * WINO_M_PLACE;
        real *sum = wino_sum(g, j, place);
        const block_sink sink = { .level = { sum }, .count = !fresh, .ld = WINO_PANEL, .dst = sum, .ldd = WINO_PANEL };
        for (size_t c = 0; c < channels; c += WINO_PANEL)
            for (size_t i = 0, here = least(WINO_PANEL, channels - c); i < here; i += MR)
                micro_table[1][nv - 1][least(MR, here - i) - 1](count, v + c * WINO_TILES + i, WINO_PANEL, m,
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
                        put(part, row * cols + j, g->t.c1 - j, out[k]);
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
        for (wino_begin(&g, n0 * w->out_h * w->out_w, n1 * w->out_h * w->out_w); wino_next(&g); fresh = 0)
            wino_add(&g, fresh);
        wino_filters(&g, (real *)args->out[0] + chunk * depth * args->cols, r % depth, r % depth + here);
    }
}
