/* tune: searches. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/train/tune.h"
#include "folder.h"
#include "toy.h"

static const char net[] = "affine $width - batchnorm - relu - dropout 0.1 - affine 3 - softmax";
static const char grid[] = "width=4,6; lr=1e-4,1e-2,1e-1";
static const char base[] = "epochs=3 batch=10 seed=5";

/* What a search is, from texts. */
typedef struct setting {
    const char *notation, *grid, *random, *budget, *list; /* list: of options */
    size_t trials, folds, jobs;
    const char *out, *resume; /* folders */
    size_t stop_after;        /* trials of this process; 0: none */
} setting;

static char *copy(const char *text)
{
    return text ? lami_strdup(text) : NULL;
}

static lami_search make_search(const setting *s)
{
    lami_search search = { .notation = copy(s->notation ? s->notation : net),
                           .grid = copy(s->grid),
                           .random = copy(s->random),
                           .budget = copy(s->budget),
                           .trials = s->trials,
                           .folds = s->folds,
                           .options = toy_options(s->list ? s->list : base) };
    if (s->out)
        assert_int_equal(lam_options_set(search.options, "out", in_folder(s->out)), LAM_OK);
    return search;
}

/* What a search gave. */
typedef struct outcome {
    lam_status status;
    size_t count, failed, best;
    double score, deviation;
    char digest[65], net[65], list[4096]; /* of the best; the table as text */
    lami_result result;
    int stopped;
} outcome;

static int stop_after(const lami_tune_now *now, void *arg)
{
    size_t *left = arg;
    if (*left && now->finished && !--*left)
        return 1;
    return 0;
}

static void write_table(outcome *o, const lami_tune *tune)
{
    const lami_trial **ranked;
    size_t at = 0;
    assert_int_equal(lami_trials_ranked(&ranked, lami_tune_trials(tune)), LAM_OK);
    for (size_t i = 0; i < o->count; i++) {
        char values[64];
        lami_space_text(values, sizeof values, lami_tune_space(tune), ranked[i]->index);
        at += (size_t)snprintf(o->list + at, sizeof o->list - at, "%zu %s %.17g %.17g %.17g %zu %.8s %s\n",
                               ranked[i]->index, values, ranked[i]->score, ranked[i]->train_score, ranked[i]->loss,
                               ranked[i]->steps, ranked[i]->best_sha256, ranked[i]->error ? ranked[i]->error : "");
        assert_true(at < sizeof o->list);
    }
    lami_free(ranked);
}

static outcome run(const setting *s, const lam_data *data)
{
    outcome o = { .best = SIZE_MAX };
    lami_search search = make_search(s);
    lami_tune *tune = NULL;
    size_t left = s->stop_after;
    const lami_trial *best = NULL;
    const lam_net *best_net = NULL;
    o.status = lami_tune_new(&tune, &search, data, s->jobs, s->resume ? in_folder(s->resume) : NULL);
    if (!o.status)
        o.status = lami_tune_run(tune, stop_after, &left);
    if (!o.status) {
        o.stopped = lami_tune_stopped(tune);
        if (!o.stopped)
            o.status = lami_tune_finish(&best, &best_net, &o.result, tune, NULL, NULL);
        o.count = lami_tune_trials(tune)->count;
        o.failed = lami_tune_trials(tune)->failed;
        write_table(&o, tune);
    }
    if (best && !o.status) {
        o.best = best->index;
        o.score = best->score;
        o.deviation = best->deviation;
        memcpy(o.digest, best->best_sha256, sizeof o.digest);
        assert_int_equal(lam_net_sha256(best_net, o.net), LAM_OK);
    }
    lami_tune_free(tune);
    lami_search_free(&search);
    return o;
}

static void assert_same(const outcome *a, const outcome *b)
{
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->list, b->list);
    assert_int_equal(a->best, b->best);
    assert_string_equal(a->digest, b->digest);
    assert_string_equal(a->net, b->net);
}

