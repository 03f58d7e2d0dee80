/* optims: the update rules against the tables of the course and plain loops in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

#include "../src/optim/optim.h"
#include "toy.h"

/* w, dw and a state of 4 x 5 as in the course's notebook. */
static lam_tensor linspace(lam_dtype type, double from, double to)
{
    const lam_tensor t = make_rows(type, 4, 5);
    fill_linspace(&t, from, to);
    return t;
}

static double tolerance(lam_dtype type)
{
    return type == LAM_F32 ? 2e-7 : 5e-9;
}

static void momentum_gives_the_table_of_the_course(void **state)
{
    (void)state;
    static const double next_w[] = { 0.1406,     0.20738947, 0.27417895, 0.34096842, 0.40775789, 0.47454737, 0.54133684,
                                     0.60812632, 0.67491579, 0.74170526, 0.80849474, 0.87528421, 0.94207368, 1.00886316,
                                     1.07565263, 1.14244211, 1.20923158, 1.27602105, 1.34281053, 1.4096 };
    static const double velocity[] = { 0.5406,     0.55475789, 0.56891579, 0.58307368, 0.59723158,
                                       0.61138947, 0.62554737, 0.63970526, 0.65386316, 0.66802105,
                                       0.68217895, 0.69633684, 0.71049474, 0.72465263, 0.73881053,
                                       0.75296842, 0.76712632, 0.78128421, 0.79544211, 0.8096 };
    EACH_TYPE(type)
    {
        lam_tensor w = linspace(type, -0.4, 0.6), dw = linspace(type, -0.6, 0.4), v = linspace(type, 0.6, 0.9);
        assert_ok(lam_momentum(&w, &dw, &v, 1e-3, 0.9));
        assert_elements(&w, next_w, 20, tolerance(type));
        assert_elements(&v, velocity, 20, tolerance(type));
    }
}

static void rmsprop_gives_the_table_of_the_course(void **state)
{
    (void)state;
    static const double next_w[] = { -0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247,
                                     -0.132737,   -0.08078555, -0.02881884, 0.02316247,  0.07515774,
                                     0.12716641,  0.17918792,  0.23122175,  0.28326742,  0.33532447,
                                     0.38739248,  0.43947102,  0.49155973,  0.54365823,  0.59576619 };
    static const double cache[] = { 0.5976,     0.6126277,  0.6277108,  0.64284931, 0.65804321, 0.67329252, 0.68859723,
                                    0.70395734, 0.71937285, 0.73484377, 0.75037008, 0.7659518,  0.78158892, 0.79728144,
                                    0.81302936, 0.82883269, 0.84469141, 0.86060554, 0.87657507, 0.8926 };
    EACH_TYPE(type)
    {
        lam_tensor w = linspace(type, -0.4, 0.6), dw = linspace(type, -0.6, 0.4), s = linspace(type, 0.6, 0.9);
        assert_ok(lam_rmsprop(&w, &dw, &s, 1e-2, 0.99, 1e-8));
        assert_elements(&w, next_w, 20, tolerance(type));
        assert_elements(&s, cache, 20, tolerance(type));
    }
}

static void adam_gives_the_table_of_the_course_and_counts_t_before_use(void **state)
{
    (void)state;
    static const double next_w[] = { -0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977,
                                     -0.1380274,  -0.08544591, -0.03286534, 0.01971428,  0.0722929,
                                     0.1248705,   0.17744702,  0.23002243,  0.28259667,  0.33516969,
                                     0.38774145,  0.44031188,  0.49288093,  0.54544852,  0.59801459 };
    static const double next_v[] = { 0.69966,    0.68908382, 0.67851319, 0.66794809, 0.65738853, 0.64683452, 0.63628604,
                                     0.6257431,  0.61520571, 0.60467385, 0.59414753, 0.58362676, 0.57311152, 0.56260183,
                                     0.55209767, 0.54159906, 0.53110598, 0.52061845, 0.51013645, 0.49966 };
    static const double next_m[] = { 0.48,       0.49947368, 0.51894737, 0.53842105, 0.55789474, 0.57736842, 0.59684211,
                                     0.61631579, 0.63578947, 0.65526316, 0.67473684, 0.69421053, 0.71368421, 0.73315789,
                                     0.75263158, 0.77210526, 0.79157895, 0.81105263, 0.83052632, 0.85 };
    EACH_TYPE(type)
    {
        lam_tensor w = linspace(type, -0.4, 0.6), dw = linspace(type, -0.6, 0.4);
        lam_tensor m = linspace(type, 0.6, 0.9), v = linspace(type, 0.7, 0.5);
        uint64_t t = 5;
        assert_ok(lam_adam(&w, &dw, &m, &v, &t, 1e-2, 0.9, 0.999, 1e-8));
        assert_int_equal(t, 6);
        assert_elements(&w, next_w, 20, tolerance(type));
        assert_elements(&v, next_v, 20, tolerance(type));
        assert_elements(&m, next_m, 20, tolerance(type));
    }
}

