/* The notation's parser and printer, over a table of layers made for the test: it has every kind of option. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The parser and its messages once more, with names of its own and the table below. */
#define lami_layers          trial_layers
#define lami_layer_find      trial_layer_find
#define lami_losses          trial_losses
#define lami_loss_find       trial_loss_find
#define lami_notation_parse  trial_parse
#define lami_notation_free   trial_free
#define lami_notation_layer  trial_layer
#define lami_notation_print  trial_print
#define lami_notation_fail   trial_fail
#define lami_notation_text   trial_text
#define lami_notation_whole  trial_whole
#define lami_begins_item     trial_begins_item
#define lami_mistake         trial_mistake
#define lami_unknown_item    trial_unknown_item
#define lami_no_option       trial_no_option
#define lami_quote           trial_quote
#define lami_expected_value  trial_expected_value
#define lami_loss_comes_last trial_loss_comes_last
#include "../src/net/mistakes.c"
#include "../src/net/notation.c"
#include "../src/net/notation_layer.c"
#include "../src/net/print.c"

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct trial {
    size_t size, pair[2], stride[2];
    double real, other;
    int word, flag;
} trial;

#define AT(field) .offset = offsetof(trial, field)

static const lami_opt affine_rows[] = {
    { .kind = LAMI_OPT_SIZE, .positional = 1, .name = "size", .least = 1, .most = 16777216, AT(size) },
    LAMI_OPT_END,
};
static const lami_opt dropout_rows[] = {
    { .kind = LAMI_OPT_REAL, .positional = 1, .required = 1, .name = "p", .most = 1, .most_excluded = 1, AT(real) },
    LAMI_OPT_END,
};
static const lami_opt batchnorm_rows[] = {
    { .kind = LAMI_OPT_REAL, .name = "eps", .fallback = 1e-5, .most = INFINITY, AT(real) },
    { .kind = LAMI_OPT_REAL, .name = "momentum", .fallback = 0.9, .most = 1, AT(other) },
    LAMI_OPT_END,
};
static const lami_opt conv_rows[] = {
    { .kind = LAMI_OPT_SIZE, .positional = 1, .required = 1, .name = "filters", .least = 1, .most = 65536, AT(size) },
    { .kind = LAMI_OPT_PAIR, .positional = 1, .required = 1, .name = "kernel", .least = 1, .most = 999, AT(pair) },
    { .kind = LAMI_OPT_PAIR, .name = "stride", .fallback = 1, .least = 1, .most = 999, AT(stride) },
    { .kind = LAMI_OPT_FLAG, .name = "nobias", .most = 1, AT(flag) },
    LAMI_OPT_END,
};
static const lami_opt maxpool_rows[] = {
    { .kind = LAMI_OPT_PAIR, .positional = 1, .name = "window", .fallback = 2, .least = 1, .most = 999, AT(pair) },
    { .kind = LAMI_OPT_WORD, .name = "ties", .words = "first split all", .most = 2, AT(word) },
    LAMI_OPT_END,
};
static const lami_opt avgpool_rows[] = {
    { .kind = LAMI_OPT_PAIR, .positional = 1, .name = "window", .fallback = 2, .least = 1, .most = 999, AT(pair) },
    { .kind = LAMI_OPT_WORD, .positional = 1, .name = "extent", .words = "local global", .most = 1, AT(word) },
    { .kind = LAMI_OPT_PAIR, .positional = 1, .name = "step", .fallback = 2, .least = 1, .most = 999, AT(stride) },
    LAMI_OPT_END,
};
static const lami_opt gelu_rows[] = {
    { .kind = LAMI_OPT_WORD, .positional = 1, .name = "form", .words = "erf tanh", .most = 1, AT(word) },
    LAMI_OPT_END,
};
static const lami_opt leaky_rows[] = {
    { .kind = LAMI_OPT_REAL,
      .positional = 1,
      .name = "slope",
      .fallback = 0.01,
      .least = -INFINITY,
      .most = INFINITY,
      AT(real) },
    { .kind = LAMI_OPT_REAL, .name = "shift", .least = -10, .most = 10, AT(other) },
    LAMI_OPT_END,
};

#define LAYER(id, title, rows) \
    static const lami_layer id = { .name = title, .options = rows, .opts_size = sizeof(trial) }
static const lami_layer affine = {
    .name = "affine", .alias = "linear", .options = affine_rows, .opts_size = sizeof(trial)
};
static const lami_layer relu = { .name = "relu" };
static const lami_layer join = { .name = "join", .hidden = 1 };
LAYER(dropout, "dropout", dropout_rows);
LAYER(batchnorm, "batchnorm", batchnorm_rows);
LAYER(conv, "conv", conv_rows);
LAYER(maxpool, "maxpool", maxpool_rows);
LAYER(avgpool, "avgpool", avgpool_rows);
LAYER(gelu, "gelu", gelu_rows);
LAYER(leaky, "leaky", leaky_rows);

const lami_layer *const trial_layers[] = { &affine,  &relu,    &join, &dropout, &batchnorm, &conv,
                                           &maxpool, &avgpool, &gelu, &leaky,   NULL };
static const lami_loss softmax = { .name = "softmax" }, svm = { .name = "svm" };
const lami_loss *const trial_losses[] = { &softmax, &svm, NULL };

const lami_layer *trial_layer_find(const char *name, size_t length)
{
    for (size_t i = 0; trial_layers[i]; i++)
        if (lami_is_word(trial_layers[i]->name, name, length) ||
            (trial_layers[i]->alias && lami_is_word(trial_layers[i]->alias, name, length)))
            return trial_layers[i];
    return NULL;
}

