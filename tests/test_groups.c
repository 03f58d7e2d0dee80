/* groups: what --set gives to single parameters, and what becomes of it in training. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/net/groups.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

static const char notation[] = "affine 4 - batchnorm - relu - affine 3 - softmax";
enum { W1, B1, GAMMA, BETA, MEAN, VAR, W2, B2, PARAMS };
#define ALL_TRAINED (1 << W1 | 1 << B1 | 1 << GAMMA | 1 << BETA | 1 << W2 | 1 << B2)

static lam_net *new_net(const char *text, size_t inputs, const char *list)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    assert_ok(lam_net_new(&net, text, &(lam_shape) { 1, { inputs } }, o));
    lam_options_free(o);
    return net;
}

static lam_options *options_with(const char *list, const char *rules)
{
    lam_options *o = toy_options(list);
    if (rules)
        assert_ok(lam_options_set(o, "set", rules));
    return o;
}

/* The rules of the network above, in `rules`. */
static lam_status rules_of(lami_param_rule rules[PARAMS], const char *list, const char *text)
{
    lami_param_rule *made = NULL;
    lam_net *net = new_net(notation, 5, "");
    lam_options *o = options_with(list, text);
    assert_int_equal(net->params, PARAMS);
    const lam_status status = lami_param_rules(&made, net, o);
    assert_int_equal(!made, !!status);
    if (made)
        memcpy(rules, made, PARAMS * sizeof *rules);
    lami_free(made);
    lam_options_free(o);
    lam_net_free(net);
    return status;
}

/* ---- rules ---- */

static void stars_and_question_marks_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        int matches;
    } rows[] = {
        { "*", ALL_TRAINED },
        { "**", ALL_TRAINED },
        { "affine1.weight", 1 << W1 },
        { "affine?.weight", 1 << W1 | 1 << W2 },
        { "*.bias", 1 << B1 | 1 << B2 },
        { "batchnorm*.beta", 1 << BETA },
        { "*1*", ALL_TRAINED & ~(1 << W2 | 1 << B2) },
        { "*1.*", ALL_TRAINED & ~(1 << W2 | 1 << B2) },
        { "affine2.*", 1 << W2 | 1 << B2 },
        { "?ffine1.weigh?", 1 << W1 },
        { "*ht", 1 << W1 | 1 << W2 },
        { "*a*a", 1 << GAMMA | 1 << BETA },
        { "a*e2*s*", 1 << B2 },
        { "*mm*", 1 << GAMMA },
        { "*.*a*", 1 << GAMMA | 1 << BETA | 1 << B1 | 1 << B2 },
        { "batchnorm1.*", 1 << GAMMA | 1 << BETA },
        { "batchnorm1.running_*", 0 }, /* no mistake, and no effect */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        lami_param_rule rules[PARAMS];
        snprintf(text, sizeof text, "%s lr x3", rows[i].pattern);
        assert_ok(rules_of(rules, "", text));
        for (int p = 0; p < PARAMS; p++) {
            const double expected = p == MEAN || p == VAR ? 0 : rows[i].matches >> p & 1 ? 3 : 1;
            if (rules[p].lr != expected)
                fail_msg("%s: parameter %d has %g", rows[i].pattern, p, rules[p].lr);
        }
    }
}

