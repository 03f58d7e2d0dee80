/* conv: convolutions straight from channels-last images; no matrix of windows is ever made.
 *
 * A row of the window is contiguous in a channels-last image, so a convolution is a product whose left rows are `kernel_h`
 * runs of kernel_w * c elements. What a band of output pixels sees of an image is copied once, with zeros for padding, and
 * not even that where the windows stay inside; then one micro-kernel does as in gemm.t.h, MR pixels x 2 registers of
 * filters, the pixels by their addresses.
 *   forward  sum over (kh, kw, c) in blocks of KC, blocks as a tree: as gemm
 *   data     the same with turned weights over the gradient; with a stride, the pixels of each residue see a part of the
 *            window (`up`): kh and kw descending, then f
 *   filter   per chunk of samples, sum over the pixels (n, oh, ow) in order; the chunks are a tree_sum
 * Source: Dukhan 2019, arXiv:1907.02129 (indirect convolution); Georganas et al. 2018, arXiv:1808.05567. */

enum {
    BAND = 240,   /* pixels that share a copy of the image; a multiple of 6 and 8 */
    PIXELS = 256, /* of conv_filter, between two rests of its sums in memory */
    NARROW = 8    /* rows of the micro-kernel when one register holds all columns */
};

/* A stretch of the sum: elements a + run.at, len of them. */
typedef struct {
    size_t at, len;
} conv_run;

typedef struct {
    const conv_run *run;
    size_t runs, step;    /* step: elements of `a` between two terms (filter) */
    const real *const *a; /* forward: one address per row; filter: the first is that of row 0, the rest follow it */
    const real *b;
    size_t ldb;
    const block_sink *sink; /* forward */
    real *const *to;        /* forward: where the rows go, when the sink has no dst; + `col` */
    size_t row, col;
    real *sum; /* filter: rows ld apart */
    size_t ld;
    int fresh; /* filter: the sums begin here */
} conv_call;

INLINE void conv_terms(const int mr, const int nv, const int filter, const conv_call *q, vec acc[8][2])
{
    const real *b = q->b;
    const size_t ldb = q->ldb, step = filter ? q->step : 1;
    for (const conv_run *run = q->run, *end = run + q->runs; run < end; run++) {
        const real *a[8];
        UNROLL
        for (int i = 0; i < mr; i++)
            a[i] = filter ? q->a[0] + run->at : q->a[i] + run->at;
        for (size_t k = 0; k < run->len; k++, b += ldb) {
            vec bv[2];
            UNROLL
            for (int j = 0; j < nv; j++)
                bv[j] = vload(b + j * LANES);
            UNROLL
            for (int i = 0; i < mr; i++) {
                const vec av = vset(filter ? a[0][k * step + (size_t)i] : a[i][k]);
                UNROLL
                for (int j = 0; j < nv; j++)
                    acc[i][j] = vfma(av, bv[j], acc[i][j]);
            }
        }
    }
}

INLINE void conv_forward(const int mr, const int nv, const conv_call *q)
{
    vec acc[8][2];
    sums_zero(mr, nv, acc);
    conv_terms(mr, nv, 0, q, acc);
    const block_sink *s = q->sink;
    for (size_t l = 0; l < s->count; l++)
        sums_add(mr, nv, acc, s->level[l] + q->row * s->ld, s->ld);
    UNROLL
    for (int i = 0; i < mr; i++) {
        real *to = s->dst ? s->dst + (q->row + (size_t)i) * s->ldd : q->to[i] + q->col;
        UNROLL
        for (int j = 0; j < nv; j++)
            vstore(to + j * LANES, acc[i][j]);
    }
}

INLINE void conv_gather(const int mr, const int nv, const conv_call *q)
{
    vec acc[8][2];
    if (q->fresh)
        sums_zero(mr, nv, acc);
    else
        sums_load(mr, nv, acc, q->sum, q->ld);
    conv_terms(mr, nv, 1, q, acc);
    sums_store(mr, nv, acc, q->sum, q->ld);
}

#define CONV_MICRO(mr, nv)                                   \
    static void conv_forward_##mr##_##nv(const conv_call *q) \
    {                                                        \
        conv_forward(mr, nv, q);                             \
    }                                                        \
    static void conv_gather_##mr##_##nv(const conv_call *q)  \
    {                                                        \
        conv_gather(mr, nv, q);                              \
    }