static void a_grid_is_tried_and_the_best_model_is_that_of_train(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    const outcome o = run(&(setting) { .grid = grid, .jobs = 1 }, data);
    assert_int_equal(o.status, LAM_OK);
    assert_int_equal(o.count, 6);
    assert_int_equal(o.failed, 0);
    assert_string_equal(o.digest, o.net);
    static const char *const widths[] = { "4", "6" }, *const rates[] = { "1e-4", "1e-2", "1e-1" };
    char list[128], notation[128], digest[65];
    snprintf(notation, sizeof notation, "affine %s - batchnorm - relu - dropout 0.1 - affine 3 - softmax",
             widths[o.best / 3]);
    snprintf(list, sizeof list, "%s lr=%s", base, rates[o.best % 3]);
    lam_options *options = toy_options(list);
    lam_net *trained;
    assert_int_equal(lam_net_new(&trained, notation, lam_data_shape(data), options), LAM_OK);
    assert_int_equal(lam_train(trained, data, options, NULL, NULL), LAM_OK);
    assert_int_equal(lam_net_sha256(trained, digest), LAM_OK);
    assert_string_equal(digest, o.digest);
    lam_net_free(trained);
    lam_options_free(options);
    lam_data_free(data);
}

static void any_number_of_jobs_gives_the_same_bits(void **state)
{
    (void)state;
    static const setting settings[] = { { .grid = grid },
                                        { .grid = grid, .folds = 3 },
                                        { .grid = "width=4,6", .random = "lr=1e-4..1:log", .trials = 7 },
                                        { .grid = grid, .budget = "4" } };
    static const size_t counts[] = { 6, 6, 7, 4 };
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        setting s = settings[i];
        s.jobs = 1;
        const outcome serial = run(&s, data);
        assert_int_equal(serial.status, LAM_OK);
        assert_int_equal(serial.count, counts[i]);
        for (s.jobs = 2; s.jobs <= 3; s.jobs++) {
            const outcome parallel = run(&s, data);
            assert_same(&serial, &parallel);
        }
    }
    lam_data_free(data);
}

static void equal_scores_go_to_the_first_trial(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 30, 8, 3, 0.01); /* so easy that all are perfect */
    for (size_t jobs = 1; jobs <= 3; jobs++) {
        const outcome o =
            run(&(setting) { .notation = "affine 3 - softmax", .grid = "lr=0.1,0.2,0.3,0.4", .jobs = jobs }, data);
        assert_int_equal(o.status, LAM_OK);
        assert_true(o.score == 1);
        assert_int_equal(o.best, 0);
    }
    lam_data_free(data);
}

static void where_numbers_are_predicted_the_score_is_r2(void **state)
{
    (void)state;
    enum { ROWS = 60 };
    static float x[ROWS * 2], y[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        x[2 * i] = (float)(i % 7) - 3;
        x[2 * i + 1] = (float)(i % 5) - 2;
        y[i] = 2 * x[2 * i] - x[2 * i + 1] + 1;
    }
    const lam_tensor xs = { LAM_F32, { 2, { ROWS, 2 } }, x }, ys = { LAM_F32, { 1, { ROWS } }, y };
    lam_data *data;
    assert_int_equal(lam_data_from_arrays(&data, &xs, &ys, 0, 0), LAM_OK);
    for (size_t folds = 0; folds <= 3; folds += 3) {
        if (!folds)
            assert_int_equal(lami_data_split(data, LAM_VAL, "0.25", 0), LAM_OK);
        const outcome o = run(&(setting) { .notation = "affine - mse",
                                           .grid = "lr=1e-6,0.1",
                                           .list = "epochs=60 batch=5",
                                           .folds = folds,
                                           .jobs = 2 },
                              data);
        assert_int_equal(o.status, LAM_OK);
        assert_int_equal(o.best, 1);
        assert_true(o.score > 0.99 && o.score <= 1);
    }
    lam_data_free(data);
}

/* ---- failures ---- */

