/* network: names, shapes, first values and order of parameters; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../src/core/digest.h"
#include "../src/net/net.h"
#include "tensors.h"
#include "toy.h"

static lam_net *new_net(const char *notation, const lam_shape input, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, notation, &input, options));
    lam_options_free(options);
    return net;
}

static lam_tensor get(const lam_net *net, const char *name)
{
    for (size_t i = 0; i < lam_net_param_count(net); i++)
        if (!strcmp(lam_net_param_name(net, i), name)) {
            lam_tensor t = make_tensor(lam_net_dtype(net), *lam_net_param_shape(net, i));
            assert_ok(lam_net_get(net, name, &t));
            return t;
        }
    fail_msg("no parameter %s", name);
    return (lam_tensor) { 0 };
}

/* ---- names, shapes, order ---- */

static void parameters_have_names_and_shapes_in_notation_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        lam_shape shape;
    } expected[] = {
        { "affine1.weight", { 2, { 8, 24 } } },      { "affine1.bias", { 1, { 8 } } },
        { "batchnorm1.gamma", { 1, { 8 } } },        { "batchnorm1.beta", { 1, { 8 } } },
        { "batchnorm1.running_mean", { 1, { 8 } } }, { "batchnorm1.running_var", { 1, { 8 } } },
        { "affine2.weight", { 2, { 6, 8 } } },       { "affine2.bias", { 1, { 6 } } },
        { "affine3.weight", { 2, { 6, 8 } } },       { "affine3.bias", { 1, { 6 } } },
        { "layernorm1.gamma", { 1, { 6 } } },        { "layernorm1.beta", { 1, { 6 } } },
        { "affine4.weight", { 2, { 4, 6 } } },       { "affine4.bias", { 1, { 4 } } },
        { "affine5.weight", { 2, { 4, 4 } } },       { "affine5.bias", { 1, { 4 } } },
    };
    enum { COUNT = sizeof expected / sizeof *expected };
    lam_net *net = new_net(
        "affine 8 - batchnorm - residual {affine 6 - relu | affine 6} - layernorm - {linear 4 - relu} x 2 - svm",
        lami_shape3(2, 3, 4), "");
    assert_int_equal(lam_net_param_count(net), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(lam_net_param_name(net, i), expected[i].name);
        assert_true(lami_shape_equal(lam_net_param_shape(net, i), &expected[i].shape));
    }
    assert_null(lam_net_param_name(net, COUNT));
    assert_null(lam_net_param_shape(net, COUNT));
    lam_net_free(net);
    lam_net_free(NULL);
}

static void a_network_tells_notation_input_classes_and_type(void **state)
{
    (void)state;
    lam_net *net = new_net("linear 8-{relu}-affine 4-svm", lami_shape3(2, 3, 4), "dtype=f64");
    assert_string_equal(lam_net_notation(net), "affine 8 - relu - affine 4 - svm");
    assert_true(lami_shape_equal(lam_net_input(net), &(lam_shape) { 3, { 2, 3, 4 } }));
    assert_int_equal(lam_net_classes(net), 4);
    assert_int_equal(lam_net_dtype(net), LAM_F64);
    lam_net_free(net);
    net = new_net("relu - softmax", lami_shape1(3), "");
    assert_int_equal(lam_net_param_count(net), 0);
    assert_int_equal(lam_net_classes(net), 3);
    assert_int_equal(lam_net_dtype(net), LAM_F32);
    lam_net_free(net);
}

/* Weights (out, in) as PyTorch has them, `in` in C, H, W order like the samples. */
static void an_affine_after_an_image_takes_its_weights_in_channel_row_column_order(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        enum { D = 3 * 4 * 5, M = 7, N = 4 };
        lam_net *net = new_net("affine 7 - softmax", lami_shape3(3, 4, 5), type == LAM_F32 ? "" : "dtype=f64");
        lam_session *session = NULL;
        lam_tensor w = make_normal(type, M, D, 1), b = make_vector(type, M), scores = make_rows(type, N, M);
        const lam_tensor x = make_tensor(type, (lam_shape) { 4, { N, 3, 4, 5 } });
        fill_normal(&x, 2, 0, 1);
        fill_normal(&b, 3, 0, 1);
        assert_ok(lam_net_set(net, "affine1.weight", &w));
        assert_ok(lam_net_set(net, "affine1.bias", &b));
        w = get(net, "affine1.weight");
        assert_ok(lam_session_new_predict(&session, net, NULL));
        assert_ok(lam_session_predict(session, &scores, &x));
        for (size_t n = 0; n < N; n++)
            for (size_t m = 0; m < M; m++) {
                double sum = at(&b, m);
                for (size_t d = 0; d < D; d++)
                    sum += at(&x, n * D + d) * at(&w, m * D + d);
                assert_near(at(&scores, n * M + m), sum, 200 * unit_of(type));
            }
        lam_session_free(session);
        lam_net_free(net);
    }
}

