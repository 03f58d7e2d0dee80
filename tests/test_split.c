/* split: validation and test parts of a data set, and folds. */
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
    assert_int_equal(lami_data_split(data, LAM_VAL, "50", 1), LAM_OK);
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
    assert_int_equal(lami_data_split(data, LAM_VAL, "7", 1), LAM_OK);
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
        assert_int_equal(lami_data_split(data, LAM_VAL, text, n), LAM_OK);
        assert_int_equal(lam_data_count(data, LAM_VAL), n);
        check_partition(data, 60, uneven);
        lam_data_free(data);
    }
}

static void a_fraction_is_of_the_training_part(void **state)
{
    (void)state;
    lam_data *data = make(1000, 10, ten);
    assert_int_equal(lami_data_split(data, LAM_VAL, "0.1", 1), LAM_OK);
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
        assert_int_equal(lami_data_split(data[k], LAM_VAL, "100", seeds[k]), LAM_OK);
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
    assert_int_equal(lami_data_split(data, LAM_VAL, "last:3", 1), LAM_OK);
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
        assert_int_equal(lami_data_split(data, LAM_VAL, bad[i], 1), LAM_EOPTION);
        assert_non_null(strstr(lam_last_error(), "val"));
    }
    for (size_t i = 0; i < sizeof none_left / sizeof *none_left; i++)
        assert_int_equal(lami_data_split(data, LAM_VAL, none_left[i], 1), LAM_ESHAPE);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 100);
    assert_int_equal(lam_data_count(data, LAM_VAL), 0);
    assert_int_equal(lami_data_split(data, LAM_VAL, "10", 1), LAM_OK);
    assert_int_equal(lami_data_split(data, LAM_VAL, "10", 1), LAM_EINVAL);
    lam_data_free(data);
}

static void a_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    lam_data *data = make(100, 10, ten);
    int failures = 0;
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lami_data_split(data, LAM_VAL, "10", 1);
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

/* ---- test parts -------------------------------------------------------------------------------------------------- */

/* The bytes of all parts, sorted: each sample once. */
static void check_all_there(const lam_data *data, size_t count)
{
    uint8_t seen[256] = { 0 };
    size_t in_all = 0;
    for (lam_part p = LAM_TRAIN; p <= LAM_TEST; p++) {
        for (size_t i = 0; i < lam_data_count(data, p); i++) {
            const uint8_t byte = *(const uint8_t *)lami_data_sample(data, p, i);
            assert_true(!i || byte > *(const uint8_t *)lami_data_sample(data, p, i - 1));
            assert_int_equal(seen[byte]++, 0);
            in_all++;
        }
    }
    assert_int_equal(in_all, count);
}

static void a_test_part_comes_off_first_and_a_validation_part_off_what_is_left(void **state)
{
    (void)state;
    static const char *const values[] = { "50", "0.25", "last:50" };
    for (int t = 0; t < 3; t++) {
        for (int v = 0; v < 3; v++) {
            lam_data *data = make(200, 10, ten);
            assert_int_equal(lami_data_split(data, LAM_TEST, values[t], 1), LAM_OK);
            assert_int_equal(lam_data_count(data, LAM_TEST), 50);
            assert_int_equal(lami_data_split(data, LAM_VAL, values[v], 1), LAM_OK);
            assert_int_equal(lam_data_count(data, LAM_VAL), v == 1 ? 38 : 50);
            check_all_there(data, 200);
            for (lam_part p = LAM_TRAIN; p <= LAM_TEST; p++)
                for (size_t i = 0; i < lam_data_count(data, p); i++)
                    assert_int_equal(lam_data_label(data, p, i), *(const uint8_t *)lami_data_sample(data, p, i) % 10);
            assert_int_equal(lami_data_split(data, LAM_TEST, "10", 1), LAM_EINVAL);
            assert_non_null(strstr(lam_last_error(), "test"));
            lam_data_free(data);
        }
    }
}

static void the_test_part_is_not_the_validation_part_of_the_same_seed(void **state)
{
    (void)state;
    lam_data *a = make(200, 10, ten), *b = make(200, 10, ten);
    assert_int_equal(lami_data_split(a, LAM_TEST, "100", 1), LAM_OK);
    assert_int_equal(lami_data_split(b, LAM_VAL, "100", 1), LAM_OK);
    size_t same = 0;
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 0; j < 100; j++)
            same +=
                *(const uint8_t *)lami_data_sample(a, LAM_TEST, i) == *(const uint8_t *)lami_data_sample(b, LAM_VAL, j);
    assert_true(same > 20 && same < 80);
    lam_data_free(a);
    lam_data_free(b);
}

/* ---- targets and weights ----------------------------------------------------------------------------------------- */

/* The samples of `make` with two targets each in place of the label, and a weight. */
static lam_data *with_targets(size_t n)
{
    lam_data *data = make(n, 10, ten);
    lami_part *all = &data->part[LAM_TRAIN];
    data->targets = 2;
    lami_free(all->label);
    all->label = NULL;
    all->target = lami_alloc(2 * n, sizeof *all->target);
    all->weight = lami_alloc(n, sizeof *all->weight);
    assert_true(all->target && all->weight);
    for (size_t i = 0; i < n; i++) {
        all->target[2 * i] = (double)i;
        all->target[2 * i + 1] = -(double)i;
        all->weight[i] = (double)i / 2;
    }
    return data;
}