static void a_trial_that_diverges_is_listed_last(void **state)
{
    (void)state;
    static const char wild[] = "epochs=3 batch=10 optim=sgd init-scale=1e3";
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    const setting s = { .notation = "{affine 9 - relu} x 3 - affine 3 - softmax",
                        .grid = "lr=1e6,1e-9",
                        .list = wild,
                        .jobs = 1,
                        .out = "wild" };
    const outcome o = run(&s, data);
    assert_int_equal(o.status, LAM_OK);
    assert_int_equal(o.count, 2);
    assert_int_equal(o.failed, 1);
    assert_int_equal(o.best, 1);
    assert_non_null(strstr(o.list, "0 lr=1e6 nan nan nan 0  the loss is "));
    setting again = s;
    again.out = NULL;
    again.resume = "wild";
    const outcome resumed = run(&again, data);
    assert_same(&o, &resumed);
    const outcome none = run(&(setting) { .notation = s.notation, .grid = "lr=1e5,1e6", .list = wild }, data);
    assert_int_equal(none.status, LAM_EDIVERGED);
    assert_message("all 2 trials failed; trial 0: the loss is ");
    lam_data_free(data);
}

static void mistakes_that_all_trials_share_are_told_before_anything_is_written(void **state)
{
    (void)state;
    static const struct {
        setting s;
        lam_status status;
        const char *message;
    } rows[] = {
        { { .grid = "lr=1,2", .notation = "affine 3 - svm", .list = "patience=2 preprocess=nothing" },
          LAM_EOPTION,
          "unknown step" },
        { { .grid = "batch=1,2", .notation = "affine 2 - softmax" }, LAM_ESHAPE, "2 scores, the data has 3 classes" },
        { { .grid = "lrr=1,2" }, LAM_ENOTATION, NULL },
        { { .grid = grid, .folds = 1 }, LAM_EOPTION, "--cv: at least 2" },
        { { .grid = grid, .folds = 61 }, LAM_ESHAPE, "--cv: 61 folds of 60 samples" },
        { { .grid = grid, .trials = 5 }, LAM_EOPTION, "--trials is for --random" },
        { { .grid = grid, .budget = "0" }, LAM_EOPTION, "--budget: \"0\" is not" },
        { { .grid = grid, .budget = "10x" }, LAM_EOPTION, "--budget: \"10x\" is not" },
        { { .grid = "width=4,5", .random = "lr=1..2" }, LAM_EOPTION, "--random needs --trials N or --budget" },
    };
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setting s = rows[i].s;
        s.out = "never";
        const outcome o = run(&s, data);
        if (o.status != rows[i].status)
            print_error("%zu: %s\n", i, lam_last_error());
        assert_int_equal(o.status, rows[i].status);
        if (rows[i].message)
            assert_message(rows[i].message);
        assert_int_not_equal(access(in_folder("never"), F_OK), 0);
    }
    lam_data_free(data);
    data = toy_data(60, 0, 8, 3, 1.2);
    const outcome o = run(&(setting) { .grid = grid }, data);
    assert_int_equal(o.status, LAM_EOPTION);
    assert_message("--val 0.1 splits some off, --cv 5 takes folds");
    const outcome patient = run(&(setting) { .grid = grid, .folds = 3, .list = "patience=2" }, data);
    assert_int_equal(patient.status, LAM_EOPTION);
    assert_message("--patience with --cv needs --val");
    lam_data_free(data);
}

/* ---- folds ---- */

