/* images: folders of image files as data: classes, parts, shapes, bad files, and the same bytes whatever the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "../src/data/image.h"
#include "folder.h"
#include "image_files.h"

static lam_options *options;
static lam_data *data;
static image_file file;
static char place[2 * FOLDER_PATH]; /* what is opened: the test's folder, or one in it */

static int setup(void **state)
{
    const int failed = folder_setup(state) || lam_options_new(&options);
    snprintf(place, sizeof place, "%s", folder);
    return failed;
}

static void look_into(const char *name)
{
    snprintf(place, sizeof place, "%s", in_folder(name));
}

static int teardown(void **state)
{
    lam_data_free(data);
    lam_options_free(options);
    data = NULL;
    options = NULL;
    return folder_teardown(state);
}

static void needs_png(void)
{
    if (!lami_image_reads(LAMI_IMAGE_PNG))
        skip();
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* The folders that a name has are made. */
static void put(const char *name, const void *content, size_t size)
{
    char path[FOLDER_PATH];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
        mkdir(in_folder(path), 0700);
    }
    write_file(name, content, size);
}

static void put_color(const char *name, size_t width, size_t height, uint8_t red, uint8_t green, uint8_t blue)
{
    png_plain(&file, width, height, red, green, blue);
    put(name, file.at, file.size);
}

static void put_gray(const char *name, size_t width, size_t height, uint8_t value)
{
    put_color(name, width, height, value, value, value);
}

static void put_text(const char *name)
{
    put(name, "no image", 8);
}

/* A picture whose pixels all differ. */
static void put_slope(const char *name, size_t width, size_t height, unsigned seed)
{
    static uint16_t sample[64 * 64 * 3];
    for (size_t i = 0; i < width * height * 3; i++)
        sample[i] = (uint16_t)((i * 37 + i / 7 * seed + seed) % 256);
    png_make(&file, &(png_image) { .width = width, .height = height, .type = PNG_RGB, .bits = 8, .sample = sample });
    put(name, file.at, file.size);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void set(const char *name, const char *value)
{
    assert_int_equal(lam_options_set(options, name, value), LAM_OK);
}

static lam_status open_how(lami_open how)
{
    lam_data_free(data);
    data = NULL;
    how.options = options;
    how.reals = -1;
    return lami_data_open(&data, place, &how);
}

static void open_folder(void)
{
    if (open_how((lami_open) { 0 }))
        fail_msg("%s", lam_last_error());
}

static void expect_error(lam_status status, const char *what)
{
    assert_int_equal(open_how((lami_open) { 0 }), status);
    assert_null(data);
    assert_message(place);
    assert_message(what);
}

static const uint8_t *sample(lam_part part, size_t i)
{
    return lami_data_sample(data, part, i);
}

static void expect_shape(size_t channels, size_t height, size_t width)
{
    const lam_shape *s = lam_data_shape(data);
    assert_int_equal(s->rank, 3);
    assert_int_equal(s->dim[0], channels);
    assert_int_equal(s->dim[1], height);
    assert_int_equal(s->dim[2], width);
}

static void expect_path(lam_part part, size_t i, const char *name)
{
    assert_string_equal(lami_data_sample_path(data, part, i), in_folder(name));
}

/* ---- classes and parts ------------------------------------------------------------------------------------------- */

/* Names that are not text are sorted as they are shown. */
static void classes_are_the_folders_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    static const char *const names[] = { "B", "\\xff", "a10", "a2", "b" };
    needs_png();
    put_gray("b/1.png", 2, 2, 40);
    put_gray("a2/1.png", 2, 2, 30);
    put_gray("a10/deep/down/1.png", 2, 2, 20);
    put_gray("B/2.png", 2, 2, 1);
    put_gray("B/10.png", 2, 2, 0);
    put_gray("\xff/1.png", 2, 2, 10);
    put_text("B/notes.txt");
    put_text("readme");
    put_gray(".hidden/1.png", 2, 2, 99);
    open_folder();
    assert_int_equal(lam_data_classes(data), 5);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 6);
    for (size_t c = 0; c < 5; c++)
        assert_string_equal(lam_data_class_name(data, c), names[c]);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(lam_data_label(data, LAM_TRAIN, i), i ? i - 1 : 0);
        assert_int_equal(sample(LAM_TRAIN, i)[3], i < 2 ? i : 10 * (i - 1));
    }
    expect_path(LAM_TRAIN, 0, "B/10.png");
    expect_path(LAM_TRAIN, 2, "\xff/1.png");
    expect_path(LAM_TRAIN, 3, "a10/deep/down/1.png");
}

