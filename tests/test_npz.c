/* npz: archives of arrays as data sets, the archives themselves, and what labels become. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "../src/data/zip.h"
#include "folder.h"
#include "array_files.h"

static zip_file zip;
static const uint8_t pixels[24] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };

static void write_zip(const char *name)
{
    const array_file *f = zip_end(&zip);
    write_file(name, f->at, f->size);
}

/* The archive so far as a.npz, opened. `how` may be NULL. */
static lam_status open_zip(lam_data **data, const lami_open *how)
{
    static const lami_open usual = { .reals = -1 };
    write_zip("a.npz");
    return lami_data_open(data, in_folder("a.npz"), how ? how : &usual);
}

static void expect_error(lam_status status, const char *what)
{
    lam_data *data;
    assert_int_equal(open_zip(&data, NULL), status);
    assert_null(data);
    assert_message("a.npz");
    assert_message(what);
}

/* An archive with x (count, 2) and y of a type and shape. */
static void add_pair(size_t count, const char *type, const char *shape, const void *y, size_t size)
{
    char x_shape[32];
    static const uint8_t x[512];
    snprintf(x_shape, sizeof x_shape, "(%zu, 2)", count);
    zip_start(&zip);
    zip_add_npy(&zip, "x.npy", "|u1", x_shape, x, 2 * count);
    zip_add_npy(&zip, "y.npy", type, shape, y, size);
}

static void add_keras(void)
{
    zip_start(&zip);
    zip_add_npy(&zip, "x_train.npy", "|u1", "(2, 2, 4)", pixels, 16);
    zip_add_npy(&zip, "y_train.npy", "|u1", "(2,)", "\1\0", 2);
    zip_add_npy(&zip, "x_test.npy", "|u1", "(1, 2, 4)", pixels + 16, 8);
    zip_add_npy(&zip, "y_test.npy", "<i4", "(1,)", "\2\0\0\0", 4);
}

/* ---- data sets ---- */

static void the_names_of_keras_give_the_parts(void **state)
{
    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        lam_data *data;
        add_keras();
        if (zip64) { /* again, in the long form */
            zip_start(&zip);
            zip.zip64 = 1;
            zip_add_npy(&zip, "x_train.npy", "|u1", "(2, 2, 4)", pixels, 16);
            zip_add_npy(&zip, "y_train.npy", "|u1", "(2,)", "\1\0", 2);
            zip_add_npy(&zip, "x_test.npy", "|u1", "(1, 2, 4)", pixels + 16, 8);
            zip_add_npy(&zip, "y_test.npy", "<i4", "(1,)", "\2\0\0\0", 4);
        }
        assert_int_equal(open_zip(&data, NULL), LAM_OK);
        assert_int_equal(lam_data_count(data, LAM_TRAIN), 2);
        assert_int_equal(lam_data_count(data, LAM_VAL), 0);
        assert_int_equal(lam_data_count(data, LAM_TEST), 1);
        assert_int_equal(lam_data_classes(data), 3);
        assert_string_equal(lam_data_class_name(data, 2), "2");
        assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), 1);
        assert_int_equal(lam_data_label(data, LAM_TEST, 0), 2);
        assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 1), pixels + 8, 8);
        assert_memory_equal(lami_data_sample(data, LAM_TEST, 0), pixels + 16, 8);
        lam_data_free(data);
    }
}

static void packed_archives_and_standard_input_are_read(void **state)
{
    (void)state;
    lam_data *data;
    add_keras();
    const array_file *f = zip_end(&zip);
    write_packed("a.npz.gz", f->at, f->size);
    assert_int_equal(lam_data_open(&data, in_folder("a.npz.gz"), NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TEST), 1);
    lam_data_free(data);
    const int input = dup(0), file = open(in_folder("a.npz.gz"), O_RDONLY);
    assert_true(input >= 0 && file >= 0 && dup2(file, 0) == 0);
    assert_int_equal(lam_data_open(&data, "-", NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TEST), 1);
    lam_data_free(data);
    assert_true(dup2(input, 0) == 0);
    close(input);
    close(file);
}