static void folds_are_averaged_and_the_best_is_trained_on_all_samples(void **state)
{
    (void)state;
    lam_data *data = toy_data(61, 0, 8, 3, 1.2);
    const outcome o = run(&(setting) { .grid = grid, .folds = 4, .jobs = 2 }, data);
    assert_int_equal(o.status, LAM_OK);
    double score[4], mean = 0, squares = 0;
    static const char *const widths[] = { "4", "6" }, *const rates[] = { "1e-4", "1e-2", "1e-1" };
    char notation[128], list[128], digest[65];
    snprintf(notation, sizeof notation, "affine %s - batchnorm - relu - dropout 0.1 - affine 3 - softmax",
             widths[o.best / 3]);
    snprintf(list, sizeof list, "%s lr=%s", base, rates[o.best % 3]);
    lam_options *options = toy_options(list);
    for (size_t k = 0; k <= 4; k++) { /* the folds, then all */
        lam_data *view = NULL;
        lam_net *one;
        lami_solver *solver;
        lami_result result;
        if (k < 4)
            assert_int_equal(lami_data_fold(&view, data, k, 4, 5), LAM_OK);
        assert_int_equal(lam_net_new(&one, notation, lam_data_shape(data), options), LAM_OK);
        assert_int_equal(lami_solver_new(&solver, one, view ? view : data, options), LAM_OK);
        assert_int_equal(lami_solver_run(&result, solver, NULL, NULL), LAM_OK);
        if (view)
            mean += (score[k] = result.val_accuracy) / 4;
        else
            assert_int_equal(lam_net_sha256(one, digest), LAM_OK);
        lami_solver_free(solver);
        lam_net_free(one);
        lam_data_free(view);
    }
    for (size_t k = 0; k < 4; k++)
        squares += (score[k] - mean) * (score[k] - mean);
    assert_true(fabs(o.score - mean) < 1e-15);
    assert_true(fabs(o.deviation - sqrt(squares / 3)) < 1e-15);
    assert_string_equal(digest, o.net);
    assert_string_equal(o.result.best_sha256, o.net);
    lam_options_free(options);
    lam_data_free(data);
}

/* ---- going on ---- */

static size_t read_all(char *text, size_t room, const char *name)
{
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    const size_t size = fread(text, 1, room - 1, file);
    text[size] = 0;
    fclose(file);
    return size;
}

static void a_search_stopped_anywhere_ends_as_one_that_was_not(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    const outcome whole = run(&(setting) { .grid = grid, .out = "whole" }, data);
    assert_int_equal(whole.status, LAM_OK);
    for (size_t jobs = 1; jobs <= 2; jobs++) {
        for (size_t stop = 1; stop <= 6; stop++) {
            char name[32];
            snprintf(name, sizeof name, "part-%zu-%zu", jobs, stop);
            const outcome part = run(&(setting) { .grid = grid, .jobs = jobs, .out = name, .stop_after = stop }, data);
            assert_int_equal(part.status, LAM_OK);
            assert_true(part.stopped && part.count >= stop);
            const outcome end = run(&(setting) { .grid = grid, .jobs = 3 - jobs, .resume = name }, data);
            assert_same(&whole, &end);
            const outcome again = run(&(setting) { .grid = grid, .resume = name }, data);
            assert_same(&whole, &again);
        }
    }
    lam_data_free(data);
}

static void a_log_cut_anywhere_is_mended(void **state)
{
    (void)state;
    char text[8192], model[64];
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    const setting s = { .grid = "lr=1e-4,1e-2,1e-1",
                        .notation = "affine 4 - relu - affine 3 - softmax",
                        .list = "epochs=1 batch=20",
                        .resume = "cut" };
    setting first = s;
    first.resume = NULL;
    first.out = "cut";
    const outcome whole = run(&first, data);
    assert_int_equal(whole.status, LAM_OK);
    const size_t size = read_all(text, sizeof text, "cut/trials.jsonl");
    assert_in_range(size, 500, sizeof text - 2);
    for (size_t cut = 0; cut <= size; cut++) {
        if (cut % 83 && cut < size - 2 && !(cut && text[cut - 1] == '\n') && text[cut] != '\n')
            continue; /* all round the ends of lines, and some inside */
        write_file("cut/trials.jsonl", text, cut);
        if (cut % 3 == 1) /* a model without its line, or damaged */
            write_file("cut/best.safetensors", "xx", 2);
        const outcome end = run(&s, data);
        assert_same(&whole, &end);
        snprintf(model, sizeof model, "%s", "cut/best.safetensors");
        lam_net *kept;
        char digest[65];
        assert_int_equal(lam_net_load(&kept, in_folder(model)), LAM_OK);
        assert_int_equal(lam_net_sha256(kept, digest), LAM_OK);
        assert_string_equal(digest, whole.digest);
        lam_net_free(kept);
    }
    lam_data_free(data);
}

