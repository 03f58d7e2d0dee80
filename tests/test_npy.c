/* npy: headers and elements of all types; files of arrays as data sets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "../src/data/npy.h"
#include "folder.h"
#include "array_files.h"

static lam_status read_npy(lami_npy *a, const array_file *f)
{
    return lami_npy_read(a, f->at, f->size, "a.npy");
}

static void expect_header_error(int version, const char *header, const char *what)
{
    lami_npy a;
    static const uint8_t data[24];
    assert_int_equal(read_npy(&a, npy_with(version, header, data, sizeof data)), LAM_EFORMAT);
    assert_message("a.npy");
    assert_message(what);
}

/* ---- the format ---- */

static void elements_of_all_types_and_byte_orders_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *type, *bytes;
        size_t size;
        double value[2];
    } cases[] = {
        { "|b1", "\0\2", 1, { 0, 1 } },
        { "|u1", "\0\xff", 1, { 0, 255 } },
        { "|i1", "\x80\x7f", 1, { -128, 127 } },
        { "<u2", "\1\2\xff\xff", 2, { 513, 65535 } },
        { ">u2", "\1\2\xff\xff", 2, { 258, 65535 } },
        { "<i2", "\0\x80\1\0", 2, { -32768, 1 } },
        { ">i2", "\x80\0\0\1", 2, { -32768, 1 } },
        { "<f2", "\0\x3c\1\x80", 2, { 1, -5.9604644775390625e-08 } },
        { ">f2", "\x7b\xff\xc0\0", 2, { 65504, -2 } },
        { "<f2", "\0\x7c\xff\x03", 2, { INFINITY, 6.097555160522461e-05 } },
        { "<u4", "\0\0\0\x80\1\0\0\0", 4, { 2147483648.0, 1 } },
        { ">i4", "\xff\xff\xff\xfe\0\0\1\0", 4, { -2, 256 } },
        { "<f4", "\0\0\x80\x3f\0\0\x20\xc1", 4, { 1, -10 } },
        { ">f4", "\x3f\x80\0\0\xc1\x20\0\0", 4, { 1, -10 } },
        { "<u8", "\xff\xff\xff\xff\xff\xff\xff\xff\3\0\0\0\0\0\0\0", 8, { 18446744073709551616.0, 3 } },
        { "<i8", "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\1\0\0\0", 8, { -1, 4294967296.0 } },
        { ">i8", "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1\0\0\0\0", 8, { -1, 4294967296.0 } },
        { "<f8", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\x04\xc0", 8, { 1, -2.5 } },
        { ">f8", "\x3f\xf0\0\0\0\0\0\0\xc0\x04\0\0\0\0\0\0", 8, { 1, -2.5 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lami_npy a;
        double value[2];
        assert_int_equal(read_npy(&a, npy_of(cases[i].type, "(2,)", cases[i].bytes, 2 * cases[i].size)), LAM_OK);
        assert_int_equal(a.count, 2);
        assert_int_equal(a.shape.rank, 1);
        lami_npy_get(value, &a, 0, 2);
        assert_true(value[0] == cases[i].value[0] && value[1] == cases[i].value[1]);
        lami_npy_get(value, &a, 1, 1);
        assert_true(value[0] == cases[i].value[1]);
    }
    lami_npy a;
    double value;
    assert_int_equal(read_npy(&a, npy_of("<f2", "()", "\1\x7c", 2)), LAM_OK);
    lami_npy_get(&value, &a, 0, 1);
    assert_true(isnan(value) && a.shape.rank == 0);
}

static void headers_of_all_versions_and_spellings_are_read(void **state)
{
    (void)state;
    static const uint8_t data[24];
    static const char *const headers[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
        "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}",
        "{'fortran_order': False, 'descr': '<f4', 'shape': (2L, 3L,) } \n",
    };
    for (int version = 1; version <= 3; version++) {
        for (int i = 0; i < 3; i++) {
            lami_npy a;
            assert_int_equal(read_npy(&a, npy_with(version, headers[i], data, sizeof data)), LAM_OK);
            assert_int_equal(a.shape.rank, 2);
            assert_int_equal(a.shape.dim[0], 2);
            assert_int_equal(a.shape.dim[1], 3);
            assert_int_equal(a.by_columns, 0);
        }
    }
    lami_npy a;
    static const char fortran[] = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n";
    assert_int_equal(read_npy(&a, npy_with(1, fortran, data, sizeof data)), LAM_OK);
    assert_int_equal(a.by_columns, 1);
}

static void damaged_headers_are_errors_that_name_the_place(void **state)
{
    (void)state;
    expect_header_error(1, "", "byte 10: the header of the array is no dictionary");
    expect_header_error(1, "[]", "no dictionary");
    expect_header_error(1, "{'descr'", "no colon");
    expect_header_error(1, "{'descr: '<f4'}", "unknown key");
    expect_header_error(1, "{descr: '<f4'}", "byte 11: the header of the array has no string");
    expect_header_error(1, "{'descr': '<f4", "has no end");
    expect_header_error(1, "{'descr': '<f4' 'shape': (2, 3)}", "byte 26: no comma");
    expect_header_error(1, "{'descr': '<f4', 'descr': '<f4'}", "twice");
    expect_header_error(1, "{'descr': '<f4', 'other': 1}", "unknown key");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, }", "no shape");
    expect_header_error(1, "{'descr': '<f4', 'shape': (2, 3), }", "no fortran_order");
    expect_header_error(1, "{'fortran_order': False, 'shape': (2, 3), }", "no descr");
    expect_header_error(1, "{'fortran_order': Maybe}", "neither True nor False");
    expect_header_error(1, "{'fortran_order': Fal", "neither True nor False");
    expect_header_error(1, "{'shape': 6}", "no tuple");
    expect_header_error(1, "{'shape': (2 3)}", "no tuple");
    expect_header_error(1, "{'shape': (-2, 3)}", "no tuple of whole numbers");
    expect_header_error(1, "{'shape': (2, 99999999999999999999999)}", "impossible shape");
    expect_header_error(1, "{'shape': (1,1,1,1,1,1,1,1,1)}", "too many dimensions");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x", "other text follows");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", "no elements: 0x3");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
                        "an impossible shape");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
                        "2x2 elements of 4 bytes by the header, but 24 bytes follow");
    expect_header_error(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "24 bytes follow");
    expect_header_error(4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "npy version 4.0");
}