static void options_name_the_arrays_of_labels_and_weights(void **state)
{
    (void)state;
    lam_data *data;
    lam_options *o;
    add_keras();
    zip_add_npy(&zip, "coarse_train.npy", "|u1", "(2,)", "\0\6", 2);
    zip_add_npy(&zip, "coarse_test.npy", "|u1", "(1,)", "\0", 1);
    zip_add_npy(&zip, "sample_weight_train.npy", "<f8", "(2,)", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 16);
    assert_int_equal(lam_options_new(&o), LAM_OK);
    assert_int_equal(lam_options_set(o, "label", "coarse"), LAM_OK);
    assert_int_equal(open_zip(&data, &(lami_open) { .options = o, .reals = -1 }), LAM_OK);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 1), 6);
    assert_true(data->part[LAM_TRAIN].weight[1] == 2);
    assert_null(data->part[LAM_TEST].weight);
    lam_data_free(data);
    assert_int_equal(lam_options_set(o, "weight", "sample_weights"), LAM_OK);
    assert_int_equal(open_zip(&data, &(lami_open) { .options = o, .reals = -1 }), LAM_EOPTION);
    assert_message("no array \"sample_weights\" for --weight");
    assert_message("did you mean \"sample_weight_train\"");
    lam_options_free(o);
}

static void arrays_that_are_missing_or_twice_are_named(void **state)
{
    (void)state;
    zip_start(&zip);
    zip_add_npy(&zip, "weights.npy", "|u1", "(2,)", "\1\0", 2);
    zip_add(&zip, "readme.txt", "hello", 5, 0);
    expect_error(LAM_EREAD, "no samples: an array x, X, data or images");
    expect_error(LAM_EREAD, "(there is: weights)");
    zip_start(&zip);
    zip_add_npy(&zip, "x.npy", "|u1", "(2, 2)", pixels, 4);
    expect_error(LAM_EREAD, "no labels for x");
    zip_add_npy(&zip, "data.npy", "|u1", "(2, 2)", pixels, 4);
    expect_error(LAM_EFORMAT, "both x and data could be meant");
    add_pair(2, "|u1", "(2,)", "\0\1", 2);
    zip_add_npy(&zip, "labels.npy", "|u1", "(2,)", "\1\0", 2);
    expect_error(LAM_EFORMAT, "both y and labels could be meant: leave one out, or give --label NAME");
}

static void parts_that_do_not_fit_together_are_errors(void **state)
{
    (void)state;
    add_pair(3, "|u1", "(2,)", "\0\1", 2);
    expect_error(LAM_EFORMAT, "x has 3");
    add_pair(2, "|u1", "(2, 1, 1)", "\0\1", 2);
    expect_error(LAM_EFORMAT, "y is 2x1x1");
    add_pair(2, "|u1", "(2,)", "\0\1", 2);
    zip_add_npy(&zip, "x_test.npy", "|u1", "(1, 3)", pixels, 3);
    zip_add_npy(&zip, "y_test.npy", "|u1", "(1,)", "\0", 1);
    expect_error(LAM_EFORMAT, "x_test: samples are 3, those of x 2");
    add_pair(2, "|u1", "(2,)", "\0\1", 2);
    zip_add_npy(&zip, "x_test.npy", "<f4", "(1, 2)", pixels, 8);
    zip_add_npy(&zip, "y_test.npy", "|u1", "(1,)", "\0", 1);
    expect_error(LAM_EFORMAT, "x_test: elements are <f4, those of x bytes");
    add_pair(2, "|u1", "(2,)", "\0\1", 2);
    zip_add_npy(&zip, "weight.npy", "|u1", "(3,)", "\0\1\1", 3);
    expect_error(LAM_EFORMAT, "weight has 3 samples");
    add_pair(2, "|u1", "(2,)", "\0\1", 2);
    zip_add_npy(&zip, "weight.npy", "|i1", "(2,)", "\0\xff", 2);
    expect_error(LAM_EFORMAT, "weight: sample 1 is -1: weights are finite and at least 0");
}