const lami_loss *trial_loss_find(const char *name, size_t length)
{
    for (size_t i = 0; trial_losses[i]; i++)
        if (lami_is_word(trial_losses[i]->name, name, length))
            return trial_losses[i];
    return NULL;
}

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static lami_item *parsed(const char *text)
{
    lami_item *net = NULL;
    if (trial_parse(&net, text))
        fail_msg("%s", lam_last_error());
    return net;
}

/* Text, parsed and printed, must be `canonical`; and that must print as itself. */
static void assert_prints(const char *text, const char *canonical)
{
    for (int pass = 0; pass < 2; pass++) {
        lami_item *net = parsed(pass ? canonical : text);
        char *printed = trial_print(net);
        assert_non_null(printed);
        assert_string_equal(printed, canonical);
        lami_free(printed);
        trial_free(net);
    }
}

static void assert_mistake_as(lam_status expected, const char *text, const char *message)
{
    lami_item *net = (lami_item *)&net;
    const lam_status status = trial_parse(&net, text);
    assert_string_equal(status ? lam_last_error() : "(parsed)", message);
    assert_int_equal(status, expected);
    assert_null(net);
}

static void assert_mistake(const char *text, const char *message)
{
    assert_mistake_as(LAM_ENOTATION, text, message);
}

static const trial *options(const lami_item *item)
{
    return item->opts;
}

/* `count` times `part`, yours. */
static char *repeat(const char *part, size_t count)
{
    const size_t n = strlen(part);
    char *text = lami_alloc(n * count + 1, 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * n, part, n);
    return text;
}

static char *join3(const char *a, const char *b, const char *c)
{
    const size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = lami_alloc(n, 1);
    assert_non_null(text);
    snprintf(text, n, "%s%s%s", a, b, c);
    return text;
}

/* ---- what parses ------------------------------------------------------------------------------------------------- */

static void canonical_text_prints_as_itself(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "affine 10 - softmax",
        "affine - svm",
        "{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax",
        "conv 32 7x7 - relu - maxpool - affine 100 - relu - affine 10 - softmax",
        "conv 16 3x3 - batchnorm - relu - {residual {conv 16 3x3 - batchnorm - relu - conv 16 3x3 - batchnorm} - relu} "
        "x 3 - residual {conv 32 3x3 stride 2x2 - batchnorm | conv 32 1x1 stride 2x2 nobias - batchnorm} - relu"
        " - avgpool global - affine 10 - softmax",
        "residual {residual {relu} - {relu} x 2} - svm",
        "maxpool 3x5 ties split - avgpool 4x4 3x3 - gelu tanh - leaky -0.5 shift -1.5 - softmax",
        "batchnorm eps 1e-07 momentum 0.1 - softmax",
        "{{relu} x 2} x 1000 - softmax",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_prints(texts[i], texts[i]);
}

static void other_spellings_print_canonically(void **state)
{
    (void)state;
    assert_prints("affine 10-softmax", "affine 10 - softmax");
    assert_prints("linear 10 - softmax", "affine 10 - softmax");
    assert_prints("\t{ affine 00100\r\n-relu}x4-affine 10\n-\nsoftmax\n\n",
                  "{affine 100 - relu} x 4 - affine 10 - softmax");
    assert_prints("{relu}x 2-{relu} x2-{relu}x2 - svm", "{relu} x 2 - {relu} x 2 - {relu} x 2 - svm");
    assert_prints("{relu - {affine 3} - {{relu} x 1} - {{gelu} x 2}} - softmax",
                  "relu - affine 3 - relu - {gelu} x 2 - softmax");
    assert_prints("residual{relu|{affine 3-relu}}-svm", "residual {relu | affine 3 - relu} - svm");
    assert_prints("conv 8 3 - maxpool 2 - maxpool 2x2 ties first - avgpool 2 - avgpool local 2 - softmax",
                  "conv 8 3x3 - maxpool - maxpool - avgpool - avgpool - softmax");
    assert_prints("avgpool 4 local 3 - softmax", "avgpool 4x4 3x3 - softmax");
    assert_prints("avgpool 2 global 3 - softmax", "avgpool 2x2 global 3x3 - softmax");
    assert_prints("avgpool 2 global 2 - avgpool global 3 - softmax",
                  "avgpool global - avgpool 2x2 global 3x3 - softmax");
    assert_prints("batchnorm momentum 0.10 eps .00001 - softmax", "batchnorm momentum 0.1 - softmax");
    assert_prints("conv 8 3 nobias stride 2x1 - svm", "conv 8 3x3 stride 2x1 nobias - svm");
    assert_prints("leaky 1E+3 - dropout 5e-1 - gelu erf - svm", "leaky 1000 - dropout 0.5 - gelu - svm");
}

static void a_dash_is_a_sign_only_after_a_name_and_a_space_before_a_digit(void **state)
{
    (void)state;
    assert_prints("leaky -1 - svm", "leaky -1 - svm");
    assert_prints("leaky -.25 shift -3-svm", "leaky -0.25 shift -3 - svm");
    assert_prints("leaky shift\n-2 - svm", "leaky shift -2 - svm");
    assert_prints("leaky # why\n -2 - svm", "leaky -2 - svm");
    assert_prints("leaky -relu -svm", "leaky - relu - svm");
    assert_prints("leaky 1e-3-relu-svm", "leaky 0.001 - relu - svm");
    assert_mistake("leaky-1 - svm", "unexpected number '1': line 1, column 7: expected a layer\n"
                                    "leaky-1 - svm\n"
                                    "      ^");
    assert_mistake("leaky 2 -1 - svm", "unexpected number '1': line 1, column 10: expected a layer\n"
                                       "leaky 2 -1 - svm\n"
                                       "         ^");
    assert_mistake("leaky - 1 - svm", "unexpected number '1': line 1, column 9: expected a layer\n"
                                      "leaky - 1 - svm\n"
                                      "        ^");
    assert_mistake("gelu tanh -1 - svm", "unexpected number '1': line 1, column 12: expected a layer\n"
                                         "gelu tanh -1 - svm\n"
                                         "           ^");
    assert_mistake("affine -5 - svm",
                   "affine: size cannot be '-5': line 1, column 8: expected a whole number from 1 to 16777216\n"
                   "affine -5 - svm\n"
                   "       ^");
    assert_mistake("conv 8 3 nobias -1 - svm",
                   "conv: unexpected number '-1': line 1, column 17: expected an option (stride, nobias) or '-'\n"
                   "conv 8 3 nobias -1 - svm\n"
                   "                ^");
}

