/* optims: the table of update rules. */
#include "optim.h"

#include <string.h>

#include "../core/mathfn.h"

const lami_optim *const lami_optims[] = { &lami_sgd,  &lami_momentum, &lami_nesterov, &lami_rmsprop,
                                          &lami_adam, &lami_adamw,    &lami_muon,     NULL };

lam_status lami_optim_find(const lami_optim **optim, const char *name)
{
    for (size_t i = 0; lami_optims[i]; i++)
        if (!strcmp(lami_optims[i]->name, name)) {
            *optim = lami_optims[i];
            return LAM_OK;
        }
    return lami_fail(LAM_EOPTION, "--optim %s: no such update rule", name);
}

double lami_optim_default_lr(const char *name)
{
    const lami_optim *optim = NULL;
    return lami_optim_find(&optim, name) ? 1e-2 : optim->lr;
}

double lami_optim_default_weight_decay(const char *name)
{
    const lami_optim *optim = NULL;
    return lami_optim_find(&optim, name) ? 0 : optim->weight_decay;
}

void lami_optim_shrink(lami_plan *plan, const lami_update *u, double decay)
{
    lami_emit(plan, shrink, u->rows, u->cols, .in = { u->w }, .out = { u->w },
              .c = { decay, [LAMI_LR_FACTOR] = u->lr });
}

void lami_optim_scale(lami_plan *plan, const lami_update *u, lami_buf x, double norm, double least, lami_buf y)
{
    const lami_buf squares = lami_buffer_new(plan, lami_fixed(1), u->cols, "squares");
    lami_emit_column_sumsq(plan, x, u->rows, u->cols, squares);
    lami_emit(plan, scale_to_norm, u->rows, u->cols, .in = { x, squares }, .out = { y }, .c = { norm, least });
}

void lami_optim_renorm(lami_plan *plan, const lami_update *u, double norm)
{
    lami_optim_scale(plan, u, u->w, norm * __builtin_sqrt((double)u->cols), 1e-20, u->w);
}

/* Source of the beginning: TensorFlow's tf.train.ExponentialMovingAverage with num_updates. */
double lami_optim_keep(double ema, uint64_t t)
{
    const double early = (1 + (double)t) / (10 + (double)t);
    return early < ema ? early : ema;
}

void lami_optim_step(lami_vars *vars, const lam_options *options, uint64_t t, double lr)
{
    vars->lr = lr;
    vars->share = 1 - lami_optim_keep(options->ema, t);
    vars->correct1 = 1 / (1 - lami_pow(options->beta1, (double)t));
    vars->correct2 = 1 / (1 - lami_pow(options->beta2, (double)t));
}
