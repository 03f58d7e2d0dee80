/* npz: arrays as NumPy saves them: several in a zip archive (kind npz), or one a file (kind npy): in a folder, or a
 * file of samples with --label and --weight naming the other files. docs/data.md has the names. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "arrays.h"
#include "gzip.h"

enum { ARRAYS_MOST = 4096, LOOK_BYTES = 30 + 255, NAME_BYTES_AT = 26, NAME_AT = 30 };

static const char *const label_needed =
    "an array y, label, labels, target or targets with the same ending is needed, or "
    "--label NAME";

/* ---- the arrays that are there ---- */

typedef struct entry {
    char *name;
    char *path;    /* of its file; NULL: in the archive */
    size_t member; /* of the archive */
} entry;

typedef struct box {
    const char *path;
    entry *entries;
    size_t count, capacity;
    lami_source source; /* the archive */
    lami_zip *zip;
    const lami_source *input;
} box;

static const char *name_of(size_t i, const void *arg)
{
    return ((const box *)arg)->entries[i].name;
}

static void close_box(box *b)
{
    for (size_t i = 0; i < b->count; i++) {
        lami_free(b->entries[i].name);
        lami_free(b->entries[i].path);
    }
    lami_free(b->entries);
    lami_zip_close(b->zip);
    lami_source_close(&b->source);
}

/* Add an array. Copies both texts; path NULL: member `member` of the archive. */
static lam_status add(box *b, const char *name, size_t length, const char *path, size_t member)
{
    if (b->count >= ARRAYS_MOST)
        return lami_fail(LAM_EFORMAT, "%s: more than %d arrays", b->path, ARRAYS_MOST);
    LAM_TRY(lami_grow((void **)&b->entries, &b->capacity, b->count + 1, sizeof *b->entries));
    entry made = { .name = lami_strndup(name, length), .path = path ? lami_strdup(path) : NULL, .member = member };
    if (!made.name || (path && !made.path)) {
        lami_free(made.name);
        lami_free(made.path);
        return LAM_ENOMEM;
    }
    b->entries[b->count++] = made;
    return LAM_OK;
}

/* "file: array", or the file alone, for messages. */
static char *message_name(const box *b, const entry *e)
{
    if (e->path)
        return lami_strdup(lami_source_is_input(e->path) ? "standard input" : e->path);
    const char *archive = b->source.name;
    const size_t size = strlen(archive) + strlen(e->name) + 3;
    char *name = lami_alloc(size, 1);
    if (name)
        snprintf(name, size, "%s: %s", archive, e->name);
    return name;
}

static lam_status open_array(lami_array *a, size_t i, const void *arg)
{
    const box *b = arg;
    const entry *e = &b->entries[i];
    a->name = message_name(b, e);
    if (!a->name)
        return LAM_ENOMEM;
    if (e->path) {
        LAM_TRY(lami_source_open(&a->source, e->path, b->input, 0));
        return lami_npy_read(&a->npy, a->source.data, a->source.size, a->name);
    }
    LAM_TRY(lami_zip_read(&a->content, b->zip, e->member));
    return lami_npy_read(&a->npy, a->content.data, a->content.size, a->name);
}

/* The length of a file's name without .npy or .npy.gz; 0: it has another ending. */
static size_t stem(const char *name, int packed_too)
{
    static const char *const endings[] = { ".npy", ".npy.gz" };
    const size_t length = strlen(name);
    for (int i = 0; i < 1 + packed_too; i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && !strcmp(name + length - n, endings[i]))
            return length - n;
    }
    return 0;
}

/* ---- kind npz ---- */

/* The first bytes of a file, unpacked: fewer than `size` are fine. -1 without memory, 0 where it cannot be read. */
static int look(const char *path, uint8_t *bytes, size_t size, size_t *got)
{
    lami_gzip *in = NULL;
    *got = 0;
    if (!lami_is_file(path))
        return 0;
    lam_status status = lami_gzip_open(&in, path);
    if (!status)
        status = lami_gzip_read_some(in, bytes, size, got);
    lami_gzip_close(in);
    return status == LAM_ENOMEM ? -1 : !status;
}

/* An archive whose first member is an array: other programs keep other things in archives. */
static int matches_npz(const char *path)
{
    uint8_t b[LOOK_BYTES];
    size_t got;
    const int looked = look(path, b, sizeof b, &got);
    if (looked <= 0)
        return looked;
    if (got < NAME_AT || !lami_zip_looks_like(b, got))
        return 0;
    const size_t length = (size_t)b[NAME_BYTES_AT] | (size_t)b[NAME_BYTES_AT + 1] << 8;
    return length >= 4 && NAME_AT + length <= got && !memcmp(b + NAME_AT + length - 4, ".npy", 4);
}