static void folders_of_parts_have_the_classes_of_the_training_part(void **state)
{
    (void)state;
    static const char *const val_names[] = { "val", "Valid", "validation", "VAL" };
    needs_png();
    put_gray("train/a/1.png", 1, 1, 1);
    put_gray("train/b/1.png", 1, 1, 2);
    put_gray("train/c/1.png", 1, 1, 3);
    put_gray("test/c/x.png", 1, 1, 4);
    put_gray("val/b/x.png", 1, 1, 5);
    put_gray("other/d/x.png", 1, 1, 9);
    for (int i = 0; i < 4; i++) {
        char path[64];
        if (i)
            assert_int_equal(rename(in_folder(val_names[i - 1]), in_folder(val_names[i])), 0);
        snprintf(path, sizeof path, "%s/b/x.png", val_names[i]);
        open_folder();
        assert_int_equal(lam_data_classes(data), 3);
        assert_int_equal(lam_data_count(data, LAM_TRAIN), 3);
        assert_int_equal(lam_data_count(data, LAM_VAL), 1);
        assert_int_equal(lam_data_count(data, LAM_TEST), 1);
        assert_int_equal(lam_data_label(data, LAM_VAL, 0), 1);
        assert_int_equal(lam_data_label(data, LAM_TEST, 0), 2);
        assert_int_equal(*sample(LAM_VAL, 0), 5);
        assert_int_equal(*sample(LAM_TEST, 0), 4);
        expect_path(LAM_VAL, 0, path);
    }
}

static void a_class_that_training_does_not_have_is_an_error(void **state)
{
    (void)state;
    put_gray("train/cat/1.png", 1, 1, 1);
    put_gray("train/dog/1.png", 1, 1, 2);
    put_gray("test/cats/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT,
                 "/test/cats: class \"cats\" is none of the 2 of the training part, did you mean \"cat\"?");
}

