/* targets: numbers to predict and yes/no answers through the whole system: data, losses, units, metrics, models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/net/net.h"
#include "../src/train/metrics.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

static lam_net *new_net(const char *text, size_t inputs, const char *list)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    assert_ok(lam_net_new(&net, text, &(lam_shape) { 1, { inputs } }, o));
    lam_options_free(o);
    return net;
}

static lam_status train(lam_net *net, const lam_data *data, const char *list)
{
    lam_options *o = toy_options(list);
    const lam_status status = lam_train(net, data, o, NULL, NULL);
    lam_options_free(o);
    return status;
}

/* Scores of the net for rows, as double. */
static lam_tensor predict(const lam_net *net, const lam_tensor *x)
{
    const size_t n = x->shape.dim[0];
    lam_session *session = NULL;
    char list[32];
    snprintf(list, sizeof list, "batch=%zu", n);
    lam_options *o = toy_options(list);
    lam_tensor scores = make_rows(net->dtype, n, net->classes);
    assert_ok(lam_session_new_predict(&session, net, o));
    assert_ok(lam_session_predict(session, &scores, x));
    lam_session_free(session);
    lam_options_free(o);
    return scores;
}

static lam_tensor samples_of(const lam_data *data, lam_part part)
{
    return (lam_tensor) { LAM_F32,
                          { 2, { data->part[part].count, data->shape.dim[0] } },
                          (void *)(uintptr_t)lami_data_sample(data, part, 0) };
}

/* ---- data ---- */

static void numbers_become_targets(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t rank = 1; rank <= 2; rank++)
        for (size_t each = 1; each <= (rank == 1 ? 1 : 3); each += 2) {
            lam_data *data = NULL;
            const lam_tensor x = make_normal(LAM_F32, 5, 4, 1), values = make_normal(type, 5, each, 2);
            const lam_tensor y = { type, rank == 1 ? lami_shape1(5) : values.shape, values.data };
            assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
            assert_int_equal(lam_data_targets(data), each);
            assert_int_equal(lam_data_classes(data), 0);
            assert_null(lam_data_class_name(data, 0));
            assert_null(lam_data_target_name(data, 0));
            assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), -1);
            for (size_t i = 0; i < 5 * each; i++)
                assert_true(lam_data_target(data, LAM_TRAIN, i / each, i % each) == at(&values, i));
            assert_true(isnan(lam_data_target(data, LAM_TRAIN, 5, 0)));
            assert_true(isnan(lam_data_target(data, LAM_TRAIN, 0, each)));
            assert_true(isnan(lam_data_target(data, LAM_VAL, 0, 0)));
            assert_true(isnan(lam_data_target(NULL, LAM_TRAIN, 0, 0)));
            assert_true(lam_data_weight(data, LAM_TRAIN, 0) == 1 && lam_data_weight(data, LAM_TRAIN, 9) == 1);
            assert_ok(lam_data_add_part(data, LAM_VAL, &x, &y, 1));
            assert_true(lam_data_target(data, LAM_VAL, 4, each - 1) == at(&values, 5 * each - 1));
            lam_data_free(data);
        }
}

static void data_with_classes_has_no_targets(void **state)
{
    (void)state;
    lam_data *data = toy_data(9, 0, 4, 3, 1);
    assert_int_equal(lam_data_targets(data), 0);
    assert_null(lam_data_target_name(data, 0));
    assert_true(isnan(lam_data_target(data, LAM_TRAIN, 0, 0)));
    assert_int_equal(lam_data_targets(NULL), 0);
    lam_data_free(data);
}

static void target_names_are_copied(void **state)
{
    (void)state;
    const char *const names[] = { "width", "height" };
    lam_data *data = toy_numbers(9, 0, 4, 2, 0, 1);
    lam_net *net = new_net("affine 2 - mse", 4, ""), *back = NULL;
    assert_ok(lami_data_set_targets(data, 2, names));
    assert_string_equal(lam_data_target_name(data, 1), "height");
    assert_null(lam_data_target_name(data, 2));
    assert_ok(train(net, data, "epochs=1"));
    assert_ok(lam_net_save(net, in_folder("named")));
    assert_ok(lam_net_load(&back, in_folder("named")));
    assert_string_equal(back->class_name[0], "width");
    assert_string_equal(back->class_name[1], "height");
    lam_net_free(net);
    lam_net_free(back);
    lam_data_free(data);
}

