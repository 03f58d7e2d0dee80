/* schedule: courses of the learning rate against plain formulas, and trainings that follow them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sys/wait.h>

#include "../src/train/schedule.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

enum { STEPS = 60, EPOCH = 12 };

static const double circle_half = 3.14159265358979323846;

/* Resolved and set, for STEPS steps. */
static lami_schedule schedule_of(const char *list)
{
    lami_schedule s;
    lam_options *o = toy_options(list);
    assert_ok(lami_schedule_resolve(o));
    assert_ok(lami_schedule_set(&s, o, STEPS, EPOCH));
    lam_options_free(o);
    return s;
}

/* ---- formulas ---- */

typedef double formula(size_t step);

/* From `from` to `to` as step goes from 0 to `length`. */
static double wave(double from, double to, double step, double length)
{
    return to + (from - to) / 2 * (1 + cos(circle_half * step / length));
}

static double constant(size_t step)
{
    (void)step;
    return 0.2;
}
static double exponential(size_t step)
{
    return 0.2 * pow(0.7, (double)(step / EPOCH));
}
static double exponential_default(size_t step)
{
    return 0.2 * pow(0.95, (double)(step / EPOCH));
}
static double drops_of_two_epochs(size_t step)
{
    return 0.2 * pow(0.5, (double)(step / (2 * EPOCH)));
}
static double drops_of_half_epochs(size_t step)
{
    return 0.2 * pow(0.1, (double)(step / (EPOCH / 2)));
}
static double drops_of_thirds(size_t step)
{
    return 0.2 * pow(0.1, (double)(step / (STEPS / 3)));
}
static double linear(size_t step)
{
    return 0.2 * (1 - (double)step / STEPS);
}
static double linear_to_a_tenth_after_six(size_t step)
{
    return step < 6 ? 0.2 * (double)(step + 1) / 6 : 0.2 - 0.18 * ((double)step - 6) / (STEPS - 6);
}
static double cosine(size_t step)
{
    return wave(0.2, 0, (double)step, STEPS);
}
static double cosine_to_a_tenth(size_t step)
{
    return wave(0.2, 0.02, (double)step, STEPS);
}
static double cosine_after_six(size_t step)
{
    return step < 6 ? 0.2 * (double)(step + 1) / 6 : wave(0.2, 0, (double)step - 6, STEPS - 6);
}
static double constant_after_two_epochs(size_t step)
{
    return step < 2 * EPOCH ? 0.2 * (double)(step + 1) / (2 * EPOCH) : 0.2;
}
static double constant_after_five(size_t step)
{
    return step < 5 ? 0.2 * (double)(step + 1) / 5 : 0.2;
}
static double exponential_after_fifteen(size_t step)
{
    return exponential(step) * (step < 15 ? (double)(step + 1) / 15 : 1);
}
static double one_cycle(size_t step)
{
    return step < 18 ? wave(0.2 / 25, 0.2, (double)step, 18) : wave(0.2, 0, (double)step - 18, STEPS - 18);
}
static double one_cycle_half(size_t step)
{
    return step < 30 ? wave(0.2 / 25, 0.2, (double)step, 30) : wave(0.2, 0.1, (double)step - 30, STEPS - 30);
}
static double one_cycle_up_alone(size_t step)
{
    return wave(0.2 / 25, 0.2, (double)step, STEPS);
}

