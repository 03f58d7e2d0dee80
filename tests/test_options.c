/* options: the table, setting, getting, copying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/core/options.h"

static lam_options *fresh(void)
{
    lam_options *o = NULL;
    assert_int_equal(lam_options_new(&o), LAM_OK);
    return o;
}

static void assert_get(const lam_options *o, const char *name, const char *expected)
{
    const char *value = NULL;
    assert_int_equal(lam_options_get(&value, o, name), LAM_OK);
    assert_string_equal(value, expected);
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    lam_options *o = fresh();
    assert_int_equal(o->batch, 100);
    assert_true(o->lr == -1 && o->momentum == 0.9 && o->eps == 1e-8 && o->seed == 0);
    assert_string_equal(o->optim, "adam");
    assert_null(o->val);
    assert_true(o->set == 0);
    assert_get(o, "batch", "100");
    assert_get(o, "init-scale", "0.01");
    assert_get(o, "lr", "");
    assert_get(o, "val", "");
    assert_get(o, "no-save", "0");
    assert_get(o, "dtype", "f32");
    assert_ptr_equal(lami_options_or_default(o), o);
    assert_int_equal(lami_options_or_default(NULL)->batch, 100);
    lam_options_free(o);
    lam_options_free(NULL);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < lami_option_count; i++) {
        const lami_option *r = &lami_option_table[i];
        size_t index = 999;
        assert_int_equal(lami_option_find(&index, r->name), LAM_OK);
        assert_int_equal(index, i); /* so names are unique */
        assert_non_null(r->help);
        assert_non_null(r->value_name);
        assert_non_null(r->default_text);
        assert_true(r->groups != 0);
        assert_int_equal(r->choices != NULL, r->kind == LAMI_CHOICE);
        lam_options *o = fresh();
        if (r->default_text[0]) /* every default can be given */
            assert_int_equal(lam_options_set(o, r->name, r->default_text), LAM_OK);
        assert_int_equal(lami_option_given(o, r->offset), r->default_text[0] != 0);
        lam_options_free(o);
    }
    size_t lr;
    assert_int_equal(lami_option_find(&lr, "lr"), LAM_OK);
    assert_string_equal(lami_option_table[lr].default_text, "");
}

static void every_kind_is_set_from_text(void **state)
{
    (void)state;
    lam_options *o = fresh();
    assert_int_equal(lam_options_set(o, "lr", "1e-3"), LAM_OK);
    assert_int_equal(lam_options_set(o, "batch", "64"), LAM_OK);
    assert_int_equal(lam_options_set(o, "seed", "18446744073709551615"), LAM_OK);
    assert_int_equal(lam_options_set(o, "val", "last:1000"), LAM_OK);
    assert_int_equal(lam_options_set(o, "val", "0.1"), LAM_OK);
    assert_int_equal(lam_options_set(o, "no-merge", "true"), LAM_OK);
    assert_int_equal(lam_options_set(o, "optim", "nesterov"), LAM_OK);
    assert_true(o->lr == 1e-3 && o->seed == UINT64_MAX);
    assert_int_equal(o->batch, 64);
    assert_int_equal(o->no_merge, 1);
    assert_string_equal(o->val, "0.1");
    assert_string_equal(o->optim, "nesterov");
    assert_get(o, "lr", "0.001");
    assert_get(o, "batch", "64");
    assert_get(o, "seed", "18446744073709551615");
    assert_get(o, "val", "0.1");
    assert_get(o, "no-merge", "1");
    assert_get(o, "optim", "nesterov");
    assert_true(lami_option_given(o, offsetof(lam_options, lr)));
    assert_true(lami_option_given(o, offsetof(lam_options, no_merge)));
    assert_false(lami_option_given(o, offsetof(lam_options, momentum)));
    assert_false(lami_option_given(NULL, offsetof(lam_options, lr)));
    assert_int_equal(lam_options_set(o, "no-merge", "0"), LAM_OK);
    assert_int_equal(o->no_merge, 0);
    lam_options_free(o);
}