static void sgd_and_nesterov_are_those_of_the_notes(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        lam_tensor w = linspace(type, -0.4, 0.6), u = linspace(type, -0.4, 0.6), dw = linspace(type, -0.6, 0.4);
        lam_tensor v = linspace(type, 0.6, 0.9);
        assert_ok(lam_sgd(&w, &dw, 0.25));
        assert_ok(lam_nesterov(&u, &dw, &v, 0.25, 0.9));
        for (size_t i = 0; i < 20; i++) {
            const double at_i = (double)i / 19, g = -0.6 + at_i, before = 0.6 + 0.3 * at_i,
                         after = 0.9 * before - 0.25 * g;
            assert_near(at(&w, i), -0.4 + at_i - 0.25 * g, tolerance(type));
            assert_near(at(&v, i), after, tolerance(type));
            assert_near(at(&u, i), -0.4 + at_i - 0.9 * before + 1.9 * after, tolerance(type));
        }
    }
}

/* One step of a rule on one number, in double. */
static void step_of(const char *rule, double *w, double g, double s[2], double t)
{
    const double u = s[0];
    if (!strcmp(rule, "sgd"))
        *w -= 0.01 * g;
    else if (!strcmp(rule, "momentum"))
        *w += s[0] = 0.9 * s[0] - 0.01 * g;
    else if (!strcmp(rule, "nesterov")) {
        s[0] = 0.9 * s[0] - 0.01 * g;
        *w += -0.9 * u + 1.9 * s[0];
    } else if (!strcmp(rule, "rmsprop")) {
        s[0] = 0.99 * s[0] + 0.01 * g * g;
        *w -= 0.01 * g / (sqrt(s[0]) + 1e-8);
    } else if (!strncmp(rule, "adam", 4)) { /* adamw has the same record; its decay is another one */
        s[0] = 0.9 * s[0] + 0.1 * g;
        s[1] = 0.999 * s[1] + 0.001 * g * g;
        *w -= 0.01 * (s[0] / (1 - pow(0.9, t))) / (sqrt(s[1] / (1 - pow(0.999, t))) + 1e-8);
    } else
        fail_msg("%s: no reference in this test", rule);
}

static void run_step(const char *rule, lam_tensor *w, const lam_tensor *dw, lam_tensor *a, lam_tensor *b, uint64_t *t)
{
    if (!strcmp(rule, "sgd"))
        assert_ok(lam_sgd(w, dw, 0.01));
    else if (!strcmp(rule, "momentum"))
        assert_ok(lam_momentum(w, dw, a, 0.01, 0.9));
    else if (!strcmp(rule, "nesterov"))
        assert_ok(lam_nesterov(w, dw, a, 0.01, 0.9));
    else if (!strcmp(rule, "rmsprop"))
        assert_ok(lam_rmsprop(w, dw, a, 0.01, 0.99, 1e-8));
    else if (!strncmp(rule, "adam", 4))
        assert_ok(lam_adam(w, dw, a, b, t, 0.01, 0.9, 0.999, 1e-8));
}

static void a_hundred_steps_of_each_rule_follow_plain_loops(void **state)
{
    (void)state;
    enum { N = 37 };
    EACH_TYPE(type)
    for (size_t k = 0; lami_optims[k]; k++) {
        if (lami_optims[k]->others) /* of matrices: below */
            continue;
        lam_tensor w = make_normal(type, 1, N, 1), a = make_vector(type, N), b = make_vector(type, N);
        double expected[N], s[N][2] = { { 0 } };
        uint64_t t = 0;
        for (size_t i = 0; i < N; i++)
            expected[i] = at(&w, i);
        for (uint32_t n = 1; n <= 100; n++) {
            const lam_tensor dw = make_normal(type, 1, N, 1 + n);
            run_step(lami_optims[k]->name, &w, &dw, &a, &b, &t);
            for (size_t i = 0; i < N; i++)
                step_of(lami_optims[k]->name, &expected[i], at(&dw, i), s[i], n);
        }
        assert_elements(&w, expected, N, 600 * unit_of(type));
        assert_int_equal(t, strncmp(lami_optims[k]->name, "adam", 4) ? 0 : 100);
        free_tensors(NULL);
    }
}

/* ---- in a session ---- */

enum { INPUTS = 7, MOST = 9, SAMPLES = 6, STEPS = 30 };