static void values_are_numbers_or_factors_on_what_the_options_say(void **state)
{
    (void)state;
    static const struct {
        const char *list, *text;
        struct {
            double lr, l2, weight_decay;
        } value[2]; /* of affine1's weight and bias */
    } rows[] = {
        { "", NULL, { { 1, 0, 0 }, { 1, 0, 0 } } },
        { "l2=0.1 weight-decay=0.2", NULL, { { 1, 0.1, 0.2 }, { 1, 0, 0 } } },
        { "optim=adamw", NULL, { { 1, 0, 0.01 }, { 1, 0, 0 } } },
        { "optim=adamw weight-decay=0", NULL, { { 1, 0, 0 }, { 1, 0, 0 } } },
        { "optim=muon", NULL, { { 1, 0, 0.01 }, { 1, 0, 0 } } },
        { "lr=0.5", "affine1.* lr 0.25", { { 0.5, 0, 0 }, { 0.5, 0, 0 } } },
        { "", "affine1.* lr 0.004", { { 4, 0, 0 }, { 4, 0, 0 } } }, /* adam's default is 0.001 */
        { "optim=sgd", "affine1.* lr 0.04", { { 4, 0, 0 }, { 4, 0, 0 } } },
        { "lr=0.5", "affine1.weight lr x64", { { 64, 0, 0 }, { 1, 0, 0 } } },
        { "lr=0.5", "affine1.weight lr x0", { { 0, 0, 0 }, { 1, 0, 0 } } },
        { "lr=0.5", "affine1.weight lr 0", { { 0, 0, 0 }, { 1, 0, 0 } } },
        { "lr=0", "affine1.weight lr 0", { { 0, 0, 0 }, { 1, 0, 0 } } },
        { "lr=0", "affine1.weight lr x2", { { 2, 0, 0 }, { 1, 0, 0 } } },
        { "l2=0.5", "affine1.* l2 0.25", { { 1, 0.25, 0 }, { 1, 0.25, 0 } } },
        { "l2=0.5", "affine1.* l2 x0.5", { { 1, 0.25, 0 }, { 1, 0.25, 0 } } },
        { "l2=0.5", "affine1.weight l2 0", { { 1, 0, 0 }, { 1, 0, 0 } } },
        { "weight-decay=0.5", "*.bias weight-decay 0.125", { { 1, 0, 0.5 }, { 1, 0, 0.125 } } },
        { "weight-decay=0.5", "*.bias weight-decay x2", { { 1, 0, 0.5 }, { 1, 0, 1 } } },
        { "optim=adamw", "affine1.weight weight-decay x2", { { 1, 0, 0.02 }, { 1, 0, 0 } } },
        /* the later rule wins, key by key */
        { "", "* lr x2; *.bias lr x3", { { 2, 0, 0 }, { 3, 0, 0 } } },
        { "", "*.bias lr x3; * lr x2", { { 2, 0, 0 }, { 2, 0, 0 } } },
        { "", "* lr x2; * l2 1; * weight-decay 3; *.bias l2 0", { { 2, 1, 3 }, { 2, 0, 3 } } },
        { "lr=1", " ;  * \t lr   2 ;; ", { { 2, 0, 0 }, { 2, 0, 0 } } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lami_param_rule rules[PARAMS];
        assert_ok(rules_of(rules, rows[i].list, rows[i].text));
        for (int p = 0; p < 2; p++)
            if (rules[p].lr != rows[i].value[p].lr || rules[p].l2 != rows[i].value[p].l2 ||
                rules[p].weight_decay != rows[i].value[p].weight_decay)
                fail_msg("%s, %s: lr x%g, l2 %g, weight decay %g", rows[i].list, rows[i].text, rules[p].lr, rules[p].l2,
                         rules[p].weight_decay);
    }
}

static void parameters_may_have_other_update_rules_and_norms(void **state)
{
    (void)state;
    static const struct {
        const char *list, *text, *optim[2]; /* of affine1's weight and bias */
        double norm;
    } rows[] = {
        { "", NULL, { "adam", "adam" }, 0 },
        { "optim=sgd", "*.bias optim nesterov", { "sgd", "nesterov" }, 0 },
        { "optim=muon", NULL, { "muon", "adamw" }, 0 },
        { "optim=sgd", "affine1.* optim muon", { "muon", "adamw" }, 0 },
        { "optim=muon", "*.bias optim momentum; *.weight norm 2", { "muon", "momentum" }, 2 },
        { "", "* optim sgd; *.weight norm 3; * optim rmsprop; *.weight norm 0", { "rmsprop", "rmsprop" }, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lami_param_rule rules[PARAMS];
        assert_ok(rules_of(rules, rows[i].list, rows[i].text));
        for (int p = 0; p < 2; p++)
            assert_string_equal(rules[p].optim->name, rows[i].optim[p]);
        assert_true(rules[0].norm == rows[i].norm && rules[1].norm == 0);
    }
}

static void mistakes_are_named_with_the_nearest_match(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "afine1.weight lr x2", "no parameter matches \"afine1.weight\", did you mean \"affine1.weight\"?" },
        { "* lr x2; affine3.bias lr 1", "no parameter matches \"affine3.bias\", did you mean \"affine1.bias\"?" },
        { "conv*.weight lr x2", "no parameter matches \"conv*.weight\"" },
        { "AFFINE1.weight lr x2", "no parameter matches \"AFFINE1.weight\"" },
        { "* lrr x2", "unknown key \"lrr\", did you mean \"lr\"? (lr, l2, weight-decay, norm, steps, init, optim)" },
        { "* weight_decay 2", "unknown key \"weight_decay\", did you mean \"weight-decay\"?" },
        { "* momentum 2", "unknown key \"momentum\"" },
        { "* lr fast", "\"fast\" is not a number of at least 0, or x and a factor" },
        { "* lr -1", "\"-1\" is not a number of at least 0" },
        { "* lr x-1", "\"x-1\" is not a number of at least 0" },
        { "* lr x", "\"x\" is not a number of at least 0" },
        { "* lr xx2", "\"xx2\" is not a number of at least 0" },
        { "* lr nan", "\"nan\" is not a number of at least 0" },
        { "* lr inf", "\"inf\" is not a number of at least 0" },
        { "* lr 1e999", "\"1e999\" is not a number of at least 0" },
        { "*.weight init wide", "\"wide\" is not a number of at least 0, or x and a factor, dirac or whiten" },
        { "* lr dirac", "\"dirac\" is not a number of at least 0, or x and a factor" },
        { "*.bias init 1", "affine1.bias is no weight" },
        { "batchnorm1.gamma init x2", "batchnorm1.gamma is no weight" },
        { "*.weight init dirac", "are for convolutions; affine1.weight is none" },
        { "*.weight init whiten", "are for convolutions; affine1.weight is none" },
        { "*.bias norm 1", "affine1.bias is no weight" },
        { "*.weight norm x2", "there is none to multiply" },
        { "*.weight norm -1", "\"-1\" is not a number of at least 0" },
        { "*.bias steps x2", "\"x2\" is not a whole number of at least 1" },
        { "*.bias steps 2.5", "\"2.5\" is not a whole number of at least 1" },
        { "*.bias steps 0", "\"0\" is not a whole number of at least 1; lr 0 leaves a parameter as it is" },
        { "* optim admw", "no update rule \"admw\", did you mean \"adamw\"?" },
        { "* optim x2", "no update rule \"x2\"" },
        { "* lr", "\"* lr\" is not PATTERN KEY VALUE" },
        { "*", "\"*\" is not PATTERN KEY VALUE" },
        { "* lr 1 2", "\"* lr 1 2\" is not PATTERN KEY VALUE" },
        { "* lr 1, *.bias lr 2", "is not PATTERN KEY VALUE" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lami_param_rule rules[PARAMS];
        assert_int_equal(rules_of(rules, "", rows[i][0]), LAM_EOPTION);
        assert_message("--set");
        assert_message(rows[i][1]);
    }
    lami_param_rule rules[PARAMS];
    assert_int_equal(rules_of(rules, "lr=0", "* lr 0.1"), LAM_EOPTION);
    assert_message("--lr is 0");
    char endless[3000];
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = 0;
    assert_int_equal(rules_of(rules, "", endless), LAM_EOPTION);
    memcpy(endless, "* lr ", 5);
    assert_int_equal(rules_of(rules, "", endless), LAM_EOPTION);
    memset(endless, '*', 70);
    memcpy(endless + 70, "!x lr 1", 8);
    assert_int_equal(rules_of(rules, "", endless), LAM_EOPTION);
    assert_message("no parameter matches");
}

/* ---- initial weights ---- */

/* A network of images, of the rules in `text`; NULL with a message. */
static lam_net *image_net(const char *text)
{
    lam_net *net = NULL;
    lam_options *o = options_with("", text);
    const lam_shape shape = { 3, { 2, 6, 6 } };
    lam_net_new(&net, "conv 5 3x3 - relu - conv 3 1x1 - affine 3 - softmax", &shape, o);
    lam_options_free(o);
    return net;
}

/* A parameter as the file has it. */
static void get(float *to, size_t count, const lam_net *net, const char *name)
{
    lam_tensor t = { LAM_F32, { 0 }, to };
    const size_t i = lami_net_param_find(net, name);
    assert_true(i != SIZE_MAX && net->param[i].count == count);
    t.shape = net->param[i].file_shape;
    assert_ok(lam_net_get(net, name, &t));
}

static void initial_weights_are_scaled_or_have_a_deviation(void **state)
{
    (void)state;
    enum { COUNT = 5 * 2 * 9 };
    float plain[COUNT], wide[COUNT], narrow[COUNT];
    lam_net *a = image_net(NULL), *b = image_net("conv1.weight init x3"),
            *c = image_net("* lr 1; conv1.weight init 0.5");
    get(plain, COUNT, a, "conv1.weight");
    get(wide, COUNT, b, "conv1.weight");
    get(narrow, COUNT, c, "conv1.weight");
    const double kaiming = sqrt(2.0 / 18);
    for (int k = 0; k < COUNT; k++) {
        assert_true(fabs((double)wide[k] - 3.0 * (double)plain[k]) < 1e-6);
        assert_true(fabs((double)narrow[k] - 0.5 / kaiming * (double)plain[k]) < 1e-6);
    }
    lam_net_free(a);
    lam_net_free(b);
    lam_net_free(c);
}

static void dirac_filters_hand_on_a_channel_each(void **state)
{
    (void)state;
    float plain[5 * 2 * 9], weight[5 * 2 * 9], narrow[3 * 5];
    lam_net *a = image_net(NULL), *b = image_net("conv*.weight init dirac");
    get(plain, 5 * 2 * 9, a, "conv1.weight");
    get(weight, 5 * 2 * 9, b, "conv1.weight");
    get(narrow, 3 * 5, b, "conv2.weight");
    for (int f = 0; f < 5; f++)
        for (int k = 0; k < 2 * 9; k++)
            assert_true(weight[f * 18 + k] == (f < 2 ? (float)(k == f * 9 + 4) : plain[f * 18 + k]));
    for (int k = 0; k < 3 * 5; k++)
        assert_true(narrow[k] == (float)(k / 5 == k % 5));
    lam_net_free(a);
    lam_net_free(b);
}

static void whitening_is_for_the_first_convolution(void **state)
{
    (void)state;
    assert_null(image_net("conv2.weight init whiten"));
    assert_message("for a convolution of the input; conv2.weight is none");
}

/* ---- training ---- */

static void train(lam_net *net, const lam_data *data, const char *list, const char *rules)
{
    lam_options *o = options_with(list, rules);
    assert_ok(lam_train(net, data, o, NULL, NULL));
    lam_options_free(o);
}

/* A parameter's bytes, as float in its order in memory. */
static const float *values(const lam_net *net, const char *name)
{
    const size_t i = lami_net_param_find(net, name);
    assert_true(i != SIZE_MAX);
    return lami_net_values(net, i);
}

/* By each update rule: `rules` leave affine1 and gamma as a training of the length `before` does without them (NULL: as they
 * began), and nothing else. */
static void leave_alone(const char *before, const char *length, const char *rules)
{
    static const char *const optims[] = { "optim=sgd",     "optim=momentum", "optim=nesterov",
                                          "optim=rmsprop", "optim=adam",     "optim=adamw weight-decay=0.5",
                                          "optim=muon" };
    static const char *const more[] = { "l2=0.1", "clip=0.01", "accumulate=2 no-merge=1" };
    lam_data *data = toy_data(40, 0, 5, 3, 1);
    for (size_t i = 0; i < sizeof optims / sizeof *optims; i++)
        for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
            char list[128];
            lam_net *net = new_net(notation, 5, ""), *then = new_net(notation, 5, "");
            if (before) {
                snprintf(list, sizeof list, "%s batch=7 %s %s", before, optims[i], more[k]);
                train(then, data, list, NULL);
            }
            snprintf(list, sizeof list, "%s batch=7 %s %s", length, optims[i], more[k]);
            train(net, data, list, rules);
            assert_memory_equal(values(net, "affine1.weight"), values(then, "affine1.weight"), 20 * sizeof(float));
            assert_memory_equal(values(net, "affine1.bias"), values(then, "affine1.bias"), 4 * sizeof(float));
            assert_memory_equal(values(net, "batchnorm1.gamma"), values(then, "batchnorm1.gamma"), 4 * sizeof(float));
            assert_memory_not_equal(values(net, "batchnorm1.beta"), values(then, "batchnorm1.beta"), 16);
            assert_memory_not_equal(values(net, "batchnorm1.running_mean"), values(then, "batchnorm1.running_mean"),
                                    16);
            assert_memory_not_equal(values(net, "affine2.weight"), values(then, "affine2.weight"), 48);
            lam_net_free(net);
            lam_net_free(then);
        }
    lam_data_free(data);
}

