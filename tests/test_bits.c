/* bits: the promise: the same bits for any number of threads, on each instruction set, merged and unmerged, whatever
 * state the caller's floating-point unit is in. The tables of layers, losses and update rules are walked: a new row
 * is covered, or fails. LAMINA_LONG in the environment makes debug builds take as many steps as release builds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fenv.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../src/net/session.h"
#include "../src/optim/optim.h"
#include "../src/train/solver.h"
#include "tensors.h"
#include "toy.h"

#ifdef NDEBUG
enum { LONG_STEPS = 200, SMALL_STEPS = 20 };
#else
enum { LONG_STEPS = 6, SMALL_STEPS = 4 };
#endif

static size_t long_steps(void)
{
    return getenv("LAMINA_LONG") ? 200 : LONG_STEPS;
}

/* ---- training on numbers made up ---- */

typedef struct {
    const char *notation;
    lam_shape input;
    size_t batch, steps;
    const char *options, *rules; /* rules: of --set, or NULL */
    int numbers, weights;        /* the answers are numbers; samples have weights */
    const char *augment;         /* images; NULL: a session's batches as they are */
} task;

/* The answers to a sample, of a network that is trained on numbers: between 0 and 1. */
static double number_of(size_t sample, size_t k)
{
    return (double)((sample * 29 + k * 17) % 31) / 30;
}

/* The digest of the weights after the steps of a task, with more options. */
static void train(char sha[65], const task *t, const char *more)
{
    char list[256];
    lam_net *net = NULL;
    lam_session *session = NULL;
    snprintf(list, sizeof list, "batch=%zu %s %s", t->batch, t->options, more);
    lam_options *options = toy_options(list);
    if (t->rules)
        assert_ok(lam_options_set(options, "set", t->rules));
    assert_ok(lam_net_new(&net, t->notation, &t->input, options));
    assert_ok(lami_session_make(&session, net, options, LAMI_SESSION_TRAIN));
    const size_t size = lam_shape_count(&t->input), samples = 3 * t->batch;
    uint8_t *x = lami_alloc(samples, size);
    const void **row = lami_alloc(t->batch, sizeof *row);
    int32_t *label = lami_alloc(t->batch, sizeof *label);
    double *target = lami_alloc(t->batch * net->classes, sizeof *target);
    const double **targets = lami_alloc(t->batch, sizeof *targets);
    double *weight = lami_alloc(t->batch, sizeof *weight);
    assert_true(x && row && label && target && targets && weight);
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 9, 0);
    for (size_t i = 0; i < samples * size; i++)
        x[i] = (uint8_t)((i % size * 37 + i / size % net->classes * 53 + lami_rng_below(&rng, i, 64)) % 256);
    double scale[4096], shift[4096] = { 0 };
    for (size_t i = 0; i < size; i++)
        scale[i] = 1.0 / 255;
    assert_ok(lami_net_set_prep(net, &(lami_prep) {
                                         .count = size, .shift = shift, .scale = scale, .text = (char *)"scale" }));
    double loss = 0;
    for (size_t step = 0; step < t->steps; step++) {
        for (size_t i = 0; i < t->batch; i++) {
            const size_t sample = (step * t->batch + i) % samples;
            row[i] = x + sample * size;
            label[i] = (int32_t)(sample % net->classes);
            targets[i] = target + i * net->classes;
            for (size_t k = 0; k < net->classes; k++)
                target[i * net->classes + k] = number_of(sample, k);
            weight[i] = 0.1 + (double)(sample % 7);
        }
        const size_t n = step % 5 == 4 ? t->batch - t->batch / 3 : t->batch;
        assert_ok(lami_session_load(session, &(lami_batch) { .x = row,
                                                             .type = LAM_U8,
                                                             .n = n,
                                                             .label = t->numbers ? NULL : label,
                                                             .target = t->numbers ? targets : NULL,
                                                             .weight = t->weights ? weight : NULL }));
        assert_ok(lami_session_train(&loss, session));
    }
    assert_ok(lam_net_sha256(net, sha));
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    lami_free(x);
    lami_free(row);
    lami_free(label);
    lami_free(target);
    lami_free(targets);
    lami_free(weight);
}