#define CONV_BOTH(mr) CONV_MICRO(mr, 1) CONV_MICRO(mr, 2)
CONV_BOTH(1)
CONV_BOTH(2)
CONV_BOTH(3)
CONV_BOTH(4)
CONV_BOTH(5)
CONV_BOTH(6)
CONV_BOTH(7)
CONV_BOTH(8)

typedef void (*conv_fn)(const conv_call *q);
#define CONV_ROW(kind, nv)                                                                                            \
    {                                                                                                                 \
        conv_##kind##_1_##nv, conv_##kind##_2_##nv, conv_##kind##_3_##nv, conv_##kind##_4_##nv, conv_##kind##_5_##nv, \
            conv_##kind##_6_##nv, conv_##kind##_7_##nv, conv_##kind##_8_##nv                                          \
    }
static const conv_fn conv_table[2][2][8] = { { CONV_ROW(forward, 1), CONV_ROW(forward, 2) },
                                             { CONV_ROW(gather, 1), CONV_ROW(gather, 2) } };

static size_t conv_rows(size_t nv)
{
    return nv == 1 ? NARROW : MR;
}

/* Would rows of `cols` elements share too few sets of the first-level cache (64 lines apart by 4 KiB, 8 ways) to stay there
 * for `uses` uses, which are enough to pay for packing a panel of them? */
static int is_crowded(size_t rows, size_t cols, size_t uses)
{
    const size_t bytes = cols * sizeof(real), step = least(bytes & -bytes, 4096);
    return cols > (size_t)NR && rows * step > 4 * 4096 && uses >= 8;
}

/* Rows and columns of an image as a window sees them: from (top, left), which may be outside, rows x cols pixels. */
typedef struct {
    ptrdiff_t top, left;
    size_t rows, cols;
} region;

static int is_inside(const lami_window *w, region r)
{
    return r.top >= 0 && r.left >= 0 && r.top + (ptrdiff_t)r.rows <= (ptrdiff_t)w->h &&
           r.left + (ptrdiff_t)r.cols <= (ptrdiff_t)w->w;
}

/* The region, with zeros for what is outside of the image. */
static void copy_region(real *copy, const real *image, const lami_window *w, region r)
{
    const size_t pitch = r.cols * w->c;
    const ptrdiff_t right = r.left + (ptrdiff_t)r.cols, width = (ptrdiff_t)w->w;
    const ptrdiff_t from = r.left < 0 ? 0 : r.left, to = right < width ? right : width;
    const size_t before = from < to ? (size_t)(from - r.left) * w->c : 0;
    const size_t inside = from < to ? (size_t)(to - from) * w->c : 0;
    for (size_t i = 0; i < r.rows; i++, copy += pitch) {
        const ptrdiff_t y = r.top + (ptrdiff_t)i;
        if (y < 0 || y >= (ptrdiff_t)w->h || !inside) {
            memset(copy, 0, pitch * sizeof(real));
            continue;
        }
        memset(copy, 0, before * sizeof(real));
        memcpy(copy + before, image + ((size_t)y * w->w + (size_t)from) * w->c, inside * sizeof(real));
        memset(copy + before + inside, 0, (pitch - before - inside) * sizeof(real));
    }
}

/* ---- forward, and the data gradient ---- */

/* Where `up` is more than 1 most taps of the window meet zeros between the rows: output rows o with the same residue meet
 * the taps first, first + up, ..., `taps` of them, and input rows from (o * stride - pad + first) / up on. */
typedef struct {
    size_t first, taps, offset; /* offset: the least such o */
} residue;

static residue residue_of(size_t first, size_t kernel, ptrdiff_t pad, size_t up)
{
    const ptrdiff_t rest = (pad - (ptrdiff_t)first) % (ptrdiff_t)up;
    return (residue) { first, first < kernel ? (kernel - first + up - 1) / up : 0,
                       (size_t)(rest < 0 ? rest + (ptrdiff_t)up : rest) };
}

