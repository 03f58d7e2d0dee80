/* affine: a fully connected layer.
 *   y = x w + b;   dx = dy w^T,  dw = x^T dy,  db = sum of dy over the batch
 * Shapes    x (N, D), any sample shape is taken as a row of D;  w (D, M);  b (M);  y (N, M)
 * Notation  affine M      (or linear M; M may be left out in the last one: the number of classes)
 * Source    CS231n assignment 2, affine_forward; docs/math.md#affine */
#include "layer.h"

typedef struct {
    size_t outputs;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_SIZE,
                                      .positional = 1,
                                      .name = "outputs",
                                      .help = "number of outputs",
                                      .least = 1,
                                      .most = 1 << 24,
                                      .offset = offsetof(opts, outputs) },
                                    LAMI_OPT_END };

enum { WEIGHT, BIAS };

static lam_status shape(lami_node *n)
{
    const opts *o = n->opts;
    const size_t inputs = lam_shape_count(&n->in);
    if (!o->outputs)
        return lami_fail(LAM_ESHAPE,
                         "affine: its size is left out, and only the last affine's follows from the classes");
    n->out = lami_shape1(o->outputs);
    lami_param_spec *w = lami_param(n, "weight", inputs, o->outputs, LAMI_INIT_WEIGHT);
    w->decays = 1;
    w->transposed = 1;
    w->image = n->in;
    lami_param(n, "bias", 1, o->outputs, LAMI_INIT_ZERO);
    return LAM_OK;
}

/* Weights that stay are packed for the products once; but for a few rows, which read them once anyhow. */
static void emit_product(lami_plan *p, lami_buf x, lami_buf weight, lami_buf y, size_t inputs, size_t outputs)
{
    const size_t panel = p->ops->panel;
    const lami_extent depth = lami_fixed(inputs), places = lami_fixed((outputs + panel - 1) / panel * inputs);
    if (!p->still || p->bf16 || p->max_samples <= LAMI_GEMM_FEW) {
        lami_emit(p, gemm_nn, lami_per_sample(1), outputs, .in = { x, weight }, .out = { y }, .depth = depth);
        return;
    }
    const lami_buf packed = lami_buffer_new(p, places, panel, "packed weights");
    lami_emit(p, gemm_weights, places, panel, .in = { weight }, .out = { packed }, .depth = lami_fixed(outputs));
    lami_emit(p, gemm_panels, lami_per_sample(1), outputs, .in = { x, packed }, .out = { y }, .depth = depth,
              .chunk = panel);
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const size_t inputs = lam_shape_count(&n->in), outputs = n->out.dim[0];
    const lami_buf product = lami_buffer_new(p, lami_per_sample(1), outputs, "product");
    emit_product(p, q->x, q->param[WEIGHT], product, inputs, outputs);
    lami_emit(p, bias, lami_per_sample(1), outputs, .in = { product, q->param[BIAS] }, .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const size_t inputs = lam_shape_count(&n->in), outputs = n->out.dim[0];
    if (q->dx)
        lami_emit(p, gemm_nt, lami_per_sample(1), inputs, .in = { q->dy, q->param[WEIGHT] }, .out = { q->dx },
                  .depth = lami_fixed(outputs));
    if (q->dparam[WEIGHT])
        lami_emit(p, gemm_tn, lami_fixed(inputs), outputs, .in = { q->x, q->dy }, .out = { q->dparam[WEIGHT] },
                  .depth = lami_per_sample(1));
    if (q->dparam[BIAS])
        lami_emit_column_sum(p, q->dy, lami_per_sample(1), outputs, q->dparam[BIAS]);
}

static double flops(const lami_node *n)
{
    return 2.0 * (double)lam_shape_count(&n->in) * (double)n->out.dim[0];
}

const lami_layer lami_affine = {
    .name = "affine",
    .alias = "linear",
    .help = "fully connected: y = x w + b",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