static void the_tree_has_what_the_text_says(void **state)
{
    (void)state;
    lami_item *net =
        parsed("conv 8 3x5 stride 2 - # first\n  {leaky shift 0.5 - gelu tanh} x 3 - residual {relu | affine} - svm");
    assert_int_equal(net->kind, LAMI_ITEM_LAYER);
    assert_ptr_equal(net->layer, &conv);
    assert_int_equal(options(net)->size, 8);
    assert_int_equal(options(net)->pair[0], 3);
    assert_int_equal(options(net)->pair[1], 5);
    assert_int_equal(options(net)->stride[0], 2);
    assert_int_equal(options(net)->stride[1], 2);
    assert_int_equal(options(net)->flag, 0);
    const lami_item *group = net->next;
    assert_int_equal(group->kind, LAMI_ITEM_GROUP);
    assert_int_equal(group->count, 3);
    assert_int_equal(group->position, 32);
    assert_true(options(group->body)->real == 0.01);
    assert_true(options(group->body)->other == 0.5);
    assert_int_equal(options(group->body->next)->word, 1);
    assert_int_equal(group->body->next->position, 51);
    const lami_item *block = group->next;
    assert_int_equal(block->kind, LAMI_ITEM_RESIDUAL);
    assert_ptr_equal(block->body->layer, &relu);
    assert_null(block->body->opts);
    assert_int_equal(options(block->shortcut)->size, 0);
    assert_int_equal(block->next->kind, LAMI_ITEM_LOSS);
    assert_ptr_equal(block->next->loss, &svm);
    assert_null(block->next->next);
    trial_free(net);
    trial_free(NULL);
}

