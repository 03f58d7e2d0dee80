/* metrics: see metrics.h. */
#include "metrics.h"

#include <math.h>

#include "../core/fpu.h"
#include "../core/mem.h"

/* Where answers are yes or no, for which the loss takes no other numbers. */
static lam_status check_shares(const lam_net *net, const lam_data *data)
{
    for (int part = LAM_TRAIN; part <= LAM_TEST && !net->loss->values; part++) {
        const lami_part *p = &data->part[part];
        for (size_t i = 0; p->target && i < p->count * data->targets; i++)
            if (!(p->target[i] >= 0 && p->target[i] <= 1))
                return lami_fail(LAM_EFORMAT, "target %g of %s sample %zu: %s takes numbers from 0 to 1", p->target[i],
                                 lami_part_name(part), i / data->targets, net->loss->name);
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
        return lami_fail(LAM_ESHAPE, "the network gives %zu score%s, the data has %zu number%s to predict",
                         net->classes, net->classes == 1 ? "" : "s", data->targets, data->targets == 1 ? "" : "s");
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

int lami_right_yes(const lam_net *net, const void *scores, size_t i, size_t k, int yes)
{
    const double x = score_at(net, scores, i, k);
    return x == x && (x > net->loss->yes) == yes;
}

size_t lami_right(size_t *asked, const lam_net *net, const void *scores, size_t i, const lami_batch *b)
{
    size_t right = 0;
    if (b->label && !(net->loss->reals && net->classes == 1)) {
        *asked += 1;
        return (size_t)is_largest(net, scores, i, (size_t)b->label[i]);
    }
    *asked += net->classes;
    for (size_t k = 0; k < net->classes; k++)
        right += (size_t)lami_right_yes(net, scores, i, k, b->label ? b->label[i] == 1 : b->target[i][k] > 0.5);
    return right;
}

/* The mean is added to the first sample's, so that that of a target that never changes is exact. */
void lami_errors_begin(lami_errors *errors, const lam_data *data, lam_part part, const uint32_t *chosen, size_t count)
{
    const double *target = data->part[part].target, *first = target + (chosen ? chosen[0] : 0) * data->targets;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < data->targets; k++)
            errors[k].mean += (target[(chosen ? chosen[i] : i) * data->targets + k] - first[k]) / (double)count;
    for (size_t k = 0; k < data->targets; k++)
        errors[k].mean += first[k];
}

void lami_errors_add(lami_errors *errors, const lam_net *net, const void *scores, const lami_batch *b)
{
    const lami_units *u = &net->units;
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < net->classes; k++) {
            const double score = score_at(net, scores, i, k), truth = b->target[i][k], about = truth - errors[k].mean;
            const double error = truth - (u->count ? score * u->scale[k] + u->shift[k] : score);
            errors[k].residual += error * error;
            errors[k].absolute += fabs(error);
            errors[k].total += about * about;
        }
}

/* R2 of a target that never changes: 1 if it is met exactly, else 0, as scikit-learn has it. */
static double r2_of(const lami_errors *e)
{
    return e->total > 0 ? 1 - e->residual / e->total : e->residual == 0;
}

void lami_errors_end(lam_metrics *metrics, const lami_errors *errors, size_t targets, size_t count)
{
    const double numbers = (double)count * (double)targets;
    double r2 = 0, squares = 0, absolute = 0;
    for (size_t k = 0; k < targets; k++) {
        r2 += r2_of(&errors[k]);
        squares += errors[k].residual;
        absolute += errors[k].absolute;
    }
    metrics->r2 = r2 / (double)targets;
    metrics->rmse = __builtin_sqrt(squares / numbers);
    metrics->mae = absolute / numbers;
}

lam_status lami_score_batches(lam_session *session, const lam_data *data, lam_part part, const uint32_t *chosen,
                              size_t count, lami_scored_fn *use, void *arg)
{
    const size_t batch = lami_session_batch(session);
    lami_batch_rows rows = { 0 };
    lam_status status;
    LAM_TRY_DONE(lami_batch_rows_new(&rows, batch));
    for (size_t first = 0; first < count; first += batch) {
        const size_t n = count - first < batch ? count - first : batch;
        const void *scores;
        double loss = 0;
        const lami_batch b = lami_gather(&rows, data, part, chosen ? chosen + first : NULL, first, n, NULL);
        LAM_TRY_DONE(lami_session_score(&scores, &loss, session, &b));
        use(scores, &b, loss, arg);
    }
done:
    lami_batch_rows_free(&rows);
    return status;
}

/* Sums over samples. */
typedef struct tally {
    const lam_net *net;
    double loss;
    size_t right, asked;
    lami_errors *errors; /* per target; NULL: right answers are counted */
} tally;

static void add_batch(const void *scores, const lami_batch *b, double loss, void *arg)
{
    tally *t = arg;
    t->loss += loss;
    if (t->errors)
        lami_errors_add(t->errors, t->net, scores, b);
    for (size_t i = 0; !t->errors && i < b->n; i++)
        t->right += lami_right(&t->asked, t->net, scores, i, b);
}

lam_status lami_measure(lam_metrics *metrics, lam_session *session, const lam_net *net, const lam_data *data,
                        lam_part part, const uint32_t *chosen, size_t count)
{
    tally t = { .net = net };
    if (lami_predicts_values(net, data)) {
        if (!(t.errors = lami_alloc(data->targets, sizeof *t.errors)))
            return LAM_ENOMEM;
        lami_errors_begin(t.errors, data, part, chosen, count);
    }
    const lam_status status = lami_score_batches(session, data, part, chosen, count, add_batch, &t);
    if (!status) {
        *metrics = (lam_metrics) {
            .count = count, .loss = t.loss / (double)count, .accuracy = NAN, .r2 = NAN, .rmse = NAN, .mae = NAN
        };
        if (t.errors)
            lami_errors_end(metrics, t.errors, data->targets, count);
        else
            metrics->accuracy = (double)t.right / (double)t.asked;
    }
    lami_free(t.errors);
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
                         data->path ? ": " : "", lami_part_name(part));
    LAM_TRY(lami_session_make(&session, (lam_net *)net, options, LAMI_SESSION_MEASURE));
    const lam_status status = lami_measure(metrics, session, net, data, part, NULL, data->part[part].count);
    lam_session_free(session);
    return status;
}