static void folders_that_cannot_be_parts_say_why(void **state)
{
    (void)state;
    put_gray("train/1.png", 1, 1, 1);
    put_gray("test/1.png", 1, 1, 2);
    expect_error(LAM_EFORMAT, "no folders of classes in train and test; image files are expected in ");
    assert_message("/train/CLASS/");
    put_gray("test/a/1.png", 1, 1, 2);
    expect_error(LAM_EFORMAT, "/train: no folders of classes");
    put_gray("train/a/1.png", 1, 1, 1);
    put_gray("val/a/1.png", 1, 1, 1);
    put_gray("valid/a/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "both val and valid are there: which one is the validation part?");
}

static void a_test_part_needs_a_training_part(void **state)
{
    (void)state;
    put_gray("valid/a/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "there is no train folder beside valid");
    put_gray("Testing/a/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "there is no train folder beside Testing");
    put_gray("Training/b/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "class \"a\" is none of the 1 of the training part");
}

static void a_class_may_be_called_train(void **state)
{
    (void)state;
    needs_png();
    put_gray("car/1.png", 1, 1, 1);
    put_gray("train/1.png", 1, 1, 2);
    open_folder();
    assert_int_equal(lam_data_classes(data), 2);
    assert_string_equal(lam_data_class_name(data, 1), "train");
}

static void folders_without_images_are_named(void **state)
{
    (void)state;
    put_gray("train/a/1.png", 1, 1, 1);
    put_text("train/b/1.webp");
    put_text("train/c/1.gif");
    expect_error(LAM_EFORMAT, "2 classes have no image file (.jpg, .jpeg, .png): b, c");
    put_gray("train/b/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "class \"c\" has no image file (.jpg, .jpeg, .png)");
    put_gray("train/c/1.png", 1, 1, 1);
    put_text("test/a/1.webp");
    expect_error(LAM_EFORMAT, "/test: no image files (.jpg, .jpeg, .png) in its folders");
}

static void a_class_without_images_is_fine_in_a_later_part(void **state)
{
    (void)state;
    needs_png();
    put_gray("train/a/1.png", 1, 1, 1);
    put_gray("train/b/1.png", 1, 1, 1);
    put_gray("test/b/1.png", 1, 1, 1);
    make_folder("test/a");
    open_folder();
    assert_int_equal(lam_data_label(data, LAM_TEST, 0), 1);
}

static void two_folders_shown_alike_are_an_error(void **state)
{
    (void)state;
    put_gray("\xff/1.png", 1, 1, 1);
    put_gray("\\xff/1.png", 1, 1, 1);
    expect_error(LAM_EFORMAT, "two folders of classes have names that are shown as \"\\xff\"");
}

static void links_that_go_round_are_an_error(void **state)
{
    (void)state;
    put_gray("a/1.png", 1, 1, 1);
    put_gray("b/1.png", 1, 1, 1);
    assert_int_equal(symlink("../a", in_folder("a/again")), 0);
    expect_error(LAM_EFORMAT, "/a/again: symbolic links that lead back to a folder above");
    assert_int_equal(unlink(in_folder("a/again")), 0);
    assert_int_equal(symlink("c", in_folder("c")), 0);
    expect_error(LAM_EFORMAT, "/c: a symbolic link that leads to itself");
}

static void thousands_of_classes_are_fine(void **state)
{
    (void)state;
    enum { CLASSES = 10500 };
    char name[64];
    needs_png();
    put_gray("00000/1.png", 1, 1, 7);
    for (int c = 1; c < CLASSES; c++) { /* links are quicker to make than folders */
        snprintf(name, sizeof name, "%05d", c);
        assert_int_equal(symlink("00000", in_folder(name)), 0);
    }
    open_folder();
    assert_int_equal(lam_data_classes(data), CLASSES);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), CLASSES);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, CLASSES - 1), CLASSES - 1);
    assert_string_equal(lam_data_class_name(data, 10000), "10000");
}

static void parts_are_split_off_and_added(void **state)
{
    (void)state;
    char name[64];
    needs_png();
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "one/%c/%02d.png", i % 2 ? 'b' : 'a', i);
        put_gray(name, 2, 2, (uint8_t)i);
    }
    put_slope("two/b/1.png", 5, 6, 3);
    set("val", "6");
    set("test", in_folder("two"));
    look_into("one");
    open_folder();
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 14);
    assert_int_equal(lam_data_count(data, LAM_VAL), 6);
    for (size_t i = 0; i < 6; i++) { /* the path is the sample's */
        const int value = *sample(LAM_VAL, i);
        snprintf(name, sizeof name, "one/%c/%02d.png", value % 2 ? 'b' : 'a', value);
        expect_path(LAM_VAL, i, name);
        assert_int_equal(lam_data_label(data, LAM_VAL, i), value % 2);
    }
    assert_int_equal(lam_data_count(data, LAM_TEST), 1);
    assert_int_equal(lam_data_label(data, LAM_TEST, 0), 1); /* class b, as the training part counts */
    expect_shape(1, 2, 2);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static void gray_where_all_files_are_else_colour(void **state)
{
    (void)state;
    needs_png();
    put_gray("a/1.png", 3, 2, 50);
    put_gray("b/1.png", 3, 2, 60);
    open_folder();
    expect_shape(1, 2, 3);
    set("color", "rgb");
    open_folder();
    expect_shape(3, 2, 3);
    for (size_t k = 0; k < 18; k++)
        assert_int_equal(sample(LAM_TRAIN, 1)[k], 60);
    set("color", "auto");
    put_color("b/2.png", 3, 2, 255, 0, 10);
    open_folder();
    expect_shape(3, 2, 3);
    for (size_t k = 0; k < 18; k++) {
        static const uint8_t planes[] = { 255, 0, 10 };
        assert_int_equal(sample(LAM_TRAIN, 0)[k], 50);
        assert_int_equal(sample(LAM_TRAIN, 2)[k], planes[k / 6]);
    }
    set("color", "gray");
    open_folder();
    expect_shape(1, 2, 3);
    for (size_t k = 0; k < 6; k++)
        assert_int_equal(sample(LAM_TRAIN, 2)[k], (19595 * 255 + 7471 * 10 + 32768) >> 16);
}