typedef struct conv_job {
    const lami_args *args;
    const lami_window *w;
    lami_tile t;
    void (*panels)(const struct conv_job *g); /* the tile's columns of a band */
    residue v, h;                             /* vertical, horizontal */
    const real *b;
    size_t depth, blocks;
    real *copy, *packed, *tail, *levels, *more; /* more: what comes after */
    const real *from[BAND];                     /* pixels of the band: the first element that their window sees, ... */
    real *to[BAND];                             /* ... and their row of the output */
    size_t count, pitch;
} conv_job;

enum { RUNS = KC + 2 };

static size_t runs_of(conv_run runs[RUNS], const conv_job *g, size_t k0, size_t kc)
{
    const size_t width = g->h.taps * g->w->c;
    size_t n = 0;
    for (size_t k = k0; k < k0 + kc;) {
        const size_t row = k / width, in_row = k % width, len = least(width - in_row, k0 + kc - k);
        runs[n++] = (conv_run) { row * g->pitch + in_row, len };
        k += len;
    }
    return n;
}

/* The sums of level `l` that block b adds to itself; dst NULL where it is the last block. */
static block_sink conv_sink(const conv_job *g, size_t b)
{
    block_sink s = { .ld = NR, .ldd = NR };
    size_t l = 0;
    for (; b >> l & 1; l++)
        s.level[s.count++] = g->levels + l * BAND * NR;
    if (b + 1 < g->blocks)
        s.dst = g->levels + l * BAND * NR;
    else
        for (; b >> l; l++)
            if (b >> l & 1)
                s.level[s.count++] = g->levels + l * BAND * NR;
    return s;
}

static void band_panel(const conv_job *g, size_t j)
{
    const size_t cols = g->args->cols, width = least(NR, g->t.c1 - j), lanes = lanes_of(width);
    const size_t nv = lanes / LANES, rows = conv_rows(nv);
    conv_run runs[RUNS];
    for (size_t block = 0; block < g->blocks; block++) {
        const size_t k0 = block * KC, kc = least(KC, g->depth - k0);
        block_sink sink = conv_sink(g, block);
        const int last = block + 1 == g->blocks, pack = width < lanes || is_crowded(kc, cols, g->count / rows);
        if (last && width < lanes) {
            sink.dst = g->tail;
            sink.ldd = NR;
        }
        if (pack)
            pack_b(g->packed, g->b + k0 * cols + j, cols, kc, width);
        conv_call q = { .run = runs,
                        .runs = runs_of(runs, g, k0, kc),
                        .b = pack ? g->packed : g->b + k0 * cols + j,
                        .ldb = pack ? lanes : cols,
                        .sink = &sink,
                        .col = j };
        for (size_t r = 0; r < g->count; r += rows) {
            q.a = g->from + r;
            q.to = g->to + r;
            q.row = r;
            conv_table[0][nv - 1][least(rows, g->count - r) - 1](&q);
        }
        if (last && width < lanes)
            for (size_t r = 0; r < g->count; r++)
                memcpy(g->to[r] + j, g->tail + r * NR, width * sizeof(real));
    }
}

static void band_panels(const conv_job *g)
{
    for (size_t j = g->t.c0; j < g->t.c1; j += NR)
        band_panel(g, j);
}

static ptrdiff_t seen_from(size_t o, size_t stride, ptrdiff_t pad, residue r, size_t up)
{
    return ((ptrdiff_t)(o * stride + r.first) - pad) / (ptrdiff_t)up;
}

static size_t next_of(size_t o, residue r, size_t up)
{
    return o + (r.offset + up - o % up) % up;
}

/* Output pixels p0 .. p1 of image n that have the job's residues, at most BAND of them and where a row is longer of one row
 * only. */
