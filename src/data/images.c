/* images: a folder with a folder per class, or train/, val/ and test/ with these in them; or, for prediction, any image
 * files. The classes are the folders' names as they are shown, in the order of their bytes; those of the training part
 * for all parts. */
#include "images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../core/escape.h"
#include "../core/file.h"
#include "../core/list.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "image.h"
#include "source.h"

enum { PARTS = LAM_TEST + 1, NAMES_MOST = 3, DEPTH_LOOKED = 3, LIST_TEXT = 300 };

/* Names of a part's folder, in any case; two of them are a mistake. */
static const char *const part_names[PARTS][NAMES_MOST] = { [LAM_TRAIN] = { "train", "training" },
                                                           [LAM_VAL] = { "val", "valid", "validation" },
                                                           [LAM_TEST] = { "test", "testing" } };

/* A folder of a class. */
typedef struct class_folder {
    char *path, *name; /* name: as it is shown, UTF-8 */
    size_t class;
} class_folder;

typedef struct folders {
    class_folder *item;
    size_t count;
} folders;

static int matches(const char *path)
{
    if (!lami_is_folder(path))
        return lami_is_file(path) && lami_image_named(path);
    return lami_walk_has_images(path, DEPTH_LOOKED);
}

/* ---- folders of classes ------------------------------------------------------------------------------------------ */

static void free_folders(folders *f)
{
    for (size_t i = 0; i < f->count; i++) {
        lami_free(f->item[i].path);
        lami_free(f->item[i].name);
    }
    lami_free(f->item);
    *f = (folders) { 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const class_folder *)a)->name, ((const class_folder *)b)->name);
}

/* Two folders are one class only if their names are the same to the byte: "\xff" may be four characters or one byte. */
static lam_status check_names(const folders *f, const char *path)
{
    char shown[LAMI_PATH_SHOWN];
    for (size_t i = 1; i < f->count; i++)
        if (!by_name(&f->item[i - 1], &f->item[i]))
            return lami_fail(LAM_EFORMAT, "%s: two folders of classes have names that are shown as \"%.64s\"",
                             lami_escape(shown, sizeof shown, path), f->item[i].name);
    return LAM_OK;
}

static lam_status find_folders(folders *f, const char *path)
{
    lami_names names = { 0 };
    lam_status status;
    LAM_TRY_DONE(lami_walk_folders(&names, path));
    if (!(f->item = lami_alloc(names.count, sizeof *f->item))) {
        status = LAM_ENOMEM;
        goto done;
    }
    for (; f->count < names.count; f->count++) {
        class_folder *c = &f->item[f->count];
        c->path = lami_path_join(path, lami_names_get(&names, f->count));
        c->name = lami_escaped(lami_names_get(&names, f->count));
        if (!c->path || !c->name) {
            f->count++;
            status = LAM_ENOMEM;
            goto done;
        }
    }
    qsort(f->item, f->count, sizeof *f->item, by_name);
    status = check_names(f, path);
done:
    lami_names_free(&names);
    return status;
}