static void the_colour_of_a_later_part_counts_as_well(void **state)
{
    (void)state;
    needs_png();
    put_gray("train/a/1.png", 1, 1, 50);
    put_color("test/a/1.png", 1, 1, 1, 2, 3);
    open_folder();
    expect_shape(3, 1, 1);
}

static void differing_sizes_want_a_rule(void **state)
{
    (void)state;
    needs_png();
    put_gray("a/1.png", 4, 2, 10);
    put_gray("a/2.png", 4, 2, 20);
    put_gray("b/1.png", 2, 4, 30);
    assert_int_equal(open_how((lami_open) { 0 }), LAM_ESHAPE);
    assert_message("images of different sizes: ");
    assert_message("/a/1.png is 2x4, ");
    assert_message("/b/1.png is 4x2 (height x width): --resize HxW makes them all one size");
    set("resize", "6x5");
    open_folder();
    expect_shape(1, 6, 5);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 30; k++)
            assert_int_equal(sample(LAM_TRAIN, i)[k], 10 * (i + 1));
    set("resize", "3");
    open_folder();
    expect_shape(1, 3, 3);
}

static void a_size_that_is_none_is_an_error(void **state)
{
    (void)state;
    static const char *const sizes[] = { "x", "0", "3x", "3x0", "3x4x5", "65536", "1x65536", "-3", "3 x 4", "1e9" };
    needs_png();
    put_gray("a/1.png", 4, 2, 10);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set("resize", sizes[i]);
        assert_int_equal(open_how((lami_open) { 0 }), LAM_EOPTION);
        assert_message("--resize: \"");
        assert_message("\" is not HxW, such as 32x32, of sides from 1 to 65535");
    }
}

static void more_than_the_memory_holds_is_an_error(void **state)
{
    (void)state;
    char name[64];
    needs_png();
    put_color("a/000.png", 1, 1, 1, 2, 3);
    for (int i = 1; i < 400; i++) {
        snprintf(name, sizeof name, "a/%03d.png", i);
        assert_int_equal(link(in_folder("a/000.png"), in_folder(name)), 0);
    }
    set("resize", "65535");
    assert_int_equal(open_how((lami_open) { 0 }), LAM_ENOMEM);
    assert_message("400 images of 3x65535x65535 need 5.15e+03 GB of memory, of which there are ");
}

/* ---- bad files --------------------------------------------------------------------------------------------------- */

static void put_some_bad_files(void)
{
    put_gray("a/1.png", 2, 2, 1);
    put_text("a/2.jpg");
    png_plain(&file, 2, 2, 3, 3, 3);
    put("a/3.jpg", file.at, file.size); /* told by its content */
    put("a/4.png", file.at, file.size - 15);
    put("b/0.png", "", 0);
    put_gray("b/1.png", 2, 2, 5);
    put_gray("b/2.png", 2, 2, 6);
    assert_int_equal(mkfifo(in_folder("b/3.png"), 0600), 0);
    assert_int_equal(symlink("4.png", in_folder("b/4.png")), 0);
    assert_int_equal(symlink("nowhere", in_folder("b/5.png")), 0);
}

static void expect_bad_file(size_t i, const char *name, const char *why)
{
    assert_string_equal(data->bad_files.file[i].path, in_folder(name));
    if (!strstr(data->bad_files.file[i].why, why))
        fail_msg("no \"%s\" in \"%s\"", why, data->bad_files.file[i].why);
}

