/* split: the validation part of a data set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"

enum { MANY = 1000 };

static uint8_t x[MANY];
static int32_t y[MANY];

/* Samples 0 .. n-1, one byte each; sample i's label from `label`. */
static lam_data *make(size_t n, size_t classes, int (*label)(size_t i))
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (uint8_t)i;
        y[i] = label(i);
    }
    lam_data *data;
    const lam_tensor tx = { LAM_U8, { 2, { n, 1 } }, x }, ty = { LAM_I32, { 1, { n } }, y };
    assert_int_equal(lam_data_from_arrays(&data, &tx, &ty, classes, 0), LAM_OK);
    return data;
}

static int ten(size_t i)
{
    return (int)(i % 10);
}

/* 0 half of the time, 1 a third, 2 else */
static int uneven(size_t i)
{
    return i % 6 < 3 ? 0 : i % 6 < 5 ? 1 : 2;
}

static size_t of_class(const lam_data *data, lam_part part, int class)
{
    size_t n = 0;
    for (size_t i = 0; i < lam_data_count(data, part); i++)
        n += lam_data_label(data, part, i) == class;
    return n;
}

/* Each sample is in one part, in order, with its own label. */
static void check_partition(const lam_data *data, size_t count, int (*label)(size_t i))
{
    size_t at[2] = { 0, 0 };
    assert_int_equal(lam_data_count(data, LAM_TRAIN) + lam_data_count(data, LAM_VAL), count);
    for (size_t i = 0; i < count; i++) {
        int found = 0;
        for (int p = LAM_TRAIN; p <= LAM_VAL && !found; p++) {
            if (at[p] == lam_data_count(data, p) || *(const uint8_t *)lami_data_sample(data, p, at[p]) != (uint8_t)i)
                continue;
            assert_int_equal(lam_data_label(data, p, at[p]), label(i));
            at[p]++;
            found = 1;
        }
        assert_true(found);
    }
}

static void each_class_gives_its_share(void **state)
{
    (void)state;
    lam_data *data = make(200, 10, ten);
    assert_int_equal(lami_data_split(data, "50", 1), LAM_OK);
    for (int k = 0; k < 10; k++)
        assert_int_equal(of_class(data, LAM_VAL, k), 5);
    check_partition(data, 200, ten);
    lam_data_free(data);
}

static void shares_are_rounded_by_largest_remainder(void **state)
{
    (void)state;
    /* 20 samples: 11, 6, 3; 7 of them: 3.85, 2.1, 1.05 -> 4, 2, 1 */
    lam_data *data = make(20, 3, uneven);
    assert_int_equal(of_class(data, LAM_TRAIN, 0), 11);
    assert_int_equal(lami_data_split(data, "7", 1), LAM_OK);
    assert_int_equal(of_class(data, LAM_VAL, 0), 4);
    assert_int_equal(of_class(data, LAM_VAL, 1), 2);
    assert_int_equal(of_class(data, LAM_VAL, 2), 1);
    check_partition(data, 20, uneven);
    lam_data_free(data);
}

static void every_number_of_samples_can_be_split_off(void **state)
{
    (void)state;
    for (size_t n = 1; n < 60; n++) {
        char text[16];
        snprintf(text, sizeof text, "%zu", n);
        lam_data *data = make(60, 12, uneven); /* most classes have no samples */
        assert_int_equal(lami_data_split(data, text, n), LAM_OK);
        assert_int_equal(lam_data_count(data, LAM_VAL), n);
        check_partition(data, 60, uneven);
        lam_data_free(data);
    }
}

static void a_fraction_is_of_the_training_part(void **state)
{
    (void)state;
    lam_data *data = make(1000, 10, ten);
    assert_int_equal(lami_data_split(data, "0.1", 1), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_VAL), 100);
    assert_int_equal(of_class(data, LAM_VAL, 7), 10);
    check_partition(data, 1000, ten);
    lam_data_free(data);
}

static void the_seed_decides(void **state)
{
    (void)state;
    lam_data *data[3];
    static const uint64_t seeds[] = { 1, 1, 2 };
    for (int k = 0; k < 3; k++) {
        data[k] = make(1000, 10, ten);
        assert_int_equal(lami_data_split(data[k], "100", seeds[k]), LAM_OK);
    }
    int same = 0;
    for (size_t i = 0; i < 100; i++) {
        const uint8_t *a = lami_data_sample(data[0], LAM_VAL, i), *b = lami_data_sample(data[1], LAM_VAL, i);
        assert_int_equal(*a, *b);
        same += *a == *(const uint8_t *)lami_data_sample(data[2], LAM_VAL, i);
    }
    assert_true(same < 50);
    for (int k = 0; k < 3; k++)
        lam_data_free(data[k]);
}

static void last_n_are_the_last(void **state)
{
    (void)state;
    lam_data *data = make(200, 10, ten);
    assert_int_equal(lami_data_split(data, "last:3", 1), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 197);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(*(const uint8_t *)lami_data_sample(data, LAM_VAL, i), 197 + i);
    check_partition(data, 200, ten);
    lam_data_free(data);
}

static void bad_values_change_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = { "",         "x",      "-1",     "1.5",   "1.0",   "-0.1",
                                       "0.0",      "1e3",    "0",      "0.001", "last:", "last:0",
                                       "last:0.5", "last:x", "LAST:3", "5 ",    "nan",   "99999999999999999999999" };
    static const char *const none_left[] = { "100", "101", "18446744073709551615", "0.999", "last:100", "last:101" };
    lam_data *data = make(100, 10, ten);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lami_data_split(data, bad[i], 1), LAM_EOPTION);
        assert_non_null(strstr(lam_last_error(), "val"));
    }
    for (size_t i = 0; i < sizeof none_left / sizeof *none_left; i++)
        assert_int_equal(lami_data_split(data, none_left[i], 1), LAM_ESHAPE);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 100);
    assert_int_equal(lam_data_count(data, LAM_VAL), 0);
    assert_int_equal(lami_data_split(data, "10", 1), LAM_OK);
    assert_int_equal(lami_data_split(data, "10", 1), LAM_EINVAL);
    lam_data_free(data);
}

static void a_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    lam_data *data = make(100, 10, ten);
    int failures = 0;
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lami_data_split(data, "10", 1);
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_int_equal(lam_data_count(data, LAM_TRAIN), 100);
        assert_int_equal(lam_data_count(data, LAM_VAL), 0);
        failures++;
    }
    assert_int_equal(failures, 7);
    check_partition(data, 100, ten);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_gives_its_share),
        cmocka_unit_test(shares_are_rounded_by_largest_remainder),
        cmocka_unit_test(every_number_of_samples_can_be_split_off),
        cmocka_unit_test(a_fraction_is_of_the_training_part),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(last_n_are_the_last),
        cmocka_unit_test(bad_values_change_nothing),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
