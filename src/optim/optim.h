/* optim: update rules. One file per rule, a row in optims.c, a test of known values. The formulas are the operations of
 * kern/update.t.h; a rule says which state it keeps and writes the record. */
#ifndef LAMI_OPTIM_H
#define LAMI_OPTIM_H

#include "../core/options.h"
#include "../plan/plan.h"

enum { LAMI_MAX_SLOTS = 2 };

/* What a rule is told about one parameter. */
typedef struct lami_update {
    lami_extent rows;
    size_t cols;
    lami_buf w, dw, state[LAMI_MAX_SLOTS];
    double lr; /* factor on the step's learning rate: 1 as a rule, else --set PATTERN lr */
} lami_update;

typedef struct lami_optim {
    const char *name, *help;
    double lr;                            /* default learning rate */
    double weight_decay;                  /* default of the decoupled weight decay */
    const char *slot[LAMI_MAX_SLOTS + 1]; /* names of the state tensors per parameter; NULL after the last */
    const struct lami_optim *others;      /* of a rule for weights alone: that of all other parameters */
    /* The records that update w (rows, cols) and its state from dw; the factor u->lr is the constant LAMI_LR_FACTOR. */
    void (*emit)(lami_plan *plan, const lam_options *options, const lami_update *u);
} lami_optim;

extern const lami_optim *const lami_optims[]; /* ends with NULL */
extern const lami_optim lami_sgd, lami_momentum, lami_nesterov, lami_rmsprop, lami_adam, lami_adamw, lami_muon;

lam_status lami_optim_find(const lami_optim **optim, const char *name);
double lami_optim_default_lr(const char *name);
double lami_optim_default_weight_decay(const char *name);

/* Decoupled weight decay for any rule: w -= lr * decay * w, before the rule's own record. */
void lami_optim_shrink(lami_plan *plan, const lami_update *u, double decay);

/* Weights scaled to |w|^2 = norm^2 * cols: `norm` is the root mean square of their columns' norms. Before the rule's own record. */
void lami_optim_renorm(lami_plan *plan, const lami_update *u, double norm);

/* y = x * norm / max(|x|, least), all elements as one vector. y may be x. */
void lami_optim_scale(lami_plan *plan, const lami_update *u, lami_buf x, double norm, double least, lami_buf y);

/* Share of the old average of the weights after step number t: min(ema, (1 + t) / (10 + t)), so that a short training
 * forgets where it began. */
double lami_optim_keep(double ema, uint64_t t);

/* The step's variables for step number t = 1, 2, ...: learning rate, Adam's corrections 1 / (1 - beta^t), the share of
 * the weights in their average. */
void lami_optim_step(lami_vars *vars, const lam_options *options, uint64_t t, double lr);

#endif
