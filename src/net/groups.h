/* groups: what single parameters have in place of the network's update rule, learning rate, L2, weight decay and initial
 * weights (--set). */
#ifndef LAMI_GROUPS_H
#define LAMI_GROUPS_H

#include "../optim/optim.h"
#include "net.h"

/* What weights are before the first step. */
typedef enum lami_start {
    LAMI_START_DRAWN,     /* as the options say, times `start_value` */
    LAMI_START_DEVIATION, /* normal, with start_value as their deviation */
    LAMI_START_DIRAC,     /* of a convolution: its first filters hand on a channel each; the rest are drawn */
    LAMI_START_WHITEN     /* of a convolution of the input: train/whiten.h */
} lami_start;

typedef struct lami_param_rule {
    const lami_optim *optim;
    double lr;           /* factor on the learning rate of the step; 0: never updated */
    double l2;           /* adds l2 / 2 * |w|^2 to the loss */
    double weight_decay; /* decoupled */
    uint64_t steps;      /* of a training in which it is updated, the first ones; 0: all */
    double norm;         /* each update begins with scaling to |w|^2 = norm^2 * cols; 0: it does not */
    lami_start start;
    double start_value;
} lami_param_rule;

/* One for each parameter of the network, running statistics included (all 0), yours: L2 and decay for weights, as the
 * options say, then the rules of options->set_rules in order, separated by ";": "PATTERN KEY VALUE", where PATTERN
 * matches names such as "affine1.weight" with * and ?, KEY is optim, lr, l2, weight-decay, norm, steps or init, and VALUE a
 * number, or "x" and a factor on what the options say; of init also dirac or whiten; of optim the name of an update rule; of
 * steps a whole number. A rule for weights alone, muon, hands other parameters to another one. Errors: LAM_EOPTION naming
 * the rule (no such parameter, key or update rule: with the nearest match; init or norm of what is no weight), LAM_ENOMEM. */
lam_status lami_param_rules(lami_param_rule **rules, const lam_net *net, const lam_options *options);

#endif
