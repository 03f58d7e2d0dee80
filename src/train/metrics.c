/* metrics: see metrics.h. */
#include "metrics.h"

#include "../core/fpu.h"
#include "../core/mem.h"

static const char *const part_name[] = { [LAM_TRAIN] = "training", [LAM_VAL] = "validation", [LAM_TEST] = "test" };

lam_status lami_check_fit(const lam_net *net, const lam_data *data)
{
    char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
    if (!lami_shape_equal(&net->input, &data->shape))
        return lami_fail(LAM_ESHAPE, "the network takes samples of %s, the data has %s",
                         lami_shape_text(a, &net->input), lami_shape_text(b, &data->shape));
    if (data->classes > net->classes)
        return lami_fail(LAM_ESHAPE, "the network gives %zu scores, the data has %zu classes", net->classes,
                         data->classes);
    return LAM_OK;
}

void lami_gather(const void **x, int32_t *labels, const lam_data *data, lam_part part, const uint32_t *chosen,
                 size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t sample = chosen ? chosen[i] : first + i;
        x[i] = lami_data_sample(data, part, sample);
        labels[i] = data->part[part].label[sample];
    }
}

lam_status lami_measure(lam_metrics *metrics, lam_session *session, const lam_data *data, lam_part part,
                        const uint32_t *chosen, size_t count)
{
    lam_status status = LAM_ENOMEM;
    const size_t batch = lami_session_batch(session);
    const void **x = lami_alloc(batch, sizeof *x);
    int32_t *labels = lami_alloc(batch, sizeof *labels);
    double loss = 0;
    size_t right = 0;
    if (!x || !labels)
        goto done;
    for (size_t first = 0; first < count; first += batch) {
        const size_t n = count - first < batch ? count - first : batch;
        double batch_loss = 0;
        size_t batch_right = 0;
        lami_gather(x, labels, data, part, chosen ? chosen + first : NULL, first, n);
        LAM_TRY_DONE(lami_session_load(session, x, data->dtype, labels, n));
        LAM_TRY_DONE(lami_session_measure(&batch_loss, &batch_right, NULL, session));
        loss += batch_loss;
        right += batch_right;
    }
    *metrics =
        (lam_metrics) { .count = count, .loss = loss / (double)count, .accuracy = (double)right / (double)count };
    status = LAM_OK;
done:
    lami_free(x);
    lami_free(labels);
    return status;
}

lam_status lam_eval(lam_metrics *metrics, const lam_net *net, const lam_data *data, lam_part part,
                    const lam_options *options)
{
    LAMI_FPU_SCOPE;
    if (!metrics || !net || !data || part < LAM_TRAIN || part > LAM_TEST)
        return lami_fail(LAM_EINVAL, "lam_eval: NULL argument, or no such part");
    lam_session *session = NULL;
    LAM_TRY(lami_check_fit(net, data));
    if (!data->part[part].count)
        return lami_fail(LAM_EINVAL, "%s%sthe data has no %s part", data->path ? data->path : "",
                         data->path ? ": " : "", part_name[part]);
    LAM_TRY(lami_session_make(&session, (lam_net *)net, options, LAMI_SESSION_MEASURE));
    const lam_status status = lami_measure(metrics, session, data, part, NULL, data->part[part].count);
    lam_session_free(session);
    return status;
}
