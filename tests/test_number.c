/* number: numbers from and to text, in any locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/number.h"
#include "../src/core/random.h"

static void assert_real(const char *text, double expected)
{
    double value = -1;
    assert_int_equal(lami_parse_real(&value, text), LAM_OK);
    assert_true(value == expected);
}

static void decimal_numbers_are_taken(void **state)
{
    (void)state;
    assert_real("0", 0);
    assert_real("10", 10);
    assert_real("1e-3", 1e-3);
    assert_real("-.5", -0.5);
    assert_real("+5.", 5);
    assert_real("1.5E+3", 1500);
    assert_real("0.1", 0.1);
    assert_real("1e-400", 0);
    assert_real("4.9406564584124654e-324", 0x1p-1074);
    assert_real("1.7976931348623157e308", 0x1.fffffffffffffp+1023);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",  " 1", "1 ", "1x",  "0x10", "nan",  "inf",  "-inf", "1,5", ".",
                                       "-", "e5", "1e", "1e+", "--1",  "1..2", "1e5.", "1f",   "1\n", "１" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[64];
        double value = 7;
        assert_int_equal(lami_parse_real(&value, bad[i]), LAM_EINVAL);
        snprintf(message, sizeof message, "\"%s\" is not a number", bad[i]);
        if (!strchr(bad[i], '\n'))
            assert_string_equal(lam_last_error(), message);
        assert_true(value == 7);
    }
    double value;
    assert_int_equal(lami_parse_real(&value, NULL), LAM_EINVAL);
    assert_int_equal(lami_parse_real(&value, "1e309"), LAM_EINVAL);
    assert_string_equal(lam_last_error(), "1e309 is too large for a number");
}

static void whole_numbers_reach_to_the_last(void **state)
{
    (void)state;
    uint64_t value = 7;
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "18446744073709551616", "99999999999999999999999"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lami_parse_u64(&value, bad[i]), LAM_EINVAL);
        assert_true(value == 7);
    }
    assert_string_equal(lam_last_error(), "99999999999999999999999 is over 18446744073709551615");
    assert_int_equal(lami_parse_u64(&value, NULL), LAM_EINVAL);
    assert_int_equal(lami_parse_u64(&value, "18446744073709551615"), LAM_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(lami_parse_u64(&value, "007"), LAM_OK);
    assert_true(value == 7);
}

static void assert_text(double value, const char *expected)
{
    char text[LAMI_REAL_TEXT];
    lami_real_text(text, value);
    assert_string_equal(text, expected);
}

static void reals_print_as_short_as_they_read_back(void **state)
{
    (void)state;
    assert_text(0.1, "0.1");
    assert_text(1e6, "1e+06");
    assert_text(1048576, "1048576");
    assert_text(1.0 / 3, "0.3333333333333333");
    assert_text(0.1 + 0.2, "0.30000000000000004");
    assert_text(-0x1.fffffffffffffp+1023, "-1.7976931348623157e+308");
    assert_text(-0x1p-1074, "-4.94066e-324");
    assert_text(NAN, "nan");
    assert_text(-INFINITY, "-inf");
}

static void printed_reals_read_back_equal(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252;
    for (int i = 0; i < 5000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17; /* xorshift64 */
        double value, back = 0;
        char text[LAMI_REAL_TEXT];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        lami_real_text(text, value);
        assert_int_equal(lami_parse_real(&back, text), LAM_OK);
        assert_memory_equal(&back, &value, sizeof back);
    }
}

/* ---- prefixes ---- */

/* `text` reads as strtod reads it, to its end, whatever follows. */
static void assert_as_strtod(const char *text)
{
    char longer[512];
    const size_t length = strlen(text);
    snprintf(longer, sizeof longer, "%s,1", text);
    const double expected = strtod(text, NULL);
    double value = 0;
    if (lami_real_prefix(&value, longer, length + 2) != length || memcmp(&value, &expected, sizeof value))
        fail_msg("%s reads as %.17g, not %.17g", text, value, expected);
    assert_int_equal(lami_real_prefix(&value, text, length), length);
}

