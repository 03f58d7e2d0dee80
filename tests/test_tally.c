/* tally, and the page made of it: networks that pass their inputs through, so that scores are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/report.h"
#include "core/mem.h"
#include "data/data.h"
#include "net/session.h"

static void expect_near(double value, double expected, double error)
{
    if (!(fabs(value - expected) <= error))
        fail_msg("%.12g, expected %.12g", value, expected);
}

typedef struct fixture {
    lam_net *net;
    lam_data *data;
    lam_session *session;
    lam_options *options;
    cli_tally tally;
} fixture;

/* A network whose K scores are its K inputs. */
static void make(fixture *f, const char *loss, size_t scores)
{
    char notation[64];
    double weight[16] = { 0 };
    const lam_shape input = { 1, { scores } };
    assert_true(scores * scores <= 16);
    for (size_t k = 0; k < scores; k++)
        weight[k * scores + k] = 1;
    lam_tensor w = { LAM_F64, { 2, { scores, scores } }, weight };
    snprintf(notation, sizeof notation, "affine %zu - %s", scores, loss);
    *f = (fixture) { 0 };
    assert_int_equal(lam_options_new(&f->options), LAM_OK);
    assert_int_equal(lam_options_set(f->options, "dtype", "f64"), LAM_OK);
    assert_int_equal(lam_options_set(f->options, "batch", "2"), LAM_OK);
    assert_int_equal(lam_net_new(&f->net, notation, &input, f->options), LAM_OK);
    assert_int_equal(lam_net_set(f->net, "affine1.weight", &w), LAM_OK);
}

static void count(fixture *f, double *x, size_t samples, const lam_tensor *y, size_t classes)
{
    const lam_tensor xs = { LAM_F64, { 2, { samples, lam_net_classes(f->net) } }, x };
    assert_int_equal(lam_data_from_arrays(&f->data, &xs, y, classes, 0), LAM_OK);
    assert_int_equal(lami_session_make(&f->session, f->net, f->options, LAMI_SESSION_MEASURE), LAM_OK);
    assert_int_equal(cli_tally_make(&f->tally, f->session, f->net, f->data, LAM_TRAIN, samples, 1), LAM_OK);
}

static void count_labels(fixture *f, double *x, size_t samples, const uint8_t *label, size_t classes)
{
    const lam_tensor y = { LAM_U8, { 1, { samples } }, (void *)(uintptr_t)label };
    count(f, x, samples, &y, classes);
}

static void count_targets(fixture *f, double *x, size_t samples, double *target)
{
    const lam_tensor y = { LAM_F64, { 2, { samples, lam_net_classes(f->net) } }, target };
    count(f, x, samples, &y, 0);
}

static void drop(fixture *f)
{
    cli_tally_free(&f->tally);
    lam_session_free(f->session);
    lam_data_free(f->data);
    lam_net_free(f->net);
    lam_options_free(f->options);
}

static void expect_miss(const cli_miss *m, size_t sample, size_t truth, size_t answer, double of_truth,
                        double of_answer)
{
    assert_int_equal(m->sample, sample);
    assert_int_equal(m->truth, truth);
    assert_int_equal(m->answer, answer);
    expect_near(m->of_truth, of_truth, 1e-6);
    expect_near(m->of_answer, of_answer, 1e-6);
}

static double scores_of_three[] = { 0, 2, 3, 0, 0, 5 };
static const uint8_t zeros[3] = { 0 };

static void classes_and_their_probabilities(void **state)
{
    (void)state;
    fixture f;
    make(&f, "softmax", 2);
    count_labels(&f, scores_of_three, 3, zeros, 2);
    assert_int_equal(f.tally.class_count[0], 3);
    assert_int_equal(f.tally.right[0], 1);
    assert_int_equal(f.tally.confusion[1], 2);
    assert_int_equal(cli_tally_mistaken(&f.tally, 0), 1);
    expect_near(cli_tally_accuracy(&f.tally), 1.0 / 3, 1e-15);
    assert_int_equal(f.tally.worst->count, 2);
    expect_miss(&f.tally.worst->miss[0], 2, 0, 1, 0.0066928509, 0.9933071491);
    expect_miss(&f.tally.worst->miss[1], 0, 0, 1, 0.1192029220, 0.8807970780);
    expect_near(f.tally.worst->miss[0].badness, 5.0067153485, 1e-6); /* -log(0.00669...) */
    drop(&f);
}

/* Both probabilities are 0 in double, and yet one is the worse. */
static void probabilities_too_small_for_a_double_have_an_order(void **state)
{
    (void)state;
    double x[] = { 0, 2000, 0, 3000 };
    fixture f;
    make(&f, "softmax", 2);
    count_labels(&f, x, 2, zeros, 2);
    expect_miss(&f.tally.worst->miss[0], 1, 0, 1, 0, 1);
    drop(&f);
}

static void classes_without_probabilities_have_scores(void **state)
{
    (void)state;
    fixture f;
    make(&f, "svm", 2);
    count_labels(&f, scores_of_three, 3, zeros, 2);
    assert_int_equal(f.tally.worst->count, 2);
    expect_miss(&f.tally.worst->miss[0], 2, 0, 1, 0, 5);
    drop(&f);
}

