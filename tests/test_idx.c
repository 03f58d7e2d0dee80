/* idx: folders of MNIST-like files, whole and damaged, and the installed Fashion-MNIST. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "folder.h"

enum { IMAGES = 6, SIDE = 3, PIXELS = SIDE * SIDE, IMAGE_FILE = 16 + IMAGES * PIXELS, LABEL_FILE = 8 + IMAGES };

static uint8_t images[IMAGE_FILE + 8], labels[LABEL_FILE + 8];

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Six 3x3 images; labels 0 1 2 0 1 2. */
static void make(void)
{
    put32(images, 0x803);
    put32(images + 4, IMAGES);
    put32(images + 8, SIDE);
    put32(images + 12, SIDE);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[16 + i] = (uint8_t)(3 * i);
    put32(labels, 0x801);
    put32(labels + 4, IMAGES);
    for (int i = 0; i < IMAGES; i++)
        labels[8 + i] = (uint8_t)(i % 3);
}

static void write_train(void)
{
    write_file("train-images-idx3-ubyte", images, IMAGE_FILE);
    write_file("train-labels-idx1-ubyte", labels, LABEL_FILE);
}

/* The folder as it is now: `kind` "" is recognised. */
static lam_status open_kind(lam_data **data, const char *kind)
{
    char path[2 * FOLDER_PATH];
    snprintf(path, sizeof path, "%s%s%s", kind, *kind ? ":" : "", folder);
    return lam_data_open(data, path, NULL);
}

static void expect_error(lam_status status, const char *what)
{
    lam_data *data;
    assert_int_equal(open_kind(&data, "idx"), status);
    assert_null(data);
    assert_message(what);
    assert_message(folder);
}

static void a_folder_is_recognised_and_read(void **state)
{
    (void)state;
    lam_data *data;
    make();
    write_train();
    write_file("t10k-images-idx3-ubyte", images, IMAGE_FILE);
    write_file("t10k-labels-idx1-ubyte", labels, LABEL_FILE);
    assert_int_equal(open_kind(&data, ""), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), IMAGES);
    assert_int_equal(lam_data_count(data, LAM_VAL), 0);
    assert_int_equal(lam_data_count(data, LAM_TEST), IMAGES);
    assert_int_equal(lam_data_classes(data), 3);
    assert_string_equal(lam_data_class_name(data, 2), "2");
    assert_null(lam_data_class_name(data, 3));
    const lam_shape *shape = lam_data_shape(data);
    assert_true(shape->rank == 3 && shape->dim[0] == 1 && shape->dim[1] == SIDE && shape->dim[2] == SIDE);
    for (size_t i = 0; i < IMAGES; i++) {
        assert_int_equal(lam_data_label(data, LAM_TEST, i), i % 3);
        assert_memory_equal(lami_data_sample(data, LAM_TEST, i), images + 16 + i * PIXELS, PIXELS);
    }
    assert_int_equal(lam_data_label(data, LAM_TRAIN, IMAGES), -1);
    lam_data_free(data);
}

static void packed_files_and_dots_in_names_are_fine(void **state)
{
    (void)state;
    lam_data *data;
    make();
    write_packed("train-images.idx3-ubyte.gz", images, IMAGE_FILE);
    write_packed("train-labels-idx1-ubyte.gz", labels, LABEL_FILE);
    assert_int_equal(open_kind(&data, ""), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TEST), 0);
    assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 5), images + 16 + 5 * PIXELS, PIXELS);
    lam_data_free(data);
}

static void mnist_kinds_have_ten_classes(void **state)
{
    (void)state;
    lam_data *data;
    make();
    write_train();
    assert_int_equal(open_kind(&data, "mnist"), LAM_OK);
    assert_int_equal(lam_data_classes(data), 10);
    assert_string_equal(lam_data_class_name(data, 9), "9");
    lam_data_free(data);
    assert_int_equal(open_kind(&data, "fashion-mnist"), LAM_OK);
    assert_string_equal(lam_data_class_name(data, 9), "Ankle boot");
    lam_data_free(data);
    labels[8 + 4] = 10;
    write_train();
    assert_int_equal(open_kind(&data, "mnist"), LAM_EFORMAT);
    assert_message("label 4 is 10");
    assert_message("train-labels-idx1-ubyte");
}