static void comments_end_with_their_line_and_may_hold_anything(void **state)
{
    (void)state;
    assert_prints("# a net {|} \xc3\xa9 \x01\n#\naffine 10 # - relu\n# last\n- softmax#", "affine 10 - softmax");
    assert_prints("relu#\n-svm", "relu - svm");
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

#define ALL "affine, relu, dropout, batchnorm, conv, maxpool, avgpool, gelu, leaky, residual, softmax, svm"

static const struct {
    const char *text;
    int column;
    const char *what, *expected;
} mistakes[] = {
    { "softmax", 1, "softmax alone", "expected a layer before it" },
    { "affine 10", 10, "no loss", "a loss (softmax, svm) must come last" },
    { "affine 10 - relu", 17, "no loss", "a loss (softmax, svm) must come last" },
    { "affine 10 -", 12, "unexpected end of the text", "expected a layer" },
    { "affine 10 - softmax -", 13, "softmax is not the last item", "a loss (softmax, svm) must come last" },
    { "affine 10 - softmax - relu", 13, "softmax is not the last item", "a loss (softmax, svm) must come last" },
    { "softmax - relu - svm", 1, "softmax is not the last item", "a loss (softmax, svm) must come last" },
    { "softmax svm", 1, "softmax is not the last item", "a loss (softmax, svm) must come last" },
    { "affine 10 - softmax 5", 21, "softmax: unexpected '5'", "expected the end of the text" },
    { "affine 10 - softmax fast", 21, "softmax: unexpected 'fast'", "expected the end of the text" },
    { "affine 10 - softmax }", 21, "stray '}'", "expected the end of the text" },
    { "affine 10 - softmax | relu", 21, "stray '|'", "expected the end of the text" },
    { "affine 10 - softmax {relu}", 13, "softmax is not the last item", "a loss (softmax, svm) must come last" },
    { "{affine 10 - softmax}", 14, "softmax inside braces", "a loss (softmax, svm) must come last" },
    { "residual {relu - svm} - svm", 18, "svm inside braces", "a loss (softmax, svm) must come last" },
    { "affine 10 - mse", 13, "unknown word 'mse'", "expected a layer or loss (" ALL ")" },
    { "afine 10 - softmax", 1, "unknown word 'afine'", "did you mean 'affine'?" },
    { "ReLU - softmax", 1, "unknown word 'ReLU'", "did you mean 'relu'?" },
    { "relu - Softmx", 8, "unknown word 'Softmx'", "did you mean 'softmax'?" },
    { "qqq - softmax", 1, "unknown word 'qqq'", "expected a layer or loss (" ALL ")" },
    { "join - softmax", 1, "unknown word 'join'", "expected a layer or loss (" ALL ")" },
    { "- relu", 1, "unexpected '-'", "expected a layer" },
    { "relu - - svm", 8, "unexpected '-'", "expected a layer" },
    { "relu -- svm", 7, "unexpected '-'", "expected a layer" },
    { "5 - svm", 1, "unexpected number '5'", "expected a layer" },
    { "relu - 3x3 - svm", 8, "unexpected number '3x3'", "expected a layer" },
    { "relu 5 - svm", 6, "relu: unexpected number '5'", "expected '-'" },
    { "relu x 4 - svm", 6, "relu: unexpected 'x'", "expected 'x COUNT' only after '}'" },
    { "affine 10 x4 - svm", 11, "affine: unexpected 'x4'", "expected 'x COUNT' only after '}'" },
    { "relu relu - svm", 6, "unexpected 'relu'", "expected '-' before it" },
    { "relu softmax", 6, "unexpected 'softmax'", "expected '-' before it" },
    { "relu conv", 6, "unexpected 'conv'", "expected '-' before it" },
    { "relu {relu} - svm", 6, "unexpected '{'", "expected '-' before it" },
    { "{relu} {relu} - svm", 8, "unexpected '{'", "expected '-' before it" },
    { "{relu} relu - svm", 8, "unexpected 'relu'", "expected '-' before it" },
    { "{relu} 4 - svm", 8, "unexpected '4'", "expected 'x COUNT' or '-'" },
    { "{relu} x 4 5 - svm", 12, "unexpected '5'", "expected '-'" },
    { "{relu} y 4 - svm", 8, "unexpected 'y'", "expected 'x COUNT' or '-'" },
    { "{relu} x 4 x 4 - svm", 12, "unexpected 'x'", "expected '-'" },
    { "{relu} X 4", 8, "unexpected 'X'", "expected 'x COUNT' or '-'" },
    { "{relu} * 4 - svm", 8, "unexpected character '*'", "expected a layer, '-', '{', '}' or '|'" },
    { "{relu} x - svm", 10, "the count after 'x' is missing", "expected a whole number from 1 to 1000" },
    { "{relu} x", 9, "the count after 'x' is missing", "expected a whole number from 1 to 1000" },
    { "{relu} x relu - svm", 10, "the count cannot be 'relu'", "expected a whole number from 1 to 1000" },
    { "{relu} x 0 - svm", 10, "the count cannot be '0'", "expected a whole number from 1 to 1000" },
    { "{relu} x0 - svm", 9, "the count cannot be '0'", "expected a whole number from 1 to 1000" },
    { "{relu} x 1001 - svm", 10, "the count cannot be '1001'", "expected a whole number from 1 to 1000" },
    { "{relu} x 99999999999999999999 - svm", 10, "the count cannot be '99999999999999999999'",
      "expected a whole number from 1 to 1000" },
    { "{relu} x 2.5 - svm", 10, "the count cannot be '2.5'", "expected a whole number from 1 to 1000" },
    { "{relu} x -2 - svm", 10, "the count after 'x' is missing", "expected a whole number from 1 to 1000" },
    { "{relu} x4e-5 - svm", 9, "the count cannot be '4e'", "expected a whole number from 1 to 1000" },
    { "{relu} xrelu", 8, "unexpected 'xrelu'", "expected 'x COUNT' or '-'" },
    { "{} - svm", 2, "unexpected '}'", "expected a layer" },
    { "{", 1, "'{' is not closed", "expected '}' before the end of the text" },
    { "{relu", 1, "'{' is not closed", "expected '}' before the end of the text" },
    { "relu - {relu -", 15, "unexpected end of the text", "expected a layer" },
    { "relu - { relu - {gelu} x 3", 8, "'{' is not closed", "expected '}' before the end of the text" },
    { "{relu - } - svm", 9, "unexpected '}'", "expected a layer" },
    { "residual {relu | } - svm", 18, "unexpected '}'", "expected a layer" },
    { "residual { | relu} - svm", 12, "unexpected '|'", "expected a layer" },
    { "residual {relu | relu | relu} - svm", 23, "a second '|'", "it stands once, in residual {... | ...}" },
    { "residual {relu | relu", 10, "'{' is not closed", "expected '}' before the end of the text" },
    { "residual {", 10, "'{' is not closed", "expected '}' before the end of the text" },
    { "residual relu", 10, "unexpected 'relu'", "expected '{' after residual" },
    { "residual", 9, "unexpected end of the text", "expected '{' after residual" },
    { "residual {relu} x 3 - svm", 17, "a residual block takes no count", "write {residual {...}} x COUNT" },
    { "residual {relu} 3 - svm", 17, "unexpected '3'", "expected '-'" },
    { "residual {relu} relu", 17, "unexpected 'relu'", "expected '-' before it" },
    { "residual {relu} {", 17, "unexpected '{'", "expected '-' before it" },
    { "} - svm", 1, "stray '}'", "no '{' is open" },
    { "relu } - svm", 6, "stray '}'", "no '{' is open" },
    { "relu - } - svm", 8, "stray '}'", "no '{' is open" },
    { "| relu", 1, "stray '|'", "it stands once, in residual {... | ...}" },
    { "relu | relu - svm", 6, "stray '|'", "it stands once, in residual {... | ...}" },
    { "{relu | relu} - svm", 7, "stray '|'", "it stands once, in residual {... | ...}" },
    { "{| relu} - svm", 2, "stray '|'", "it stands once, in residual {... | ...}" },
    { "dropout - svm", 9, "dropout: p is missing", "expected a number of at least 0 and below 1" },
    { "dropout", 8, "dropout: p is missing", "expected a number of at least 0 and below 1" },
    { "dropout 1 - svm", 9, "dropout: p cannot be '1'", "expected a number of at least 0 and below 1" },
    { "dropout 1.5 - svm", 9, "dropout: p cannot be '1.5'", "expected a number of at least 0 and below 1" },
    { "dropout -0.1 - svm", 9, "dropout: p cannot be '-0.1'", "expected a number of at least 0 and below 1" },
    { "dropout half - svm", 9, "dropout: p cannot be 'half'", "expected a number of at least 0 and below 1" },
    { "dropout relu - svm", 9, "dropout: p cannot be 'relu'", "expected a number of at least 0 and below 1" },
    { "dropout p 0.5 - svm", 9, "dropout: p is written without its name",
      "expected a number of at least 0 and below 1" },
    { "dropout 0.5 0.5 - svm", 13, "dropout: unexpected number '0.5'", "expected '-'" },
    { "dropout 1.2.3 - svm", 9, "dropout: p cannot be '1.2.3'", "expected a number of at least 0 and below 1" },
    { "dropout 0x1p-3 - svm", 9, "dropout: p cannot be '0x1p'", "expected a number of at least 0 and below 1" },
    { "dropout . - svm", 9, "dropout: p cannot be '.'", "expected a number of at least 0 and below 1" },
    { "dropout 1e999 - svm", 9, "dropout: p cannot be '1e999'", "expected a number of at least 0 and below 1" },
    { "affine 0 - svm", 8, "affine: size cannot be '0'", "expected a whole number from 1 to 16777216" },
    { "affine 1.5 - svm", 8, "affine: size cannot be '1.5'", "expected a whole number from 1 to 16777216" },
    { "affine 16777217 - svm", 8, "affine: size cannot be '16777217'", "expected a whole number from 1 to 16777216" },
    { "affine 1e3 - svm", 8, "affine: size cannot be '1e3'", "expected a whole number from 1 to 16777216" },
    { "affine 3x3 - svm", 8, "affine: size cannot be '3x3'", "expected a whole number from 1 to 16777216" },
    { "affine 10 20 - svm", 11, "affine: unexpected number '20'", "expected '-'" },
    { "batchnorm eps - svm", 15, "batchnorm: eps has no value", "expected a number of at least 0" },
    { "batchnorm eps", 14, "batchnorm: eps has no value", "expected a number of at least 0" },
    { "batchnorm eps eps - svm", 15, "batchnorm: eps cannot be 'eps'", "expected a number of at least 0" },
    { "batchnorm eps 1e-5 eps 1e-5 - svm", 20, "batchnorm: eps is given twice", "expected it once" },
    { "batchnorm epz 1e-5 - svm", 11, "batchnorm has no option 'epz'", "did you mean 'eps'?" },
    { "batchnorm 1e-5 - svm", 11, "batchnorm: unexpected number '1e-5'", "expected an option (eps, momentum) or '-'" },
    { "batchnorm eps -1 - svm", 15, "batchnorm: eps cannot be '-1'", "expected a number of at least 0" },
    { "batchnorm momentum 2 - svm", 20, "batchnorm: momentum cannot be '2'", "expected a number from 0 to 1" },
    { "batchnorm qqqqq - svm", 11, "batchnorm has no option 'qqqqq'", "expected an option (eps, momentum) or '-'" },
    { "batchnorm eps nan - svm", 15, "batchnorm: eps cannot be 'nan'", "expected a number of at least 0" },
    { "batchnorm eps - 1 - svm", 15, "batchnorm: eps has no value", "expected a number of at least 0" },
    { "conv - svm", 6, "conv: filters is missing", "expected a whole number from 1 to 65536" },
    { "conv 8 - svm", 8, "conv: kernel is missing",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "conv 8 3x - svm", 8, "conv: kernel cannot be '3x'",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "conv 8 3x0 - svm", 8, "conv: kernel cannot be '3x0'",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "conv 8 3x3x3 - svm", 8, "conv: kernel cannot be '3x3x3'",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "conv 8 x3 - svm", 8, "conv: kernel cannot be 'x3'",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "conv 8 stride 2 3x3 - svm", 17, "conv: unexpected '3x3'", "values without a name come before options" },
    { "conv stride 2 - svm", 15, "conv: filters is missing", "expected a whole number from 1 to 65536" },
    { "conv 8 3 nobias nobias - svm", 17, "conv: nobias is given twice", "expected it once" },
    { "conv 8 3 nobias 2 - svm", 17, "conv: unexpected number '2'", "expected an option (stride, nobias) or '-'" },
    { "conv 8 3 strid 2 - svm", 10, "conv has no option 'strid'", "did you mean 'stride'?" },
    { "conv 8 3 stride 1000 - svm", 17, "conv: stride cannot be '1000'",
      "expected two whole numbers such as 3x5, or one for both, from 1 to 999" },
    { "maxpool stride 2", 9, "maxpool has no option 'stride'", "expected an option (ties) or '-'" },
    { "maxpool ties 3x3", 14, "maxpool: ties cannot be '3x3'", "expected one of first, split, all" },
    { "maxpool ties split 3x3", 20, "maxpool: unexpected '3x3'", "values without a name come before options" },
    { "maxpool ties slpit - svm", 14, "maxpool: ties cannot be 'slpit'", "expected one of first, split, all" },
    { "maxpool ties - svm", 14, "maxpool: ties has no value", "expected one of first, split, all" },
    { "gelu tahn - svm", 6, "gelu has no option 'tahn'", "did you mean 'tanh'?" },
    { "gelu exact - svm", 6, "gelu has no option 'exact'", "expected an option (erf, tanh) or '-'" },
    { "gelu 3 - svm", 6, "gelu: unexpected number '3'", "expected an option (erf, tanh) or '-'" },
    { "avgpool globl - svm", 9, "avgpool has no option 'globl'", "did you mean 'global'?" },
    { "leaky shift 11 - svm", 13, "leaky: shift cannot be '11'", "expected a number from -10 to 10" },
    { "affine 10 + softmax", 11, "unexpected character '+'", "expected a layer, '-', '{', '}' or '|'" },
    { "affine 10, softmax", 10, "unexpected character ','", "expected a layer, '-', '{', '}' or '|'" },
    { "a_very_long_word_that_goes_on_and_on_for_more_than_forty_characters - svm", 1,
      "unknown word 'a_very_long_word_that_goes_on_an...'", "expected a layer or loss (" ALL ")" },
};

static void each_mistake_has_its_message_and_caret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char message[LAMI_MESSAGE_MAX];
        snprintf(message, sizeof message, "%s: line 1, column %d: %s\n%s\n%*s^", mistakes[i].what, mistakes[i].column,
                 mistakes[i].expected, mistakes[i].text, mistakes[i].column - 1, "");
        assert_mistake(mistakes[i].text, message);
    }
}

