/* pool: operations that gather from windows of an image. Arrays are channels-last; vectors run along the channels. */

/* The row of an array of pixels as its image and place there; _next goes to the next row. */
typedef struct {
    size_t n, y, x, h, w;
} pixel;

INLINE pixel pixel_at(size_t row, size_t h, size_t w)
{
    return (pixel) { row / (h * w), row / w % h, row % w, h, w };
}

INLINE void pixel_next(pixel *p)
{
    if (++p->x < p->w)
        return;
    p->x = 0;
    if (++p->y < p->h)
        return;
    p->y = 0;
    p->n++;
}

/* From .. to, the end not included. */
typedef struct {
    size_t from, to;
} span;

/* Input rows (or columns) of the window of output row o. */
INLINE span seen_by(size_t o, size_t stride, ptrdiff_t pad, size_t kernel, size_t size)
{
    const ptrdiff_t from = (ptrdiff_t)(o * stride) - pad, to = from + (ptrdiff_t)kernel;
    return (span) { from < 0 ? 0 : (size_t)from, to < (ptrdiff_t)size ? (size_t)to : size };
}

/* Output rows whose windows hold input row i. */
INLINE span holders_of(size_t i, size_t stride, ptrdiff_t pad, size_t kernel, size_t out)
{
    const ptrdiff_t at = (ptrdiff_t)i + pad;
    const size_t last = (size_t)at / stride + 1; /* exclusive */
    const size_t first = (size_t)at < kernel ? 0 : ((size_t)at - kernel) / stride + 1;
    return (span) { first, last < out ? last : out };
}

/* The larger, a NaN where there is one. */
INLINE vec larger(vec a, vec b)
{
    return vsel((a < b) | (b != b), b, a);
}

/* Is x a maximum of a window whose largest is y? */
INLINE ivec is_maximum(vec x, vec y)
{
    return (x == y) | (x != x);
}

static void maxpool(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    pixel p = pixel_at(t.r0, w->out_h, w->out_w);
    for (size_t r = t.r0; r < t.r1; r++, pixel_next(&p)) {
        const span ys = seen_by(p.y, w->stride_h, w->pad_top, w->kernel_h, w->h);
        const span xs = seen_by(p.x, w->stride_w, w->pad_left, w->kernel_w, w->w);
        const real *image = IN(0) + p.n * w->h * w->w * w->c;
        for (size_t c = t.c0, n = t.c1 - t.c0; n; n -= n < LANES ? n : LANES, c += LANES) {
            vec most = at(image, (ys.from * w->w + xs.from) * w->c + c, n);
            for (size_t y = ys.from; y < ys.to; y++)
                for (size_t x = xs.from; x < xs.to; x++)
                    most = larger(most, at(image, (y * w->w + x) * w->c + c, n));
            put(OUT(0), r * w->c + c, n, most);
        }
    }
}

/* Of the gradient that the window at output pixel (oy, ox) hands to its maxima, the part of input pixel p, channels c. */
INLINE vec share_of(const lami_args *args, const int ties, const real *image, pixel p, size_t oy, size_t ox, size_t c,
                    size_t n)
{
    const lami_window *w = args->window;
    const size_t out = ((p.n * w->out_h + oy) * w->out_w + ox) * w->c + c;
    const vec dy = at(IN(0), out, n), top = at(IN(2), out, n);
    ivec mine = is_maximum(at(image, (p.y * w->w + p.x) * w->c + c, n), top);
    if (ties == 2)
        return (vec)((ivec)dy & mine);
    const span ys = seen_by(oy, w->stride_h, w->pad_top, w->kernel_h, w->h);
    const span xs = seen_by(ox, w->stride_w, w->pad_left, w->kernel_w, w->w);
    vec count = vset(0);
    for (size_t y = ys.from; y < (ties ? ys.to : p.y + 1); y++)
        for (size_t x = xs.from; x < (ties || y < p.y ? xs.to : p.x); x++) {
            const ivec other = is_maximum(at(image, (y * w->w + x) * w->c + c, n), top);
            if (ties)
                count += (vec)((ivec)vset(1) & other);
            else
                mine &= ~other;
        }
    return (vec)((ivec)(ties ? dy / count : dy) & mine);
}