static void check_targets(const lam_data *data)
{
    for (lam_part p = LAM_TRAIN; p <= LAM_TEST; p++) {
        const lami_part *part = &data->part[p];
        assert_null(part->label);
        for (size_t i = 0; i < part->count; i++) {
            const double byte = *(const uint8_t *)lami_data_sample(data, p, i);
            assert_true(part->target[2 * i] == byte && part->target[2 * i + 1] == -byte);
            assert_true(part->weight[i] == byte / 2);
        }
    }
}

static void targets_and_weights_go_with_their_samples(void **state)
{
    (void)state;
    lam_data *data = with_targets(200);
    assert_int_equal(lami_data_split(data, LAM_TEST, "0.2", 3), LAM_OK);
    assert_int_equal(lami_data_split(data, LAM_VAL, "30", 3), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 130);
    assert_int_equal(lam_data_count(data, LAM_VAL), 30);
    assert_int_equal(lam_data_count(data, LAM_TEST), 40);
    check_all_there(data, 200);
    check_targets(data);
    size_t last = 0;
    for (size_t i = 0; i < 30; i++)
        last += *(const uint8_t *)lami_data_sample(data, LAM_VAL, i) >= 100;
    assert_in_range(last, 5, 25); /* from everywhere */
    lam_data_free(data);
}

/* ---- folds ------------------------------------------------------------------------------------------------------- */

static void check_folds(const lam_data *data, size_t folds, int (*label)(size_t i), size_t classes)
{
    uint8_t seen[256] = { 0 };
    const size_t count = lam_data_count(data, LAM_TRAIN);
    for (size_t k = 0; k < folds; k++) {
        lam_data *view = NULL;
        assert_int_equal(lami_data_fold(&view, data, k, folds, 7), LAM_OK);
        const size_t n = lam_data_count(view, LAM_VAL);
        assert_in_range(n, count / folds, (count + folds - 1) / folds);
        assert_int_equal(n + lam_data_count(view, LAM_TRAIN), count);
        assert_int_equal(lam_data_count(view, LAM_TEST), 0);
        for (size_t i = 0; i < n; i++)
            seen[*(const uint8_t *)lami_data_sample(view, LAM_VAL, i)]++;
        for (lam_part p = LAM_TRAIN; label && p <= LAM_VAL; p++)
            for (size_t i = 0; i < lam_data_count(view, p); i++)
                assert_int_equal(lam_data_label(view, p, i), label(*(const uint8_t *)lami_data_sample(view, p, i)));
        for (size_t c = 0; c < classes; c++) {
            const size_t of_all = of_class(data, LAM_TRAIN, (int)c);
            assert_in_range(of_class(view, LAM_VAL, (int)c), of_all / folds, (of_all + folds - 1) / folds);
        }
        if (!label)
            check_targets(view);
        check_all_there(view, count);
        lam_data_free(view);
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen[*(const uint8_t *)lami_data_sample(data, LAM_TRAIN, i)], 1);
}

static void folds_are_disjoint_and_have_their_share_of_each_class(void **state)
{
    (void)state;
    static const size_t folds[] = { 2, 3, 5, 7, 100 };
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        lam_data *data = make(100, 3, uneven);
        check_folds(data, folds[i], uneven, 3);
        lam_data_free(data);
        data = make(200, 12, ten); /* two classes have no samples */
        assert_int_equal(lami_data_split(data, LAM_TEST, "80", 1), LAM_OK);
        check_folds(data, folds[i], ten, 12);
        lam_data_free(data);
        data = with_targets(113);
        check_folds(data, folds[i], NULL, 0);
        lam_data_free(data);
    }
}

static void the_seed_decides_about_folds(void **state)
{
    (void)state;
    lam_data *data = make(200, 10, ten), *view[3];
    static const uint64_t seeds[] = { 1, 1, 2 };
    for (int k = 0; k < 3; k++)
        assert_int_equal(lami_data_fold(&view[k], data, 2, 5, seeds[k]), LAM_OK);
    assert_memory_equal(view[0]->part[LAM_VAL].index, view[1]->part[LAM_VAL].index, 40 * sizeof(uint32_t));
    assert_memory_not_equal(view[0]->part[LAM_VAL].index, view[2]->part[LAM_VAL].index, 40 * sizeof(uint32_t));
    for (int k = 0; k < 3; k++)
        lam_data_free(view[k]);
    assert_int_equal(lam_data_classes(data), 10);
    assert_string_equal(lam_data_class_name(data, 3), "3"); /* a view takes nothing along */
    lam_data_free(data);
}

static void folds_that_cannot_be_are_refused(void **state)
{
    (void)state;
    lam_data *data = make(10, 10, ten), *view = NULL;
    assert_int_equal(lami_data_fold(&view, data, 0, 11, 1), LAM_ESHAPE);
    assert_null(view);
    assert_int_equal(lami_data_fold(&view, data, 0, 1, 1), LAM_EINVAL);
    assert_int_equal(lami_data_fold(&view, data, 3, 3, 1), LAM_EINVAL);
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lami_data_fold(&view, data, 1, 3, 1);
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_null(view);
        assert_in_range(n, 1, 20);
    }
    lam_data_free(view);
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
        cmocka_unit_test(a_test_part_comes_off_first_and_a_validation_part_off_what_is_left),
        cmocka_unit_test(the_test_part_is_not_the_validation_part_of_the_same_seed),
        cmocka_unit_test(targets_and_weights_go_with_their_samples),
        cmocka_unit_test(folds_are_disjoint_and_have_their_share_of_each_class),
        cmocka_unit_test(the_seed_decides_about_folds),
        cmocka_unit_test(folds_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