static void an_empty_text_is_a_mistake(void **state)
{
    (void)state;
    assert_mistake("", "the notation is empty: line 1, column 1: expected a layer\n\n^");
    assert_mistake(" \n# nothing\n", "the notation is empty: line 1, column 1: expected a layer\n\n^");
}

static void a_mistake_at_the_end_is_shown_after_the_last_word(void **state)
{
    (void)state;
    assert_mistake("affine 10\n  - relu  # and?\n\n",
                   "no loss: line 2, column 9: a loss (softmax, svm) must come last\n"
                   "  - relu  # and?\n"
                   "        ^");
}

static void tabs_returns_and_foreign_characters_keep_the_caret_in_place(void **state)
{
    (void)state;
    assert_mistake("# caf\xc3\xa9\r\n\t\taffine\t-1\t# caf\xc3\xa9 \x1b[31m\r\n",
                   "affine: size cannot be '-1': line 2, column 10: expected a whole number from 1 to 16777216\n"
                   "  affine -1 # caf? ?[31m\n"
                   "         ^");
    assert_mistake("affine 10 \xe2\x80\x93 softmax", "character U+2013: line 1, column 11: expected an ASCII '-'\n"
                                                     "affine 10 ? softmax\n"
                                                     "          ^");
    assert_mistake("{affine 10}\xc3\x97 4 - softmax", "character U+00D7: line 1, column 12: expected the letter 'x'\n"
                                                      "{affine 10}? 4 - softmax\n"
                                                      "           ^");
    assert_mistake("affine\xc2\xa0"
                   "10",
                   "character U+00A0: line 1, column 7: expected an ASCII space\n"
                   "affine?10\n"
                   "      ^");
    assert_mistake("r\xc3\xa9lu - svm", "character U+00E9: line 1, column 2: expected ASCII outside comments\n"
                                        "r?lu - svm\n"
                                        " ^");
    assert_mistake("relu \xff", "byte 0xFF: line 1, column 6: expected ASCII outside comments\nrelu ?\n     ^");
    assert_mistake("relu \xf0\x9f", "byte 0xF0: line 1, column 6: expected ASCII outside comments\nrelu ?\n     ^");
    assert_mistake("relu \x1b[0m", "control character 0x1B: line 1, column 6: expected a layer, '-', '{', '}' or '|'\n"
                                   "relu ?[0m\n"
                                   "     ^");
}

