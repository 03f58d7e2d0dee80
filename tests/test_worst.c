/* worst: the most wrong samples of many. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/worst.h"

static void add(cli_worst *w, size_t sample, double badness)
{
    const cli_miss m = { .sample = sample, .badness = badness };
    cli_worst_add(w, &m);
}

static void the_worst_come_first_and_few_are_kept(void **state)
{
    (void)state;
    enum { SAMPLES = 1009 };
    cli_worst w = { 0 };
    for (size_t i = 0; i < SAMPLES; i++)
        add(&w, i, (double)(i * 401 % SAMPLES)); /* each number once, in a wild order */
    assert_int_equal(w.count, CLI_WORST);
    for (size_t i = 0; i < CLI_WORST; i++)
        assert_true(w.miss[i].badness == (double)(SAMPLES - 1 - i));
}

static void fewer_are_all_kept(void **state)
{
    (void)state;
    cli_worst w = { 0 };
    add(&w, 0, -5);
    add(&w, 1, 3);
    add(&w, 2, -INFINITY);
    assert_int_equal(w.count, 3);
    assert_int_equal(w.miss[0].sample, 1);
    assert_int_equal(w.miss[1].sample, 0);
    assert_int_equal(w.miss[2].sample, 2);
}

static void of_equal_ones_the_first_stay_in_order(void **state)
{
    (void)state;
    cli_worst w = { 0 };
    for (size_t i = 0; i < 2 * CLI_WORST; i++)
        add(&w, i, 1);
    for (size_t i = 0; i < CLI_WORST; i++)
        assert_int_equal(w.miss[i].sample, i);
}

static void what_is_no_number_is_the_worst(void **state)
{
    (void)state;
    cli_worst w = { 0 };
    for (size_t i = 0; i < CLI_WORST; i++)
        add(&w, i, 1e300);
    add(&w, 99, NAN);
    add(&w, 100, INFINITY);
    assert_int_equal(w.miss[0].sample, 99);
    assert_int_equal(w.miss[1].sample, 100);
    assert_int_equal(w.miss[CLI_WORST - 1].sample, CLI_WORST - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_come_first_and_few_are_kept),
        cmocka_unit_test(fewer_are_all_kept),
        cmocka_unit_test(of_equal_ones_the_first_stay_in_order),
        cmocka_unit_test(what_is_no_number_is_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
