/* softmax: cross-entropy of the softmax of the scores, mean over the batch.
 *   loss[n] = log(sum_j exp(x[n,j] - max)) - (x[n,label] - max);   dx = (softmax(x) - 1 at the label) / N
 * Shapes    scores x (N, C), labels (N), losses (N), dx (N, C)
 * Source    CS231n, softmax_loss; docs/math.md#softmax */
#include "loss.h"

static void emit(lami_plan *p, size_t classes, lami_buf scores, lami_buf labels, lami_buf rows, lami_buf dscores)
{
    lami_emit(p, softmax_loss, lami_per_sample(1), classes, .in = { scores, labels }, .out = { rows, dscores });
}

const lami_loss lami_softmax = { .name = "softmax", .help = "cross-entropy of the softmax", .emit = emit };
