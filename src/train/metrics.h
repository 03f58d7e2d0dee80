/* metrics: batches of a data set, and how good a network is on samples of it. */
#ifndef LAMI_METRICS_H
#define LAMI_METRICS_H

#include "../data/data.h"
#include "../net/session.h"

/* Can net take the samples and answers of data? LAM_ESHAPE naming both if not. A network may have more scores than the
 * data has classes. Data without labels fits. */
lam_status lami_check_fit(const lam_net *net, const lam_data *data);

/* Room for batches of at most `most` samples of a data set. */
typedef struct lami_batch_rows {
    const void **x;
    int32_t *label;
    const double **target;
    double *weight;
} lami_batch_rows;
lam_status lami_batch_rows_new(lami_batch_rows *rows, size_t most);
void lami_batch_rows_free(lami_batch_rows *rows);

/* n samples of a part with their answers and weights: chosen[0] .. chosen[n - 1], or with NULL first .. first + n - 1.
 * A sample's weight is multiplied with that of its class, class_weight[label], unless that is NULL. The batch borrows
 * rows and data. */
lami_batch lami_gather(lami_batch_rows *rows, const lam_data *data, lam_part part, const uint32_t *chosen, size_t first,
                       size_t n, const double *class_weight);

/* Go through `count` samples of a part, those that `chosen` lists or with NULL the first ones, in batches; `use` gets
 * the scores of each batch and the sum of its losses. session: LAMI_SESSION_MEASURE; with option tta these are of the
 * mean over the views of each sample. */
typedef void lami_scored_fn(const void *scores, const lami_batch *batch, double loss, void *arg);
lam_status lami_score_batches(lam_session *session, const lam_data *data, lam_part part, const uint32_t *chosen,
                              size_t count, lami_scored_fn *use, void *arg);

/* Loss and accuracy, or R2 and errors, on such samples. */
lam_status lami_measure(lam_metrics *metrics, lam_session *session, const lam_net *net, const lam_data *data,
                        lam_part part, const uint32_t *chosen, size_t count);

/* Are numbers predicted, so that R2 tells how good? Else accuracy does. */
int lami_predicts_values(const lam_net *net, const lam_data *data);

/* What "best" means: accuracy or R2. */
double lami_score(const lam_metrics *metrics);

/* Is the answer to sample i right, of scores (n, K) of the network's type? Adds K yes/no answers, or 1, to *asked. A
 * score that is no number is never right. lami_right_yes: that to its k-th question, whose true answer is `yes`. */
size_t lami_right(size_t *asked, const lam_net *net, const void *scores, size_t i, const lami_batch *batch);
int lami_right_yes(const lam_net *net, const void *scores, size_t i, size_t k, int yes);

/* How far predictions are from a target, in the data's units: sums over samples, of squares about the mean and of
 * errors. Arrays of one per target, zero before _begin, which takes the means of the samples that will be added; _end
 * gives r2, rmse and mae over some of the targets. */
typedef struct lami_errors {
    double mean, total, residual, absolute;
} lami_errors;
void lami_errors_begin(lami_errors *errors, const lam_data *data, lam_part part, const uint32_t *chosen, size_t count);
void lami_errors_add(lami_errors *errors, const lam_net *net, const void *scores, const lami_batch *batch);
void lami_errors_end(lam_metrics *metrics, const lami_errors *errors, size_t targets, size_t count);

#endif