static void frozen_parameters_do_not_change_a_bit(void **state)
{
    (void)state;
    leave_alone(NULL, "epochs=3", "affine1.* lr 0; batchnorm1.gamma lr x0");
}

static void parameters_stay_as_they_are_after_their_steps(void **state)
{
    (void)state;
    leave_alone("steps=6", "steps=15", "affine1.* steps 6; batchnorm1.gamma steps 6; affine2.weight steps 16");
}

/* Steps of a session in training; how many tiles a step then has. */
static size_t tiles_after(size_t steps, const char *rules)
{
    lam_session *session = NULL;
    lam_net *net = new_net("affine 4 - tanh - affine 3 - tanh - affine 3 - softmax", 5, "");
    lam_options *o = options_with("batch=2", rules);
    static const float x[2][5] = { { 1, 2, 3, 4, 5 }, { 5, 3, 1, 2, 4 } };
    static const int32_t label[2] = { 0, 2 };
    double loss;
    size_t tiles = 0;
    assert_ok(lami_session_make(&session, net, o, LAMI_SESSION_TRAIN));
    assert_ok(lami_session_load(
        session, &(lami_batch) { .x = (const void *[]) { x[0], x[1] }, .type = LAM_F32, .n = 2, .label = label }));
    for (size_t i = 0; i <= steps; i++)
        assert_ok(lami_session_train(&loss, session));
    const lami_plan *plan = lami_session_plan(session);
    for (size_t p = 0; p < plan->phases; p++)
        tiles += plan->phase[p].tiles;
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(o);
    return tiles;
}

