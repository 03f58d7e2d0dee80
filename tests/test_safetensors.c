/* safetensors: written and read back, and files that are damaged or foreign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "../src/core/bytes.h"
#include "../src/core/mem.h"
#include "../src/format/safetensors.h"
#include "folder.h"

static float f32[6] = { 1, -2, 3.5f, 0, 1e-40f, 7 };
static double f64[2] = { 1.0 / 3, -1e300 };
static uint8_t u8[5] = { 1, 2, 3, 4, 255 };
static int32_t i32[1] = { -7 };
static int64_t i64[3] = { INT64_MIN, 0, INT64_MAX };

static const struct {
    const char *name;
    lam_tensor value;
} tensors[] = {
    { "affine1.weight", { LAM_F32, { 2, { 2, 3 } }, f32 } },
    { "bytes", { LAM_U8, { 1, { 5 } }, u8 } },
    { "wide", { LAM_F64, { 2, { 2, 1 } }, f64 } },
    { "scalar", { LAM_I32, { 0 }, i32 } },
    { "gr\xc3\xb6\xc3\x9f"
      "e",
      { LAM_I64, { 1, { 3 } }, i64 } },
};

enum { TENSORS = sizeof tensors / sizeof *tensors };

static lam_status fill(lami_st_out *out)
{
    LAM_TRY(lami_st_out_text(out, "network", "affine 10 - softmax # \"quoted\"\nsecond line"));
    LAM_TRY(lami_st_out_text(out, "empty", ""));
    for (int i = 0; i < TENSORS; i++)
        LAM_TRY(lami_st_out_tensor(out, tensors[i].name, &tensors[i].value));
    return LAM_OK;
}

static lam_status save(const char *path)
{
    lami_st_out *out = NULL;
    lami_writer writer = { 0 };
    lam_status status = lami_st_out_new(&out);
    if (!status)
        status = fill(out);
    if (!status)
        status = lami_writer_open(&writer, path);
    if (!status)
        status = lami_st_out_write(out, &writer);
    if (!status)
        status = lami_writer_commit(&writer);
    else
        lami_writer_drop(&writer);
    lami_st_out_free(out);
    return status;
}

static void check_all(const lami_st_in *in)
{
    assert_int_equal(lami_st_in_count(in), TENSORS);
    assert_string_equal(lami_st_in_text(in, "network"), "affine 10 - softmax # \"quoted\"\nsecond line");
    assert_string_equal(lami_st_in_text(in, "empty"), "");
    assert_null(lami_st_in_text(in, "missing"));
    for (size_t i = 0; i < TENSORS; i++) {
        lam_tensor view;
        assert_string_equal(lami_st_in_name(in, i), tensors[i].name);
        assert_int_equal(lami_st_in_tensor(&view, in, tensors[i].name), LAM_OK);
        assert_int_equal(view.dtype, tensors[i].value.dtype);
        assert_true(lami_shape_equal(&view.shape, &tensors[i].value.shape));
        const size_t size = lami_dtype_size(view.dtype);
        assert_int_equal((uintptr_t)view.data % size, 0);
        assert_memory_equal(view.data, tensors[i].value.data, size * lam_shape_count(&view.shape));
    }
    assert_null(lami_st_in_name(in, TENSORS));
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    lami_st_in *in;
    assert_int_equal(save(in_folder("m.safetensors")), LAM_OK);
    assert_int_equal(lami_st_in_open(&in, in_folder("m.safetensors")), LAM_OK);
    check_all(in);
    lam_tensor view;
    assert_int_equal(lami_st_in_has(in, "wide"), 1);
    assert_int_equal(lami_st_in_has(in, "__metadata__"), 0);
    assert_int_equal(lami_st_in_tensor(&view, in, "affine2.weight"), LAM_EFORMAT);
    assert_message("m.safetensors");
    assert_message("affine2.weight");
    lami_st_in_close(in);
    lami_st_in_close(NULL);
}

static void the_data_begin_at_a_multiple_of_eight(void **state)
{
    (void)state;
    lami_blob blob;
    assert_int_equal(save(in_folder("m.safetensors")), LAM_OK);
    assert_int_equal(lami_blob_open(&blob, in_folder("m.safetensors"), 1 << 20), LAM_OK);
    lami_bytes bytes = lami_bytes_make(blob.data, blob.size);
    const uint64_t length = lami_read_u64le(&bytes);
    assert_int_equal(length % 8, 0);
    assert_int_equal(blob.data[8], '{');
    assert_int_equal(blob.size, 8 + length + sizeof f32 + sizeof f64 + sizeof u8 + sizeof i32 + sizeof i64);
    lami_blob_close(&blob);
}

static void nothing_but_metadata_is_fine(void **state)
{
    (void)state;
    lami_st_out *out;
    lami_writer writer;
    lami_st_in *in;
    assert_int_equal(lami_st_out_new(&out), LAM_OK);
    assert_int_equal(lami_writer_open(&writer, in_folder("empty")), LAM_OK);
    assert_int_equal(lami_st_out_write(out, &writer), LAM_OK);
    assert_int_equal(lami_writer_commit(&writer), LAM_OK);
    lami_st_out_free(out);
    assert_int_equal(lami_st_in_open(&in, in_folder("empty")), LAM_OK);
    assert_int_equal(lami_st_in_count(in), 0);
    assert_int_equal(lami_st_in_has(in, "x"), 0);
    lami_st_in_close(in);
}

static void what_cannot_be_stored_is_refused(void **state)
{
    (void)state;
    lami_st_out *out;
    assert_int_equal(lami_st_out_new(&out), LAM_OK);
    lam_tensor t = tensors[0].value;
    assert_int_equal(lami_st_out_tensor(out, "a", &t), LAM_OK);
    assert_int_equal(lami_st_out_tensor(out, "a", &t), LAM_EINVAL);
    assert_int_equal(lami_st_out_tensor(out, "__metadata__", &t), LAM_EINVAL);
    assert_int_equal(lami_st_out_tensor(out, "\xff", &t), LAM_EINVAL);
    assert_int_equal(lami_st_out_tensor(out, "\xed\xa0\x80", &t), LAM_EINVAL); /* a surrogate */
    assert_int_equal(lami_st_out_tensor(out, "\xc0\xaf", &t), LAM_EINVAL);     /* longer than needed */
    assert_int_equal(lami_st_out_tensor(out, "a\nb", &t), LAM_EINVAL);
    t.dtype = (lam_dtype)77;
    assert_int_equal(lami_st_out_tensor(out, "b", &t), LAM_EINVAL);
    t = tensors[0].value;
    t.shape.dim[0] = 0;
    assert_int_equal(lami_st_out_tensor(out, "b", &t), LAM_ESHAPE);
    assert_int_equal(lami_st_out_text(out, "k", "v"), LAM_OK);
    assert_int_equal(lami_st_out_text(out, "k", "w"), LAM_EINVAL);
    assert_int_equal(lami_st_out_text(out, "l", "\xf5\x80\x80\x80"), LAM_EINVAL);
    lami_st_out_free(out);
}

