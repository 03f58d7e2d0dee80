/* lamina bench --json against what docs/cli.md says that it holds, and its arithmetic against the layers' own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

/* The object that a command line prints. */
static json_t *output_of(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s bench %s --json", LAMINA_PROGRAM, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    json_error_t error;
    json_t *object = json_loadf(pipe, JSON_REJECT_DUPLICATES, &error);
    assert_int_equal(pclose(pipe), 0);
    if (!object)
        fail_msg("%s: %s", arguments, error.text);
    return object;
}

#define EXPECT(object, format, ...)                                        \
    do {                                                                   \
        json_error_t e_;                                                   \
        if (json_unpack_ex(object, &e_, JSON_STRICT, format, __VA_ARGS__)) \
            fail_msg("%s: %s", #object, e_.text);                          \
    } while (0)

static int is_among(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(word, *words))
            return 1;
    return 0;
}

/* Texts, at least `least` of them; words: of these, NULL: any. */
static void expect_texts(json_t *list, size_t least, const char *const *words)
{
    size_t i;
    json_t *text;
    assert_true(json_is_array(list));
    assert_true(json_array_size(list) >= least);
    json_array_foreach(list, i, text)
    {
        assert_true(json_is_string(text) && *json_string_value(text));
        assert_true(!words || is_among(json_string_value(text), words));
    }
}

/* Returns its arithmetic. */
static double expect_group(json_t *group, int training)
{
    static const char *const passes[] = { "forward", "data", "parameters", "update", NULL };
    json_t *pass, *layers, *operations;
    double ms, flops, bytes, gflops, peak_share, gbytes, memory_share;
    EXPECT(group, "{s:o, s:o, s:o, s:F, s:F, s:F, s:F, s:F, s:F, s:F}", "passes", &pass, "layers", &layers,
           "operations", &operations, "ms", &ms, "flops", &flops, "bytes", &bytes, "gflops", &gflops, "peak_share",
           &peak_share, "gbytes", &gbytes, "memory_share", &memory_share);
    expect_texts(pass, 1, training ? passes : (const char *const[]) { "forward", "once", NULL });
    expect_texts(layers, 0, NULL);
    expect_texts(operations, 1, NULL);
    assert_true(ms > 0 && flops >= 0 && bytes > 0 && peak_share >= 0 && memory_share > 0);
    assert_true(gflops * ms >= 0.999e-6 * flops && gflops * ms <= 1.001e-6 * flops);
    assert_true(gbytes * ms >= 0.999e-6 * bytes && gbytes * ms <= 1.001e-6 * bytes);
    return flops;
}

/* Returns the arithmetic of all groups. */
static double expect_bench(const char *arguments, const char *mode, int batch, int steps)
{
    const char *mode_is, *isa;
    int batch_is, steps_is, threads;
    double ms, best, forward, load, gflops, peak, share, flops = 0;
    json_t *groups, *group, *object = output_of(arguments);
    size_t i;
    EXPECT(object, "{s:s, s:F, s:F, s:F, s:F, s:F, s:F, s:F, s:i, s:i, s:s, s:i, s:o}", "mode", &mode_is, "step_ms",
           &ms, "step_ms_best", &best, "forward_ms", &forward, "load_ms", &load, "gflops", &gflops, "peak_gflops",
           &peak, "peak_share", &share, "steps", &steps_is, "batch", &batch_is, "isa", &isa, "threads", &threads,
           "groups", &groups);
    assert_string_equal(mode_is, mode);
    assert_int_equal(batch_is, batch);
    assert_int_equal(steps_is, steps);
    assert_true(0 < best && best <= ms && forward > 0 && load > 0 && gflops > 0 && peak > 0 && threads == 1);
    assert_true(share >= 0.999 * gflops / peak && share <= 1.001 * gflops / peak);
    assert_true(json_is_array(groups));
    json_array_foreach(groups, i, group) flops += expect_group(group, !strcmp(mode, "train"));
    if (flops > 0)
        assert_true(gflops * ms >= 0.999e-6 * flops && gflops * ms <= 1.001e-6 * flops);
    json_decref(object);
    return flops;
}

static void a_training_step_is_reported_as_documented(void **state)
{
    (void)state;
    /* forward; backward without the gradient of the input: 2 x 20 x 9, and all of 2 x 9 x 5 */
    const double flops =
        expect_bench("'affine 9 - batchnorm - relu - dropout 0.5 - affine 5 - softmax' --input 20 -b 10 "
                     "--steps 3 --threads 1",
                     "train", 10, 3);
    assert_true(flops == 10 * (2 * (2 * 20 * 9) + 3 * (2 * 9 * 5)));
}

