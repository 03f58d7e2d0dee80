/* checkpoint, run: run folders, and trainings that are stopped, killed, resumed, made longer, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <jansson.h>

#include "../src/core/file.h"
#include "../src/core/mem.h"
#include "../src/train/checkpoint.h"
#include "../src/train/run.h"
#include "folder.h"
#include "toy.h"

static const char notation[] = "{affine 9 - batchnorm - relu - dropout 0.2} x 2 - affine 3 - softmax";
enum { N = 53, VAL = 30, D = 12, LIST = 2 * FOLDER_PATH, ENTRIES = 64 };

/* What a training leaves. */
typedef struct outcome {
    lami_result result;
    lami_history history[ENTRIES];
    size_t entries;
} outcome;

static lam_net *new_net(const lam_data *data, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_int_equal(lam_net_new(&net, notation, lam_data_shape(data), options), LAM_OK);
    lam_options_free(options);
    return net;
}

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

/* Train; with run, in the run folder of that name. stop: after this step, 0 never. */
static lam_status begin(outcome *o, const lam_data *data, const char *run, const char *list, size_t stop)
{
    lam_net *net = new_net(data, list);
    lam_options *options = toy_options(list);
    lami_solver *solver = NULL;
    if (run)
        assert_int_equal(lam_options_set(options, "out", in_folder(run)), LAM_OK);
    lam_status status = lami_solver_new(&solver, net, data, options);
    if (!status)
        status = finish(o, solver, stop);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    return status;
}

static lam_status go_on(outcome *o, const lam_data *data, const char *run, const char *list, size_t stop)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    lami_solver *solver = NULL;
    lam_status status = lami_solver_resume(&solver, &net, in_folder(run), data, options);
    assert_true(!net == !!status);
    if (!status)
        status = finish(o, solver, stop);
    lami_solver_free(solver);
    lam_net_free(net);
    lam_options_free(options);
    return status;
}

static int same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The same training, but for seconds. */
static void assert_same(const outcome *a, const outcome *b)
{
    assert_int_equal(a->result.steps, b->result.steps);
    assert_int_equal(a->result.epochs, b->result.epochs);
    assert_string_equal(a->result.weights_sha256, b->result.weights_sha256);
    assert_string_equal(a->result.best_sha256, b->result.best_sha256);
    assert_true(same(a->result.best_accuracy, b->result.best_accuracy) && same(a->result.loss, b->result.loss));
    assert_int_equal(a->entries, b->entries);
    for (size_t i = 0; i < a->entries; i++) {
        const lami_history *x = &a->history[i], *y = &b->history[i];
        assert_int_equal(x->epoch, y->epoch);
        assert_int_equal(x->step, y->step);
        assert_true(same(x->loss, y->loss) && same(x->lr, y->lr));
        assert_true(same(x->train_accuracy, y->train_accuracy) && same(x->val_accuracy, y->val_accuracy));
    }
}

/* The log holds exactly this history. */
static void assert_log(const char *run, const outcome *o)
{
    char path[LIST], line[512];
    size_t i = 0;
    snprintf(path, sizeof path, "%s/log.jsonl", in_folder(run));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); i++) {
        json_t *json = json_loads(line, 0, NULL);
        assert_non_null(json);
        assert_true(i < o->entries);
        assert_int_equal(json_integer_value(json_object_get(json, "epoch")), o->history[i].epoch);
        assert_int_equal(json_integer_value(json_object_get(json, "step")), o->history[i].step);
        assert_true(json_real_value(json_object_get(json, "loss")) == o->history[i].loss);
        assert_true(json_real_value(json_object_get(json, "train_accuracy")) == o->history[i].train_accuracy);
        assert_true(isnan(o->history[i].val_accuracy)
                        ? json_is_null(json_object_get(json, "val_accuracy"))
                        : json_real_value(json_object_get(json, "val_accuracy")) == o->history[i].val_accuracy);
        assert_true(json_real_value(json_object_get(json, "lr")) == o->history[i].lr);
        assert_true(json_is_number(json_object_get(json, "seconds")));
        json_decref(json);
    }
    assert_int_equal(i, o->entries);
    fclose(file);
}

static void assert_model(const char *run, const char *hash)
{
    lam_net *net = NULL;
    char found[65];
    assert_ok(lam_net_load(&net, in_folder(run)));
    assert_ok(lam_net_sha256(net, found));
    assert_string_equal(found, hash);
    lam_net_free(net);
}

/* ---- a run folder ---- */

