/* data: samples from arrays, the getters, and how paths are understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "folder.h"

static float image[4 * 2 * 3 * 3];
static uint8_t byte_label[] = { 0, 2, 1, 0 };
static int32_t int_label[] = { 0, 2, 1, 0 };
static int64_t long_label[] = { 0, 2, 1, 0 };

static lam_tensor images(void)
{
    for (size_t i = 0; i < sizeof image / sizeof *image; i++)
        image[i] = (float)i;
    return (lam_tensor) { LAM_F32, { 4, { 4, 2, 3, 3 } }, image };
}

static lam_tensor labels(lam_dtype dtype, void *data)
{
    return (lam_tensor) { dtype, { 1, { 4 } }, data };
}

static void arrays_become_a_data_set(void **state)
{
    (void)state;
    const lam_tensor x = images();
    const lam_tensor y[] = { labels(LAM_U8, byte_label), labels(LAM_I32, int_label), labels(LAM_I64, long_label) };
    for (int borrow = 0; borrow < 2; borrow++) {
        for (int k = 0; k < 3; k++) {
            lam_data *data;
            assert_int_equal(lam_data_from_arrays(&data, &x, &y[k], 0, borrow), LAM_OK);
            assert_int_equal(lam_data_classes(data), 3);
            assert_int_equal(lam_data_count(data, LAM_TRAIN), 4);
            assert_int_equal(lam_data_count(data, LAM_TEST), 0);
            assert_int_equal(lam_data_shape(data)->rank, 3);
            assert_int_equal(lam_data_shape(data)->dim[2], 3);
            for (size_t i = 0; i < 4; i++) {
                assert_int_equal(lam_data_label(data, LAM_TRAIN, i), int_label[i]);
                const void *sample = lami_data_sample(data, LAM_TRAIN, i);
                assert_memory_equal(sample, image + 18 * i, 18 * sizeof(float));
                assert_int_equal(sample == (void *)(image + 18 * i), borrow);
            }
            lam_data_free(data);
        }
    }
}

static void getters_past_the_end_say_so(void **state)
{
    (void)state;
    const lam_tensor x = images(), y = labels(LAM_U8, byte_label);
    lam_data *data;
    assert_int_equal(lam_data_from_arrays(&data, &x, &y, 12, 1), LAM_OK);
    assert_string_equal(lam_data_class_name(data, 11), "11");
    assert_null(lam_data_class_name(data, 12));
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 4), -1);
    assert_int_equal(lam_data_label(data, LAM_VAL, 0), -1);
    assert_int_equal(lam_data_label(data, (lam_part)7, 0), -1);
    assert_int_equal(lam_data_count(data, (lam_part)7), 0);
    lam_data_free(data);
    lam_data_free(NULL);
}

static void parts_are_added_once_and_must_fit(void **state)
{
    (void)state;
    lam_tensor x = images(), y = labels(LAM_U8, byte_label);
    lam_data *data;
    assert_int_equal(lam_data_from_arrays(&data, &x, &y, 3, 0), LAM_OK);
    assert_int_equal(lam_data_add_part(data, LAM_TRAIN, &x, &y, 0), LAM_EINVAL);
    assert_int_equal(lam_data_add_part(data, (lam_part)3, &x, &y, 0), LAM_EINVAL);
    lam_tensor other = x;
    other.shape = (lam_shape) { 4, { 4, 3, 3, 2 } };
    assert_int_equal(lam_data_add_part(data, LAM_TEST, &other, &y, 0), LAM_ESHAPE);
    assert_message("3x3x2");
    double wide[72] = { 0 };
    other = (lam_tensor) { LAM_F64, x.shape, wide };
    assert_int_equal(lam_data_add_part(data, LAM_TEST, &other, &y, 0), LAM_EINVAL);
    uint8_t over[] = { 0, 1, 3, 2 };
    const lam_tensor bad = labels(LAM_U8, over);
    assert_int_equal(lam_data_add_part(data, LAM_TEST, &x, &bad, 0), LAM_EFORMAT);
    assert_int_equal(lam_data_count(data, LAM_TEST), 0);
    assert_int_equal(lam_data_add_part(data, LAM_TEST, &x, &y, 0), LAM_OK);
    assert_int_equal(lam_data_add_part(data, LAM_VAL, &x, &y, 1), LAM_OK);
    assert_int_equal(lam_data_add_part(data, LAM_VAL, &x, &y, 1), LAM_EINVAL);
    assert_memory_equal(lami_data_sample(data, LAM_VAL, 3), image + 54, 18 * sizeof(float));
    lam_data_free(data);
}

static void arrays_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    lam_data *data;
    const lam_tensor x = images(), y = labels(LAM_I32, int_label);
    lam_tensor bad = x;
    bad.shape = (lam_shape) { 3, { 4, 6, 3 } };
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_ESHAPE);
    bad.shape = (lam_shape) { 2, { 0, 6 } };
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_ESHAPE);
    bad.shape = (lam_shape) { 2, { 4, SIZE_MAX / 2 } };
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_ESHAPE);
    bad.shape = (lam_shape) { 2, { 3, 6 } };
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_ESHAPE);
    bad.shape = (lam_shape) { 99, { 3, 6 } };
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_ESHAPE);
    bad = x;
    bad.dtype = LAM_I32;
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_EINVAL);
    bad.data = NULL;
    assert_int_equal(lam_data_from_arrays(&data, &bad, &y, 0, 0), LAM_EINVAL);
    assert_int_equal(lam_data_from_arrays(&data, &x, &x, 0, 0), LAM_ESHAPE); /* numbers, but four dimensions */
    assert_int_equal(lam_data_from_arrays(&data, NULL, &y, 0, 0), LAM_EINVAL);
    assert_int_equal(lam_data_from_arrays(&data, &x, &y, 1000001, 0), LAM_EINVAL);
    assert_null(data);
}

