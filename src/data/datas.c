/* datas: the table of kinds, and how a path becomes a data set. To add a kind: its file, a row here, a test. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../core/fpu.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "data.h"

/* Each before those that take the same files under a more general name. */
const lami_data_kind *const lami_data_kinds[] = {
    &lami_data_fashion_mnist, &lami_data_mnist, &lami_data_idx, &lami_data_cifar10, NULL,
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

/* "fashion-mnist, mnist, ..." */
static const char *kind_list(char text[LIST_TEXT])
{
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < KINDS && length < LIST_TEXT; i++)
        length += (size_t)snprintf(text + length, LIST_TEXT - length, "%s%s", i ? ", " : "", kind_name(i, NULL));
    return text;
}

static lam_status unknown_kind(const char *name)
{
    char list[LIST_TEXT];
    const char *nearest = lami_nearest(name, KINDS, kind_name, NULL);
    return lami_fail(LAM_EOPTION, "unknown kind of data set \"%.64s\"%s%s%s (kinds: %s)", name,
                     nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "", kind_list(list));
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
                     path, kind_list(list));
}

/* An installed data set by its name. */
static lam_status open_installed(lam_data *data, const lami_data_kind *kind)
{
    for (size_t i = 0; kind->places && kind->places[i]; i++) {
        char *path = lami_path_join(kind->places[i], kind->name);
        if (!path)
            return LAM_ENOMEM;
        const int here = kind->matches(path);
        const lam_status status = here ? kind->open(data, path) : LAM_OK;
        lami_free(path);
        if (here)
            return status;
    }
    if (kind->package)
        return lami_fail(LAM_EREAD, "%s is not installed here (%s); or give its folder: %s:PATH", kind->name,
                         kind->package, kind->name);
    return lami_fail(LAM_EREAD, "%s is not installed here: give its place: %s:PATH", kind->name, kind->name);
}

static lam_status open_recognised(lam_data *data, const char *path)
{
    char list[LIST_TEXT];
    for (size_t i = 0; i < KINDS; i++)
        if (lami_data_kinds[i]->matches(path))
            return lami_data_kinds[i]->open(data, path);
    return lami_fail(LAM_EFORMAT, "%s: not a data set of a known kind (kinds: %s)", path, kind_list(list));
}

int lami_data_has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && length < (int)sizeof path && lami_is_file(path);
}

static lam_status open_kind_path(lam_data *data, const char *path, size_t kind_length)
{
    const lami_data_kind *kind = find_kind(path, kind_length);
    if (kind)
        return path[kind_length + 1] ? kind->open(data, path + kind_length + 1)
                                     : lami_fail(LAM_EREAD, "%s: no path after the colon", path);
    char *name = lami_strndup(path, kind_length);
    if (!name)
        return LAM_ENOMEM;
    const lam_status status = unknown_kind(name);
    lami_free(name);
    return status;
}

/* What is there under this very name comes first, then KIND:PATH, then the installed data sets. */
static lam_status open_any(lam_data *data, const char *path)
{
    struct stat st;
    if (!stat(path, &st))
        return open_recognised(data, path);
    const int error = errno;
    const size_t before_colon = strcspn(path, ":");
    if (path[before_colon] && !memchr(path, '/', before_colon))
        return open_kind_path(data, path, before_colon);
    const lami_data_kind *kind = find_kind(path, strlen(path));
    if (kind)
        return open_installed(data, kind);
    return error == ENOENT ? missing(path) : lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(error));
}

lam_status lam_data_open(lam_data **out, const char *path, const lam_options *options)
{
    LAMI_FPU_SCOPE;
    if (!out || !path)
        return lami_fail(LAM_EINVAL, "lam_data_open: NULL argument");
    *out = NULL;
    const lam_options *o = lami_options_or_default(options);
    lam_data *data = lami_alloc(1, sizeof *data);
    if (!data)
        return LAM_ENOMEM;
    lam_status status = LAM_ENOMEM;
    data->path = lami_strdup(path);
    if (data->path)
        status = open_any(data, path);
    if (!status && o->val)
        status = lami_data_split(data, o->val, o->seed);
    if (status) {
        lam_data_free(data);
        return status;
    }
    *out = data;
    return LAM_OK;
}
