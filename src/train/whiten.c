/* whiten: see whiten.h. */
#include "whiten.h"

#include <math.h>
#include <string.h>

#include "../core/mem.h"
#include "../net/groups.h"

enum { SAMPLES = 2000, SWEEPS = 50 };
static const double share = 5e-4; /* of the mean eigenvalue, added to each */

/* What is whitened: patches of K = kh * kw * C elements, in the order of the weights' rows. */
typedef struct patches {
    lam_shape image;
    size_t kh, kw, size;
    double *sample;     /* H x W x C */
    double *sum, *both; /* K, K x K: of the elements, of their products; then `both` is the covariance */
    double *vector;     /* K x K, an eigenvector a column */
    size_t count;
} patches;

/* Elements of a patch are kh runs of kw * C. */
static void add_patch(patches *p, const double *corner)
{
    const size_t run = p->kw * p->image.dim[0], pitch = p->image.dim[2] * p->image.dim[0];
    for (size_t i = 0; i < p->size; i++) {
        const double a = corner[i / run * pitch + i % run];
        p->sum[i] += a;
        for (size_t j = 0; j <= i; j++)
            p->both[i * p->size + j] += a * corner[j / run * pitch + j % run];
    }
    p->count++;
}

static void add_samples(patches *p, const lam_net *net, const lam_data *data)
{
    const size_t channels = p->image.dim[0], h = p->image.dim[1], w = p->image.dim[2];
    const size_t n = data->part[LAM_TRAIN].count < SAMPLES ? data->part[LAM_TRAIN].count : SAMPLES;
    for (size_t i = 0; i < n; i++) {
        const void *x = lami_data_sample(data, LAM_TRAIN, i);
        lami_prep_apply(p->sample, LAM_F64, &x, 1, data->dtype, &p->image, &net->prep);
        for (size_t y = 0; y + p->kh <= h; y++)
            for (size_t z = 0; z + p->kw <= w; z++)
                add_patch(p, p->sample + (y * w + z) * channels);
    }
}

static void make_covariance(patches *p)
{
    const double n = (double)p->count;
    for (size_t i = 0; i < p->size; i++)
        for (size_t j = 0; j <= i; j++) {
            const double c = p->both[i * p->size + j] / n - p->sum[i] / n * (p->sum[j] / n);
            p->both[i * p->size + j] = p->both[j * p->size + i] = c;
        }
}

/* Turn n pairs of elements, each `step` after the one before. */
static void turn(double *x, double *y, size_t n, size_t step, double c, double s)
{
    for (size_t l = 0; l < n * step; l += step) {
        const double was = x[l];
        x[l] = c * was - s * y[l];
        y[l] = s * was + c * y[l];
    }
}

/* One rotation of rows and columns i and j, that makes element (i, j) zero. */
static void rotate(patches *p, size_t i, size_t j)
{
    double *a = p->both, *v = p->vector;
    const size_t k = p->size;
    const double apart = a[i * k + j];
    if (!(fabs(apart) > 0))
        return;
    const double theta = (a[j * k + j] - a[i * k + i]) / (2 * apart);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    turn(a + i, a + j, k, k, c, s);
    turn(a + i * k, a + j * k, k, 1, c, s);
    turn(v + i, v + j, k, k, c, s);
}

/* Jacobi's method: eigenvalues are left on the diagonal.  Source: Golub, Van Loan, Matrix Computations, section 8.5. */
static void find_eigenvectors(patches *p)
{
    const size_t k = p->size;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            p->vector[i * k + j] = i == j;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double apart = 0, trace = 0;
        for (size_t i = 0; i < k; i++) {
            trace += p->both[i * k + i];
            for (size_t j = 0; j < i; j++)
                apart += p->both[i * k + j] * p->both[i * k + j];
        }
        if (!(apart > 1e-30 * trace * trace))
            break;
        for (size_t i = 0; i < k; i++)
            for (size_t j = i + 1; j < k; j++)
                rotate(p, i, j);
    }
}

/* The column with the n-th largest eigenvalue. */
static size_t nth_largest(const patches *p, size_t n)
{
    const size_t k = p->size;
    for (size_t i = 0;; i++) {
        size_t before = 0;
        for (size_t j = 0; j < k; j++) {
            const double a = p->both[j * k + j], b = p->both[i * k + i];
            before += a > b || (!(a < b) && j < i);
        }
        if (before == n)
            return i;
    }
}

static void set_filters(const patches *p, lam_net *net, const lami_net_param *param)
{
    const size_t k = p->size, filters = param->spec->cols, pairs = filters / 2 < k ? filters / 2 : k;
    double mean = 0;
    for (size_t i = 0; i < k; i++)
        mean += p->both[i * k + i] / (double)k;
    for (size_t f = 0; f < pairs; f++) {
        const size_t column = nth_largest(p, f);
        const double value = p->both[column * k + column], scale = 1 / sqrt((value > 0 ? value : 0) + share * mean);
        for (size_t row = 0; row < k; row++)
            for (int sign = 0; sign < 2; sign++)
                lami_real_put(net->values, net->dtype, param->offset + row * filters + f + (sign ? pairs : 0),
                              (sign ? -scale : scale) * p->vector[row * k + column]);
    }
}

static lam_status whiten(lam_net *net, const lam_data *data, const lami_net_param *param)
{
    const lam_shape *window = &param->spec->image;
    patches p = { .image = net->input, .kh = window->dim[1], .kw = window->dim[2], .size = param->spec->rows };
    lam_status status = LAM_ENOMEM;
    size_t square;
    LAM_TRY(lami_mul(&square, p.size, p.size));
    p.sample = lami_alloc(lam_shape_count(&p.image), sizeof *p.sample);
    p.sum = lami_alloc(p.size, sizeof *p.sum);
    p.both = lami_alloc(square, sizeof *p.both);
    p.vector = lami_alloc(square, sizeof *p.vector);
    if (!p.sample || !p.sum || !p.both || !p.vector)
        goto done;
    add_samples(&p, net, data);
    make_covariance(&p);
    double trace = 0;
    for (size_t i = 0; i < p.size; i++)
        trace += p.both[i * p.size + i];
    if (!p.count || !(trace > 0)) {
        status =
            lami_fail(LAM_EFORMAT, "--set %s init whiten: the training images are all alike, or smaller than %zux%zu",
                      param->name, p.kh, p.kw);
        goto done;
    }
    find_eigenvectors(&p);
    set_filters(&p, net, param);
    status = LAM_OK;
done:
    lami_free(p.sample);
    lami_free(p.sum);
    lami_free(p.both);
    lami_free(p.vector);
    return status;
}

lam_status lami_whiten(lam_net *net, const lam_data *data, const lam_options *options)
{
    lami_param_rule *rule;
    LAM_TRY(lami_param_rules(&rule, net, options));
    lam_status status = LAM_OK;
    for (size_t i = 0; i < net->params && !status; i++)
        if (rule[i].start == LAMI_START_WHITEN)
            status = whiten(net, data, &net->param[i]);
    lami_free(rule);
    return status;
}