static void arrays_of_numbers_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    lam_data *data = NULL;
    const lam_tensor x = make_normal(LAM_F32, 5, 4, 1), y = make_normal(LAM_F64, 5, 2, 2);
    lam_tensor bad = y;
    assert_int_equal(lam_data_from_arrays(&data, &x, &y, 2, 0), LAM_EINVAL);
    assert_message("no classes");
    bad.shape = lami_shape2(4, 2);
    assert_int_equal(lam_data_from_arrays(&data, &x, &bad, 0, 0), LAM_ESHAPE);
    bad.shape = (lam_shape) { 0, { 0 } };
    assert_int_equal(lam_data_from_arrays(&data, &x, &bad, 0, 0), LAM_ESHAPE);
    bad.shape = lami_shape3(5, 1, 2);
    assert_int_equal(lam_data_from_arrays(&data, &x, &bad, 0, 0), LAM_ESHAPE);
    bad.shape = lami_shape2(5, 0);
    assert_int_equal(lam_data_from_arrays(&data, &x, &bad, 0, 0), LAM_ESHAPE);
    static const double wrong[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < 3; i++)
        for (int borrow = 0; borrow < 2; borrow++) {
            bad = make_copy(&y);
            put(&bad, 7, wrong[i]);
            assert_int_equal(lam_data_from_arrays(&data, &x, &bad, 0, borrow), LAM_EFORMAT);
            assert_message("y[3] is not a finite number");
        }
    assert_null(data);
    /* other parts must have as many, and numbers */
    uint8_t label[5] = { 0 };
    const lam_tensor one = make_normal(LAM_F64, 5, 1, 2), labels = { LAM_U8, { 1, { 5 } }, label };
    assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
    assert_int_equal(lam_data_add_part(data, LAM_VAL, &x, &one, 0), LAM_ESHAPE);
    assert_int_equal(lam_data_add_part(data, LAM_VAL, &x, &labels, 0), LAM_EINVAL);
    lam_data_free(data);
    assert_ok(lam_data_from_arrays(&data, &x, &labels, 0, 0));
    assert_int_equal(lam_data_add_part(data, LAM_VAL, &x, &one, 0), LAM_EINVAL);
    lam_data_free(data);
}

static void every_failed_allocation_of_data_is_reported(void **state)
{
    (void)state;
    const lam_tensor x = make_normal(LAM_F32, 5, 4, 1), y = make_normal(LAM_F64, 5, 2, 2), w = make_vector(LAM_F64, 5);
    fill_all(&w, 1);
    for (int borrow = 0; borrow < 2; borrow++) {
        lam_status status = LAM_ENOMEM;
        for (long n = 1; status; n++) {
            lam_data *data = NULL;
            lami_alloc_fail_at(n);
            status = lam_data_from_arrays(&data, &x, &y, 0, borrow);
            if (!status)
                status = lam_data_add_part(data, LAM_VAL, &x, &y, borrow);
            if (!status)
                status = lam_data_set_weights(data, LAM_VAL, &w);
            lami_alloc_fail_at(0);
            assert_true(!status || status == LAM_ENOMEM);
            lam_data_free(data);
            assert_true(n < 20);
        }
    }
}

/* ---- losses ---- */

static void gradients_of_networks_of_mse_and_logistic_are_right(void **state)
{
    (void)state;
    static const char *const notations[] = { "affine 7 - tanh - affine 1 - mse",
                                             "affine 7 - tanh - affine 4 - mse",
                                             "affine 3 - mse",
                                             "affine 7 - gelu - affine 1 - logistic",
                                             "affine 7 - batchnorm - silu - affine 5 - logistic",
                                             "affine 1 - logistic" };
    static const char *const lists[] = { "", "l2=0.3 batch=9", "seed=3 clip=1 accumulate=2 batch=1" };
    for (size_t i = 0; i < sizeof notations / sizeof *notations; i++)
        for (size_t k = 0; k < 3; k++) {
            lam_check_row *rows = NULL;
            size_t count = 0;
            if (k == 2 && strstr(notations[i], "batchnorm")) /* not of one sample */
                continue;
            lam_options *o = toy_options(lists[k]);
            assert_ok(lam_check(&rows, &count, notations[i], &(lam_shape) { 1, { 6 } }, o));
            for (size_t r = 0; r < count; r++)
                assert_true(rows[r].error < 1e-7 && rows[r].kinks == 0);
            lam_check_free(rows);
            lam_options_free(o);
        }
}

