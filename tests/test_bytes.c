/* bytes: reads in order, sticky error at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/bytes.h"

static void numbers_are_read_in_their_byte_order(void **state)
{
    (void)state;
    const uint8_t data[] = { 0xff, 0x12, 0x34, 0x56, 0x78, 8, 7, 6, 5, 4, 3, 2, 0x81, 9, 9 };
    lami_bytes b = lami_bytes_make(data, sizeof data);
    assert_int_equal(lami_read_u8(&b), 0xff);
    assert_int_equal(lami_read_u32be(&b), 0x12345678);
    assert_true(lami_read_u64le(&b) == UINT64_C(0x8102030405060708));
    assert_int_equal(lami_bytes_left(&b), 2);
    assert_ptr_equal(lami_read_span(&b, 2), data + 13);
    assert_int_equal(lami_bytes_left(&b), 0);
    assert_non_null(lami_read_span(&b, 0));
    assert_false(b.bad);
}

static void reading_past_the_end_is_zero_and_sticks(void **state)
{
    (void)state;
    const uint8_t data[] = { 1, 2, 3 };
    lami_bytes b = lami_bytes_make(data, sizeof data);
    assert_int_equal(lami_read_u32be(&b), 0);
    assert_true(b.bad);
    assert_int_equal(lami_read_u8(&b), 0); /* although a byte is left */
    assert_null(lami_read_span(&b, 1));
    assert_true(lami_read_u64le(&b) == 0);
}

static void absurd_spans_are_refused(void **state)
{
    (void)state;
    const uint8_t data[] = { 1, 2, 3 };
    lami_bytes b = lami_bytes_make(data, sizeof data);
    assert_null(lami_read_span(&b, SIZE_MAX));
    assert_true(b.bad);
}

static void nothing_can_be_read_from_nothing(void **state)
{
    (void)state;
    lami_bytes b = lami_bytes_make(NULL, 0);
    assert_int_equal(lami_bytes_left(&b), 0);
    assert_int_equal(lami_read_u8(&b), 0);
    assert_true(b.bad);
}

static void a_number_written_reads_back(void **state)
{
    (void)state;
    uint8_t out[8];
    lami_write_u64le(out, UINT64_C(0xfedcba9876543210));
    assert_int_equal(out[0], 0x10);
    assert_int_equal(out[7], 0xfe);
    lami_bytes b = lami_bytes_make(out, sizeof out);
    assert_true(lami_read_u64le(&b) == UINT64_C(0xfedcba9876543210));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_their_byte_order),
        cmocka_unit_test(reading_past_the_end_is_zero_and_sticks),
        cmocka_unit_test(absurd_spans_are_refused),
        cmocka_unit_test(nothing_can_be_read_from_nothing),
        cmocka_unit_test(a_number_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
