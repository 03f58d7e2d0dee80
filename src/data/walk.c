/* walk: see walk.h. A folder's names are read and sorted before it is gone into; the folders above, by device and
 * number, tell loops. */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/escape.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "image.h"

enum { NAMES_LOOKED_AT = 1 << 16 };

void lami_names_free(lami_names *names)
{
    lami_free(names->text);
    lami_free(names->at);
    *names = (lami_names) { 0 };
}

const char *lami_names_get(const lami_names *names, size_t i)
{
    return names->text + names->at[i];
}

lam_status lami_names_add(lami_names *names, const char *text)
{
    const size_t size = strlen(text) + 1;
    void *all = names->text, *at = names->at;
    LAM_TRY(lami_grow(&all, &names->room, names->size + size, 1));
    names->text = all;
    LAM_TRY(lami_grow(&at, &names->at_room, names->count + 1, sizeof *names->at));
    names->at = at;
    memcpy(names->text + names->size, text, size);
    names->at[names->count++] = names->size;
    names->size += size;
    return LAM_OK;
}

/* ---- one folder -------------------------------------------------------------------------------------------------- */

/* A folder that is being walked, and those above. */
typedef struct level {
    const struct level *above;
    dev_t device;
    ino_t number;
    int depth;
} level;

static lam_status cannot_read(const char *path, int error)
{
    char shown[LAMI_PATH_SHOWN];
    lami_escape(shown, sizeof shown, path);
    if (error == ELOOP)
        return lami_fail(LAM_EFORMAT, "%s: a symbolic link that leads to itself", shown);
    return lami_fail(LAM_EREAD, "cannot read %s: %s", shown, strerror(error));
}

static lam_status read_names(lami_names *names, DIR *dir, const char *path)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e)
            return errno ? cannot_read(path, errno) : LAM_OK;
        if (e->d_name[0] != '.')
            LAM_TRY(lami_names_add(names, e->d_name));
    }
}

static int by_bytes(const void *a, const void *b, void *text)
{
    const size_t *x = a, *y = b;
    return strcmp((const char *)text + *x, (const char *)text + *y);
}

/* The names in the folder at `path`, sorted, and which folder it is. */
static lam_status open_folder(lami_names *names, level *here, const char *path)
{
    struct stat st;
    DIR *dir = opendir(path);
    if (!dir)
        return cannot_read(path, errno);
    lam_status status = fstat(dirfd(dir), &st) ? cannot_read(path, errno) : read_names(names, dir, path);
    closedir(dir);
    if (status)
        return status;
    here->device = st.st_dev;
    here->number = st.st_ino;
    if (names->count)
        qsort_r(names->at, names->count, sizeof *names->at, by_bytes, names->text);
    return LAM_OK;
}

static lam_status check_level(const level *here, const char *path)
{
    char shown[LAMI_PATH_SHOWN];
    for (const level *l = here->above; l; l = l->above)
        if (l->device == here->device && l->number == here->number)
            return lami_fail(LAM_EFORMAT, "%s: symbolic links that lead back to a folder above",
                             lami_escape(shown, sizeof shown, path));
    if (here->depth >= LAMI_WALK_DEPTH)
        return lami_fail(LAM_EFORMAT, "%s: more than %d folders deep", lami_escape(shown, sizeof shown, path),
                         LAMI_WALK_DEPTH);
    return LAM_OK;
}

/* What a name in a folder is. */
typedef enum entry { OTHER, IMAGE, FOLDER, UNREADABLE /* errno says why */ } entry;

/* What has the name of an image is one, even where a link leads nowhere or to itself: reading it then tells, and
 * --skip-bad passes over it. */
static entry entry_of(const char *path)
{
    struct stat st;
    const int error = stat(path, &st) ? errno : 0;
    if (!error && S_ISDIR(st.st_mode))
        return FOLDER;
    if (lami_image_named(path))
        return IMAGE;
    return !error || error == ENOENT ? OTHER : UNREADABLE;
}

lam_status lami_walk_folders(lami_names *names, const char *folder)
{
    lami_names all = { 0 };
    level here = { 0 };
    lam_status status;
    LAM_TRY_DONE(open_folder(&all, &here, folder));
    for (size_t i = 0; !status && i < all.count; i++) {
        char *path = lami_path_join(folder, lami_names_get(&all, i));
        if (!path) {
            status = LAM_ENOMEM;
            break;
        }
        const entry e = entry_of(path);
        if (e == UNREADABLE)
            status = cannot_read(path, errno);
        else if (e == FOLDER)
            status = lami_names_add(names, lami_names_get(&all, i));
        lami_free(path);
    }
done:
    lami_names_free(&all);
    return status;
}

/* ---- all below --------------------------------------------------------------------------------------------------- */

static lam_status walk(lami_names *names, const char *folder, int deep, const level *above);

static lam_status walk_entry(lami_names *names, const char *path, int deep, const level *here)
{
    switch (entry_of(path)) {
    case IMAGE:
        return lami_names_add(names, path);
    case FOLDER:
        return deep ? walk(names, path, deep, here) : LAM_OK;
    case UNREADABLE:
        return cannot_read(path, errno);
    case OTHER:
        break;
    }
    return LAM_OK;
}

static lam_status walk(lami_names *names, const char *folder, int deep, const level *above)
{
    lami_names all = { 0 };
    level here = { .above = above, .depth = above ? above->depth + 1 : 0 };
    lam_status status;
    LAM_TRY_DONE(open_folder(&all, &here, folder));
    LAM_TRY_DONE(check_level(&here, folder));
    for (size_t i = 0; !status && i < all.count; i++) {
        char *path = lami_path_join(folder, lami_names_get(&all, i));
        status = path ? walk_entry(names, path, deep, &here) : LAM_ENOMEM;
        lami_free(path);
    }
done:
    lami_names_free(&all);
    return status;
}

lam_status lami_walk_images(lami_names *names, const char *folder, int deep)
{
    return walk(names, folder, deep, NULL);
}

/* ---- a glance ---------------------------------------------------------------------------------------------------- */

static int glance(const char *folder, int depth, size_t *left)
{
    int found = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (const struct dirent *e; !found && *left && (e = readdir(dir));) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        *left -= 1;
        if (lami_image_named(e->d_name))
            found = 1;
        if (found || !depth || e->d_type == DT_REG)
            continue;
        char *path = lami_path_join(folder, e->d_name);
        if (!path)
            found = -1;
        else if (!stat(path, &st) && S_ISDIR(st.st_mode))
            found = glance(path, depth - 1, left);
        lami_free(path);
    }
    closedir(dir);
    return found;
}

int lami_walk_has_images(const char *folder, int depth)
{
    size_t left = NAMES_LOOKED_AT;
    return glance(folder, depth, &left);
}
