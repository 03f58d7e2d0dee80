/* nearest: which word a misspelt one means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../src/core/nearest.h"

static const char *const words[] = { "affine", "relu", "batchnorm", "layernorm", "dropout", "softmax", "svm", "lr" };
enum { COUNT = sizeof words / sizeof *words };

static const char *word(size_t index, const void *arg)
{
    return ((const char *const *)arg)[index];
}

static const char *nearest(const char *text)
{
    return lami_nearest(text, COUNT, word, words);
}

static void one_slip_is_forgiven(void **state)
{
    (void)state;
    assert_string_equal(nearest("afine"), "affine"); /* missing */
    assert_string_equal(nearest("reluu"), "relu");   /* too many */
    assert_string_equal(nearest("rexu"), "relu");    /* another */
    assert_string_equal(nearest("rleu"), "relu");    /* swapped: one slip */
    assert_string_equal(nearest("svn"), "svm");
    assert_string_equal(nearest("softmax"), "softmax");
}

static void a_third_of_the_letters_may_be_wrong(void **state)
{
    (void)state;
    assert_string_equal(nearest("bachnrm"), "batchnorm"); /* 2 of 7 */
    assert_null(nearest("baxxnxrm"));                     /* 4 of 8 */
}

static void far_words_have_no_match(void **state)
{
    (void)state;
    assert_null(nearest("convolution"));
    assert_null(nearest("tanh"));
    assert_null(nearest(""));
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_null(nearest(longest));
    assert_null(lami_nearest("relu", 0, word, words));
}

static void capitals_do_not_matter(void **state)
{
    (void)state;
    assert_string_equal(nearest("BatchNorm"), "batchnorm");
    assert_string_equal(nearest("RELU"), "relu");
}

static void the_nearest_wins_and_the_first_among_equals(void **state)
{
    (void)state;
    const char *const near[] = { "decal", "decay", "delay" };
    assert_string_equal(lami_nearest("decay", 3, word, near), "decay");
    assert_string_equal(lami_nearest("decax", 3, word, near), "decal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_forgiven),
        cmocka_unit_test(a_third_of_the_letters_may_be_wrong),
        cmocka_unit_test(far_words_have_no_match),
        cmocka_unit_test(capitals_do_not_matter),
        cmocka_unit_test(the_nearest_wins_and_the_first_among_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
