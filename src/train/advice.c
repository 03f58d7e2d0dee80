/* advice: see advice.h. */
#include "advice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/mathfn.h"
#include "../core/shape.h"

enum { START = 1, GROWTH = 2, DEAD = 4, LEAST_SAMPLES = 50 /* a unit that is 0 on fewer may well be alive */ };

/* Softmax: log C; svm: each of the others is 1 too large; logistic: log 2. With numbers as targets of mse it depends on
 * them. */
static double guessing_loss(const lam_net *net)
{
    const double classes = (double)net->classes;
    if (net->loss == &lami_softmax)
        return lami_log(classes);
    if (net->loss == &lami_svm)
        return classes - 1;
    return net->loss == &lami_logistic ? lami_log(2) : NAN;
}

/* Targets far from 0 with deviation 1 make steps that are much too large, or many too small ones. */
static double spread_of(const lam_net *net, const lam_data *data)
{
    const lami_part *train = &data->part[LAM_TRAIN];
    double most = 0;
    if (!net->loss->values || !data->targets || net->units.count)
        return 0;
    for (size_t i = 0; i < train->count * data->targets; i++)
        most = fabs(train->target[i]) > most ? fabs(train->target[i]) : most;
    return most;
}

static int has_relu(const lam_net *net)
{
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].layer == &lami_relu)
            return 1;
    return 0;
}

void lami_advice_new(lami_advice *a, const lam_net *net, const lam_data *data)
{
    *a = (lami_advice) { .net = net, .guessing = guessing_loss(net), .first = NAN, .spread = spread_of(net, data) };
    if (!has_relu(net))
        a->given |= DEAD; /* nothing to look at */
}

void lami_advice_begin(lami_advice *a, double loss, double with_l2)
{
    enum { LARGE_TARGET = 30 };
    a->first = with_l2;
    if (a->spread > LARGE_TARGET)
        snprintf(a->text, sizeof a->text,
                 "the numbers to predict reach %.4g: --scale-targets trains on mean 0 and deviation 1 instead",
                 a->spread);
    else if (loss > 2 * a->guessing + 1) /* never with NAN */
        snprintf(a->text, sizeof a->text,
                 "the loss begins at %.4g, guessing gives %.4g: the first scores are too large; try --preprocess "
                 "standardize, or smaller weights (--init-scale 0.01)",
                 loss, a->guessing);
    if (a->text[0])
        a->given |= START;
}

static void look_at_growth(lami_advice *a, double loss, double lr)
{
    if (a->given & GROWTH || !(loss > 1.5 * a->first) || !(lr > 0))
        return;
    snprintf(a->text, sizeof a->text,
             "the loss has grown from %.4g to %.4g: a smaller learning rate may help (--lr %.2g)", a->first, loss,
             lr / 10);
    a->given |= GROWTH;
}

/* The layer with the largest share of units that are 0 for each sample of a batch. */
typedef struct dead {
    int node;
    size_t units, all;
} dead;

static int count_dead(const lami_plan *plan, const lami_record *r, void *arg)
{
    dead *d = arg;
    if (r->op != LAMI_OP_relu || r->node < 0)
        return 0;
    const lami_buffer *b = &plan->buffer[r->out[0]];
    const size_t rows = lami_extent_of(b->rows, plan->samples);
    size_t units = 0;
    for (size_t c = 0; c < b->cols; c++) {
        size_t row = 0;
        while (row < rows && !(lami_real_at(b->address, plan->dtype, row * b->cols + c) > 0))
            row++;
        units += row == rows;
    }
    if ((double)units * (double)d->all > (double)d->units * (double)b->cols)
        *d = (dead) { r->node, units, b->cols };
    return 0;
}

static lam_status look_at_relus(lami_advice *a, lam_session *measure, const lami_batch *batch)
{
    dead worst = { .node = -1, .all = 1 };
    char name[64];
    if (a->given & DEAD || batch->n < LEAST_SAMPLES)
        return LAM_OK;
    LAM_TRY(lami_session_load(measure, batch));
    lami_plan_walk(lami_session_plan(measure), count_dead, &worst);
    if (worst.node < 0 || 2 * worst.units < worst.all)
        return LAM_OK;
    lami_node_name(name, a->net, (size_t)worst.node);
    snprintf(
        a->text, sizeof a->text,
        "%s: %zu of %zu units are 0 for each of %zu samples; a smaller --lr, leakyrelu in place of relu, or batchnorm "
        "before it may help",
        name, worst.units, worst.all, batch->n);
    a->given |= DEAD;
    return LAM_OK;
}

lam_status lami_advice_epoch(lami_advice *a, lam_session *measure, const lami_batch *batch, double loss, double lr)
{
    if (a->text[0])
        return LAM_OK;
    look_at_growth(a, loss, lr);
    return a->text[0] ? LAM_OK : look_at_relus(a, measure, batch);
}

const char *lami_advice_take(lami_advice *a)
{
    if (!a->text[0])
        return NULL;
    memcpy(a->said, a->text, sizeof a->said);
    a->text[0] = 0;
    return a->said;
}