/* The same of a task with an augmentation: a training of the solver, whose thread makes the batches. */
static void train_augmented(char sha[65], const task *t, const char *more)
{
    enum { SAMPLES = 41 };
    char list[256];
    lam_data *data = NULL;
    lam_net *net = NULL;
    lami_solver *solver = NULL;
    lami_result result;
    const size_t size = lam_shape_count(&t->input), classes = 5;
    const lam_tensor x =
        make_tensor(LAM_U8, (lam_shape) { 4, { SAMPLES, t->input.dim[0], t->input.dim[1], t->input.dim[2] } });
    const lam_tensor y = make_tensor(LAM_U8, lami_shape1(SAMPLES));
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 10, 0);
    for (size_t i = 0; i < SAMPLES * size; i++)
        ((uint8_t *)x.data)[i] = (uint8_t)lami_rng_below(&rng, i, 256);
    for (size_t i = 0; i < SAMPLES; i++)
        ((uint8_t *)y.data)[i] = (uint8_t)(i % classes);
    snprintf(list, sizeof list, "batch=%zu steps=%zu %s %s", t->batch, t->steps, t->options, more);
    lam_options *options = toy_options(list);
    assert_ok(lam_options_set(options, "augment", t->augment));
    assert_ok(lam_data_from_arrays(&data, &x, &y, classes, 0));
    assert_ok(lam_net_new(&net, t->notation, &t->input, options));
    assert_ok(lami_solver_new(&solver, net, data, options));
    assert_ok(lami_solver_run(&result, solver, NULL, NULL));
    strcpy(sha, result.weights_sha256);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void assert_same_run(const task *t, const char *expected, const char *more)
{
    char sha[65];
    (t->augment ? train_augmented : train)(sha, t, more);
    if (strcmp(sha, expected))
        fail_msg("%s, %s, %zu steps: other bits with %s", t->notation, t->options, t->steps, more);
}

/* Equal for each set that this machine has, 1, 2 and 7 threads, merged and unmerged. A `long_one` is left out in the
 * plain set, and unmerged but for two threads. */
static void assert_same_everywhere(const task *t, int long_one)
{
    static const int threads[] = { 1, 2, 7 };
    const char *set;
    char first[65], more[64];
    int usable;
    (t->augment ? train_augmented : train)(first, t, "threads=1 no-merge=1");
    for (size_t i = 0; (set = lami_set_name(i, &usable)); i++) {
        if (!usable || (long_one && !strcmp(set, "plain")))
            continue;
        for (size_t k = 0; k < 3; k++)
            for (int unmerged = 0; unmerged < (long_one && threads[k] != 2 ? 1 : 2); unmerged++) {
                snprintf(more, sizeof more, "threads=%d isa=%s no-merge=%d", threads[k], set, unmerged);
                assert_same_run(t, first, more);
            }
    }
}

/* ---- every row of the tables ---- */

/* A network round each layer: odd sizes, the layer twice, with something to train before and after it. */
static const struct {
    const char *layer, *notation;
} snippets[] = {
    { "affine", "affine 37 - affine 13 - affine 5 - softmax" },
    { "relu", "affine 29 - relu - affine 11 - relu - affine 5 - softmax" },
    { "leakyrelu", "affine 29 - leakyrelu - affine 11 - leakyrelu 0.3 - affine 5 - softmax" },
    { "elu", "affine 29 - elu - affine 11 - elu 0.3 - affine 5 - softmax" },
    { "gelu", "affine 29 - gelu - affine 11 - gelu tanh - affine 5 - softmax" },
    { "silu", "affine 29 - silu - affine 11 - silu - affine 5 - softmax" },
    { "sigmoid", "affine 29 - sigmoid - affine 11 - sigmoid - affine 5 - softmax" },
    { "tanh", "affine 29 - tanh - affine 11 - tanh - affine 5 - softmax" },
    { "batchnorm", "affine 31 - batchnorm - affine 9 - batchnorm - affine 5 - softmax" },
    { "layernorm", "affine 31 - layernorm - affine 19 - layernorm - affine 5 - softmax" },
    { "dropout", "affine 40 - dropout 0.3 - affine 17 - dropout 0.5 - affine 5 - softmax" },
    { "residual",
      "affine 21 - residual {affine 33 - relu - affine 21} - residual {affine 7 | affine 7} - affine 5 - softmax" },
    { "conv", "conv 20 3x3 - relu - conv 36 3x3 pad 2 stride 1 - affine 5 - softmax" },
    { "maxpool",
      "conv 6 3x2 stride 2 - maxpool 2x2 stride 1 - maxpool 3x2 stride 1 pad 1 ties split - affine 5 - softmax" },
    { "avgpool", "conv 9 4x4 stride 1x2 pad valid nobias - avgpool 2x1 - avgpool global - softmax" },
    { "groupnorm", "conv 6 3x3 - groupnorm 3 - conv 18 5x5 pad 3 stride 3 - groupnorm 2 - affine 5 - softmax" },
    { "flatten", "conv 5 1x1 stride 2 - flatten - relu - flatten - affine 5 - softmax" },
};