static void what_is_set_is_what_one_gets(void **state)
{
    (void)state;
    lam_net *net = new_net("affine 7 - batchnorm - affine 3 - softmax", lami_shape3(3, 4, 5), "");
    for (size_t i = 0; i < lam_net_param_count(net); i++) {
        const lam_tensor t = make_tensor(LAM_F32, *lam_net_param_shape(net, i));
        fill_normal(&t, (uint32_t)i, 0, 1);
        assert_ok(lam_net_set(net, lam_net_param_name(net, i), &t));
    }
    for (size_t i = 0; i < lam_net_param_count(net); i++) {
        const lam_tensor t = make_tensor(LAM_F32, *lam_net_param_shape(net, i)),
                         got = get(net, lam_net_param_name(net, i));
        fill_normal(&t, (uint32_t)i, 0, 1);
        assert_same_bits(&t, &got);
    }
    lam_net_free(net);
}

/* Each element of a parameter's shape, by its indices in the view. */
static double view_at(const lam_tensor *view, const size_t strides[LAM_MAX_RANK], size_t i)
{
    size_t place = 0;
    for (int k = view->shape.rank - 1; k >= 0; i /= view->shape.dim[k--])
        place += i % view->shape.dim[k] * strides[k];
    return at(view, place);
}

static void a_view_is_the_values_of_the_parameter(void **state)
{
    (void)state;
    static const char text[] = "conv 5 3x2 - batchnorm - conv 4 1x3 - maxpool 2 - affine 7 - relu - affine 3 - softmax";
    EACH_TYPE(type)
    {
        lam_net *net = new_net(text, lami_shape3(3, 6, 7), type == LAM_F32 ? "" : "dtype=f64");
        size_t copied = 0;
        for (size_t i = 0; i < lam_net_param_count(net); i++) {
            const char *name = lam_net_param_name(net, i);
            lam_tensor view = { 0 }, t = make_tensor(type, *lam_net_param_shape(net, i));
            size_t strides[LAM_MAX_RANK];
            const lam_status status = lam_net_view(&view, strides, net, name);
            if (status) {
                assert_int_equal(status, LAM_ESHAPE);
                assert_string_equal(name, "affine1.weight");
                copied++;
                continue;
            }
            fill_normal(&t, (uint32_t)i, 0, 1);
            assert_ok(lam_net_set(net, name, &t));
            assert_int_equal(view.dtype, type);
            assert_true(lami_shape_equal(&view.shape, lam_net_param_shape(net, i)));
            for (size_t e = 0; e < count_of(&t); e++)
                assert_true(view_at(&view, strides, e) == at(&t, e));
            lami_real_put(view.data, type, 0, 8);
            t = get(net, name);
            assert_true(at(&t, 0) == 8);
        }
        assert_int_equal(copied, 1);
        lam_net_free(net);
    }
}

static void only_images_of_several_channels_and_pixels_leave_an_affine_without_strides(void **state)
{
    (void)state;
    const lam_shape inputs[] = { lami_shape3(1, 4, 5), lami_shape3(6, 1, 1), lami_shape1(6) };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        lam_net *net = new_net("affine 7 - softmax", inputs[i], "");
        lam_tensor view;
        size_t strides[LAM_MAX_RANK];
        assert_ok(lam_net_view(&view, strides, net, "affine1.weight"));
        assert_int_equal(lam_net_view(&view, strides, net, "affine2.weight"), LAM_EINVAL);
        assert_int_equal(lam_net_view(NULL, strides, net, "affine1.weight"), LAM_EINVAL);
        lam_net_free(net);
    }
}

