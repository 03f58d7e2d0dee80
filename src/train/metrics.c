/* metrics: see metrics.h. */
#include "metrics.h"

#include <math.h>

#include "../core/fpu.h"
#include "../core/mem.h"

static const char *const part_name[] = { [LAM_TRAIN] = "training", [LAM_VAL] = "validation", [LAM_TEST] = "test" };

/* Where answers are yes or no, for which the loss takes no other numbers. */
static lam_status check_shares(const lam_net *net, const lam_data *data)
{
    for (int part = LAM_TRAIN; part <= LAM_TEST && !net->loss->values; part++) {
        const lami_part *p = &data->part[part];
        for (size_t i = 0; p->target && i < p->count * data->targets; i++)
            if (!(p->target[i] >= 0 && p->target[i] <= 1))
                return lami_fail(LAM_EFORMAT, "target %g of %s sample %zu: %s takes numbers from 0 to 1", p->target[i],
                                 part_name[part], i / data->targets, net->loss->name);
    }
    return LAM_OK;
}

static lam_status check_answers(const lam_net *net, const lam_data *data)
{
    const lami_loss *loss = net->loss;
    if (data->unlabeled)
        return LAM_OK;
    if (!loss->reals && data->targets)
        return lami_fail(LAM_ESHAPE,
                         "%s needs classes, the data has numbers to predict: end the network with mse, or say "
                         "--targets classes",
                         loss->name);
    if (data->targets && data->targets != net->classes)
        return lami_fail(LAM_ESHAPE, "the network gives %zu score%s, the data has %zu numbers to predict", net->classes,
                         net->classes == 1 ? "" : "s", data->targets);
    if (data->targets)
        return check_shares(net, data);
    const size_t most = loss->reals && net->classes == 1 ? 2 : net->classes;
    if (data->classes > most)
        return lami_fail(LAM_ESHAPE, "the network gives %zu score%s, the data has %zu classes", net->classes,
                         net->classes == 1 ? "" : "s", data->classes);
    return LAM_OK;
}

lam_status lami_check_fit(const lam_net *net, const lam_data *data)
{
    char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
    if (!lami_shape_equal(&net->input, &data->shape))
        return lami_fail(LAM_ESHAPE, "the network takes samples of %s, the data has %s",
                         lami_shape_text(a, &net->input), lami_shape_text(b, &data->shape));
    return check_answers(net, data);
}

/* ---- batches ---- */

lam_status lami_batch_rows_new(lami_batch_rows *rows, size_t most)
{
    *rows = (lami_batch_rows) { .x = lami_alloc(most, sizeof *rows->x),
                                .label = lami_alloc(most, sizeof *rows->label),
                                .target = lami_alloc(most, sizeof *rows->target),
                                .weight = lami_alloc(most, sizeof *rows->weight) };
    if (rows->x && rows->label && rows->target && rows->weight)
        return LAM_OK;
    lami_batch_rows_free(rows);
    return LAM_ENOMEM;
}

void lami_batch_rows_free(lami_batch_rows *rows)
{
    lami_free(rows->x);
    lami_free(rows->label);
    lami_free(rows->target);
    lami_free(rows->weight);
    *rows = (lami_batch_rows) { 0 };
}

lami_batch lami_gather(lami_batch_rows *rows, const lam_data *data, lam_part part, const uint32_t *chosen, size_t first,
                       size_t n, const double *class_weight)
{
    const lami_part *p = &data->part[part];
    const int weighted = p->weight || (class_weight && p->label);
    for (size_t i = 0; i < n; i++) {
        const size_t sample = chosen ? chosen[i] : first + i;
        rows->x[i] = lami_data_sample(data, part, sample);
        if (p->label)
            rows->label[i] = p->label[sample];
        if (p->target)
            rows->target[i] = p->target + sample * data->targets;
        if (weighted)
            rows->weight[i] =
                (p->weight ? p->weight[sample] : 1) * (class_weight && p->label ? class_weight[p->label[sample]] : 1);
    }
    return (lami_batch) { .x = rows->x,
                          .type = data->dtype,
                          .n = n,
                          .label = p->label ? rows->label : NULL,
                          .target = p->target ? rows->target : NULL,
                          .weight = weighted ? rows->weight : NULL };
}

/* ---- measures ---- */

int lami_predicts_values(const lam_net *net, const lam_data *data)
{
    return net->loss->values && data->targets > 0;
}

double lami_score(const lam_metrics *m)
{
    return isnan(m->accuracy) ? m->r2 : m->accuracy;
}

static double score_at(const lam_net *net, const void *scores, size_t i, size_t k)
{
    return lami_real_at(scores, net->dtype, i * net->classes + k);
}

/* The first of the largest scores; NaN is never right. */
static int is_largest(const lam_net *net, const void *scores, size_t i, size_t label)
{
    size_t best = 0;
    double top = 0;
    for (size_t k = 0; k < net->classes; k++) {
        const double x = score_at(net, scores, i, k);
        if (x != x)
            return 0;
        if (!k || x > top) {
            top = x;
            best = k;
        }
    }
    return best == label;
}