/* Windows that do not overlap: a window's elements in order, the first maximum takes the gradient. */
static void maxpool_back_disjoint(const lami_args *restrict args, lami_tile t)
{
    const lami_window *w = args->window;
    pixel p = pixel_at(t.r0, w->h, w->w);
    for (size_t r = t.r0; r < t.r1; r++, pixel_next(&p)) {
        const size_t oy = (size_t)((ptrdiff_t)p.y + w->pad_top) / w->stride_h;
        const size_t ox = (size_t)((ptrdiff_t)p.x + w->pad_left) / w->stride_w;
        real *dx = OUT(0) + r * w->c;
        const span ys = seen_by(oy, w->stride_h, w->pad_top, w->kernel_h, w->h);
        const span xs = seen_by(ox, w->stride_w, w->pad_left, w->kernel_w, w->w);
        if (oy >= w->out_h || ox >= w->out_w || p.y >= ys.to || p.x >= xs.to) { /* between or after the windows */
            memset(dx + t.c0, 0, (t.c1 - t.c0) * sizeof(real));
            continue;
        }
        const size_t out = ((p.n * w->out_h + oy) * w->out_w + ox) * w->c, row = w->w * w->c;
        const real *first = IN(1) + ((p.n * w->h + ys.from) * w->w + xs.from) * w->c;
        const size_t dy = p.y - ys.from, dx_ = p.x - xs.from, across = xs.to - xs.from;
        for (size_t c = t.c0, n = t.c1 - t.c0; n; n -= n < LANES ? n : LANES, c += LANES) {
            const vec top = at(IN(2), out + c, n);
            ivec mine = is_maximum(at(IN(1), r * w->c + c, n), top);
            for (size_t y = 0; y <= dy; y++)
                for (size_t x = 0; x < (y < dy ? across : dx_); x++)
                    mine &= ~is_maximum(at(first, y * row + x * w->c + c, n), top);
            put_past(args, dx, c, n, (vec)((ivec)at(IN(0), out + c, n) & mine));
        }
    }
}

INLINE void maxpool_back(const lami_args *restrict args, lami_tile t, const int ties)
{
    const lami_window *w = args->window;
    pixel p = pixel_at(t.r0, w->h, w->w);
    for (size_t r = t.r0; r < t.r1; r++, pixel_next(&p)) {
        const span ys = holders_of(p.y, w->stride_h, w->pad_top, w->kernel_h, w->out_h);
        const span xs = holders_of(p.x, w->stride_w, w->pad_left, w->kernel_w, w->out_w);
        const real *image = IN(1) + p.n * w->h * w->w * w->c;
        for (size_t c = t.c0, n = t.c1 - t.c0; n; n -= n < LANES ? n : LANES, c += LANES) {
            vec dx = vset(0);
            for (size_t y = ys.from; y < ys.to; y++)
                for (size_t x = xs.from; x < xs.to; x++)
                    dx += share_of(args, ties, image, p, y, x, c, n);
            put_past(args, OUT(0), r * w->c + c, n, dx);
        }
    }
}

static void maxpool_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    if (w->ties == 0 && w->kernel_h <= w->stride_h && w->kernel_w <= w->stride_w)
        maxpool_back_disjoint(args, t);
    else if (args->window->ties == 0)
        maxpool_back(args, t, 0);
    else if (args->window->ties == 1)
        maxpool_back(args, t, 1);
    else
        maxpool_back(args, t, 2);
    past_end();
}

static void avgpool(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    const vec size = vset((real)(w->kernel_h * w->kernel_w));
    pixel p = pixel_at(t.r0, w->out_h, w->out_w);
    for (size_t r = t.r0; r < t.r1; r++, pixel_next(&p)) {
        const span ys = seen_by(p.y, w->stride_h, w->pad_top, w->kernel_h, w->h);
        const span xs = seen_by(p.x, w->stride_w, w->pad_left, w->kernel_w, w->w);
        const real *image = IN(0) + p.n * w->h * w->w * w->c;
        for (size_t c = t.c0, n = t.c1 - t.c0; n; n -= n < LANES ? n : LANES, c += LANES) {
            vec sum = vset(0);
            for (size_t y = ys.from; y < ys.to; y++)
                for (size_t x = xs.from; x < xs.to; x++)
                    sum += at(image, (y * w->w + x) * w->c + c, n);
            put(OUT(0), r * w->c + c, n, sum / size);
        }
    }
}

static void avgpool_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const lami_window *w = args->window;
    const vec size = vset((real)(w->kernel_h * w->kernel_w));
    pixel p = pixel_at(t.r0, w->h, w->w);
    for (size_t r = t.r0; r < t.r1; r++, pixel_next(&p)) {
        const span ys = holders_of(p.y, w->stride_h, w->pad_top, w->kernel_h, w->out_h);
        const span xs = holders_of(p.x, w->stride_w, w->pad_left, w->kernel_w, w->out_w);
        const real *image = IN(0) + p.n * w->out_h * w->out_w * w->c;
        for (size_t c = t.c0, n = t.c1 - t.c0; n; n -= n < LANES ? n : LANES, c += LANES) {
            vec sum = vset(0);
            for (size_t y = ys.from; y < ys.to; y++)
                for (size_t x = xs.from; x < xs.to; x++)
                    sum += at(image, (y * w->out_w + x) * w->c + c, n);
            put_past(args, OUT(0), r * w->c + c, n, sum / size);
        }
    }
    past_end();
}