static void a_long_line_is_cut_round_the_place(void **state)
{
    (void)state;
    char *many = repeat("relu - ", 40), *late = join3(many, "5 - ", many), *last = join3(many, "5", "");
    char *early = join3("5 - ", many, "");
    assert_mistake(late,
                   "unexpected number '5': line 1, column 281: expected a layer\n"
                   "...u - relu - relu - relu - relu - relu - relu - relu - relu - relu - 5 - relu - relu - relu - re"
                   "...\n"
                   "                                                                      ^");
    assert_mistake(last, "unexpected number '5': line 1, column 281: expected a layer\n"
                         "...u - relu - relu - relu - relu - relu - relu - relu - relu - relu - 5\n"
                         "                                                                      ^");
    assert_mistake(early,
                   "unexpected number '5': line 1, column 1: expected a layer\n"
                   "5 - relu - relu - relu - relu - relu - relu - relu - relu - relu - relu - relu - relu - relu - re"
                   "...\n"
                   "^");
    lami_free(early);
    lami_free(last);
    lami_free(late);
    lami_free(many);
}

static void a_place_found_later_is_shown_in_the_same_way(void **state)
{
    (void)state;
    assert_int_equal(trial_fail(LAM_ESHAPE, "relu -\n affine 10", 8, "affine: no input"), LAM_ESHAPE);
    assert_string_equal(lam_last_error(), "affine: no input: line 2, column 2\n affine 10\n ^");
    assert_int_equal(trial_fail(LAM_ESHAPE, "relu", 999, "odd"), LAM_ESHAPE);
    assert_string_equal(lam_last_error(), "odd: line 1, column 5\nrelu\n    ^");
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void sixty_four_braces_nest_and_no_more(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        char *open = repeat("{", (size_t)depth), *close = repeat("} x 1", (size_t)depth);
        char *inner = join3(open, "relu", close), *text = join3(inner, " - svm", "");
        if (depth == 64)
            assert_prints(text, "relu - svm");
        lami_item *net;
        assert_int_equal(trial_parse(&net, text), depth == 64 ? LAM_OK : LAM_ENOTATION);
        if (depth == 64)
            trial_free(net);
        else
            assert_non_null(
                strstr(lam_last_error(), "braces are nested too deeply: line 1, column 65: expected at most 64"));
        lami_free(text);
        lami_free(inner);
        lami_free(close);
        lami_free(open);
    }
    char *deep = repeat("residual{", 65);
    lami_item *net;
    assert_int_equal(trial_parse(&net, deep), LAM_ENOTATION);
    assert_non_null(strstr(lam_last_error(), "braces are nested too deeply: line 1, column 585"));
    lami_free(deep);
}

