/* The words of the notation: the tables of layers and losses keep the rules that parser and printer rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/net/notation.h"

static int is_plain(const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    return *word && strspn(word, letters) > 0 && strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(word);
}

static int known(const char *word)
{
    return lami_layer_find(word, strlen(word)) || lami_loss_find(word, strlen(word));
}

static void each_word_is_plain_found_and_means_one_thing(void **state)
{
    (void)state;
    for (size_t i = 0; lami_layers[i]; i++) {
        const lami_layer *layer = lami_layers[i];
        if (layer->hidden)
            continue;
        const char *const names[] = { layer->name, layer->alias };
        for (size_t n = 0; n < 2 && names[n]; n++) {
            assert_true(is_plain(names[n]));
            assert_ptr_equal(lami_layer_find(names[n], strlen(names[n])), layer);
            assert_null(lami_loss_find(names[n], strlen(names[n])));
            assert_string_not_equal(names[n], "residual");
            assert_null(lami_layer_find(names[n], strlen(names[n]) - 1));
        }
    }
    for (size_t i = 0; lami_losses[i]; i++) {
        const char *const name = lami_losses[i]->name;
        assert_true(is_plain(name));
        assert_ptr_equal(lami_loss_find(name, strlen(name)), lami_losses[i]);
    }
}

static size_t value_size(const lami_opt *row)
{
    switch (row->kind) {
    case LAMI_OPT_REAL:
        return sizeof(double);
    case LAMI_OPT_SIZE:
        return sizeof(size_t);
    case LAMI_OPT_PAIR:
        return 2 * sizeof(size_t);
    case LAMI_OPT_WORD:
    case LAMI_OPT_FLAG:
        return sizeof(int);
    }
    return 0;
}

/* A default that is out of range says "left out", and only of sizes; -1 is the first word of a pair. */
static void assert_range(const lami_opt *row)
{
    if (row->kind == LAMI_OPT_WORD || row->kind == LAMI_OPT_FLAG)
        return;
    assert_true(row->least <= row->most);
    const int in_range = row->fallback >= row->least && row->fallback <= row->most;
    const int is_size = row->kind == LAMI_OPT_SIZE || row->kind == LAMI_OPT_PAIR;
    const int is_word = row->kind == LAMI_OPT_PAIR && row->words && row->fallback == -1;
    assert_true(in_range || row->required || is_word || (is_size && row->fallback == 0));
}

static void each_option_can_be_written_and_read(void **state)
{
    (void)state;
    for (size_t i = 0; lami_layers[i]; i++) {
        const lami_opt *rows = lami_layers[i]->options;
        size_t count = 0, values = 0;
        for (const lami_opt *row = rows; row && row->name; row++, count++) {
            assert_true(is_plain(row->name));
            /* Else a missing '-' could not be told. But everybody knows that form of gelu by a layer's name. */
            assert_true(!known(row->name) || (lami_layers[i] == &lami_gelu && !strcmp(row->name, "tanh")));
            for (const lami_opt *other = rows; other < row; other++)
                assert_string_not_equal(other->name, row->name);
            assert_true(row->offset + value_size(row) <= lami_layers[i]->opts_size);
            assert_true(row->kind != LAMI_OPT_WORD || row->words);
            assert_true(row->kind != LAMI_OPT_FLAG || (!row->positional && row->fallback == 0));
            /* A '-' before a second value would separate. */
            assert_true(!row->positional || values++ == 0 || row->kind != LAMI_OPT_REAL || row->least >= 0);
            assert_range(row);
        }
        assert_in_range(count, 0, 64);
    }
}

static void assert_prints(const char *text, const char *canonical)
{
    lami_item *net;
    if (lami_notation_parse(&net, text))
        fail_msg("%s", lam_last_error());
    char *printed = lami_notation_print(net);
    assert_non_null(printed);
    assert_string_equal(printed, canonical);
    lami_free(printed);
    lami_notation_free(net);
}

static void the_words_of_this_version_parse_and_print(void **state)
{
    (void)state;
    assert_prints("{linear 100 - batchnorm - relu - dropout 0.25}x4 - affine 10 - softmax",
                  "{affine 100 - batchnorm - relu - dropout 0.25} x 4 - affine 10 - softmax");
    assert_prints("batchnorm momentum 0.90 eps .001 - layernorm eps 1e-3 - affine - svm",
                  "batchnorm eps 0.001 - layernorm eps 0.001 - affine - svm");
    assert_prints("leakyrelu 0.010 - leakyrelu .2 - elu 1.0 - elu 0.5 - gelu - gelu tanh - silu - sigmoid - tanh - svm",
                  "leakyrelu - leakyrelu 0.2 - elu - elu 0.5 - gelu - gelu tanh - silu - sigmoid - tanh - svm");
    assert_prints("gelu - tanh - {tanh} x 2 - svm", "gelu - tanh - {tanh} x 2 - svm");
    assert_prints("residual {affine 8 - relu - affine 8 | {linear 8}} - {residual{relu}}x3 - affine 3 - svm",
                  "residual {affine 8 - relu - affine 8 | affine 8} - {residual {relu}} x 3 - affine 3 - svm");
}

static void a_pair_may_be_a_word(void **state)
{
    (void)state;
    assert_prints("conv 8 3 pad same - conv 8 3x5 pad valid stride 2 - conv 8 3 pad 1x2 nobias - affine - svm",
                  "conv 8 3x3 - conv 8 3x5 stride 2x2 pad valid - conv 8 3x3 pad 1x2 nobias - affine - svm");
    lami_item *net;
    assert_int_equal(lami_notation_parse(&net, "conv 8 3x3 pad sam - svm"), LAM_ENOTATION);
    assert_non_null(strstr(lam_last_error(), "or one of same, valid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_is_plain_found_and_means_one_thing),
        cmocka_unit_test(each_option_can_be_written_and_read),
        cmocka_unit_test(the_words_of_this_version_parse_and_print),
        cmocka_unit_test(a_pair_may_be_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