static void a_log_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}\n",
        "[]\n",
        "xx\n",
        "{\"trial\":0}\n",
        "{\"trial\":-1,\"values\":{},\"score\":null,\"error\":\"x\",\"seconds\":1,\"elapsed\":1}\n",
        "{\"trial\":6,\"values\":{},\"score\":null,\"error\":\"x\",\"seconds\":1,\"elapsed\":1}\n",
        "{\"trial\":0,\"values\":{},\"score\":null,\"seconds\":1,\"elapsed\":1}\n",
        "{\"trial\":0,\"values\":{},\"score\":1,\"error\":\"x\",\"seconds\":1,\"elapsed\":1}\n",
        "{\"trial\":0,\"values\":{},\"score\":null,\"error\":\"x\",\"seconds\":-1,\"elapsed\":1}\n",
        "{\"trial\":0,\"values\":{},\"score\":null,\"error\":\"x\",\"seconds\":1,\"elapsed\":1}\n"
        "{\"trial\":0,\"values\":{},\"score\":null,\"error\":\"x\",\"seconds\":1,\"elapsed\":1}\n",
        "{\"trial\":0,\"values\":{},\"score\":0.5,\"seconds\":1,\"elapsed\":1,\"epochs\":1,\"steps\":1,"
        "\"weights_sha256\":\"12\",\"best_sha256\":\"12\"}\n",
    };
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    assert_int_equal(run(&(setting) { .grid = grid, .out = "bad" }, data).status, LAM_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad/trials.jsonl", bad[i], strlen(bad[i]));
        assert_int_equal(run(&(setting) { .grid = grid, .resume = "bad" }, data).status, LAM_EFORMAT);
        assert_message("trials.jsonl: line ");
    }
    assert_int_equal(run(&(setting) { .grid = grid, .resume = "none" }, data).status, LAM_EREAD);
    assert_int_equal(run(&(setting) { .grid = grid, .out = "bad" }, data).status, LAM_EBUSY);
    assert_message("already holds a search");
    lam_data_free(data);
}

static void a_search_is_read_back_as_it_was_started(void **state)
{
    (void)state;
    lami_search search;
    const char *value;
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    const setting s = { .grid = "width=4,6", .random = "lr=1e-4..1:log", .trials = 2, .budget = "5m", .out = "read" };
    assert_int_equal(run(&s, data).status, LAM_OK);
    assert_int_equal(lami_search_read(&search, in_folder("read")), LAM_OK);
    assert_string_equal(search.notation, net);
    assert_string_equal(search.grid, s.grid);
    assert_string_equal(search.random, s.random);
    assert_string_equal(search.budget, s.budget);
    assert_int_equal(search.trials, 2);
    assert_int_equal(search.folds, 0);
    assert_int_equal(lam_options_get(&value, search.options, "batch"), LAM_OK);
    assert_string_equal(value, "10");
    lami_search_free(&search);
    const outcome longer =
        run(&(setting) { .grid = s.grid, .random = s.random, .trials = 4, .resume = "read", .jobs = 1 }, data);
    const outcome whole = run(&(setting) { .grid = s.grid, .random = s.random, .trials = 4, .jobs = 1 }, data);
    assert_same(&longer, &whole);
    lam_data_free(data);
}

/* ---- budget ---- */

static void a_budget_of_trials_takes_points_from_all_over_the_grid(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    setting s = { .notation = "affine 3 - softmax", .grid = "lr=1..100:100", .list = "steps=1", .budget = "10" };
    const outcome o = run(&s, data);
    assert_int_equal(o.status, LAM_OK);
    assert_int_equal(o.count, 10);
    size_t high = 0, index;
    for (const char *line = o.list; *line; line = strchr(line, '\n') + 1)
        high += sscanf(line, "%zu", &index) == 1 && index >= 50;
    assert_in_range(high, 1, 9);
    lam_data_free(data);
}