/* What `y` becomes: number of classes, or 0 and *targets. */
static size_t classes_of(size_t *targets, const lami_open *how)
{
    lam_data *data;
    assert_int_equal(open_zip(&data, how), LAM_OK);
    const size_t classes = lam_data_classes(data);
    *targets = data->targets;
    assert_true(!classes == !!data->targets && !!data->part[LAM_TRAIN].target == !classes);
    lam_data_free(data);
    return classes;
}

static void whole_labels_are_classes_and_others_are_numbers(void **state)
{
    (void)state;
    size_t targets;
    double value[200];
    const lami_open classes = { .reals = 0 }, numbers = { .reals = 1 };
    lam_options *o;
    assert_int_equal(lam_options_new(&o), LAM_OK);
    add_pair(2, "<i8", "(2,)", "\7\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
    assert_int_equal(classes_of(&targets, NULL), 8);
    assert_int_equal(classes_of(&targets, &numbers), 0);
    assert_int_equal(targets, 1);
    assert_int_equal(lam_options_set(o, "targets", "numbers"), LAM_OK);
    assert_int_equal(classes_of(&targets, &(lami_open) { .options = o, .reals = 0 }), 0);
    /* a few whole numbers with a point are classes, a fraction or many different ones are not */
    for (int i = 0; i < 200; i++)
        value[i] = i % 3;
    add_pair(200, "<f8", "(200,)", value, sizeof value);
    assert_int_equal(classes_of(&targets, NULL), 3);
    value[7] = 0.5;
    add_pair(200, "<f8", "(200,)", value, sizeof value);
    assert_int_equal(classes_of(&targets, NULL), 0);
    for (int i = 0; i < 200; i++)
        value[i] = i / 2;
    add_pair(200, "<f8", "(200,)", value, sizeof value);
    assert_int_equal(classes_of(&targets, NULL), 100);
    value[0] = 150;
    add_pair(200, "<f8", "(200,)", value, sizeof value);
    assert_int_equal(classes_of(&targets, NULL), 0);
    assert_int_equal(classes_of(&targets, &classes), 151);
    assert_int_equal(lam_options_set(o, "targets", "classes"), LAM_OK);
    assert_int_equal(classes_of(&targets, &(lami_open) { .options = o, .reals = 1 }), 151);
    /* whole numbers stored as such may be many, but not negative */
    add_pair(2, "<u2", "(2,)", "\0\0\xff\xff", 4);
    assert_int_equal(classes_of(&targets, NULL), 65536);
    add_pair(2, "|i1", "(2,)", "\1\xff", 2);
    assert_int_equal(classes_of(&targets, NULL), 0);
    add_pair(2, "|u1", "(2, 1)", "\1\0", 2);
    assert_int_equal(classes_of(&targets, NULL), 2);
    add_pair(2, "|u1", "(2, 3)", "\1\0\0\0\0\1", 6);
    assert_int_equal(classes_of(&targets, NULL), 0);
    assert_int_equal(targets, 3);
    lam_options_free(o);
}

static void numbers_to_predict_are_kept_as_they_are(void **state)
{
    (void)state;
    lam_data *data;
    static const double y[6] = { 0.1, -2, 1e300, 4, 5, 6 };
    zip_start(&zip);
    zip_add_npy(&zip, "X.npy", "|u1", "(3, 2)", pixels, 6);
    const array_file *f = npy_with(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }\n", y, sizeof y);
    zip_add(&zip, "target.npy", f->at, f->size, 1);
    assert_int_equal(open_zip(&data, NULL), LAM_OK);
    assert_int_equal(data->targets, 2);
    assert_null(data->part[LAM_TRAIN].label);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            assert_true(data->part[LAM_TRAIN].target[2 * i + k] == y[3 * k + i]);
    lam_data_free(data);
    zip_add_npy(&zip, "x_test.npy", "|u1", "(1, 2)", pixels, 2);
    zip_add_npy(&zip, "y_test.npy", "<f8", "(1, 1)", y, 8);
    expect_error(LAM_EFORMAT, "y_test has 1 columns, but");
}

static void labels_are_not_needed_for_prediction(void **state)
{
    (void)state;
    lam_data *data;
    zip_start(&zip);
    zip_add_npy(&zip, "x.npy", "|u1", "(2, 2)", pixels, 4);
    assert_int_equal(open_zip(&data, &(lami_open) { .reals = 0, .label_optional = 1 }), LAM_OK);
    assert_true(data->unlabeled && !data->part[LAM_TRAIN].label && !data->part[LAM_TRAIN].target);
    assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 1), pixels + 2, 2);
    lam_data_free(data);
}

