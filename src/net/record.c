/* record: a network's records: forward, loss, backward, update, written into a plan node by node. What runs is decided
 * by the plan; here is only the chain rule over the graph. */
#include "record.h"

#include "../core/mem.h"

typedef struct {
    lami_net_buffers *b;
    const lami_recipe *recipe;
    lami_plan *plan;
    const lam_net *net;
    lami_ports *ports; /* per node */
    lami_buf *y, *dy;  /* per node: output and its gradient so far */
    int *needs;        /* per node: does anything before or in it want the gradient of its output? */
} planner;

static lami_buf output_of(const planner *p, int node)
{
    return node < 0 ? p->b->input : p->y[node];
}

static int wanted_before(const planner *p, int node)
{
    return node < 0 ? p->recipe->kind == LAMI_SESSION_CHECK && node == LAMI_NET_INPUT : p->needs[node];
}

static int takes_moments(const planner *p)
{
    return p->recipe->kind == LAMI_SESSION_MOMENTS;
}

static int keeps_running(const lami_node *n)
{
    int running = 0;
    for (int k = 0; k < n->params; k++)
        running |= !n->param[k].trained;
    return running;
}

static void plan_forward(planner *p)
{
    for (size_t i = 0; i < p->net->nodes; i++) {
        const lami_node *n = &p->net->node[i];
        lami_ports *q = &p->ports[i];
        p->plan->node = (int)i;
        q->x = output_of(p, n->input);
        q->x2 = n->second == LAMI_NO_NODE ? LAMI_NONE : output_of(p, n->second);
        q->y = lami_buffer_new(p->plan, lami_per_sample(lami_rows(&n->out)), lami_cols(&n->out), "out");
        for (int k = 0; k < n->params; k++)
            q->param[k] = p->b->param[n->param[k].index];
        n->layer->forward(p->plan, n, q, lami_trains(p->recipe->kind) || (takes_moments(p) && keeps_running(n)));
        p->y[i] = q->y;
        p->needs[i] = wanted_before(p, n->input) || (n->second != LAMI_NO_NODE && wanted_before(p, n->second));
        for (int k = 0; k < n->params; k++)
            p->needs[i] |= n->param[k].trained;
    }
    p->b->scores = output_of(p, (int)p->net->nodes - 1);
}

/* Add a contribution to the gradient of a node's output (or of the input). */
static void contribute(planner *p, int node, lami_buf d)
{
    lami_buf *sum = node < 0 ? &p->b->input_grad : &p->dy[node];
    if (*sum) {
        const lam_shape *shape = node < 0 ? &p->net->input : &p->net->node[node].out;
        const lami_extent rows = lami_per_sample(lami_rows(shape));
        const lami_buf total = lami_buffer_new(p->plan, rows, lami_cols(shape), "d out");
        lami_emit(p->plan, add, rows, lami_cols(shape), .in = { *sum, d }, .out = { total });
        *sum = total;
    } else {
        *sum = d;
    }
}

static lami_buf new_gradient(planner *p, const lami_node *n)
{
    if (!wanted_before(p, n->input))
        return LAMI_NONE;
    return lami_buffer_new(p->plan, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), "d in");
}

static void plan_param_gradients(planner *p, const lami_node *n, lami_ports *q)
{
    for (int k = 0; k < n->params; k++) {
        const lami_param_spec *s = &n->param[k];
        if (!s->trained)
            continue;
        q->dparam[k] = p->b->grad[s->index] = lami_buffer_new(p->plan, lami_fixed(s->rows), s->cols, s->name);
    }
}

/* With L2 the gradient is dw + l2 * w; `grad` is that one from here on. */
static void plan_decay(planner *p, const lami_node *n)
{
    for (int k = 0; k < n->params; k++) {
        const lami_param_spec *s = &n->param[k];
        const double l2 = p->recipe->rule[s->index].l2;
        if (!s->trained || !(l2 > 0))
            continue;
        const lami_buf sum = lami_buffer_new(p->plan, lami_fixed(s->rows), s->cols, s->name);
        lami_emit(p->plan, axpby, lami_fixed(s->rows), s->cols, .in = { p->b->grad[s->index], p->b->param[s->index] },
                  .out = { sum }, .c = { 1, l2 });
        p->b->grad[s->index] = sum;
    }
}

