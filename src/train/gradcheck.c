/* gradcheck: numeric gradients by a fourth-order central difference,
 *   n(h) = (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h,    error h^4 f'''''/30 and about 1e-16 f / h
 * A ReLU or hinge makes the loss bend within the step; n is then neither slope. Such a kink shows in the numeric values
 * alone:
 *   - n(h) and n(h/2) differ, as the bend's share in them depends on h; but not when it lies exactly at x, where
 *     both are the mean of the slopes;
 *   - D(h) = (f(x + h) - 2 f(x) + f(x - h)) / h: 2 D(h/2) - D(h) is of order h^3 where the loss is smooth, and
 *     the difference of the slopes where it bends at x.
 * Where either shows, a smaller h is tried; where every h shows it, the element counts as a kink. The analytic gradient
 * has no say in this, so that a wrong one is never taken for a kink. */
#include "gradcheck.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/random.h"
#include "../net/session.h"

/* Measured on the layers and losses that there are: 1e-3 has errors of 1e-12 to 1e-9 of the largest gradient, the
 * smaller ones are for what bends nearby. */
static const double step_sizes[] = { 1e-3, 1e-4, 1e-5 };
enum { STEPS = sizeof step_sizes / sizeof *step_sizes };

/* Agreement, relative to the tensor's gradients, and rounding errors of the loss in units of its last place. */
static const double slope_tolerance = 2e-8, bend_tolerance = 2e-7, loss_ulps = 32;

/* ---- numeric gradients ---- */

/* A straight line through the tensor: element `element`, or along direction `v` from `origin` when v is not NULL. */
typedef struct line {
    double *x;
    size_t count, element;
    const double *v, *origin;
} line;

typedef struct checker {
    lami_check_loss *loss;
    void *arg;
    double f0;      /* loss at x */
    double largest; /* gradient of all tensors, analytic or numeric */
    uint64_t seed;
} checker;

static void move(const line *l, double start, double t)
{
    if (!l->v) {
        l->x[l->element] = start + t;
        return;
    }
    for (size_t i = 0; i < l->count; i++)
        l->x[i] = l->origin[i] + t * l->v[i];
}

static void move_back(const line *l, double start)
{
    if (l->v)
        memcpy(l->x, l->origin, l->count * sizeof *l->x);
    else
        l->x[l->element] = start;
}

/* n(h) into slope[0], n(h/2) into slope[1]; the bend at x. */
static lam_status differences(double slope[2], double *bend, const checker *c, const line *l, double h)
{
    static const double at[6] = { -2, -1, -0.5, 0.5, 1, 2 };
    const double start = l->v ? 0 : l->x[l->element];
    double f[6] = { 0 };
    lam_status status = LAM_OK;
    for (int i = 0; i < 6 && !status; i++) {
        move(l, start, at[i] * h);
        status = c->loss(&f[i], c->arg);
    }
    move_back(l, start);
    slope[0] = (8 * (f[4] - f[1]) - (f[5] - f[0])) / (12 * h);
    slope[1] = (8 * (f[3] - f[2]) - (f[4] - f[1])) / (6 * h);
    const double wide = (f[4] - 2 * c->f0 + f[1]) / h, narrow = (f[3] - 2 * c->f0 + f[2]) / (h / 2);
    *bend = 2 * narrow - wide;
    return status;
}

/* The numeric derivative along a line, and whether the loss bends there. scale: of the tensor's gradients. */
static lam_status derivative(double *numeric, int *kink, const checker *c, const line *l, double scale)
{
    const double size = l->v ? 1 : fmax(1, fabs(l->x[l->element]));
    *kink = 1;
    for (int i = 0; i < STEPS && *kink; i++) {
        const double h = step_sizes[i] * size;
        const double noise = loss_ulps * DBL_EPSILON * fabs(c->f0) / h;
        double slope[2], bend;
        LAM_TRY(differences(slope, &bend, c, l, h));
        const double reference = fmax(scale, fmax(fabs(slope[0]), fabs(slope[1])));
        *kink = !(fabs(slope[0] - slope[1]) <= slope_tolerance * reference + noise &&
                  fabs(bend) <= bend_tolerance * reference + noise);
        *numeric = slope[0];
    }
    return LAM_OK;
}

/* ---- a tensor ---- */

/* What the measures of a row are made from. */
typedef struct errors {
    double difference, analytic, numeric; /* largest |a - n|, |a|, |n| */
    double sum, relative;                 /* largest |a| + |n|, |a - n| / max(1e-8, |a| + |n|) */
} errors;