static const char *folder_name(size_t i, const void *arg)
{
    const class_folder *item = arg;
    return item[i].name;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* The classes are the model's where there is one, else the folders of the training part. */
static lam_status set_classes(lam_data *data, const lami_image_set *set, const folders *train)
{
    char shown[LAMI_PATH_SHOWN];
    if (set->how->class_name)
        return lami_data_set_classes(data, set->how->classes, (const char *const *)set->how->class_name);
    if (train->count > LAMI_MAX_CLASSES)
        return lami_fail(LAM_EFORMAT, "%s: %zu classes; at most %d are possible",
                         lami_escape(shown, sizeof shown, set->path), train->count, LAMI_MAX_CLASSES);
    const char **name = lami_alloc(train->count, sizeof *name);
    if (!name)
        return LAM_ENOMEM;
    for (size_t i = 0; i < train->count; i++)
        name[i] = train->item[i].name;
    const lam_status status = lami_data_set_classes(data, train->count, name);
    lami_free(name);
    return status;
}

/* Numbers for the folders' names: both in order of bytes, once the classes are sorted. */
static lam_status number_folders(folders *f, const lam_data *data, const lami_image_set *set)
{
    char shown[LAMI_PATH_SHOWN], meant[LAMI_MEANT_TEXT];
    lam_status status = LAM_OK;
    class_folder *known = lami_alloc(data->classes, sizeof *known);
    if (!known)
        return LAM_ENOMEM;
    for (size_t k = 0; k < data->classes; k++)
        known[k] = (class_folder) { .name = data->class_name[k], .class = k };
    qsort(known, data->classes, sizeof *known, by_name);
    for (size_t i = 0; i < f->count; i++) {
        const class_folder *c = bsearch(&f->item[i], known, data->classes, sizeof *known, by_name);
        if (!c) {
            status = lami_fail(LAM_EFORMAT, "%s: class \"%.64s\" is none of the %zu %s%s",
                               lami_escape(shown, sizeof shown, f->item[i].path), f->item[i].name, data->classes,
                               set->how->class_name ? "that are known" : "of the training part",
                               lami_did_you_mean(meant, f->item[i].name, data->classes, folder_name, known));
            break;
        }
        f->item[i].class = c->class;
    }
    lami_free(known);
    return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static lam_status add_class(lami_image_files *files, const class_folder *folder)
{
    void *class = files->class;
    const size_t before = files->path.count;
    LAM_TRY(lami_walk_images(&files->path, folder->path, 1));
    LAM_TRY(lami_grow(&class, &files->class_room, files->path.count, sizeof *files->class));
    files->class = class;
    for (size_t i = before; i < files->path.count; i++)
        files->class[i] = (int32_t)folder->class;
    return LAM_OK;
}

/* Classes that are found out must have samples; `what` says why one has none. */
static lam_status check_empty(const lam_data *data, const lami_image_set *set, const int32_t *class, size_t count,
                              const char *what)
{
    char shown[LAMI_PATH_SHOWN], list[LIST_TEXT] = "";
    size_t empty = 0;
    if (set->how->class_name || set->how->bad)
        return LAM_OK;
    uint8_t *seen = lami_alloc(data->classes, 1);
    if (!seen)
        return LAM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        seen[class[i]] = 1;
    for (size_t k = 0; k < data->classes; k++)
        if (!seen[k]) {
            lami_list_add(list, sizeof list, data->class_name[k], strlen(data->class_name[k]));
            empty++;
        }
    lami_free(seen);
    if (!empty)
        return LAM_OK;
    lami_escape(shown, sizeof shown, set->path);
    if (empty == 1)
        return lami_fail(LAM_EFORMAT, "%s: class \"%.64s\" has no image file %s", shown, list, what);
    return lami_fail(LAM_EFORMAT, "%s: %zu classes have no image file %s: %s", shown, empty, what, list);
}

/* The folders of a part: what is in them, and which classes. */
static lam_status open_part(lam_data *data, lami_image_set *set, lam_part part, const char *path)
{
    char shown[LAMI_PATH_SHOWN];
    lami_image_files *files = &set->part[part];
    folders f = { 0 };
    lam_status status;
    LAM_TRY_DONE(find_folders(&f, path));
    if (!f.count) {
        lami_escape(shown, sizeof shown, path);
        status =
            lami_fail(LAM_EFORMAT, "%s: no folders of classes; image files are expected in %s/CLASS/", shown, shown);
        goto done;
    }
    if (part == LAM_TRAIN)
        LAM_TRY_DONE(set_classes(data, set, &f));
    LAM_TRY_DONE(number_folders(&f, data, set));
    for (size_t i = 0; i < f.count; i++)
        LAM_TRY_DONE(add_class(files, &f.item[i]));
    if (part == LAM_TRAIN)
        LAM_TRY_DONE(check_empty(data, set, files->class, files->path.count, "(.jpg, .jpeg, .png)"));
    if (!files->path.count)
        status = lami_fail(LAM_EFORMAT, "%s: no image files (.jpg, .jpeg, .png) in its folders",
                           lami_escape(shown, sizeof shown, path));
done:
    free_folders(&f);
    return status;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static int is_part_name(int part, const char *name)
{
    for (size_t i = 0; i < NAMES_MOST && part_names[part][i]; i++)
        if (!strcasecmp(part_names[part][i], name))
            return 1;
    return 0;
}

/* The folder of a part, yours; NULL: there is none. */
static lam_status find_part(char **found, const lami_names *folders_there, const char *path, int part)
{
    char shown[LAMI_PATH_SHOWN];
    const char *name = NULL;
    for (size_t i = 0; i < folders_there->count; i++) {
        const char *one = lami_names_get(folders_there, i);
        if (!is_part_name(part, one))
            continue;
        if (name)
            return lami_fail(LAM_EFORMAT, "%s: both %s and %s are there: which one is the %s part?",
                             lami_escape(shown, sizeof shown, path), name, one, lami_part_name((lam_part)part));
        name = one;
    }
    *found = name ? lami_path_join(path, name) : NULL;
    return name && !*found ? LAM_ENOMEM : LAM_OK;
}

static lam_status holds_folders(int *yes, const char *path)
{
    lami_names names = { 0 };
    const lam_status status = lami_walk_folders(&names, path);
    *yes = names.count > 0;
    lami_names_free(&names);
    return status;
}

/* Folders of parts, and whether they are that: one of them holds folders. A class of such a name would hold files. */
static lam_status find_parts(char *part[PARTS], int *are_parts, const char *path)
{
    lami_names there = { 0 };
    lam_status status;
    *are_parts = 0;
    LAM_TRY_DONE(lami_walk_folders(&there, path));
    for (int p = LAM_TRAIN; p < PARTS; p++)
        LAM_TRY_DONE(find_part(&part[p], &there, path, p));
    for (int p = LAM_TRAIN; p < PARTS && !*are_parts; p++)
        if (part[p])
            LAM_TRY_DONE(holds_folders(are_parts, part[p]));
done:
    lami_names_free(&there);
    return status;
}

/* What is wrong with the folders of parts. Without folders of classes they may be classes themselves, but hardly both of
 * train and test. */
static lam_status check_parts(char *const part[PARTS], int are_parts, const char *path)
{
    char shown[LAMI_PATH_SHOWN], train[LAMI_PATH_SHOWN];
    const char *other = part[LAM_TEST] ? part[LAM_TEST] : part[LAM_VAL];
    if (!other)
        return LAM_OK;
    lami_escape(shown, sizeof shown, path);
    if (are_parts && !part[LAM_TRAIN])
        return lami_fail(LAM_EFORMAT, "%s: there is no train folder beside %s", shown, strrchr(other, '/') + 1);
    if (are_parts || !part[LAM_TRAIN])
        return LAM_OK;
    return lami_fail(LAM_EFORMAT, "%s: no folders of classes in %s and %s; image files are expected in %s/CLASS/",
                     shown, strrchr(part[LAM_TRAIN], '/') + 1, strrchr(other, '/') + 1,
                     lami_escape(train, sizeof train, part[LAM_TRAIN]));
}

static lam_status open_parts(lam_data *data, lami_image_set *set)
{
    char *part[PARTS] = { NULL };
    int are_parts = 0;
    lam_status status;
    LAM_TRY_DONE(find_parts(part, &are_parts, set->path));
    LAM_TRY_DONE(check_parts(part, are_parts, set->path));
    if (!are_parts)
        LAM_TRY_DONE(open_part(data, set, LAM_TRAIN, set->path));
    for (int p = LAM_TRAIN; are_parts && p < PARTS; p++)
        if (part[p])
            LAM_TRY_DONE(open_part(data, set, (lam_part)p, part[p]));
done:
    for (int p = LAM_TRAIN; p < PARTS; p++)
        lami_free(part[p]);
    return status;
}

/* ---- without classes --------------------------------------------------------------------------------------------- */

/* A file, or all files below a folder: samples to predict. */
static lam_status open_unlabeled(lam_data *data, lami_image_set *set)
{
    data->unlabeled = 1;
    if (!lami_is_folder(set->path))
        return lami_names_add(&set->part[LAM_TRAIN].path, set->path);
    return lami_walk_images(&set->part[LAM_TRAIN].path, set->path, 1);
}

/* Image files without folders round them? */
static lam_status is_bare(int *bare, const char *path)
{
    lam_status status = LAM_OK;
    int folders_there = 0;
    *bare = 1;
    if (lami_source_is_input(path) || !lami_is_folder(path))
        return LAM_OK;
    status = holds_folders(&folders_there, path);
    *bare = !folders_there;
    return status;
}

static lam_status find_files(lam_data *data, lami_image_set *set)
{
    char shown[LAMI_PATH_SHOWN];
    int bare;
    LAM_TRY(is_bare(&bare, set->path));
    if (set->how->all_files || (bare && set->how->label_optional))
        return open_unlabeled(data, set);
    if (!bare)
        return open_parts(data, set);
    const int missing = !lami_source_is_input(set->path) && access(set->path, F_OK) ? errno : 0;
    lami_escape(shown, sizeof shown, set->path);
    if (missing)
        return lami_fail(LAM_EREAD, "cannot read %s: %s", shown, strerror(missing));
    if (!lami_is_folder(set->path))
        return lami_fail(LAM_EFORMAT, "%s: not a folder; image files are expected in FOLDER/CLASS/", shown);
    return lami_fail(LAM_EFORMAT, "%s: no folders of classes; image files are expected in %s/CLASS/", shown, shown);
}

static lam_status open_images(lam_data *data, const char *path, const lami_open *how)
{
    lami_image_set set = { .path = path, .how = how };
    lami_source input = { 0 };
    lam_status status;
    if (lami_source_is_input(path)) {
        LAM_TRY_DONE(lami_source_open(&input, path, how->input, 0));
        set.bytes = input.data;
        set.size = input.size;
    }
    LAM_TRY_DONE(find_files(data, &set));
    LAM_TRY_DONE(lami_images_read(data, &set));
    if (!data->unlabeled)
        status = check_empty(data, &set, data->part[LAM_TRAIN].label, data->part[LAM_TRAIN].count, "that can be read");
done:
    for (int p = LAM_TRAIN; p < PARTS; p++) {
        lami_names_free(&set.part[p].path);
        lami_free(set.part[p].class);
    }
    lami_source_close(&input);
    return status;
}

const lami_data_kind lami_data_images = {
    .name = "images",
    .help = "folder of folders by class with .jpg and .png files, perhaps below train, val and test",
    .matches = matches,
    .open = open_images,
};
