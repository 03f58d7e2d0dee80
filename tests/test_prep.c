/* prep: preprocessing fitted on the training part, and applied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/prep.h"

enum { N = 50, C = 3, H = 4, W = 5, COUNT = C * H * W };

static uint8_t bytes[N * COUNT];
static float reals[N * COUNT];
static uint8_t label[N];

/* Images of bytes or floats; element 7 never changes. */
static lam_data *make(lam_dtype dtype)
{
    uint32_t r = 5;
    for (int i = 0; i < N * COUNT; i++) {
        r = r * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(i % COUNT == 7 ? 200 : (r >> 24) / (1u + (unsigned)(i % COUNT) / 20));
        reals[i] = (float)bytes[i] / 16;
    }
    lam_data *data;
    const lam_tensor x = { dtype, { 4, { N, C, H, W } }, dtype == LAM_U8 ? (void *)bytes : (void *)reals };
    const lam_tensor y = { LAM_U8, { 1, { N } }, label };
    assert_int_equal(lam_data_from_arrays(&data, &x, &y, 1, 1), LAM_OK);
    return data;
}

/* All samples through `text`, in double, back in C x H x W order. */
static void run(double out[N * COUNT], const char *text, const lam_data *data)
{
    static double hwc[N * COUNT];
    lami_prep prep;
    const void *x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = lami_data_sample(data, LAM_TRAIN, i);
    assert_int_equal(lami_prep_fit(&prep, text, data), LAM_OK);
    lami_prep_apply(hwc, LAM_F64, x, N, data->dtype, &data->shape, &prep);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                out[i * COUNT + c * H * W + p] = hwc[i * COUNT + p * C + c];
    lami_prep_free(&prep);
}

static double mean_of(const double *x, int j)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += x[i * COUNT + j];
    return sum / N;
}

static double std_of(const double *x, int j)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += (x[i * COUNT + j] - mean_of(x, j)) * (x[i * COUNT + j] - mean_of(x, j));
    return sqrt(sum / N);
}

static void bytes_are_divided_by_255_and_reals_left_alone(void **state)
{
    (void)state;
    static double out[N * COUNT];
    lam_data *data = make(LAM_U8);
    run(out, NULL, data);
    for (int i = 0; i < N * COUNT; i++)
        assert_true(out[i] == bytes[i] * (1.0 / 255));
    lam_data_free(data);
    data = make(LAM_F32);
    run(out, NULL, data);
    for (int i = 0; i < N * COUNT; i++)
        assert_true(out[i] == (double)reals[i]);
    lami_prep prep;
    assert_int_equal(lami_prep_fit(&prep, NULL, data), LAM_OK);
    assert_int_equal(prep.count, 0);
    assert_string_equal(prep.text, "none");
    lami_prep_free(&prep);
    lam_data_free(data);
}

static void mean_image_leaves_means_of_zero(void **state)
{
    (void)state;
    static double out[N * COUNT];
    const lam_dtype dtypes[] = { LAM_U8, LAM_F32 };
    for (int k = 0; k < 2; k++) {
        lam_data *data = make(dtypes[k]);
        run(out, "mean-image", data);
        for (int j = 0; j < COUNT; j++)
            assert_true(fabs(mean_of(out, j)) < 1e-12);
        for (int i = 0; i < N; i++)
            assert_true(out[i * COUNT + 7] == 0);
        lam_data_free(data);
    }
}

static void mean_channel_takes_one_number_per_channel(void **state)
{
    (void)state;
    static double out[N * COUNT];
    lam_data *data = make(LAM_U8);
    run(out, "mean-channel", data);
    for (int c = 0; c < C; c++) {
        double sum = 0;
        const double off = bytes[c * H * W] - out[c * H * W];
        for (int i = 0; i < N; i++) {
            for (int j = c * H * W; j < (c + 1) * H * W; j++) {
                sum += out[i * COUNT + j];
                assert_true(fabs(bytes[i * COUNT + j] - out[i * COUNT + j] - off) < 1e-12);
            }
        }
        assert_true(fabs(sum) < 1e-9);
    }
    lam_data_free(data);
}

