/* run: see run.h. */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/file.h"
#include "../core/json.h"
#include "../core/list.h"
#include "../core/mem.h"
#include "schedule.h"

enum { CONFIG_MAX_BYTES = 16 << 20, LIST_TEXT = 256 };

static const char config_head[] = "# lamina run\n";

static const char log_name[] = "log.jsonl", trials_name[] = "trials.jsonl";

/* Keys of a search's config that are no options. */
static const char *const of_search[] = { "net", "grid", "random", "trials", "cv", "budget", NULL };

/* Options whose being given means something, whatever the value: kept only if given. */
static const char *const kept_if_given[] = { "threads",      "isa",        "no-merge", "epochs", "steps",
                                             "dropout-seed", "init-scale", "classes",  NULL };
/* Options that concern the folder, not the training. */
static const char *const not_kept[] = { "out", "no-save", "log", NULL };

static int is_among(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return 1;
    return 0;
}

static int is_given(const lam_options *options, size_t row)
{
    return lami_option_given(options, lami_option_table[row].offset);
}

/* ---- the folder ---- */

static lam_status cannot_create(const char *path, int error)
{
    return lami_fail(LAM_EWRITE, "cannot create %s: %s", path, strerror(error));
}

/* mkdir -p */
static lam_status make_folders(const char *folder)
{
    lam_status status = LAM_OK;
    char *path = lami_strdup(folder);
    if (!path)
        return LAM_ENOMEM;
    for (char *at = path + (*path == '/'); !status; at++) {
        const char end = *at;
        if (end && end != '/')
            continue;
        *at = 0;
        const int error = *path && mkdir(path, 0777) ? errno : 0;
        if (error && error != EEXIST && !lami_is_folder(path))
            status = cannot_create(path, error);
        *at = end;
        if (!end)
            break;
    }
    lami_free(path);
    if (!status && !lami_is_folder(folder))
        status = lami_fail(LAM_EWRITE, "cannot create %s: there is something else of that name", folder);
    return status;
}

static lam_status set_paths(lami_run *run, const char *folder, const char *log)
{
    *run = (lami_run) { .lock_fd = -1, .log_fd = -1, .extra_fd = -1 };
    run->folder = lami_strdup(folder);
    run->config = lami_path_join(folder, "config");
    run->log = lami_path_join(folder, log);
    run->checkpoint = lami_path_join(folder, "last.ckpt");
    run->best = lami_path_join(folder, "best.safetensors");
    return run->folder && run->config && run->log && run->checkpoint && run->best ? LAM_OK : LAM_ENOMEM;
}

/* flock: the system gives it up when the process ends, however it ends. */
static lam_status take_lock(lami_run *run)
{
    char *path = lami_path_join(run->folder, "lock");
    if (!path)
        return LAM_ENOMEM;
    lam_status status = LAM_OK;
    run->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (run->lock_fd < 0)
        status = cannot_create(path, errno);
    else if (flock(run->lock_fd, LOCK_EX | LOCK_NB))
        status = errno == EWOULDBLOCK ? lami_fail(LAM_EBUSY, "%s is in use: another process trains there", run->folder)
                                      : lami_fail(LAM_EWRITE, "cannot lock %s: %s", path, strerror(errno));
    lami_free(path);
    return status;
}

/* Temporaries of lami_writer, .lamina-PID-N.tmp, that a process left behind which is no more. */
static void remove_orphans(const lami_run *run)
{
    DIR *dir = opendir(run->folder);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        int pid = 0, end = 0;
        unsigned number;
        if (sscanf(entry->d_name, ".lamina-%d-%u.tmp%n", &pid, &number, &end) == 2 && end && !entry->d_name[end] &&
            pid > 0 && kill(pid, 0) && errno == ESRCH)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
}

/* Was the file written by us? A run that died before its first checkpoint leaves a config, which may be replaced. */
static int is_our_config(const char *path)
{
    lami_blob blob;
    if (lami_blob_open(&blob, path, CONFIG_MAX_BYTES))
        return 0;
    const size_t length = sizeof config_head - 1;
    const int ours = blob.size >= length && !memcmp(blob.data, config_head, length);
    lami_blob_close(&blob);
    return ours;
}