static void one_score_says_yes_or_no(void **state)
{
    (void)state;
    double x[] = { 1, -2, 3 }; /* says yes, no, yes */
    static const uint8_t label[] = { 0, 1, 1 };
    fixture f;
    make(&f, "logistic", 1);
    count_labels(&f, x, 3, label, 2);
    assert_int_equal(f.tally.worst->count, 2);
    expect_miss(&f.tally.worst->miss[0], 1, 1, 0, 0.1192029220, 0.8807970780);
    expect_miss(&f.tally.worst->miss[1], 0, 0, 1, 0.2689414214, 0.7310585786);
    drop(&f);
}

static void of_several_answers_the_worst_is_shown(void **state)
{
    (void)state;
    double x[] = { -3, 2, 1, 1, -1, 2 }, target[] = { 1, 1, 1, 1, 1, 0 };
    fixture f;
    make(&f, "logistic", 2);
    count_targets(&f, x, 3, target);
    assert_int_equal(f.tally.question[0].yes, 3);
    assert_int_equal(f.tally.question[0].right, 1);
    assert_int_equal(f.tally.worst->count, 2);
    expect_miss(&f.tally.worst->miss[0], 2, 1, 0, 0.1192029220, 0); /* softplus(1) + softplus(2) */
    expect_miss(&f.tally.worst->miss[1], 0, 0, 1, 0.0474258732, 0); /* softplus(3) + softplus(-2) */
    expect_near(f.tally.worst->miss[1].badness, 3.0485873516 + 0.1269280110, 1e-6);
    drop(&f);
}

static void of_several_numbers_the_furthest_off_is_shown(void **state)
{
    (void)state;
    double x[] = { 1, 2, 4, 4 }, target[] = { 1, 5, 4, 4.5 };
    fixture f;
    make(&f, "mse", 2);
    count_targets(&f, x, 2, target);
    assert_int_equal(f.tally.worst->count, 2);
    expect_miss(&f.tally.worst->miss[0], 0, 1, 0, 5, 2);
    expect_near(f.tally.worst->miss[0].badness, 9, 1e-12);
    drop(&f);
}

static void nothing_is_kept_where_nobody_asks(void **state)
{
    (void)state;
    fixture f;
    make(&f, "softmax", 2);
    count_labels(&f, scores_of_three, 3, zeros, 2);
    cli_tally_free(&f.tally);
    assert_int_equal(cli_tally_make(&f.tally, f.session, f.net, f.data, LAM_TRAIN, 3, 0), LAM_OK);
    assert_null(f.tally.worst);
    expect_near(cli_tally_accuracy(&f.tally), 1.0 / 3, 1e-15);
    drop(&f);
}

/* ---- the page ---- */

static char *page_of(const fixture *f)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(cli_report_page(file, &f->tally, "a <model>"), LAM_OK);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void the_page_shows_what_was_counted(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "<title>a &lt;model&gt;: evaluation</title>",
        "<dt>Accuracy</dt><dd>33.33%</dd>",
        "<td class=\"right\" style=\"--p:33.3\">1</td><td class=\"wrong\" style=\"--p:100.0\">2</td>",
        "<tr><th scope=\"row\">2</th><td>0</td><td class=\"n\">0.67%</td><td>1</td><td class=\"n\">99.33%</td></tr>",
    };
    fixture f;
    make(&f, "softmax", 2);
    count_labels(&f, scores_of_three, 3, zeros, 2);
    char *text = page_of(&f);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("no %s in %s", parts[i], text);
    free(text);
    drop(&f);
}

/* Images of 2 x 1 x 2 bytes, all wrong. */
static void count_images(fixture *f)
{
    static uint8_t x[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    static const uint8_t label[] = { 1, 1 };
    double weight[8] = { 1, 1, 1, 1 }; /* says 0 */
    const lam_tensor xs = { LAM_U8, { 4, { 2, 2, 1, 2 } }, x };
    const lam_tensor ys = { LAM_U8, { 1, { 2 } }, (void *)(uintptr_t)label };
    lam_tensor w = { LAM_F64, { 2, { 2, 4 } }, weight };
    *f = (fixture) { 0 };
    assert_int_equal(lam_options_new(&f->options), LAM_OK);
    assert_int_equal(lam_data_from_arrays(&f->data, &xs, &ys, 2, 0), LAM_OK);
    assert_int_equal(lam_net_new(&f->net, "affine 2 - softmax", lam_data_shape(f->data), f->options), LAM_OK);
    assert_int_equal(lam_net_set(f->net, "affine1.weight", &w), LAM_OK);
    assert_int_equal(lami_session_make(&f->session, f->net, f->options, LAMI_SESSION_MEASURE), LAM_OK);
    assert_int_equal(cli_tally_make(&f->tally, f->session, f->net, f->data, LAM_TRAIN, 2, 1), LAM_OK);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    fixture f;
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    count_images(&f);
    assert_int_equal(f.tally.worst->count, 2);
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        cli_tally_free(&f.tally);
        lami_alloc_fail_at(n);
        status = cli_tally_make(&f.tally, f.session, f.net, f.data, LAM_TRAIN, 2, 1);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
    }
    status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = cli_report_page(out, &f.tally, "model");
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
    }
    lami_alloc_fail_at(0);
    fclose(out);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_and_their_probabilities),
        cmocka_unit_test(probabilities_too_small_for_a_double_have_an_order),
        cmocka_unit_test(classes_without_probabilities_have_scores),
        cmocka_unit_test(one_score_says_yes_or_no),
        cmocka_unit_test(of_several_answers_the_worst_is_shown),
        cmocka_unit_test(of_several_numbers_the_furthest_off_is_shown),
        cmocka_unit_test(nothing_is_kept_where_nobody_asks),
        cmocka_unit_test(the_page_shows_what_was_counted),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