static void a_network_tells_its_layers_with_their_outputs(void **state)
{
    (void)state;
    lam_net *net = new_net("conv 5 3 pad 1 - residual {batchnorm - relu} - maxpool 2 - affine 3 - softmax",
                           lami_shape3(3, 6, 8), "");
    static const struct {
        const char *name;
        lam_shape output;
    } expected[] = {
        { "conv1", { 3, { 5, 6, 8 } } },     { "batchnorm1", { 3, { 5, 6, 8 } } }, { "relu1", { 3, { 5, 6, 8 } } },
        { "residual1", { 3, { 5, 6, 8 } } }, { "maxpool1", { 3, { 5, 3, 4 } } },   { "affine1", { 1, { 3 } } },
    };
    char name[64];
    lam_shape output;
    enum { COUNT = sizeof expected / sizeof *expected };
    assert_int_equal(lam_net_layer_count(net), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(lam_net_layer(name, &output, net, i));
        assert_string_equal(name, expected[i].name);
        assert_true(lami_shape_equal(&output, &expected[i].output));
    }
    assert_int_equal(lam_net_layer(name, &output, net, COUNT), LAM_EINVAL);
    lam_net_free(net);
}

static void values_of_the_other_type_are_rounded(void **state)
{
    (void)state;
    lam_net *single = new_net("affine 3 - softmax", lami_shape1(5), ""),
            *twice = new_net("affine 3 - softmax", lami_shape1(5), "dtype=f64");
    const lam_tensor w = make_normal(LAM_F64, 3, 5, 1), narrow = make_normal(LAM_F32, 3, 5, 1);
    lam_tensor got = make_rows(LAM_F64, 3, 5), got32 = make_rows(LAM_F32, 3, 5);
    assert_ok(lam_net_set(single, "affine1.weight", &w));
    assert_ok(lam_net_get(single, "affine1.weight", &got));
    for (size_t i = 0; i < 15; i++)
        assert_true(at(&got, i) == (double)(float)at(&w, i));
    assert_ok(lam_net_set(twice, "affine1.weight", &w));
    assert_ok(lam_net_get(twice, "affine1.weight", &got32));
    assert_same_bits(&got32, &narrow);
    lam_net_free(single);
    lam_net_free(twice);
}

static void the_digest_is_that_of_the_parameters_in_file_order(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        lam_net *net = new_net("affine 7 - batchnorm - affine 3 - softmax", lami_shape3(3, 4, 5),
                               type == LAM_F32 ? "" : "dtype=f64");
        lami_digest digest;
        char expected[65], sha[65];
        lami_digest_start(&digest);
        for (size_t i = 0; i < lam_net_param_count(net); i++) {
            const lam_tensor t = get(net, lam_net_param_name(net, i));
            lami_digest_add(&digest, t.data, count_of(&t) * lami_dtype_size(type));
        }
        lami_digest_end(&digest, expected);
        assert_ok(lam_net_sha256(net, sha));
        assert_string_equal(sha, expected);
        lam_net_free(net);
    }
}

/* ---- first values ---- */

static double deviation_of(const lam_tensor *t)
{
    double mean = 0, var = 0;
    const double n = (double)count_of(t);
    for (size_t i = 0; i < count_of(t); i++)
        mean += at(t, i) / n;
    for (size_t i = 0; i < count_of(t); i++)
        var += (at(t, i) - mean) * (at(t, i) - mean) / n;
    assert_near(mean, 0, 5 * sqrt(var / n));
    return sqrt(var);
}

/* Deviation of a weight over the root of 1 / inputs. */
static double gain_of(const lam_net *net, const char *name)
{
    const lam_tensor w = get(net, name);
    return deviation_of(&w) * sqrt((double)w.shape.dim[1]);
}

static void weights_are_kaiming_by_default_with_the_gain_of_the_relu_that_follows(void **state)
{
    (void)state;
    lam_net *net =
        new_net("affine 200 - relu - affine 150 - batchnorm - dropout 0.5 - relu - affine 160 - affine 170 - softmax",
                lami_shape3(3, 10, 10), "");
    assert_near(gain_of(net, "affine1.weight"), sqrt(2), 0.03);
    assert_near(gain_of(net, "affine2.weight"), sqrt(2), 0.03);
    assert_near(gain_of(net, "affine3.weight"), 1, 0.03);
    assert_near(gain_of(net, "affine4.weight"), 1, 0.03);
    lam_net_free(net);
    net = new_net("affine 150 - residual {affine 150 - relu | affine 150} - relu - affine 10 - softmax",
                  lami_shape1(300), "init=kaiming init-scale=5");
    assert_near(gain_of(net, "affine2.weight"), sqrt(2), 0.03);
    assert_near(gain_of(net, "affine3.weight"), sqrt(2), 0.03); /* through the sum */
    lam_net_free(net);
}

