/* session_parts: what a session consists of. session.c makes and frees it, session_load.c puts batches into it,
 * session_train.c trains, session_score.c infers. */
#ifndef LAMI_SESSION_PARTS_H
#define LAMI_SESSION_PARTS_H

#include "session.h"
#include "views.h"

/* How far the present step is. */
typedef enum lami_step_progress { LAMI_NOTHING, LAMI_LOADED, LAMI_FORWARDED, LAMI_BACKWARDED } lami_step_progress;

struct lam_session {
    lami_session_kind kind;
    lam_net *net; /* only read in inference */
    lam_options *options;
    lami_plan *plan;
    lami_net_buffers b;
    lami_param_rule *rule; /* per parameter; NULL in inference */
    void *state[LAMI_MAX_SLOTS];
    const char *slot[LAMI_MAX_SLOTS]; /* their names: those of the first rule that has so many */
    void *sums;                       /* of gradients, with accumulation; laid out like net->values, as the state */
    void *running;                    /* running statistics as of the last update, with accumulation; likewise */
    void *average;                    /* of the weights, with ema; likewise */
    size_t state_bytes;               /* of each of these blocks */
    size_t batches;                   /* backward passes since the last update */
    uint64_t steps;
    uint64_t changes; /* of the network, when last looked at */
    double lr, data_loss;
    lami_step_progress progress;
    const void **rows; /* addresses of a batch's samples, for tensors */
    int32_t *label;
    const double **target_row; /* and their targets, of */
    double *target, *weight;
    size_t weighed;         /* how many of the next batch `weight` holds; 0: none were given */
    void *units[4];         /* PREDICT: zero, one, scale, shift; one block */
    lam_session *predictor; /* STEPS: for lam_session_predict */
    lami_views *views;      /* with tta, else NULL */
    size_t look;            /* 1 + the one that samples are loaded by; 0: as they are */
};

/* A batch of tensors: addresses of the rows, labels as int32, the weights that were given for it; in the session's
 * memory. y NULL: no answers. Errors: LAM_ESHAPE, LAM_EINVAL (types, n), LAM_EFORMAT (answers). */
lam_status lami_session_tensors(lami_batch *batch, lam_session *s, const lam_tensor *x, const lam_tensor *y);

/* Sum of the first `count` elements of a row vector of the plan, in order. */
double lami_session_sum(const lam_session *s, lami_buf b, size_t count);

#endif