static const struct course {
    const char *list;
    formula *lr;
    int has_end; /* depends on the length of the training */
} courses[] = {
    { "lr=0.2", constant, 0 },
    { "lr=0.2 schedule=constant", constant, 0 },
    { "lr=0.2 lr-decay=0.7", exponential, 0 },
    { "lr=0.2 schedule=exponential lr-decay=0.7", exponential, 0 },
    { "lr=0.2 schedule=exponential", exponential_default, 0 },
    { "lr=0.2 schedule=step lr-decay=0.5 lr-every=2", drops_of_two_epochs, 0 },
    { "lr=0.2 schedule=step lr-every=0.5", drops_of_half_epochs, 0 },
    { "lr=0.2 schedule=step", drops_of_thirds, 1 },
    { "lr=0.2 schedule=linear", linear, 1 },
    { "lr=0.2 schedule=linear lr-final=0.1 warmup=6steps", linear_to_a_tenth_after_six, 1 },
    { "lr=0.2 schedule=cosine", cosine, 1 },
    { "lr=0.2 schedule=cosine lr-final=0.1", cosine_to_a_tenth, 1 },
    { "lr=0.2 schedule=cosine warmup=0.1", cosine_after_six, 1 },
    { "lr=0.2 schedule=cosine warmup=6steps", cosine_after_six, 1 },
    { "lr=0.2 warmup=2epochs", constant_after_two_epochs, 0 },
    { "lr=0.2 warmup=5steps", constant_after_five, 0 },
    { "lr=0.2 warmup=0", constant, 1 },
    { "lr=0.2 lr-decay=0.7 warmup=0.25", exponential_after_fifteen, 1 },
    { "lr=0.2 schedule=one-cycle", one_cycle, 1 },
    { "lr=0.2 schedule=one-cycle warmup=18steps", one_cycle, 1 },
    { "lr=0.2 schedule=one-cycle warmup=0.5 lr-final=0.5", one_cycle_half, 1 },
    { "lr=0.2 schedule=one-cycle warmup=1", one_cycle_up_alone, 1 },
};

enum { COURSES = sizeof courses / sizeof *courses };

static void each_course_follows_its_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < COURSES; i++) {
        lami_schedule s = schedule_of(courses[i].list);
        for (size_t step = 0; step < STEPS; step++)
            if (!(fabs(lami_schedule_lr(&s, step) - courses[i].lr(step)) <= 1e-15))
                fail_msg("%s: %.17g at step %zu", courses[i].list, lami_schedule_lr(&s, step), step);
    }
}

static void first_and_last_steps_are_where_they_should_be(void **state)
{
    (void)state;
    lami_schedule s = schedule_of("lr=0.2 schedule=cosine");
    assert_true(lami_schedule_lr(&s, 0) == 0.2);
    assert_true(lami_schedule_lr(&s, STEPS - 1) > 0 && lami_schedule_lr(&s, STEPS - 1) < 0.2 * 1e-3);
    assert_true(lami_schedule_lr(&s, STEPS) == 0);
    s = schedule_of("lr=0.2 schedule=one-cycle lr-final=0.25");
    assert_near(lami_schedule_lr(&s, 0), 0.2 / 25, 1e-17);
    assert_near(lami_schedule_lr(&s, 18), 0.2, 1e-16);
    assert_near(lami_schedule_lr(&s, STEPS), 0.05, 1e-16);
    s = schedule_of("lr=0.2 warmup=0.5");
    assert_true(lami_schedule_lr(&s, 0) == 0.2 * (1.0 / 30));
    assert_true(lami_schedule_lr(&s, 29) == 0.2 && lami_schedule_lr(&s, 30) == 0.2);
    s = schedule_of("lr=0.2 schedule=cosine warmup=1000steps"); /* longer than the training */
    assert_true(lami_schedule_lr(&s, STEPS - 1) == 0.2 * (60.0 / 1000));
    s = schedule_of("lr=0.2 warmup=1step");
    assert_true(lami_schedule_lr(&s, 0) == 0.2);
}

static void the_rate_of_a_step_does_not_depend_on_which_were_asked_for_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < COURSES; i++) {
        lami_schedule walked = schedule_of(courses[i].list);
        double lr[STEPS];
        for (size_t step = 0; step < STEPS; step++)
            lr[step] = lami_schedule_lr(&walked, step);
        for (size_t step = STEPS; step-- > 0;) {
            lami_schedule fresh = schedule_of(courses[i].list);
            assert_true(lami_schedule_lr(&fresh, step) == lr[step]);
            assert_true(lami_schedule_lr(&walked, step) == lr[step]); /* backwards, too */
        }
    }
}

static void decays_that_arrive_somewhere_stay_there(void **state)
{
    (void)state;
    lami_schedule s = schedule_of("lr=0.2 lr-decay=0.5");
    assert_true(lami_schedule_lr(&s, UINT64_MAX / 2) == 0);
    assert_true(lami_schedule_lr(&s, EPOCH) == 0.1);
    s = schedule_of("lr=0.2 lr-decay=0");
    assert_true(lami_schedule_lr(&s, 0) == 0.2 && lami_schedule_lr(&s, EPOCH) == 0);
    s = schedule_of("lr=0.2 lr-decay=1");
    assert_true(lami_schedule_lr(&s, UINT64_MAX / 2) == 0.2);
    s = schedule_of("lr=0.2 schedule=step lr-decay=3 lr-every=1e-6");
    assert_true(isinf(lami_schedule_lr(&s, UINT64_MAX / 2)));
}