static void a_prefix_ends_where_the_number_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = { { "12abc", 2 },  { "1e", 1 },  { "1e+", 1 }, { "1.5.2", 3 }, { ".5", 2 },
                  { "5.", 2 },     { ".", 0 },   { "-", 0 },   { "+.e1", 0 },  { "", 0 },
                  { " 1", 0 },     { "nan", 0 }, { "inf", 0 }, { "0x10", 1 },  { "1e999", 0 },
                  { "-1e400", 0 }, { "--1", 0 }, { "1e-", 1 }, { "1E5x", 3 },  { "+7e-3,", 5 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -17;
        const size_t length = lami_real_prefix(&value, cases[i].text, strlen(cases[i].text));
        if (length != cases[i].length)
            fail_msg("%s: %zu", cases[i].text, length);
        assert_true(length || value == -17);
    }
    double value;
    assert_int_equal(lami_real_prefix(&value, "123", 2), 2); /* not past the end */
    assert_true(value == 12);
    char digits[300];
    memset(digits, '7', sizeof digits);
    assert_int_equal(lami_real_prefix(&value, digits, 255), 255);
    assert_int_equal(lami_real_prefix(&value, digits, 256), 0);
}

static void prefixes_are_correctly_rounded(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0e99999999999",
        "1e-400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "1.7976931348623157e308",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.5",
        "18446744073709551615",
        "9999999999999999999",
        "10000000000000000000",
        "99999999999999999999",
        "0.00000000000000000000000000123456789012345678",
        "1234567890123456789e27",
        "1234567890123456789e-27",
        "1234567890123456789e28",
        "1234567890123456789e-28",
        "8.98846567431158e307",
        "2.2250738585072011e-308",
        "0.1000000000000000055511151231257827021181583404541015625",
        "1.00000000000000011102230246251565404236316680908203125",
        "00000000000000000000000000012.5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_as_strtod(texts[i]);
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 0, 0);
    for (uint64_t i = 0; i < 10000; i++) {
        const uint64_t bits = (uint64_t)lami_rng_word(&rng, 2 * i) << 32 | lami_rng_word(&rng, 2 * i + 1);
        char text[64];
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            snprintf(text, sizeof text, "%.*e", (int)(i % 22), value);
            assert_as_strtod(text);
        }
        snprintf(text, sizeof text, "%s%" PRIu64 ".%06ue%d", i % 3 ? "" : "-", bits >> (i % 60),
                 (unsigned)(i * 7919 % 1000000), (int)(bits % 61) - 30);
        assert_as_strtod(text);
        /* a tie of two doubles, and beside it */
        const uint64_t odd = ((bits >> 11) | (uint64_t)1 << 52) * 2 + 1;
        for (uint64_t beside = odd - 1; beside <= odd + 1; beside++) {
            snprintf(text, sizeof text, "%" PRIu64, beside);
            assert_as_strtod(text);
            snprintf(text, sizeof text, "%" PRIu64 ".%s", beside / 2, beside % 2 ? "5" : "0");
            assert_as_strtod(text);
            snprintf(text, sizeof text, "%" PRIu64 "e%d", beside, (int)(i % 55) - 27);
            assert_as_strtod(text);
        }
    }
}

/* Build a locale with decimal commas, as test systems have few; skipped where localedef or its sources are missing. */
static int comma_locale(char *folder)
{
    char command[256], name[256];
    if (setlocale(LC_ALL, "de_DE.UTF-8"))
        return 1;
    if (!mkdtemp(folder))
        return 0;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", folder, folder);
    if (system(command) == -1)
        return 0;
    snprintf(name, sizeof name, "%s", folder);
    return !setenv("LOCPATH", name, 1) && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void the_locale_of_the_host_does_not_matter(void **state)
{
    (void)state;
    char folder[] = "/tmp/lamina-locale-XXXXXX", shown[16], command[64];
    const int made = comma_locale(folder);
    if (made) {
        snprintf(shown, sizeof shown, "%.1f", 0.5);
        assert_string_equal(shown, "0,5"); /* the test tests something */
        assert_real("0.5", 0.5);
        double value;
        assert_int_equal(lami_parse_real(&value, "0,5"), LAM_EINVAL);
        assert_text(0.25, "0.25");
        lami_fail(LAM_EOPTION, "%g is over %.1f", 1.5, 0.5);
        assert_string_equal(lam_last_error(), "1.5 is over 0.5");
        snprintf(shown, sizeof shown, "%.1f", 0.5);
        assert_string_equal(shown, "0,5"); /* and the host's locale is as it was */
        setlocale(LC_ALL, "C");
    }
    if (!strstr(folder, "XXXXXX")) {
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
    }
    if (!made)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers_are_taken),           cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(whole_numbers_reach_to_the_last),     cmocka_unit_test(reals_print_as_short_as_they_read_back),
        cmocka_unit_test(a_prefix_ends_where_the_number_ends), cmocka_unit_test(prefixes_are_correctly_rounded),
        cmocka_unit_test(printed_reals_read_back_equal),       cmocka_unit_test(the_locale_of_the_host_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
