/* shape: parsing, printing, checked products. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "../src/core/shape.h"

static void assert_round_trip(const char *text, int rank, size_t count)
{
    lam_shape shape;
    char printed[LAMI_SHAPE_TEXT];
    assert_int_equal(lam_shape_parse(&shape, text), LAM_OK);
    assert_int_equal(shape.rank, rank);
    assert_int_equal(lam_shape_count(&shape), count);
    assert_string_equal(lami_shape_text(printed, &shape), text);
}

static void shapes_parse_and_print_back(void **state)
{
    (void)state;
    assert_round_trip("784", 1, 784);
    assert_round_trip("3x32x32", 3, 3072);
    assert_round_trip("1x2x3x4x5x6x7x8", 8, 40320);
    assert_round_trip("1152921504606846975", 1, SIZE_MAX / 16);
}

static void assert_refused(const char *text, const char *message)
{
    lam_shape shape = { .rank = 7 };
    assert_int_equal(lam_shape_parse(&shape, text), LAM_EINVAL);
    assert_string_equal(lam_last_error(), message);
    assert_int_equal(shape.rank, 7);
}

static void bad_text_is_refused_with_its_place(void **state)
{
    (void)state;
    const char *const start = "expected sizes from 1 joined by x, such as 3x32x32, at";
    const char *const cases[][2] = { { "", "" },      { "x", "x" },   { "3x", "" },      { "3xx4", "x4" },
                                     { "-3", "-3" },  { " 3", " 3" }, { "3 ", " " },     { "3X4", "X4" },
                                     { "3.5", ".5" }, { "0", "" },    { "3x0x2", "x2" }, { "0x10", "x10" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[256];
        snprintf(message, sizeof message, "shape \"%s\": %s \"%s\"", cases[i][0], start, cases[i][1]);
        assert_refused(cases[i][0], message);
    }
    assert_refused("1x1x1x1x1x1x1x1x1", "shape \"1x1x1x1x1x1x1x1x1\" has more than 8 sizes");
    assert_int_equal(lam_shape_parse(NULL, "3"), LAM_EINVAL);
    assert_int_equal(lam_shape_parse(&(lam_shape) { 0 }, NULL), LAM_EINVAL);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    lam_shape shape;
    assert_int_equal(lam_shape_parse(&shape, "18446744073709551616"), LAM_EINVAL);
    assert_int_equal(lam_shape_parse(&shape, "99999999999999999999999999"), LAM_EINVAL);
    assert_refused("4294967296x4294967296", "shape \"4294967296x4294967296\" has too many elements");
    assert_refused("1152921504606846976", "shape \"1152921504606846976\" has too many elements");
}

static void check_gives_the_product_or_says_why_not(void **state)
{
    (void)state;
    size_t count = 9;
    const lam_shape scalar = { 0 }, none = lami_shape2(4, 0), huge = lami_shape2(SIZE_MAX / 16, 2);
    const lam_shape low = { .rank = -1 }, high = { .rank = LAM_MAX_RANK + 1 }, image = lami_shape3(3, 32, 32);
    assert_int_equal(lami_shape_check(&count, &none), LAM_ESHAPE);
    assert_string_equal(lam_last_error(), "shape 4x0 has a size of 0");
    assert_int_equal(lami_shape_check(&count, &huge), LAM_ESHAPE);
    assert_int_equal(lami_shape_check(&count, &low), LAM_ESHAPE);
    assert_int_equal(lami_shape_check(&count, &high), LAM_ESHAPE);
    assert_string_equal(lam_last_error(), "shape has rank 9, must be 0 to 8");
    assert_int_equal(count, 9);
    assert_int_equal(lami_shape_check(&count, &scalar), LAM_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lami_shape_check(&count, &image), LAM_OK);
    assert_int_equal(count, 3072);
    assert_true(lam_shape_count(&(lam_shape) { .rank = 2, .dim = { SIZE_MAX, 2 } }) == SIZE_MAX);
    assert_int_equal(lam_shape_count(&none), 0);
}

static void any_shape_prints_within_its_text(void **state)
{
    (void)state;
    char text[LAMI_SHAPE_TEXT];
    lam_shape shape = { .rank = LAM_MAX_RANK };
    for (int i = 0; i < LAM_MAX_RANK; i++)
        shape.dim[i] = SIZE_MAX;
    lami_shape_text(text, &shape);
    assert_int_equal(text[LAMI_SHAPE_TEXT - 1], 0);
    assert_string_equal(lami_shape_text(text, &(lam_shape) { 0 }), "scalar");
    assert_string_equal(lami_shape_text(text, &(lam_shape) { .rank = -3 }), "rank -3");
}

static void shapes_compare_by_rank_and_sizes(void **state)
{
    (void)state;
    const lam_shape a = lami_shape2(3, 4), b = lami_shape2(3, 5), c = lami_shape3(3, 4, 1), d = lami_shape1(3);
    lam_shape e = a;
    e.dim[5] = 77; /* past the rank */
    assert_true(lami_shape_equal(&a, &e));
    assert_false(lami_shape_equal(&a, &b));
    assert_false(lami_shape_equal(&a, &c));
    assert_false(lami_shape_equal(&a, &d));
}

static void dtypes_have_sizes_and_names(void **state)
{
    (void)state;
    const struct {
        lam_dtype dtype;
        size_t size;
        const char *name;
    } rows[] = {
        { LAM_F32, 4, "f32" }, { LAM_F64, 8, "f64" }, { LAM_U8, 1, "u8" }, { LAM_I32, 4, "i32" }, { LAM_I64, 8, "i64" }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(lami_dtype_size(rows[i].dtype), rows[i].size);
        assert_string_equal(lami_dtype_name(rows[i].dtype), rows[i].name);
    }
    assert_int_equal(lami_dtype_size((lam_dtype)99), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_parse_and_print_back),      cmocka_unit_test(bad_text_is_refused_with_its_place),
        cmocka_unit_test(sizes_that_overflow_are_refused),  cmocka_unit_test(check_gives_the_product_or_says_why_not),
        cmocka_unit_test(any_shape_prints_within_its_text), cmocka_unit_test(shapes_compare_by_rank_and_sizes),
        cmocka_unit_test(dtypes_have_sizes_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