/* Of what follows: that of calculate_gain where PyTorch has one, else 1 / E[y^2] for a normal input. */
static void each_activation_has_its_gain(void **state)
{
    (void)state;
    static const struct {
        const char *layer;
        double gain;
    } expected[] = { { "relu", 2 },
                     { "leakyrelu", 2 / 1.0001 },
                     { "leakyrelu 0.5", 1.6 },
                     { "elu", 1 / 0.64494541749292 },
                     { "elu 0.3", 1 / (0.5 + 0.09 * 0.14494541749292) },
                     { "gelu", 2.35171561407337 },
                     { "gelu tanh", 2.35171561407337 },
                     { "silu", 2.81076112407447 },
                     { "sigmoid", 1 },
                     { "tanh", 25.0 / 9 } };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char notation[100];
        snprintf(notation, sizeof notation, "affine 9 - batchnorm - %s - affine 5 - softmax", expected[i].layer);
        lam_net *net = new_net(notation, lami_shape1(7), "");
        assert_near(net->node[0].gain, expected[i].gain, 1e-12);
        assert_near(net->node[net->nodes - 1].gain, 1, 0);
        lam_net_free(net);
    }
}

static void a_scale_makes_weights_normal_with_that_deviation(void **state)
{
    (void)state;
    static const char *const lists[] = { "init-scale=0.05", "init=normal init-scale=0.05 dtype=f64", "init=normal" };
    static const double scales[] = { 0.05, 0.05, 0.01 };
    for (size_t i = 0; i < 3; i++) {
        lam_net *net = new_net("affine 200 - relu - affine 100 - softmax", lami_shape1(300), lists[i]);
        const lam_tensor a = get(net, "affine1.weight"), b = get(net, "affine2.weight");
        assert_near(deviation_of(&a), scales[i], 0.02 * scales[i]);
        assert_near(deviation_of(&b), scales[i], 0.02 * scales[i]);
        lam_net_free(net);
    }
    lam_net *net = new_net("affine 4 - softmax", lami_shape1(300), "init-scale=0");
    const lam_tensor w = get(net, "affine1.weight");
    assert_true(largest_of(&w) == 0);
    lam_net_free(net);
}

static void other_parameters_begin_as_zeros_and_ones(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value;
    } expected[] = { { "affine1.bias", 0 },     { "batchnorm1.gamma", 1 },        { "batchnorm1.beta", 0 },
                     { "layernorm1.gamma", 1 }, { "batchnorm1.running_mean", 0 }, { "batchnorm1.running_var", 1 },
                     { "layernorm1.beta", 0 } };
    lam_net *net = new_net("affine 9 - batchnorm - layernorm - softmax", lami_shape1(3), "init-scale=3 seed=4");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const lam_tensor t = get(net, expected[i].name);
        for (size_t k = 0; k < count_of(&t); k++)
            assert_true(at(&t, k) == expected[i].value);
    }
    lam_net_free(net);
}

static void first_weights_depend_on_the_seed_and_the_place_alone(void **state)
{
    (void)state;
    static const char *const lists[] = { "seed=1", "seed=1", "seed=2", "seed=1 dtype=f64" };
    static const char notation[] = "affine 60 - relu - affine 60 - softmax";
    lam_tensor w[4][2];
    for (size_t i = 0; i < 4; i++) {
        lam_net *net = new_net(notation, i == 1 ? lami_shape3(3, 4, 5) : lami_shape1(60), lists[i]);
        w[i][0] = get(net, "affine1.weight");
        w[i][1] = get(net, "affine2.weight");
        lam_net_free(net);
    }
    assert_same_bits(&w[0][0], &w[1][0]); /* an image is its row */
    assert_same_bits(&w[0][1], &w[1][1]);
    for (size_t i = 0; i < 3600; i++)
        assert_true(at(&w[0][0], i) == (double)(float)at(&w[3][0], i)); /* drawn in double and rounded */
    assert_memory_not_equal(w[0][0].data, w[2][0].data, 3600 * sizeof(float));
    double dot = 0, size = 0;
    for (size_t i = 0; i < 3600; i++) {
        dot += at(&w[0][0], i) * at(&w[0][1], i);
        size += at(&w[0][0], i) * at(&w[0][0], i);
    }
    assert_true(fabs(dot) < 0.1 * size); /* layers are not copies of each other */
}