static void a_run_folder_holds_config_log_checkpoint_and_model(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    data->path = lami_strdup("images: a = b");
    assert_ok(begin(&o, data, "deep/er/run", "epochs=3 batch=10 init-scale=0.1 optim=momentum threads=1", 0));
    assert_int_equal(o.entries, 3);
    assert_log("deep/er/run", &o);
    assert_model("deep/er/run", o.result.best_sha256);

    lam_options *options = NULL;
    char *path = NULL;
    const char *value;
    assert_ok(lami_run_config(&options, &path, in_folder("deep/er/run")));
    assert_string_equal(path, "images: a = b");
    static const char *const expected[][2] = { { "epochs", "3" },       { "batch", "10" },  { "init-scale", "0.1" },
                                               { "optim", "momentum" }, { "lr", "0.01" },   { "threads", "1" },
                                               { "out", "" },           { "dtype", "f32" }, { "sample", "shuffle" } };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_ok(lam_options_get(&value, options, expected[i][0]));
        assert_string_equal(value, expected[i][1]);
    }
    assert_false(lami_option_given(options, offsetof(lam_options, dropout_seed)));
    assert_false(lami_option_given(options, offsetof(lam_options, steps)));
    lam_options_free(options);
    lami_free(path);
    lam_data_free(data);
}

static void a_folder_that_holds_a_run_or_other_things_is_left_alone(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    outcome o;
    make_folder("mine");
    write_file("mine/notes", "x", 1);
    assert_ok(begin(&o, data, "mine", "steps=2", 0));
    assert_model("mine", o.result.weights_sha256);
    assert_int_equal(begin(&o, data, "mine", "steps=2", 0), LAM_EBUSY);
    assert_message("already holds a run; continue with --resume");
    assert_ok(go_on(&o, data, "mine", "", 0));
    make_folder("git");
    write_file("git/config", "[core]\n", 7);
    assert_int_equal(begin(&o, data, "git", "steps=2", 0), LAM_EWRITE);
    write_file("file", "x", 1);
    assert_int_equal(begin(&o, data, "file", "steps=2", 0), LAM_EWRITE);
    assert_int_equal(begin(&o, data, "file/run", "steps=2", 0), LAM_EWRITE);
    /* What a run that died before its first checkpoint leaves may be used again. */
    make_folder("dead");
    write_file("dead/config", "# lamina run\nnet = x\n", 21);
    write_file("dead/log.jsonl", "{}", 2);
    assert_ok(begin(&o, data, "dead", "epochs=1", 0));
    assert_log("dead", &o);
    lam_data_free(data);
}

static void nothing_is_kept_without_a_folder_or_with_no_save(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    outcome o;
    assert_ok(begin(&o, data, "unkept", "steps=2 no-save=1", 0));
    assert_int_equal(access(in_folder("unkept"), F_OK), -1);
    lam_data_free(data);
}