/* A file of this header and `size` bytes of data. */
static void write_raw(const char *header, uint64_t length, size_t size)
{
    static uint8_t file[20000];
    lami_write_u64le(file, length);
    memcpy(file + 8, header, strlen(header));
    memset(file + 8 + strlen(header), 0, size);
    write_file("raw", file, 8 + strlen(header) + size);
}

static void expect_refusal(const char *what)
{
    lami_st_in *in;
    assert_int_equal(lami_st_in_open(&in, in_folder("raw")), LAM_EFORMAT);
    assert_null(in);
    assert_message(what);
    assert_message("/raw");
}

static void foreign_files_are_read_where_they_are_correct(void **state)
{
    (void)state;
    lami_st_in *in;
    lam_tensor view;
    /* not padded: nothing is aligned; keys in any order; an empty tensor; no metadata */
    static const char header[] = "{\"b\":{\"shape\":[1],\"data_offsets\":[1,9],\"dtype\":\"F64\"},"
                                 "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                 "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[9,9]}} ";
    write_raw(header, strlen(header), 9);
    assert_int_equal(lami_st_in_open(&in, in_folder("raw")), LAM_OK);
    assert_int_equal(lami_st_in_count(in), 3);
    assert_string_equal(lami_st_in_name(in, 0), "a");
    assert_int_equal(lami_st_in_tensor(&view, in, "b"), LAM_OK);
    assert_int_equal((uintptr_t)view.data % 8, 0);
    assert_int_equal(lami_st_in_tensor(&view, in, "none"), LAM_OK);
    assert_int_equal(lam_shape_count(&view.shape), 0);
    assert_null(lami_st_in_text(in, "any"));
    lami_st_in_close(in);
}