static double mse_of(double x, double t)
{
    return (x - t) * (x - t);
}

static double logistic_of(double x, double t)
{
    return log1p(exp(-fabs(x))) + fmax(x, 0) - t * x;
}

/* The loss of a session on answers y, and that of plain loops on the same numbers `t` (n, K). */
static void assert_loss(const char *text, const lam_tensor *y, const lam_tensor *t, double (*loss)(double, double))
{
    const size_t n = t->shape.dim[0], each = t->shape.dim[1];
    double got = NAN, expected = 0;
    lam_session *session = NULL;
    lam_net *net = new_net(text, 4, "dtype=f64");
    lam_options *o = toy_options("batch=20");
    const lam_tensor x = make_normal(LAM_F64, n, 4, 3);
    assert_ok(lam_session_new(&session, net, o));
    assert_ok(lam_session_forward(&got, session, &x, y));
    const lam_tensor scores = predict(net, &x);
    for (size_t i = 0; i < n * each; i++)
        expected += loss(at(&scores, i), at(t, i)) / (double)(n * each);
    assert_near(got, expected, 1e-14 * (expected + 1));
    lam_session_free(session);
    lam_options_free(o);
    lam_net_free(net);
}

static void labels_are_yes_or_no_for_one_score_and_one_of_k_for_more(void **state)
{
    (void)state;
    uint8_t label[9];
    const lam_tensor yes = make_rows(LAM_F64, 9, 1), of_k = make_rows(LAM_F64, 9, 5);
    for (size_t i = 0; i < 9; i++) {
        label[i] = (uint8_t)(i % 2);
        put(&yes, i, (double)(i % 2));
    }
    const lam_tensor y = { LAM_U8, { 1, { 9 } }, label };
    assert_loss("affine 1 - logistic", &y, &yes, logistic_of);
    assert_loss("affine 1 - mse", &y, &yes, mse_of);
    for (size_t i = 0; i < 9; i++) {
        label[i] = (uint8_t)(i * i % 5);
        put(&of_k, i * 5 + label[i], 1);
    }
    assert_loss("affine 5 - logistic", &y, &of_k, logistic_of);
    assert_loss("affine 5 - mse", &y, &of_k, mse_of);
}

static void numbers_of_either_type_are_targets(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const lam_tensor any = make_normal(type, 9, 3, 7), shares = make_rows(type, 9, 3);
        fill_linspace(&shares, 0, 1);
        assert_loss("affine 3 - mse", &any, &any, mse_of);
        assert_loss("affine 3 - logistic", &shares, &shares, logistic_of);
        const lam_tensor column = make_normal(type, 9, 1, 7), vector = { type, { 1, { 9 } }, column.data };
        assert_loss("affine 1 - mse", &vector, &column, mse_of);
    }
}

static lam_status forward(const char *text, const lam_tensor *y)
{
    double loss;
    lam_session *session = NULL;
    lam_net *net = new_net(text, 4, "");
    const lam_tensor x = make_normal(LAM_F32, y->shape.dim[0], 4, 3);
    assert_ok(lam_session_new(&session, net, NULL));
    const lam_status status = lam_session_forward(&loss, session, &x, y);
    lam_session_free(session);
    lam_net_free(net);
    return status;
}

