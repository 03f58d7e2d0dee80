/* recompute: see recompute.h. The sums are made here, in double and in order, so that neither threads nor the
 * instruction set matter. */
#include "recompute.h"

#include "../core/mem.h"
#include "../core/random.h"
#include "../net/session.h"
#include "metrics.h"

/* Elements of all running statistics. */
static size_t running_count(const lam_net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->params; i++)
        count += net->param[i].spec->trained ? 0 : net->param[i].count;
    return count;
}

lam_status lami_recompute_check(const lam_net *net, const lam_options *options)
{
    return options->bn_recompute && !running_count(net)
               ? lami_fail(LAM_EOPTION, "--bn-recompute: the network has no batchnorm")
               : LAM_OK;
}

static void add_batch(double *sum, const lam_net *net, const lam_session *session, size_t n)
{
    for (size_t i = 0; i < net->params; i++) {
        const void *moment = lami_session_moment(session, i);
        for (size_t k = 0; moment && k < net->param[i].count; k++)
            *sum++ += (double)n * lami_real_at(moment, net->dtype, k);
    }
}

static void put_means(const lam_net *net, const double *sum, size_t count)
{
    for (size_t i = 0; i < net->params; i++)
        for (size_t k = 0; !net->param[i].spec->trained && k < net->param[i].count; k++)
            lami_real_put(lami_net_values(net, i), net->dtype, k, *sum++ / (double)count);
}

/* All training samples, in an order of their own. */
static uint32_t *draw(size_t n, uint64_t seed)
{
    uint32_t *order = lami_alloc(n, sizeof *order);
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_SAMPLE, 1, 0);
    if (order)
        lami_rng_order(order, n, &rng);
    return order;
}

/* A session whose batches are the training's, or one of all samples. */
static lam_status open_session(lam_session **session, lam_net *net, size_t count, const lam_options *options)
{
    lam_options *own = NULL;
    LAM_TRY(lami_options_copy(&own, options));
    lam_status status = LAM_OK;
    if (count < own->batch)
        status = lam_options_set_real(own, "batch", (double)count);
    if (!status)
        status = lami_session_make(session, net, own, LAMI_SESSION_MOMENTS);
    lam_options_free(own);
    return status;
}

/* Add up the statistics of batches of the `count` samples that `chosen` lists. */
static lam_status add_batches(double *sum, lam_session *session, const lam_net *net, const lam_data *data,
                              const uint32_t *chosen, size_t count)
{
    const size_t batch = lami_session_batch(session);
    lami_batch_rows rows;
    lam_status status = LAM_OK;
    LAM_TRY(lami_batch_rows_new(&rows, batch));
    for (size_t first = 0; first < count && !status; first += batch) {
        const void *scores;
        const size_t n = count - first < batch ? count - first : batch;
        const lami_batch b = lami_gather(&rows, data, LAM_TRAIN, chosen + first, 0, n, NULL);
        status = lami_session_load(session, &b);
        if (!status)
            status = lami_session_scores(&scores, session);
        if (!status)
            add_batch(sum, net, session, n);
    }
    lami_batch_rows_free(&rows);
    return status;
}

lam_status lami_recompute(lam_net *net, const lam_data *data, const lam_options *options)
{
    const size_t n = data->part[LAM_TRAIN].count, count = options->bn_recompute < n ? options->bn_recompute : n;
    lam_session *session = NULL;
    double *sum = lami_alloc(running_count(net), sizeof *sum);
    uint32_t *order = draw(n, options->seed);
    lam_status status = LAM_ENOMEM;
    if (!sum || !order)
        goto done;
    LAM_TRY_DONE(open_session(&session, net, count, options));
    LAM_TRY_DONE(add_batches(sum, session, net, data, order, count));
    put_means(net, sum, count);
    const char *bad = lami_net_not_finite(net);
    if (bad)
        status = lami_fail(LAM_EDIVERGED, "--bn-recompute: %s is not finite", bad);
done:
    lam_session_free(session);
    lami_free(order);
    lami_free(sum);
    return status;
}