/* Layers that take images are tried on images. */
static int takes_images(const char *notation)
{
    return strstr(notation, "conv") != NULL;
}

static const char *snippet_for(const char *layer)
{
    for (size_t i = 0; i < sizeof snippets / sizeof *snippets; i++)
        if (!strcmp(snippets[i].layer, layer))
            return snippets[i].notation;
    fail_msg("layer %s has no snippet in this test: add one", layer);
    return NULL;
}

static void assert_contains(const char *notation, const lam_shape input, const lami_layer *layer)
{
    lam_net *net = NULL;
    assert_ok(lam_net_new(&net, notation, &input, NULL));
    int found = 0;
    for (size_t i = 0; i < net->nodes; i++)
        found += net->node[i].layer == layer;
    lam_net_free(net);
    assert_int_equal(found, 2 + (layer == &lami_affine));
}

static void each_layer_in_each_type(void **state)
{
    (void)state;
    static const char *const types[] = { "dtype=f32 l2=0.01", "dtype=f64" };
    for (size_t i = 0; lami_layers[i]; i++)
        for (size_t k = 0; k < 2; k++) {
            task t = { snippet_for(lami_layers[i]->name), { 1, { 23 } }, 27, SMALL_STEPS, .options = types[k] };
            if (takes_images(t.notation))
                t.input = (lam_shape) { 3, { 3, 9, 7 } };
            if (lami_layers[i] != &lami_affine)
                assert_contains(t.notation, t.input, lami_layers[i]);
            assert_same_everywhere(&t, 0);
        }
}

static void each_loss_in_each_type(void **state)
{
    (void)state;
    static const char *const types[] = { "dtype=f32", "dtype=f64" };
    for (size_t i = 0; lami_losses[i]; i++)
        for (size_t k = 0; k < 2; k++) {
            char notation[64];
            snprintf(notation, sizeof notation, "affine 19 - relu - affine 7 - %s", lami_losses[i]->name);
            const task t = { notation, { 3, { 2, 3, 5 } }, 13, SMALL_STEPS, .options = types[k] };
            assert_same_everywhere(&t, 0);
        }
}

static void each_loss_on_numbers_in_each_type(void **state)
{
    (void)state;
    for (size_t i = 0; lami_losses[i]; i++)
        for (size_t k = 0; lami_losses[i]->reals && k < 2; k++) {
            char notation[64], on_labels[65], on_numbers[65];
            snprintf(notation, sizeof notation, "affine 19 - relu - affine 7 - %s", lami_losses[i]->name);
            const task t = { .notation = notation,
                             .input = { 3, { 2, 3, 5 } },
                             .batch = 13,
                             .steps = SMALL_STEPS,
                             .options = k ? "dtype=f64" : "dtype=f32",
                             .numbers = 1 };
            task labels = t;
            assert_same_everywhere(&t, 0);
            labels.numbers = 0;
            train(on_labels, &labels, "");
            train(on_numbers, &t, "");
            assert_string_not_equal(on_labels, on_numbers);
        }
}