/* Is a search kept here? */
static int has_trials(const lami_run *run)
{
    char *path = lami_path_join(run->folder, trials_name);
    const int found = path && lami_is_file(path);
    lami_free(path);
    return found;
}

static lam_status check_free(const lami_run *run)
{
    if (has_trials(run))
        return lami_fail(LAM_EBUSY, "%s already holds a search; continue with lamina tune --resume %s", run->folder,
                         run->folder);
    if (lami_is_file(run->checkpoint) || lami_is_file(run->best))
        return lami_fail(LAM_EBUSY, "%s already holds a run; continue with --resume %s", run->folder, run->folder);
    const int config = lami_is_file(run->config), log = lami_is_file(run->log);
    if ((config && !is_our_config(run->config)) || (log && !config))
        return lami_fail(LAM_EWRITE, "%s holds other files named config or log.jsonl; choose another folder",
                         run->folder);
    return LAM_OK;
}

static lam_status open_log(lami_run *run, int flags)
{
    run->log_fd = open(run->log, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);
    return run->log_fd < 0 ? cannot_create(run->log, errno) : LAM_OK;
}

/* The log itself is opened by the first lami_run_relog, after the config is there: see check_free. */
static lam_status create(lami_run *run, const char *folder, const char *log)
{
    if (!*folder)
        return lami_fail(LAM_EOPTION, "--out: the name of the run folder is empty");
    LAM_TRY(set_paths(run, folder, log));
    LAM_TRY(make_folders(folder));
    LAM_TRY(take_lock(run));
    remove_orphans(run);
    return check_free(run);
}

lam_status lami_run_create(lami_run *run, const char *folder)
{
    return create(run, folder, log_name);
}

lam_status lami_run_create_search(lami_run *run, const char *folder)
{
    return create(run, folder, trials_name);
}

/* needs: the file without which nothing was begun. */
static lam_status open_begun(lami_run *run, const char *folder, const char *needs)
{
    if (!lami_is_folder(folder))
        return lami_fail(LAM_EREAD, "cannot resume %s: no such folder", folder);
    if (!lami_is_file(needs))
        return lami_fail(LAM_EREAD, "cannot resume %s: it holds no %s", folder, strrchr(needs, '/') + 1);
    LAM_TRY(take_lock(run));
    remove_orphans(run);
    return LAM_OK;
}

lam_status lami_run_open(lami_run *run, const char *folder)
{
    LAM_TRY(set_paths(run, folder, log_name));
    if (lami_is_folder(folder) && has_trials(run))
        return lami_fail(LAM_EREAD, "cannot resume %s: it holds a search; lamina tune --resume continues that", folder);
    return open_begun(run, folder, run->checkpoint);
}

lam_status lami_run_open_search(lami_run *run, const char *folder)
{
    LAM_TRY(set_paths(run, folder, trials_name));
    return open_begun(run, folder, run->log);
}

void lami_run_close(lami_run *run)
{
    if (run->log_fd >= 0)
        close(run->log_fd);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    if (run->extra_fd >= 0)
        close(run->extra_fd);
    lami_free(run->extra);
    lami_free(run->folder);
    lami_free(run->config);
    lami_free(run->log);
    lami_free(run->checkpoint);
    lami_free(run->best);
    *run = (lami_run) { .lock_fd = -1, .log_fd = -1, .extra_fd = -1 };
}

/* ---- config ---- */

static lam_status put_line(lami_writer *writer, const char *key, const char *value)
{
    if (strpbrk(value, "\r\n"))
        return lami_fail(LAM_EOPTION, "--%s: a value with a line break cannot be kept in a run folder", key);
    LAM_TRY(lami_writer_put(writer, key, strlen(key)));
    LAM_TRY(lami_writer_put(writer, " = ", 3));
    LAM_TRY(lami_writer_put(writer, value, strlen(value)));
    return lami_writer_put(writer, "\n", 1);
}

