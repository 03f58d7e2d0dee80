/* curves: the log of a run as drawings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/curves.h"
#include "core/mem.h"
#include "folder.h"

/* What a log becomes; free it. */
static char *drawn(const char *log)
{
    char *out = NULL;
    size_t size;
    if (log)
        write_file("log.jsonl", log, strlen(log));
    else
        remove(in_folder("log.jsonl"));
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    assert_int_equal(cli_curves(file, folder), LAM_OK);
    assert_int_equal(fclose(file), 0);
    return out;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        count++;
    return count;
}

static void expect(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("no \"%s\" in %s", what, text);
}

static void loss_and_accuracies_have_a_line_each(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":1,\"step\":10,\"loss\":2,\"train_accuracy\":0.5,\"val_accuracy\":0.6}\n"
                       "{\"epoch\":2,\"step\":20,\"loss\":1,\"train_accuracy\":0.7,\"val_accuracy\":0.55}\n");
    /* x: 72 + 278 epoch / 2; y of the loss: from 1 at 172 to 2 at 10 */
    expect(text, "<path class=\"train\" d=\"M211.0 10.0L350.0 172.0\"/>");
    expect(text, "aria-label=\"Loss: training 1\"");
    expect(text, "aria-label=\"Accuracy: training 70.00%; validation 55.00%, best 60.00% at epoch 1\"");
    assert_int_equal(count_of(text, "<svg viewBox=\"0 0 360"), 2);
    assert_int_equal(count_of(text, "<path class=\"val\" d=\"M"), 2); /* and that of the key */
    free(text);
}

static void what_is_not_measured_has_no_line(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":1,\"step\":10,\"loss\":null,\"train_r2\":0.5,\"val_r2\":null}\n");
    assert_int_equal(count_of(text, "<svg viewBox=\"0 0 360"), 1);
    expect(text, "aria-label=\"R&sup2;: training 0.5\"");
    expect(text, "<circle class=\"train\"");
    assert_int_equal(count_of(text, "val"), 0);
    free(text);
}

static void accuracies_end_at_0_and_100_percent(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":1,\"step\":10,\"loss\":null,\"train_accuracy\":0.8}\n");
    expect(text, ">100%</text>");
    assert_null(strstr(text, ">120%</text>"));
    free(text);
    text = drawn("{\"epoch\":1,\"step\":10,\"loss\":null,\"train_accuracy\":0}\n");
    expect(text, ">0%</text>");
    assert_null(strstr(text, ">-"));
    free(text);
}

static void less_than_an_epoch_is_drawn_by_steps(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":0,\"step\":7,\"loss\":2,\"train_accuracy\":0.5,\"val_accuracy\":null}\n");
    expect(text, ">step</text>");
    free(text);
}

static void a_gap_breaks_the_line(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":1,\"step\":1,\"loss\":1}\n{\"epoch\":2,\"step\":2,\"loss\":null}\n"
                       "{\"epoch\":3,\"step\":3,\"loss\":2}\n{\"epoch\":4,\"step\":4,\"loss\":1}\n");
    expect(text, "d=\"M141.5 172.0M280.5 10.0L350.0 172.0\"");
    assert_int_equal(count_of(text, "<circle"), 2); /* the lonely first one, and the last one */
    free(text);
}

static void no_entry_draws_nothing(void **state)
{
    (void)state;
    static const char *const logs[] = { NULL,
                                        "",
                                        "\n",
                                        "{\"epoch\":1,\"st",
                                        "[1,2]\n\xff\n{}\n",
                                        "{\"epoch\":1,\"step\":1,\"loss\":null,\"train_accuracy\":null}\n" };
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        char *text = drawn(logs[i]);
        assert_string_equal(text, "");
        free(text);
    }
}

static void a_line_that_a_kill_has_cut_is_passed_over(void **state)
{
    (void)state;
    char *text = drawn("{\"epoch\":1,\"step\":10,\"loss\":2}\n{\"epoch\":2,\"step\":20,\"lo");
    expect(text, "aria-label=\"Loss: training 2\"");
    free(text);
}

static void a_long_log_is_thinned_and_keeps_its_last_entry(void **state)
{
    (void)state;
    enum { ENTRIES = 12345, LINE = 64 };
    char *log = malloc(ENTRIES * LINE);
    assert_non_null(log);
    size_t at = 0;
    for (int i = 1; i <= ENTRIES; i++)
        at += (size_t)snprintf(log + at, LINE, "{\"epoch\":%d,\"step\":%d,\"loss\":%d}\n", i, i, i);
    char *text = drawn(log);
    assert_in_range(count_of(text, "L"), 400, 501);
    expect(text, "aria-label=\"Loss: training 1.234e+04\"");
    expect(text, "L350.0 ");
    free(text);
    free(log);
}

static void numbers_of_any_size_end_in_the_drawing(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        { "-1.7e308", "1.7e308" },     { "-1e300", "1e300" }, { "1e-320", "2e-320" },
        { "1", "1.0000000000000002" }, { "0", "0" },          { "-1e-3", "1e-3" }
    };
    char log[256];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(log, sizeof log,
                 "{\"epoch\":1,\"step\":1,\"loss\":%s,\"train_r2\":1}\n{\"epoch\":2,\"step\":2,\"loss\":%s}\n"
                 "{\"epoch\":1e300,\"step\":1e300,\"loss\":1}\n",
                 values[i][0], values[i][1]);
        char *text = drawn(log);
        assert_true(strlen(text) > 0 && strlen(text) < 10000);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        free(text);
    }
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char log[] = "{\"epoch\":1,\"step\":10,\"loss\":2}\n";
    FILE *out = fopen("/dev/null", "w");
    lam_status status = LAM_ENOMEM;
    long n = 0;
    assert_non_null(out);
    write_file("log.jsonl", log, sizeof log - 1);
    while (status) {
        lami_alloc_fail_at(++n);
        status = cli_curves(out, folder);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
    }
    lami_alloc_fail_at(0);
    assert_true(n > 2);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_accuracies_have_a_line_each),
        cmocka_unit_test(what_is_not_measured_has_no_line),
        cmocka_unit_test(accuracies_end_at_0_and_100_percent),
        cmocka_unit_test(less_than_an_epoch_is_drawn_by_steps),
        cmocka_unit_test(a_gap_breaks_the_line),
        cmocka_unit_test(no_entry_draws_nothing),
        cmocka_unit_test(a_line_that_a_kill_has_cut_is_passed_over),
        cmocka_unit_test(a_long_log_is_thinned_and_keeps_its_last_entry),
        cmocka_unit_test(numbers_of_any_size_end_in_the_drawing),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