/* When the first layer's parameters stay as they are, neither their gradients nor what those need is computed: the same
 * as with a learning rate of 0. */
static void what_their_gradients_alone_need_is_not_computed(void **state)
{
    (void)state;
    static const char over[] = "affine1.* steps 2; affine2.* steps 4", both[] = "affine1.* lr 0; affine2.* lr 0";
    const size_t all = tiles_after(0, NULL), first = tiles_after(0, "affine1.* lr 0"), second = tiles_after(0, both);
    assert_true(all > first && first > second);
    assert_int_equal(tiles_after(1, over), all);
    assert_int_equal(tiles_after(2, over), first);
    assert_int_equal(tiles_after(3, over), first);
    assert_int_equal(tiles_after(4, over), second);
}

static void a_network_that_is_frozen_as_a_whole_still_moves_its_running_statistics(void **state)
{
    (void)state;
    lam_data *data = toy_data(40, 0, 5, 3, 1);
    lam_net *net = new_net(notation, 5, ""), *start = new_net(notation, 5, "");
    train(net, data, "epochs=1 batch=7 clip=1", "* lr 0");
    assert_memory_equal(values(net, "affine2.weight"), values(start, "affine2.weight"), 48);
    assert_memory_not_equal(values(net, "batchnorm1.running_var"), values(start, "batchnorm1.running_var"), 16);
    lam_net_free(net);
    lam_net_free(start);
    lam_data_free(data);
}