static void a_folder_in_use_is_busy_and_a_dead_lock_is_not(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    outcome o;
    make_folder("locked");
    write_file("locked/lock", "", 0);
    const int fd = open(in_folder("locked/lock"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(begin(&o, data, "locked", "steps=2", 0), LAM_EBUSY);
    assert_message("in use");
    close(fd);
    assert_ok(begin(&o, data, "locked", "steps=2", 0));
    const int again = open(in_folder("locked/lock"), O_RDWR);
    assert_int_equal(flock(again, LOCK_EX), 0);
    assert_int_equal(go_on(&o, data, "locked", "", 0), LAM_EBUSY);
    close(again);
    assert_ok(go_on(&o, data, "locked", "", 0));
    lam_data_free(data);
}

/* ---- stopped and resumed ---- */

static void stopped_anywhere_and_resumed_is_the_same_training(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "epochs=4 batch=10 lr-decay=0.7",
        "epochs=3.5 batch=10 optim=sgd dtype=f64 sample=replace l2=1e-3 preprocess=standardize",
        "epochs=4 batch=10 optim=rmsprop patience=2",
        "steps=17 batch=10 optim=nesterov seed=7 save-every=1epochs dropout-seed=9",
        "epochs=4 batch=10 ema=0.9 bn-recompute=40 threads=3",
        "epochs=8 batch=5 ema=0.95 accumulate=2 clip=1 optim=sgd",
    };
    static const size_t stops[] = { 1, 3, 5, 9, 10, 16 };
    for (size_t i = 0; i < 2 * sizeof lists / sizeof *lists; i++) {
        const char *list = lists[i / 2];
        if (i % 2 && strstr(list, "patience"))
            continue;
        lam_data *data = toy_data(N, i % 2 ? 0 : VAL, D, 3, 1.5);
        outcome whole, parts;
        char run[32];
        assert_ok(begin(&whole, data, NULL, list, 0));
        snprintf(run, sizeof run, "stop%zu", i);
        assert_ok(begin(&parts, data, run, list, stops[0]));
        for (size_t j = 1; j < sizeof stops / sizeof *stops; j++) {
            assert_ok(go_on(&parts, data, run, "", stops[j]));
            assert_log(run, &parts);
        }
        assert_ok(go_on(&parts, data, run, "", 0));
        assert_same(&whole, &parts);
        assert_log(run, &parts);
        assert_model(run, parts.result.best_sha256);
        assert_ok(go_on(&parts, data, run, "", 0)); /* done already */
        assert_same(&whole, &parts);
        lam_data_free(data);
    }
}

static void made_longer_is_as_if_it_had_never_stopped(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome whole, parts;
    assert_ok(begin(&whole, data, NULL, "epochs=6 batch=10", 0));
    assert_ok(begin(&parts, data, "longer", "epochs=2.5 batch=10", 0));
    assert_int_equal(parts.entries, 3); /* the last one inside an epoch */
    assert_ok(go_on(&parts, data, "longer", "steps=22 threads=2 no-merge=1", 0));
    assert_int_equal(parts.result.steps, 22);
    assert_ok(go_on(&parts, data, "longer", "epochs=6", 0));
    assert_same(&whole, &parts);
    assert_log("longer", &parts);
    lam_data_free(data);
}

static void options_that_would_change_the_bits_are_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = { { "lr=0.5", "--lr" },
                                              { "batch=11", "--batch" },
                                              { "seed=1", "--seed" },
                                              { "optim=sgd", "--optim" },
                                              { "dropout-seed=0", "--dropout-seed" },
                                              { "dtype=f64", "--dtype" },
                                              { "preprocess=none", "--preprocess" },
                                              { "no-save=1", "--no-save" } };
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    assert_ok(begin(&o, data, "fixed", "epochs=1 batch=10", 0));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(go_on(&o, data, "fixed", refused[i][0], 0), LAM_EOPTION);
        assert_message(refused[i][1]);
    }
    assert_ok(go_on(&o, data, "fixed", "epochs=2 lr=1e-3 batch=10 patience=9 save-every=5s time=1h isa=plain", 0));
    assert_int_equal(o.result.epochs, 2);
    assert_ok(go_on(&o, data, "fixed", "", 0)); /* the change stays */
    assert_int_equal(o.result.epochs, 2);
    lam_data_free(data);
}

static void other_data_is_refused(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5), *fewer = toy_data(N - 1, VAL, D, 3, 1.5),
             *relabelled = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    relabelled->part[LAM_TRAIN].label[7] ^= 1;
    assert_ok(begin(&o, data, "data", "epochs=1 batch=10", 0));
    assert_int_equal(go_on(&o, fewer, "data", "", 0), LAM_ESHAPE);
    assert_message("52 training");
    assert_int_equal(go_on(&o, relabelled, "data", "", 0), LAM_ESHAPE);
    lam_data_free(data);
    lam_data_free(fewer);
    lam_data_free(relabelled);
}