static void standardize_leaves_mean_zero_and_deviation_one(void **state)
{
    (void)state;
    static double out[N * COUNT];
    const lam_dtype dtypes[] = { LAM_U8, LAM_F32 };
    for (int k = 0; k < 2; k++) {
        lam_data *data = make(dtypes[k]);
        run(out, "standardize", data);
        for (int j = 0; j < COUNT; j++) {
            assert_true(fabs(mean_of(out, j)) < 1e-12);
            assert_true(fabs(std_of(out, j) - (j != 7)) < 1e-12);
        }
        lam_data_free(data);
    }
}

/* Deviation of a channel over all its pixels. */
static double channel_std(const double *x, int c, double *mean)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < N * COUNT; i++)
        sum += i % COUNT / (H * W) == c ? x[i] : 0;
    *mean = sum / (N * H * W);
    for (int i = 0; i < N * COUNT; i++)
        squares += i % COUNT / (H * W) == c ? (x[i] - *mean) * (x[i] - *mean) : 0;
    return sqrt(squares / (N * H * W));
}

static void standardize_channel_takes_two_numbers_per_channel(void **state)
{
    (void)state;
    static double out[N * COUNT];
    static const char *const lists[] = { "standardize-channel", "scale=-1/7,standardize-channel",
                                         "mean-image,standardize-channel", "standardize,standardize-channel" };
    for (size_t k = 0; k < 8; k++) {
        lam_data *data = make(k % 2 ? LAM_U8 : LAM_F32);
        run(out, lists[k / 2], data);
        for (int c = 0; c < C; c++) {
            double mean, was;
            assert_true(fabs(channel_std(out, c, &mean) - 1) < 1e-12);
            assert_true(fabs(mean) < 1e-12);
            for (int i = 0; k < 4 && i < N * H * W; i++) { /* (x - mean) / deviation, and its sign */
                static double x[N * COUNT];
                for (int e = 0; !i && e < N * COUNT; e++)
                    x[e] = k % 2 ? (double)bytes[e] : (double)reals[e];
                const int at = i / (H * W) * COUNT + c * H * W + i % (H * W);
                const double deviation = channel_std(x, c, &was), expected = (x[at] - was) / deviation;
                assert_true(fabs(out[at] - (k < 2 ? expected : -expected)) < 1e-12);
            }
        }
        lam_data_free(data);
    }
}

static void a_channel_that_never_changes_is_only_moved(void **state)
{
    (void)state;
    static uint8_t x[2 * 2 * 4] = { 9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8 }, y[2];
    lam_data *data = NULL;
    lami_prep prep;
    assert_int_equal(lam_data_from_arrays(&data, &(lam_tensor) { LAM_U8, { 4, { 2, 2, 2, 2 } }, x },
                                          &(lam_tensor) { LAM_U8, { 1, { 2 } }, y }, 1, 0),
                     LAM_OK);
    assert_int_equal(lami_prep_fit(&prep, "standardize-channel", data), LAM_OK);
    assert_true(prep.shift[0] == 9 && prep.scale[0] == 1 && prep.shift[4] == 4.5);
    assert_true(fabs(prep.scale[4] - 1 / sqrt(5.25)) < 1e-15);
    lami_prep_free(&prep);
    lam_data_free(data);
}

static void a_row_is_standardized_element_by_element(void **state)
{
    (void)state;
    static float x[] = { 1, 5, 2, 9, 6, 7 };
    static uint8_t y[3];
    lam_data *data = NULL;
    lami_prep a, b;
    assert_int_equal(lam_data_from_arrays(&data, &(lam_tensor) { LAM_F32, { 2, { 3, 2 } }, x },
                                          &(lam_tensor) { LAM_U8, { 1, { 3 } }, y }, 1, 0),
                     LAM_OK);
    assert_int_equal(lami_prep_fit(&a, "standardize", data), LAM_OK);
    assert_int_equal(lami_prep_fit(&b, "standardize-channel", data), LAM_OK);
    for (int j = 0; j < 2; j++) {
        assert_true(fabs(a.shift[j] - b.shift[j]) < 1e-14);
        assert_true(fabs(a.scale[j] - b.scale[j]) < 1e-14);
    }
    lami_prep_free(&a);
    lami_prep_free(&b);
    lam_data_free(data);
}