static void types_that_are_not_read_are_named(void **state)
{
    (void)state;
    static const char *const types[] = { "<U5", "|S3", "<c8", "<M8[ns]", "|V4", "<f16", "<i3",  "f4",
                                         "=f4", "|f4", "<b2", "<f1",     "",    "<",    "<f44", "<f" };
    lami_npy a;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_int_equal(read_npy(&a, npy_of(types[i], "(1,)", "12345678", 8)), LAM_EFORMAT);
        assert_message(types[i]);
        assert_message("f2 to f8 are read");
    }
    assert_int_equal(read_npy(&a, npy_of("|O", "(1,)", "12345678", 8)), LAM_EFORMAT);
    assert_message("Python objects");
    expect_header_error(1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", "records");
}

static void a_file_cut_anywhere_is_an_error(void **state)
{
    (void)state;
    static const uint8_t data[24];
    for (int version = 1; version <= 2; version++) {
        static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        const array_file *f = npy_with(version, header, data, sizeof data);
        for (size_t cut = 0; cut < f->size; cut++) {
            lami_npy a;
            uint8_t *copy = malloc(cut + !cut); /* of this very size, for sanitizers */
            assert_non_null(copy);
            memcpy(copy, f->at, cut);
            assert_int_equal(lami_npy_read(&a, copy, cut, "a.npy"), LAM_EFORMAT);
            assert_message("a.npy");
            free(copy);
        }
    }
    array_file huge = { .size = 0 };
    file_put(&huge, "\x93NUMPY\2\0\xff\xff\xff\x7f{", 13);
    lami_npy a;
    assert_int_equal(read_npy(&a, &huge), LAM_EFORMAT);
    assert_message("a header of 2147483647 bytes");
}

