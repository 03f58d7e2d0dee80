/* run: logs, and trainings on numbers with weights that are kept in folders. test_checkpoint.c has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include <jansson.h>

#include "../src/net/net.h"
#include "../src/train/metrics.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

enum { N = 53, VAL = 30, D = 7, ENTRIES = 32, TEXT = 8192 };

static const char classes_net[] = "affine 9 - batchnorm - relu - affine 3 - softmax";
static const char numbers_net[] = "affine 9 - batchnorm - relu - dropout 0.1 - affine 2 - mse";

typedef struct outcome {
    lami_result result;
    lami_history history[ENTRIES];
    size_t entries;
} outcome;

static int stop_at(const lam_progress *p, void *arg)
{
    return p->step == *(const size_t *)arg;
}

static lam_status finish(outcome *o, lami_solver *solver, size_t stop)
{
    const lam_status status = lami_solver_run(&o->result, solver, stop_at, &stop);
    const lami_history *h = lami_solver_history(solver, &o->entries);
    assert_true(o->entries <= ENTRIES);
    if (o->entries)
        memcpy(o->history, h, o->entries * sizeof *h);
    return status;
}

/* Train a new network; in the folder `out`, with the file of --log, unless these are NULL. */
static lam_status begin(outcome *o, const lam_data *data, const char *list, const char *out, const char *log,
                        size_t stop)
{
    lam_net *net = NULL;
    lami_solver *solver = NULL;
    lam_options *options = toy_options(list);
    if (out)
        assert_ok(lam_options_set(options, "out", in_folder(out)));
    if (log)
        assert_ok(lam_options_set(options, "log", in_folder(log)));
    assert_ok(lam_net_new(&net, data->targets ? numbers_net : classes_net, &data->shape, options));
    lam_status status = lami_solver_new(&solver, net, data, options);
    if (!status)
        status = finish(o, solver, stop);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    return status;
}

static lam_status go_on(outcome *o, const lam_data *data, const char *out, const char *list, const char *log)
{
    lam_net *net = NULL;
    lami_solver *solver = NULL;
    lam_options *options = toy_options(list);
    if (log)
        assert_ok(lam_options_set(options, "log", in_folder(log)));
    lam_status status = lami_solver_resume(&solver, &net, in_folder(out), data, options);
    if (!status)
        status = finish(o, solver, 0);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    return status;
}

static size_t read_text(char text[TEXT], const char *name)
{
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    const size_t size = fread(text, 1, TEXT - 1, file);
    assert_true(size < TEXT - 1);
    text[size] = 0;
    fclose(file);
    return size;
}

static void assert_same_file(const char *a, const char *b, size_t lines)
{
    char x[TEXT], y[TEXT];
    size_t count = 0;
    read_text(x, a);
    read_text(y, b);
    assert_string_equal(x, y);
    for (const char *at = x; *at; at++)
        count += *at == '\n';
    assert_int_equal(count, lines);
}

/* ---- logs ---- */

static void the_file_of_log_has_the_lines_of_the_folder(void **state)
{
    (void)state;
    outcome o;
    lam_options *kept = NULL;
    char *path = NULL;
    const char *value;
    lam_data *data = toy_data(N, VAL, D, 3, 1);
    write_file("epochs.jsonl", "what was there before\n", 22);
    assert_ok(begin(&o, data, "epochs=4 batch=10", "logged", "epochs.jsonl", 12));
    assert_same_file("epochs.jsonl", "logged/log.jsonl", 2);
    assert_ok(lami_run_config(&kept, &path, in_folder("logged")));
    assert_ok(lam_options_get(&value, kept, "log"));
    assert_string_equal(value, ""); /* not kept */
    lam_options_free(kept);
    assert_ok(go_on(&o, data, "logged", "", NULL));
    assert_int_equal(o.entries, 4);
    assert_ok(go_on(&o, data, "logged", "epochs=6", "more.jsonl")); /* with all entries from the beginning */
    assert_same_file("more.jsonl", "logged/log.jsonl", 6);
    lam_data_free(data);
}

