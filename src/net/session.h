/* session: what it takes to run a network: plan, arena, threads, the update rule's state. Public part in lamina.h. */
#ifndef LAMI_SESSION_H
#define LAMI_SESSION_H

#include "record.h"

/* Options: batch, threads, isa, no-merge, seed, dropout-seed, and for training optim and what belongs to it, lr, l2.
 * TRAIN, STEPS and CHECK change net's parameters; the others only read them. */
lam_status lami_session_make(lam_session **session, lam_net *net, const lam_options *options, lami_session_kind kind);

/* A batch of samples with their answers. */
typedef struct lami_batch {
    const void *const *x; /* n samples of `type`, C x H x W, preprocessed on the way */
    lam_dtype type;
    size_t n;
    const int32_t *label;        /* (n) classes, checked; or */
    const double *const *target; /* n rows of lam_net_classes numbers, in the data's units; neither for inference */
    const double *weight;        /* (n), at least 0; NULL: all 1. Counts in training sessions only */
    double mix; /* share of sample n - 1 - i in sample i, and of its loss; 0: none. TRAIN, with mixup in augment */
} lami_batch;

/* Put a batch into the session. A loss that compares scores with numbers takes classes as well: 1 at the label and 0
 * elsewhere; with one score, 0 and 1. Errors: LAM_EINVAL (n, no answers), LAM_EFORMAT (label or target out of
 * range). */
lam_status lami_session_load(lam_session *session, const lami_batch *batch);

/* TRAIN: forward, loss, backward, and with every `accumulate`-th call the update. *loss is of this batch and includes
 * L2. LAM_EDIVERGED: the loss is not finite; the network is as after the last update, and the message names step and
 * layer. */
lam_status lami_session_train(double *loss, lam_session *session);

/* Training: the last loss without L2. */
double lami_session_data_loss(const lam_session *session);

/* STEPS, CHECK: the forward pass on the batch loaded, as lam_session_forward. */
lam_status lami_session_forward_loaded(double *loss, lam_session *session);

/* MEASURE, PREDICT: scores of a batch, n x classes of the network's dtype, in the session's memory until the next call;
 * with option tta the mean over the views of each sample. MEASURE: of targets that were scaled, scaled; and the sum of
 * the samples' losses unless loss_sum is NULL. */
lam_status lami_session_score(const void **scores, double *loss_sum, lam_session *session, const lami_batch *batch);

/* The same for the batch loaded, as it is. */
lam_status lami_session_scores(const void **scores, lam_session *session);

/* MOMENTS, after lami_session_scores (whose scores mean nothing then): what the batch would add to parameter number
 * `param`, a vector of the network's type, until the next call; NULL: that is no running statistic. */
const void *lami_session_moment(const lam_session *session, size_t param);

size_t lami_session_batch(const lam_session *session); /* the most samples at once */

/* The update rule's state, for checkpoints: blocks laid out like net->values (NULL past the last), named as the rule
 * names them ("m", "v"). */
void *lami_session_state(const lam_session *session, size_t slot, const char **name);
/* The average of the weights as the next steps go on with it, a block like these, at first a copy of
 * the weights. NULL without option ema. */
void *lami_session_average(const lam_session *session);

/* CHECK: the input as loaded (n x D of the network's dtype, H x W x C order), to change in place, and its gradient. */
void *lami_session_input(lam_session *session);
const void *lami_session_input_grad(const lam_session *session);

lami_plan *lami_session_plan(const lam_session *session);

/* Bytes that running it takes, beside those of the network: arena, scratch of the threads, state of the update rule. */
size_t lami_session_bytes(const lam_session *session);

#endif
