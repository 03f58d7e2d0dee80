/* solver_parts: what a training consists of. solver.c sets it up or resumes it, solver_loop.c runs it. */
#ifndef LAMI_SOLVER_PARTS_H
#define LAMI_SOLVER_PARTS_H

#include "advice.h"
#include "checkpoint.h"
#include "loader.h"
#include "run.h"
#include "schedule.h"
#include "solver.h"

/* When to write a checkpoint: whichever is not 0. */
typedef struct lami_interval {
    double seconds;
    uint64_t steps, epochs;
    int every_step; /* "0s" */
} lami_interval;

struct lami_solver {
    lam_net *net;
    const lam_data *data;
    lam_options *options; /* resolved */
    lam_net kept;         /* net, but with the average of the weights where there is one: what is measured and kept */
    lam_session *session, *measure;
    lami_state state;
    lami_run run;
    int keeps, ran;   /* a run folder is kept; lami_solver_run has been called */
    int best_changed; /* since best.safetensors was written */
    size_t batch, per_epoch, chosen_count;
    int limited; /* by a number of steps: */
    uint64_t steps;
    double time_limit; /* seconds, INFINITY for none */
    lami_interval save;
    uint32_t *chosen; /* samples that training accuracy is measured on */
    lami_loader *loader;
    lami_batch_rows rows; /* of what is measured */
    double *class_weight; /* NULL: none */
    lami_schedule schedule;
    lami_advice advice;
    double began, seconds_before, saved_at; /* clock; seconds used by earlier processes; clock of the last checkpoint */
    double step_seconds;                    /* time in steps alone, for samples per second */
    uint64_t first_step;                    /* of this process */
};

/* Samples of a part. */
static inline size_t lami_solver_samples(const lami_solver *s, lam_part part)
{
    return s->data->part[part].count;
}

#endif
