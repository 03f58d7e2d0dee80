/* loader: the batches of a training: which samples, with their answers and weights, and augmented. With augmentation a
 * thread of its own prepares the next batch while the step runs; where the system gives none, and in a child after
 * fork, batches are made when they are asked for. What a batch holds depends on data, options and number
 * alone. */
#ifndef LAMI_LOADER_H
#define LAMI_LOADER_H

#include "../core/options.h"
#include "../data/data.h"
#include "../net/session.h"

typedef struct lami_loader lami_loader;

/* Batches of `batch` samples of the training part, per_epoch steps an epoch, options->accumulate batches a step.
 * class_weight as lami_gather takes it. All is borrowed until lami_loader_free but for the options, of which copies are kept.
 * Errors: LAM_EOPTION (augment), LAM_ENOMEM. */
lam_status lami_loader_new(lami_loader **loader, const lam_data *data, const lam_options *options, size_t batch,
                           size_t per_epoch, const double *class_weight);
void lami_loader_free(lami_loader *loader);

/* The k-th batch of a step, in the loader's memory until the next call. */
lami_batch lami_loader_next(lami_loader *loader, uint64_t step, size_t k);

#endif
