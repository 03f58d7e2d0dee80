/* groups: what single parameters have in place of the network's learning rate, L2 and weight decay (--set). */
#ifndef LAMI_GROUPS_H
#define LAMI_GROUPS_H

#include "net.h"

typedef struct lami_param_rule {
    double lr;           /* factor on the learning rate of the step; 0: never updated */
    double l2;           /* adds l2 / 2 * |w|^2 to the loss */
    double weight_decay; /* decoupled */
} lami_param_rule;

/* One for each parameter of the network, running statistics included (all 0), yours: L2 and decay for weights, as the
 * options say, then the rules of options->set_rules in order, separated by ";": "PATTERN KEY VALUE", where PATTERN
 * matches names such as "affine1.weight" with * and ?, KEY is lr, l2 or weight-decay, and VALUE a number, or "x" and a
 * factor on what the options say. Errors: LAM_EOPTION naming the rule (no such parameter or key: with the nearest
 * match), LAM_ENOMEM. */
lam_status lami_param_rules(lami_param_rule **rules, const lam_net *net, const lam_options *options);

#endif