static void a_log_needs_no_folder(void **state)
{
    (void)state;
    outcome o;
    char text[TEXT], *line = text;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    assert_ok(begin(&o, data, "epochs=3 batch=10", NULL, "alone.jsonl", 0));
    read_text(text, "alone.jsonl");
    for (size_t i = 0; i < 3; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = 0;
        json_t *json = json_loads(line, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "epoch")), i + 1);
        assert_true(json_real_value(json_object_get(json, "loss")) == o.history[i].loss);
        assert_true(json_is_null(json_object_get(json, "val_accuracy")));
        json_decref(json);
        line = end + 1;
    }
    assert_int_equal(*line, 0);
    assert_ok(begin(&o, data, "epochs=3 batch=10 no-save=1", "unsaved", "unsaved.jsonl", 0));
    read_text(text, "unsaved.jsonl");
    lam_data_free(data);
}

static void a_log_that_cannot_be_written_is_an_error_before_training(void **state)
{
    (void)state;
    outcome o;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    assert_int_equal(begin(&o, data, "epochs=3 batch=10", NULL, "nowhere/log.jsonl", 0), LAM_EWRITE);
    assert_message("nowhere/log.jsonl");
    lam_data_free(data);
}

/* ---- numbers ---- */

static lam_data *weighted_numbers(double mean, double last_weight)
{
    lam_data *data = toy_numbers(N, VAL, D, 2, mean, 10);
    const lam_tensor w = make_vector(LAM_F64, N);
    fill_linspace(&w, 0.5, 2);
    put(&w, N - 1, last_weight);
    assert_ok(lam_data_set_weights(data, LAM_TRAIN, &w));
    return data;
}

static void logs_of_numbers_say_r2(void **state)
{
    (void)state;
    outcome o;
    char text[TEXT];
    lam_data *data = weighted_numbers(50, 2);
    assert_ok(begin(&o, data, "epochs=2 batch=10 scale-targets=1", "r2", NULL, 0));
    read_text(text, "r2/log.jsonl");
    *strchr(text, '\n') = 0;
    json_t *json = json_loads(text, 0, NULL);
    assert_true(json_real_value(json_object_get(json, "train_r2")) == o.history[0].train_accuracy);
    assert_true(json_real_value(json_object_get(json, "val_r2")) == o.history[0].val_accuracy);
    assert_null(json_object_get(json, "train_accuracy"));
    assert_null(json_object_get(json, "val_accuracy"));
    json_decref(json);
    assert_ok(go_on(&o, data, "r2", "epochs=3", NULL)); /* and still so when it goes on */
    read_text(text, "r2/log.jsonl");
    assert_null(strstr(text, "accuracy"));
    assert_int_equal(o.entries, 3);
    lam_data_free(data);
}

static void the_best_model_of_numbers_is_that_of_the_best_r2(void **state)
{
    (void)state;
    outcome o;
    lam_metrics m;
    lam_net *best = NULL;
    char sha[65];
    double most = -INFINITY;
    lam_data *data = weighted_numbers(50, 2);
    /* a rate that ruins the network after a while */
    assert_ok(begin(&o, data, "epochs=12 batch=10 scale-targets=1 lr=0.02 lr-decay=2.5", "best", NULL, 0));
    for (size_t i = 0; i < o.entries; i++)
        most = o.history[i].val_accuracy > most ? o.history[i].val_accuracy : most;
    assert_true(o.result.best_accuracy == most && o.result.val_accuracy < most);
    assert_ok(lam_net_load(&best, in_folder("best")));
    assert_ok(lam_eval(&m, best, data, LAM_VAL, NULL));
    assert_true(m.r2 == most);
    assert_ok(lam_net_sha256(best, sha));
    assert_string_equal(sha, o.result.best_sha256);
    lam_net_free(best);
    lam_data_free(data);
}

static void patience_waits_for_r2(void **state)
{
    (void)state;
    outcome o;
    lam_data *data = weighted_numbers(50, 2);
    assert_ok(begin(&o, data, "epochs=30 batch=10 scale-targets=1 lr=0.02 lr-decay=2.5 patience=3", NULL, NULL, 0));
    assert_true(o.entries > 3 && o.entries < 30 && !o.result.stopped);
    const size_t best = o.entries - 4;
    for (size_t i = 0; i < o.entries; i++)
        assert_true(o.history[i].val_accuracy <= o.history[best].val_accuracy);
    assert_true(o.result.best_accuracy == o.history[best].val_accuracy);
    lam_data_free(data);
}