static void compare(errors *e, double analytic, double numeric)
{
    const double difference = fabs(analytic - numeric), sum = fabs(analytic) + fabs(numeric);
    const double relative = difference / fmax(1e-8, sum);
    if (!isfinite(difference)) { /* fmax would pass over a NaN */
        e->difference = e->relative = INFINITY;
        return;
    }
    e->difference = fmax(e->difference, difference);
    e->analytic = fmax(e->analytic, fabs(analytic));
    e->numeric = fmax(e->numeric, fabs(numeric));
    e->sum = fmax(e->sum, sum);
    e->relative = fmax(e->relative, relative);
}

static double largest(const double *x, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(x[i]) <= most)) /* NaN becomes the largest */
            most = isnan(x[i]) ? INFINITY : fabs(x[i]);
    return most;
}

/* The i-th element to check: each one, or for large tensors one at random out of the i-th stretch. */
static size_t element_at(size_t i, size_t checked, size_t count, const lami_rng *rng)
{
    if (checked == count)
        return i;
    const size_t stretch = count / checked;
    return i * stretch + (size_t)(lami_rng_uniform(rng, i) * (double)stretch);
}

static size_t elements_to_check(size_t count)
{
    return count < LAMI_CHECK_ELEMENTS ? count : LAMI_CHECK_ELEMENTS;
}

static lam_status check_elements(lam_check_row *row, errors *e, const checker *c, const lami_check_tensor *t,
                                 const lami_rng *rng)
{
    const double scale = fmax(row->largest, c->largest / 1000);
    const size_t checked = elements_to_check(t->count);
    for (size_t i = 0; i < checked; i++) {
        const line l = { .x = t->x, .count = t->count, .element = element_at(i, checked, t->count, rng) };
        double numeric = 0;
        int kink;
        LAM_TRY(derivative(&numeric, &kink, c, &l, scale));
        row->checked++;
        row->kinks += (size_t)kink;
        if (!kink)
            compare(e, t->gradient[l.element], numeric);
    }
    return LAM_OK;
}

/* A random direction of length 1 through the whole tensor. */
static lam_status check_direction(lam_check_row *row, errors *e, const checker *c, const lami_check_tensor *t,
                                  const lami_rng *rng)
{
    lam_status status = LAM_ENOMEM;
    double *v = lami_alloc(t->count, sizeof *v), *origin = lami_alloc(t->count, sizeof *origin);
    double squares = 0, analytic = 0, numeric = 0;
    int kink;
    if (!v || !origin)
        goto done;
    memcpy(origin, t->x, t->count * sizeof *origin);
    for (size_t i = 0; i < t->count; i++) {
        v[i] = lami_rng_normal(rng, LAMI_CHECK_ELEMENTS + i);
        squares += v[i] * v[i];
    }
    for (size_t i = 0; i < t->count; i++) {
        v[i] /= sqrt(squares);
        analytic += v[i] * t->gradient[i];
    }
    const line l = { .x = t->x, .count = t->count, .v = v, .origin = origin };
    LAM_TRY_DONE(derivative(&numeric, &kink, c, &l, fmax(row->largest, c->largest / 1000)));
    row->checked++;
    row->kinks += (size_t)kink;
    if (!kink)
        compare(e, analytic, numeric);
done:
    lami_free(v);
    lami_free(origin);
    return status;
}

static lam_status check_tensor(lam_check_row *row, const checker *c, const lami_check_tensor *t, uint32_t number)
{
    const lami_rng rng = lami_rng_make(c->seed, LAMI_RNG_CHECK, number, 0);
    errors e = { 0 };
    *row = (lam_check_row) { .count = t->count, .largest = largest(t->gradient, t->count) };
    snprintf(row->name, sizeof row->name, "%s", t->name);
    LAM_TRY(check_elements(row, &e, c, t, &rng));
    if (t->count > LAMI_CHECK_ELEMENTS)
        LAM_TRY(check_direction(row, &e, c, t, &rng));
    const double reference = fmax(fmax(e.analytic, e.numeric), c->largest / 1000);
    row->error = e.difference > 0 ? e.difference / reference : 0;
    row->error_cs231n = e.relative;
    row->error_eecs498 = e.difference / fmax(e.sum, 1e-10);
    return LAM_OK;
}

/* The largest gradient, numeric ones among them: were it the analytic ones alone, gradients that are wrongly 0 would be
 * compared with nothing. A few elements of each tensor do. */