static void ten_thousand_layers_fit_and_no_more(void **state)
{
    (void)state;
    assert_prints("{{relu} x 100} x 100 - svm", "{{relu} x 100} x 100 - svm");
    assert_prints(
        "{residual {relu - relu | relu - relu}} x 1000 - {relu} x 1000 - {relu} x 1000 - {relu - relu} x 1000 - "
        "relu - {{relu} x 333} x 3 - svm",
        "{residual {relu - relu | relu - relu}} x 1000 - {relu} x 1000 - {relu} x 1000 - {relu - relu} x 1000 - "
        "relu - {{relu} x 333} x 3 - svm");
    assert_mistake("relu - {{relu} x 100} x 100 - svm",
                   "10001 layers with repetitions: line 1, column 8: expected at most 10000\n"
                   "relu - {{relu} x 100} x 100 - svm\n"
                   "       ^");
    assert_mistake("{relu} x 10 - {{{{relu} x 1000} x 1000} x 1000} x 1000 - svm",
                   "1000000 layers with repetitions: line 1, column 17: expected at most 10000\n"
                   "{relu} x 10 - {{{{relu} x 1000} x 1000} x 1000} x 1000 - svm\n"
                   "                ^");
    char *fit = repeat("relu-", 10000), *good = join3(fit, "svm", ""), *bad = join3(fit, "relu", "-svm");
    lami_item *net = parsed(good);
    trial_free(net);
    assert_int_equal(trial_parse(&net, bad), LAM_ENOTATION);
    assert_non_null(strstr(lam_last_error(), "10001 layers with repetitions: line 1, column 50001"));
    lami_free(bad);
    lami_free(good);
    lami_free(fit);
}

static void a_text_over_the_limit_is_refused(void **state)
{
    (void)state;
    char *spaces = repeat(" ", LAMI_MAX_NOTATION - 8);
    char *fits = join3("relu-svm", spaces, ""), *over = join3("relu-svm", spaces, " ");
    lami_item *net = parsed(fits);
    trial_free(net);
    assert_int_equal(trial_parse(&net, over), LAM_ENOTATION);
    assert_non_null(
        strstr(lam_last_error(), "the text is too long: line 1, column 1048577: expected at most 1048576 bytes"));
    lami_free(over);
    lami_free(fits);
    lami_free(spaces);
}

/* ---- random trees ------------------------------------------------------------------------------------------------ */

static uint32_t dice_state = 1;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % sides;
}

static double random_real(const lami_opt *row)
{
    const double least = row->least < -1e9 ? -1e9 : row->least, most = row->most > 1e9 ? 1e9 : row->most;
    const double steps = dice(2) ? 10 : 1 << 20;
    return least + (most - least) * (double)dice((size_t)steps) / steps;
}

static size_t random_size(const lami_opt *row)
{
    const size_t least = (size_t)row->least, span = (size_t)(row->most - row->least) + 1;
    return least + dice(dice(2) ? span : 8);
}

static void random_value(const lami_opt *row, char *field)
{
    if (row->kind == LAMI_OPT_REAL) {
        const double real = random_real(row);
        memcpy(field, &real, sizeof real);
    } else if (row->kind == LAMI_OPT_SIZE) {
        const size_t size = random_size(row);
        memcpy(field, &size, sizeof size);
    } else if (row->kind == LAMI_OPT_PAIR) {
        const size_t pair[2] = { random_size(row), random_size(row) };
        memcpy(field, pair, sizeof pair);
    } else {
        const int word = (int)dice((size_t)row->most + 1);
        memcpy(field, &word, sizeof word);
    }
}

/* Half of the rows that need not be written stay at their default. */
static void random_options(const lami_layer *layer, trial *t)
{
    set_defaults(layer, t);
    for (const lami_opt *row = layer->options; row && row->name; row++)
        if (row->required || dice(2))
            random_value(row, (char *)t + row->offset);
}

static lami_item *random_chain(size_t depth, size_t length);

static lami_item *random_item(size_t depth)
{
    lami_item *item;
    const size_t kind = depth ? dice(4) : 0;
    assert_int_equal(new_item(&item,
                              kind == 3   ? LAMI_ITEM_RESIDUAL
                              : kind == 2 ? LAMI_ITEM_GROUP
                                          : LAMI_ITEM_LAYER,
                              0),
                     LAM_OK);
    if (kind >= 2) {
        item->body = random_chain(depth - 1, 1 + dice(3));
        item->shortcut = kind == 3 && dice(2) ? random_chain(depth - 1, 1 + dice(2)) : NULL;
        item->count = kind == 2 ? 2 + dice(3) : 1;
        return item;
    }
    do
        item->layer = trial_layers[dice(sizeof trial_layers / sizeof *trial_layers - 1)];
    while (item->layer->hidden);
    if (item->layer->opts_size) {
        item->opts = lami_alloc(1, item->layer->opts_size);
        assert_non_null(item->opts);
        random_options(item->layer, item->opts);
    }
    return item;
}

static lami_item *random_chain(size_t depth, size_t length)
{
    lami_item *first = NULL, **link = &first;
    for (size_t i = 0; i < length; i++) {
        *link = random_item(depth);
        link = &(*link)->next;
    }
    return first;
}

static void assert_same(const lami_item *a, const lami_item *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_int_equal(a->kind, b->kind);
        assert_ptr_equal(a->layer, b->layer);
        assert_ptr_equal(a->loss, b->loss);
        assert_int_equal(a->count, b->count);
        if (a->opts)
            assert_memory_equal(a->opts, b->opts, sizeof(trial));
        assert_same(a->body, b->body);
        assert_same(a->shortcut, b->shortcut);
    }
    assert_true(a == b);
}

static void random_trees_survive_printing_and_parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        lami_item *net = random_chain(3, 1 + dice(4)), **end = &net, *back = NULL;
        while (*end)
            end = &(*end)->next;
        assert_int_equal(new_item(end, LAMI_ITEM_LOSS, 0), LAM_OK);
        (*end)->loss = trial_losses[dice(2)];
        char *text = trial_print(net);
        assert_non_null(text);
        if (trial_parse(&back, text))
            fail_msg("%s", lam_last_error());
        assert_same(net, back);
        char *again = trial_print(back);
        assert_string_equal(text, again);
        lami_free(again);
        lami_free(text);
        trial_free(back);
        trial_free(net);
    }
}