static void files_cut_at_any_length_are_errors(void **state)
{
    (void)state;
    make();
    write_train();
    for (size_t n = 0; n < IMAGE_FILE; n++) {
        write_file("train-images-idx3-ubyte", images, n);
        expect_error(LAM_EFORMAT, "train-images-idx3-ubyte");
    }
    write_train();
    for (size_t n = 0; n < LABEL_FILE; n++) {
        write_file("train-labels-idx1-ubyte", labels, n);
        expect_error(LAM_EFORMAT, "train-labels-idx1-ubyte");
    }
}

static void packed_files_that_unpack_to_too_little_are_errors(void **state)
{
    (void)state;
    make();
    write_train();
    unlink(in_folder("train-images-idx3-ubyte"));
    for (size_t n = 0; n < IMAGE_FILE; n++) {
        write_packed("train-images-idx3-ubyte.gz", images, n);
        expect_error(LAM_EFORMAT, "train-images-idx3-ubyte.gz");
    }
    write_packed("train-images-idx3-ubyte.gz", images, IMAGE_FILE + 1);
    expect_error(LAM_EFORMAT, "other bytes follow");
}

static void trailing_bytes_are_errors(void **state)
{
    (void)state;
    make();
    write_train();
    write_file("train-images-idx3-ubyte", images, IMAGE_FILE + 1);
    expect_error(LAM_EFORMAT, "train-images-idx3-ubyte");
    write_train();
    write_file("train-labels-idx1-ubyte", labels, LABEL_FILE + 1);
    expect_error(LAM_EFORMAT, "train-labels-idx1-ubyte");
}