static void steps_follow_one_another(void **state)
{
    (void)state;
    static double a[N * COUNT], b[N * COUNT];
    lam_data *data = make(LAM_U8);
    run(a, "scale=1/255, mean-image", data);
    run(b, "mean-image,scale=1/255", data);
    for (int i = 0; i < N * COUNT; i++)
        assert_true(fabs(a[i] - b[i]) < 1e-14);
    run(a, "standardize,mean-channel", data); /* element 7 has its own scale */
    for (int j = 0; j < COUNT; j++)
        assert_true(fabs(mean_of(a, j)) < 1e-12);
    run(a, "scale=2,mean-channel,standardize,scale=0.5", data);
    for (int j = 0; j < COUNT; j++)
        assert_true(fabs(std_of(a, j) - (j == 7 ? 0 : 0.5)) < 1e-12);
    run(a, "scale=-3", data);
    assert_true(a[1] == -3.0 * bytes[1]);
    lami_prep prep;
    assert_int_equal(lami_prep_fit(&prep, " mean-image , scale=1/128", data), LAM_OK);
    assert_string_equal(prep.text, "mean-image,scale=1/128");
    lami_prep_free(&prep);
    lam_data_free(data);
}

static void only_the_training_part_counts(void **state)
{
    (void)state;
    lam_data *data = make(LAM_U8);
    assert_int_equal(lami_data_split(data, LAM_VAL, "last:10", 0), LAM_OK);
    lami_prep prep;
    assert_int_equal(lami_prep_fit(&prep, "mean-image", data), LAM_OK);
    uint64_t sum = 0;
    for (int i = 0; i < N - 10; i++)
        sum += bytes[i * COUNT];
    assert_true(fabs(prep.shift[0] - (double)sum / (N - 10)) < 1e-12);
    lami_prep_free(&prep);
    lam_data_free(data);
}

static void runs_of_65536_samples_add_up(void **state)
{
    (void)state;
    enum { MANY = 70000 };
    uint8_t *x = malloc(2 * MANY), *y = calloc(MANY, 1);
    assert_non_null(x);
    assert_non_null(y);
    for (int i = 0; i < MANY; i++) {
        x[2 * i] = 255;
        x[2 * i + 1] = i < MANY / 2 ? 255 : 253;
    }
    lam_data *data;
    const lam_tensor tx = { LAM_U8, { 2, { MANY, 2 } }, x }, ty = { LAM_U8, { 1, { MANY } }, y };
    assert_int_equal(lam_data_from_arrays(&data, &tx, &ty, 1, 1), LAM_OK);
    lami_prep prep;
    assert_int_equal(lami_prep_fit(&prep, "standardize", data), LAM_OK);
    assert_true(prep.shift[0] == 255 && prep.scale[0] == 1);
    assert_true(prep.shift[1] == 254 && prep.scale[1] == 1);
    lami_prep_free(&prep);
    lam_data_free(data);
    free(x);
    free(y);
}

/* Every stored type to both, in the network's type: (x - shift) * scale, channels last. */
static void all_types_are_applied_alike(void **state)
{
    (void)state;
    static double wide[N * COUNT];
    static float out32[N * COUNT];
    static double out64[N * COUNT];
    lam_data *data = make(LAM_U8);
    lami_prep prep;
    assert_int_equal(lami_prep_fit(&prep, "standardize", data), LAM_OK);
    for (int i = 0; i < N * COUNT; i++) {
        reals[i] = bytes[i];
        wide[i] = bytes[i];
    }
    for (int k = 0; k < 3; k++) {
        const lam_dtype dtype = k == 0 ? LAM_U8 : k == 1 ? LAM_F32 : LAM_F64;
        const void *x[N];
        for (int i = 0; i < N; i++)
            x[i] = k == 0   ? (const void *)(bytes + i * COUNT)
                   : k == 1 ? (const void *)(reals + i * COUNT)
                            : (const void *)(wide + i * COUNT);
        lami_prep_apply(out32, LAM_F32, x, N, dtype, &data->shape, &prep);
        lami_prep_apply(out64, LAM_F64, x, N, dtype, &data->shape, &prep);
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < COUNT; j++) {
                const int to = i * COUNT + j % (H * W) * C + j / (H * W);
                assert_true(out64[to] == (wide[i * COUNT + j] - prep.shift[j]) * prep.scale[j]);
                const float difference = reals[i * COUNT + j] - (float)prep.shift[j];
                assert_true(out32[to] == difference * (float)prep.scale[j]);
            }
        }
    }
    lami_prep_free(&prep);
    lam_data_free(data);
}