static void plan_backward(planner *p)
{
    for (size_t i = p->net->nodes; i-- > 0;) {
        const lami_node *n = &p->net->node[i];
        lami_ports *q = &p->ports[i];
        p->plan->node = (int)i;
        if (!p->needs[i])
            continue;
        q->dy = p->dy[i];
        if (!n->layer->backward || q->y == q->x) { /* handed on */
            if (wanted_before(p, n->input))
                contribute(p, n->input, q->dy);
            if (n->second != LAMI_NO_NODE && wanted_before(p, n->second))
                contribute(p, n->second, q->dy);
            continue;
        }
        q->dx = new_gradient(p, n);
        plan_param_gradients(p, n, q);
        n->layer->backward(p->plan, n, q);
        plan_decay(p, n);
        if (q->dx)
            contribute(p, n->input, q->dx);
    }
}

static void want(lami_plan *plan, lami_buf b, int given)
{
    if (plan->status || !b)
        return;
    plan->buffer[b].wanted = 1;
    plan->buffer[b].given |= given;
}

/* Gradients into their sums, and the sums of squares that the gradient's norm is made of. */
static void plan_scaling(planner *p)
{
    lami_net_buffers *b = p->b;
    p->plan->node = LAMI_NODE_UPDATE;
    for (size_t i = 0; i < p->net->params; i++) {
        const lami_param_spec *s = p->net->param[i].spec;
        const lami_extent rows = lami_fixed(s->rows);
        if (!b->grad[i])
            continue;
        p->plan->until = p->recipe->rule[i].steps;
        if (p->recipe->options->accumulate > 1) {
            lami_emit(p->plan, add, rows, s->cols, .in = { b->sum[i], b->grad[i] }, .out = { b->sum[i] });
            b->grad[i] = b->sum[i];
        }
        if (p->recipe->options->clip > 0 && p->recipe->rule[i].lr > 0) {
            b->norm[i] = lami_buffer_new(p->plan, lami_fixed(1), s->cols, "squares");
            lami_emit_column_sumsq(p->plan, b->grad[i], rows, s->cols, b->norm[i]);
            want(p->plan, b->norm[i], 0);
        }
    }
    p->plan->until = 0;
}

static void plan_update(planner *p)
{
    const lami_recipe *recipe = p->recipe;
    const lami_net_buffers *b = p->b;
    lami_plan_part(p->plan, 2);
    p->plan->node = LAMI_NODE_UPDATE;
    for (size_t i = 0; i < p->net->params; i++) {
        const lami_param_spec *spec = p->net->param[i].spec;
        const lami_param_rule *rule = &recipe->rule[i];
        if (!spec->trained || !(rule->lr > 0))
            continue;
        lami_update u = {
            .rows = lami_fixed(spec->rows), .cols = spec->cols, .w = b->param[i], .dw = b->grad[i], .lr = rule->lr
        };
        p->plan->until = rule->steps;
        for (int k = 0; rule->optim->slot[k]; k++)
            u.state[k] = b->state[k][i];
        if (lami_scales(recipe->options)) {
            u.dw = lami_buffer_new(p->plan, u.rows, u.cols, spec->name);
            lami_emit(p->plan, scale_grad, u.rows, u.cols, .in = { b->grad[i] }, .out = { u.dw });
        }
        if (rule->norm > 0)
            lami_optim_renorm(p->plan, &u, rule->norm);
        if (rule->weight_decay > 0)
            lami_optim_shrink(p->plan, &u, rule->weight_decay);
        rule->optim->emit(p->plan, recipe->options, &u);
    }
    p->plan->until = 0;
}

/* The average takes in what the update left, of parameters that ever move. */
static void plan_average(planner *p)
{
    for (size_t i = 0; i < p->net->params; i++) {
        const lami_param_spec *spec = p->net->param[i].spec;
        if (spec->trained && !(p->recipe->rule[i].lr > 0))
            continue;
        lami_emit(p->plan, average, lami_fixed(spec->rows), spec->cols, .in = { p->b->average[i], p->b->param[i] },
                  .out = { p->b->average[i] });
    }
}

/* What would go into the running statistics is left to be read instead. */
static void plan_moments(planner *p)
{
    for (size_t k = 0; k < p->plan->deferreds; k++)
        for (size_t i = 0; i < p->net->params; i++)
            if (p->b->param[i] == p->plan->deferred[k].out[0]) {
                p->b->moment[i] = p->plan->deferred[k].in[1];
                want(p->plan, p->b->moment[i], 0);
            }
    p->plan->deferreds = 0;
}