/* Options, rules of --set, weights. Each changes the bits, equally everywhere. */
static const struct {
    const char *options, *rules;
    int weights;
} settings[] = {
    { "clip=0.01", NULL, 0 },
    { "clip=1e9", NULL, 0 }, /* not reached: the bits of none, see below */
    { "accumulate=2", NULL, 0 },
    { "accumulate=3 clip=0.02 l2=0.01", NULL, 0 },
    { "label-smoothing=0.2", NULL, 0 },
    { "weight-decay=0.3", NULL, 0 },
    { "optim=sgd weight-decay=0.3 accumulate=2", NULL, 0 },
    { "optim=adamw clip=0.01", NULL, 0 },
    { "optim=muon l2=0.01", "*.weight norm 1", 0 },
    { "clip=0.01", "affine1.weight steps 4; *.bias steps 7", 0 },
    { "optim=nesterov accumulate=2", "affine1.weight optim muon; *.bias optim adam", 0 },
    { "init=xavier", NULL, 0 },
    { "", "batchnorm*.beta lr x64", 0 },
    { "l2=0.01 clip=0.02", "affine1.weight l2 x3; *.bias l2 0.02; *.bias weight-decay 0.5; affine2.* lr 0", 0 },
    { "accumulate=2", "affine1.* lr x0", 0 },
    { "", NULL, 1 },
    { "accumulate=2 clip=0.01 label-smoothing=0.1", "*.weight lr x2", 1 },
};

static void each_setting_of_the_training_in_each_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        for (size_t k = 0; k < 2; k++) {
            char list[128], with[65], without[65];
            snprintf(list, sizeof list, "lr=0.003 dtype=%s %s", k ? "f64" : "f32", settings[i].options);
            const task t = { .notation = "affine 19 - batchnorm - relu - dropout 0.2 - affine 7 - softmax",
                             .input = { 1, { 17 } },
                             .batch = 25,
                             .steps = 2 * SMALL_STEPS,
                             .options = list,
                             .rules = settings[i].rules,
                             .weights = settings[i].weights };
            assert_same_everywhere(&t, 0);
            task plain = t;
            plain.options = k ? "lr=0.003 dtype=f64" : "lr=0.003 dtype=f32";
            plain.rules = NULL;
            plain.weights = 0;
            train(with, &t, "");
            train(without, &plain, "");
            assert_int_equal(!strcmp(with, without), !strcmp(settings[i].options, "clip=1e9"));
        }
}

/* On a machine with vdpbf16ps this compares the instruction with its emulation, too. */
static void products_of_bf16(void **state)
{
    (void)state;
    static const char *const networks[] = {
        "affine 31 - batchnorm - relu - residual {affine 31} - affine 5 - softmax",
        "conv 6 3x3 stride 2 - relu - conv 17 2x3 pad valid - batchnorm - affine 5 - softmax",
    };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char bf16[65], full[65];
        task t = { .notation = networks[i],
                   .input = { 3, { 3, 9, 7 } },
                   .batch = 27,
                   .steps = SMALL_STEPS,
                   .options = "precision=bf16 l2=0.01" };
        assert_same_everywhere(&t, 0);
        train(bf16, &t, "");
        t.options = "l2=0.01";
        train(full, &t, "");
        assert_string_not_equal(bf16, full);
    }
}

static void weights_with_each_loss(void **state)
{
    (void)state;
    for (size_t i = 0; lami_losses[i]; i++) {
        char notation[64];
        snprintf(notation, sizeof notation, "affine 19 - gelu - affine 7 - %s", lami_losses[i]->name);
        const task t = { .notation = notation,
                         .input = { 3, { 2, 3, 5 } },
                         .batch = 13,
                         .steps = SMALL_STEPS,
                         .options = "clip=0.05",
                         .numbers = lami_losses[i]->reals,
                         .weights = 1 };
        assert_same_everywhere(&t, 0);
    }
}

static void each_update_rule_in_each_type(void **state)
{
    (void)state;
    for (size_t i = 0; lami_optims[i]; i++)
        for (size_t k = 0; k < 2; k++) {
            char list[64];
            snprintf(list, sizeof list, "optim=%s lr=0.003 l2=0.01 dtype=%s", lami_optims[i]->name, k ? "f64" : "f32");
            const task t = {
                "affine 19 - batchnorm - relu - affine 7 - softmax", { 1, { 17 } }, 25, SMALL_STEPS, .options = list
            };
            assert_same_everywhere(&t, 0);
        }
}