/* ---- data sets ---- */

static lam_status open_with(lam_data **data, const char *path, const char *label, const char *weight)
{
    lam_options *o;
    assert_int_equal(lam_options_new(&o), LAM_OK);
    if (label)
        assert_int_equal(lam_options_set(o, "label", label), LAM_OK);
    if (weight)
        assert_int_equal(lam_options_set(o, "weight", weight), LAM_OK);
    const lam_status status = lam_data_open(data, path, o);
    lam_options_free(o);
    return status;
}

static const uint8_t pixels[24] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };

static void a_file_takes_its_labels_from_another_one(void **state)
{
    (void)state;
    lam_data *data;
    write_npy("pictures.npy", "|u1", "(2, 3, 4)", pixels, 24);
    write_npy("answers.npy", "<i8", "(2,)", "\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16);
    write_npy("importance.npy", "<f4", "(2,)", "\0\0\x80\x3f\0\0\0\x40", 8);
    assert_int_equal(open_with(&data, in_folder("pictures.npy"), in_folder("answers.npy"), in_folder("importance.npy")),
                     LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 2);
    assert_int_equal(lam_data_classes(data), 5);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), 4);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 1), 1);
    assert_true(data->part[LAM_TRAIN].weight[1] == 2);
    assert_int_equal(data->dtype, LAM_U8);
    const lam_shape wanted = lami_shape3(1, 3, 4);
    assert_true(lami_shape_equal(lam_data_shape(data), &wanted));
    assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 1), pixels + 12, 12);
    lam_data_free(data);
    assert_int_equal(open_with(&data, in_folder("pictures.npy"), NULL, NULL), LAM_EREAD);
    assert_message("pictures.npy: no labels for x");
    assert_message("--label Y.npy");
    assert_int_equal(open_with(&data, in_folder("pictures.npy"), in_folder("answer.npy"), NULL), LAM_EREAD);
    assert_message("answer.npy");
}

static void packed_files_are_read(void **state)
{
    (void)state;
    lam_data *data;
    const array_file *f = npy_of("|u1", "(2, 12)", pixels, 24);
    write_packed("x.npy.gz", f->at, f->size);
    f = npy_of("|u1", "(2,)", "\1\0", 2);
    write_packed("y.npy", f->at, f->size);
    assert_int_equal(open_with(&data, in_folder("x.npy.gz"), in_folder("y.npy"), NULL), LAM_OK);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), 1);
    lam_data_free(data);
    assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 2);
    lam_data_free(data);
    f = npy_of("|u1", "(2, 12)", pixels, 24);
    write_file("x.npy", f->at, f->size);
    assert_int_equal(lam_data_open(&data, folder, NULL), LAM_EFORMAT);
    assert_message("x.npy is there twice");
}