static void groups_of_count_1_made_by_hand_are_printed_open(void **state)
{
    (void)state;
    lami_item last = { .kind = LAMI_ITEM_LOSS, .loss = &svm }, inner = { .kind = LAMI_ITEM_LAYER, .layer = &relu };
    lami_item group = { .kind = LAMI_ITEM_GROUP, .count = 1, .body = &inner, .next = &last };
    char *text = trial_print(&group);
    assert_string_equal(text, "relu - svm");
    lami_free(text);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    static const char text[] = "{affine 3 - {relu - dropout 0.5}} x 2 - residual {{relu} x 2 | conv 8 3} - softmax";
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_item *net;
        lami_alloc_fail_at(n);
        status = trial_parse(&net, text);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_ENOMEM || n > 10);
        assert_true(!status == !!net);
        trial_free(net);
    }
    assert_int_equal(status, LAM_OK);
    lami_item *net = parsed(text);
    char *printed = NULL;
    for (long n = 1; !printed; n++) {
        lami_alloc_fail_at(n);
        printed = trial_print(net);
        lami_alloc_fail_at(0);
        assert_true(!printed || n > 2);
    }
    lami_free(printed);
    trial_free(net);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void assert_text(const char *argument, const char *expected)
{
    char *text;
    if (trial_text(&text, argument))
        fail_msg("%s", lam_last_error());
    assert_string_equal(text, expected);
    lami_free(text);
}

static void an_argument_with_space_or_brace_or_a_known_name_is_notation(void **state)
{
    (void)state;
    static const char *const notations[] = {
        "affine 10 - softmax", "{relu}x3-svm", "relu\n-svm", "relu", "linear", "svm", "conv", "residual", "",
        "no such file"
    };
    for (size_t i = 0; i < sizeof notations / sizeof *notations; i++)
        assert_text(notations[i], notations[i]);
}

/* Write `size` bytes to a new file and have it read as an argument. */
static lam_status file_text(char **text, const char *data, size_t size, char path[32])
{
    snprintf(path, 32, "notation-XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, size), (ssize_t)size);
    close(file);
    const lam_status status = trial_text(text, path);
    unlink(path);
    return status;
}

static void other_arguments_are_files(void **state)
{
    (void)state;
    static const char *const data[][2] = {
        { "# net\naffine 10\r\n\t- softmax\n", "# net\naffine 10\r\n\t- softmax\n" },
        { "\xef\xbb\xbfrelu - svm", "relu - svm" },
        { "", "" },
    };
    char *text, path[32];
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        assert_int_equal(file_text(&text, data[i][0], strlen(data[i][0]), path), LAM_OK);
        assert_string_equal(text, data[i][1]);
        lami_free(text);
    }
}

static void files_that_hold_no_notation_are_refused_by_name(void **state)
{
    (void)state;
    char *text, path[32], message[128];
    assert_int_equal(trial_text(&text, "no-such-net"), LAM_EREAD);
    assert_null(text);
    assert_non_null(strstr(lam_last_error(), "no-such-net"));
    assert_int_equal(trial_text(&text, "/"), LAM_EREAD);
    assert_int_equal(file_text(&text, "relu\0- svm", 10, path), LAM_EFORMAT);
    snprintf(message, sizeof message, "%s: not text: byte 4 is 0x00", path);
    assert_string_equal(lam_last_error(), message);
    char *big = repeat(" ", LAMI_MAX_NOTATION + 1);
    assert_int_equal(file_text(&text, big, LAMI_MAX_NOTATION + 1, path), LAM_EFORMAT);
    assert_non_null(strstr(lam_last_error(), path));
    lami_free(big);
}

static void a_failed_allocation_while_reading_a_file_is_reported(void **state)
{
    (void)state;
    char *text, path[32];
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = file_text(&text, "relu - svm", 10, path);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
    }
    lami_free(text);
    lami_alloc_fail_at(1);
    assert_int_equal(trial_text(&text, "relu - svm"), LAM_ENOMEM);
    lami_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text_prints_as_itself),
        cmocka_unit_test(other_spellings_print_canonically),
        cmocka_unit_test(a_dash_is_a_sign_only_after_a_name_and_a_space_before_a_digit),
        cmocka_unit_test(the_tree_has_what_the_text_says),
        cmocka_unit_test(comments_end_with_their_line_and_may_hold_anything),
        cmocka_unit_test(each_mistake_has_its_message_and_caret),
        cmocka_unit_test(an_empty_text_is_a_mistake),
        cmocka_unit_test(a_mistake_at_the_end_is_shown_after_the_last_word),
        cmocka_unit_test(tabs_returns_and_foreign_characters_keep_the_caret_in_place),
        cmocka_unit_test(a_long_line_is_cut_round_the_place),
        cmocka_unit_test(a_place_found_later_is_shown_in_the_same_way),
        cmocka_unit_test(sixty_four_braces_nest_and_no_more),
        cmocka_unit_test(ten_thousand_layers_fit_and_no_more),
        cmocka_unit_test(a_text_over_the_limit_is_refused),
        cmocka_unit_test(random_trees_survive_printing_and_parsing),
        cmocka_unit_test(groups_of_count_1_made_by_hand_are_printed_open),
        cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_leaks),
        cmocka_unit_test(an_argument_with_space_or_brace_or_a_known_name_is_notation),
        cmocka_unit_test(other_arguments_are_files),
        cmocka_unit_test(files_that_hold_no_notation_are_refused_by_name),
        cmocka_unit_test(a_failed_allocation_while_reading_a_file_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
