/* record: writes the records of a whole network into a plan. */
#ifndef LAMI_RECORD_H
#define LAMI_RECORD_H

#include <string.h>

#include "../data/augment.h"
#include "groups.h"

/* What a plan is for. */
typedef enum lami_session_kind {
    LAMI_SESSION_TRAIN,   /* whole steps, all merged: lami_session_train */
    LAMI_SESSION_STEPS,   /* forward, backward, step one by one, gradients kept: lam_session_new */
    LAMI_SESSION_CHECK,   /* the same, and the gradient of the input */
    LAMI_SESSION_MEASURE, /* inference with losses: lami_session_measure */
    LAMI_SESSION_PREDICT, /* inference: lam_session_new_predict */
    LAMI_SESSION_MOMENTS  /* batch statistics of the layers that keep running ones: lami_session_moments */
} lami_session_kind;

static inline int lami_trains(lami_session_kind kind)
{
    return kind <= LAMI_SESSION_CHECK;
}

typedef struct lami_recipe {
    lami_session_kind kind;
    const lam_options *options;
    const lami_param_rule *rule; /* per parameter; NULL in inference */
} lami_recipe;

/* Does the session keep an average of the weights? */
static inline int lami_averages(lami_session_kind kind, const lam_options *options)
{
    return kind == LAMI_SESSION_TRAIN && options->ema > 0;
}

/* Does it mix the samples of a batch (mix.h)? */
static inline int lami_mixes(lami_session_kind kind, const lam_options *options)
{
    return kind == LAMI_SESSION_TRAIN && lami_augment_mixes(options->augment);
}

/* Does it score mirrored or moved copies of each sample (views.h) before the loss? */
static inline int lami_sees_views(lami_session_kind kind, const lam_options *options)
{
    return (kind == LAMI_SESSION_MEASURE || kind == LAMI_SESSION_PREDICT) && strcmp(options->tta, "none") != 0;
}

/* Does the update wait for something that is known after the backward pass alone: the gradient's norm, more batches? */
static inline int lami_scales(const lam_options *options)
{
    return options->clip > 0 || options->accumulate > 1;
}

/* Answers to the samples of a batch, and what comes of them. */
typedef struct lami_answers {
    lami_buf labels, targets; /* one of them, as the loss wants */
    lami_buf losses;          /* (n) */
    lami_buf weights;         /* training (n): of each loss in the batch's, which is their mean; they add up to n */
} lami_answers;

/* The buffers by which the outside speaks with the plan; LAMI_NONE where a kind has none. */
typedef struct lami_net_buffers {
    lami_buf input, input_grad, scores;
    lami_answers own, partner; /* partner: those of the sample that each is mixed with; weights of both add up to n */
    lami_buf zero, one, scale, shift; /* PREDICT, where net->units: vectors (classes) */
    lami_buf *param, *grad;           /* per parameter; grad includes L2; with accumulation it is the sum so far */
    lami_buf *sumsq;                  /* per parameter: sums of squares of the columns, for L2 in the loss */
    lami_buf *norm;                   /* the same of the gradient, for clipping */
    lami_buf *sum;                    /* per parameter: outside memory for the sum of gradients, with accumulation */
    lami_buf *average;                /* per parameter: outside memory for its average, with ema */
    lami_buf *moment;                 /* MOMENTS, per running statistic: that of the batch */
    lami_buf *state[LAMI_MAX_SLOTS];  /* per parameter: the update rule's */
} lami_net_buffers;

lam_status lami_net_buffers_new(lami_net_buffers *b, const lam_net *net);
void lami_net_buffers_free(lami_net_buffers *b);

lam_status lami_record_net(lami_plan *plan, lami_net_buffers *b, const lam_net *net, const lami_recipe *recipe);

#endif