/* ---- killed ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In another process: begin or go on, killed after `after` seconds unless it ended before. 1: it ended well. */
static int in_a_process(const lam_data *data, const char *run, const char *list, double after)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        outcome o;
        char checkpoint[LIST];
        snprintf(checkpoint, sizeof checkpoint, "%s/last.ckpt", in_folder(run));
        const int begun = access(checkpoint, F_OK) == 0;
        _exit(begun ? go_on(&o, data, run, "", 0) != LAM_OK : begin(&o, data, run, list, 0) != LAM_OK);
    }
    const double end = seconds() + after;
    int status = 0;
    pid_t done = 0;
    while (!(done = waitpid(pid, &status, WNOHANG)) && seconds() < end)
        nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
    if (!done) {
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

/* Files that are none of the five. */
static size_t strangers(const char *run)
{
    DIR *dir = opendir(in_folder(run));
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2 - 5;
}

static void killed_at_any_moment_and_resumed_is_the_same_training(void **state)
{
    (void)state;
    static const char *const lists[] = { "epochs=40 batch=10 save-every=0s threads=1",
                                         "epochs=60 batch=10 save-every=3steps threads=2",
                                         "epochs=40 batch=10 save-every=0s ema=0.99 bn-recompute=50",
                                         "epochs=40 batch=10 save-every=0s accumulate=2 augment=mixup=0.4" };
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    const lami_rng rng = lami_rng_make((uint64_t)getpid(), LAMI_RNG_TEST, 9, 0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        outcome whole, parts;
        char run[32], best[LIST];
        snprintf(run, sizeof run, "killed%zu", i);
        snprintf(best, sizeof best, "%s/best.safetensors", in_folder(run));
        size_t kills = 0;
        while (kills < 15 && !in_a_process(data, run, lists[i], 0.001 + 0.06 * lami_rng_uniform(&rng, kills))) {
            lam_net *net = NULL;
            if (access(best, F_OK) == 0) { /* a whole model at any moment */
                assert_ok(lam_net_load(&net, in_folder(run)));
                lam_net_free(net);
            }
            kills++;
        }
        while (!in_a_process(data, run, lists[i], 60))
            ;
        assert_ok(go_on(&parts, data, run, "", 0));
        assert_ok(begin(&whole, data, NULL, lists[i], 0));
        assert_same(&whole, &parts);
        assert_log(run, &parts);
        assert_model(run, whole.result.best_sha256);
        assert_int_equal(strangers(run), 0);
    }
    lam_data_free(data);
}

static void what_dead_processes_left_half_written_is_removed(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    char name[64];
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(begin(&o, data, "orphan", "epochs=1 batch=10", 0));
    snprintf(name, sizeof name, "orphan/.lamina-%ld-3.tmp", (long)pid);
    write_file(name, "x", 1);
    snprintf(name, sizeof name, "orphan/.lamina-%ld-3.tmp", (long)getpid());
    write_file(name, "x", 1);
    write_file("orphan/.lamina-1.tmp2", "x", 1);
    assert_ok(go_on(&o, data, "orphan", "", 0));
    assert_int_equal(strangers("orphan"), 2);
    lam_data_free(data);
}

/* ---- damaged ---- */

static lami_blob read_file(const char *name)
{
    lami_blob mapped, copy = { 0 };
    assert_ok(lami_blob_open(&mapped, in_folder(name), 1 << 24));
    copy.size = mapped.size;
    uint8_t *bytes = lami_alloc(mapped.size, 1);
    memcpy(bytes, mapped.data, mapped.size);
    copy.data = bytes;
    lami_blob_close(&mapped);
    return copy;
}

static void a_damaged_checkpoint_is_refused(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    assert_ok(begin(&o, data, "hurt", "epochs=2 batch=10", 0));
    const lami_blob good = read_file("hurt/last.ckpt");
    uint8_t *bad = lami_alloc(good.size, 1);
    for (size_t size = 0; size < good.size; size += 1 + size / 4) {
        write_file("hurt/last.ckpt", good.data, size);
        assert_int_equal(go_on(&o, data, "hurt", "", 0), LAM_EFORMAT);
        assert_message("last.ckpt");
    }
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < good.size; i += 1 + good.size / 60) {
        memcpy(bad, good.data, good.size);
        bad[i] ^= 1;
        write_file("hurt/last.ckpt", bad, good.size);
        const lam_status status = go_on(&o, data, "hurt", "", 0);
        tried++;
        refused += status != LAM_OK;
        assert_true(status == LAM_OK || status == LAM_EFORMAT || status == LAM_EVERSION || status == LAM_ESHAPE ||
                    status == LAM_EUNSUPPORTED);
    }
    assert_true(refused + 5 >= tried); /* lamina.version and the like may differ */
    write_file("hurt/last.ckpt", good.data, good.size);
    assert_ok(go_on(&o, data, "hurt", "", 0));
    write_file("hurt/config", "# lamina run\nbatch 10\n", 22);
    assert_int_equal(go_on(&o, data, "hurt", "", 0), LAM_EFORMAT);
    assert_message("line 2");
    assert_int_equal(unlink(in_folder("hurt/config")), 0);
    assert_int_equal(go_on(&o, data, "hurt", "", 0), LAM_EREAD);
    assert_int_equal(go_on(&o, data, "nowhere", "", 0), LAM_EREAD);
    make_folder("empty");
    assert_int_equal(go_on(&o, data, "empty", "", 0), LAM_EREAD);
    assert_message("last.ckpt");
    lami_free(bad);
    lami_free((void *)(uintptr_t)good.data);
    lam_data_free(data);
}

static void a_model_is_no_checkpoint(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    assert_ok(begin(&o, data, "model", "epochs=2 batch=10", 0));
    const lami_blob model = read_file("model/best.safetensors");
    write_file("model/last.ckpt", model.data, model.size);
    assert_int_equal(go_on(&o, data, "model", "", 0), LAM_EFORMAT);
    assert_message("not a checkpoint");
    lami_free((void *)(uintptr_t)model.data);
    lam_data_free(data);
}

