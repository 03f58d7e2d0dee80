/* gradcheck: every layer and loss passes, alone and combined; kinks are found; wrong gradients fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/train/gradcheck.h"
#include "toy.h"

/* ---- networks ---- */

static void assert_passes(const char *notation, const lam_shape input, const char *list)
{
    lam_check_row *rows = NULL;
    size_t count = 0;
    lam_options *options = toy_options(list);
    const lam_status status = lam_check(&rows, &count, notation, &input, options);
    if (status)
        print_error("%s: %s\n", notation, lam_last_error());
    assert_int_equal(status, LAM_OK);
    for (size_t i = 0; i < count; i++) {
        assert_true(rows[i].error < 1e-7);
        assert_true(rows[i].kinks <= rows[i].checked / 2);
        assert_true(rows[i].checked == (rows[i].count > 60 ? 61 : rows[i].count));
    }
    assert_true(count > 0);
    assert_string_equal(rows[count - 1].name, "input");
    lam_check_free(rows);
    lam_options_free(options);
}

static void every_layer_and_loss_passes(void **state)
{
    (void)state;
    static const char *const notations[] = {
        "affine 4 - softmax",
        "affine 4 - svm",
        "affine 6 - relu - affine 4 - softmax",
        "affine 6 - relu - affine 4 - svm",
        "affine 6 - batchnorm - affine 4 - softmax",
        "affine 6 - layernorm - affine 4 - softmax",
        "affine 6 - dropout 0.4 - affine 4 - softmax",
        "affine 6 - residual {affine 6} - affine 4 - softmax",
        "affine 6 - residual {affine 5 | affine 5} - affine 4 - softmax",
        "{affine 8 - leakyrelu} x 2 - affine 4 - softmax",
        "{affine 8 - leakyrelu 0.3} x 2 - affine 4 - svm",
        "{affine 8 - leakyrelu 0} x 2 - affine 4 - softmax",
        "{affine 8 - elu} x 2 - affine 4 - softmax",
        "{affine 8 - elu 0.3} x 2 - affine 4 - softmax",
        "{affine 8 - gelu} x 2 - affine 4 - softmax",
        "{affine 8 - gelu tanh} x 2 - affine 4 - softmax",
        "{affine 8 - silu} x 2 - affine 4 - softmax",
        "{affine 8 - sigmoid} x 2 - affine 4 - softmax",
        "{affine 8 - tanh} x 2 - affine 4 - softmax",
        "batchnorm - affine 4 - svm",
        "layernorm - affine 4 - softmax",
        "relu - affine 4 - softmax",
        "leakyrelu - affine 4 - softmax",
        "elu 2 - affine 4 - softmax",
        "gelu - affine 4 - softmax",
        "residual {affine 7} - affine 4 - softmax",
    };
    for (size_t i = 0; i < sizeof notations / sizeof *notations; i++)
        assert_passes(notations[i], (lam_shape) { 1, { 7 } }, "");
}

static void layers_combined_pass(void **state)
{
    (void)state;
    static const char *const notations[] = {
        "{affine 9 - batchnorm - relu - dropout 0.25} x 3 - affine 4 - softmax",
        "{affine 9 - layernorm - relu - dropout 0.25} x 3 - affine 4 - svm",
        "affine 8 - {residual {affine 8 - batchnorm - relu - affine 8} - relu} x 2 - affine 4 - softmax",
        "affine 70 - relu - affine 4 - softmax",
    };
    for (size_t i = 0; i < sizeof notations / sizeof *notations; i++) {
        assert_passes(notations[i], (lam_shape) { 3, { 2, 3, 2 } }, "seed=2");
        assert_passes(notations[i], (lam_shape) { 1, { 12 } }, "seed=3 l2=0.1 batch=7 init-scale=0.3");
    }
}

static void bad_notations_and_shapes_are_errors(void **state)
{
    (void)state;
    lam_check_row *rows = NULL;
    size_t count = 1;
    const lam_shape input = { 1, { 7 } };
    assert_int_equal(lam_check(&rows, &count, "affine 4 - relo - softmax", &input, NULL), LAM_ENOTATION);
    assert_null(rows);
    assert_int_equal(count, 0);
    assert_int_equal(lam_check(&rows, &count, "affine 4 - residual {affine 3} - softmax", &input, NULL), LAM_ESHAPE);
    assert_int_equal(lam_check(NULL, &count, "affine 4 - softmax", &input, NULL), LAM_EINVAL);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_status status = LAM_ENOMEM;
    const lam_shape input = { 1, { 3 } };
    lam_options *options = toy_options("threads=1");
    for (long n = 1; status; n++) {
        lam_check_row *rows = NULL;
        size_t count;
        lami_alloc_fail_at(n);
        status = lam_check(&rows, &count, "affine 2 - softmax", &input, options);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        assert_true(!rows == !!status);
        lam_check_free(rows);
        assert_true(n < 1000);
    }
    lam_options_free(options);
}

/* ---- functions with known gradients ---- */

enum { SIZE = 100 };

/* A loss that is a sum of terms of x (SIZE) and y (3), and its gradients. */
typedef struct function {
    double x[SIZE], y[3], dx[SIZE], dy[3];
    double (*term)(double x);
} function;

static double cube(double x)
{
    return x * x * x - 2 * x;
}

static double hinge(double x) /* slopes 1 and 3 */
{
    return x + (x > 0.5 ? 2 * (x - 0.5) : 0);
}

static lam_status sum_of_terms(double *loss, void *arg)
{
    const function *f = arg;
    *loss = 0;
    for (size_t i = 0; i < SIZE; i++)
        *loss += f->term(f->x[i]);
    for (size_t i = 0; i < 3; i++)
        *loss += cube(f->y[i]);
    return LAM_OK;
}