static void rules_that_say_what_the_options_say_change_no_bit(void **state)
{
    (void)state;
    static const char *const rules[] = { NULL, "* lr x1", "*.weight l2 x1", "* lr 0.003", "*.weight weight-decay 0.2" };
    lam_data *data = toy_data(40, 0, 5, 3, 1);
    char sha[2][65];
    for (size_t i = 0; i < 5; i++) {
        lam_net *net = new_net(notation, 5, "");
        train(net, data, "epochs=3 batch=7 lr=0.003 l2=0.1 weight-decay=0.2", rules[i]);
        assert_ok(lam_net_sha256(net, sha[!!i]));
        assert_string_equal(sha[0], sha[!!i]);
        lam_net_free(net);
    }
    lam_data_free(data);
}

/* A smooth network in double on a fixed batch. */
typedef struct trial {
    lam_net *net;
    lam_session *session;
    lam_tensor x, y;
} trial;

static trial new_trial(const char *list, const char *rules)
{
    char all[128];
    trial t = { .x = make_normal(LAM_F64, 6, 5, 1), .y = make_tensor(LAM_U8, lami_shape1(6)) };
    snprintf(all, sizeof all, "dtype=f64 batch=6 %s", list);
    lam_options *o = options_with(all, rules);
    for (size_t i = 0; i < 6; i++)
        ((uint8_t *)t.y.data)[i] = (uint8_t)(i % 3);
    t.net = new_net("affine 4 - tanh - affine 3 - softmax", 5, "dtype=f64");
    for (size_t i = 0; i < t.net->params; i++) { /* biases are not 0 */
        lam_tensor value = make_tensor(LAM_F64, t.net->param[i].file_shape);
        fill_normal(&value, (uint32_t)(5 + i), 0, 0.5);
        assert_ok(lam_net_set(t.net, t.net->param[i].name, &value));
    }
    assert_ok(lam_session_new(&t.session, t.net, o));
    lam_options_free(o);
    return t;
}