static void expect_without_bad_files(void)
{
    static const struct {
        const char *name;
        int value, label;
    } good[] = { { "a/1.png", 1, 0 }, { "a/3.jpg", 3, 0 }, { "b/1.png", 5, 1 }, { "b/2.png", 6, 1 } };
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 4);
    for (size_t i = 0; i < 4; i++) {
        expect_path(LAM_TRAIN, i, good[i].name);
        assert_int_equal(lam_data_label(data, LAM_TRAIN, i), good[i].label);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(sample(LAM_TRAIN, i)[k], good[i].value);
    }
    assert_int_equal(data->bad_files.count, 6);
    expect_bad_file(0, "a/2.jpg", "neither a JPEG nor a PNG file");
    expect_bad_file(1, "a/4.png", "libpng: ");
    expect_bad_file(2, "b/0.png", "the file is empty");
    expect_bad_file(3, "b/3.png", "not a regular file");
    expect_bad_file(4, "b/4.png", "Too many levels of symbolic links");
    expect_bad_file(5, "b/5.png", "No such file or directory");
}

static void the_first_bad_file_is_an_error(void **state)
{
    (void)state;
    needs_png();
    put_some_bad_files();
    expect_error(LAM_EFORMAT, "/a/2.jpg: neither a JPEG nor a PNG file");
    assert_int_equal(unlink(in_folder("a/2.jpg")), 0);
    expect_error(LAM_EFORMAT, "/b/0.png: the file is empty"); /* heads first */
    assert_int_equal(unlink(in_folder("b/0.png")), 0);
    expect_error(LAM_EFORMAT, "/b/3.png: not a regular file");
    assert_int_equal(unlink(in_folder("b/3.png")), 0);
    assert_int_equal(open_how((lami_open) { 0 }), LAM_EREAD);
    assert_message("cannot read ");
    assert_message("/b/4.png: Too many levels of symbolic links");
    assert_int_equal(unlink(in_folder("b/4.png")), 0);
    assert_int_equal(unlink(in_folder("b/5.png")), 0);
    expect_error(LAM_EFORMAT, "/a/4.png: libpng: ");
}

static void bad_files_are_left_out_where_that_is_asked_for(void **state)
{
    (void)state;
    lami_bad_rows bad = { 0 };
    needs_png();
    put_some_bad_files();
    assert_int_equal(open_how((lami_open) { .bad = &bad }), LAM_OK);
    expect_without_bad_files();
    set("skip-bad", "1");
    open_folder();
    expect_without_bad_files();
}

static void nothing_left_is_an_error(void **state)
{
    (void)state;
    lami_bad_rows bad = { 0 };
    needs_png();
    put_gray("a/1.png", 2, 2, 1);
    png_plain(&file, 2, 2, 3, 3, 3);
    put("b/1.png", file.at, 50);
    put("b/2.png", "", 0);
    set("skip-bad", "1");
    expect_error(LAM_EFORMAT, "class \"b\" has no image file that can be read");
    assert_int_equal(open_how((lami_open) { .bad = &bad }), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 1);
    for (int i = 0; i < 2; i++) {
        put("a/1.png", file.at, i ? 0 : 50);
        expect_error(LAM_EFORMAT, "none of 3 image files for training can be read; the first: ");
        assert_message("/a/1.png: ");
    }
    put_gray("train/a/1.png", 1, 1, 1); /* now these are parts */
    put("test/a/1.png", file.at, 50);
    open_folder();
    assert_int_equal(lam_data_count(data, LAM_TEST), 0);
    assert_int_equal(data->bad_files.count, 1);
}

static void a_kind_that_this_build_does_not_read_is_an_error(void **state)
{
    (void)state;
    set("skip-bad", "1");
    jpeg_make(&file, 2, 2, 40);
    put("jpeg/a/1.jpg", file.at, file.size);
    put_color("png/a/1.png", 2, 2, 1, 2, 3);
    for (int kind = LAMI_IMAGE_JPEG; kind <= LAMI_IMAGE_PNG; kind++) {
        look_into(kind == LAMI_IMAGE_JPEG ? "jpeg" : "png");
        if (lami_image_reads((lami_image_kind)kind)) {
            open_folder();
            expect_shape(kind == LAMI_IMAGE_JPEG ? 1 : 3, 2, 2);
        } else
            expect_error(LAM_EUNSUPPORTED, kind == LAMI_IMAGE_JPEG
                                               ? "a JPEG file; this build was made without libjpeg-turbo"
                                               : "a PNG file; this build was made without libpng");
    }
}

/* ---- prediction -------------------------------------------------------------------------------------------------- */

