/* conv: convolution (cross-correlation, as both courses and PyTorch have it).
 *   y[n, f, i, j] = b[f] + sum over c, u, v of w[f, c, u, v] xpad[n, c, i S + u, j S + v]
 *   dx: the same sum over dy with w turned by half;  dw = sum of dy[n, f, i, j] xpad[n, c, i S + u, j S + v];  db = sum of dy
 * Shapes    x (N, C, H, W);  w (F, C, KH, KW);  b (F);  y (N, F, OH, OW), OH = floor((H + padding - KH) / S) + 1
 * Notation  conv F KxK [stride S] [pad same|valid|P] [nobias]     (same: (K - 1) / 2 before, K / 2 after)
 * Source    CS231n assignment 2, conv_forward_naive; docs/math.md#conv */
#include "../core/mem.h"
#include "window.h"

typedef struct {
    size_t filters, kernel[2], stride[2], pad[2];
    int nobias;
} opts;

enum { SAME, VALID };

static const lami_opt options[] = {
    { .kind = LAMI_OPT_SIZE,
      .positional = 1,
      .required = 1,
      .name = "filters",
      .help = "number of filters",
      .least = 1,
      .most = 1 << 24,
      .offset = offsetof(opts, filters) },
    { .kind = LAMI_OPT_PAIR,
      .positional = 1,
      .required = 1,
      .name = "kernel",
      .help = "height and width of a filter",
      .least = 1,
      .most = 1 << 16,
      .offset = offsetof(opts, kernel) },
    { .kind = LAMI_OPT_PAIR,
      .name = "stride",
      .help = "step of the window",
      .fallback = 1,
      .least = 1,
      .most = 1 << 16,
      .offset = offsetof(opts, stride) },
    { .kind = LAMI_OPT_PAIR,
      .name = "pad",
      .help = "rows and columns of zeros on each side; same: (K - 1) / 2 before, K / 2 after",
      .words = "same valid",
      .fallback = -1,
      .least = 0,
      .most = 1 << 16,
      .offset = offsetof(opts, pad) },
    { .kind = LAMI_OPT_FLAG, .name = "nobias", .help = "without a bias", .offset = offsetof(opts, nobias) },
    LAMI_OPT_END
};

enum { WEIGHT, BIAS };
enum { LEAST_PIXELS = 1024, MOST_PIXELS = 8192 }; /* of a chunk of samples in the weights' gradient */

static lam_status window_of(lami_window *w, const lami_node *n)
{
    const opts *o = n->opts;
    lami_window_size s = { .kernel = { o->kernel[0], o->kernel[1] }, .stride = { o->stride[0], o->stride[1] } };
    s.same = o->pad[0] == lami_pair_word(SAME);
    for (int k = 0; k < 2 && o->pad[0] < lami_pair_word(VALID); k++)
        s.pad[k] = o->pad[k];
    return lami_window_make(w, n, &s);
}

static lam_status shape(lami_node *n)
{
    const opts *o = n->opts;
    lami_window w;
    LAM_TRY(window_of(&w, n));
    n->out = lami_shape3(o->filters, w.out_h, w.out_w);
    size_t inputs;
    LAM_TRY(lami_mul(&inputs, o->kernel[0] * o->kernel[1], w.c));
    lami_param_spec *p = lami_param(n, "weight", inputs, o->filters, LAMI_INIT_WEIGHT);
    p->decays = 1;
    p->transposed = 1;
    p->kernel = 1;
    p->image = lami_shape3(w.c, o->kernel[0], o->kernel[1]);
    if (!o->nobias)
        lami_param(n, "bias", 1, o->filters, LAMI_INIT_ZERO);
    return LAM_OK;
}

static size_t whole_panels(size_t channels)
{
    return (channels + LAMI_WINOGRAD_PANEL - 1) / LAMI_WINOGRAD_PANEL * LAMI_WINOGRAD_PANEL;
}

/* Is it worth transforming? A line of m outputs, at most four, takes m + 2 products in place of 3 m, and about 200 operations
 * per block and channel, of whole panels. A rule on the layer's shape: never on the batch. In double, for checks, the plain
 * sum. */
static int is_winograd(const lami_plan *p, const lami_window *w, size_t filters)
{
    const size_t high = w->out_h + 2 * ((w->out_h + 3) / 4), wide = w->out_w + 2 * ((w->out_w + 3) / 4);
    const double c = (double)w->c, direct = 9 * (double)(w->out_h * w->out_w) * c * (double)filters;
    const double whole_c = (double)whole_panels(w->c), whole_f = (double)whole_panels(filters);
    return !p->direct && p->dtype == LAM_F32 && w->kernel_h == 3 && w->kernel_w == 3 &&
           w->stride_h * w->stride_w == 1 && w->up_h * w->up_w == 1 &&
           (double)(high * wide) * (1.1 * c * whole_f + 11 * (whole_c + whole_f)) < direct;
}

