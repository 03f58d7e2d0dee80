/* list: words joined for a message, also where they do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../src/core/list.h"
#include "../src/core/nearest.h"

static const char *const words[] = { "affine", "relu", "svm" };

static void words_are_joined_by_commas(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(lami_list_all(out, sizeof out, 3, lami_nth_text, words), "affine, relu, svm");
    assert_string_equal(lami_list_all(out, sizeof out, 0, lami_nth_text, words), "");
    lami_list_add(out, sizeof out, "softmax loss", strlen("softmax"));
    lami_list_add(out, sizeof out, "mse", 3);
    assert_string_equal(out, "softmax, mse");
}

static void every_size_holds_what_fits_and_dots_at_the_end(void **state)
{
    (void)state;
    const char *const whole = "affine, relu, svm";
    for (size_t size = 4; size <= strlen(whole) + 1; size++) {
        char out[32];
        memset(out, '#', sizeof out);
        lami_list_all(out, size, 3, lami_nth_text, words);
        const int fits = size > strlen(whole);
        assert_int_equal(strlen(out), size - 1);
        assert_memory_equal(out, whole, fits ? size : size - 4);
        assert_string_equal(out + size - 4, fits ? "svm" : "...");
        assert_true(out[size] == '#');
    }
}

static void a_full_list_stays_as_it_is(void **state)
{
    (void)state;
    char out[8] = "";
    lami_list_add(out, sizeof out, "batchnorm", 9);
    lami_list_add(out, sizeof out, "a", 1);
    lami_list_add(out, sizeof out, "", 0);
    assert_string_equal(out, "batc...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_joined_by_commas),
        cmocka_unit_test(every_size_holds_what_fits_and_dots_at_the_end),
        cmocka_unit_test(a_full_list_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