static void answers_that_do_not_fit_the_loss_are_errors(void **state)
{
    (void)state;
    uint8_t label[4] = { 0, 1, 2, 0 };
    const lam_tensor y = { LAM_U8, { 1, { 4 } }, label };
    assert_int_equal(forward("affine 1 - logistic", &y), LAM_EFORMAT);
    assert_message("y[2] is 2; labels are 0 to 1");
    assert_int_equal(forward("affine 2 - logistic", &y), LAM_EFORMAT);
    assert_ok(forward("affine 3 - logistic", &y));
    static const double wrong[] = { -0.001, 1.001, 7 };
    for (size_t i = 0; i < 3; i++) {
        const lam_tensor t = make_rows(LAM_F64, 4, 3);
        put(&t, 5, wrong[i]);
        assert_int_equal(forward("affine 3 - logistic", &t), LAM_EFORMAT);
        assert_message("of sample 1: logistic takes numbers from 0 to 1");
        assert_ok(forward("affine 3 - mse", &t));
        assert_int_equal(forward("affine 2 - mse", &t), LAM_ESHAPE);
        assert_int_equal(forward("affine 3 - softmax", &t), LAM_EINVAL);
        put(&t, 5, NAN);
        assert_int_equal(forward("affine 3 - mse", &t), LAM_EFORMAT);
    }
}

/* ---- does the data fit the network? ---- */

static void data_must_have_what_the_loss_takes(void **state)
{
    (void)state;
    lam_data *numbers = toy_numbers(9, 0, 4, 2, 0, 1), *classes = toy_data(9, 0, 4, 3, 1);
    static const struct {
        const char *text;
        int numbers; /* else classes */
        const char *message;
    } rows[] = {
        { "affine 2 - softmax", 1, "softmax needs classes, the data has numbers to predict" },
        { "affine 2 - svm", 1, "svm needs classes, the data has numbers to predict" },
        { "affine 3 - mse", 1, "the network gives 3 scores, the data has 2 numbers to predict" },
        { "affine 1 - mse", 1, "the network gives 1 score, the data has 2 numbers to predict" },
        { "affine 2 - mse", 1, NULL },
        { "affine 2 - logistic", 1, "logistic takes numbers from 0 to 1" }, /* which these are not */
        { "affine 2 - logistic", 0, "the network gives 2 scores, the data has 3 classes" },
        { "affine 1 - logistic", 0, "the network gives 1 score, the data has 3 classes" },
        { "affine 3 - logistic", 0, NULL },
        { "affine 3 - mse", 0, NULL },
        { "affine 1 - mse", 0, "the network gives 1 score, the data has 3 classes" },
        { "affine 4 - mse", 0, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lam_metrics m;
        const lam_data *data = rows[i].numbers ? numbers : classes;
        lam_net *net = new_net(rows[i].text, 4, "");
        const lam_status fit = lami_check_fit(net, data);
        assert_int_equal(!!fit, rows[i].message != NULL);
        if (rows[i].message)
            assert_message(rows[i].message);
        assert_int_equal(lam_eval(&m, net, data, LAM_TRAIN, NULL), fit);
        assert_int_equal(train(net, data, "steps=1"), fit);
        lam_net_free(net);
    }
    lam_data_free(numbers);
    lam_data_free(classes);
}

static void a_target_that_is_no_yes_or_no_is_named_with_its_sample(void **state)
{
    (void)state;
    lam_data *data = NULL;
    const lam_tensor x = make_normal(LAM_F32, 5, 4, 1), y = make_rows(LAM_F64, 5, 2), bad = make_rows(LAM_F64, 5, 2);
    put(&bad, 7, 1.5);
    assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
    assert_ok(lam_data_add_part(data, LAM_VAL, &x, &bad, 0));
    lam_net *net = new_net("affine 2 - logistic", 4, "");
    assert_int_equal(train(net, data, "epochs=1"), LAM_EFORMAT);
    assert_message("target 1.5 of validation sample 3: logistic takes numbers from 0 to 1");
    lam_net_free(net);
    lam_data_free(data);
}

static void a_network_for_data_gets_the_number_of_its_targets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t targets, classes, scores;
    } rows[] = {
        { "affine 5 - relu - affine - mse", 3, 0, 3 },
        { "affine - mse", 1, 0, 1 },
        { "affine - mse", 0, 4, 4 },
        { "affine - logistic", 0, 2, 1 },
        { "affine - logistic", 0, 3, 3 },
        { "affine - softmax", 0, 2, 2 },
        { "affine - logistic", 2, 0, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lam_net *net = NULL;
        lam_data *data =
            rows[i].targets ? toy_numbers(9, 0, 4, rows[i].targets, 0, 1) : toy_data(9, 0, 4, rows[i].classes, 1);
        assert_ok(lami_net_make_for(&net, rows[i].text, data, NULL));
        assert_int_equal(lam_net_classes(net), rows[i].scores);
        lam_net_free(net);
        lam_data_free(data);
    }
}