static void stopped_and_resumed_numbers_with_weights_give_the_same_bits(void **state)
{
    (void)state;
    static const char list[] = "epochs=3 batch=10 scale-targets=1 optim=adamw clip=0.5 preprocess=standardize";
    outcome whole, parts;
    lam_net *a = NULL, *b = NULL;
    lam_data *data = weighted_numbers(50, 2);
    assert_ok(begin(&whole, data, list, "whole", NULL, 0));
    for (size_t stop = 1; stop < 15; stop += 4) {
        char name[16];
        snprintf(name, sizeof name, "stop%zu", stop);
        assert_ok(begin(&parts, data, list, name, NULL, stop));
        assert_ok(go_on(&parts, data, name, "threads=2", NULL));
        assert_string_equal(parts.result.weights_sha256, whole.result.weights_sha256);
        assert_string_equal(parts.result.best_sha256, whole.result.best_sha256);
        assert_int_equal(parts.entries, whole.entries);
        for (size_t i = 0; i < whole.entries; i++)
            assert_true(parts.history[i].loss == whole.history[i].loss &&
                        parts.history[i].val_accuracy == whole.history[i].val_accuracy);
        assert_ok(lam_net_load(&a, in_folder("whole")));
        assert_ok(lam_net_load(&b, in_folder(name)));
        assert_memory_equal(a->units.shift, b->units.shift, 2 * sizeof(double));
        assert_memory_equal(a->units.scale, b->units.scale, 2 * sizeof(double));
        lam_net_free(a);
        lam_net_free(b);
    }
    lam_data_free(data);
}

static void other_targets_or_weights_are_other_data(void **state)
{
    (void)state;
    outcome o;
    lam_data *data = weighted_numbers(50, 2), *moved = weighted_numbers(50.001, 2),
             *weighed = weighted_numbers(50, 2.1);
    lam_data *classes = toy_data(N, VAL, D, 2, 1);
    assert_ok(begin(&o, data, "epochs=2 batch=10", "other", NULL, 3));
    assert_int_equal(go_on(&o, moved, "other", "", NULL), LAM_ESHAPE);
    assert_message("started on other data");
    assert_int_equal(go_on(&o, weighed, "other", "", NULL), LAM_ESHAPE);
    assert_message("started on other data");
    assert_int_equal(go_on(&o, classes, "other", "", NULL), LAM_ESHAPE);
    assert_ok(go_on(&o, data, "other", "", NULL));
    lam_data_free(data);
    lam_data_free(moved);
    lam_data_free(weighed);
    lam_data_free(classes);
}

static void options_of_the_training_may_not_change(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "clip=1",        "accumulate=2",          "label-smoothing=0.1", "weight-decay=0.1", "schedule=cosine",
        "warmup=2steps", "class-weight=balanced", "scale-targets=1",     "lr-every=3"
    };
    outcome o;
    lam_data *data = toy_data(N, VAL, D, 3, 1);
    assert_ok(begin(&o, data, "epochs=2 batch=10", "fixed", NULL, 3));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char name[32];
        snprintf(name, sizeof name, "--%.*s:", (int)strcspn(lists[i], "="), lists[i]);
        assert_int_equal(go_on(&o, data, "fixed", lists[i], NULL), LAM_EOPTION);
        assert_message(name);
    }
    assert_ok(go_on(&o, data, "fixed", "", NULL));
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    outcome o;
    lam_data *data = weighted_numbers(50, 2);
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n += 3) { /* every third: each try writes files */
        char name[32], log[40];
        snprintf(name, sizeof name, "memory%ld", n);
        snprintf(log, sizeof log, "memory%ld.jsonl", n);
        lam_net *net = NULL;
        lami_solver *solver = NULL;
        lam_options *options = toy_options("epochs=1 batch=20 scale-targets=1 threads=1");
        assert_ok(lam_options_set(options, "out", in_folder(name)));
        assert_ok(lam_options_set(options, "log", in_folder(log)));
        assert_ok(lam_net_new(&net, numbers_net, &data->shape, options));
        lami_alloc_fail_at(n);
        status = lami_solver_new(&solver, net, data, options);
        if (!status)
            status = finish(&o, solver, 0);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        lami_solver_free(solver);
        lam_options_free(options);
        lam_net_free(net);
        assert_true(n < 5000);
    }
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_of_log_has_the_lines_of_the_folder),
        TEST(a_log_needs_no_folder),
        TEST(a_log_that_cannot_be_written_is_an_error_before_training),
        TEST(logs_of_numbers_say_r2),
        TEST(the_best_model_of_numbers_is_that_of_the_best_r2),
        TEST(patience_waits_for_r2),
        TEST(stopped_and_resumed_numbers_with_weights_give_the_same_bits),
        TEST(other_targets_or_weights_are_other_data),
        TEST(options_of_the_training_may_not_change),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