static void free_trial(trial *t)
{
    lam_session_free(t->session);
    lam_net_free(t->net);
}

static double loss_of(trial *t)
{
    double loss = NAN;
    assert_ok(lam_session_forward(&loss, t->session, &t->x, &t->y));
    return loss;
}

static lam_tensor value_of(const trial *t, size_t p)
{
    lam_tensor value = make_tensor(LAM_F64, t->net->param[p].file_shape);
    assert_ok(lam_net_get(t->net, t->net->param[p].name, &value));
    return value;
}

static lam_tensor gradient_of(const trial *t, size_t p)
{
    lam_tensor grad = make_tensor(LAM_F64, t->net->param[p].file_shape);
    assert_ok(lam_session_grad(t->session, t->net->param[p].name, &grad));
    return grad;
}

static void l2_of_single_parameters_is_in_the_loss(void **state)
{
    (void)state;
    static const struct {
        const char *list, *rules;
        double l2[4]; /* affine1.weight, bias, affine2.weight, bias */
    } rows[] = {
        { "l2=0.1", NULL, { 0.1, 0, 0.1, 0 } },
        { "l2=0.1", "affine1.weight l2 0", { 0, 0, 0.1, 0 } },
        { "l2=0.1", "affine1.* l2 0.7", { 0.7, 0.7, 0.1, 0 } },
        { "", "*.bias l2 0.3", { 0, 0.3, 0, 0.3 } },
        { "l2=0.1", "* l2 0.1; affine2.bias l2 2; affine2.* lr 0", { 0.1, 0.1, 0.1, 2 } },
    };
    trial plain = new_trial("", NULL);
    const double base = loss_of(&plain);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        trial t = new_trial(rows[i].list, rows[i].rules);
        double expected = base;
        for (size_t p = 0; p < 4; p++) {
            const lam_tensor w = value_of(&t, p);
            expected += rows[i].l2[p] / 2 * dot_of(&w, &w);
        }
        assert_near(loss_of(&t), expected, 1e-14 * expected);
        free_trial(&t);
    }
    free_trial(&plain);
}

/* The loss when one parameter has other values. */
typedef struct moved {
    trial *t;
    size_t p;
    const lam_tensor *value;
} moved;

