/* mse: mean squared error, over the values of a sample and over the batch.
 *   loss[n] = 1/K sum_k (x[n,k] - t[n,k])^2;   dx = 2 (x - t) / (K N)
 * Shapes    scores x (N, K), targets t (N, K), losses (N), dx (N, K)
 * Source    as PyTorch's MSELoss; docs/math.md#mse */
#include "loss.h"

static void emit(lami_plan *p, const lami_loss_ports *q)
{
    lami_emit(p, mse_loss, lami_per_sample(1), q->scores_each, .in = { q->scores, q->targets },
              .out = { q->rows, q->dscores });
}

const lami_loss lami_mse = {
    .name = "mse",
    .help = "mean squared error, for numbers",
    .reals = 1,
    .values = 1,
    .yes = 0.5,
    .emit = emit,
};
