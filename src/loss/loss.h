/* loss: the last item of a notation. Same pattern as a layer: one file, a row in losses.c, a test of known values. */
#ifndef LAMI_LOSS_H
#define LAMI_LOSS_H

#include "../layer/layer.h"

/* The buffers of a loss, for n samples. */
typedef struct lami_loss_ports {
    size_t scores_each; /* K: scores of a sample */
    lami_buf scores;    /* (n, K) */
    lami_buf labels;    /* (n), int32; or, where `reals`: */
    lami_buf targets;   /* (n, K) of the network's type */
    lami_buf rows;      /* out: each sample's loss (n) */
    lami_buf dscores;   /* out: gradient of the mean over the batch (n, K); LAMI_NONE where nobody wants it */
    double smoothing;   /* of the labels, where `smooths` */
} lami_loss_ports;

typedef struct lami_loss {
    const char *name, *help;
    int reals;   /* compares each score with a number (data with classes: 1 at the label, else 0); 0: takes a label */
    int values;  /* scores are predicted values, measured by R2, in contrast to classes or yes and no */
    int smooths; /* knows label smoothing */
    double yes;  /* reals: a score above this says yes */
    void (*emit)(lami_plan *plan, const lami_loss_ports *q);
} lami_loss;

/* What the data must have for it: 1 numbers, 0 classes, -1 either. */
int lami_loss_wants(const lami_loss *loss);

extern const lami_loss *const lami_losses[]; /* ends with NULL */
const lami_loss *lami_loss_find(const char *name, size_t length);

extern const lami_loss lami_softmax, lami_svm, lami_mse, lami_logistic;

#endif