/* ---- options ---- */

static void defaults_become_explicit(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        { "lr=1", "constant", "", "" },
        { "lr=1 lr-decay=0.5", "exponential", "0.5", "" },
        { "lr=1 schedule=exponential", "exponential", "0.95", "" },
        { "lr=1 schedule=step", "step", "0.1", "" },
        { "lr=1 schedule=linear", "linear", "", "" },
        { "lr=1 schedule=cosine", "cosine", "", "" },
        { "lr=1 schedule=one-cycle", "one-cycle", "", "0.3" },
        { "lr=1 schedule=one-cycle warmup=7steps", "one-cycle", "", "7steps" },
    };
    static const char *const names[] = { "schedule", "lr-decay", "warmup" };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lam_options *o = toy_options(rows[i][0]);
        for (int turn = 0; turn < 2; turn++) { /* once more changes nothing */
            assert_ok(lami_schedule_resolve(o));
            for (size_t k = 0; k < 3; k++) {
                const char *value;
                assert_ok(lam_options_get(&value, o, names[k]));
                assert_string_equal(value, rows[i][k + 1]);
            }
        }
        lam_options_free(o);
    }
}

static void options_without_effect_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "schedule=constant lr-decay=0.5", "--lr-decay has no effect with --schedule constant" },
        { "schedule=linear lr-decay=0.5", "--lr-decay has no effect with --schedule linear" },
        { "schedule=cosine lr-decay=0.5", "--lr-decay has no effect with --schedule cosine" },
        { "schedule=one-cycle lr-decay=0.5", "--lr-decay has no effect with --schedule one-cycle" },
        { "lr-every=2", "--lr-every has no effect with --schedule constant" },
        { "lr-decay=0.5 lr-every=2", "--lr-every has no effect with --schedule exponential" },
        { "schedule=cosine lr-every=2", "--lr-every has no effect with --schedule cosine" },
        { "lr-final=0.5", "--lr-final has no effect with --schedule constant" },
        { "schedule=step lr-final=0.5", "--lr-final has no effect with --schedule step" },
    };
    lam_data *data = toy_data(20, 0, 4, 3, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lam_net *net = NULL;
        lam_options *o = toy_options(rows[i][0]);
        assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), NULL));
        assert_int_equal(lam_train(net, data, o, NULL, NULL), LAM_EOPTION);
        assert_message(rows[i][1]);
        lam_options_free(o);
        lam_net_free(net);
    }
    lam_data_free(data);
}

static void wrong_warm_ups_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "2",
                                       "-0.1",
                                       "5x",
                                       "steps",
                                       "0steps",
                                       "1.5epochs",
                                       "nan",
                                       "0x1p-2",
                                       "18446744073709551616steps",
                                       "18446744073709551615epochs" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lami_schedule s;
        lam_options *o = toy_options("lr=1");
        assert_ok(lam_options_set(o, "warmup", bad[i]));
        assert_ok(lami_schedule_resolve(o));
        assert_int_equal(lami_schedule_set(&s, o, STEPS, EPOCH), LAM_EOPTION);
        assert_message("--warmup");
        lam_options_free(o);
    }
}

static void courses_with_an_end_need_a_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < COURSES; i++) {
        lami_schedule s;
        lam_options *o = toy_options(courses[i].list);
        assert_ok(lami_schedule_resolve(o));
        assert_int_equal(lami_schedule_has_end(o), courses[i].has_end);
        assert_int_equal(lami_schedule_set(&s, o, 0, EPOCH), courses[i].has_end ? LAM_EOPTION : LAM_OK);
        if (courses[i].has_end)
            assert_message("not --time alone");
        lam_options_free(o);
    }
}

/* ---- trainings ---- */

static const char notation[] = "affine 9 - batchnorm - relu - dropout 0.2 - affine 3 - softmax";

