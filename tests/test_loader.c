/* loader: what the batches of a training hold, with its thread and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/core/digest.h"
#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/data/augment.h"
#include "../src/train/loader.h"
#include "toy.h"

enum { N = 23, C = 3, H = 5, W = 4, SIZE = C * H * W, CLASSES = 4, BATCH = 5, BATCHES = 40 };

static lam_data *images(void)
{
    static uint8_t x[N * SIZE], y[N];
    lam_data *data = NULL;
    const lami_rng rng = lami_rng_make(8, LAMI_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N * SIZE; i++)
        x[i] = (uint8_t)lami_rng_below(&rng, i, 256);
    for (size_t i = 0; i < N; i++)
        y[i] = (uint8_t)(i % CLASSES);
    assert_ok(lam_data_from_arrays(&data, &(lam_tensor) { LAM_U8, { 4, { N, C, H, W } }, x },
                                   &(lam_tensor) { LAM_U8, { 1, { N } }, y }, CLASSES, 0));
    return data;
}

static const double class_weight[CLASSES] = { 1, 2, 0.5, 3 };

typedef struct {
    const char *options;
    size_t each; /* accumulate */
    int replaces;
} setting;

static const setting settings[] = {
    { "seed=3", 1, 0 },
    { "seed=3 augment=flip,crop=2,cutout=2", 1, 0 },
    { "seed=4 augment=flip=alternate,translate=1,mixup=0.5", 1, 0 },
    { "seed=3 augment=mixup=0.2", 1, 0 },
    { "seed=3 augment=flip,brightness=0.5 accumulate=2", 2, 0 },
    { "seed=3 augment=flip,crop=1 sample=replace", 1, 1 },
    { "seed=3 augment=flip,crop=1,mixup=1 sample=replace accumulate=3", 3, 1 },
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static size_t per_epoch(const setting *t)
{
    return N / BATCH / t->each;
}

static lami_loader *open_loader(const setting *t, const lam_data *data)
{
    lami_loader *loader = NULL;
    lam_options *options = toy_options(t->options);
    assert_ok(lami_loader_new(&loader, data, options, BATCH, per_epoch(t), class_weight));
    lam_options_free(options);
    return loader;
}

static lami_batch next(lami_loader *loader, const setting *t, size_t number)
{
    return lami_loader_next(loader, number / t->each, number % t->each);
}

/* ---- what is in a batch ---- */

static void assert_batch(const lami_batch *b, const setting *t, const lam_data *data, size_t number)
{
    uint32_t order[N], chosen[BATCH];
    lami_augment augment;
    int changes;
    lam_options *options = toy_options(t->options);
    const uint32_t epoch = (uint32_t)(number / t->each / per_epoch(t));
    const lami_rng rng = lami_rng_make(options->seed, LAMI_RNG_ORDER, 0, t->replaces ? (uint32_t)number : epoch);
    const lami_rng mix = lami_rng_make(options->seed, LAMI_RNG_AUGMENT, 1, (uint32_t)number);
    lami_rng_order(order, N, &rng);
    for (size_t i = 0; i < BATCH; i++)
        chosen[i] = t->replaces ? lami_rng_below(&rng, i, N) : order[number % (per_epoch(t) * t->each) * BATCH + i];
    assert_ok(lami_augment_new(&augment, &changes, options->augment, data));
    assert_true(b->n == BATCH && b->type == LAM_U8 && !b->target);
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t expected[SIZE];
        const void *x = lami_data_sample(data, LAM_TRAIN, chosen[i]);
        lami_augment_apply(&augment, expected, x, options->seed, epoch, chosen[i]);
        assert_memory_equal(b->x[i], changes ? expected : x, SIZE);
        assert_int_equal(b->label[i], chosen[i] % CLASSES);
        assert_true(b->weight[i] == class_weight[chosen[i] % CLASSES]);
    }
    assert_true(b->mix == (augment.mixup > 0 ? lami_rng_beta(&mix, 0, augment.mixup) : 0));
    lami_augment_free(&augment);
    lam_options_free(options);
}

static void a_batch_is_a_function_of_data_options_and_number(void **state)
{
    (void)state;
    lam_data *data = images();
    for (size_t k = 0; k < SETTINGS; k++) {
        const setting *t = &settings[k];
        lami_loader *loader = open_loader(t, data);
        for (size_t number = 0; number < BATCHES; number++) {
            const lami_batch b = next(loader, t, number);
            if (number % 7 == 3) /* the thread is sometimes ahead, and sometimes not */
                usleep(500);
            assert_batch(&b, t, data, number);
        }
        lami_loader_free(loader);
    }
    lam_data_free(data);
}

static void a_training_that_is_resumed_anywhere_sees_the_same_batches(void **state)
{
    (void)state;
    lam_data *data = images();
    for (size_t k = 0; k < SETTINGS; k++) {
        const setting *t = &settings[k];
        for (size_t first = 0; first < BATCHES; first += 2 * t->each + t->each) {
            lami_loader *loader = open_loader(t, data);
            for (size_t number = first; number < first + 3; number++) {
                const lami_batch b = next(loader, t, number);
                assert_batch(&b, t, data, number);
            }
            lami_loader_free(loader);
        }
    }
    lam_data_free(data);
}

