/* loss: the last item of a notation. Same pattern as a layer: one file, a row in losses.c, a test of known values. */
#ifndef LAMI_LOSS_H
#define LAMI_LOSS_H

#include "../layer/layer.h"

typedef struct lami_loss {
    const char *name, *help;
    /* Records that compute, from scores (n, classes) and labels (n), each sample's loss into `rows` (n) and, unless
     * `dscores` is LAMI_NONE, the gradient of the mean over the batch. */
    void (*emit)(lami_plan *plan, size_t classes, lami_buf scores, lami_buf labels, lami_buf rows, lami_buf dscores);
} lami_loss;

extern const lami_loss *const lami_losses[]; /* ends with NULL */
const lami_loss *lami_loss_find(const char *name, size_t length);

extern const lami_loss lami_softmax, lami_svm;

#endif