static function make(double (*term)(double))
{
    function f = { .term = term };
    for (size_t i = 0; i < SIZE; i++) {
        f.x[i] = (double)i / SIZE * 2 - 0.995;
        f.dx[i] = term == cube ? 3 * f.x[i] * f.x[i] - 2 : f.x[i] > 0.5 ? 3 : 1;
    }
    for (size_t i = 0; i < 3; i++) {
        f.y[i] = 1 + (double)i;
        f.dy[i] = 3 * f.y[i] * f.y[i] - 2;
    }
    return f;
}

static lam_status check(lam_check_row rows[2], function *f)
{
    const lami_check_tensor tensors[2] = { { "x", f->x, f->dx, SIZE }, { "y", f->y, f->dy, 3 } };
    const function before = *f;
    const lam_status status = lami_gradcheck(rows, tensors, 2, sum_of_terms, f, 1);
    assert_memory_equal(&before, f, sizeof before);
    return status;
}

static void right_gradients_pass(void **state)
{
    (void)state;
    lam_check_row rows[2];
    function f = make(cube);
    assert_int_equal(check(rows, &f), LAM_OK);
    assert_string_equal(rows[0].name, "x");
    assert_int_equal(rows[0].count, SIZE);
    assert_int_equal(rows[0].checked, 61);
    assert_int_equal(rows[1].checked, 3);
    assert_int_equal(rows[0].kinks + rows[1].kinks, 0);
    assert_true(rows[1].largest == 25);
    assert_true(rows[0].error < 1e-9 && rows[0].error_eecs498 < 1e-9);
}

static void wrong_gradients_fail(void **state)
{
    (void)state;
    lam_check_row rows[2];
    for (int fault = 0; fault < 5; fault++) {
        function f = make(cube);
        if (fault == 0)
            f.dy[1] *= 1 + 1e-6;
        else if (fault == 1)
            f.dy[2] = NAN;
        else if (fault == 2)
            memset(f.dy, 0, sizeof f.dy);
        else
            for (size_t i = 0; i < SIZE; i++)
                f.dx[i] *= fault == 3 ? 1.001 : 0;
        if (fault == 4) /* all zero: nothing to compare with but the numeric ones */
            memset(f.dy, 0, sizeof f.dy);
        assert_int_equal(check(rows, &f), LAM_ECHECK);
        assert_non_null(strstr(lam_last_error(), fault < 3 ? "gradient of y" : "gradient of "));
        assert_false(rows[fault < 3].error < 1e-7);
        assert_int_equal(rows[0].kinks + rows[1].kinks, 0);
    }
}

/* One that is off anywhere in a large tensor shows in the random direction. */
static void a_wrong_element_that_is_not_chosen_shows_in_the_direction(void **state)
{
    (void)state;
    lam_check_row rows[2];
    for (size_t i = 0; i < SIZE; i++) {
        function f = make(cube);
        f.dx[i] += 0.01;
        assert_int_equal(check(rows, &f), LAM_ECHECK);
    }
}

static void kinks_are_counted_and_left_out(void **state)
{
    (void)state;
    static const double places[] = { 0.5, 0.5 + 1e-12, 0.5 - 1e-7, 0.5 + 2.5e-5 };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        lam_check_row row;
        function f = make(hinge);
        memset(f.dx, 0, sizeof f.dx);
        f.x[2] = places[i];
        f.dx[0] = f.dx[1] = 1;
        f.dx[2] = places[i] > 0.5 ? 3 : 1;
        f.dx[3] = 1;
        const lami_check_tensor tensor = { "x", f.x, f.dx, 4 };
        assert_int_equal(lami_gradcheck(&row, &tensor, 1, sum_of_terms, &f, 1), LAM_OK);
        assert_int_equal(row.checked, 4);
        assert_int_equal(row.kinks, i < 3); /* the last is far enough for the smallest step */
    }
}

static void a_kink_nearby_is_got_round_and_no_excuse(void **state)
{
    (void)state;
    lam_check_row rows[2];
    function f = make(hinge);
    f.x[0] = 0.5 + 1.9e-3;
    f.x[1] = 0.5 - 3e-4;
    f.dx[0] = 3;
    f.dx[1] = 1;
    const lami_check_tensor tensor = { "x", f.x, f.dx, 10 };
    assert_int_equal(lami_gradcheck(rows, &tensor, 1, sum_of_terms, &f, 1), LAM_OK);
    assert_int_equal(rows[0].kinks, 0);
    f.dx[1] = 3;
    assert_int_equal(lami_gradcheck(rows, &tensor, 1, sum_of_terms, &f, 1), LAM_ECHECK);
}

static lam_status no_loss(double *loss, void *arg)
{
    (void)loss, (void)arg;
    return lami_fail(LAM_EDIVERGED, "no loss");
}

static void errors_of_the_loss_are_passed_on(void **state)
{
    (void)state;
    lam_check_row row;
    function f = make(cube);
    const lami_check_tensor tensor = { "x", f.x, f.dx, SIZE };
    assert_int_equal(lami_gradcheck(&row, &tensor, 1, no_loss, NULL, 1), LAM_EDIVERGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_and_loss_passes),
        cmocka_unit_test(layers_combined_pass),
        cmocka_unit_test(bad_notations_and_shapes_are_errors),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(right_gradients_pass),
        cmocka_unit_test(wrong_gradients_fail),
        cmocka_unit_test(a_wrong_element_that_is_not_chosen_shows_in_the_direction),
        cmocka_unit_test(kinks_are_counted_and_left_out),
        cmocka_unit_test(a_kink_nearby_is_got_round_and_no_excuse),
        cmocka_unit_test(errors_of_the_loss_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
