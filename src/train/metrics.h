/* metrics: loss and accuracy of a network on samples of a data set. */
#ifndef LAMI_METRICS_H
#define LAMI_METRICS_H

#include "../data/data.h"
#include "../net/session.h"

/* Can net take the samples and labels of data? LAM_ESHAPE naming both if not. A network may have more scores than the
 * data has classes. */
lam_status lami_check_fit(const lam_net *net, const lam_data *data);

/* Loss (without L2) and accuracy on `count` samples of a part: those that `chosen` lists, or with NULL the first ones.
 * session: LAMI_SESSION_MEASURE. */
lam_status lami_measure(lam_metrics *metrics, lam_session *session, const lam_data *data, lam_part part,
                        const uint32_t *chosen, size_t count);

/* Pointers to n samples of a part and their labels, as lami_session_load takes them: chosen[0] .. chosen[n - 1], or
 * with NULL first .. first + n - 1. */
void lami_gather(const void **x, int32_t *labels, const lam_data *data, lam_part part, const uint32_t *chosen,
                 size_t first, size_t n);

#endif