static double moved_loss(void *arg)
{
    const moved *m = arg;
    assert_ok(lam_net_set(m->t->net, m->t->net->param[m->p].name, m->value));
    return loss_of(m->t);
}

static void the_gradient_with_l2_of_single_parameters_is_the_numeric_one(void **state)
{
    (void)state;
    trial t = new_trial("l2=0.1", "affine1.weight l2 0.9; *.bias l2 0.4; affine2.weight l2 x0; affine1.bias lr x3");
    loss_of(&t);
    assert_ok(lam_session_backward(t.session));
    lam_tensor grad[4];
    for (size_t p = 0; p < 4; p++)
        grad[p] = gradient_of(&t, p);
    for (size_t p = 0; p < 4; p++) {
        lam_tensor value = value_of(&t, p);
        moved m = { &t, p, &value };
        assert_gradient(&value, &grad[p], moved_loss, &m);
        moved_loss(&m);
    }
    free_trial(&t);
}

static void a_step_uses_the_factor_and_the_decay_of_each_parameter(void **state)
{
    (void)state;
    static const double factor[4] = { 1, 64, 0.5, 0 }, decay[4] = { 0.2, 0.3, 0, 0 };
    trial t = new_trial("optim=sgd lr=0.01 weight-decay=0.2",
                        "affine1.bias lr x64; affine1.bias weight-decay 0.3; affine2.weight lr 0.005; "
                        "affine2.weight weight-decay 0; affine2.bias lr 0; affine2.bias weight-decay 9");
    loss_of(&t);
    assert_ok(lam_session_backward(t.session));
    lam_tensor before[4], grad[4];
    for (size_t p = 0; p < 4; p++) {
        before[p] = value_of(&t, p);
        grad[p] = gradient_of(&t, p);
    }
    assert_ok(lam_session_step(t.session));
    for (size_t p = 0; p < 4; p++) {
        const lam_tensor after = value_of(&t, p);
        for (size_t i = 0; i < count_of(&after); i++) {
            const double lr = 0.01 * factor[p];
            assert_near(at(&after, i), at(&before[p], i) * (1 - lr * decay[p]) - lr * at(&grad[p], i), 1e-15);
        }
    }
    free_trial(&t);
}

/* The norm that --clip looks at is that of the parameters that move. */
static void what_does_not_move_does_not_count_in_the_norm(void **state)
{
    (void)state;
    trial t = new_trial("optim=sgd lr=0.01 clip=1e-3", "affine1.* steps 1; affine2.bias steps 1");
    for (int step = 0; step < 2; step++) {
        loss_of(&t);
        assert_ok(lam_session_backward(t.session));
        const lam_tensor before = value_of(&t, 2), grad = gradient_of(&t, 2), other = gradient_of(&t, 0);
        double squares = dot_of(&grad, &grad);
        for (size_t p = 0; p < 4 && !step; p++) {
            const lam_tensor g = gradient_of(&t, p);
            squares += p == 2 ? 0 : dot_of(&g, &g);
        }
        assert_true(dot_of(&other, &other) > 0); /* a caller who asks for it gets it */
        assert_ok(lam_session_step(t.session));
        const lam_tensor after = value_of(&t, 2);
        for (size_t i = 0; i < count_of(&after); i++)
            assert_near(at(&after, i), at(&before, i) - 1e-5 / sqrt(squares) * at(&grad, i), 1e-15);
    }
    free_trial(&t);
}

static void factors_follow_the_schedule(void **state)
{
    (void)state;
    trial t = new_trial("optim=sgd lr=0.5", "*.bias lr 1");
    loss_of(&t);
    assert_ok(lam_session_backward(t.session));
    const lam_tensor before = value_of(&t, 1), grad = gradient_of(&t, 1);
    assert_ok(lam_session_set_lr(t.session, 0.01)); /* --set said twice that of the others */
    assert_ok(lam_session_step(t.session));
    const lam_tensor after = value_of(&t, 1);
    for (size_t i = 0; i < 4; i++)
        assert_near(at(&after, i), at(&before, i) - 0.02 * at(&grad, i), 1e-16);
    free_trial(&t);
}