static void files_to_predict_take_the_shape_of_the_model(void **state)
{
    (void)state;
    const lam_shape shape = { 3, { 3, 2, 2 } }, gray = { 3, { 1, 5, 5 } };
    needs_png();
    put_gray("b/1.png", 5, 7, 20);
    put_gray("x.png", 9, 9, 40);
    put_gray("a/deep/1.png", 2, 2, 10);
    put_text("notes.txt");
    assert_int_equal(open_how((lami_open) { .all_files = 1, .image = &shape }), LAM_OK);
    assert_int_equal(data->unlabeled, 1);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 3);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), -1);
    expect_shape(3, 2, 2);
    expect_path(LAM_TRAIN, 0, "a/deep/1.png");
    expect_path(LAM_TRAIN, 1, "b/1.png");
    expect_path(LAM_TRAIN, 2, "x.png");
    for (size_t k = 0; k < 12; k++)
        assert_int_equal(sample(LAM_TRAIN, 1)[k], 20);
    put_color("x.png", 9, 9, 255, 255, 0);
    assert_int_equal(open_how((lami_open) { .all_files = 1, .image = &gray }), LAM_OK);
    expect_shape(1, 5, 5);
    assert_int_equal(*sample(LAM_TRAIN, 2), 226);
}

static void a_file_and_standard_input_are_one_sample(void **state)
{
    (void)state;
    needs_png();
    put_gray("a.png", 3, 3, 20);
    const lami_open how = { .options = options, .reals = -1, .label_optional = 1 };
    assert_int_equal(lami_data_open(&data, in_folder("a.png"), &how), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 1);
    expect_path(LAM_TRAIN, 0, "a.png");
    lam_data_free(data);
    const int input = dup(0), opened = open(in_folder("a.png"), O_RDONLY);
    assert_true(input >= 0 && opened >= 0 && dup2(opened, 0) == 0);
    assert_int_equal(lami_data_open(&data, "-", &how), LAM_OK);
    assert_true(dup2(input, 0) == 0);
    close(input);
    close(opened);
    expect_shape(1, 3, 3);
    assert_int_equal(*sample(LAM_TRAIN, 0), 20);
    assert_string_equal(lami_data_sample_path(data, LAM_TRAIN, 0), "-");
}

static void files_without_classes_are_no_data_to_train_on(void **state)
{
    (void)state;
    const lami_open how = { .options = options, .reals = -1 };
    put_gray("a.png", 3, 3, 20);
    assert_int_equal(lami_data_open(&data, in_folder("a.png"), &how), LAM_EFORMAT);
    assert_message("/a.png: not a folder; image files are expected in FOLDER/CLASS/");
    expect_error(LAM_EFORMAT, ": no folders of classes; image files are expected in");
    char none[3 * FOLDER_PATH];
    snprintf(none, sizeof none, "images:%s", in_folder("none"));
    assert_int_equal(lami_data_open(&data, none, &how), LAM_EREAD);
    assert_message("cannot read ");
    assert_message("/none: No such file or directory");
}

static void the_classes_of_a_model_stay_what_they_are(void **state)
{
    (void)state;
    char *names[] = { (char[]) { "z" }, (char[]) { "empty" }, (char[]) { "a" } };
    needs_png();
    put_gray("a/1.png", 1, 1, 1);
    put_gray("z/1.png", 1, 1, 2);
    assert_int_equal(open_how((lami_open) { .classes = 3, .class_name = names }), LAM_OK);
    assert_int_equal(lam_data_classes(data), 3);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 0), 2);
    assert_int_equal(lam_data_label(data, LAM_TRAIN, 1), 0);
    assert_int_equal(open_how((lami_open) { .classes = 2, .class_name = names }), LAM_EFORMAT);
    assert_message("/a: class \"a\" is none of the 2 that are known");
}

/* ---- threads and memory ------------------------------------------------------------------------------------------ */

