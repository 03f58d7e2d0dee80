/* logistic: cross-entropy of independent yes/no answers, mean over the answers of a sample and over the batch.
 *   loss[n] = 1/K sum_k log(1 + exp(x[n,k])) - t[n,k] x[n,k];   dx = (sigmoid(x) - t) / (K N)
 * Computed as max(x, 0) + log(1 + exp(-|x|)) - t x, which does not overflow.
 * Shapes    scores x (N, K), targets t (N, K) in [0, 1], losses (N), dx (N, K)
 * Source    as PyTorch's BCEWithLogitsLoss; docs/math.md#logistic */
#include "loss.h"

static void emit(lami_plan *p, const lami_loss_ports *q)
{
    lami_emit(p, logistic_loss, lami_per_sample(1), q->scores_each, .in = { q->scores, q->targets },
              .out = { q->rows, q->dscores });
}

const lami_loss lami_logistic = {
    .name = "logistic",
    .help = "cross-entropy of yes/no answers",
    .reals = 1,
    .emit = emit,
};
