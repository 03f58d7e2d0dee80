/* session: what it takes to run a network: plan, arena, threads, the update rule's state. Public part in lamina.h. */
#ifndef LAMI_SESSION_H
#define LAMI_SESSION_H

#include "record.h"

/* Options: batch, threads, isa, no-merge, seed, dropout-seed, and for training optim and what belongs to it, lr, l2. TRAIN, STEPS and
 * CHECK change net's parameters; the others only read them. */
lam_status lami_session_make(lam_session **session, lam_net *net, const lam_options *options, lami_session_kind kind);

/* Put a batch into the session: n samples of dtype `type` at x[i] (C x H x W, preprocessed on the way) and labels (n), which are
 * checked against the classes; labels NULL for inference. Errors: LAM_EINVAL (n), LAM_EFORMAT (label out of range). */
lam_status lami_session_load(lam_session *session, const void *const *x, lam_dtype type, const int32_t *labels,
                             size_t n);

/* TRAIN: one whole step on the batch loaded: forward, loss, backward, update. *loss includes L2. LAM_EDIVERGED: the loss is not
 * finite; nothing has changed, and the message names step and layer. */
lam_status lami_session_train(double *loss, lam_session *session);

/* STEPS, CHECK: the forward pass on the batch loaded, as lam_session_forward. */
lam_status lami_session_forward_loaded(double *loss, lam_session *session);

/* MEASURE, PREDICT: scores of the batch loaded, n x classes of the network's dtype, in the session's memory until the next call. */
lam_status lami_session_scores(const void **scores, lam_session *session);

/* MEASURE: the sum of the samples' losses, the number of right answers (the first of the largest scores; NaN is never right), and
 * the scores as above unless `scores` is NULL. */
lam_status lami_session_measure(double *loss_sum, size_t *right, const void **scores, lam_session *session);

size_t lami_session_batch(const lam_session *session); /* the most samples at once */

/* The update rule's state, for checkpoints: blocks laid out like net->values (NULL past the last), named as the rule names them
 * ("m", "v"), and the number of steps done. */
void *lami_session_state(const lam_session *session, size_t slot, const char **name);
uint64_t lami_session_steps(const lam_session *session);
void lami_session_set_steps(lam_session *session, uint64_t steps);

/* CHECK: the input as loaded (n x D of the network's dtype, H x W x C order), to change in place, and its gradient. */
void *lami_session_input(lam_session *session);
const void *lami_session_input_grad(const lam_session *session);

lami_plan *lami_session_plan(lam_session *session);

#endif