static void a_folder_has_the_parts_by_the_names_of_its_files(void **state)
{
    (void)state;
    lam_data *data;
    write_npy("x_train.npy", "|u1", "(3, 8)", pixels, 24);
    write_npy("y_train.npy", "|u1", "(3, 1)", "\2\0\1", 3);
    write_npy("x_val.npy", "|u1", "(2, 8)", pixels, 16);
    write_npy("y_val.npy", "|i1", "(2,)", "\0\3", 2);
    write_npy("test_x.npy", "|u1", "(1, 8)", pixels, 8);
    write_npy("test_y.npy", "|u1", "(1,)", "\2", 1);
    write_file("notes.txt", "x", 1);
    assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 3);
    assert_int_equal(lam_data_count(data, LAM_VAL), 2);
    assert_int_equal(lam_data_count(data, LAM_TEST), 1);
    assert_int_equal(lam_data_classes(data), 4);
    assert_int_equal(lam_data_label(data, LAM_VAL, 1), 3);
    assert_memory_equal(lami_data_sample(data, LAM_VAL, 1), pixels + 8, 8);
    lam_data_free(data);
    write_npy("fine_train.npy", "|u1", "(3,)", "\7\0\1", 3);
    write_npy("fine_val.npy", "|u1", "(2,)", "\0\1", 2);
    write_npy("fine_test.npy", "|u1", "(1,)", "\0", 1);
    assert_int_equal(open_with(&data, folder, "fine", NULL), LAM_OK);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), 7);
    lam_data_free(data);
    assert_int_equal(open_with(&data, folder, "fine_train", NULL), LAM_OK);
    lam_data_free(data);
    assert_int_equal(open_with(&data, folder, "fyne_train", NULL), LAM_EOPTION);
    assert_message("did you mean \"fine_train\"");
    unlink(in_folder("test_y.npy"));
    assert_int_equal(lam_data_open(&data, folder, NULL), LAM_EREAD);
    assert_message("no labels for test_x");
}

static void fortran_order_and_channels_last_are_put_in_order(void **state)
{
    (void)state;
    lam_data *data;
    uint8_t stored[48], wanted[48];
    char header[200];
    /* 2 pictures of 3 channels, 2 rows, 4 columns, in each of the four orders; values are places in C x H x W */
    for (int order = 0; order < 4; order++) {
        const int by_columns = order & 1, last = order >> 1;
        const size_t dim[4] = { 2, last ? 2 : 3, last ? 4 : 2, last ? 3 : 4 };
        for (size_t at = 0; at < 48; at++) {
            size_t index[4], rest = at;
            for (int k = 0; k < 4; k++) {
                const int axis = by_columns ? k : 3 - k;
                index[axis] = rest % dim[axis];
                rest /= dim[axis];
            }
            const size_t c = index[last ? 3 : 1], h = index[last ? 1 : 2], w = index[last ? 2 : 3];
            stored[at] = (uint8_t)(index[0] * 24 + c * 8 + h * 4 + w);
            wanted[at] = (uint8_t)at;
        }
        snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': %s, 'shape': (%zu, %zu, %zu, %zu), }\n",
                 by_columns ? "True" : "False", dim[0], dim[1], dim[2], dim[3]);
        const array_file *f = npy_with(1, header, stored, 48);
        write_file("x.npy", f->at, f->size);
        write_npy("y.npy", "|u1", "(2,)", "\0\1", 2);
        assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
        const lam_shape shape = lami_shape3(3, 2, 4);
        assert_true(lami_shape_equal(lam_data_shape(data), &shape));
        assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 0), wanted, 24);
        assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 1), wanted + 24, 24);
        lam_data_free(data);
        for (int i = 0; i < 48; i++)
            stored[i] ^= 0x80; /* signed bytes become reals */
        snprintf(header, sizeof header, "{'descr': '|i1', 'fortran_order': %s, 'shape': (%zu, %zu, %zu, %zu), }\n",
                 by_columns ? "True" : "False", dim[0], dim[1], dim[2], dim[3]);
        f = npy_with(1, header, stored, 48);
        write_file("x.npy", f->at, f->size);
        assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
        assert_int_equal(data->dtype, LAM_F32);
        for (int i = 0; i < 24; i++)
            assert_true(((const float *)lami_data_sample(data, LAM_TRAIN, 1))[i] == (float)(i + 24 - 128));
        lam_data_free(data);
    }
}