static lam_status put_options(lami_writer *writer, const lam_options *options)
{
    for (size_t row = 0; row < lami_option_count; row++) {
        const lami_option *r = &lami_option_table[row];
        const char *value;
        if (is_among(not_kept, r->name) || (is_among(kept_if_given, r->name) && !is_given(options, row)))
            continue;
        LAM_TRY(lam_options_get(&value, options, r->name));
        if (*value)
            LAM_TRY(put_line(writer, r->name, value));
    }
    return LAM_OK;
}

lam_status lami_run_put_search(const lami_run *run, const lam_options *options, const char *data_path,
                               const char *notation, const char *const *more)
{
    lam_status status = LAM_OK;
    lami_writer writer = { 0 };
    LAM_TRY_DONE(lami_writer_open(&writer, run->config));
    LAM_TRY_DONE(lami_writer_put(&writer, config_head, sizeof config_head - 1));
    LAM_TRY_DONE(put_line(&writer, "net", notation));
    if (data_path)
        LAM_TRY_DONE(put_line(&writer, "data", data_path));
    for (; more && *more; more += 2)
        if (more[1])
            LAM_TRY_DONE(put_line(&writer, more[0], more[1]));
    LAM_TRY_DONE(put_options(&writer, options));
    status = lami_writer_commit(&writer);
done:
    lami_writer_drop(&writer);
    return status;
}

lam_status lami_run_put_config(const lami_run *run, const lam_options *options, const char *data_path,
                               const char *notation)
{
    return lami_run_put_search(run, options, data_path, notation, NULL);
}

/* A line without its end, as "key", "value". */
static lam_status take_line(char *line, lam_options *options, char **data_path)
{
    char *equals = strstr(line, " = ");
    if (!*line || *line == '#')
        return LAM_OK;
    if (!equals)
        return lami_fail(LAM_EFORMAT, "expected \"key = value\"");
    *equals = 0;
    const char *value = equals + 3;
    if (is_among(of_search, line))
        return LAM_OK;
    if (strcmp(line, "data"))
        return lam_options_set(options, line, value);
    lami_free(*data_path);
    *data_path = lami_strdup(value);
    return *data_path ? LAM_OK : LAM_ENOMEM;
}

static lam_status parse_config(char *text, size_t size, const char *path, lam_options *options, char **data_path)
{
    if (memchr(text, 0, size))
        return lami_fail(LAM_EFORMAT, "%s: not a text file", path);
    size_t number = 1;
    for (char *line = text; line < text + size; number++) {
        char *end = line + strcspn(line, "\n");
        *end = 0;
        const lam_status status = take_line(line, options, data_path);
        if (status)
            return lami_fail_at(status == LAM_ENOMEM ? status : LAM_EFORMAT, "%s: line %zu", path, number);
        line = end + 1;
    }
    return LAM_OK;
}

lam_status lami_run_config(lam_options **out, char **data_path, const char *run)
{
    lam_status status = LAM_ENOMEM;
    lami_blob blob = { 0 };
    lam_options *options = NULL;
    char *text = NULL, *data = NULL;
    char *path = lami_path_join(run, "config");
    *out = NULL;
    *data_path = NULL;
    if (!path)
        goto done;
    LAM_TRY_DONE(lami_blob_open(&blob, path, CONFIG_MAX_BYTES));
    status = LAM_ENOMEM;
    text = lami_alloc(blob.size + 1, 1);
    if (!text)
        goto done;
    if (blob.size)
        memcpy(text, blob.data, blob.size);
    LAM_TRY_DONE(lam_options_new(&options));
    LAM_TRY_DONE(parse_config(text, blob.size, path, options, &data));
    *out = options;
    *data_path = data;
    options = NULL;
    data = NULL;
done:
    lami_blob_close(&blob);
    lam_options_free(options);
    lami_free(text);
    lami_free(data);
    lami_free(path);
    return status;
}