/* ---- the number of classes ---- */

static void the_size_of_the_last_affine_may_be_the_number_of_classes(void **state)
{
    (void)state;
    lam_net *net = new_net("affine 9 - relu - affine - softmax", lami_shape1(4), "classes=6");
    assert_int_equal(lam_net_classes(net), 6);
    assert_true(lami_shape_equal(lam_net_param_shape(net, 2), &(lam_shape) { 2, { 6, 9 } }));
    assert_string_equal(lam_net_notation(net), "affine 9 - relu - affine 6 - softmax");
    lam_net_free(net);
    assert_ok(lami_net_make(&net, "affine - softmax", &(lam_shape) { 1, { 4 } }, 3, NULL));
    assert_int_equal(lam_net_classes(net), 3);
    lam_net_free(net);
    net = new_net("affine 9 - softmax", lami_shape1(4), "classes=6"); /* only where it is left out */
    assert_int_equal(lam_net_classes(net), 9);
    lam_net_free(net);
}

/* ---- mistakes ---- */

static void assert_refused(const char *notation, const lam_shape input, lam_status expected, const char *words)
{
    lam_net *net = (lam_net *)1;
    const lam_status status = lam_net_new(&net, notation, &input, NULL);
    if (status != expected || net || !strstr(lam_last_error(), words))
        fail_msg("%s: %s: \"%s\"", notation, lam_status_text(status), lam_last_error());
}

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    const lam_shape row = lami_shape1(7), image = lami_shape3(3, 4, 5);
    assert_refused("affine 5 - - softmax", row, LAM_ENOTATION, "line 1, column 12");
    assert_refused("affine 5", row, LAM_ENOTATION, "line 1, column 9");
    assert_refused("affine - relu - affine 3 - softmax", row, LAM_ESHAPE, "line 1, column 1");
    assert_refused("affine 5 - relu - affine - softmax", row, LAM_ESHAPE, "line 1, column 19");
    assert_refused("relu - layernorm - softmax", image, LAM_ESHAPE, "the network ends with an image");
}

static void blocks_whose_ends_differ_are_told_with_sizes_and_place(void **state)
{
    (void)state;
    const lam_shape row = lami_shape1(7), image = lami_shape3(3, 4, 5);
    assert_refused("affine 8 -\n  residual {affine 5} - softmax", row, LAM_ESHAPE,
                   "residual: the chain gives 5 of 8; '| affine 5' makes a shortcut that fits: line 2, column 3");
    assert_refused("residual {affine 5 | relu} - softmax", row, LAM_ESHAPE,
                   "residual: the chain gives 5, its shortcut 7: line 1, column 1");
    assert_refused("relu - residual {affine 5} - softmax", image, LAM_ESHAPE,
                   "residual: the chain gives 5 of 3x4x5; '| affine 5' makes a shortcut that fits: line 1, column 8");
    assert_refused("{affine 5 - residual {relu - {affine 5 - affine 6} x 2}} x 3 - softmax", row, LAM_ESHAPE,
                   "line 1, column 13");
}

static void an_input_that_is_no_sample_is_refused(void **state)
{
    (void)state;
    static const char notation[] = "affine 5 - softmax";
    assert_refused(notation, lami_shape2(3, 4), LAM_ESHAPE, "input 3x4: a sample is D or C x H x W");
    assert_refused(notation, (lam_shape) { 0 }, LAM_ESHAPE, "input");
    assert_refused(notation, (lam_shape) { -3, { 0 } }, LAM_ESHAPE, "input");
    assert_refused(notation, (lam_shape) { 9, { 1 } }, LAM_ESHAPE, "input");
    assert_refused(notation, lami_shape3(3, 0, 4), LAM_ESHAPE, "input");
    assert_refused(notation, lami_shape3(SIZE_MAX / 2, 3, 4), LAM_ESHAPE, "input");
}

static void parameters_larger_than_memory_are_refused(void **state)
{
    (void)state;
    assert_refused("affine 16777216 - affine 16777216 - softmax", lami_shape1(7), LAM_ENOMEM, "out of memory");
    assert_refused("affine 16777216 - softmax", lami_shape1(SIZE_MAX / 32), LAM_ENOMEM, "");
    assert_refused("{affine 1000000 - affine 9000000} x 900 - softmax", lami_shape1(7), LAM_ENOMEM, "");
}