/* ---- run folders ---- */

static void rules_are_kept_in_the_run_folder(void **state)
{
    (void)state;
    const char *const first = "affine1.weight lr x0.5; affine1.weight optim muon; batchnorm1.beta optim nesterov";
    const char *const second = "batchnorm*.beta lr x64; *.bias weight-decay 0.1; *.bias steps 8";
    lam_data *data = toy_data(40, 0, 5, 3, 1);
    lam_net *net = new_net(notation, 5, ""), *stopped = new_net(notation, 5, ""), *resumed = NULL;
    char whole[65], parts[65], *path = NULL;
    lam_options *o = options_with("steps=12 batch=7 optim=adamw", first), *kept = NULL;
    assert_ok(lam_options_set(o, "set", second));
    assert_ok(lam_train(net, data, o, NULL, NULL));
    assert_ok(lam_options_set(o, "out", in_folder("rules")));
    assert_ok(lam_options_set(o, "steps", "5"));
    assert_ok(lam_train(stopped, data, o, NULL, NULL));

    const char *value;
    assert_ok(lami_run_config(&kept, &path, in_folder("rules")));
    assert_ok(lam_options_get(&value, kept, "set"));
    assert_string_equal(value, "affine1.weight lr x0.5; affine1.weight optim muon; batchnorm1.beta optim nesterov; "
                               "batchnorm*.beta lr x64; *.bias weight-decay 0.1; *.bias steps 8");
    lam_options_free(kept);

    lam_options *longer = toy_options("steps=12"), *others = options_with("steps=12", "* lr x2");
    assert_int_equal(lam_resume(&resumed, in_folder("rules"), data, others, NULL, NULL), LAM_EOPTION);
    assert_message("--set");
    assert_ok(lam_resume(&resumed, in_folder("rules"), data, longer, NULL, NULL));
    assert_ok(lam_net_sha256(net, whole));
    assert_ok(lam_net_sha256(resumed, parts));
    assert_string_equal(whole, parts);
    lam_options_free(o);
    lam_options_free(longer);
    lam_options_free(others);
    lam_net_free(net);
    lam_net_free(stopped);
    lam_net_free(resumed);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_net *net = new_net(notation, 5, "");
    lam_options *o = options_with("batch=9 accumulate=3 clip=1", "* lr x2; *.bias l2 0.1");
    lam_session *session = NULL;
    lam_status status = LAM_ENOMEM;
    long n = 1;
    for (; status; n++) {
        lami_alloc_fail_at(n);
        status = lam_session_new(&session, net, o);
        lami_alloc_fail_at(0);
        assert_int_equal(!session, !!status);
        assert_true(!status || status == LAM_ENOMEM);
    }
    assert_true(n > 20);
    lam_session_free(session);
    lam_options_free(o);
    lam_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stars_and_question_marks_match),
        TEST(values_are_numbers_or_factors_on_what_the_options_say),
        TEST(parameters_may_have_other_update_rules_and_norms),
        TEST(mistakes_are_named_with_the_nearest_match),
        TEST(initial_weights_are_scaled_or_have_a_deviation),
        TEST(dirac_filters_hand_on_a_channel_each),
        TEST(whitening_is_for_the_first_convolution),
        TEST(frozen_parameters_do_not_change_a_bit),
        TEST(parameters_stay_as_they_are_after_their_steps),
        TEST(what_their_gradients_alone_need_is_not_computed),
        TEST(what_does_not_move_does_not_count_in_the_norm),
        TEST(a_network_that_is_frozen_as_a_whole_still_moves_its_running_statistics),
        TEST(rules_that_say_what_the_options_say_change_no_bit),
        TEST(l2_of_single_parameters_is_in_the_loss),
        TEST(the_gradient_with_l2_of_single_parameters_is_the_numeric_one),
        TEST(a_step_uses_the_factor_and_the_decay_of_each_parameter),
        TEST(factors_follow_the_schedule),
        TEST(rules_are_kept_in_the_run_folder),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