static void an_epoch_has_each_sample_at_most_once(void **state)
{
    (void)state;
    lam_data *data = images();
    lami_loader *loader = open_loader(&settings[0], data);
    for (size_t epoch = 0; epoch < 3; epoch++) {
        size_t seen[N] = { 0 };
        for (size_t i = 0; i < N / BATCH; i++) {
            const lami_batch b = next(loader, &settings[0], epoch * (N / BATCH) + i);
            for (size_t j = 0; j < BATCH; j++) {
                const size_t from = (size_t)((const uint8_t *)b.x[j] - (const uint8_t *)data->part[LAM_TRAIN].x) / SIZE;
                assert_true(from < N && !seen[from]++);
            }
        }
    }
    lami_loader_free(loader);
    lam_data_free(data);
}

/* ---- the thread ---- */

/* Of the batches first .. first + count - 1. */
static void digest_of(char text[65], lami_loader *loader, const setting *t, size_t first, size_t count)
{
    lami_digest digest;
    lami_digest_start(&digest);
    for (size_t number = first; number < first + count; number++) {
        const lami_batch b = next(loader, t, number);
        for (size_t i = 0; i < BATCH; i++)
            lami_digest_add(&digest, b.x[i], SIZE);
        lami_digest_add(&digest, b.label, BATCH * sizeof *b.label);
        lami_digest_add(&digest, &b.mix, sizeof b.mix);
    }
    lami_digest_end(&digest, text);
}

/* In the middle of the work of the thread, which the child does not have. */
static void a_child_after_fork_goes_on_by_itself(void **state)
{
    (void)state;
    enum { PATIENCE = 60, BEFORE = 7 };
    lam_data *data = images();
    for (size_t k = 0; k < SETTINGS; k++) {
        const setting *t = &settings[k];
        char ignored[65], here[65], there[65] = "";
        int ends[2];
        lami_loader *loader = open_loader(t, data);
        digest_of(ignored, loader, t, 0, BEFORE);
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            alarm(PATIENCE);
            digest_of(there, loader, t, BEFORE, BATCHES);
            lami_loader_free(loader);
            _exit(write(ends[1], there, sizeof there) != (ssize_t)sizeof there);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(ends[0], there, sizeof there), sizeof there);
        digest_of(here, loader, t, BEFORE, BATCHES);
        assert_string_equal(here, there);
        close(ends[0]);
        close(ends[1]);
        lami_loader_free(loader);
    }
    lam_data_free(data);
}

#if defined(__GLIBC__)
static void *end_at_once(void *arg)
{
    return arg;
}

/* No address space has room for such a stack. */
static void without_a_thread_batches_are_made_when_asked_for(void **state)
{
    (void)state;
    pthread_attr_t before, huge;
    pthread_t thread;
    lam_data *data = images();
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    for (size_t k = 0; k < SETTINGS; k++) {
        const setting *t = &settings[k];
        assert_int_equal(pthread_setattr_default_np(&huge), 0);
        assert_int_not_equal(pthread_create(&thread, NULL, end_at_once, NULL), 0);
        lami_loader *loader = open_loader(t, data);
        assert_int_equal(pthread_setattr_default_np(&before), 0);
        for (size_t number = 0; number < BATCHES; number++) {
            const lami_batch b = next(loader, t, number);
            assert_batch(&b, t, data, number);
        }
        lami_loader_free(loader);
    }
    pthread_attr_destroy(&before);
    pthread_attr_destroy(&huge);
    lam_data_free(data);
}
#endif

static void a_loader_ends_whatever_its_thread_is_at(void **state)
{
    (void)state;
    lam_data *data = images();
    for (size_t i = 0; i < 50; i++) {
        lami_loader *loader = open_loader(&settings[1], data);
        for (size_t number = 0; number < i % 4; number++)
            next(loader, &settings[1], number);
        if (i % 2)
            usleep(100);
        lami_loader_free(loader);
    }
    lami_loader_free(NULL);
    lam_data_free(data);
}

/* ---- errors ---- */

static void wrong_lists_and_batches_of_one_are_refused(void **state)
{
    (void)state;
    lam_data *data = images();
    lami_loader *loader = NULL;
    lam_options *options = toy_options("augment=turn");
    assert_int_equal(lami_loader_new(&loader, data, options, BATCH, 4, NULL), LAM_EOPTION);
    assert_null(loader);
    assert_ok(lam_options_set(options, "augment", "flip,mixup=1"));
    assert_int_equal(lami_loader_new(&loader, data, options, 1, 23, NULL), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--augment: mixup needs batches of at least 2 samples");
    assert_null(loader);
    lam_options_free(options);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_data *data = images();
    lam_options *options = toy_options("augment=flip,cutout=2");
    lam_status status = LAM_ENOMEM;
    long n = 1;
    for (; status; n++) {
        lami_loader *loader = NULL;
        lami_alloc_fail_at(n);
        status = lami_loader_new(&loader, data, options, BATCH, 4, NULL);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_ENOMEM ? !loader : !status && loader);
        lami_loader_free(loader);
        assert_true(n < 100);
    }
    assert_true(n > 10);
    lam_options_free(options);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_a_function_of_data_options_and_number),
        cmocka_unit_test(a_training_that_is_resumed_anywhere_sees_the_same_batches),
        cmocka_unit_test(an_epoch_has_each_sample_at_most_once),
        cmocka_unit_test(a_child_after_fork_goes_on_by_itself),
#if defined(__GLIBC__)
        cmocka_unit_test(without_a_thread_batches_are_made_when_asked_for),
#endif
        cmocka_unit_test(a_loader_ends_whatever_its_thread_is_at),
        cmocka_unit_test(wrong_lists_and_batches_of_one_are_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