static void bad_names_shapes_and_types_of_parameters_are_refused(void **state)
{
    (void)state;
    lam_net *net = new_net("affine 3 - softmax", lami_shape1(5), "");
    char before[65], after[65];
    assert_ok(lam_net_sha256(net, before));
    lam_tensor w = make_rows(LAM_F32, 3, 5), turned = make_rows(LAM_F32, 5, 3), flat = make_vector(LAM_F32, 15);
    lam_tensor bytes = make_rows(LAM_U8, 3, 5), none = { LAM_F32, { 2, { 3, 5 } }, NULL };
    lam_tensor *const bad[] = { &turned, &flat };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lam_net_set(net, "affine1.weight", bad[i]), LAM_ESHAPE);
        assert_non_null(strstr(lam_last_error(), "affine1.weight is 3x5, not"));
        assert_int_equal(lam_net_get(net, "affine1.weight", bad[i]), LAM_ESHAPE);
    }
    static const char *const names[] = { "affine2.weight", "affine1", "", "weight", "affine1.weight " };
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(lam_net_set(net, names[i], &w), LAM_EINVAL);
        assert_int_equal(lam_net_get(net, names[i], &w), LAM_EINVAL);
        assert_non_null(strstr(lam_last_error(), "no such parameter"));
    }
    assert_int_equal(lam_net_set(net, "affine1.weight", &bytes), LAM_EINVAL);
    assert_int_equal(lam_net_get(net, "affine1.weight", &bytes), LAM_EINVAL);
    assert_int_equal(lam_net_set(net, "affine1.weight", &none), LAM_EINVAL);
    assert_int_equal(lam_net_get(net, "affine1.weight", NULL), LAM_EINVAL);
    assert_int_equal(lam_net_set(net, NULL, &w), LAM_EINVAL);
    assert_ok(lam_net_sha256(net, after));
    assert_string_equal(before, after);
    lam_net_free(net);
    const lam_shape input = lami_shape1(5);
    assert_int_equal(lam_net_new(&net, NULL, &input, NULL), LAM_EINVAL);
    assert_int_equal(lam_net_new(&net, "affine 3 - softmax", NULL, NULL), LAM_EINVAL);
    assert_int_equal(lam_net_new(NULL, "affine 3 - softmax", &input, NULL), LAM_EINVAL);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    const lam_shape input = lami_shape3(2, 3, 4);
    lam_net *net = NULL;
    lam_status status = LAM_ENOMEM;
    long n = 1;
    for (; status; n++) {
        net = (lam_net *)1;
        lami_alloc_fail_at(n);
        status =
            lam_net_new(&net, "affine 8 - {residual {affine 8 - dropout 0.5 | affine 8} - relu} x 20 - affine 4 - svm",
                        &input, NULL);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || (status == LAM_ENOMEM && !net && strstr(lam_last_error(), "out of memory")));
    }
    assert_true(n > 10);
    char sha[65];
    lami_alloc_fail_at(1);
    assert_int_equal(lam_net_sha256(net, sha), LAM_ENOMEM);
    lami_alloc_fail_at(0);
    lam_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parameters_have_names_and_shapes_in_notation_order),
        TEST(a_network_tells_notation_input_classes_and_type),
        TEST(an_affine_after_an_image_takes_its_weights_in_channel_row_column_order),
        TEST(what_is_set_is_what_one_gets),
        TEST(a_view_is_the_values_of_the_parameter),
        TEST(only_images_of_several_channels_and_pixels_leave_an_affine_without_strides),
        TEST(a_network_tells_its_layers_with_their_outputs),
        TEST(values_of_the_other_type_are_rounded),
        TEST(the_digest_is_that_of_the_parameters_in_file_order),
        TEST(weights_are_kaiming_by_default_with_the_gain_of_the_relu_that_follows),
        TEST(each_activation_has_its_gain),
        TEST(a_scale_makes_weights_normal_with_that_deviation),
        TEST(other_parameters_begin_as_zeros_and_ones),
        TEST(first_weights_depend_on_the_seed_and_the_place_alone),
        TEST(the_size_of_the_last_affine_may_be_the_number_of_classes),
        TEST(mistakes_are_told_with_their_place),
        TEST(blocks_whose_ends_differ_are_told_with_sizes_and_place),
        TEST(an_input_that_is_no_sample_is_refused),
        TEST(parameters_larger_than_memory_are_refused),
        TEST(bad_names_shapes_and_types_of_parameters_are_refused),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