static void a_checkpoint_is_also_a_model_of_the_last_step(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    lam_net *net = NULL;
    char hash[65];
    assert_ok(begin(&o, data, "both", "epochs=2 batch=10", 0));
    assert_ok(lam_net_load(&net, in_folder("both/last.ckpt")));
    assert_ok(lam_net_sha256(net, hash));
    assert_string_equal(hash, o.result.weights_sha256);
    lam_net_free(net);
    lam_data_free(data);
}

static void divergence_leaves_the_last_good_checkpoint(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome o;
    lam_net *net = NULL;
    assert_int_equal(begin(&o, data, "diverged", "epochs=200 batch=10 lr=1e6 l2=1 optim=sgd save-every=2steps", 0),
                     LAM_EDIVERGED);
    assert_ok(lam_net_load(&net, in_folder("diverged/last.ckpt")));
    lam_net_free(net);
    assert_int_equal(go_on(&o, data, "diverged", "", 0), LAM_EDIVERGED);
    lam_data_free(data);
}

/* ---- no room ---- */

/* In another process, where files cannot grow over 4 KiB: the status that training ends with. */
static lam_status in_little_room(const lam_data *data, const char *run, const char *list, int resume)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        outcome o;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit) { 4096, 4096 });
        _exit(-(resume ? go_on(&o, data, run, list, 0) : begin(&o, data, run, list, 0)));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (lam_status)-WEXITSTATUS(status);
}

static void a_full_disk_is_an_error_and_the_old_checkpoint_stays(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 1.5);
    outcome whole, o;
    assert_int_equal(in_little_room(data, "full", "epochs=2 batch=10", 0), LAM_EWRITE);
    assert_ok(begin(&whole, data, NULL, "epochs=4 batch=10", 0));
    assert_ok(begin(&o, data, "full2", "epochs=4 batch=10", 7));
    const lami_blob before = read_file("full2/last.ckpt");
    assert_int_equal(in_little_room(data, "full2", "save-every=1steps", 1), LAM_EWRITE);
    const lami_blob after = read_file("full2/last.ckpt");
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, after.size);
    assert_ok(go_on(&o, data, "full2", "", 0));
    assert_same(&whole, &o);
    lami_free((void *)(uintptr_t)before.data);
    lami_free((void *)(uintptr_t)after.data);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_data *data = toy_data(9, 6, 4, 3, 1);
    lam_status status = LAM_ENOMEM;
    outcome o;
    char run[32];
    for (long n = 1; status; n += 1 + n / 40) {
        snprintf(run, sizeof run, "thrifty%ld", n);
        lam_net *net = new_net(data, "");
        lam_options *options = toy_options("epochs=1 batch=4 threads=1 ema=0.9 bn-recompute=5");
        assert_ok(lam_options_set(options, "out", in_folder(run)));
        lami_alloc_fail_at(n);
        status = lam_train(net, data, options, NULL, NULL);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        lam_options_free(options);
        lam_net_free(net);
        assert_true(n < 5000);
    }
    status = LAM_ENOMEM;
    for (long n = 1; status; n += 1 + n / 40) {
        lam_net *net = NULL;
        lami_alloc_fail_at(n);
        status = lam_resume(&net, in_folder(run), data, NULL, NULL, NULL);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        assert_true(!net == !!status);
        lam_net_free(net);
        assert_true(n < 5000);
    }
    assert_ok(go_on(&o, data, run, "", 0));
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_folder_holds_config_log_checkpoint_and_model),
        cmocka_unit_test(a_folder_that_holds_a_run_or_other_things_is_left_alone),
        cmocka_unit_test(nothing_is_kept_without_a_folder_or_with_no_save),
        cmocka_unit_test(a_folder_in_use_is_busy_and_a_dead_lock_is_not),
        cmocka_unit_test(stopped_anywhere_and_resumed_is_the_same_training),
        cmocka_unit_test(made_longer_is_as_if_it_had_never_stopped),
        cmocka_unit_test(options_that_would_change_the_bits_are_refused),
        cmocka_unit_test(other_data_is_refused),
        cmocka_unit_test(killed_at_any_moment_and_resumed_is_the_same_training),
        cmocka_unit_test(what_dead_processes_left_half_written_is_removed),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(a_model_is_no_checkpoint),
        cmocka_unit_test(a_checkpoint_is_also_a_model_of_the_last_step),
        cmocka_unit_test(divergence_leaves_the_last_good_checkpoint),
        cmocka_unit_test(a_full_disk_is_an_error_and_the_old_checkpoint_stays),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