static void samples_that_cannot_be_used_are_errors_or_counted(void **state)
{
    (void)state;
    lam_data *data;
    const double x[8] = { 1, 2, NAN, 4, 5, 1e300, 7, 8 };
    zip_start(&zip);
    zip_add_npy(&zip, "x.npy", "<f8", "(4, 2)", x, sizeof x);
    zip_add_npy(&zip, "y.npy", "|i1", "(4,)", "\0\1\0\2", 4);
    zip_add_npy(&zip, "weight.npy", "|u1", "(4,)", "\1\2\3\4", 4);
    expect_error(LAM_EFORMAT, "x: sample 1 is nan: not a finite number");
    lami_bad_rows bad = { 0 };
    assert_int_equal(open_zip(&data, &(lami_open) { .reals = -1, .bad = &bad }), LAM_OK);
    assert_int_equal(bad.count, 2);
    assert_int_equal(bad.first[0].line, 2);
    assert_non_null(strstr(bad.first[0].why, "nan"));
    assert_int_equal(bad.first[1].line, 3);
    assert_non_null(strstr(bad.first[1].why, "too large for single precision"));
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 2);
    assert_true(((const float *)lami_data_sample(data, LAM_TRAIN, 1))[1] == 8);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 1), 2);
    assert_true(data->part[LAM_TRAIN].weight[1] == 4);
    lam_data_free(data);
    add_pair(2, "|i1", "(2,)", "\1\xff", 2);
    const lami_open classes = { .reals = 0 };
    assert_int_equal(open_zip(&data, &classes), LAM_EFORMAT);
    assert_message("y: sample 1 is -1: classes are whole numbers from 0");
    add_pair(2, "<f8", "(2,)", "\0\0\0\0\0\0\xf8\x7f\0\0\0\0\0\0\xf0\x7f", 16);
    expect_error(LAM_EFORMAT, "y: sample 0 is nan");
    bad.count = 0;
    assert_int_equal(open_zip(&data, &(lami_open) { .reals = -1, .bad = &bad }), LAM_EFORMAT);
    assert_message("no sample of x can be used");
}

/* ---- archives ---- */

static void damaged_archives_are_errors(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* byte of the first entry of the directory */
        uint8_t value;
        const char *what;
    } entries[] = {
        { 0, 'Q', "not an entry of the directory" },
        { 8, 1, "x_train.npy is encrypted" },
        { 10, 12, "x_train.npy is packed by method 12" },
        { 10, 0, "x_train.npy has impossible sizes" },
        { 16, 0x55, "x_train.npy does not fit its checksum" },
        { 23, 0x7f, "x_train.npy has impossible sizes" }, /* packed */
        { 27, 0x7f, "x_train.npy has impossible sizes" }, /* unpacked: a bomb */
        { 24, 0x01, "x_train.npy does not unpack to 1 bytes" },
        { 24, 0xff, "x_train.npy does not unpack to 255 bytes" },
        { 20, 0x05, "x_train.npy does not unpack to" },
        { 28, 0, "a member with an impossible name" },
        { 29, 0xff, "not an entry of the directory" },
        { 34, 1, "in several parts" },
        { 42, 9, "not the header of x_train.npy" },
        { 45, 0x7f, "x_train.npy has impossible sizes" },
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        add_keras();
        zip.directory.at[entries[i].at] = entries[i].value;
        if (entries[i].at == 24)
            memset(zip.directory.at + 25, 0, 3);
        expect_error(LAM_EFORMAT, entries[i].what);
    }
    add_keras();
    zip_add_npy(&zip, "x_train.npy", "|u1", "(2, 2, 4)", pixels, 16);
    expect_error(LAM_EFORMAT, "x_train.npy is in it twice");
    add_keras();
    zip_add(&zip, "other.npy", "hello", 5, 0);
    lam_data *data;
    assert_int_equal(open_zip(&data, NULL), LAM_OK); /* nobody asks for it */
    lam_data_free(data);
    add_keras();
    zip_add(&zip, "weight_train.npy", "hello", 5, 0);
    expect_error(LAM_EFORMAT, "weight_train: not an npy file");
}

