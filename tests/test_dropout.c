/* dropout: the mask of forward and backward, how much is kept, test mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

static const lam_dropout_param param = { LAM_MODE_TRAIN, 0.3, 42, 5 };

static void forward_and_backward_have_the_same_mask_and_scale(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const lam_tensor x = make_normal(type, 33, 47, 1), dout = make_normal(type, 33, 47, 2);
        lam_tensor out = make_rows(type, 33, 47), dx = make_rows(type, 33, 47);
        lam_cache *cache = NULL;
        assert_ok(lam_dropout_forward(&cache, &out, &x, &param));
        assert_ok(lam_dropout_backward(&dx, &dout, cache));
        for (size_t i = 0; i < count_of(&x); i++) {
            const double scale = at(&out, i) == 0 ? 0 : 1 / 0.7;
            assert_near(at(&out, i), at(&x, i) * scale, 8 * unit_of(type));
            assert_near(at(&dx, i), at(&dout, i) * scale, 8 * unit_of(type));
        }
        lam_cache_free(cache);
    }
}

/* Kept are 1 - p of the elements, within four deviations, and the mean stays. */
static void the_share_of_elements_kept_is_one_minus_p(void **state)
{
    (void)state;
    static const double ps[] = { 0.01, 0.25, 0.4, 0.7, 0.999 };
    EACH_TYPE(type)
    for (size_t k = 0; k < sizeof ps / sizeof *ps; k++) {
        const size_t n = 500 * 501;
        const lam_tensor x = make_rows(type, 500, 501);
        lam_tensor out = make_rows(type, 500, 501);
        fill_all(&x, 10);
        const lam_dropout_param p = { LAM_MODE_TRAIN, ps[k], 7, 0 };
        assert_ok(lam_dropout_forward(NULL, &out, &x, &p));
        double kept = 0, sum = 0;
        for (size_t i = 0; i < n; i++) {
            kept += at(&out, i) != 0;
            sum += at(&out, i);
        }
        const double deviation = sqrt(ps[k] * (1 - ps[k]) / (double)n);
        assert_near(kept / (double)n, 1 - ps[k], 4 * deviation);
        assert_near(sum / (double)n, 10, 40 * deviation / (1 - ps[k]));
    }
}

static lam_tensor dropped(const lam_tensor *x, lam_dropout_param p)
{
    lam_tensor out = make_tensor(x->dtype, x->shape);
    assert_ok(lam_dropout_forward(NULL, &out, x, &p));
    return out;
}

static size_t differences(const lam_tensor *a, const lam_tensor *b)
{
    size_t count = 0;
    for (size_t i = 0; i < count_of(a); i++)
        count += (at(a, i) == 0) != (at(b, i) == 0);
    return count;
}

static void the_mask_depends_on_seed_and_step_alone(void **state)
{
    (void)state;
    const lam_tensor x = make_rows(LAM_F32, 20, 50), x64 = make_rows(LAM_F64, 20, 50);
    fill_all(&x, 1);
    fill_all(&x64, 1);
    const lam_tensor a = dropped(&x, param), again = dropped(&x, param);
    assert_same_bits(&a, &again);
    lam_dropout_param other = param;
    other.step++;
    const lam_tensor next = dropped(&x, other);
    other = param;
    other.seed++;
    const lam_tensor reseeded = dropped(&x, other), in_double = dropped(&x64, param);
    assert_int_equal(differences(&a, &in_double), 0);
    assert_true(differences(&a, &next) > 300 && differences(&a, &next) < 550); /* 2 p (1 - p) of 1000: 420 */
    assert_true(differences(&a, &reseeded) > 300 && differences(&a, &reseeded) < 550);
}

static void a_sample_keeps_its_mask_in_a_smaller_batch(void **state)
{
    (void)state;
    const lam_tensor x = make_rows(LAM_F64, 21, 13);
    fill_all(&x, 1);
    lam_tensor few = x;
    few.shape.dim[0] = 4;
    const lam_tensor all = dropped(&x, param), some = dropped(&few, param);
    assert_memory_equal(all.data, some.data, count_of(&few) * sizeof(double));
}

static void assert_copies(lam_dtype type, lam_dropout_param p)
{
    const lam_tensor x = make_normal(type, 9, 31, 1), dout = make_normal(type, 9, 31, 2);
    lam_tensor out = make_rows(type, 9, 31), dx = make_rows(type, 9, 31);
    lam_cache *cache = NULL;
    assert_ok(lam_dropout_forward(&cache, &out, &x, &p));
    assert_ok(lam_dropout_backward(&dx, &dout, cache));
    assert_same_bits(&out, &x);
    assert_same_bits(&dx, &dout);
    lam_cache_free(cache);
}

static void test_mode_and_p_zero_copy(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        assert_copies(type, (lam_dropout_param) { LAM_MODE_TEST, 0.6, 1, 2 });
        assert_copies(type, (lam_dropout_param) { LAM_MODE_TRAIN, 0, 1, 2 });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forward_and_backward_have_the_same_mask_and_scale),
        TEST(the_share_of_elements_kept_is_one_minus_p),
        TEST(the_mask_depends_on_seed_and_step_alone),
        TEST(a_sample_keeps_its_mask_in_a_smaller_batch),
        TEST(test_mode_and_p_zero_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
