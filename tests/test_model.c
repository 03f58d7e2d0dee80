/* model: networks as files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/file.h"
#include "../src/core/mem.h"
#include "../src/net/net.h"
#include "folder.h"
#include "toy.h"

static const char notation[] = "affine 5 - batchnorm - relu - residual {affine 5 - layernorm} - affine 3 - softmax";

static lam_net *new_net(const char *text, const lam_shape input, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_int_equal(lam_net_new(&net, text, &input, options), LAM_OK);
    lam_options_free(options);
    return net;
}

static void set_prep(lam_net *net)
{
    double shift[12], scale[12];
    for (size_t i = 0; i < 12; i++) {
        shift[i] = (double)i / 7;
        scale[i] = 1 / (1 + (double)i);
    }
    const lami_prep prep = {
        .count = lam_shape_count(&net->input), .shift = shift, .scale = scale, .text = (char *)"standardize"
    };
    assert_int_equal(lami_net_set_prep(net, &prep), LAM_OK);
}

static void assert_same(const lam_net *a, const lam_net *b)
{
    char ha[65], hb[65];
    assert_string_equal(a->notation, b->notation);
    assert_true(lami_shape_equal(&a->input, &b->input));
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->params, b->params);
    assert_int_equal(lam_net_sha256(a, ha), LAM_OK);
    assert_int_equal(lam_net_sha256(b, hb), LAM_OK);
    assert_string_equal(ha, hb);
    assert_int_equal(a->values_count, b->values_count);
    assert_memory_equal(a->values, b->values, a->values_count * lami_dtype_size(a->dtype));
    assert_int_equal(a->prep.count, b->prep.count);
    assert_memory_equal(a->prep.shift, b->prep.shift, a->prep.count * sizeof(double));
    assert_memory_equal(a->prep.scale, b->prep.scale, a->prep.count * sizeof(double));
}

static void assert_same_file(const char *a, const char *b)
{
    lami_blob x, y;
    assert_int_equal(lami_blob_open(&x, a, 1 << 20), LAM_OK);
    assert_int_equal(lami_blob_open(&y, b, 1 << 20), LAM_OK);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    lami_blob_close(&x);
    lami_blob_close(&y);
}

static void a_saved_network_is_loaded_as_it_was(void **state)
{
    (void)state;
    static const char *const lists[] = { "dtype=f32 seed=3", "dtype=f64 seed=4" };
    const lam_shape inputs[] = { { 1, { 12 } }, { 3, { 3, 2, 2 } } };
    for (size_t i = 0; i < 4; i++) {
        lam_net *loaded = NULL;
        lam_net *net = new_net(notation, inputs[i / 2], lists[i % 2]);
        if (i != 0)
            set_prep(net);
        assert_int_equal(lam_net_save(net, in_folder("a.safetensors")), LAM_OK);
        assert_int_equal(lam_net_load(&loaded, in_folder("a.safetensors")), LAM_OK);
        assert_same(net, loaded);
        assert_true(i == 0 ? !loaded->prep.text : !strcmp(loaded->prep.text, "standardize"));
        assert_null(loaded->class_name);
        assert_int_equal(lam_net_save(loaded, in_folder("b.safetensors")), LAM_OK);
        assert_same_file(in_folder("a.safetensors"), in_folder("b.safetensors"));
        lam_net_free(loaded);
        lam_net_free(net);
    }
}

static void class_names_are_kept_even_if_they_are_not_utf8(void **state)
{
    (void)state;
    static const char *const names[] = { "T-shirt/top \"x\"", "caf\xc3\xa9", "\xff-\xfe!" };
    lam_data *data = toy_data(6, 0, 12, 3, 1);
    lam_net *loaded = NULL, *net = new_net(notation, (lam_shape) { 1, { 12 } }, "");
    assert_int_equal(lami_data_set_classes(data, 3, names), LAM_OK);
    assert_null(lam_net_class_name(net, 0));
    assert_int_equal(lami_net_set_class_names(net, data), LAM_OK);
    assert_int_equal(lam_net_save(net, in_folder("named")), LAM_OK);
    assert_int_equal(lam_net_load(&loaded, in_folder("named")), LAM_OK);
    assert_string_equal(lam_net_class_name(loaded, 0), names[0]);
    assert_string_equal(lam_net_class_name(loaded, 1), names[1]);
    assert_string_equal(lam_net_class_name(loaded, 2), "?-?!");
    assert_null(lam_net_class_name(loaded, 3));
    assert_null(lam_net_class_name(NULL, 0));
    lam_net_free(loaded);
    lam_net_free(net);
    lam_data_free(data);
}

static void a_size_left_out_is_in_the_file(void **state)
{
    (void)state;
    lam_net *loaded = NULL, *net = new_net("affine 4 - relu - affine - svm", (lam_shape) { 1, { 12 } }, "classes=7");
    assert_int_equal(lam_net_save(net, in_folder("sized")), LAM_OK);
    assert_int_equal(lam_net_load(&loaded, in_folder("sized")), LAM_OK);
    assert_int_equal(lam_net_classes(loaded), 7);
    lam_net_free(loaded);
    lam_net_free(net);
}

static void a_run_folder_stands_for_its_best_model(void **state)
{
    (void)state;
    lam_net *loaded = NULL, *net = new_net(notation, (lam_shape) { 1, { 12 } }, "");
    make_folder("run");
    assert_int_equal(lam_net_load(&loaded, in_folder("run")), LAM_EREAD);
    assert_message("best.safetensors");
    assert_null(loaded);
    assert_int_equal(lam_net_save(net, in_folder("run/best.safetensors")), LAM_OK);
    assert_int_equal(lam_net_load(&loaded, in_folder("run")), LAM_OK);
    lam_net_free(loaded);
    lam_net_free(net);
}

/* The text of a model file with `from` replaced by `to` of the same length. */
static lam_status load_changed(const char *from, const char *to, lam_status expected, const char *message)
{
    lam_net *net = NULL;
    lami_blob blob;
    assert_int_equal(strlen(from), strlen(to));
    assert_int_equal(lami_blob_open(&blob, in_folder("good"), 1 << 20), LAM_OK);
    uint8_t *copy = lami_alloc(blob.size, 1);
    memcpy(copy, blob.data, blob.size);
    uint8_t *at = memmem(copy, blob.size, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    write_file("changed", copy, blob.size);
    lami_free(copy);
    lami_blob_close(&blob);
    const lam_status status = lam_net_load(&net, in_folder("changed"));
    assert_int_equal(status, expected);
    if (!strstr(lam_last_error(), message))
        print_error("no \"%s\" in \"%s\"\n", message, lam_last_error());
    assert_non_null(strstr(lam_last_error(), message));
    assert_non_null(strstr(lam_last_error(), "changed"));
    assert_null(net);
    return status;
}

static void wrong_files_are_refused_with_the_place(void **state)
{
    (void)state;
    lam_net *net = new_net(notation, (lam_shape) { 1, { 12 } }, "");
    set_prep(net);
    assert_int_equal(lam_net_save(net, in_folder("good")), LAM_OK);
    load_changed("\"lamina.format\":\"1\"", "\"lamina.format\":\"2\"", LAM_EVERSION, "format 2");
    load_changed("\"lamina.format\":\"1\"", "\"lamina.format\":\"x\"", LAM_EFORMAT, "lamina.format");
    load_changed("\"lamina.format\"", "\"lamina.forman\"", LAM_EFORMAT, "lamina.format");
    load_changed("\"lamina.dtype\":\"f32\"", "\"lamina.dtype\":\"f16\"", LAM_EFORMAT, "f16");
    load_changed("\"lamina.dtype\":\"f32\"", "\"lamina.dtype\":\"f64\"", LAM_EFORMAT, "affine1.weight");
    load_changed("\"lamina.input\":\"12\"", "\"lamina.input\":\"1x\"", LAM_EFORMAT, "lamina.input");
    load_changed("\"lamina.input\":\"12\"", "\"lamina.input\":\"11\"", LAM_EFORMAT, "preprocess.shift");
    load_changed("affine 5 - batchnorm", "affine 6 - batchnorm", LAM_EFORMAT, "");
    load_changed("affine 3 - softmax", "affine 4 - softmax", LAM_EFORMAT, "affine3.weight");
    load_changed("affine 3 - softmax", "affine 3 - saftmax", LAM_EFORMAT, "lamina.notation");
    load_changed("\"affine1.bias\"", "\"affine9.bias\"", LAM_EFORMAT, "affine9.bias");
    load_changed("\"preprocess.scale\"", "\"preprocess.scald\"", LAM_EFORMAT, "preprocess.sca");
    load_changed("\"lamina.preprocess\"", "\"lamina.preprocesz\"", LAM_EFORMAT, "lamina.preprocess");
    lam_net_free(net);
}

static void sizes_that_the_file_cannot_hold_take_no_memory(void **state)
{
    (void)state;
    lam_net *net = new_net("affine 10 - dropout 0.125 - affine 3 - softmax", (lam_shape) { 1, { 12 } }, "");
    assert_int_equal(lam_net_save(net, in_folder("good")), LAM_OK);
    load_changed("affine 10 - dropout 0.125", "affine 16000000   -  relu", LAM_EFORMAT, "affine1.weight");
    lam_net_free(net);
}

static void values_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    lam_net *net = new_net("affine 3 - batchnorm - softmax", (lam_shape) { 1, { 4 } }, "dtype=f64"), *loaded = NULL;
    double mean[] = { 0, 0, 0 };
    const lam_shape shape = { 1, { 3 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mean[i] = bad[i];
        const lam_tensor tensor = { LAM_F64, shape, mean };
        assert_int_equal(lam_net_set(net, "batchnorm1.running_mean", &tensor), LAM_OK);
        assert_int_equal(lam_net_save(net, in_folder("bad")), LAM_OK);
        assert_int_equal(lam_net_load(&loaded, in_folder("bad")), LAM_EFORMAT);
        assert_message("batchnorm1.running_mean has values that are not finite");
        mean[i] = 0;
    }
    lam_net_free(net);
}

static void missing_and_cut_files_are_refused(void **state)
{
    (void)state;
    lam_net *net = new_net(notation, (lam_shape) { 1, { 12 } }, ""), *loaded = NULL;
    lami_blob blob;
    assert_int_equal(lam_net_load(&loaded, in_folder("nowhere")), LAM_EREAD);
    assert_int_equal(lam_net_save(net, in_folder("no/such/folder/model")), LAM_EWRITE);
    assert_int_equal(lam_net_save(net, in_folder("whole")), LAM_OK);
    assert_int_equal(lami_blob_open(&blob, in_folder("whole"), 1 << 20), LAM_OK);
    for (size_t size = 0; size < blob.size; size += 1 + size / 16) {
        write_file("cut", blob.data, size);
        assert_int_equal(lam_net_load(&loaded, in_folder("cut")), LAM_EFORMAT);
        assert_null(loaded);
    }
    lami_blob_close(&blob);
    lam_net_free(net);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b", "c" };
    lam_data *data = toy_data(6, 0, 12, 3, 1);
    lam_net *net = new_net(notation, (lam_shape) { 1, { 12 } }, "");
    lam_status status = LAM_ENOMEM;
    set_prep(net);
    assert_int_equal(lami_data_set_classes(data, 3, names), LAM_OK);
    assert_int_equal(lami_net_set_class_names(net, data), LAM_OK);
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = lam_net_save(net, in_folder("thrifty"));
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        assert_true(n < 1000);
    }
    status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lam_net *loaded = NULL;
        lami_alloc_fail_at(n);
        status = lam_net_load(&loaded, in_folder("thrifty"));
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        assert_true(!loaded == !!status);
        lam_net_free(loaded);
        assert_true(n < 1000);
    }
    lam_net_free(net);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_network_is_loaded_as_it_was),
        cmocka_unit_test(class_names_are_kept_even_if_they_are_not_utf8),
        cmocka_unit_test(a_size_left_out_is_in_the_file),
        cmocka_unit_test(a_run_folder_stands_for_its_best_model),
        cmocka_unit_test(wrong_files_are_refused_with_the_place),
        cmocka_unit_test(sizes_that_the_file_cannot_hold_take_no_memory),
        cmocka_unit_test(values_that_are_not_finite_are_refused),
        cmocka_unit_test(missing_and_cut_files_are_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