static lam_status find_largest(checker *c, const lami_check_tensor *tensors, size_t count)
{
    enum { ELEMENTS = 5 };
    for (size_t i = 0; i < count; i++) {
        const lami_check_tensor *t = &tensors[i];
        const double most = largest(t->gradient, t->count);
        if (isfinite(most))
            c->largest = fmax(c->largest, most);
        for (size_t j = 0; j < ELEMENTS && j < t->count; j++) {
            const line l = { .x = t->x, .count = t->count, .element = j * (t->count / ELEMENTS) % t->count };
            double slope[2], bend;
            LAM_TRY(differences(slope, &bend, c, &l, step_sizes[0]));
            c->largest = fmax(c->largest, fabs(slope[0]));
        }
    }
    return LAM_OK;
}

lam_status lami_gradcheck(lam_check_row *rows, const lami_check_tensor *tensors, size_t count, lami_check_loss *loss,
                          void *arg, uint64_t seed)
{
    checker c = { .loss = loss, .arg = arg, .seed = seed };
    size_t worst = 0;
    LAM_TRY(loss(&c.f0, arg));
    LAM_TRY(find_largest(&c, tensors, count));
    for (size_t i = 0; i < count; i++) {
        LAM_TRY(check_tensor(&rows[i], &c, &tensors[i], (uint32_t)i));
        if (rows[i].error > rows[worst].error)
            worst = i;
    }
    if (count && !(rows[worst].error < LAMI_CHECK_LIMIT))
        return lami_fail(LAM_ECHECK, "gradient of %s: error %.3g, not below %g", rows[worst].name, rows[worst].error,
                         LAMI_CHECK_LIMIT);
    return LAM_OK;
}

/* ---- a network ---- */

enum { BATCH = 5 };

typedef struct check {
    lam_options *options;
    lam_net *net;
    lam_session *session;
    double *x; /* batch x sample, C x H x W */
    const void **sample;
    int32_t *label;
    double *target;
    const double **target_row;
    double *gradient; /* laid out like net->values */
    lami_check_tensor *tensor;
    size_t tensors;
} check;

/* Random numbers that the parts of the data take, beside those of the tensors' elements. */
enum { STREAM_INPUT = 0xfffff0, STREAM_LABEL, STREAM_VECTOR };

static lam_status session_loss(double *loss, void *session)
{
    return lami_session_forward_loaded(loss, session);
}

static lam_status copy_options(check *k, const lam_options *options)
{
    LAM_TRY(lami_options_copy(&k->options, options));
    LAM_TRY(lam_options_set(k->options, "dtype", "f64"));
    LAM_TRY(lam_options_set(k->options, "accumulate", "1")); /* each forward pass is of the same step */
    return lami_option_given(options, offsetof(lam_options, batch)) ? LAM_OK
                                                                    : lam_options_set_real(k->options, "batch", BATCH);
}

/* Where a gamma is 1 or a beta 0, gradients that lack them would pass: away from there. */
static void vary_vectors(const check *k)
{
    const lami_rng rng = lami_rng_make(k->options->seed, LAMI_RNG_CHECK, STREAM_VECTOR, 0);
    for (size_t i = 0; i < k->net->params; i++) {
        const lami_net_param *p = &k->net->param[i];
        double *value = lami_net_values(k->net, i);
        if (p->spec->trained && p->spec->init != LAMI_INIT_WEIGHT)
            for (size_t j = 0; j < p->count; j++)
                value[j] += 0.25 * lami_rng_normal(&rng, p->offset + j);
    }
}

/* What the samples' answers are: labels, or numbers: any for mse, from 0 to 1 for yes/no. */
static void draw_answers(check *k, size_t n)
{
    const lami_rng rng = lami_rng_make(k->options->seed, LAMI_RNG_CHECK, STREAM_LABEL, 0);
    const size_t each = k->net->classes;
    for (size_t i = 0; !k->net->loss->reals && i < n; i++)
        k->label[i] = (int32_t)lami_rng_below(&rng, i, each);
    for (size_t i = 0; k->net->loss->reals && i < n; i++) {
        k->target_row[i] = k->target + i * each;
        for (size_t c = 0; c < each; c++)
            k->target[i * each + c] =
                k->net->loss->values ? lami_rng_normal(&rng, i * each + c) : lami_rng_uniform(&rng, i * each + c);
    }
}