static void conv_band(conv_job *g, size_t n, size_t p0, size_t p1)
{
    const lami_window *w = g->w;
    const size_t o0 = next_of(p0 / w->out_w, g->v, w->up_h), o1 = (p1 - 1) / w->out_w;
    if (o0 > o1)
        return;
    const int one_row = p0 / w->out_w == o1;
    const size_t q0 = next_of(one_row ? p0 % w->out_w : 0, g->h, w->up_w),
                 q1 = one_row ? (p1 - 1) % w->out_w : w->out_w - 1;
    if (q0 > q1)
        return;
    const size_t last_o = o0 + (o1 - o0) / w->up_h * w->up_h, last_q = q0 + (q1 - q0) / w->up_w * w->up_w;
    const region r = { .top = seen_from(o0, w->stride_h, w->pad_top, g->v, w->up_h),
                       .left = seen_from(q0, w->stride_w, w->pad_left, g->h, w->up_w),
                       .rows = (last_o - o0) / w->up_h * w->stride_h + g->v.taps,
                       .cols = (last_q - q0) / w->up_w * w->stride_w + g->h.taps };
    const real *x = (const real *)g->args->in[0] + n * w->h * w->w * w->c;
    real *y = (real *)g->args->out[0] + n * w->out_h * w->out_w * g->args->cols;
    const real *base = g->copy;
    g->pitch = r.cols * w->c;
    if (is_inside(w, r)) {
        base = x + ((size_t)r.top * w->w + (size_t)r.left) * w->c;
        g->pitch = w->w * w->c;
    } else if (g->depth) {
        copy_region(g->copy, x, w, r);
    }
    g->count = 0;
    for (size_t o = o0; o <= last_o; o += w->up_h) {
        const real *row = base + (o - o0) / w->up_h * w->stride_h * g->pitch;
        const size_t first = o * w->out_w < p0 ? next_of(p0 - o * w->out_w, g->h, w->up_w) : q0;
        for (size_t q = first; q <= last_q && o * w->out_w + q < p1; q += w->up_w) {
            if (g->depth)
                g->from[g->count] = row + (q - q0) / w->up_w * w->stride_w * w->c;
            g->to[g->count++] = y + (o * w->out_w + q) * g->args->cols;
        }
    }
    if (!g->depth) { /* no tap of the window meets these pixels */
        for (size_t r1 = 0; r1 < g->count; r1++)
            memset(g->to[r1] + g->t.c0, 0, (g->t.c1 - g->t.c0) * sizeof(real));
        return;
    }
    g->panels(g);
}

/* Pixels of the tile in bands; a band ends with its image, and with its row where rows are long. */
static void conv_residue(conv_job *g)
{
    const size_t image = g->w->out_h * g->w->out_w, width = g->w->out_w;
    const size_t most = BAND * (width < BAND ? g->w->up_h : 1) * g->w->up_w;
    for (size_t r = g->t.r0; r < g->t.r1;) {
        const size_t n = r / image, p = r % image;
        size_t end = least(least(p + most, image), p + g->t.r1 - r);
        if (width >= BAND)
            end = least(end, (p / width + 1) * width);
        else if (g->w->up_h * g->w->up_w > 1) /* so many rows that their pixels of one residue fit */
            end = least(end, (p / width + BAND / ((width - 1) / g->w->up_w + 1)) * width);
        conv_band(g, n, p, end);
        r += end - p;
    }
}

/* Scratch, in elements: the copied region, a packed panel, a tail panel, the levels. */
static size_t conv_layout(conv_job *g, real *work, const lami_args *args)
{
    const lami_window *w = args->window;
    const size_t across = least(w->out_w, BAND * w->up_w), rows = w->out_w < BAND ? BAND / w->out_w + 2 : 1;
    const size_t down = least(w->out_h, rows * w->up_h);
    const size_t copy = ((down - 1) * w->stride_h + w->kernel_h) * ((across - 1) * w->stride_w + w->kernel_w) * w->c;
    const size_t region_size = round_up(copy, 64), packed = (size_t)KC * NR, tail = (size_t)BAND * NR;
    g->copy = work;
    g->packed = work + region_size;
    g->tail = g->packed + packed;
    g->levels = g->tail + tail;
    g->more = g->levels + gemm_levels(args->depth) * BAND * NR;
    return region_size + packed + tail + gemm_levels(args->depth) * BAND * NR;
}

static void conv_tile(conv_job *g)
{
    const lami_window *w = g->w;
    g->b = g->args->in[1];
    for (size_t i = 0; i < w->up_h; i++)
        for (size_t j = 0; j < w->up_w; j++) {
            g->v = residue_of(i, w->kernel_h, w->pad_top, w->up_h);
            g->h = residue_of(j, w->kernel_w, w->pad_left, w->up_w);
            g->depth = g->v.taps * g->h.taps * w->c;
            g->blocks = (g->depth + KC - 1) / KC;
            conv_residue(g);
            g->b += g->depth * g->args->cols;
        }
}