/* What a training ends with, and the rates of its steps. */
typedef struct run {
    lami_result result;
    double lr[STEPS + 1];
    size_t stop_at; /* end in the callback of this step, and */
    int dies;       /* as a process that is killed does */
} run;

static int watch(const lam_progress *p, void *arg)
{
    run *r = arg;
    assert_true(p->step <= STEPS);
    r->lr[p->step] = p->lr;
    if (p->step == r->stop_at && r->dies)
        _exit(0);
    return p->step == r->stop_at;
}

static lam_status train(run *r, const lam_data *data, const char *list, const char *out)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    lami_solver *solver = NULL;
    if (out)
        assert_ok(lam_options_set(o, "out", in_folder(out)));
    assert_ok(lam_net_new(&net, notation, lam_data_shape(data), o));
    lam_status status = lami_solver_new(&solver, net, data, o);
    if (!status)
        status = lami_solver_run(&r->result, solver, watch, r);
    lami_solver_free(solver);
    lam_net_free(net);
    lam_options_free(o);
    return status;
}

static lam_status resume(run *r, const lam_data *data, const char *out, const char *list)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    lami_solver *solver = NULL;
    lam_status status = lami_solver_resume(&solver, &net, in_folder(out), data, o);
    if (!status)
        status = lami_solver_run(&r->result, solver, watch, r);
    lami_solver_free(solver);
    lam_net_free(net);
    lam_options_free(o);
    return status;
}

static void trainings_take_the_rates_of_the_course(void **state)
{
    (void)state;
    lam_data *data = toy_data(EPOCH * 4, 0, 7, 3, 1);
    for (size_t i = 0; i < COURSES; i++) {
        char list[128];
        run r = { .stop_at = 0 };
        lami_schedule s = schedule_of(courses[i].list);
        snprintf(list, sizeof list, "epochs=5 batch=4 %s", courses[i].list);
        assert_ok(train(&r, data, list, NULL));
        assert_int_equal(r.result.steps, STEPS);
        for (size_t step = 0; step < STEPS; step++)
            assert_true(r.lr[step + 1] == lami_schedule_lr(&s, step));
    }
    lam_data_free(data);
}

static void time_alone_is_no_length_and_no_epochs_are_one(void **state)
{
    (void)state;
    run r = { .stop_at = 0 };
    lam_data *data = toy_data(20, 0, 7, 3, 1);
    assert_int_equal(train(&r, data, "time=1h schedule=cosine", NULL), LAM_EOPTION);
    assert_message("--schedule cosine depends on the length");
    assert_int_equal(train(&r, data, "time=1h warmup=0.1", NULL), LAM_EOPTION);
    assert_message("with this --warmup");
    assert_ok(train(&r, data, "time=1h epochs=1 schedule=cosine", NULL));
    assert_ok(train(&r, data, "epochs=0 schedule=one-cycle", NULL));
    lam_data_free(data);
}

static void a_run_whose_course_has_an_end_cannot_be_made_longer(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *go_on;
        lam_status status;
    } rows[] = {
        { "epochs=2 schedule=cosine", "epochs=3", LAM_EOPTION },
        { "epochs=2 schedule=cosine", "epochs=1.5", LAM_EOPTION },
        { "epochs=2 schedule=cosine", "steps=10", LAM_EOPTION },
        { "epochs=2 schedule=cosine", "epochs=2", LAM_OK },
        { "epochs=2 schedule=cosine", "epochs=2.0", LAM_OK },
        { "epochs=2 schedule=cosine", "", LAM_OK },
        { "epochs=2 schedule=cosine", "time=1h threads=2", LAM_OK },
        { "epochs=2 schedule=cosine", "schedule=constant", LAM_EOPTION },
        { "steps=7 schedule=one-cycle", "steps=8", LAM_EOPTION },
        { "steps=7 schedule=one-cycle", "steps=7", LAM_OK },
        { "steps=7 epochs=2 schedule=one-cycle", "epochs=2", LAM_EOPTION }, /* would lift the limit of 7 steps */
        { "steps=7 epochs=2 schedule=one-cycle", "steps=7 epochs=2", LAM_OK },
        { "epochs=2 schedule=step", "epochs=3", LAM_EOPTION },
        { "epochs=2 schedule=step lr-every=1", "epochs=3", LAM_OK },
        { "epochs=2 warmup=0.1", "epochs=3", LAM_EOPTION },
        { "epochs=2 warmup=3steps", "epochs=3", LAM_OK },
        { "epochs=2 lr-decay=0.5", "epochs=3", LAM_OK },
    };
    lam_data *data = toy_data(20, 0, 7, 3, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[16], list[128];
        run r = { .stop_at = 3 };
        snprintf(name, sizeof name, "end%zu", i);
        snprintf(list, sizeof list, "batch=4 %s", rows[i].begin);
        assert_ok(train(&r, data, list, name));
        r.stop_at = 0;
        const lam_status status = resume(&r, data, name, rows[i].go_on);
        if (status != rows[i].status)
            fail_msg("%s, then %s: %s", rows[i].begin, rows[i].go_on, lam_last_error());
    }
    lam_data_free(data);
}