static void damaged_ends_of_archives_are_errors(void **state)
{
    (void)state;
    static const struct {
        int zip64;
        size_t from_end; /* first byte that is changed, from the end of the file */
        uint8_t value;
        const char *what;
    } ends[] = {
        { 0, 22, 0, "no record at its end" },
        { 0, 18, 1, "in several parts" },
        { 0, 12, 9, "in several parts" },
        { 0, 10, 1, "does not lie before its end" },
        { 0, 6, 1, "does not lie before its end" },
        { 0, 2, 1, "no record at its end" },
        { 1, 42, 0, "does not lie before its end" },
        { 1, 38, 1, "in several parts" },
        { 1, 30, 9, "no zip64 record where" },
        { 1, 34, 1, "not a zip64 record" },
        { 1, 26, 5, "in several parts" },
        { 1, 82, 1, "in several parts" },
        { 1, 74, 9, "in several parts" },
        { 1, 66, 9, "in several parts" },
        { 1, 58, 9, "does not lie before" },
        { 1, 50, 1, "does not lie before" },
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        static array_file f;
        zip_start(&zip);
        zip.zip64 = ends[i].zip64;
        zip_add_npy(&zip, "x.npy", "|u1", "(2, 2)", pixels, 4);
        f = *zip_end(&zip);
        f.at[f.size - ends[i].from_end] ^= ends[i].value ? ends[i].value : 0x11;
        lami_zip *opened;
        assert_int_equal(lami_zip_open(&opened, f.at, f.size, "a.npz"), LAM_EFORMAT);
        assert_null(opened);
        assert_message("a.npz");
        assert_message(ends[i].what);
    }
}

static void an_archive_cut_or_changed_anywhere_is_an_error_or_the_same(void **state)
{
    (void)state;
    static array_file f;
    add_keras();
    f = *zip_end(&zip);
    for (size_t cut = 0; cut < f.size; cut++) {
        uint8_t *copy = malloc(cut + !cut);
        assert_non_null(copy);
        memcpy(copy, f.at, cut);
        lami_zip *opened;
        assert_int_equal(lami_zip_open(&opened, copy, cut, "a.npz"), LAM_EFORMAT);
        assert_message("a.npz");
        free(copy);
    }
    for (size_t i = 0; i < f.size; i++) {
        lam_data *data;
        f.at[i] ^= 0x41;
        write_file("a.npz", f.at, f.size);
        char path[2 * FOLDER_PATH + 8];
        snprintf(path, sizeof path, "npz:%s", in_folder("a.npz"));
        const lam_status status = lam_data_open(&data, path, NULL);
        if (status) {
            assert_message("a.npz");
            assert_true(status == LAM_EFORMAT || status == LAM_EREAD);
        } else {
            assert_memory_equal(lami_data_sample(data, LAM_TRAIN, 1), pixels + 8, 8);
        }
        lam_data_free(data);
        f.at[i] ^= 0x41;
    }
}

