/* schedule: the course of the learning rate. A pure function of the step's number, so that a resumed run needs no
 * state. */
#ifndef LAMI_SCHEDULE_H
#define LAMI_SCHEDULE_H

#include "../core/options.h"

typedef enum lami_course {
    LAMI_CONSTANT,
    LAMI_STEP,        /* lr * decay^(number of drops so far), a drop each `every` epochs */
    LAMI_EXPONENTIAL, /* lr * decay^(epochs done) */
    LAMI_LINEAR,      /* a line from lr to lr * final over the training */
    LAMI_COSINE, /* half a cosine from lr to lr * final over the training. Loshchilov, Hutter 2016, arXiv:1608.03983 */
    LAMI_ONE_CYCLE /* half a cosine up from lr / 25 in the warm-up, another down to lr * final. arXiv:1803.09820 */
} lami_course;

typedef struct lami_schedule {
    lami_course course;
    double lr, decay, every, final;
    uint64_t warmup, steps, per_epoch; /* steps; `steps` 0: not known */
    uint64_t power;                    /* of the last decay computed, and */
    double powered;                    /* lr * decay * decay ...: products in this order, whether resumed or not */
} lami_schedule;

/* steps: of the whole training, 0 when only its time is limited; per_epoch: steps of an epoch. Options: schedule, lr,
 * lr-decay, lr-every, lr-final, warmup, as lami_schedule_resolve left them. Errors: LAM_EOPTION. */
lam_status lami_schedule_set(lami_schedule *s, const lam_options *options, uint64_t steps, uint64_t per_epoch);

/* Make defaults that depend on other options explicit. Errors: LAM_EOPTION (an option that the schedule has no use
 * for). */
lam_status lami_schedule_resolve(lam_options *options);

/* Does it depend on how long the whole training is, so that a run with it cannot be made longer? */
int lami_schedule_has_end(const lam_options *options);

/* Learning rate of the step after `step` steps. The warm-up multiplies with (step + 1) / warmup (one-cycle: has its
 * own). */
double lami_schedule_lr(lami_schedule *s, uint64_t step);

#endif