/* Normal inputs, random answers. */
static lam_status load_random(check *k)
{
    const size_t n = k->options->batch, size = lam_shape_count(&k->net->input);
    const lami_rng input = lami_rng_make(k->options->seed, LAMI_RNG_CHECK, STREAM_INPUT, 0);
    size_t count, targets;
    LAM_TRY(lami_mul(&count, n, size));
    LAM_TRY(lami_mul(&targets, n, k->net->loss->reals ? k->net->classes : 0));
    k->x = lami_alloc(count, sizeof *k->x);
    k->sample = lami_alloc(n, sizeof *k->sample);
    k->label = lami_alloc(n, sizeof *k->label);
    k->target = lami_alloc(targets, sizeof *k->target);
    k->target_row = lami_alloc(n, sizeof *k->target_row);
    if (!k->x || !k->sample || !k->label || !k->target || !k->target_row)
        return LAM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        k->x[i] = lami_rng_normal(&input, i);
    for (size_t i = 0; i < n; i++)
        k->sample[i] = k->x + i * size;
    draw_answers(k, n);
    const int reals = k->net->loss->reals;
    return lami_session_load(k->session, &(lami_batch) { .x = k->sample,
                                                         .type = LAM_F64,
                                                         .n = n,
                                                         .label = reals ? NULL : k->label,
                                                         .target = reals ? k->target_row : NULL });
}

/* A parameter's gradient, in memory order. */
static lam_status get_gradient(check *k, size_t param)
{
    const lami_net_param *p = &k->net->param[param];
    double *in_file_order = lami_alloc(p->count, sizeof *in_file_order);
    if (!in_file_order)
        return LAM_ENOMEM;
    lam_tensor tensor = { LAM_F64, p->file_shape, in_file_order };
    const lam_status status = lam_session_grad(k->session, p->name, &tensor);
    if (!status)
        lami_net_from_file(k->net, param, k->gradient, in_file_order);
    lami_free(in_file_order);
    return status;
}

/* Forward, backward, and a list of what is to be checked. Gradients are copied: forward passes may take their place. */
static lam_status collect(check *k)
{
    double loss = 0;
    const size_t inputs = k->options->batch * lam_shape_count(&k->net->input);
    k->gradient = lami_alloc(k->net->values_count, sizeof *k->gradient);
    k->tensor = lami_alloc(k->net->params + 1, sizeof *k->tensor);
    if (!k->gradient || !k->tensor)
        return LAM_ENOMEM;
    LAM_TRY(lami_session_forward_loaded(&loss, k->session));
    LAM_TRY(lam_session_backward(k->session));
    for (size_t i = 0; i < k->net->params; i++) {
        const lami_net_param *p = &k->net->param[i];
        if (!p->spec->trained)
            continue;
        LAM_TRY(get_gradient(k, i));
        k->tensor[k->tensors++] = (lami_check_tensor) {
            .name = p->name, .x = lami_net_values(k->net, i), .gradient = k->gradient + p->offset, .count = p->count
        };
    }
    double *input_gradient = k->x; /* the samples are in the session now */
    memcpy(input_gradient, lami_session_input_grad(k->session), inputs * sizeof *input_gradient);
    k->tensor[k->tensors++] = (lami_check_tensor) {
        .name = "input", .x = lami_session_input(k->session), .gradient = input_gradient, .count = inputs
    };
    return LAM_OK;
}

lam_status lam_check(lam_check_row **rows, size_t *count, const char *notation, const lam_shape *input,
                     const lam_options *options)
{
    LAMI_FPU_SCOPE;
    if (!rows || !count || !notation || !input)
        return lami_fail(LAM_EINVAL, "lam_check: NULL argument");
    lam_status status = LAM_OK;
    check k = { 0 };
    lam_check_row *made = NULL;
    *rows = NULL;
    *count = 0;
    LAM_TRY_DONE(copy_options(&k, options));
    LAM_TRY_DONE(lam_net_new(&k.net, notation, input, k.options));
    vary_vectors(&k);
    LAM_TRY_DONE(lami_session_make(&k.session, k.net, k.options, LAMI_SESSION_CHECK));
    LAM_TRY_DONE(load_random(&k));
    LAM_TRY_DONE(collect(&k));
    made = lami_alloc(k.tensors, sizeof *made);
    status = made ? lami_gradcheck(made, k.tensor, k.tensors, session_loss, k.session, k.options->seed) : LAM_ENOMEM;
    if (!status || status == LAM_ECHECK) {
        *rows = made;
        *count = k.tensors;
        made = NULL;
    }
done:
    lami_free(made);
    lam_session_free(k.session);
    lam_net_free(k.net);
    lam_options_free(k.options);
    lami_free(k.x);
    lami_free(k.sample);
    lami_free(k.label);
    lami_free(k.target);
    lami_free(k.target_row);
    lami_free(k.gradient);
    lami_free(k.tensor);
    return status;
}

void lam_check_free(lam_check_row *rows)
{
    lami_free(rows);
}