#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *what;
    } bad[] = {
        { "[]", "does not begin with {" },
        { " {}", "does not begin with {" },
        { "{", "header" },
        { "{}x", "header" },
        { "{\"a\":1}", "not an object with dtype" },
        { "{\"__metadata__\":[]}", "__metadata__ is not an object" },
        { "{\"__metadata__\":{\"a\":1}}", "not text" },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "duplicate" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},\"a\":{}}", "duplicate" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "duplicate" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8],\"more\":1}}", "not an object with dtype" },
        { "{\"a\\n\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "control characters" },
        { "{\"\xff\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "header" },
        { "{\"a\\u0000\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "header" },
        { ONE("\"BF16\"", "[4]", "[0,8]"), "dtype is none of" },
        { ONE("8", "[8]", "[0,8]"), "dtype is none of" },
        { ONE("\"U8\"", "8", "[0,8]"), "shape is not a list" },
        { ONE("\"U8\"", "[1,1,1,1,1,1,1,1,8]", "[0,8]"), "shape is not a list" },
        { ONE("\"U8\"", "[-8]", "[0,8]"), "whole number" },
        { ONE("\"U8\"", "[8.0]", "[0,8]"), "whole number" },
        { ONE("\"U8\"", "[\"8\"]", "[0,8]"), "whole number" },
        { ONE("\"F64\"", "[4294967296,4294967296]", "[0,8]"), "larger than the file" },
        { ONE("\"F64\"", "[2305843009213693953]", "[0,8]"), "larger than the file" },
        { ONE("\"U8\"", "[99999999999999999999]", "[0,8]"), "header" },
        { ONE("\"U8\"", "[8]", "[0]"), "data_offsets" },
        { ONE("\"U8\"", "[8]", "[0,8,9]"), "data_offsets" },
        { ONE("\"U8\"", "[8]", "{}"), "data_offsets" },
        { ONE("\"U8\"", "[8]", "[0,-1]"), "data_offsets" },
        { ONE("\"U8\"", "[8]", "[8,0]"), "data_offsets" },
        { ONE("\"U8\"", "[8]", "[0,7]"), "data_offsets" },
        { ONE("\"U8\"", "[7]", "[0,7]"), "bytes after the last tensor" },
        { ONE("\"U8\"", "[7]", "[1,8]"), "belong to no tensor" },
        { ONE("\"U8\"", "[9]", "[0,9]"), "cut off" },
        { ONE("\"U8\"", "[8]", "[9223372036854775799,9223372036854775807]"), "belong to no tensor" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
          "overlaps" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
          "belong to no tensor" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_raw(bad[i].header, strlen(bad[i].header), 8);
        expect_refusal(bad[i].what);
    }
    char deep[10000];
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = 0;
    write_raw(deep, strlen(deep), 8);
    expect_refusal("header");
}

static void wrong_header_lengths_are_refused(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        0, 1, 3, 11, 1000, (uint64_t)100 << 20, ((uint64_t)100 << 20) + 1, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_raw("{}", lengths[i], 8);
        expect_refusal("raw");
    }
}

static void a_file_cut_at_any_length_is_refused(void **state)
{
    (void)state;
    static uint8_t file[4000];
    assert_int_equal(save(in_folder("whole")), LAM_OK);
    FILE *f = fopen(in_folder("whole"), "rb");
    assert_non_null(f);
    const size_t size = fread(file, 1, sizeof file, f);
    fclose(f);
    for (size_t n = 0; n < size; n++) {
        write_file("raw", file, n);
        expect_refusal("raw");
    }
    write_file("raw", file, size + 1);
    expect_refusal("bytes after the last tensor");
    lami_st_in *in;
    assert_int_equal(lami_st_in_open(&in, in_folder("missing")), LAM_EREAD);
    assert_message("missing");
    assert_int_equal(lami_st_in_open(&in, folder), LAM_EREAD);
}

/* ---- failed allocations: ours, then jansson's ---- */

static long json_countdown;

static void *json_alloc(size_t size)
{
    return json_countdown > 0 && --json_countdown == 0 ? NULL : malloc(size);
}

static void json_free(void *p)
{
    free(p);
}

static lam_status save_and_open(void)
{
    lami_st_in *in = NULL;
    lam_status status = save(in_folder("m.safetensors"));
    if (!status)
        status = lami_st_in_open(&in, in_folder("m.safetensors"));
    if (!status)
        check_all(in);
    lami_st_in_close(in);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    int failures = 0;
    for (long n = 1;; n++, failures++) {
        lami_alloc_fail_at(n);
        const lam_status status = save_and_open();
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
    }
    assert_true(failures > 8);
}

static void every_failed_allocation_of_the_json_library_is_reported(void **state)
{
    (void)state;
    int failures = 0;
    json_set_alloc_funcs(json_alloc, json_free);
    for (long n = 1;; n++) {
        json_countdown = n;
        const lam_status status = save_and_open();
        const int failed = json_countdown == 0;
        json_countdown = 0;
        if (!failed) {
            assert_int_equal(status, LAM_OK);
            break;
        }
        /* jansson calls some of its failures mistakes in the text, and can do without some blocks */
        assert_true(status == LAM_ENOMEM || status == LAM_EFORMAT || !status);
        failures++;
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(the_data_begin_at_a_multiple_of_eight, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(nothing_but_metadata_is_fine, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_stored_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(foreign_files_are_read_where_they_are_correct, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(wrong_headers_are_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(wrong_header_lengths_are_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_cut_at_any_length_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_reported, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(every_failed_allocation_of_the_json_library_is_reported, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
