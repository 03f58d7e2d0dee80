/* svm: multiclass hinge loss with margin 1, mean over the batch.
 *   loss[n] = sum_{j != label} max(0, x[n,j] - x[n,label] + 1)
 * Shapes    scores x (N, C), labels (N), losses (N), dx (N, C)
 * Source    Weston, Watkins 1999; CS231n, svm_loss; docs/math.md#svm */
#include "loss.h"

static void emit(lami_plan *p, const lami_loss_ports *q)
{
    lami_emit(p, svm_loss, lami_per_sample(1), q->scores_each, .in = { q->scores, q->labels },
              .out = { q->rows, q->dscores });
}

const lami_loss lami_svm = { .name = "svm", .help = "multiclass hinge, margin 1", .emit = emit };