static void rows_longer_than_a_block_are_copied_without_steps(void **state)
{
    (void)state;
    enum { D = 1500 };
    static float x[D], out[D];
    const void *const samples[] = { x };
    const lam_shape shape = lami_shape1(D);
    const lami_prep none = { 0 };
    for (int i = 0; i < D; i++)
        x[i] = i % 3 ? (float)i * 0.1f : -0.0f;
    lami_prep_apply(out, LAM_F32, samples, 1, LAM_F32, &shape, &none);
    assert_memory_equal(x, out, sizeof x);
    memset(out, 0, sizeof out);
    lami_prep_apply(out, LAM_F32, samples, 1, LAM_F32, &shape, NULL);
    assert_memory_equal(x, out, sizeof x);
}

static void bad_lists_are_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ",",
        "mean-image,",
        "none,mean-image",
        "mean-image,none",
        "mean-img",
        "scale",
        "scale=",
        "scale=0",
        "scale=x",
        "scale=1/0",
        "scale=1/",
        "scale=/2",
        "scale=1e31",
        "scale=1/2/3",
        "scale=1e30,scale=10",
        "mean-image=3",
        "scale=nan",
        "a-very-long-name-of-a-step-that-does-not-exist-and-would-not-fit-into-a-buffer"
    };
    lam_data *data = make(LAM_U8);
    lami_prep prep;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lami_prep_fit(&prep, bad[i], data), LAM_EOPTION);
        assert_non_null(strstr(lam_last_error(), "preprocess"));
        assert_true(!prep.count && !prep.shift && !prep.scale && !prep.text);
    }
    assert_int_equal(lami_prep_fit(&prep, "standardise", data), LAM_EOPTION);
    assert_non_null(strstr(lam_last_error(), "did you mean \"standardize\"?"));
    lam_data_free(data);
    data = make(LAM_F32);
    reals[3 * COUNT + 2] = NAN;
    assert_int_equal(lami_prep_fit(&prep, "mean-image", data), LAM_EFORMAT);
    assert_non_null(strstr(lam_last_error(), "element 2"));
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_data *data = make(LAM_U8);
    int failures = 0;
    for (long n = 1;; n++) {
        lami_prep prep;
        lami_alloc_fail_at(n);
        const lam_status status = lami_prep_fit(&prep, "standardize,mean-channel", data);
        lami_alloc_fail_at(0);
        if (!status) {
            lami_prep_free(&prep);
            break;
        }
        assert_int_equal(status, LAM_ENOMEM);
        failures++;
    }
    assert_int_equal(failures, 8);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_divided_by_255_and_reals_left_alone),
        cmocka_unit_test(mean_image_leaves_means_of_zero),
        cmocka_unit_test(mean_channel_takes_one_number_per_channel),
        cmocka_unit_test(standardize_leaves_mean_zero_and_deviation_one),
        cmocka_unit_test(standardize_channel_takes_two_numbers_per_channel),
        cmocka_unit_test(a_channel_that_never_changes_is_only_moved),
        cmocka_unit_test(a_row_is_standardized_element_by_element),
        cmocka_unit_test(steps_follow_one_another),
        cmocka_unit_test(only_the_training_part_counts),
        cmocka_unit_test(runs_of_65536_samples_add_up),
        cmocka_unit_test(all_types_are_applied_alike),
        cmocka_unit_test(rows_longer_than_a_block_are_copied_without_steps),
        cmocka_unit_test(bad_lists_are_errors),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