/* ---- metrics ---- */

/* r2, rmse, mae of predictions by plain loops. */
static lam_metrics measured(const lam_tensor *scores, const lam_data *data, lam_part part)
{
    const size_t n = lam_data_count(data, part), each = lam_data_targets(data);
    double squares = 0, absolute = 0, r2 = 0;
    for (size_t k = 0; k < each; k++) {
        double mean = 0, total = 0, residual = 0;
        for (size_t i = 0; i < n; i++)
            mean += lam_data_target(data, part, i, k) / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double t = lam_data_target(data, part, i, k), error = t - at(scores, i * each + k);
            total += (t - mean) * (t - mean);
            residual += error * error;
            absolute += fabs(error);
        }
        squares += residual;
        r2 += (1 - residual / total) / (double)each;
    }
    const double count = (double)(n * each);
    return (lam_metrics) { .count = n, .r2 = r2, .rmse = sqrt(squares / count), .mae = absolute / count };
}

static void metrics_of_numbers_are_those_of_plain_loops(void **state)
{
    (void)state;
    static const char *const lists[] = { "epochs=3 batch=16 lr=0.01", "epochs=3 batch=16 lr=0.01 scale-targets=1" };
    for (size_t each = 1; each <= 3; each += 2)
        for (size_t k = 0; k < 2; k++) {
            lam_data *data = toy_numbers(70, 33, 6, each, 100, 50);
            lam_net *net = new_net(each == 1 ? "affine 9 - tanh - affine 1 - mse" : "affine 9 - tanh - affine 3 - mse",
                                   6, "dtype=f64");
            assert_ok(train(net, data, lists[k]));
            for (lam_part part = LAM_TRAIN; part <= LAM_TEST; part++) {
                lam_metrics m;
                const lam_tensor x = samples_of(data, part), scores = predict(net, &x);
                const lam_metrics expected = measured(&scores, data, part);
                lam_options *o = toy_options("batch=13");
                assert_ok(lam_eval(&m, net, data, part, o));
                assert_int_equal(m.count, expected.count);
                assert_near(m.r2, expected.r2, 1e-11 * (1 + fabs(expected.r2)));
                assert_near(m.rmse, expected.rmse, 1e-11 * expected.rmse);
                assert_near(m.mae, expected.mae, 1e-11 * expected.mae);
                assert_true(isnan(m.accuracy) && m.loss > 0);
                lam_options_free(o);
            }
            lam_net_free(net);
            lam_data_free(data);
        }
}

static void a_target_that_never_changes_has_r2_one_if_met_and_else_zero(void **state)
{
    (void)state;
    static const double values[] = { 0.1, 3, -1e9, 0 };
    for (size_t i = 0; i < 4; i++) {
        lam_metrics m;
        lam_data *data = NULL;
        const lam_tensor x = make_rows(LAM_F64, 7, 2), y = make_vector(LAM_F64, 7), bias = make_vector(LAM_F64, 1);
        fill_all(&y, values[i]);
        fill_all(&bias, values[i]);
        assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 1));
        lam_net *net = new_net("affine 1 - mse", 2, "dtype=f64");
        assert_ok(lam_net_set(net, "affine1.bias", &bias));
        assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
        assert_true(m.r2 == 1 && m.rmse == 0 && m.mae == 0);
        fill_all(&bias, values[i] + 2);
        assert_ok(lam_net_set(net, "affine1.bias", &bias));
        assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
        assert_true(m.r2 == 0 && m.rmse == 2 && m.mae == 2);
        /* scaled, it is only shifted */
        assert_ok(train(net, data, "epochs=0 scale-targets=1"));
        assert_true(net->units.scale[0] == 1 && net->units.shift[0] == values[i]);
        lam_net_free(net);
        lam_data_free(data);
    }
}