lam_status lami_run_value(char **value, const char *run, const char *key)
{
    lami_blob blob = { 0 };
    *value = NULL;
    char *path = lami_path_join(run, "config");
    lam_status status = path ? lami_blob_open(&blob, path, CONFIG_MAX_BYTES) : LAM_ENOMEM;
    const size_t length = strlen(key);
    for (size_t at = 0, end; !status && at < blob.size && !*value; at = end + 1) {
        const char *line = (const char *)blob.data + at;
        const char *stop = memchr(line, '\n', blob.size - at);
        end = stop ? (size_t)(stop - (const char *)blob.data) : blob.size;
        if (end - at < length + 3 || memcmp(line, key, length) || memcmp(line + length, " = ", 3))
            continue;
        *value = lami_strndup(line + length + 3, end - at - length - 3);
        status = *value ? LAM_OK : LAM_ENOMEM;
    }
    lami_blob_close(&blob);
    lami_free(path);
    return status;
}

static lam_status merge_row(lam_options *config, const lam_options *options, size_t row)
{
    const char *name = lami_option_table[row].name;
    const char *was, *is;
    char changing[LIST_TEXT] = "";
    LAM_TRY(lam_options_get(&was, config, name));
    LAM_TRY(lam_options_get(&is, options, name));
    if (lami_option_table[row].groups & LAMI_ON_RESUME)
        return lam_options_set(config, name, is);
    if (!strcmp(was, is) && (is_given(config, row) || !is_among(kept_if_given, name)))
        return LAM_OK;
    for (const lami_option *o = lami_option_table; o < lami_option_table + lami_option_count; o++)
        if (o->groups & LAMI_ON_RESUME)
            lami_list_add(changing, sizeof changing, o->name, strlen(o->name));
    return lami_fail(LAM_EOPTION, "--%s: the run was started with %s, and cannot go on with %s (only %s may change)",
                     name, *was && is_given(config, row) ? was : "its default", *is ? is : "none", changing);
}

/* Where the course of the learning rate depends on the end, another end would be another training. */
static lam_status check_end(const lam_options *config, const lam_options *options)
{
    static const char *const ends[] = { "epochs", "steps" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends && lami_schedule_has_end(config); i++) {
        const char *was, *is;
        size_t row;
        LAM_TRY(lami_option_find(&row, ends[i]));
        LAM_TRY(lam_options_get(&was, config, ends[i]));
        LAM_TRY(lam_options_get(&is, options, ends[i]));
        if (is_given(options, row) && strcmp(was, is))
            return lami_fail(
                LAM_EOPTION,
                "--%s: the run was started with %s, and its schedule (%s) depends on where it ends; --start "
                "begins a new one with its weights",
                ends[i], was, config->schedule);
    }
    /* --epochs again lifts the limit of --steps: lami_run_merge. */
    if (lami_schedule_has_end(config) && config->steps != LAMI_NO_SIZE &&
        lami_option_given(options, offsetof(lam_options, epochs)) &&
        !lami_option_given(options, offsetof(lam_options, steps)))
        return lami_fail(LAM_EOPTION,
                         "--epochs: the run was started with --steps %zu, and its schedule (%s) depends on it",
                         config->steps, config->schedule);
    return LAM_OK;
}

lam_status lami_run_merge(lam_options *config, const lam_options *options)
{
    if (!options)
        return LAM_OK;
    LAM_TRY(check_end(config, options));
    for (size_t row = 0; row < lami_option_count; row++)
        if (is_given(options, row) && strcmp(lami_option_table[row].name, "out"))
            LAM_TRY(merge_row(config, options, row));
    /* Both limits at once: the one given now holds. */
    if (lami_option_given(options, offsetof(lam_options, epochs)) &&
        !lami_option_given(options, offsetof(lam_options, steps)))
        return lam_options_set(config, "steps", "");
    return LAM_OK;
}

/* ---- log ---- */