/* L2 in the loss: sums of squares of the weights' columns, which the session adds up. */
static void plan_l2(planner *p)
{
    p->plan->node = LAMI_NODE_LOSS;
    for (size_t i = 0; i < p->net->params; i++) {
        const lami_param_spec *spec = p->net->param[i].spec;
        if (!(p->recipe->rule[i].l2 > 0))
            continue;
        p->b->sumsq[i] = lami_buffer_new(p->plan, lami_fixed(1), spec->cols, "squares");
        lami_emit_column_sumsq(p->plan, p->b->param[i], lami_fixed(spec->rows), spec->cols, p->b->sumsq[i]);
        want(p->plan, p->b->sumsq[i], 0);
    }
}

/* What the caller fills in or owns. */
static void plan_outside(planner *p)
{
    lami_plan *plan = p->plan;
    const lam_net *net = p->net;
    const int sums = lami_trains(p->recipe->kind) && p->recipe->options->accumulate > 1;
    p->b->input = lami_buffer_given(plan, lami_per_sample(lami_rows(&net->input)), lami_cols(&net->input), "input");
    for (size_t i = 0; i < net->params; i++) {
        const lami_param_spec *spec = net->param[i].spec;
        p->b->param[i] = lami_buffer_outside(plan, lami_fixed(spec->rows), spec->cols, net->param[i].name);
        const lami_optim *optim = p->recipe->rule ? p->recipe->rule[i].optim : NULL; /* none of running statistics */
        for (int k = 0; optim && optim->slot[k]; k++)
            p->b->state[k][i] = lami_buffer_outside(plan, lami_fixed(spec->rows), spec->cols, optim->slot[k]);
        if (sums && spec->trained)
            p->b->sum[i] = lami_buffer_outside(plan, lami_fixed(spec->rows), spec->cols, "sum of d");
        if (lami_averages(p->recipe->kind, p->recipe->options))
            p->b->average[i] = lami_buffer_outside(plan, lami_fixed(spec->rows), spec->cols, "average");
    }
}

/* Losses of the samples for some answers and, for training, the gradient of the scores, each row times its weight. */
static lami_buf plan_answers(planner *p, lami_answers *a)
{
    lami_plan *plan = p->plan;
    const lami_loss *loss = p->net->loss;
    const size_t each = p->net->classes;
    const int train = lami_trains(p->recipe->kind);
    lami_loss_ports q = { .scores_each = each, .scores = p->b->scores };
    if (loss->reals)
        q.targets = a->targets = lami_buffer_given(plan, lami_per_sample(1), each, "targets");
    else
        q.labels = a->labels = lami_buffer_labels(plan);
    q.rows = a->losses = lami_buffer_new(plan, lami_per_sample(1), 1, "losses");
    want(plan, a->losses, 0);
    if (train) {
        q.dscores = lami_buffer_new(plan, lami_per_sample(1), each, "d scores");
        q.smoothing = p->recipe->options->label_smoothing;
    }
    loss->emit(plan, &q);
    if (!train)
        return q.dscores;
    want(plan, a->targets, 1); /* like the input, for another forward pass on the same batch */
    a->weights = lami_buffer_given(plan, lami_per_sample(1), 1, "weights");
    want(plan, a->weights, 1);
    const lami_buf weighted = lami_buffer_new(plan, lami_per_sample(1), each, "d scores");
    lami_emit(plan, scale_rows, lami_per_sample(1), each, .in = { q.dscores, a->weights }, .out = { weighted });
    return weighted;
}

/* The loss of a mixed sample is the weighted sum of those of two answers. */
static lami_buf plan_loss(planner *p)
{
    const size_t each = p->net->classes;
    p->plan->node = LAMI_NODE_LOSS;
    const lami_buf own = plan_answers(p, &p->b->own);
    if (!lami_mixes(p->recipe->kind, p->recipe->options))
        return own;
    const lami_buf partner = plan_answers(p, &p->b->partner);
    const lami_buf sum = lami_buffer_new(p->plan, lami_per_sample(1), each, "d scores");
    lami_emit(p->plan, add, lami_per_sample(1), each, .in = { own, partner }, .out = { sum });
    return sum;
}