static void yes_and_no_are_counted_answer_by_answer(void **state)
{
    (void)state;
    enum { N = 40, K = 3 };
    lam_data *data = NULL;
    lam_metrics m;
    const lam_tensor x = make_normal(LAM_F32, N, 4, 1), y = make_rows(LAM_F64, N, K);
    const lami_rng rng = lami_rng_make(4, LAMI_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N * K; i++)
        put(&y, i, (double)lami_rng_below(&rng, i, 2));
    assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
    lam_net *net = new_net("affine 3 - logistic", 4, "");
    const lam_tensor scores = predict(net, &x);
    double right = 0;
    for (size_t i = 0; i < N * K; i++)
        right += (at(&scores, i) > 0) == (at(&y, i) > 0.5);
    assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
    assert_true(m.accuracy == right / (N * K) && isnan(m.r2) && isnan(m.rmse) && isnan(m.mae));
    lam_net_free(net);
    lam_data_free(data);

    data = toy_data(N, 0, 4, 2, 1); /* two classes, one score: half is between 0 and 1 for mse, 0 for logistic */
    for (int mse = 0; mse < 2; mse++) {
        net = new_net(mse ? "affine 1 - mse" : "affine 1 - logistic", 4, "");
        const lam_tensor own = samples_of(data, LAM_TRAIN), one = predict(net, &own);
        right = 0;
        for (size_t i = 0; i < N; i++)
            right += (at(&one, i) > (mse ? 0.5 : 0)) == (lam_data_label(data, LAM_TRAIN, i) == 1);
        assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
        assert_true(m.accuracy == right / N && isnan(m.r2));
        lam_net_free(net);
    }
    lam_data_free(data);
}

static void yes_or_no_and_one_of_k_are_learnt_with_logistic_and_mse(void **state)
{
    (void)state;
    static const char *const notations[] = { "affine 1 - logistic", "affine 1 - mse", "affine 4 - logistic",
                                             "affine 4 - mse" };
    for (size_t i = 0; i < 4; i++) {
        lam_metrics m;
        lam_data *data = toy_data(80, 0, 10, i < 2 ? 2 : 4, 0.3);
        lam_net *net = new_net(notations[i], 10, "");
        assert_ok(train(net, data, "epochs=60 batch=20 lr=0.03"));
        assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
        assert_true(m.accuracy == 1);
        lam_net_free(net);
        lam_data_free(data);
    }
}

/* ---- targets in their own units ---- */

static void a_network_with_scaled_targets_learns_a_hundred_and_fifty_x(void **state)
{
    (void)state;
    lam_data *data = toy_numbers(300, 100, 3, 2, 100, 50);
    lam_net *net = new_net("affine 16 - tanh - affine 2 - mse", 3, ""),
            *raw = new_net("affine 16 - tanh - affine 2 - mse", 3, "");
    lam_metrics m, unscaled;
    assert_ok(train(net, data, "epochs=60 batch=20 lr=0.01 schedule=cosine scale-targets=1"));
    assert_ok(train(raw, data, "epochs=60 batch=20 lr=0.01 schedule=cosine"));
    assert_ok(lam_eval(&m, net, data, LAM_TEST, NULL));
    assert_ok(lam_eval(&unscaled, raw, data, LAM_TEST, NULL));
    assert_true(m.r2 > 0.99 && m.rmse < 5 && m.r2 > unscaled.r2);
    assert_int_equal(net->units.count, 2);
    assert_int_equal(raw->units.count, 0);
    for (size_t k = 0; k < 2; k++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < 300; i++)
            mean += lam_data_target(data, LAM_TRAIN, i, k) / 300;
        for (size_t i = 0; i < 300; i++)
            squares += pow(lam_data_target(data, LAM_TRAIN, i, k) - mean, 2) / 300;
        assert_near(net->units.shift[k], mean, 1e-10);
        assert_near(net->units.scale[k], sqrt(squares), 1e-10);
    }
    lam_net_free(net);
    lam_net_free(raw);
    lam_data_free(data);
}