static double length_of(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* One step of muon on a matrix of rows x INPUTS, in double. */
static void step_of_muon(double *w, const lam_tensor *dw, double s[][2], size_t rows)
{
    enum { N = INPUTS };
    const size_t count = rows * N;
    double y[MOST * N], square[MOST][MOST], sum[MOST][MOST];
    for (size_t i = 0; i < count; i++) {
        s[i][0] = 0.9 * s[i][0] + 0.1 * at(dw, i);
        y[i] = 0.9 * s[i][0] + 0.1 * at(dw, i);
    }
    const double length = fmax(length_of(y, count), 1e-7);
    for (size_t i = 0; i < count; i++)
        y[i] /= length;
    for (int step = 0; step < 5; step++) {
        double next[MOST * N];
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < rows; k++) {
                square[i][k] = 0;
                for (size_t j = 0; j < N; j++)
                    square[i][k] += y[i * N + j] * y[k * N + j];
            }
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < rows; k++) {
                sum[i][k] = -4.7750 * square[i][k];
                for (size_t j = 0; j < rows; j++)
                    sum[i][k] += 2.0315 * square[i][j] * square[j][k];
            }
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < N; j++) {
                next[i * N + j] = 3.4445 * y[i * N + j];
                for (size_t k = 0; k < rows; k++)
                    next[i * N + j] += sum[i][k] * y[k * N + j];
            }
        memcpy(y, next, count * sizeof *y);
    }
    for (size_t i = 0; i < count; i++)
        w[i] -= 0.01 * 0.2 * sqrt((double)(rows > N ? rows : N)) * y[i];
}

static lam_tensor parameter(lam_dtype type, int bias, size_t outputs)
{
    return bias ? make_vector(type, outputs) : make_rows(type, outputs, INPUTS);
}

/* Each update of a session is what step_of makes of the gradient, after the weights were scaled to norm * sqrt(outputs),
 * if norm is not 0, and w *= 1 - lr * decay. */
static void follow_session(const char *rule, const char *more, lam_dtype type, size_t outputs, double decay,
                           double norm)
{
    static const char *const names[] = { "affine1.weight", "affine1.bias" };
    char list[128], notation[64];
    const int muon = !strcmp(rule, "muon");
    lam_net *net = NULL;
    lam_session *session = NULL;
    double s[2][MOST * INPUTS][2] = { { { 0 } } }, w[2][MOST * INPUTS];
    snprintf(notation, sizeof notation, "affine %zu - softmax", outputs);
    snprintf(list, sizeof list, "batch=6 lr=0.01 optim=%s dtype=%s %s", rule, type == LAM_F32 ? "f32" : "f64", more);
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { INPUTS } }, options));
    if (norm > 0) {
        char set[64];
        snprintf(set, sizeof set, "*.weight norm %g", norm);
        assert_ok(lam_options_set(options, "set", set));
    }
    assert_ok(lam_session_new(&session, net, options));
    const lam_tensor x = make_normal(type, SAMPLES, INPUTS, 3), y = make_tensor(LAM_U8, lami_shape1(SAMPLES));
    lam_tensor value[2] = { parameter(type, 0, outputs), parameter(type, 1, outputs) };
    lam_tensor grad[2] = { parameter(type, 0, outputs), parameter(type, 1, outputs) };
    for (int p = 0; p < 2; p++) {
        assert_ok(lam_net_get(net, names[p], &value[p]));
        for (size_t i = 0; i < count_of(&value[p]); i++)
            w[p][i] = at(&value[p], i);
    }
    for (int step = 1; step <= STEPS; step++) {
        double loss;
        assert_ok(lam_session_forward(&loss, session, &x, &y));
        assert_ok(lam_session_backward(session));
        for (int p = 0; p < 2; p++)
            assert_ok(lam_session_grad(session, names[p], &grad[p]));
        assert_ok(lam_session_step(session));
        for (int p = 0; p < 2; p++) {
            assert_ok(lam_net_get(net, names[p], &value[p]));
            const double length = length_of(w[p], count_of(&value[p]));
            for (size_t i = 0; i < count_of(&value[p]); i++) {
                if (!p && norm > 0)
                    w[p][i] *= norm * sqrt((double)outputs) / length;
                w[p][i] *= p ? 1 : 1 - 0.01 * decay;
                if (p || !muon)
                    step_of(muon ? "adam" : rule, &w[p][i], at(&grad[p], i), s[p][i], step);
            }
            if (!p && muon)
                step_of_muon(w[p], &grad[p], s[p], outputs);
            assert_elements(&value[p], w[p], count_of(&value[p]), 600 * unit_of(type));
        }
    }
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    free_tensors(NULL);
}

