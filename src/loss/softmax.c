/* softmax: cross-entropy of the softmax of the scores, mean over the batch.
 *   loss[n] = log(sum_j exp(x[n,j] - max)) - (x[n,label] - max);   dx = (softmax(x) - 1 at the label) / N
 * With label smoothing s the target is 1 - s at the label and s / C everywhere: loss[n] = log-sum-exp - (1 - s)
 * x[n,label] - s mean_j x[n,j].
 * Shapes    scores x (N, C), labels (N), losses (N), dx (N, C)
 * Source    CS231n, softmax_loss; Szegedy et al. 2015, arXiv:1512.00567; docs/math.md#softmax */
#include "loss.h"

static void emit(lami_plan *p, const lami_loss_ports *q)
{
    lami_emit(p, softmax_loss, lami_per_sample(1), q->scores_each, .in = { q->scores, q->labels },
              .out = { q->rows, q->dscores }, .c = { q->smoothing });
}

const lami_loss lami_softmax = {
    .name = "softmax", .help = "cross-entropy of the softmax", .smooths = 1, .emit = emit
};