static void conv(const lami_args *args, lami_tile t, void *work)
{
    conv_job g = { .args = args, .w = args->window, .t = t, .panels = band_panels };
    conv_layout(&g, work, args);
    conv_tile(&g);
}

/* Weights (kernel_h * kernel_w * C, F) for the data gradient: turned by half, C and F swapped, and with `up` sorted by
 * residue: rows (residue, kh, kw, f), columns c. window is that of the conv that they are for: its c is F. */
static void conv_flip(const lami_args *args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    const size_t filters = w->c, channels = args->cols;
    const real *from = args->in[0];
    real *to = args->out[0];
    size_t row = 0;
    for (size_t i = 0; i < w->up_h; i++)
        for (size_t j = 0; j < w->up_w; j++)
            for (size_t y = i; y < w->kernel_h; y += w->up_h)
                for (size_t x = j; x < w->kernel_w; x += w->up_w, row += filters) {
                    if (row >= t.r1 || row + filters <= t.r0)
                        continue;
                    const size_t f0 = row < t.r0 ? t.r0 - row : 0, f1 = least(filters, t.r1 - row);
                    const real *tap =
                        from + ((w->kernel_h - 1 - y) * w->kernel_w + w->kernel_w - 1 - x) * channels * filters;
                    for (size_t f = f0; f < f1; f += 16) /* a cache line of each row */
                        for (size_t c = t.c0; c < t.c1; c++)
                            for (size_t k = f; k < least(f + 16, f1); k++)
                                to[(row + k) * channels + c] = tap[c * filters + k];
                }
}

/* ---- the filters' gradient ---- */

typedef struct filter_job {
    const lami_args *args;
    const lami_window *w;
    lami_tile t;
    /* Rows k0 .. k1 of the sums at `sum`, the tile's columns: the block's pixels are added. */
    void (*panels)(const struct filter_job *g, real *sum, size_t k0, size_t k1, const real *dy, int fresh);
    real *copy, *packed, *tail, *more; /* more: what comes after */
    int copies;                        /* windows leave the image */
    const real *base;
    size_t pitch, runs, pixels;
    conv_run run[PIXELS]; /* the block's output rows: where, from base, their windows begin, and how many there are */
} filter_job;

/* Output rows of a block of pixels: as many as make PIXELS, at least one; rows that are longer are cut. */
static size_t block_rows(const lami_window *w)
{
    return w->out_w < PIXELS ? PIXELS / w->out_w : 1;
}

static size_t filter_layout(filter_job *g, real *work, const lami_args *args)
{
    const lami_window *w = args->window;
    const size_t across = (least(w->out_w, PIXELS) - 1) * w->stride_w + w->kernel_w;
    const size_t rows = block_rows(w), images = rows / w->out_h + 2;
    const size_t copy = round_up((rows * w->stride_h + images * w->kernel_h) * across * w->c, 64);
    const size_t packed = (size_t)PIXELS * NR;
    g->copy = work;
    g->packed = work + copy;
    g->tail = g->packed + packed;
    g->more = g->tail + NARROW * NR;
    return copy + packed + NARROW * NR;
}

/* What output rows row .. row+rows, columns q0 .. q0+len, see, counted from image n0 on. */
static void filter_block(filter_job *g, size_t n0, size_t row, size_t rows, size_t q0, size_t len)
{
    const lami_window *w = g->w;
    const size_t image = w->h * w->w * w->c;
    const real *x = (const real *)g->args->in[0] + n0 * image;
    real *copy = g->copy;
    region r = { .left = (ptrdiff_t)(q0 * w->stride_w) - w->pad_left, .cols = (len - 1) * w->stride_w + w->kernel_w };
    g->base = g->copies ? g->copy : x;
    g->pitch = (g->copies ? r.cols : w->w) * w->c;
    g->runs = 0;
    g->pixels = rows * len;
    for (size_t here; rows; row += here, rows -= here) {
        const size_t n = row / w->out_h, o = row % w->out_h;
        here = least(rows, w->out_h - o);
        r.top = (ptrdiff_t)(o * w->stride_h) - w->pad_top;
        r.rows = (here - 1) * w->stride_h + w->kernel_h;
        const size_t at =
            g->copies ? (size_t)(copy - g->copy) : n * image + (size_t)r.top * g->pitch + (size_t)r.left * w->c;
        for (size_t i = 0; i < here; i++)
            g->run[g->runs++] = (conv_run) { at + i * w->stride_h * g->pitch, len };
        if (g->copies) {
            copy_region(copy, x + n * image, w, r);
            copy += r.rows * g->pitch;
        }
    }
}

