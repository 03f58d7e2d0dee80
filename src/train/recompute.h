/* recompute: running statistics of batch norm measured anew for weights that do not change any more (--bn-recompute). */
#ifndef LAMI_RECOMPUTE_H
#define LAMI_RECOMPUTE_H

#include "../core/options.h"
#include "../data/data.h"
#include "../net/net.h"

/* LAM_EOPTION where bn-recompute is given for a network without running statistics. */
lam_status lami_recompute_check(const lam_net *net, const lam_options *options);

/* Set net's running statistics to their mean over batches of bn-recompute samples of the training part (at most all),
 * drawn by the seed without replacement, in the order drawn: stored ones are often sorted by class. A batch counts by
 * its samples: statistic = sum over batches of n * (the batch's) / samples. In a batch the layers that keep statistics
 * normalise by its own, as in training; all else is as in inference (no dropout). Errors: LAM_EDIVERGED (not finite),
 * LAM_ENOMEM. */
lam_status lami_recompute(lam_net *net, const lam_data *data, const lam_options *options);

#endif
