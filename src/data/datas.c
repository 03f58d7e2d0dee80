/* datas: the table of kinds, and how a path becomes a data set. To add a kind: its file, a row here, a test. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../core/fpu.h"
#include "../core/file.h"
#include "../core/list.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "csv.h"
#include "data.h"
#include "image.h"
#include "npy.h"
#include "source.h"
#include "zip.h"

/* Each before those that take the same files under a more general name. */
const lami_data_kind *const lami_data_kinds[] = {
    &lami_data_fashion_mnist, &lami_data_mnist,           &lami_data_idx, &lami_data_cifar10,
    &lami_data_cifar100,      &lami_data_cifar100_coarse, &lami_data_npz, &lami_data_npy,
    &lami_data_csv,           &lami_data_images,          NULL,
};

enum { KINDS = sizeof lami_data_kinds / sizeof *lami_data_kinds - 1, LIST_TEXT = 256 };

static const char *kind_name(size_t index, const void *arg)
{
    (void)arg;
    return lami_data_kinds[index]->name;
}

static const lami_data_kind *find_kind(const char *name, size_t length)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strlen(kind_name(i, NULL)) == length && !memcmp(kind_name(i, NULL), name, length))
            return lami_data_kinds[i];
    return NULL;
}

static lam_status unknown_kind(const char *name)
{
    char list[LIST_TEXT], meant[LAMI_MEANT_TEXT];
    return lami_fail(LAM_EOPTION, "unknown kind of data set \"%.64s\"%s (kinds: %s)", name,
                     lami_did_you_mean(meant, name, KINDS, kind_name, NULL),
                     lami_list_all(list, sizeof list, KINDS, kind_name, NULL));
}

/* `path` does not exist. */
static lam_status missing(const char *path)
{
    char list[LIST_TEXT];
    const char *nearest = lami_nearest(path, KINDS, kind_name, NULL);
    if (nearest)
        return lami_fail(LAM_EREAD, "cannot read %s: no such file or folder; did you mean \"%s\"?", path, nearest);
    return lami_fail(LAM_EREAD,
                     "cannot read %s: no such file or folder (a path, KIND:PATH, or an installed data set; kinds: %s)",
                     path, lami_list_all(list, sizeof list, KINDS, kind_name, NULL));
}

/* An installed data set by its name. */
static lam_status open_installed(lam_data *data, const lami_data_kind *kind, const lami_open *how)
{
    for (size_t i = 0; kind->places && kind->places[i]; i++) {
        char *path = lami_path_join(kind->places[i], kind->name);
        if (!path)
            return LAM_ENOMEM;
        const int here = kind->matches(path);
        const lam_status status = here ? kind->open(data, path, how) : LAM_OK;
        lami_free(path);
        if (here)
            return status;
    }
    if (kind->package)
        return lami_fail(LAM_EREAD, "%s is not installed here (%s); or give its folder: %s:PATH", kind->name,
                         kind->package, kind->name);
    return lami_fail(LAM_EREAD, "%s is not installed here: give its place: %s:PATH", kind->name, kind->name);
}

static lam_status open_recognised(lam_data *data, const char *path, const lami_open *how)
{
    char list[LIST_TEXT];
    for (size_t i = 0; i < KINDS; i++) {
        const int matches = lami_data_kinds[i]->matches(path);
        if (matches < 0)
            return LAM_ENOMEM;
        if (matches)
            return lami_data_kinds[i]->open(data, path, how);
    }
    return lami_fail(LAM_EFORMAT, "%s: not a data set of a known kind (kinds: %s)", path,
                     lami_list_all(list, sizeof list, KINDS, kind_name, NULL));
}

int lami_data_has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && length < (int)sizeof path && lami_is_file(path);
}

static lam_status open_kind_path(lam_data *data, const char *path, size_t kind_length, const lami_open *how)
{
    const lami_data_kind *kind = find_kind(path, kind_length);
    if (kind)
        return path[kind_length + 1] ? kind->open(data, path + kind_length + 1, how)
                                     : lami_fail(LAM_EREAD, "%s: no path after the colon", path);
    char *name = lami_strndup(path, kind_length);
    if (!name)
        return LAM_ENOMEM;
    const lam_status status = unknown_kind(name);
    lami_free(name);
    return status;
}