static void each_choice_can_be_chosen(void **state)
{
    (void)state;
    lam_options *o = fresh();
    static const char *const rules[] = { "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon" };
    for (size_t i = 0; i < 7; i++) {
        char word[16];
        snprintf(word, sizeof word, "%s", rules[i]);
        assert_int_equal(lam_options_set(o, "optim", word), LAM_OK);
        word[0] = 'x'; /* the field does not point here */
        assert_string_equal(o->optim, rules[i]);
    }
    lam_options_free(o);
}

static void an_empty_value_unsets_what_has_no_default(void **state)
{
    (void)state;
    lam_options *o = fresh();
    lam_options_set(o, "lr", "5");
    lam_options_set(o, "out", "run");
    assert_int_equal(lam_options_set(o, "lr", ""), LAM_OK);
    assert_int_equal(lam_options_set(o, "out", ""), LAM_OK);
    assert_true(o->lr == -1 && !o->out && o->set == 0);
    assert_get(o, "lr", "");
    assert_int_equal(lam_options_set(o, "batch", ""), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--batch: the value is empty");
    assert_int_equal(lam_options_set(o, "no-save", ""), LAM_EOPTION);
    assert_int_equal(lam_options_set(o, "optim", ""), LAM_EOPTION);
    lam_options_free(o);
}

static void a_list_grows_with_each_value_until_it_is_emptied(void **state)
{
    (void)state;
    lam_options *o = fresh(), *copy = NULL;
    assert_get(o, "set", "");
    assert_int_equal(lam_options_set(o, "set", "*.bias lr x2"), LAM_OK);
    assert_get(o, "set", "*.bias lr x2");
    assert_int_equal(lam_options_set(o, "set", "* l2 0; *.gamma l2 1"), LAM_OK);
    assert_get(o, "set", "*.bias lr x2; * l2 0; *.gamma l2 1");
    assert_true(lami_option_given(o, offsetof(lam_options, set_rules)));
    assert_int_equal(lami_options_copy(&copy, o), LAM_OK);
    lami_alloc_fail_at(1);
    assert_int_equal(lam_options_set(o, "set", "more"), LAM_ENOMEM);
    assert_get(o, "set", "*.bias lr x2; * l2 0; *.gamma l2 1");
    assert_int_equal(lam_options_set_real(o, "set", 1), LAM_EOPTION);
    assert_int_equal(lam_options_set(o, "set", ""), LAM_OK);
    assert_get(o, "set", "");
    assert_true(!o->set_rules && o->set == 0);
    assert_int_equal(lam_options_set(o, "set", "again"), LAM_OK);
    assert_get(o, "set", "again");
    assert_get(copy, "set", "*.bias lr x2; * l2 0; *.gamma l2 1");
    lam_options_free(copy);
    lam_options_free(o);
}

static void bad_values_are_named_and_change_nothing(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        { "lr", "1e9", "--lr: 1e9 is over 1e+06" },
        { "lr", "-1", "--lr: -1 is under 0" },
        { "lr", "fast", "--lr: \"fast\" is not a number" },
        { "lr", "0.1x", "--lr: \"0.1x\" is not a number" },
        { "lr", "0,1", "--lr: \"0,1\" is not a number" },
        { "lr", "nan", "--lr: \"nan\" is not a number" },
        { "lr", "1e999", "--lr: 1e999 is too large for a number" },
        { "beta1", "1", "--beta1: 1 is over 0.9999999999999999" },
        { "batch", "0", "--batch: 0 is under 1" },
        { "batch", "1048577", "--batch: 1048577 is over 1048576" },
        { "batch", "2.5", "--batch: \"2.5\" is not a whole number from 0" },
        { "batch", "-3", "--batch: \"-3\" is not a whole number from 0" },
        { "seed", "18446744073709551616", "--seed: 18446744073709551616 is over 18446744073709551615" },
        { "no-save", "yes", "--no-save: \"yes\" is not 1, 0, true or false" },
        { "optim", "adm",
          "--optim: unknown value \"adm\", did you mean \"adam\"? (sgd momentum nesterov rmsprop adam adamw muon)" },
        { "optim", "newton",
          "--optim: unknown value \"newton\", expected one of: sgd momentum nesterov rmsprop adam adamw muon" },
        { "optim", "sgd momentum",
          "--optim: unknown value \"sgd momentum\", did you mean \"momentum\"? (sgd momentum nesterov rmsprop adam "
          "adamw muon)" },
        { "lrr", "1", "unknown option --lrr, did you mean --lr?" },
        { "btach", "1", "unknown option --btach, did you mean --batch?" },
        { "lr_decay", "1", "unknown option --lr_decay, did you mean --lr-decay?" },
        { "nothing-like-it", "1", "unknown option --nothing-like-it" },
        { "", "1", "unknown option --" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lam_options *o = fresh(), *other = fresh();
        assert_int_equal(lam_options_set(o, rows[i][0], rows[i][1]), LAM_EOPTION);
        assert_string_equal(lam_last_error(), rows[i][2]);
        assert_memory_equal(o, other, sizeof *o);
        lam_options_free(o);
        lam_options_free(other);
    }
}

static void null_arguments_are_refused(void **state)
{
    (void)state;
    lam_options *o = fresh();
    const char *value = NULL;
    assert_int_equal(lam_options_new(NULL), LAM_EINVAL);
    assert_int_equal(lam_options_set(NULL, "lr", "1"), LAM_EINVAL);
    assert_int_equal(lam_options_set(o, NULL, "1"), LAM_EINVAL);
    assert_int_equal(lam_options_set(o, "lr", NULL), LAM_EINVAL);
    assert_int_equal(lam_options_set_real(NULL, "lr", 1), LAM_EINVAL);
    assert_int_equal(lam_options_get(NULL, o, "lr"), LAM_EINVAL);
    assert_int_equal(lam_options_get(&value, o, "lrr"), LAM_EOPTION);
    assert_null(value);
    assert_int_equal(lam_options_get(&value, NULL, "epochs"), LAM_OK); /* NULL: the defaults */
    assert_string_equal(value, "10");
    lam_options_free(o);
}

static void numbers_are_set_as_numbers(void **state)
{
    (void)state;
    lam_options *o = fresh();
    assert_int_equal(lam_options_set_real(o, "lr", 0.25), LAM_OK);
    assert_int_equal(lam_options_set_real(o, "batch", 32), LAM_OK);
    assert_int_equal(lam_options_set_real(o, "seed", 0x1p63), LAM_OK);
    assert_true(o->lr == 0.25 && o->batch == 32 && o->seed == UINT64_C(1) << 63);
    assert_get(o, "seed", "9223372036854775808");
    assert_int_equal(lam_options_set_real(o, "l2", -0.0), LAM_OK);
    assert_get(o, "l2", "0");
    static const struct {
        const char *name;
        double value;
        const char *message;
    } bad[] = {
        { "lr", NAN, "--lr: nan is not a finite number" },
        { "lr", INFINITY, "--lr: inf is not a finite number" },
        { "lr", 1e9, "--lr: 1e+09 is over 1e+06" },
        { "batch", 2.5, "--batch: 2.5 is not a whole number" },
        { "batch", 1e300, "--batch: 1e+300 is over 1048576" },
        { "seed", -1, "--seed: -1 is under 0" },
        { "seed", 0x1p64, "--seed: 1.8446744073709552e+19 is over 18446744073709551615" },
        { "val", 0.1, "--val: does not take a number; use lam_options_set" },
        { "optim", 1, "--optim: does not take a number; use lam_options_set" },
        { "lrr", 1, "unknown option --lrr, did you mean --lr?" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lam_options_set_real(o, bad[i].name, bad[i].value), LAM_EOPTION);
        assert_string_equal(lam_last_error(), bad[i].message);
    }
    assert_true(o->lr == 0.25 && o->batch == 32);
    lam_options_free(o);
}

static void a_copy_is_its_own(void **state)
{
    (void)state;
    lam_options *o = fresh(), *copy = NULL;
    lam_options_set(o, "val", "1000");
    lam_options_set(o, "lr", "0.5");
    lam_options_set(o, "dtype", "f64");
    assert_int_equal(lami_options_copy(&copy, o), LAM_OK);
    lam_options_set(o, "val", "5");
    lam_options_set(o, "lr", "1");
    lam_options_free(o);
    assert_get(copy, "val", "1000");
    assert_get(copy, "lr", "0.5");
    assert_get(copy, "dtype", "f64");
    assert_true(lami_option_given(copy, offsetof(lam_options, lr)));
    lam_options_free(copy);
    assert_int_equal(lami_options_copy(&copy, NULL), LAM_OK);
    assert_int_equal(copy->batch, 100);
    lam_options_free(copy);
}

static void what_get_says_set_takes(void **state)
{
    (void)state;
    lam_options *o = fresh(), *back = fresh();
    lam_options_set(o, "lr", "0.1");
    lam_options_set(o, "init-scale", "3.3333333333333333e-3");
    lam_options_set(o, "time", "90s");
    lam_options_set(o, "no-save", "1");
    lam_options_set(o, "seed", "12345678901234567890");
    for (size_t i = 0; i < lami_option_count; i++) {
        const char *value = NULL, *again = NULL;
        assert_int_equal(lam_options_get(&value, o, lami_option_table[i].name), LAM_OK);
        assert_int_equal(lam_options_set(back, lami_option_table[i].name, value), LAM_OK);
        assert_int_equal(lam_options_get(&again, back, lami_option_table[i].name), LAM_OK);
        assert_string_equal(again, value);
    }
    assert_true(back->lr == o->lr && back->init_scale == o->init_scale && back->seed == o->seed);
    lam_options_free(o);
    lam_options_free(back);
}

static void memory_that_runs_out_leaks_and_changes_nothing(void **state)
{
    (void)state;
    lam_options *o = fresh(), *copy = NULL;
    lam_options_set(o, "val", "1000");
    lam_options_set(o, "out", "run");
    lami_alloc_fail_at(1);
    assert_int_equal(lam_options_set(o, "val", "7"), LAM_ENOMEM);
    assert_get(o, "val", "1000");
    long n = 1;
    for (;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lami_options_copy(&copy, o);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_null(copy);
    }
    lami_alloc_fail_at(0);
    assert_int_equal(n, 4);
    lam_options_free(copy);
    lam_options_free(o);
}

static void times_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {
        { "90s", 90 }, { "10m", 600 }, { "1h", 3600 }, { "2", 2 }, { "0.5m", 30 }, { "1e3", 1000 }, { "0s", 0 }
    };
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(lami_parse_seconds(&seconds, "time", good[i].text), LAM_OK);
        assert_true(seconds == good[i].seconds);
    }
    static const char *const bad[] = {
        "", "s", "-1s", "10 s", "10x", "1h30m", "infs", "5ms", "1e308h", "0000000000000000000000000000000000000000001s"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lami_parse_seconds(&seconds, "time", bad[i]), LAM_EOPTION);
    assert_int_equal(lami_parse_seconds(&seconds, "save-every", "10x"), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--save-every: \"10x\" is not a time such as 90s, 10m or 1h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(every_kind_is_set_from_text),
        cmocka_unit_test(each_choice_can_be_chosen),
        cmocka_unit_test(an_empty_value_unsets_what_has_no_default),
        cmocka_unit_test(a_list_grows_with_each_value_until_it_is_emptied),
        cmocka_unit_test(bad_values_are_named_and_change_nothing),
        cmocka_unit_test(null_arguments_are_refused),
        cmocka_unit_test(numbers_are_set_as_numbers),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(what_get_says_set_takes),
        cmocka_unit_test(memory_that_runs_out_leaks_and_changes_nothing),
        cmocka_unit_test(times_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