static void scores_are_in_the_units_of_the_data_in_either_kind_of_session(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        lam_net *net = new_net("affine 5 - tanh - affine 2 - mse", 3, type == LAM_F32 ? "dtype=f32" : "dtype=f64");
        lam_session *session = NULL;
        const lam_tensor x = make_normal(LAM_F64, 7, 3, 1), plain = predict(net, &x);
        assert_ok(lami_net_set_units(net, 2));
        const lam_tensor same = predict(net, &x);
        assert_same_bits(&plain, &same); /* scale 1, shift 0 */
        const double scale[] = { 50, 0.25 }, shift[] = { 100, -3 };
        memcpy(net->units.scale, scale, sizeof scale);
        memcpy(net->units.shift, shift, sizeof shift);
        const lam_tensor scores = predict(net, &x);
        for (size_t i = 0; i < 14; i++)
            assert_near(at(&scores, i), at(&plain, i) * scale[i % 2] + shift[i % 2], 300 * unit_of(type));
        lam_tensor again = make_rows(type, 7, 2);
        assert_ok(lam_session_new(&session, net, NULL));
        assert_ok(lam_session_predict(session, &again, &x));
        assert_same_bits(&scores, &again);
        /* the loss is of scaled targets */
        const lam_tensor y = make_normal(LAM_F64, 7, 2, 9);
        double loss = NAN, expected = 0;
        for (size_t i = 0; i < 14; i++)
            expected += mse_of(at(&plain, i), (at(&y, i) - shift[i % 2]) / scale[i % 2]) / 14;
        assert_ok(lam_session_forward(&loss, session, &x, &y));
        assert_near(loss, expected, 100 * unit_of(type) * expected);
        lam_session_free(session);
        lam_net_free(net);
    }
}

static void units_are_kept_in_the_model_bit_for_bit(void **state)
{
    (void)state;
    lam_data *data = toy_numbers(50, 20, 3, 2, 100.0 / 3, 50.0 / 7);
    lam_net *net = new_net("affine 5 - tanh - affine 2 - mse", 3, ""), *back = NULL;
    lam_metrics a, b;
    assert_ok(train(net, data, "epochs=2 batch=10 scale-targets=1 preprocess=standardize"));
    assert_ok(lam_net_save(net, in_folder("units")));
    assert_ok(lam_net_load(&back, in_folder("units")));
    assert_int_equal(back->units.count, 2);
    assert_memory_equal(back->units.scale, net->units.scale, 2 * sizeof(double));
    assert_memory_equal(back->units.shift, net->units.shift, 2 * sizeof(double));
    const lam_tensor x = samples_of(data, LAM_VAL), before = predict(net, &x), after = predict(back, &x);
    assert_same_bits(&before, &after);
    assert_ok(lam_eval(&a, net, data, LAM_VAL, NULL));
    assert_ok(lam_eval(&b, back, data, LAM_VAL, NULL));
    assert_true(a.r2 == b.r2 && a.rmse == b.rmse && a.loss == b.loss);

    /* further training keeps them, whatever the data */
    lam_data *other = toy_numbers(50, 0, 3, 2, -1000, 1);
    assert_ok(train(back, other, "epochs=1 scale-targets=1"));
    assert_memory_equal(back->units.shift, net->units.shift, 2 * sizeof(double));

    /* and so does another network that starts with this one */
    char list[FOLDER_PATH];
    lam_net *fresh = new_net("affine 5 - tanh - affine 2 - mse", 3, "seed=5");
    snprintf(list, sizeof list, "epochs=0 start=%.200s", in_folder("units"));
    assert_ok(train(fresh, data, list));
    const lam_tensor started = predict(fresh, &x);
    assert_same_bits(&before, &started);
    lam_data_free(other);
    lam_data_free(data);
    lam_net_free(net);
    lam_net_free(back);
    lam_net_free(fresh);
}

static void units_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const double wrong[] = { 0, -1, NAN, INFINITY };
    lam_net *net = new_net("affine 2 - mse", 3, ""), *back = NULL;
    for (size_t i = 0; i < 8; i++) {
        assert_ok(lami_net_set_units(net, 2));
        (i < 4 ? net->units.scale : net->units.shift)[1] = wrong[i % 4];
        assert_ok(lam_net_save(net, in_folder("wrong")));
        const lam_status status = lam_net_load(&back, in_folder("wrong"));
        assert_int_equal(status, i == 4 || i == 5 ? LAM_OK : LAM_EFORMAT);
        if (status)
            assert_message(i < 4 ? "targets.scale" : "targets.shift");
        lam_net_free(back);
    }
    lam_net_free(net);
    net = new_net("affine 2 - softmax", 3, "");
    assert_ok(lami_net_set_units(net, 2));
    assert_ok(lam_net_save(net, in_folder("wrong")));
    assert_int_equal(lam_net_load(&back, in_folder("wrong")), LAM_EFORMAT);
    assert_message("softmax predicts no numbers");
    lam_net_free(net);
}