static const char whole[] = "epochs=3 batch=4 schedule=one-cycle lr=0.03 lr-final=0.01 accumulate=2 clip=0.3 l2=1e-3 "
                            "optim=adamw save-every=1step";

static void assert_same(const run *a, const run *b)
{
    assert_string_equal(a->result.weights_sha256, b->result.weights_sha256);
    assert_string_equal(a->result.best_sha256, b->result.best_sha256);
    assert_int_equal(a->result.steps, b->result.steps);
    assert_true(a->result.loss == b->result.loss);
    for (size_t step = 1; step <= a->result.steps; step++)
        assert_true(a->lr[step] == b->lr[step]);
}

static void stopped_and_resumed_with_one_cycle_clipping_and_accumulation_gives_the_same_bits(void **state)
{
    (void)state;
    lam_data *data = toy_data(53, 20, 7, 3, 1);
    run all = { .stop_at = 0 };
    assert_ok(train(&all, data, whole, NULL));
    assert_int_equal(all.result.steps, 18);
    static const size_t stops[] = { 1, 5, 6, 11, 17 };
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        char name[16];
        run parts = { .stop_at = stops[i] };
        snprintf(name, sizeof name, "stop%zu", i);
        assert_ok(train(&parts, data, whole, name));
        assert_true(parts.result.stopped);
        parts.stop_at = 0;
        assert_ok(resume(&parts, data, name, i % 2 ? "threads=3" : "no-merge=1"));
        assert_same(&all, &parts);
    }
    lam_data_free(data);
}

static void killed_and_resumed_it_gives_the_same_bits(void **state)
{
    (void)state;
    lam_data *data = toy_data(53, 20, 7, 3, 1);
    run all = { .stop_at = 0 }, parts = { .stop_at = 0 };
    char list[256];
    snprintf(list, sizeof list, "%s save-every=4steps threads=1", whole);
    assert_ok(train(&all, data, list, NULL));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        run dying = { .stop_at = 11, .dies = 1 };
        train(&dying, data, list, "killed");
        _exit(1);
    }
    int ended = -1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    assert_ok(resume(&parts, data, "killed", ""));
    memcpy(parts.lr, all.lr, 9 * sizeof *parts.lr); /* those of the process that was killed, up to its checkpoint */
    assert_same(&all, &parts);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_course_follows_its_formula),
        cmocka_unit_test(first_and_last_steps_are_where_they_should_be),
        cmocka_unit_test(the_rate_of_a_step_does_not_depend_on_which_were_asked_for_before),
        cmocka_unit_test(decays_that_arrive_somewhere_stay_there),
        cmocka_unit_test(defaults_become_explicit),
        cmocka_unit_test(options_without_effect_are_refused),
        cmocka_unit_test(wrong_warm_ups_are_refused),
        cmocka_unit_test(courses_with_an_end_need_a_length),
        cmocka_unit_test(trainings_take_the_rates_of_the_course),
        cmocka_unit_test(time_alone_is_no_length_and_no_epochs_are_one),
        cmocka_unit_test(a_run_whose_course_has_an_end_cannot_be_made_longer),
        cmocka_unit_test(stopped_and_resumed_with_one_cycle_clipping_and_accumulation_gives_the_same_bits),
        cmocka_unit_test(killed_and_resumed_it_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
