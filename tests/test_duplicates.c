/* duplicates: equal samples within a part and across parts, and equal ones of different classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/duplicates.h"

enum { WIDTH = 21 }; /* not a multiple of what is hashed at once */

/* Samples by a letter each: equal letters, equal samples. A letter's label is what stands below it. */
static lam_data *make(const char *train, const char *train_label, const char *val, const char *val_label)
{
    lam_data *data = NULL;
    const char *const text[] = { train, val }, *const label[] = { train_label, val_label };
    for (int p = 0; p < 2; p++) {
        const size_t count = strlen(text[p]);
        uint8_t x[64 * WIDTH], y[64];
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < WIDTH; j++)
                x[i * WIDTH + j] =
                    (uint8_t)(j == WIDTH - 1 ? text[p][i] : (int)j); /* only the last byte tells them apart */
            y[i] = (uint8_t)(label[p][i] - '0');
        }
        const lam_tensor xt = { LAM_U8, { 2, { count, WIDTH } }, x }, yt = { LAM_U8, { 1, { count } }, y };
        if (p == 0)
            assert_int_equal(lam_data_from_arrays(&data, &xt, &yt, 3, 0), LAM_OK);
        else if (count)
            assert_int_equal(lam_data_add_part(data, LAM_TEST, &xt, &yt, 0), LAM_OK);
    }
    return data;
}

static void assert_pair(const lami_sample_at pair[2], lam_part a, size_t i, lam_part b, size_t k)
{
    assert_int_equal(pair[0].part, a);
    assert_int_equal(pair[0].index, i);
    assert_int_equal(pair[1].part, b);
    assert_int_equal(pair[1].index, k);
}

static void different_samples_are_no_duplicates(void **state)
{
    (void)state;
    lami_duplicates d;
    lam_data *data = make("abcdef", "000111", "ghi", "012");
    assert_int_equal(lami_duplicates_find(&d, data, 1), LAM_OK);
    const lami_duplicates none = { 0 };
    assert_memory_equal(&d, &none, sizeof d);
    lam_data_free(data);
}

static void duplicates_are_counted_within_parts_and_across_them(void **state)
{
    (void)state;
    lami_duplicates d;
    lam_data *data = make("xabacab", "0121012", "bzyzb", "22002");
    assert_int_equal(lami_duplicates_find(&d, data, 2), LAM_OK);
    assert_int_equal(d.within[LAM_TRAIN], 3); /* a twice more, b once */
    assert_int_equal(d.within[LAM_VAL], 0);
    assert_int_equal(d.within[LAM_TEST], 2); /* z, b */
    assert_int_equal(d.across[LAM_TRAIN][LAM_TEST], 2);
    assert_int_equal(d.across[LAM_TRAIN][LAM_VAL], 0);
    assert_pair(d.within_first[LAM_TRAIN], LAM_TRAIN, 1, LAM_TRAIN, 3);
    assert_pair(d.within_first[LAM_TEST], LAM_TEST, 1, LAM_TEST, 3);
    assert_pair(d.across_first[LAM_TRAIN][LAM_TEST], LAM_TRAIN, 2, LAM_TEST, 0);
    assert_int_equal(d.conflicts, 2); /* z is 2 and 0; a and b are always the same */
    assert_pair(d.conflict_first, LAM_TEST, 1, LAM_TEST, 3);
    lam_data_free(data);
}

static void many_equal_samples_take_no_time(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    lami_duplicates d;
    lam_data *data;
    uint8_t *x = calloc(MANY, 3), *y = calloc(MANY, 1);
    const lam_tensor xt = { LAM_U8, { 2, { MANY, 3 } }, x }, yt = { LAM_U8, { 1, { MANY } }, y };
    y[MANY - 1] = 1;
    assert_int_equal(lam_data_from_arrays(&data, &xt, &yt, 0, 1), LAM_OK);
    assert_int_equal(lami_data_split(data, LAM_VAL, "last:50", 0), LAM_OK);
    assert_int_equal(lami_duplicates_find(&d, data, 2), LAM_OK);
    assert_int_equal(d.within[LAM_TRAIN], MANY - 51);
    assert_int_equal(d.across[LAM_TRAIN][LAM_VAL], 50);
    assert_int_equal(d.conflicts, MANY);
    assert_pair(d.conflict_first, LAM_TRAIN, 0, LAM_VAL, 49);
    lam_data_free(data);
    free(x);
    free(y);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    lami_duplicates d;
    lam_data *data = make("aab", "001", "b", "1");
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        assert_true(n < 10);
        lami_alloc_fail_at(n);
        status = lami_duplicates_find(&d, data, 1);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
    }
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_samples_are_no_duplicates),
        cmocka_unit_test(duplicates_are_counted_within_parts_and_across_them),
        cmocka_unit_test(many_equal_samples_take_no_time),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