static void wrong_headers_are_errors(void **state)
{
    (void)state;
    static const struct {
        uint32_t magic, count, height, width;
        const char *what;
    } bad[] = {
        { 0x10803, 6, 3, 3, "not an idx file" },
        { 0x0d03, 6, 3, 3, "idx type 0d" },
        { 0x0801, 6, 3, 3, "sizes in the idx header" },
        { 0x0805, 6, 3, 3, "sizes in the idx header" },
        { 0x0803, 0, 3, 3, "impossible sizes" },
        { 0x0803, UINT32_MAX, UINT32_MAX, UINT32_MAX, "impossible sizes" },
        { 0x0803, UINT32_MAX, 28, 28, "bytes follow" },
        { 0x0803, 6, 3, 4, "bytes follow" },
        { 0x0803, 5, 3, 3, "bytes follow" },
        { 0x0803, 3, 6, 3, "3 images, but 6 labels" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make();
        put32(images, bad[i].magic);
        put32(images + 4, bad[i].count);
        put32(images + 8, bad[i].height);
        put32(images + 12, bad[i].width);
        write_train();
        expect_error(LAM_EFORMAT, bad[i].what);
        expect_error(LAM_EFORMAT, "train-images-idx3-ubyte");
    }
    make();
    put32(labels, 0x803);
    write_train();
    expect_error(LAM_EFORMAT, "train-labels-idx1-ubyte");
}

static void a_packed_header_that_promises_too_much_is_refused_before_allocating(void **state)
{
    (void)state;
    make();
    put32(images + 4, 4000000);
    put32(labels + 4, 4000000);
    write_packed("train-images-idx3-ubyte.gz", images, IMAGE_FILE);
    write_file("train-labels-idx1-ubyte", labels, LABEL_FILE);
    expect_error(LAM_EFORMAT, "train-labels-idx1-ubyte");
    unlink(in_folder("train-labels-idx1-ubyte"));
    write_packed("train-labels-idx1-ubyte.gz", labels, LABEL_FILE);
    expect_error(LAM_EFORMAT, "at most");
}

static void a_missing_half_is_named(void **state)
{
    (void)state;
    make();
    expect_error(LAM_EREAD, "train-images-idx3-ubyte");
    write_train();
    unlink(in_folder("train-labels-idx1-ubyte"));
    expect_error(LAM_EREAD, "train-labels-idx1-ubyte");
    write_train();
    unlink(in_folder("train-images-idx3-ubyte"));
    expect_error(LAM_EREAD, "train-images-idx3-ubyte");
    write_train();
    write_file("t10k-labels-idx1-ubyte", labels, LABEL_FILE);
    expect_error(LAM_EREAD, "t10k-images-idx3-ubyte");
    lam_data *data;
    assert_int_equal(lam_data_open(&data, in_folder("train-images-idx3-ubyte"), NULL), LAM_EREAD);
    assert_message("give the folder");
}

static void a_test_part_of_another_shape_is_an_error(void **state)
{
    (void)state;
    make();
    write_train();
    put32(images + 4, 9);
    put32(images + 8, 2);
    put32(images + 12, 3);
    put32(labels + 4, 9);
    write_file("t10k-images-idx3-ubyte", images, IMAGE_FILE);
    memset(labels + LABEL_FILE, 0, 3);
    write_file("t10k-labels-idx1-ubyte", labels, LABEL_FILE + 3);
    expect_error(LAM_EFORMAT, "images are 1x2x3, those of the training part 1x3x3");
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    make();
    write_train();
    write_packed("t10k-images-idx3-ubyte.gz", images, IMAGE_FILE);
    write_file("t10k-labels-idx1-ubyte", labels, LABEL_FILE);
    int failures = 0;
    for (long n = 1;; n++) {
        lam_data *data;
        lami_alloc_fail_at(n);
        const lam_status status = open_kind(&data, "");
        lami_alloc_fail_at(0);
        if (!status) {
            lam_data_free(data);
            break;
        }
        assert_int_equal(status, LAM_ENOMEM);
        assert_null(data);
        failures++;
    }
    assert_true(failures > 10);
}

static void the_installed_fashion_mnist_is_found(void **state)
{
    (void)state;
    lam_data *data;
    static const int first[] = { 9, 0, 0, 3, 0 };
    if (access("/usr/share/datasets/fashion-mnist", R_OK)) {
        print_message("skipped: Debian's package dataset-fashion-mnist is not installed\n");
        skip();
    }
    assert_int_equal(lam_data_open(&data, "fashion-mnist", NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 60000);
    assert_int_equal(lam_data_count(data, LAM_TEST), 10000);
    assert_int_equal(lam_data_classes(data), 10);
    assert_string_equal(lam_data_class_name(data, 0), "T-shirt/top");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(lam_data_label(data, LAM_TRAIN, i), first[i]);
    /* the known mean of the training pixels: 0.2860 of 255 */
    uint64_t sum = 0;
    for (size_t i = 0; i < 60000; i++) {
        const uint8_t *x = lami_data_sample(data, LAM_TRAIN, i);
        for (int j = 0; j < 784; j++)
            sum += x[j];
    }
    assert_true(fabs((double)sum / (60000.0 * 784 * 255) - 0.2860) < 5e-5);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_recognised_and_read, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(packed_files_and_dots_in_names_are_fine, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(mnist_kinds_have_ten_classes, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(files_cut_at_any_length_are_errors, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(packed_files_that_unpack_to_too_little_are_errors, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(trailing_bytes_are_errors, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(wrong_headers_are_errors, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_packed_header_that_promises_too_much_is_refused_before_allocating,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_missing_half_is_named, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_test_part_of_another_shape_is_an_error, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_reported, folder_setup, folder_teardown),
        cmocka_unit_test(the_installed_fashion_mnist_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
