/* digest: known answers of SHA-256 (FIPS 180-4 examples). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../src/core/digest.h"

static void assert_digest(const char *text, const char *expected)
{
    lami_digest d;
    char hex[65];
    lami_digest_start(&d);
    lami_digest_add(&d, text, strlen(text));
    lami_digest_end(&d, hex);
    assert_string_equal(hex, expected);
}

static void known_answers(void **state)
{
    (void)state;
    assert_digest("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void parts_give_what_the_whole_gives(void **state)
{
    (void)state;
    lami_digest d;
    char hex[65];
    lami_digest_start(&d);
    lami_digest_add(&d, "a", 1);
    lami_digest_add(&d, NULL, 0);
    lami_digest_add(&d, "bc", 2);
    lami_digest_end(&d, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(parts_give_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