static lam_status fill_from_archive(box *b)
{
    LAM_TRY(lami_source_open(&b->source, b->path, b->input, 0));
    LAM_TRY(lami_zip_open(&b->zip, b->source.data, b->source.size, b->source.name));
    for (size_t i = 0; i < lami_zip_count(b->zip); i++) {
        const char *name = lami_zip_name(b->zip, i);
        const size_t length = stem(name, 0);
        if (length)
            LAM_TRY(add(b, name, length, NULL, i));
    }
    return LAM_OK;
}

static lam_status open_npz(lam_data *data, const char *path, const lami_open *how)
{
    box b = { .path = path, .input = how->input };
    lam_status status = fill_from_archive(&b);
    if (!status)
        status =
            lami_arrays_open(data, &(lami_array_box) { b.source.name, b.count, name_of, open_array, &b, label_needed },
                             how);
    close_box(&b);
    return status;
}

/* ---- kind npy ---- */

static int folder_matches(const char *path)
{
    DIR *dir = opendir(path);
    int found = 0;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));) {
        const size_t length = stem(e->d_name, 1);
        found = length && lami_arrays_is_samples(e->d_name, length);
    }
    if (dir)
        closedir(dir);
    return found;
}

static int matches_npy(const char *path)
{
    uint8_t b[LAMI_NPY_MAGIC];
    size_t got;
    if (lami_is_folder(path))
        return folder_matches(path);
    const int looked = look(path, b, sizeof b, &got);
    return looked <= 0 ? looked : lami_npy_looks_like(b, got);
}

static lam_status add_file(box *b, const char *folder, const char *name)
{
    const size_t length = stem(name, 1);
    if (!length)
        return LAM_OK;
    for (size_t i = 0; i < b->count; i++)
        if (strlen(b->entries[i].name) == length && !memcmp(b->entries[i].name, name, length))
            return lami_fail(LAM_EFORMAT, "%s: %s.npy is there twice, packed and unpacked", folder, b->entries[i].name);
    char *path = lami_path_join(folder, name);
    if (!path)
        return LAM_ENOMEM;
    const lam_status status = add(b, name, length, path, 0);
    lami_free(path);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static lam_status fill_from_folder(box *b)
{
    DIR *dir = opendir(b->path);
    lam_status status = LAM_OK;
    if (!dir)
        return lami_fail(LAM_EREAD, "cannot read %s: %s", b->path, strerror(errno));
    for (const struct dirent *e; !status && (e = readdir(dir));)
        status = add_file(b, b->path, e->d_name);
    closedir(dir);
    if (b->count)
        qsort(b->entries, b->count, sizeof *b->entries, by_name);
    return status;
}

/* The file that an option names, under that very name. In a folder it may also name an array there, by its file. */
static lam_status add_named(box *b, const char *given, int in_folder)
{
    if (!given || (in_folder && !(stem(given, 1) && lami_is_file(given))))
        return LAM_OK;
    if (lami_source_is_input(given))
        return lami_fail(LAM_EOPTION, "labels and weights are read from files, not from standard input");
    return add(b, given, strlen(given), given, 0);
}

static lam_status open_npy(lam_data *data, const char *path, const lami_open *how)
{
    static const char alone[] = "a file of one array has none: --label Y.npy names the file that holds them";
    const lam_options *o = how->options;
    box b = { .path = path, .input = how->input };
    const int in_folder = lami_is_folder(path);
    lam_status status = in_folder ? fill_from_folder(&b) : add(&b, "x", 1, path, 0);
    if (!status)
        status = add_named(&b, o->label, in_folder);
    if (!status && !(o->label && o->weight && !strcmp(o->label, o->weight)))
        status = add_named(&b, o->weight, in_folder);
    if (!status)
        status = lami_arrays_open(data,
                                  &(lami_array_box) { lami_source_is_input(path) ? "standard input" : path, b.count,
                                                      name_of, open_array, &b, in_folder ? label_needed : alone },
                                  how);
    close_box(&b);
    return status;
}

const lami_data_kind lami_data_npz = {
    .name = "npz",
    .help = "arrays saved by numpy.savez: x and y, or x_train, y_train, x_test, y_test",
    .matches = matches_npz,
    .open = open_npz,
};

const lami_data_kind lami_data_npy = {
    .name = "npy",
    .help = "arrays saved by numpy.save: a folder of such files, or one with --label FILE",
    .matches = matches_npy,
    .open = open_npy,
};