static void emit_conv(lami_plan *p, const lami_window *w, lami_buf x, lami_buf weight, lami_buf y, size_t filters)
{
    const lami_extent rows = lami_per_sample(w->out_h * w->out_w), depth = lami_fixed(w->kernel_h * w->kernel_w * w->c);
    if (!is_winograd(p, w, filters)) {
        lami_emit(p, conv, rows, filters, .in = { x, weight }, .out = { y }, .depth = depth, .window = *w);
        return;
    }
    const lami_extent places = lami_fixed(36 * w->c * (whole_panels(filters) / LAMI_WINOGRAD_PANEL));
    const lami_buf transformed = lami_buffer_new(p, places, LAMI_WINOGRAD_PANEL, "transformed weights");
    lami_emit(p, winograd_weights, places, LAMI_WINOGRAD_PANEL, .in = { weight }, .out = { transformed },
              .depth = lami_fixed(filters), .window = *w);
    lami_emit(p, winograd, rows, filters, .in = { x, transformed }, .out = { y }, .depth = depth, .window = *w);
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    const lami_extent rows = lami_per_sample(lami_rows(&n->out));
    lami_window w;
    (void)window_of(&w, n);
    const lami_buf sum = o->nobias ? q->y : lami_buffer_new(p, rows, o->filters, "product");
    emit_conv(p, &w, q->x, q->param[WEIGHT], sum, o->filters);
    if (!o->nobias)
        lami_emit(p, bias, rows, o->filters, .in = { sum, q->param[BIAS] }, .out = { q->y });
}

/* The data gradient is a convolution of dy: what was a stride spreads dy's pixels out. */
static void data_gradient(lami_plan *p, const lami_node *n, const lami_ports *q, const lami_window *w)
{
    const opts *o = n->opts;
    const lami_extent depth = lami_fixed(w->kernel_h * w->kernel_w * o->filters);
    const lami_window turned = { .h = w->out_h,
                                 .w = w->out_w,
                                 .c = o->filters,
                                 .out_h = w->h,
                                 .out_w = w->w,
                                 .kernel_h = w->kernel_h,
                                 .kernel_w = w->kernel_w,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .pad_top = (ptrdiff_t)w->kernel_h - 1 - w->pad_top,
                                 .pad_left = (ptrdiff_t)w->kernel_w - 1 - w->pad_left,
                                 .up_h = w->stride_h,
                                 .up_w = w->stride_w };
    const lami_buf flipped = lami_buffer_new(p, depth, w->c, "turned weights");
    lami_emit(p, conv_flip, depth, w->c, .in = { q->param[WEIGHT] }, .out = { flipped }, .window = turned);
    emit_conv(p, &turned, q->dy, flipped, q->dx, w->c);
}

/* Samples whose pixels are added up in order (docs/numerics.md): `least` pixels, or more where the weights are so many that
 * their partial sums would cost more than the products. */
static size_t chunk_samples(const lami_node *n, size_t least)
{
    const size_t pixels = lami_rows(&n->out), weights = n->param[WEIGHT].rows * n->param[WEIGHT].cols;
    const size_t wanted = weights / 256 < least ? least : weights / 256 < MOST_PIXELS ? weights / 256 : MOST_PIXELS;
    return (wanted + pixels - 1) / pixels;
}

static void weight_gradient(lami_plan *p, const lami_node *n, const lami_ports *q, const lami_window *w)
{
    const lami_param_spec *s = &n->param[WEIGHT];
    const int transforms = is_winograd(p, w, s->cols);
    const lami_extent parts = { .per_sample = 1,
                                .chunk = chunk_samples(n, transforms ? MOST_PIXELS : LEAST_PIXELS),
                                .times = s->rows };
    const lami_buf part = lami_buffer_new(p, parts, s->cols, "sums");
    lami_emit_record(p, (lami_record) { .op = transforms ? LAMI_OP_winograd_filter : LAMI_OP_conv_filter,
                                        .rows = parts,
                                        .cols = s->cols,
                                        .in = { q->x, q->dy },
                                        .out = { part },
                                        .depth = lami_per_sample(lami_rows(&n->out)),
                                        .chunk = parts.chunk,
                                        .window = *w });
    lami_emit(p, tree_sum, lami_fixed(s->rows), s->cols, .in = { part }, .out = { q->dparam[WEIGHT] },
              .depth = lami_per_sample(1), .chunk = parts.chunk);
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const opts *o = n->opts;
    lami_window w;
    (void)window_of(&w, n);
    if (q->dx)
        data_gradient(p, n, q, &w);
    if (q->dparam[WEIGHT])
        weight_gradient(p, n, q, &w);
    if (!o->nobias && q->dparam[BIAS])
        lami_emit_column_sum(p, q->dy, lami_per_sample(lami_rows(&n->out)), o->filters, q->dparam[BIAS]);
}

static double flops(const lami_node *n)
{
    return 2.0 * (double)n->param[WEIGHT].rows * (double)n->param[WEIGHT].cols * (double)lami_rows(&n->out);
}

const lami_layer lami_conv = {
    .name = "conv",
    .help = "convolution",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
