/* escape: names of files as text: what is valid stays, all else is written out, what is too long loses its beginning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../src/core/escape.h"
#include "../src/core/mem.h"

static void expect(const char *text, const char *shown)
{
    char out[128];
    char *all = lami_escaped(text);
    assert_non_null(all);
    assert_string_equal(all, shown);
    assert_ptr_equal(lami_escape(out, sizeof out, text), out);
    assert_string_equal(out, shown);
    lami_free(all);
}

static void valid_text_stays_as_it_is(void **state)
{
    (void)state;
    expect("", "");
    expect("a b/c.jpg", "a b/c.jpg");
    expect("\\x41", "\\x41");
    /* the first and the last character of each length, and those beside the surrogates */
    expect("~", "~");
    expect("\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf");
    expect("\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf");
    expect("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80");
    expect("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

static void bytes_that_are_no_characters_are_written_out(void **state)
{
    (void)state;
    expect("\xff.jpg", "\\xff.jpg");
    expect("a\x80z", "a\\x80z");
    expect("\xc0\x80", "\\xc0\\x80");          /* too long a form of 0 */
    expect("\xc1\xbf", "\\xc1\\xbf");          /* of 0x7f */
    expect("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"); /* of U+07FF */
    expect("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
    expect("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    expect("\xf5z", "\\xf5z");
    /* cut off at the end, and by another character */
    expect("\xe2\x82", "\\xe2\\x82");
    expect("\xf0\x9f\x98", "\\xf0\\x9f\\x98");
    expect("\xc3", "\\xc3");
    expect("\xe2z", "\\xe2z");
}

static void control_characters_are_written_out(void **state)
{
    (void)state;
    expect("a\nb\tc\r\x1b[31m\x7f", "a\\x0ab\\x09c\\x0d\\x1b[31m\\x7f");
    expect("\xc2\x9b"
           "31m",
           "\\xc2\\x9b31m"); /* terminals take U+009B for ESC [ */
    expect("\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f");
}

/* Of every size: the end of the text, whole characters only, after three dots. */
static void what_is_too_long_loses_its_beginning(void **state)
{
    (void)state;
    static const char text[] = "ab\xc3\xa4\xff"
                               "cd\xe2\x82\xac.jpg",
                      shown[] = "ab\xc3\xa4\\xff"
                                "cd\xe2\x82\xac.jpg";
    static const size_t starts[] = { 0, 1, 2, 4, 8, 9, 10, 13, 14, 15, 16, 17 }; /* of characters in `shown` */
    for (size_t size = 8; size <= sizeof shown; size++) {
        char out[64];
        size_t first = 0;
        memset(out, '#', sizeof out);
        lami_escape(out, size, text);
        if (size == sizeof shown) {
            assert_string_equal(out, shown);
            continue;
        }
        while (3 + strlen(shown) - starts[first] >= size)
            first++;
        assert_memory_equal(out, "...", 3);
        assert_string_equal(out + 3, shown + starts[first]);
        assert_true(out[size] == '#');
    }
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;
    lami_alloc_fail_at(1);
    assert_null(lami_escaped("x"));
    lami_alloc_fail_at(0);
    assert_non_null(strstr(lam_last_error(), "out of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_stays_as_it_is),
        cmocka_unit_test(bytes_that_are_no_characters_are_written_out),
        cmocka_unit_test(control_characters_are_written_out),
        cmocka_unit_test(what_is_too_long_loses_its_beginning),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
