/* space: the values that a search goes through. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/train/space.h"

static const char net[] = "affine 5 - relu - affine 3 - softmax";

static lami_space *make(const char *notation, const char *grid, const char *random, uint64_t seed)
{
    lami_space *space = NULL;
    const lam_status status = lami_space_new(&space, notation, grid, random, seed);
    if (status)
        print_error("%s\n", lam_last_error());
    assert_int_equal(status, LAM_OK);
    return space;
}

/* The values of a dimension are these, separated by spaces. */
static void assert_values(const char *grid, const char *expected)
{
    char all[1024] = "";
    lami_space *space = make(net, grid, NULL, 0);
    for (size_t i = 0; i < space->dim[0].count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", space->dim[0].value[i]);
    assert_string_equal(all, expected);
    lami_space_free(space);
}

static void lists_and_ranges_give_their_values(void **state)
{
    (void)state;
    assert_values("lr=1e-3,1e-2 , 5", "1e-3 1e-2 5");
    assert_values("lr=1e-4..1e-2:log:3", "0.0001 0.001 0.01");
    assert_values("lr=1e-4..1e-2:8:log", "0.0001 0.0001931 0.0003728 0.0007197 0.001389 0.002683 0.005179 0.01");
    assert_values("l2=0..0.5:6", "0 0.1 0.2 0.3 0.4 0.5");
    assert_values("l2=0..0.3:linear:4", "0 0.1 0.2 0.3");
    assert_values("lr=1..1.001:3", "1 1.0005 1.001"); /* not rounded together */
    assert_values("batch=10..14", "10 11 12 13 14");
    assert_values("batch=10..1000:log:3", "10 100 1000");
    assert_values("batch=1..4:log:9", "1 2 3 4"); /* each once */
    assert_values("seed=0,1,18446744073709551615", "0 1 18446744073709551615");
    assert_values("optim=adam,sgd", "adam sgd");
    assert_values("preprocess=none|scale=2,mean-image", "none scale=2,mean-image");
    assert_values("scale-targets=0,1", "0 1");
    assert_values("set=*.bias l2 0|*.weight lr x2", "*.bias l2 0 *.weight lr x2");
}

static void a_grid_counts_through_its_points_the_last_dimension_fastest(void **state)
{
    (void)state;
    static const char *const expected[] = { "lr=1 batch=7", "lr=1 batch=8", "lr=1 batch=9",
                                            "lr=2 batch=7", "lr=2 batch=8", "lr=2 batch=9" };
    char text[64];
    lami_space *space = make(net, "lr=1,2; batch=7..9", NULL, 0);
    assert_int_equal(space->points, 6);
    for (size_t i = 0; i < 6; i++) {
        lami_space_text(text, sizeof text, space, i);
        assert_string_equal(text, expected[i]);
    }
    lami_space_text(text, 8, space, 0);
    assert_string_equal(text, "lr=1 ba");
    lami_space_free(space);
}

static void words_of_the_notation_are_filled_in(void **state)
{
    (void)state;
    static const char notation[] =
        "{affine $width - relu - dropout $p} x $deep # and so on, $5\n  - affine - softmax\n";
    lami_space *space = make(notation, "width=5,6;p=0..0.2:3;deep=1..2", NULL, 0);
    lam_options *options;
    char *text;
    assert_int_equal(lam_options_new(&options), LAM_OK);
    assert_int_equal(lami_space_apply(&text, options, space, 11), LAM_OK);
    assert_string_equal(text, "{affine 6 - relu - dropout 0.2} x 2 - affine - softmax");
    lami_free(text);
    assert_int_equal(lami_space_apply(&text, options, space, 0), LAM_OK);
    assert_string_equal(text, "{affine 5 - relu - dropout 0} x 1 - affine - softmax");
    lami_free(text);
    lami_space_free(space);
    lam_options_free(options);
}

static void options_of_a_trial_are_set_and_rules_replaced(void **state)
{
    (void)state;
    lam_options *options;
    char *text;
    const char *value;
    lami_space *space = make(net, "optim=sgd,adam;set=*.bias l2 0|*.weight lr x2", NULL, 0);
    assert_int_equal(lam_options_new(&options), LAM_OK);
    assert_int_equal(lami_space_apply(&text, options, space, 0), LAM_OK);
    lami_free(text);
    assert_int_equal(lami_space_apply(&text, options, space, 3), LAM_OK);
    lami_free(text);
    assert_int_equal(lam_options_get(&value, options, "optim"), LAM_OK);
    assert_string_equal(value, "adam");
    assert_int_equal(lam_options_get(&value, options, "set"), LAM_OK);
    assert_string_equal(value, "*.weight lr x2");
    lam_options_free(options);
    lami_space_free(space);
}

/* ---- chance ---- */

static double value_of(const lami_space *space, size_t trial, size_t dim)
{
    char text[LAMI_REAL_TEXT];
    double value;
    assert_int_equal(lami_parse_real(&value, lami_space_value(text, space, trial, dim)), LAM_OK);
    return value;
}

static void drawn_values_depend_on_seed_and_index_alone(void **state)
{
    (void)state;
    enum { TRIALS = 2000 };
    lami_space *space = make(net, NULL, "lr=1e-4..1e-2:log;l2=0..1;batch=1..4", 3);
    lami_space *same = make("affine 9 - softmax", "optim=sgd,adam", "lr=1e-4..1e-2:log", 3);
    lami_space *other = make(net, NULL, "lr=1e-4..1e-2:log", 4);
    size_t small = 0, low = 0, batches[5] = { 0 }, equal = 0, adam = 0;
    for (size_t i = 0; i < TRIALS; i++) {
        const double lr = value_of(space, i, 0), l2 = value_of(space, i, 1), batch = value_of(space, i, 2);
        char text[LAMI_REAL_TEXT];
        assert_true(lr >= 1e-4 && lr <= 1e-2 && l2 >= 0 && l2 <= 1 && batch >= 1 && batch <= 4);
        assert_true(floor(batch) == batch);
        small += lr < 1e-3;
        low += l2 < 0.5;
        batches[(size_t)batch]++;
        equal += lr == value_of(other, i, 0);
        adam += !strcmp(lami_space_value(text, same, i, 0), "adam");
        assert_true(strlen(lami_space_value(text, space, i, 0)) <= 10); /* four digits */
    }
    assert_in_range(small, TRIALS / 2 - 100, TRIALS / 2 + 100);
    assert_in_range(low, TRIALS / 2 - 100, TRIALS / 2 + 100);
    assert_in_range(adam, TRIALS / 2 - 100, TRIALS / 2 + 100);
    for (size_t b = 1; b <= 4; b++)
        assert_in_range(batches[b], TRIALS / 4 - 100, TRIALS / 4 + 100);
    assert_true(equal < 10);
    assert_true(value_of(space, 7, 0) == value_of(space, 7, 0));
    lami_space_free(space);
    lami_space_free(same);
    lami_space_free(other);
}

/* The very numbers: they may not change from one version to the next. */
static void drawn_values_are_these(void **state)
{
    (void)state;
    static const char *const expected[] = { "optim=adam lr=0.0001913 batch=27", "optim=sgd lr=0.00508 batch=28",
                                            "optim=adam lr=0.004132 batch=72" };
    char text[128];
    lami_space *space = make(net, "optim=sgd,adam,rmsprop", "lr=1e-4..1e-2:log;batch=10..200", 1);
    for (size_t i = 0; i < 3; i++) {
        lami_space_text(text, sizeof text, space, i);
        assert_string_equal(text, expected[i]);
    }
    lami_space_free(space);
}

/* ---- mistakes ---- */

static void mistakes_are_shown_in_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *notation, *grid, *random, *message;
    } rows[] = {
        { net, "lrr=1,2", NULL, "--grid: unknown name 'lrr': line 1, column 1: did you mean 'lr'?\nlrr=1,2\n^" },
        { "affine $width - affine - softmax", "widht=1,2", NULL,
          "--grid: unknown name 'widht': line 1, column 1: did you mean 'width'?\nwidht=1,2\n^" },
        { net, NULL, "x=1,2",
          "--random: unknown name 'x': line 1, column 1: it is no option, and the network has no $ before such a word "
          "(which "
          "needs single quotes in the shell)\nx=1,2\n^" },
        { "affine $lr - affine - softmax", "lr=1,2", NULL,
          "--grid: $lr in the network has the name of an option: line 1, column 1: take another word\nlr=1,2\n^" },
        { net, "val=1,2", NULL,
          "--grid: --val cannot be searched: line 1, column 1: it is the same for all trials\nval=1,2\n^" },
        { net, "label=1,2", NULL, "--grid: --label cannot be searched" },
        { net, "threads=1,2", NULL, "--grid: --threads cannot be searched" },
        { net, "out=a,b", NULL, "--grid: --out cannot be searched" },
        { net, "lr", NULL, "--grid: NAME=VALUES is expected: line 1, column 3" },
        { net, "lr=1,2;lr=3,4", NULL, "--grid: lr is given twice" },
        { net, "lr=1,2", "lr=1..2", "--random: lr is given twice" },
        { net, "lr=1,,2", NULL,
          "--grid: a value is missing: line 1, column 6: such as lr=1e-3,1e-2 or "
          "lr=1e-4..1e-2:log:8\nlr=1,,2\n     ^" },
        { net, "lr=", NULL, "--grid: a value is missing: line 1, column 4" },
        { net, "lr=1,2,1", NULL, "--grid: the value is given twice: line 1, column 8" },
        { net, "lr=0..1:log:5", NULL,
          "--grid: a range on a logarithmic scale begins above 0: line 1, column 4\nlr=0..1:log:5\n   ^" },
        { net, "lr=3..1:5", NULL, "--grid: the range is empty: line 1, column 4: FROM..TO needs FROM below TO" },
        { net, "lr=1..1:5", NULL, "--grid: the range is empty" },
        { net, "lr=1..2", NULL, "--grid: how many points does the grid have here?: line 1, column 8" },
        { net, "lr=1..2:1", NULL, "--grid: a range has at least 2 points: line 1, column 9" },
        { net, "lr=1..2:log:3:4", NULL, "--grid: the number of points is given twice: line 1, column 15" },
        { net, "lr=1..2:lgo:5", NULL, "--grid: unknown part of a range: line 1, column 9: 'log', 'linear' or" },
        { net, "lr=1..x:5", NULL, "--grid: a number is needed: line 1, column 7" },
        { net, "lr=..1:5", NULL, "--grid: a number is needed: line 1, column 4" },
        { net, "batch=1.5..3:5", NULL, "--grid: --batch takes whole numbers: line 1, column 7" },
        { net, "lr=1..2:1000001", NULL, "--grid: more than 1000000 points: line 1, column 9" },
        { net, "batch=1..1048576", NULL, "--grid: more than 1000000 points: line 1, column 7" },
        { net, "lr=1,1e7", NULL, "--lr: 1e7 is over 1e+06" },
        { net, NULL, "lr=1..1e7", "--lr: 1e+07 is over 1e+06" },
        { net, "batch=0,1", NULL, "--batch: 0 is under 1" },
        { net, "batch=ten", NULL, "--batch: \"ten\" is not a whole number from 0" },
        { net, "optim=adam,sdg", NULL, "--optim: unknown value \"sdg\", did you mean \"sgd\"? (sgd momentum" },
        { net, "lr=1..2:2000;l2=1..2:2000", NULL, "--grid: more than 1000000 points; take fewer values, or --random" },
        { net, NULL, NULL, "--grid or --random is needed" },
        { "affine $width - relu - affine $w2 - softmax", "width=1,2", NULL,
          "$w2 has no values: line 1, column 31: give them by --grid, such as --grid width=50,100\n"
          "affine $width - relu - affine $w2 - softmax\n                              ^" },
        { "affine $width - affine - softmax", "width=5,x", NULL, "affine: unexpected 'x': line 1, column 8" },
        { "affine $width - affine - softmax", "width=5|", NULL, "--grid: a value is missing: line 1, column 9" },
        { "affine $width - affine - softmax", "width=0..0.5:5", NULL, "" },
        { "affine - sotfmax", "lr=1,2", NULL, "unknown word 'sotfmax': line 1, column 10: did you mean 'softmax'?" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lami_space *space = NULL;
        const lam_status status = lami_space_new(&space, rows[i].notation, rows[i].grid, rows[i].random, 0);
        if ((status != LAM_ENOTATION && status != LAM_EOPTION) ||
            strncmp(lam_last_error(), rows[i].message, strlen(rows[i].message)))
            fail_msg("%s %s: %d\n%s", rows[i].grid ? rows[i].grid : "", rows[i].random ? rows[i].random : "", status,
                     lam_last_error());
        assert_null(space);
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        lami_space *space = NULL;
        lam_options *options = NULL;
        char *text = NULL;
        assert_int_equal(lam_options_new(&options), LAM_OK);
        lami_alloc_fail_at(n);
        lam_status status = lami_space_new(&space, "affine $width - relu - affine 3 - softmax",
                                           "width=5,6;optim=adam,sgd", "lr=1e-4..1e-2:log", 0);
        if (!status)
            status = lami_space_apply(&text, options, space, 5);
        lami_alloc_fail_at(0);
        lam_options_free(options);
        lami_free(text);
        lami_space_free(space);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_in_range(n, 1, 20000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_ranges_give_their_values),
        cmocka_unit_test(a_grid_counts_through_its_points_the_last_dimension_fastest),
        cmocka_unit_test(words_of_the_notation_are_filled_in),
        cmocka_unit_test(options_of_a_trial_are_set_and_rules_replaced),
        cmocka_unit_test(drawn_values_depend_on_seed_and_index_alone),
        cmocka_unit_test(drawn_values_are_these),
        cmocka_unit_test(mistakes_are_shown_in_their_place),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