static void labels_out_of_range_are_errors(void **state)
{
    (void)state;
    lam_data *data;
    const lam_tensor x = images();
    int64_t wrong[] = { 0, 1, -1, 0 };
    const lam_tensor y = labels(LAM_I64, wrong);
    for (int borrow = 0; borrow < 2; borrow++) {
        wrong[2] = -1;
        assert_int_equal(lam_data_from_arrays(&data, &x, &y, 0, borrow), LAM_EFORMAT);
        assert_message("y[2] is -1");
        wrong[2] = INT64_MIN;
        assert_int_equal(lam_data_from_arrays(&data, &x, &y, 0, borrow), LAM_EFORMAT);
        wrong[2] = (int64_t)1 << 32;
        assert_int_equal(lam_data_from_arrays(&data, &x, &y, 0, borrow), LAM_EFORMAT);
        wrong[2] = 1000000;
        assert_int_equal(lam_data_from_arrays(&data, &x, &y, 0, borrow), LAM_EFORMAT);
        wrong[2] = 3;
        assert_int_equal(lam_data_from_arrays(&data, &x, &y, 3, borrow), LAM_EFORMAT);
        assert_message("0 to 2");
        assert_null(data);
    }
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    const lam_tensor x = images(), y = labels(LAM_U8, byte_label);
    for (int borrow = 0; borrow < 2; borrow++) {
        for (long n = 1;; n++) {
            lam_data *data = NULL;
            lami_alloc_fail_at(n);
            lam_status status = lam_data_from_arrays(&data, &x, &y, 0, borrow);
            if (!status)
                status = lam_data_add_part(data, LAM_TEST, &x, &y, borrow);
            lami_alloc_fail_at(0);
            lam_data_free(data);
            if (!status)
                break;
            assert_int_equal(status, LAM_ENOMEM);
            assert_true(n < 20);
        }
    }
}

/* ---- paths ---- */

static void expect_open_error(const char *path, lam_status status, const char *what)
{
    lam_data *data;
    assert_int_equal(lam_data_open(&data, path, NULL), status);
    assert_null(data);
    assert_message(what);
}

static void paths_that_mean_nothing_get_a_hint(void **state)
{
    (void)state;
    expect_open_error("fashion-mnits", LAM_EREAD, "did you mean \"fashion-mnist\"?");
    expect_open_error("fashon-mnist:somewhere", LAM_EOPTION, "did you mean \"fashion-mnist\"?");
    expect_open_error("nothing:somewhere", LAM_EOPTION, "(kinds: fashion-mnist, mnist, idx, cifar10, ");
    expect_open_error("idx:", LAM_EREAD, "no path after the colon");
    expect_open_error("./no:where/at/all", LAM_EREAD, "no such file");
    expect_open_error("", LAM_EREAD, "no such file");
    expect_open_error(folder, LAM_EFORMAT, "not a data set of a known kind");
    expect_open_error("cifar10", LAM_EREAD, "cifar10:PATH");
    write_file("file", "just text", 9);
    expect_open_error(in_folder("file"), LAM_EFORMAT, "not a data set of a known kind");
    expect_open_error(in_folder("file/below"), LAM_EREAD, "Not a directory");
    write_file("empty", "", 0);
    expect_open_error(in_folder("empty"), LAM_EFORMAT, "not a data set of a known kind");
    assert_int_equal(lam_data_open(NULL, "x", NULL), LAM_EINVAL);
}

static void options_split_the_training_part(void **state)
{
    (void)state;
    lam_data *data;
    lam_options *options;
    uint8_t images_file[16 + 8] = { 0, 0, 8, 3, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1 };
    const uint8_t labels_file[8 + 8] = { 0, 0, 8, 1, 0, 0, 0, 8, 0, 1, 0, 1, 0, 1, 0, 1 };
    make_folder("with:colon");
    write_file("with:colon/train-images-idx3-ubyte", images_file, sizeof images_file);
    write_file("with:colon/train-labels-idx1-ubyte", labels_file, sizeof labels_file);
    assert_int_equal(lam_options_new(&options), LAM_OK);
    assert_int_equal(lam_options_set(options, "val", "0.25"), LAM_OK);
    assert_int_equal(lam_data_open(&data, in_folder("with:colon"), options), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 6);
    assert_int_equal(lam_data_count(data, LAM_VAL), 2);
    lam_data_free(data);
    assert_int_equal(lam_options_set(options, "val", "8"), LAM_OK);
    assert_int_equal(lam_data_open(&data, in_folder("with:colon"), options), LAM_ESHAPE);
    assert_null(data);
    lam_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_become_a_data_set),
        cmocka_unit_test(getters_past_the_end_say_so),
        cmocka_unit_test(parts_are_added_once_and_must_fit),
        cmocka_unit_test(arrays_that_do_not_fit_are_errors),
        cmocka_unit_test(labels_out_of_range_are_errors),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test_setup_teardown(paths_that_mean_nothing_get_a_hint, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(options_split_the_training_part, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
