/* status: messages, texts, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "../src/core/status.h"

static void fail_returns_the_status_and_keeps_the_message(void **state)
{
    (void)state;
    assert_int_equal(lami_fail(LAM_ESHAPE, "conv: kernel %d > input %d", 5, 3), LAM_ESHAPE);
    assert_string_equal(lam_last_error(), "conv: kernel 5 > input 3");
}

static void fail_at_puts_the_place_before_the_message(void **state)
{
    (void)state;
    lami_fail(LAM_EFORMAT, "bad magic");
    assert_int_equal(lami_fail_at(LAM_EFORMAT, "%s: byte %d", "a.idx", 4), LAM_EFORMAT);
    assert_string_equal(lam_last_error(), "a.idx: byte 4: bad magic");
}

static void a_message_may_quote_the_one_before(void **state)
{
    (void)state;
    lami_fail(LAM_EREAD, "first");
    lami_fail(LAM_EREAD, "second after %s", lam_last_error());
    assert_string_equal(lam_last_error(), "second after first");
}

static void newlines_at_the_end_are_dropped_and_others_kept(void **state)
{
    (void)state;
    lami_fail(LAM_ENOTATION, "line\n  caret\n\n");
    assert_string_equal(lam_last_error(), "line\n  caret");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t ascii = 0; ascii < 3; ascii++) {
        char text[2 * LAMI_MESSAGE_MAX + 3] = { 0 };
        memset(text, 'x', ascii);
        for (size_t i = ascii; i < 2 * LAMI_MESSAGE_MAX; i += 2)
            memcpy(text + i, "\xc3\xa9", 2);
        lami_fail(LAM_EINVAL, "%s", text);
        const size_t length = strlen(lam_last_error());
        assert_true(length < LAMI_MESSAGE_MAX && length > LAMI_MESSAGE_MAX - 8);
        assert_int_equal((length - ascii) % 2, 0);
    }
    lami_fail_at(LAM_EINVAL, "prefix");
    assert_memory_equal(lam_last_error(), "prefix: ", 8);
}

static void *other_thread(void *arg)
{
    assert_string_equal(lam_last_error(), "");
    lami_fail(LAM_EINVAL, "theirs");
    return arg;
}

static void each_thread_has_its_own_message(void **state)
{
    (void)state;
    pthread_t thread;
    lami_fail(LAM_EINVAL, "mine");
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(lam_last_error(), "mine");
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(lam_status_text(LAM_OK), "done");
#define X(name, value, text) assert_string_equal(lam_status_text(name), text);
    LAM_STATUS_MAP(X)
#undef X
    assert_string_equal(lam_status_text((lam_status)-99), "unknown status");
    assert_string_equal(lam_status_text((lam_status)7), "unknown status");
}

static void the_version_is_the_one_of_the_header(void **state)
{
    (void)state;
    assert_string_equal(lam_version(), LAM_VERSION);
}

static lam_status passes_on(lam_status status)
{
    LAM_TRY(status);
    return lami_fail(LAM_EINVAL, "went on");
}

static void try_returns_only_failures(void **state)
{
    (void)state;
    assert_int_equal(passes_on(LAM_EBUSY), LAM_EBUSY);
    assert_int_equal(passes_on(LAM_OK), LAM_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_returns_the_status_and_keeps_the_message),
        cmocka_unit_test(fail_at_puts_the_place_before_the_message),
        cmocka_unit_test(a_message_may_quote_the_one_before),
        cmocka_unit_test(newlines_at_the_end_are_dropped_and_others_kept),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(each_thread_has_its_own_message),
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(the_version_is_the_one_of_the_header),
        cmocka_unit_test(try_returns_only_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
