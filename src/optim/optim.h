/* optim: update rules. One file per rule, a row in optims.c, a test of known values. The formulas are the operations of
 * kern/update.t.h; a rule says which state it keeps and writes the record. */
#ifndef LAMI_OPTIM_H
#define LAMI_OPTIM_H

#include "../core/options.h"
#include "../plan/plan.h"

enum { LAMI_MAX_SLOTS = 2 };

typedef struct lami_optim {
    const char *name, *help;
    double lr;                            /* default learning rate */
    const char *slot[LAMI_MAX_SLOTS + 1]; /* names of the state tensors per parameter; NULL after the last */
    /* The record that updates w (rows, cols) and its state from dw. */
    void (*emit)(lami_plan *plan, const lam_options *options, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state);
} lami_optim;

extern const lami_optim *const lami_optims[]; /* ends with NULL */
extern const lami_optim lami_sgd, lami_momentum, lami_nesterov, lami_rmsprop, lami_adam;

lam_status lami_optim_find(const lami_optim **optim, const char *name);
double lami_optim_default_lr(const char *name);

/* The step's variables for step number t = 1, 2, ...: learning rate and Adam's corrections 1 / (1 - beta^t). */
void lami_optim_step(lami_vars *vars, const lam_options *options, uint64_t t, double lr);

#endif