/* Standard input, by its first bytes; what none of the others begins with is a table. */
static lam_status open_input(lam_data *data, const char *path, const lami_open *how)
{
    lami_source input;
    lami_open with_input = *how;
    LAM_TRY(lami_source_open(&input, path, how->input, 0));
    const lami_data_kind *kind = &lami_data_csv;
    if (lami_npy_looks_like(input.data, input.size))
        kind = &lami_data_npy;
    else if (lami_zip_looks_like(input.data, input.size))
        kind = &lami_data_npz;
    else if (lami_image_looks_like(input.data, input.size))
        kind = &lami_data_images;
    with_input.input = &input;
    const lam_status status = kind->open(data, path, &with_input);
    lami_source_close(&input);
    return status;
}

/* What is there under this very name comes first, then KIND:PATH, then the installed data sets. */
static lam_status open_any(lam_data *data, const char *path, const lami_open *how)
{
    struct stat st;
    if (lami_source_is_input(path))
        return open_input(data, path, how);
    if (!stat(path, &st))
        return open_recognised(data, path, how);
    const int error = errno;
    const size_t before_colon = strcspn(path, ":");
    if (path[before_colon] && !memchr(path, '/', before_colon))
        return open_kind_path(data, path, before_colon, how);
    const lami_data_kind *kind = find_kind(path, strlen(path));
    if (kind)
        return open_installed(data, kind, how);
    return error == ENOENT ? missing(path) : lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(error));
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* "5000", "0.1", "last:1000": a share of the training part; anything else is a data set. */
static int is_share(const char *text)
{
    uint64_t count;
    double fraction;
    return !strncmp(text, "last:", 5) || !lami_parse_u64(&count, text) || !lami_parse_real(&fraction, text);
}

static lam_status check_same(const lam_data *data, const lam_data *other)
{
    char have[LAMI_SHAPE_TEXT], need[LAMI_SHAPE_TEXT];
    if (!lami_shape_equal(&data->shape, &other->shape))
        return lami_fail(LAM_ESHAPE, "%s: samples are %s, those of %s %s", other->path,
                         lami_shape_text(have, &other->shape), data->path, lami_shape_text(need, &data->shape));
    if (data->dtype != other->dtype)
        return lami_fail(LAM_EFORMAT, "%s: samples are stored as %s, those of %s as %s", other->path,
                         lami_dtype_name(other->dtype), data->path, lami_dtype_name(data->dtype));
    if (data->unlabeled || other->unlabeled)
        return lami_fail(LAM_EFORMAT, "%s has no labels", data->unlabeled ? data->path : other->path);
    if (!data->classes != !other->classes)
        return lami_fail(LAM_EFORMAT, "%s has classes, %s numbers to predict", data->classes ? data->path : other->path,
                         data->classes ? other->path : data->path);
    if (data->targets != other->targets)
        return lami_fail(LAM_EFORMAT, "%s has %zu numbers to predict, %s %zu", other->path, other->targets, data->path,
                         data->targets);
    return LAM_OK;
}

static lam_status unknown_class(const lam_data *data, const lam_data *other, int32_t label)
{
    char meant[LAMI_MEANT_TEXT] = "";
    const char *name = lam_data_class_name(other, (size_t)label);
    if (data->class_name)
        lami_did_you_mean(meant, name, data->classes, lami_nth_text, data->class_name);
    return lami_fail(LAM_EFORMAT, "%s: class \"%.64s\" is none of the %zu of %s%s", other->path, name, data->classes,
                     data->path, meant);
}

/* Labels of a part of `other` as the numbers that `data` has for its classes: by name where both have names. */
static lam_status map_labels(const lam_data *data, const lam_data *other, lami_part *part)
{
    lam_status status = LAM_OK;
    lami_csv_words names = { 0 };
    if (!part->label)
        return LAM_OK;
    if (data->class_name && other->class_name)
        LAM_TRY_DONE(lami_csv_words_of(&names, data->class_name, data->classes, 0));
    for (size_t i = 0; i < part->count; i++) {
        int32_t label = part->label[i];
        if (names.count) {
            const char *text = other->class_name[label];
            const lami_csv_cell cell = { .at = (const uint8_t *)text, .length = strlen(text), .kind = LAMI_CSV_TEXT };
            const lami_csv_word *word = lami_csv_words_find(&names, &cell);
            label = word ? (int32_t)word->code : INT32_MAX;
        }
        if ((size_t)label >= data->classes) {
            status = unknown_class(data, other, part->label[i]);
            goto done;
        }
        part->label[i] = label;
    }
done:
    lami_csv_words_free(&names);
    return status;
}