static void scaling_is_for_mse_on_numbers_and_leaves_nothing_after_an_error(void **state)
{
    (void)state;
    lam_data *numbers = toy_numbers(20, 0, 4, 2, 0.5, 0), *classes = toy_data(20, 0, 4, 2, 1);
    static const char *const notations[] = { "affine 2 - softmax", "affine 2 - mse", "affine 2 - logistic" };
    for (size_t i = 0; i < 3; i++) {
        lam_net *net = new_net(notations[i], 4, "");
        assert_int_equal(train(net, i == 2 ? numbers : classes, "epochs=1 scale-targets=1"), LAM_EOPTION);
        assert_message("--scale-targets is for mse on data with numbers to predict");
        assert_int_equal(net->units.count, 0);
        lam_net_free(net);
    }
    lam_net *net = new_net("affine 2 - mse", 4, "");
    assert_int_equal(train(net, numbers, "epochs=1 scale-targets=1 save-every=never"), LAM_EOPTION);
    assert_int_equal(net->units.count, 0);
    lam_net_free(net);
    lam_data_free(numbers);
    lam_data_free(classes);
}

static void every_failed_allocation_of_a_training_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b" };
    lam_data *data = toy_numbers(9, 6, 4, 2, 3, 4);
    lam_options *o = toy_options("epochs=2 batch=4 threads=1 scale-targets=1 accumulate=2 clip=1");
    assert_ok(lam_options_set(o, "set", "*.bias lr x2"));
    assert_ok(lami_data_set_targets(data, 2, names));
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lam_net *net = new_net("affine 3 - relu - affine 2 - mse", 4, "");
        lami_alloc_fail_at(n);
        status = lam_train(net, data, o, NULL, NULL);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        lam_net_free(net);
        assert_true(n < 2000);
    }
    /* saving and loading */
    lam_net *net = new_net("affine 2 - mse", 4, "");
    assert_ok(train(net, data, "epochs=1 scale-targets=1"));
    status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lam_net *back = NULL;
        lami_alloc_fail_at(n);
        status = lam_net_save(net, in_folder("memory"));
        if (!status)
            status = lam_net_load(&back, in_folder("memory"));
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        lam_net_free(back);
        assert_true(n < 2000);
    }
    lam_net_free(net);
    lam_options_free(o);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_become_targets),
        TEST(data_with_classes_has_no_targets),
        TEST(target_names_are_copied),
        TEST(arrays_of_numbers_that_do_not_fit_are_errors),
        TEST(every_failed_allocation_of_data_is_reported),
        TEST(gradients_of_networks_of_mse_and_logistic_are_right),
        TEST(labels_are_yes_or_no_for_one_score_and_one_of_k_for_more),
        TEST(numbers_of_either_type_are_targets),
        TEST(answers_that_do_not_fit_the_loss_are_errors),
        TEST(data_must_have_what_the_loss_takes),
        TEST(a_target_that_is_no_yes_or_no_is_named_with_its_sample),
        TEST(a_network_for_data_gets_the_number_of_its_targets),
        TEST(metrics_of_numbers_are_those_of_plain_loops),
        TEST(a_target_that_never_changes_has_r2_one_if_met_and_else_zero),
        TEST(yes_and_no_are_counted_answer_by_answer),
        TEST(yes_or_no_and_one_of_k_are_learnt_with_logistic_and_mse),
        TEST(a_network_with_scaled_targets_learns_a_hundred_and_fifty_x),
        TEST(scores_are_in_the_units_of_the_data_in_either_kind_of_session),
        TEST(units_are_kept_in_the_model_bit_for_bit),
        TEST(units_that_cannot_be_are_refused),
        TEST(scaling_is_for_mse_on_numbers_and_leaves_nothing_after_an_error),
        TEST(every_failed_allocation_of_a_training_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