static void other_archives_are_not_taken_for_arrays(void **state)
{
    (void)state;
    lam_data *data;
    zip_start(&zip);
    zip_add(&zip, "model/data.pkl", "hello", 5, 0);
    assert_int_equal(open_zip(&data, NULL), LAM_EFORMAT);
    assert_message("not a data set of a known kind");
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    add_keras();
    zip_add_npy(&zip, "weight_train.npy", "|u1", "(2,)", "\1\2", 2);
    write_zip("a.npz");
    lam_data *data;
    const long before = lami_alloc_count();
    assert_int_equal(lam_data_open(&data, in_folder("a.npz"), NULL), LAM_OK);
    lam_data_free(data);
    const long count = lami_alloc_count() - before;
    int failures = 0;
    for (long n = 1; n <= count; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lam_data_open(&data, in_folder("a.npz"), NULL);
        lami_alloc_fail_at(0);
        lam_data_free(data);
        assert_true(status == LAM_ENOMEM || !status); /* not found out what it is not, but opened all the same */
        failures += status == LAM_ENOMEM;
    }
    assert_true(failures > 30 && failures > count - 10);
}

/* ---- against numpy ---- */

static void files_of_numpy_are_read(void **state)
{
    (void)state;
    static const char *const script =
        "import numpy as np, os\n"
        "os.chdir(os.environ['PLACE'])\n"
        "r = np.random.RandomState(1)\n"
        "x = r.randint(0, 256, (20, 5, 6, 3)).astype(np.uint8)\n"
        "y = r.randint(0, 4, 20)\n"
        "np.savez('a.npz', x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])\n"
        "np.savez_compressed('b.npz', x=np.asfortranarray(x), y=y.astype('>i2'), weight=np.ones(20, 'f2'))\n"
        "x.transpose(0, 3, 1, 2).tofile('x.raw')\n"
        "y.astype(np.int32).tofile('y.raw')\n";
    char command[4096];
    const char *python = getenv("LAMINA_PYTHON");
    python = python && *python ? python : "python3";
    snprintf(command, sizeof command, "%s -c 'import numpy' 2>/dev/null", python);
    if (system(command)) {
        print_message("skipped: no %s with numpy here\n", python);
        skip();
    }
    write_file("make.py", script, strlen(script));
    snprintf(command, sizeof command, "PLACE='%s' %s '%s'", folder, python, in_folder("make.py"));
    assert_int_equal(system(command), 0);
    static uint8_t x[1800];
    int32_t y[20];
    FILE *file = fopen(in_folder("x.raw"), "rb");
    assert_true(file && fread(x, 1, sizeof x, file) == sizeof x);
    fclose(file);
    file = fopen(in_folder("y.raw"), "rb");
    assert_true(file && fread(y, 1, sizeof y, file) == sizeof y);
    fclose(file);
    for (int i = 0; i < 2; i++) {
        lam_data *data;
        assert_int_equal(lam_data_open(&data, in_folder(i ? "b.npz" : "a.npz"), NULL), LAM_OK);
        assert_int_equal(lam_data_count(data, LAM_TRAIN), 20);
        assert_int_equal(lam_data_count(data, LAM_TEST), i ? 0 : 4);
        for (size_t k = 0; k < 20; k++) {
            assert_int_equal(lam_data_label(data, LAM_TRAIN, k), y[k]);
            assert_memory_equal(lami_data_sample(data, LAM_TRAIN, k), x + 90 * k, 90);
        }
        lam_data_free(data);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_names_of_keras_give_the_parts),
        IN_FOLDER(packed_archives_and_standard_input_are_read),
        IN_FOLDER(options_name_the_arrays_of_labels_and_weights),
        IN_FOLDER(arrays_that_are_missing_or_twice_are_named),
        IN_FOLDER(parts_that_do_not_fit_together_are_errors),
        IN_FOLDER(whole_labels_are_classes_and_others_are_numbers),
        IN_FOLDER(numbers_to_predict_are_kept_as_they_are),
        IN_FOLDER(labels_are_not_needed_for_prediction),
        IN_FOLDER(samples_that_cannot_be_used_are_errors_or_counted),
        IN_FOLDER(damaged_archives_are_errors),
        IN_FOLDER(damaged_ends_of_archives_are_errors),
        IN_FOLDER(an_archive_cut_or_changed_anywhere_is_an_error_or_the_same),
        IN_FOLDER(other_archives_are_not_taken_for_arrays),
        IN_FOLDER(every_failed_allocation_is_reported),
        IN_FOLDER(files_of_numpy_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