/* Scores in the units of the targets: scores * scale + shift, as norm_cols does it with mean 0 and deviation 1. */
static void plan_units(planner *p)
{
    lami_plan *plan = p->plan;
    lami_net_buffers *b = p->b;
    const size_t each = p->net->classes;
    plan->node = LAMI_NODE_LOSS;
    b->zero = lami_buffer_outside(plan, lami_fixed(1), each, "zero");
    b->one = lami_buffer_outside(plan, lami_fixed(1), each, "one");
    b->scale = lami_buffer_outside(plan, lami_fixed(1), each, "target scale");
    b->shift = lami_buffer_outside(plan, lami_fixed(1), each, "target shift");
    const lami_buf scores = lami_buffer_new(plan, lami_per_sample(1), each, "predictions");
    lami_emit(plan, norm_cols, lami_per_sample(1), each, .in = { b->scores, b->zero, b->one, b->scale, b->shift },
              .out = { scores });
    b->scores = scores;
}

static void plan_training(planner *p, lami_buf dscores)
{
    const lam_net *net = p->net;
    lami_plan *plan = p->plan;
    want(plan, p->b->input, 1);
    plan_l2(p);
    lami_plan_part(plan, 1);
    contribute(p, (int)net->nodes - 1, dscores);
    plan_backward(p);
    if (lami_scales(p->recipe->options))
        plan_scaling(p);
    if (p->recipe->options->accumulate > 1) /* running statistics follow each batch */
        lami_plan_commit(plan);
    if (p->recipe->kind != LAMI_SESSION_TRAIN) {
        for (size_t i = 0; i < net->params; i++)
            want(plan, p->b->grad[i], 0);
        want(plan, p->b->input_grad, 0);
    }
    plan_update(p);
    if (lami_averages(p->recipe->kind, p->recipe->options))
        plan_average(p);
}

static void plan_all(planner *p)
{
    p->plan->node = LAMI_NODE_LOSS;
    p->plan->fused = p->recipe->kind == LAMI_SESSION_TRAIN && !lami_scales(p->recipe->options);
    plan_outside(p);
    plan_forward(p);
    if (takes_moments(p)) {
        plan_moments(p);
        return;
    }
    if (p->recipe->kind == LAMI_SESSION_PREDICT && p->net->units.count)
        plan_units(p);
    want(p->plan, p->b->scores, 0);
    if (p->recipe->kind == LAMI_SESSION_PREDICT)
        return;
    if (lami_sees_views(p->recipe->kind, p->recipe->options)) /* the loss is of the mean over the views */
        lami_plan_part(p->plan, 1);
    const lami_buf dscores = plan_loss(p);
    if (lami_trains(p->recipe->kind))
        plan_training(p, dscores);
}

lam_status lami_record_net(lami_plan *plan, lami_net_buffers *b, const lam_net *net, const lami_recipe *recipe)
{
    lam_status status = LAM_ENOMEM;
    planner p = { .b = b,
                  .recipe = recipe,
                  .plan = plan,
                  .net = net,
                  .ports = lami_alloc(net->nodes, sizeof *p.ports),
                  .y = lami_alloc(net->nodes, sizeof *p.y),
                  .dy = lami_alloc(net->nodes, sizeof *p.dy),
                  .needs = lami_alloc(net->nodes, sizeof *p.needs) };
    if (p.ports && p.y && p.dy && p.needs) {
        plan_all(&p);
        status = plan->status;
    }
    lami_free(p.ports);
    lami_free(p.y);
    lami_free(p.dy);
    lami_free(p.needs);
    return status;
}

lam_status lami_net_buffers_new(lami_net_buffers *b, const lam_net *net)
{
    *b = (lami_net_buffers) { .param = lami_alloc(net->params, sizeof *b->param),
                              .grad = lami_alloc(net->params, sizeof *b->grad),
                              .sumsq = lami_alloc(net->params, sizeof *b->sumsq),
                              .norm = lami_alloc(net->params, sizeof *b->norm),
                              .sum = lami_alloc(net->params, sizeof *b->sum),
                              .average = lami_alloc(net->params, sizeof *b->average),
                              .moment = lami_alloc(net->params, sizeof *b->moment) };
    int ok = b->param && b->grad && b->sumsq && b->norm && b->sum && b->average && b->moment;
    for (int k = 0; k < LAMI_MAX_SLOTS; k++)
        ok &= (b->state[k] = lami_alloc(net->params, sizeof *b->state[k])) != NULL;
    return ok ? LAM_OK : LAM_ENOMEM;
}

void lami_net_buffers_free(lami_net_buffers *b)
{
    lami_free(b->param);
    lami_free(b->grad);
    lami_free(b->sumsq);
    lami_free(b->norm);
    lami_free(b->sum);
    lami_free(b->average);
    lami_free(b->moment);
    for (int k = 0; k < LAMI_MAX_SLOTS; k++)
        lami_free(b->state[k]);
}