static void put_many(int count)
{
    char name[64];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%d/%03d.png", i % 5 ? "train" : "test", i % 3, i);
        if (i % 11 == 3)
            put_text(name);
        else if (i % 11 == 5 && lami_image_reads(LAMI_IMAGE_JPEG)) {
            jpeg_make(&file, 5, 8, 40);
            put(name, file.at, file.size);
        } else
            put_slope(name, 10 + (size_t)i % 7, 10 + (size_t)i % 9, (unsigned)i);
    }
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const threads[] = { "1", "2", "7" };
    static uint8_t bytes[2][200 * 3 * 9 * 8];
    size_t size[2] = { 0 }, bad = 0;
    needs_png();
    put_many(150);
    set("resize", "9x8");
    set("skip-bad", "1");
    for (size_t t = 0; t < 3; t++) {
        set("threads", threads[t]);
        open_folder();
        expect_shape(3, 9, 8);
        for (int k = 0; k < 2; k++) {
            const lam_part part = k ? LAM_TEST : LAM_TRAIN;
            const size_t all = lam_data_count(data, part) * data->sample_bytes;
            assert_in_range(all, 1, sizeof bytes[k]);
            if (t) {
                assert_int_equal(all, size[k]);
                assert_memory_equal(sample(part, 0), bytes[k], all);
            }
            size[k] = all;
            memcpy(bytes[k], sample(part, 0), all);
        }
        assert_true(!t || data->bad_files.count == bad);
        bad = data->bad_files.count;
    }
    assert_int_equal(bad, 14);
    /* without leave, whatever thread meets one first: the first of all */
    set("skip-bad", "0");
    for (size_t t = 0; t < 3; t++) {
        set("threads", threads[t]);
        expect_error(LAM_EFORMAT, "/train/0/003.png: neither a JPEG nor a PNG file");
    }
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    needs_png();
    put_many(12);
    set("resize", "4x4");
    set("threads", "1");
    set("skip-bad", "1");
    lam_status status = LAM_ENOMEM;
    long n = 0;
    while (status) {
        lami_alloc_fail_at(++n);
        status = open_how((lami_open) { 0 });
        lami_alloc_fail_at(0);
        if (status && status != LAM_ENOMEM)
            fail_msg("allocation %ld: %s", n, lam_last_error());
        assert_true(!status || !data);
        assert_true(n < 2000);
    }
    assert_int_equal(data->bad_files.count, 1);
    assert_true(n > 100);
}

/* A fresh folder and fresh options for each. */
#define IMAGES_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGES_TEST(classes_are_the_folders_in_the_order_of_their_bytes),
        IMAGES_TEST(folders_of_parts_have_the_classes_of_the_training_part),
        IMAGES_TEST(a_class_that_training_does_not_have_is_an_error),
        IMAGES_TEST(folders_that_cannot_be_parts_say_why),
        IMAGES_TEST(a_test_part_needs_a_training_part),
        IMAGES_TEST(a_class_may_be_called_train),
        IMAGES_TEST(folders_without_images_are_named),
        IMAGES_TEST(a_class_without_images_is_fine_in_a_later_part),
        IMAGES_TEST(two_folders_shown_alike_are_an_error),
        IMAGES_TEST(links_that_go_round_are_an_error),
        IMAGES_TEST(thousands_of_classes_are_fine),
        IMAGES_TEST(parts_are_split_off_and_added),
        IMAGES_TEST(gray_where_all_files_are_else_colour),
        IMAGES_TEST(the_colour_of_a_later_part_counts_as_well),
        IMAGES_TEST(differing_sizes_want_a_rule),
        IMAGES_TEST(a_size_that_is_none_is_an_error),
        IMAGES_TEST(more_than_the_memory_holds_is_an_error),
        IMAGES_TEST(the_first_bad_file_is_an_error),
        IMAGES_TEST(bad_files_are_left_out_where_that_is_asked_for),
        IMAGES_TEST(nothing_left_is_an_error),
        IMAGES_TEST(a_kind_that_this_build_does_not_read_is_an_error),
        IMAGES_TEST(files_to_predict_take_the_shape_of_the_model),
        IMAGES_TEST(a_file_and_standard_input_are_one_sample),
        IMAGES_TEST(files_without_classes_are_no_data_to_train_on),
        IMAGES_TEST(the_classes_of_a_model_stay_what_they_are),
        IMAGES_TEST(any_number_of_threads_gives_the_same_bytes),
        IMAGES_TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
