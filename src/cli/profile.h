/* profile: the groups of a plan, each timed by itself, beside the arithmetic and the memory traffic that it stands for
 * and the most that this machine does of both. */
#ifndef LAMI_PROFILE_H
#define LAMI_PROFILE_H

#include "../net/net.h"
#include "../plan/plan.h"
#include "machine.h"
#include "output.h"
#include "timing.h"

typedef struct cli_profile {
    const lam_net *net;
    lami_plan *plan;
    double *second; /* per group: median over the runs */
    double peak;    /* GFLOP/s */
    cli_memory memory;
} cli_profile;

/* Run the groups one by one for so many seconds, each time after before->once(before->arg). Groups do not run side by
 * side then, so that their sum is not the time of a step. peak: that of the machine. Errors: LAM_ENOMEM, those of
 * `before`. */
lam_status cli_profile_make(cli_profile *profile, const lam_net *net, lami_plan *plan, double peak,
                            const cli_timed *before, double seconds);
void cli_profile_free(cli_profile *profile);

/* A row for each group and one for all; groups of a small share in one row unless `verbose`. */
lam_status cli_profile_print(const cli_profile *profile, int verbose);

/* An array of objects; NULL: no memory. */
json_t *cli_profile_json(const cli_profile *profile);

#endif