static void each_augmentation_in_each_type(void **state)
{
    (void)state;
    static const char *const lists[] = { "flip,translate=2,cutout=3,brightness=0.2", "mixup=0.4",
                                         "flip=alternate,crop=3,contrast=0.5,mixup=1" };
    char sha[8][65];
    for (size_t i = 0; i < 8; i++) {
        const task t = { .notation = "conv 6 3x3 - batchnorm - relu - affine 5 - softmax",
                         .input = { 3, { 3, 9, 7 } },
                         .batch = 13,
                         .steps = SMALL_STEPS,
                         .options = i % 2 ? "lr=0.003 dtype=f64" : "lr=0.003 dtype=f32 accumulate=2",
                         .augment = i < 6 ? lists[i / 2] : "" };
        if (i < 6)
            assert_same_everywhere(&t, 0);
        train_augmented(sha[i], &t, "");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(sha[i], sha[k]);
    }
}

/* ---- the networks of the courses' size ---- */

static const char deep_relu[] = "{affine 100 - relu} x 4 - affine 10 - softmax";
static const char deep_norm[] = "{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax";

static void a_network_of_five_layers_on_3072_inputs(void **state)
{
    (void)state;
    const task t = { deep_relu, { 3, { 3, 32, 32 } }, 100, long_steps(), .options = "optim=adam" };
    assert_same_everywhere(&t, 1);
}

static void the_same_with_batch_normalisation_and_dropout(void **state)
{
    (void)state;
    const task t = { deep_norm, { 3, { 3, 32, 32 } }, 100, long_steps(), .options = "optim=adam" };
    assert_same_everywhere(&t, 1);
}

static void their_first_steps_in_the_plain_build(void **state)
{
    (void)state;
    const char *const notations[] = { deep_relu, deep_norm };
    for (size_t i = 0; i < 2; i++) {
        char sha[65];
        const task t = { notations[i], { 3, { 3, 32, 32 } }, 100, 3, .options = "optim=adam" };
        train(sha, &t, "threads=2");
        assert_same_run(&t, sha, "threads=2 isa=plain");
    }
}

/* ---- the bits themselves ---- */

/* Of numerics version 2. When one changes, the results of users change: then either that was not meant, or it comes
 * with another LAM_NUMERICS_VERSION. */