static lam_status take_bad_files(lam_data *data, const lam_data *other)
{
    for (size_t i = 0; i < other->bad_files.count; i++)
        LAM_TRY(lami_bad_files_add(&data->bad_files, other->bad_files.file[i].path, other->bad_files.file[i].why));
    return LAM_OK;
}

/* A part from a data set of its own: the part of that name, if it has one, else its training part. */
static lam_status add_part(lam_data *data, lam_part part, const char *path, const lami_open *how)
{
    lam_options options = *how->options; /* borrows its texts */
    lami_open same = *how;
    lam_data *other;
    options.val = options.test = NULL;
    options.samples = 0; /* of the training part alone */
    same.options = &options;
    same.schema = data->schema ? data->schema : how->schema;
    if (data->shape.rank == 3 && data->dtype == LAM_U8 && (data->shape.dim[0] == 1 || data->shape.dim[0] == 3))
        same.image = &data->shape;
    if (data->class_name) {
        same.classes = data->classes;
        same.class_name = data->class_name;
    }
    same.reals = data->targets ? 1 : 0;
    if (data->part[part].count)
        return lami_fail(LAM_EINVAL, "--%s: %s has a %s part of its own", part == LAM_VAL ? "val" : "test", data->path,
                         part == LAM_VAL ? "validation" : "test");
    LAM_TRY(lami_data_open(&other, path, &same));
    lami_part *from = &other->part[other->part[part].count ? part : LAM_TRAIN];
    lam_status status = check_same(data, other);
    if (!status)
        status = map_labels(data, other, from);
    if (!status) {
        data->part[part] = *from;
        *from = (lami_part) { 0 };
        status = take_bad_files(data, other);
    }
    lam_data_free(other);
    return status;
}

/* A part that the option asks for: a share of the training part where `shares`, else a data set of its own. */
static lam_status make_part(lam_data *data, lam_part part, const char *value, const lami_open *how, int shares)
{
    if (!value || is_share(value) != shares)
        return LAM_OK;
    return shares ? lami_data_split(data, part, value, how->options->seed) : add_part(data, part, value, how);
}

/* Parts that are read by what the training part is come when it is what it will be. */
static lam_status open_parts(lam_data *data, const char *path, const lami_open *how)
{
    LAM_TRY(open_any(data, path, how));
    LAM_TRY(make_part(data, LAM_TEST, how->options->test, how, 1));
    LAM_TRY(make_part(data, LAM_VAL, how->options->val, how, 1));
    const size_t samples = how->options->samples;
    if (samples && samples < data->part[LAM_TRAIN].count)
        data->part[LAM_TRAIN].count = samples; /* of the part's own memory or selection, the rest stays unused */
    LAM_TRY(lami_csv_fill_gaps(data, how->options));
    LAM_TRY(make_part(data, LAM_TEST, how->options->test, how, 0));
    return make_part(data, LAM_VAL, how->options->val, how, 0);
}

lam_status lami_data_open(lam_data **out, const char *path, const lami_open *how)
{
    *out = NULL;
    lami_open h = *how;
    h.options = lami_options_or_default(how->options);
    lam_data *data = lami_alloc(1, sizeof *data);
    if (!data)
        return LAM_ENOMEM;
    data->path = lami_strdup(path);
    const lam_status status = data->path ? open_parts(data, path, &h) : LAM_ENOMEM;
    if (status) {
        lam_data_free(data);
        return status;
    }
    *out = data;
    return LAM_OK;
}

lam_status lam_data_open(lam_data **out, const char *path, const lam_options *options)
{
    LAMI_FPU_SCOPE;
    if (!out || !path)
        return lami_fail(LAM_EINVAL, "lam_data_open: NULL argument");
    return lami_data_open(out, path, &(lami_open) { .options = options, .reals = -1 });
}