size_t lami_right(size_t *asked, const lam_net *net, const void *scores, size_t i, const lami_batch *b)
{
    size_t right = 0;
    if (b->label && !(net->loss->reals && net->classes == 1)) {
        *asked += 1;
        return (size_t)is_largest(net, scores, i, (size_t)b->label[i]);
    }
    *asked += net->classes;
    for (size_t k = 0; k < net->classes; k++) {
        const double x = score_at(net, scores, i, k);
        const int yes = b->label ? b->label[i] == 1 : b->target[i][k] > 0.5;
        right += x == x && (x > net->loss->yes) == yes;
    }
    return right;
}

/* Sums over samples; per target: of squares about the mean, and of the errors. */
typedef struct tally {
    double loss;
    size_t right, asked;
    double *mean, *total, *residual;
    double absolute;
} tally;

/* Added to the first sample's, so that the mean of a target that never changes is exact. */
static void find_means(tally *t, const lam_data *data, lam_part part, const uint32_t *chosen, size_t count)
{
    const double *target = data->part[part].target, *first = target + (chosen ? chosen[0] : 0) * data->targets;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < data->targets; k++)
            t->mean[k] += (target[(chosen ? chosen[i] : i) * data->targets + k] - first[k]) / (double)count;
    for (size_t k = 0; k < data->targets; k++)
        t->mean[k] += first[k];
}

static void add_errors(tally *t, const lam_net *net, const void *scores, const lami_batch *b)
{
    const lami_units *u = &net->units;
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < net->classes; k++) {
            const double score = score_at(net, scores, i, k), truth = b->target[i][k];
            const double error = truth - (u->count ? score * u->scale[k] + u->shift[k] : score);
            t->residual[k] += error * error;
            t->absolute += fabs(error);
            t->total[k] += (truth - t->mean[k]) * (truth - t->mean[k]);
        }
}

static lam_status count_all(tally *t, lam_session *session, const lam_net *net, const lam_data *data, lam_part part,
                            const uint32_t *chosen, size_t count, lami_batch_rows *rows)
{
    const size_t batch = lami_session_batch(session);
    for (size_t first = 0; first < count; first += batch) {
        const size_t n = count - first < batch ? count - first : batch;
        const void *scores;
        double loss = 0;
        const lami_batch b = lami_gather(rows, data, part, chosen ? chosen + first : NULL, first, n, NULL);
        LAM_TRY(lami_session_load(session, &b));
        LAM_TRY(lami_session_measure(&loss, &scores, session));
        t->loss += loss;
        if (t->mean)
            add_errors(t, net, scores, &b);
        for (size_t i = 0; !t->mean && i < n; i++)
            t->right += lami_right(&t->asked, net, scores, i, &b);
    }
    return LAM_OK;
}

/* R2 of a target that never changes: 1 if it is met exactly, else 0, as scikit-learn has it. */
static double r2_of(const tally *t, size_t targets)
{
    double sum = 0;
    for (size_t k = 0; k < targets; k++)
        sum += t->total[k] > 0 ? 1 - t->residual[k] / t->total[k] : t->residual[k] == 0;
    return sum / (double)targets;
}

static lam_metrics metrics_of(const tally *t, size_t targets, size_t count)
{
    lam_metrics m = { .count = count, .loss = t->loss / (double)count, .r2 = NAN, .rmse = NAN, .mae = NAN };
    m.accuracy = t->mean ? NAN : (double)t->right / (double)t->asked;
    if (t->mean) {
        double squares = 0;
        for (size_t k = 0; k < targets; k++)
            squares += t->residual[k];
        m.r2 = r2_of(t, targets);
        m.rmse = __builtin_sqrt(squares / (double)(count * targets));
        m.mae = t->absolute / (double)(count * targets);
    }
    return m;
}

lam_status lami_measure(lam_metrics *metrics, lam_session *session, const lam_net *net, const lam_data *data,
                        lam_part part, const uint32_t *chosen, size_t count)
{
    lam_status status = LAM_OK;
    lami_batch_rows rows = { 0 };
    tally t = { 0 };
    double *sums = NULL;
    LAM_TRY_DONE(lami_batch_rows_new(&rows, lami_session_batch(session)));
    if (lami_predicts_values(net, data)) {
        if (!(sums = lami_alloc(3 * data->targets, sizeof *sums))) {
            status = LAM_ENOMEM;
            goto done;
        }
        t.mean = sums;
        t.total = sums + data->targets;
        t.residual = sums + 2 * data->targets;
        find_means(&t, data, part, chosen, count);
    }
    LAM_TRY_DONE(count_all(&t, session, net, data, part, chosen, count, &rows));
    *metrics = metrics_of(&t, data->targets, count);
done:
    lami_free(sums);
    lami_batch_rows_free(&rows);
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
    const lam_status status = lami_measure(metrics, session, net, data, part, NULL, data->part[part].count);
    lam_session_free(session);
    return status;
}
