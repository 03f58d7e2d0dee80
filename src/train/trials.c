/* trials: see trials.h. */
#include "trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"

static const size_t file_most_bytes = (size_t)1 << 30;

lam_status lami_trials_new(lami_trials *trials)
{
    *trials = (lami_trials) { .done = lami_alloc(LAMI_MAX_TRIALS, 1), .best = SIZE_MAX };
    return trials->done ? LAM_OK : LAM_ENOMEM;
}

void lami_trials_free(lami_trials *trials)
{
    for (size_t i = 0; i < trials->count; i++)
        lami_free(trials->trial[i].error);
    lami_free(trials->trial);
    lami_free(trials->done);
    *trials = (lami_trials) { 0 };
}

lam_status lami_trials_add(lami_trials *trials, const lami_trial *trial)
{
    void *all = trials->trial;
    LAM_TRY(lami_grow(&all, &trials->capacity, trials->count + 1, sizeof *trials->trial));
    trials->trial = all;
    const size_t at = trials->count++;
    const int failed = trial->error != NULL;
    trials->trial[at] = *trial;
    trials->done[trial->index] = 1;
    trials->failed += (size_t)failed;
    trials->seconds_used[failed] += trial->seconds;
    if (!failed && (trials->best == SIZE_MAX || lami_trial_better(trial, &trials->trial[trials->best])))
        trials->best = at;
    return LAM_OK;
}

const lami_trial *lami_trials_best(const lami_trials *trials)
{
    return trials->best == SIZE_MAX ? NULL : &trials->trial[trials->best];
}

double lami_trials_mean_seconds(const lami_trials *trials)
{
    const size_t scored = trials->count - trials->failed;
    if (!trials->count)
        return NAN;
    return scored ? trials->seconds_used[0] / (double)scored : trials->seconds_used[1] / (double)trials->failed;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

int lami_trial_better(const lami_trial *a, const lami_trial *b)
{
    if (isnan(a->score) != isnan(b->score))
        return isnan(b->score);
    if (a->score != b->score && !isnan(a->score))
        return a->score > b->score;
    return a->index < b->index;
}

static int by_rank(const void *a, const void *b)
{
    const lami_trial *const *x = a, *const *y = b;
    return lami_trial_better(*x, *y) ? -1 : lami_trial_better(*y, *x);
}

lam_status lami_trials_ranked(const lami_trial ***ranked, const lami_trials *trials)
{
    const lami_trial **list = lami_alloc(trials->count, sizeof *list);
    *ranked = list;
    if (!list)
        return LAM_ENOMEM;
    for (size_t i = 0; i < trials->count; i++)
        list[i] = &trials->trial[i];
    qsort(list, trials->count, sizeof *list, by_rank);
    return LAM_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

json_t *lami_trial_values(const lami_space *space, size_t trial)
{
    json_t *values = json_object();
    for (size_t d = 0; values && d < space->dims; d++) {
        char text[LAMI_REAL_TEXT];
        if (json_object_set_new(values, space->dim[d].name, lami_json_value(lami_space_value(text, space, trial, d)))) {
            json_decref(values);
            return NULL;
        }
    }
    return values;
}

static json_t *object_of(const lami_trial *t, const lami_space *space)
{
    json_t *values = lami_trial_values(space, t->index);
    if (!values)
        return NULL;
    if (t->error)
        return json_pack("{s:I, s:o, s:n, s:o, s:f, s:f}", "trial", (json_int_t)t->index, "values", values, "score",
                         "error", lami_json_text(t->error), "seconds", t->seconds, "elapsed", t->elapsed);
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:f, s:f, s:s, s:s}", "trial", (json_int_t)t->index,
                     "values", values, "score", lami_json_real(t->score), "deviation", lami_json_real(t->deviation),
                     "train_score", lami_json_real(t->train_score), "loss", lami_json_real(t->loss), "epochs",
                     (json_int_t)t->epochs, "steps", (json_int_t)t->steps, "samples_per_second",
                     lami_json_real(t->samples_per_second), "seconds", t->seconds, "elapsed", t->elapsed,
                     "weights_sha256", t->weights_sha256, "best_sha256", t->best_sha256);
}

lam_status lami_trials_put(const lami_run *run, const lami_trial *trial, const lami_space *space)
{
    json_t *json = object_of(trial, space);
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!line)
        return lami_fail(LAM_ENOMEM, "out of memory for a line of %s", run->log);
    const lam_status status = lami_run_log_line(run, line);
    free(line);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static double real_of(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int take_size(size_t *size, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *size = (size_t)json_integer_value(value);
    return 1;
}

static int take_digest(char digest[65], const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text || strlen(text) != 64)
        return 0;
    memcpy(digest, text, 65);
    return 1;
}

/* 0: not a trial of this space. *trial owns nothing yet: its error is json's. */
static int take_trial(lami_trial *trial, const char **error, const json_t *json, const lami_trials *trials,
                      const lami_space *space)
{
    lami_trial t = { .score = real_of(json, "score"),
                     .deviation = real_of(json, "deviation"),
                     .train_score = real_of(json, "train_score"),
                     .loss = real_of(json, "loss"),
                     .seconds = real_of(json, "seconds"),
                     .elapsed = real_of(json, "elapsed"),
                     .samples_per_second = real_of(json, "samples_per_second") };
    if (!take_size(&t.index, json, "trial") || t.index >= space->points || trials->done[t.index] ||
        !(t.seconds >= 0 && t.elapsed >= 0))
        return 0;
    *error = json_string_value(json_object_get(json, "error"));
    if ((*error != NULL) != (isnan(t.score) != 0))
        return 0;
    if (!*error &&
        (!take_size(&t.epochs, json, "epochs") || !take_size(&t.steps, json, "steps") ||
         !take_digest(t.weights_sha256, json, "weights_sha256") || !take_digest(t.best_sha256, json, "best_sha256")))
        return 0;
    *trial = t;
    return 1;
}

static lam_status read_line(lami_trials *trials, const char *line, size_t length, const lami_space *space)
{
    lami_trial trial;
    const char *error = NULL;
    json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json || !take_trial(&trial, &error, json, trials, space)) {
        json_decref(json);
        return lami_fail(LAM_EFORMAT, "not a trial of this search");
    }
    if (error)
        trial.error = lami_strdup(error);
    json_decref(json);
    lam_status status = error && !trial.error ? LAM_ENOMEM : lami_trials_add(trials, &trial);
    if (status)
        lami_free(trial.error);
    return status;
}

lam_status lami_trials_read(lami_trials *trials, lami_run *run, const lami_space *space)
{
    lami_blob blob = { 0 };
    LAM_TRY(lami_blob_open(&blob, run->log, file_most_bytes));
    const char *const text = blob.size ? (const char *)blob.data : "";
    lam_status status = LAM_OK;
    size_t at = 0;
    for (size_t number = 1; !status && at < blob.size; number++) {
        const char *end = memchr(text + at, '\n', blob.size - at);
        if (!end)
            break;
        const size_t length = (size_t)(end - (text + at));
        status = read_line(trials, text + at, length, space);
        if (status)
            lami_fail_at(status, "%s: line %zu", run->log, number);
        at += length + 1;
    }
    if (!status)
        status = lami_run_begin_log(run, text, at);
    lami_blob_close(&blob);
    return status;
}