static void inference_is_reported_as_documented(void **state)
{
    (void)state;
    const double flops =
        expect_bench("'affine 9 - relu - affine 5 - softmax' --input 20 -b 4 --steps 7 --threads 1 --predict",
                     "predict", 4, 7);
    assert_true(flops == 4 * (2 * 20 * 9 + 2 * 9 * 5));
}

/* 16 channels and filters of 3x3: transformed, but told as a direct sum. With a stride, what a data gradient multiplies
 * are the pixels that are there. */
static void a_convolution_counts_as_a_direct_sum(void **state)
{
    (void)state;
    const char *const net =
        "'conv 16 1x1 - conv 16 3x3 - conv 32 3x3 stride 2 - affine 10 - softmax' --input 3x32x32 -b 4";
    char arguments[512];
    const double first = 2. * 32 * 32 * 3 * 16, second = 2. * 32 * 32 * 9 * 16 * 16, third = 2. * 16 * 16 * 9 * 16 * 32,
                 affine = 2. * 32 * 16 * 16 * 10;
    for (int direct = 0; direct < 2; direct++) {
        const char *conv = direct ? "--conv direct" : "";
        snprintf(arguments, sizeof arguments, "%s --steps 1 --threads 1 %s", net, conv);
        assert_true(expect_bench(arguments, "train", 4, 1) == 4 * (2 * first + 3 * (second + third + affine)));
        snprintf(arguments, sizeof arguments, "%s --steps 1 --threads 1 --predict %s", net, conv);
        assert_true(expect_bench(arguments, "predict", 4, 1) == 4 * (first + second + third + affine));
    }
}

/* Names of a group's passes, or operations, as one would read them: "forward". */
static const char *only_name(json_t *group, const char *of)
{
    json_t *names = json_object_get(group, of);
    assert_int_equal(json_array_size(names), 1);
    return json_string_value(json_array_get(names, 0));
}

static void what_inference_makes_once_is_of_no_pass(void **state)
{
    (void)state;
    json_t *group, *object = output_of("'affine 9 - softmax' --input 20 -b 4 --steps 1 --threads 1 --predict");
    size_t i, once = 0;
    json_array_foreach(json_object_get(object, "groups"), i, group)
    {
        const int made_once = !strcmp(only_name(group, "passes"), "once");
        if (made_once)
            assert_string_equal(only_name(group, "operations"), "gemm_weights");
        else
            assert_string_equal(only_name(group, "passes"), "forward");
        once += (size_t)made_once;
    }
    assert_int_equal(once, 1);
    json_decref(object);
}

static void quiet_leaves_the_groups_out(void **state)
{
    (void)state;
    assert_true(expect_bench("'affine 9 - softmax' --input 20 -b 4 --steps 1 --threads 1 -q", "train", 4, 1) == 0);
}

static void the_machine_is_reported_as_documented(void **state)
{
    (void)state;
    const char *isa, *dtype;
    int threads, of, bytes;
    double gflops, read, write, copy, run, barrier;
    size_t i;
    json_t *peak, *memory, *row, *object = output_of("--machine --threads 2");
    EXPECT(object, "{s:s, s:i, s:o, s:o, s:F, s:F}", "isa", &isa, "threads", &threads, "peak", &peak, "memory", &memory,
           "run_us", &run, "barrier_us", &barrier);
    assert_int_equal(threads, 2);
    assert_true(run >= 0 && barrier >= 0);
    assert_int_equal(json_array_size(peak), 4);
    json_array_foreach(peak, i, row)
    {
        EXPECT(row, "{s:s, s:i, s:F}", "dtype", &dtype, "threads", &of, "gflops", &gflops);
        assert_string_equal(dtype, i % 2 ? "f64" : "f32");
        assert_int_equal(of, i / 2 + 1);
        assert_true(gflops > 0);
    }
    assert_true(json_array_size(memory) >= 10 && json_array_size(memory) % 2 == 0);
    json_array_foreach(memory, i, row)
    {
        EXPECT(row, "{s:i, s:i, s:F, s:F, s:F}", "threads", &of, "bytes_per_thread", &bytes, "read", &read, "write",
               &write, "copy", &copy);
        assert_int_equal(of, i < json_array_size(memory) / 2 ? 1 : 2);
        assert_true(bytes >= 16384 && read > 0 && write > 0 && copy > 0);
    }
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_step_is_reported_as_documented),
        cmocka_unit_test(inference_is_reported_as_documented),
        cmocka_unit_test(a_convolution_counts_as_a_direct_sum),
        cmocka_unit_test(what_inference_makes_once_is_of_no_pass),
        cmocka_unit_test(quiet_leaves_the_groups_out),
        cmocka_unit_test(the_machine_is_reported_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