static void each_rule_has_decoupled_weight_decay_for_weights_alone(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t k = 0; lami_optims[k]; k++) {
        const char *rule = lami_optims[k]->name;
        follow_session(rule, "", type, 5, lami_optims[k]->weight_decay, 0);
        follow_session(rule, "weight-decay=0", type, 5, 0, 0);
        follow_session(rule, "weight-decay=3", type, 5, 3, 0);
    }
}

static void a_norm_is_given_to_weights_before_each_update(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t k = 0; lami_optims[k]; k++)
        follow_session(lami_optims[k]->name, "weight-decay=1", type, 5, 1, 0.5);
}

static void muon_takes_the_smaller_product_of_either_shape(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t outputs = 1; outputs <= MOST; outputs += 2)
        follow_session("muon", "", type, outputs, 0.01, 0);
}

/* Singular values near 1, whatever those of the gradient: by the polynomial's source, from 0.7 to 1.2. */
static void muon_steps_in_all_directions_alike(void **state)
{
    (void)state;
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = toy_options("batch=6 lr=1 weight-decay=0 optim=muon dtype=f64");
    double loss;
    assert_ok(lam_net_new(&net, "affine 5 - softmax", &(lam_shape) { 1, { INPUTS } }, options));
    assert_ok(lam_session_new(&session, net, options));
    lam_tensor x = make_normal(LAM_F64, SAMPLES, INPUTS, 3), y = make_tensor(LAM_U8, lami_shape1(SAMPLES));
    for (uint8_t i = 0; i < SAMPLES; i++)
        ((uint8_t *)y.data)[i] = i % 5;
    const lam_tensor before = parameter(LAM_F64, 0, 5), after = parameter(LAM_F64, 0, 5);
    assert_ok(lam_net_get(net, "affine1.weight", (lam_tensor *)&before));
    assert_ok(lam_session_forward(&loss, session, &x, &y));
    assert_ok(lam_session_backward(session));
    assert_ok(lam_session_step(session));
    assert_ok(lam_net_get(net, "affine1.weight", (lam_tensor *)&after));
    double trace = 0; /* sum of squared singular values: of four, as the gradients of scores add up to 0 */
    for (size_t i = 0; i < 5 * INPUTS; i++) {
        const double step = (at(&after, i) - at(&before, i)) / (0.2 * sqrt(INPUTS));
        trace += step * step;
    }
    assert_true(trace > 4 * 0.7 * 0.7 && trace < 4 * 1.2 * 1.2);
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    free_tensors(NULL);
}

static void adamw_without_decay_has_the_bits_of_adam(void **state)
{
    (void)state;
    char sha[2][65];
    for (int k = 0; k < 2; k++) {
        lam_net *net = NULL;
        lam_options *options = toy_options(k ? "optim=adamw weight-decay=0 epochs=3 batch=10" : "epochs=3 batch=10");
        lam_data *data = toy_data(50, 0, 9, 3, 1);
        assert_ok(lam_net_new(&net, "affine 8 - relu - affine 3 - softmax", lam_data_shape(data), options));
        assert_ok(lam_train(net, data, options, NULL, NULL));
        assert_ok(lam_net_sha256(net, sha[k]));
        lam_data_free(data);
        lam_net_free(net);
        lam_options_free(options);
    }
    assert_string_equal(sha[0], sha[1]);
}

static void a_learning_rate_of_zero_keeps_the_weights(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t k = 0; lami_optims[k]; k++) {
        lam_tensor w = linspace(type, -0.4, 0.6), dw = linspace(type, -0.6, 0.4), v = make_vector(type, 20);
        const lam_tensor before = make_copy(&w);
        assert_ok(lam_momentum(&w, &dw, &v, 0, 0.9));
        assert_ok(lam_sgd(&w, &dw, 0));
        assert_same_bits(&w, &before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(momentum_gives_the_table_of_the_course),
        TEST(rmsprop_gives_the_table_of_the_course),
        TEST(adam_gives_the_table_of_the_course_and_counts_t_before_use),
        TEST(sgd_and_nesterov_are_those_of_the_notes),
        TEST(a_hundred_steps_of_each_rule_follow_plain_loops),
        TEST(each_rule_has_decoupled_weight_decay_for_weights_alone),
        TEST(a_norm_is_given_to_weights_before_each_update),
        TEST(muon_takes_the_smaller_product_of_either_shape),
        TEST(muon_steps_in_all_directions_alike),
        TEST(adamw_without_decay_has_the_bits_of_adam),
        TEST(a_learning_rate_of_zero_keeps_the_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