static void the_bits_of_this_version_of_the_numerics(void **state)
{
    (void)state;
    static const struct {
        task t;
        const char *sha;
    } golden[] = {
        { { "affine 23 - batchnorm - relu - dropout 0.3 - residual {affine 23 - layernorm - relu} - affine 5 - softmax",
            { 3, { 2, 3, 5 } },
            27,
            20,
            .options = "dtype=f32 optim=adam l2=0.01" },
          "d1eb50d4f811585a137c3fdcfcfd3c8ff2d47aef65beca18f42c29fedca1ac52" },
        { { "affine 23 - batchnorm - relu - dropout 0.3 - residual {affine 23 - layernorm - relu} - affine 5 - softmax",
            { 3, { 2, 3, 5 } },
            27,
            20,
            .options = "dtype=f64 optim=adam l2=0.01" },
          "b318c6636dd6b0703ca34c9218d4f9d49b5fc09848037899e562276403e4a222" },
        { { "affine 130 - relu - residual {affine 31 | affine 31} - affine 5 - svm",
            { 1, { 700 } },
            61,
            20,
            .options = "dtype=f32 optim=nesterov lr=1e-4 init=normal" },
          "1afd92a20b7526fc9da129e7ee0f8f94e70a8dbf81f6fe553b28b79ad0cf3fad" },
        { { "affine 130 - relu - residual {affine 31 | affine 31} - affine 5 - svm",
            { 1, { 700 } },
            61,
            20,
            .options = "dtype=f64 optim=rmsprop lr=1e-4" },
          "6c45e73235fdaf115555da92b842731ee3b6b234cebdf72ce145d7f31bfb41e5" },
        { { .notation = "affine 23 - batchnorm - relu - dropout 0.3 - affine 7 - softmax",
            .input = { 1, { 31 } },
            .batch = 27,
            .steps = 21,
            .options = "dtype=f32 optim=adamw accumulate=3 clip=0.02 label-smoothing=0.1 l2=0.01",
            .rules = "*.beta lr x4; affine2.bias weight-decay 0.5",
            .weights = 1 },
          "55ecc01b03143f281f485e4d9c3a4710bf646a23a439a7b1b1e5f0070cfad478" },
        { { .notation = "affine 23 - relu - affine 7 - mse",
            .input = { 1, { 31 } },
            .batch = 27,
            .steps = 20,
            .options = "dtype=f32 optim=momentum weight-decay=0.1 clip=0.05",
            .numbers = 1 },
          "882ee77ad7453f8ea6bd54fd40c9c729e17f136bf4e2298ee4ad6f60c1bba4f0" },
        { { .notation = "affine 23 - relu - affine 7 - logistic",
            .input = { 1, { 31 } },
            .batch = 27,
            .steps = 20,
            .options = "dtype=f64 init=xavier",
            .numbers = 1,
            .weights = 1 },
          "a252673b0678f11be1b20a1f0166d24f9039d8ce5ae9b20f8b72db81b1d75765" },
        { { .notation = "conv 6 3x3 - batchnorm - relu - affine 5 - softmax",
            .input = { 3, { 3, 9, 7 } },
            .batch = 13,
            .steps = 20,
            .options = "dtype=f32",
            .augment = "flip=alternate,translate=3,cutout=3,contrast=0.5,brightness=0.2,mixup=0.4" },
          "c879a4800640cfae6231ecf44bd460fdd0ea9db9f68b64cbe0134d4755121e41" },
        { { .notation = "conv 6 3x3 stride 2 - relu - conv 17 2x3 pad valid - affine 23 - relu - affine 5 - softmax",
            .input = { 3, { 3, 9, 7 } },
            .batch = 27,
            .steps = 20,
            .options = "precision=bf16" },
          "b42aab1ea2e522fdf73268bc25d5d7747dbe46cdd560366b64c0b42dcc5c09aa" },
        { { .notation = "conv 20 3x3 - relu - conv 36 3x3 - relu - affine 5 - softmax", /* by Winograd's transforms */
            .input = { 3, { 3, 9, 7 } },
            .batch = 13,
            .steps = 20,
            .options = "" },
          "94cda33bd71329213af13f6d62df8c1e3b9d0a6d26156006891ad5b7765378ed" },
    };
    int same = 1;
    assert_int_equal(LAM_NUMERICS_VERSION, 2);
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        char sha[65];
        (golden[i].t.augment ? train_augmented : train)(sha, &golden[i].t, "");
        if (strcmp(sha, golden[i].sha))
            print_error("network %zu: the bits are now %s\n", i, sha);
        same &= !strcmp(sha, golden[i].sha);
    }
    assert_true(same);
}

static void another_seed_gives_other_bits(void **state)
{
    (void)state;
    char a[65], b[65], c[65];
    const task t = { "affine 9 - dropout 0.5 - affine 5 - softmax", { 1, { 7 } }, 9, 3, .options = "" };
    train(a, &t, "seed=1");
    train(b, &t, "seed=2");
    train(c, &t, "seed=1 dropout-seed=7");
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
}

/* ---- the caller's floating-point state ---- */

/* 1 / (1 - 0.4) has other bits when it is rounded down. */
static const task fpu_task = {
    "affine 23 - batchnorm eps 0.003 - relu - dropout 0.4 - affine 11 - layernorm - affine 5 - softmax",
    { 1, { 23 } },
    27,
    SMALL_STEPS,
    .options = "dtype=f64 l2=0.013 lr=0.0017 init=normal init-scale=0.037"
};

/* The functions by themselves. */
typedef struct {
    lam_tensor out, dx, step, in, through;
} results;

/* A double weight as float: rounded on the way into the network, or out of it. */
static lam_tensor through_net(const char *list, const lam_tensor *weight)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    lam_tensor got = make_rows(LAM_F32, 20, 9);
    assert_ok(lam_net_new(&net, "affine 20 - softmax", &(lam_shape) { 1, { 9 } }, options));
    assert_ok(lam_net_set(net, "affine1.weight", weight));
    assert_ok(lam_net_get(net, "affine1.weight", &got));
    lam_net_free(net);
    lam_options_free(options);
    return got;
}