static void shapes_say_what_a_sample_is(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        lam_shape sample;
    } cases[] = {
        { "(2, 12)", { 1, { 12 } } },           { "(2, 3, 4)", { 3, { 1, 3, 4 } } },
        { "(2, 1, 3, 4)", { 3, { 1, 3, 4 } } }, { "(2, 3, 4, 1)", { 3, { 3, 4, 1 } } },
        { "(2, 2, 6, 1)", { 3, { 1, 2, 6 } } }, { "(2, 2, 2, 3)", { 3, { 3, 2, 2 } } },
        { "(2, 3, 1, 4)", { 3, { 3, 1, 4 } } }, { "(2, 6, 2, 1)", { 3, { 1, 6, 2 } } },
    };
    write_npy("y.npy", "|u1", "(2,)", "\0\1", 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lam_data *data;
        write_npy("x.npy", "|u1", cases[i].shape, pixels, 24);
        assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
        assert_true(lami_shape_equal(lam_data_shape(data), &cases[i].sample));
        lam_data_free(data);
    }
    static const char *const wrong[] = { "(24,)", "()", "(2, 3, 2, 2, 1)" };
    for (int i = 0; i < 3; i++) {
        lam_data *data;
        write_npy("x.npy", "|u1", wrong[i], pixels, i == 1 ? 1 : 24);
        assert_int_equal(lam_data_open(&data, folder, NULL), LAM_EFORMAT);
        assert_message("x.npy");
        assert_message("NxHxWxC");
    }
}

static void wide_numbers_keep_their_digits_with_dtype_f64(void **state)
{
    (void)state;
    lam_data *data;
    lam_options *o;
    const double value[2] = { 0.1, 16777217 };
    write_npy("x.npy", "<f8", "(2, 1)", value, sizeof value);
    write_npy("y.npy", "|u1", "(2,)", "\0\1", 2);
    assert_int_equal(lam_data_open(&data, folder, NULL), LAM_OK);
    assert_int_equal(data->dtype, LAM_F32);
    assert_true(*(const float *)lami_data_sample(data, LAM_TRAIN, 0) == 0.1f);
    lam_data_free(data);
    assert_int_equal(lam_options_new(&o), LAM_OK);
    assert_int_equal(lam_options_set(o, "dtype", "f64"), LAM_OK);
    assert_int_equal(lam_data_open(&data, folder, o), LAM_OK);
    assert_int_equal(data->dtype, LAM_F64);
    assert_true(*(const double *)lami_data_sample(data, LAM_TRAIN, 1) == 16777217);
    lam_data_free(data);
    write_npy("x.npy", "<f4", "(2, 1)", "\0\0\x80\x3f\0\0\x80\x3f", 8);
    assert_int_equal(lam_data_open(&data, folder, o), LAM_OK);
    assert_int_equal(data->dtype, LAM_F32);
    lam_data_free(data);
    lam_options_free(o);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    const array_file *f = npy_of("|i1", "(3, 8)", pixels, 24);
    write_packed("x_train.npy.gz", f->at, f->size);
    write_npy("y_train.npy", "|u1", "(3,)", "\2\0\1", 3);
    write_npy("weight_train.npy", "|u1", "(3,)", "\2\0\1", 3);
    int failed = 1;
    for (long n = 1; failed; n++) {
        lam_data *data;
        lami_alloc_fail_at(n);
        const lam_status status = lam_data_open(&data, folder, NULL);
        lami_alloc_fail_at(0);
        failed = status != LAM_OK;
        if (failed)
            assert_int_equal(status, LAM_ENOMEM);
        else
            assert_true(n > 15);
        lam_data_free(data);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_of_all_types_and_byte_orders_are_read),
        cmocka_unit_test(headers_of_all_versions_and_spellings_are_read),
        cmocka_unit_test(damaged_headers_are_errors_that_name_the_place),
        cmocka_unit_test(types_that_are_not_read_are_named),
        cmocka_unit_test(a_file_cut_anywhere_is_an_error),
        IN_FOLDER(a_file_takes_its_labels_from_another_one),
        IN_FOLDER(packed_files_are_read),
        IN_FOLDER(a_folder_has_the_parts_by_the_names_of_its_files),
        IN_FOLDER(fortran_order_and_channels_last_are_put_in_order),
        IN_FOLDER(shapes_say_what_a_sample_is),
        IN_FOLDER(wide_numbers_keep_their_digits_with_dtype_f64),
        IN_FOLDER(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