/* The entry as a line of JSON, jansson's memory; NULL without memory. */
static char *entry_line(const lami_run *run, const lami_history *e)
{
    json_t *json =
        json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:f}", "epoch", (json_int_t)e->epoch, "step", (json_int_t)e->step,
                  "loss", lami_json_real(e->loss), run->values ? "train_r2" : "train_accuracy",
                  lami_json_real(e->train_accuracy), run->values ? "val_r2" : "val_accuracy",
                  lami_json_real(e->val_accuracy), "lr", lami_json_real(e->lr), "seconds", e->seconds);
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return line;
}

static lam_status write_all(int fd, const char *path, const char *text, size_t size)
{
    while (size) {
        const ssize_t done = write(fd, text, size);
        if (done < 0 && errno != EINTR)
            return lami_fail(LAM_EWRITE, "cannot write %s: %s", path, strerror(errno));
        if (done > 0) {
            text += done;
            size -= (size_t)done;
        }
    }
    return LAM_OK;
}

/* To log.jsonl and the file of --log, or only to the second. */
static lam_status log_entry(const lami_run *run, const lami_history *entry, int both)
{
    lam_status status = LAM_OK;
    if ((run->log_fd < 0 || !both) && run->extra_fd < 0)
        return LAM_OK;
    char *line = entry_line(run, entry);
    if (!line)
        return lami_fail(LAM_ENOMEM, "out of memory for a line of the log");
    const size_t length = strlen(line);
    line[length] = '\n'; /* in one write, in place of the 0 */
    if (run->log_fd >= 0 && both)
        status = write_all(run->log_fd, run->log, line, length + 1);
    if (!status && run->extra_fd >= 0)
        status = write_all(run->extra_fd, run->extra, line, length + 1);
    free(line);
    return status;
}

lam_status lami_run_log(const lami_run *run, const lami_history *entry)
{
    return log_entry(run, entry, 1);
}

lam_status lami_run_open_extra(lami_run *run, const char *path, const lami_history *entry, size_t count)
{
    if (!path)
        return LAM_OK;
    run->extra = lami_strdup(path);
    if (!run->extra)
        return LAM_ENOMEM;
    run->extra_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (run->extra_fd < 0)
        return cannot_create(path, errno);
    for (size_t i = 0; i < count; i++)
        LAM_TRY(log_entry(run, &entry[i], 0));
    return LAM_OK;
}

/* Put what was written in the log's place, and go on at its end. */
static lam_status replace_log(lami_run *run, lami_writer *writer)
{
    LAM_TRY(lami_writer_commit(writer));
    if (run->log_fd >= 0)
        close(run->log_fd);
    return open_log(run, 0);
}

/* As a new file, so that a kill meanwhile leaves the old log or the new one. */
lam_status lami_run_relog(lami_run *run, const lami_history *entry, size_t count)
{
    lam_status status = LAM_OK;
    lami_writer writer = { 0 };
    LAM_TRY_DONE(lami_writer_open(&writer, run->log));
    for (size_t i = 0; i < count && !status; i++) {
        char *line = entry_line(run, &entry[i]);
        status = line ? lami_writer_put(&writer, line, strlen(line))
                      : lami_fail(LAM_ENOMEM, "out of memory for %s", run->log);
        if (!status)
            status = lami_writer_put(&writer, "\n", 1);
        free(line);
    }
    if (status)
        goto done;
    status = replace_log(run, &writer);
done:
    lami_writer_drop(&writer);
    return status;
}

lam_status lami_run_log_line(const lami_run *run, char *line)
{
    const size_t length = strlen(line);
    line[length] = '\n';
    const lam_status status = write_all(run->log_fd, run->log, line, length + 1);
    line[length] = 0;
    return status;
}

lam_status lami_run_begin_log(lami_run *run, const char *text, size_t size)
{
    lam_status status = LAM_OK;
    lami_writer writer = { 0 };
    LAM_TRY_DONE(lami_writer_open(&writer, run->log));
    LAM_TRY_DONE(lami_writer_put(&writer, text, size));
    status = replace_log(run, &writer);
done:
    lami_writer_drop(&writer);
    return status;
}