static void no_trial_is_begun_that_would_end_after_the_time(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 30, 8, 3, 1.2);
    setting s = { .notation = "affine 3 - softmax", .grid = "seed=0..9", .list = "time=0.05", .jobs = 1 };
    s.budget = "0.001s";
    const outcome one = run(&s, data);
    assert_int_equal(one.status, LAM_OK);
    assert_int_equal(one.count, 1);
    s.budget = "0.18s";
    s.out = "timed";
    const outcome few = run(&s, data);
    assert_in_range(few.count, 1, 3);
    s.out = NULL;
    s.resume =
        "timed"; /* the time is used up, or all but: on a busy machine a trial may take long and the next one fit */
    assert_in_range(run(&s, data).count, few.count, 3);
    setting drawn = { .notation = s.notation, .random = "lr=1..2", .list = "time=0.05", .jobs = 1, .budget = "0.12s" };
    assert_in_range(run(&drawn, data).count, 1, 2);
    lam_data_free(data);
}

/* ---- memory ---- */

static void failed_allocations_end_the_search_and_it_can_go_on(void **state)
{
    (void)state;
    setting s = { .notation = "affine 3 - softmax", .grid = "lr=1,2", .list = "steps=2", .jobs = 1 };
    lam_data *data = toy_data(20, 10, 4, 3, 1.2);
    const outcome whole = run(&s, data);
    size_t failures = 0;
    for (long n = 60;; n += 1 + n / 23) { /* the first ones are the test's own */
        char name[32];
        snprintf(name, sizeof name, "memory-%ld", n);
        s.out = name;
        s.resume = NULL;
        lami_search search = make_search(&s);
        lami_tune *tune = NULL;
        const lami_trial *best;
        const lam_net *best_net;
        lami_result result;
        lami_alloc_fail_at(n - 59);
        lam_status status = lami_tune_new(&tune, &search, data, 1, NULL);
        if (!status)
            status = lami_tune_run(tune, NULL, NULL);
        if (!status)
            status = lami_tune_finish(&best, &best_net, &result, tune, NULL, NULL);
        lami_alloc_fail_at(0);
        lami_tune_free(tune);
        lami_search_free(&search);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        failures++;
        s.out = NULL;
        s.resume = name;
        char trials[64];
        snprintf(trials, sizeof trials, "%s/trials.jsonl", name);
        if (!access(in_folder(trials), F_OK)) {
            const outcome end = run(&s, data);
            assert_same(&whole, &end);
        }
    }
    assert_in_range(failures, 20, 1000);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_tried_and_the_best_model_is_that_of_train),
        cmocka_unit_test(any_number_of_jobs_gives_the_same_bits),
        cmocka_unit_test(equal_scores_go_to_the_first_trial),
        cmocka_unit_test(where_numbers_are_predicted_the_score_is_r2),
        cmocka_unit_test(a_trial_that_diverges_is_listed_last),
        cmocka_unit_test(mistakes_that_all_trials_share_are_told_before_anything_is_written),
        cmocka_unit_test(folds_are_averaged_and_the_best_is_trained_on_all_samples),
        cmocka_unit_test(a_search_stopped_anywhere_ends_as_one_that_was_not),
        cmocka_unit_test(a_log_cut_anywhere_is_mended),
        cmocka_unit_test(a_log_that_is_not_ours_is_refused),
        cmocka_unit_test(a_search_is_read_back_as_it_was_started),
        cmocka_unit_test(a_budget_of_trials_takes_points_from_all_over_the_grid),
        cmocka_unit_test(no_trial_is_begun_that_would_end_after_the_time),
        cmocka_unit_test(failed_allocations_end_the_search_and_it_can_go_on),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
