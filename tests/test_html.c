/* html: text that came from outside, and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/html.h"

static void expect_text(const char *text, const char *expected)
{
    char *out = NULL;
    size_t size;
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    cli_html_text(file, text);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(out, expected);
    free(out);
}

static void text_cannot_end_a_tag_or_an_attribute(void **state)
{
    (void)state;
    expect_text("", "");
    expect_text("T-shirt/top", "T-shirt/top");
    expect_text("<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    expect_text("a \"b\" & c", "a &quot;b&quot; &amp; c");
    expect_text("&amp;", "&amp;amp;");
}

static void any_bytes_become_valid_utf8(void **state)
{
    (void)state;
    expect_text("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\x88", "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\x88");
    expect_text("\xff.jpg", "\\xff.jpg");
    expect_text("cut \xe2\x82", "cut \\xe2\\x82");
    expect_text("line\nand\ttab\x7f", "line\\x0aand\\x09tab\\x7f");
    expect_text("\xc0\xbcscript>", "\\xc0\\xbcscript&gt;"); /* an overlong '<' */
}

static void expect_base64(const char *data, const char *expected)
{
    char *out = NULL;
    size_t size;
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    cli_html_base64(file, (const uint8_t *)data, strlen(data));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(out, expected);
    free(out);
}

/* RFC 4648, section 10. */
static void base64_is_that_of_the_standard(void **state)
{
    (void)state;
    expect_base64("", "");
    expect_base64("f", "Zg==");
    expect_base64("fo", "Zm8=");
    expect_base64("foo", "Zm9v");
    expect_base64("foob", "Zm9vYg==");
    expect_base64("fooba", "Zm9vYmE=");
    expect_base64("foobar", "Zm9vYmFy");
    expect_base64("\xfb\xff\xbf", "+/+/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_end_a_tag_or_an_attribute),
        cmocka_unit_test(any_bytes_become_valid_utf8),
        cmocka_unit_test(base64_is_that_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