static void filter_panel(const filter_job *g, real *sum, size_t k0, size_t k1, size_t j, size_t width, const real *dy,
                         int fresh)
{
    const size_t cols = g->args->cols, row = g->w->kernel_w * g->w->c;
    const size_t lanes = lanes_of(width), nv = lanes / LANES, rows = conv_rows(nv);
    const int partial = width < lanes, pack = partial || is_crowded(g->pixels, cols, (k1 - k0) / rows);
    const real *at;
    if (pack)
        pack_b(g->packed, dy + j, cols, g->pixels, width);
    conv_call q = { .run = g->run,
                    .runs = g->runs,
                    .step = g->w->stride_w * g->w->c,
                    .a = &at,
                    .b = pack ? g->packed : dy + j,
                    .ldb = pack ? lanes : cols,
                    .ld = partial ? lanes : cols,
                    .fresh = fresh };
    for (size_t k = k0, m; k < k1; k += m) {
        real *to = sum + k * cols + j;
        m = least(least(rows, row - k % row), k1 - k);
        at = g->base + k / row * g->pitch + k % row;
        q.sum = partial ? g->tail : to;
        for (size_t i = 0; partial && !fresh && i < m; i++)
            memcpy(g->tail + i * lanes, to + i * cols, width * sizeof(real));
        conv_table[1][nv - 1][m - 1](&q);
        for (size_t i = 0; partial && i < m; i++)
            memcpy(to + i * cols, g->tail + i * lanes, width * sizeof(real));
    }
}

static void filter_panels(const filter_job *g, real *sum, size_t k0, size_t k1, const real *dy, int fresh)
{
    for (size_t j = g->t.c0; j < g->t.c1; j += NR)
        filter_panel(g, sum, k0, k1, j, least(NR, g->t.c1 - j), dy, fresh);
}

static int leaves_image(const lami_window *w)
{
    const region all = { -w->pad_top, -w->pad_left, (w->out_h - 1) * w->stride_h + w->kernel_h,
                         (w->out_w - 1) * w->stride_w + w->kernel_w };
    return !is_inside(w, all);
}

static void filter_tile(filter_job *g)
{
    const lami_args *args = g->args;
    const lami_window *w = g->w;
    const size_t depth = w->kernel_h * w->kernel_w * w->c, samples = args->depth / (w->out_h * w->out_w);
    g->copies = leaves_image(w);
    for (size_t r = g->t.r0, here; r < g->t.r1; r += here) {
        const size_t chunk = r / depth, k = r % depth, n0 = chunk * args->chunk;
        const size_t rows = least(args->chunk, samples - n0) * w->out_h;
        real *sum = (real *)args->out[0] + chunk * depth * args->cols;
        here = least(depth - k, g->t.r1 - r);
        for (size_t row = 0; row < rows; row += block_rows(w))
            for (size_t p = 0; p < w->out_w; p += PIXELS) {
                const real *dy = (const real *)args->in[1] + ((n0 * w->out_h + row) * w->out_w + p) * args->cols;
                filter_block(g, n0, row, least(block_rows(w), rows - row), p, least(PIXELS, w->out_w - p));
                g->panels(g, sum, k, k + here, dy, !row && !p);
            }
    }
}

static void conv_filter(const lami_args *args, lami_tile t, void *work)
{
    filter_job g = { .args = args, .w = args->window, .t = t, .panels = filter_panels };
    filter_layout(&g, work, args);
    filter_tile(&g);
}