static results run_functions(void)
{
    lam_cache *cache = NULL;
    double loss = 0;
    const lam_tensor x = make_rows(LAM_F64, 20, 9), y = make_tensor(LAM_U8, lami_shape1(20));
    results r = { .out = make_rows(LAM_F64, 20, 9),
                  .dx = make_rows(LAM_F64, 20, 9),
                  .step = make_rows(LAM_F64, 20, 9) };
    for (uint32_t i = 0; i < 180; i++) {
        const uint64_t bits = i % 3 ? 0x3fe0000000000000 + 77777777777777 * i : 1000 * i; /* every third is subnormal */
        memcpy((double *)x.data + i, &bits, sizeof bits);
    }
    assert_ok(lam_dropout_forward(&cache, &r.out, &x, &(lam_dropout_param) { LAM_MODE_TRAIN, 0.4, 1, 2 }));
    assert_ok(lam_dropout_backward(&r.dx, &x, cache));
    lam_cache_free(cache);
    assert_ok(lam_softmax_loss(&loss, &r.step, &r.out, &y));
    assert_ok(lam_sgd(&r.step, &r.dx, 0.1));
    r.in = through_net("dtype=f32", &r.step);
    r.through = through_net("dtype=f64", &r.step);
    return r;
}

static void assert_same_results(const results *a, const results *b)
{
    assert_same_bits(&a->out, &b->out);
    assert_same_bits(&a->dx, &b->dx);
    assert_same_bits(&a->step, &b->step);
    assert_same_bits(&a->in, &b->in);
    assert_same_bits(&a->through, &b->through);
}

static void assert_unmoved_by_rounding(int mode)
{
    char before[65], after[65];
    train(before, &fpu_task, "threads=2");
    const results a = run_functions();
    assert_int_equal(fesetround(mode), 0);
    train(after, &fpu_task, "threads=2");
    const results b = run_functions();
    const int still = fegetround();
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    assert_int_equal(still, mode);
    assert_string_equal(before, after);
    assert_same_results(&a, &b);
}

static void another_rounding_mode_of_the_caller_changes_nothing_and_stays(void **state)
{
    (void)state;
    assert_unmoved_by_rounding(FE_UPWARD);
    assert_unmoved_by_rounding(FE_DOWNWARD);
    assert_unmoved_by_rounding(FE_TOWARDZERO);
}

#if defined(__x86_64__)
static void flushing_subnormals_in_the_caller_changes_nothing_and_stays(void **state)
{
    (void)state;
    const unsigned flush = 0x8040; /* FTZ and DAZ */
    char before[65], after[65];
    const task tiny = { "affine 9 - relu - affine 5 - softmax",
                        { 1, { 23 } },
                        27,
                        SMALL_STEPS,
                        .options = "init=normal init-scale=1e-20 lr=1e-30 optim=sgd" };
    train(before, &tiny, "threads=2");
    const results a = run_functions();
    const unsigned own = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(own | flush);
    train(after, &tiny, "threads=2");
    const results b = run_functions();
    const unsigned still = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(own);
    assert_int_equal(still & flush, flush);
    assert_string_equal(before, after);
    assert_same_results(&a, &b);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_layer_in_each_type),
        TEST(each_loss_in_each_type),
        TEST(each_loss_on_numbers_in_each_type),
        TEST(each_setting_of_the_training_in_each_type),
        TEST(products_of_bf16),
        TEST(weights_with_each_loss),
        TEST(each_update_rule_in_each_type),
        TEST(each_augmentation_in_each_type),
        TEST(a_network_of_five_layers_on_3072_inputs),
        TEST(the_same_with_batch_normalisation_and_dropout),
        TEST(their_first_steps_in_the_plain_build),
        TEST(the_bits_of_this_version_of_the_numerics),
        TEST(another_seed_gives_other_bits),
        TEST(another_rounding_mode_of_the_caller_changes_nothing_and_stays),
#if defined(__x86_64__)
        TEST(flushing_subnormals_in_the_caller_changes_nothing_and_stays),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
