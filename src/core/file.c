/* file: mmap, and the temporary, fsync, rename, fsync of the folder that make a write atomic. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

enum { READ_BYTES = 1 << 16, TRIES = 1000, SUFFIX_MAX = 64 };

static lam_status cannot_read(const char *path, int error)
{
    return lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(error));
}

static lam_status cannot_write(const char *path, int error)
{
    return lami_fail(LAM_EWRITE, "cannot write %s: %s", path,
                     error ? strerror(error) : "a write failed, is the disk full?");
}

static lam_status over_limit(const char *path, size_t limit)
{
    return lami_fail(LAM_EFORMAT, "%s is larger than %zu bytes", path, limit);
}

/* Read to the end: for pipes, devices, /proc, and where mapping does not work. */
static lam_status read_all(lami_blob *blob, int fd, const char *path, size_t limit)
{
    lam_status status = LAM_OK;
    void *data = NULL;
    size_t size = 0, capacity = 0;
    for (;;) {
        LAM_TRY_DONE(lami_grow(&data, &capacity, size + READ_BYTES, 1));
        const ssize_t n = read(fd, (char *)data + size, capacity - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            status = cannot_read(path, errno);
            goto done;
        }
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > limit) {
            status = over_limit(path, limit);
            goto done;
        }
    }
    *blob = (lami_blob) { .data = data, .size = size };
    data = NULL;
done:
    lami_free(data);
    return status;
}

static lam_status open_blob(lami_blob *blob, int fd, const char *path, size_t limit)
{
    struct stat st;
    if (fstat(fd, &st))
        return cannot_read(path, errno);
    if (S_ISDIR(st.st_mode))
        return cannot_read(path, EISDIR);
    if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > limit)
        return over_limit(path, limit);
    if (S_ISREG(st.st_mode) && st.st_size > 0) {
        const size_t size = (size_t)st.st_size;
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            *blob = (lami_blob) { .data = data, .size = size, .mapped = 1 };
            return LAM_OK;
        }
    }
    return read_all(blob, fd, path, limit);
}

lam_status lami_blob_open(lami_blob *blob, const char *path, size_t limit)
{
    *blob = (lami_blob) { 0 };
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(path, errno);
    const lam_status status = open_blob(blob, fd, path, limit);
    close(fd);
    return status;
}

void lami_blob_close(lami_blob *blob)
{
    if (blob->mapped)
        munmap((void *)(uintptr_t)blob->data, blob->size);
    else
        lami_free((void *)(uintptr_t)blob->data);
    *blob = (lami_blob) { 0 };
}

/* Length of the folder part of path with its last slash, 0 when there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Create a file that is not there beside w->path. The name is short and apart from path's own, which may be as long as
 * the system allows; the counter steps over what a killed process with the same id left. */
static int create_temporary(lami_writer *w, mode_t mode)
{
    static atomic_uint counter;
    const size_t folder = folder_length(w->path);
    w->temporary = lami_alloc(folder + SUFFIX_MAX, 1);
    if (!w->temporary)
        return -1;
    memcpy(w->temporary, w->path, folder);
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++) {
        snprintf(w->temporary + folder, SUFFIX_MAX, ".lamina-%ld-%u.tmp", (long)getpid(),
                 atomic_fetch_add(&counter, 1));
        fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

/* Set w->path: where links lead, or path itself where nothing is there yet. *mode: permissions of the file. */
static lam_status find_target(lami_writer *w, const char *path, int *direct, mode_t *mode)
{
    struct stat st;
    *direct = 0;
    *mode = 0;
    if (stat(path, &st)) {
        if (!path[folder_length(path)]) /* "" and "new/" name no file */
            return cannot_write(path, *path ? EISDIR : ENOENT);
        w->path = lami_strdup(path);
        return w->path ? LAM_OK : LAM_ENOMEM;
    }
    if (S_ISDIR(st.st_mode))
        return cannot_write(path, EISDIR);
    if (access(path, W_OK))
        return cannot_write(path, errno);
    *direct = !S_ISREG(st.st_mode);
    *mode = st.st_mode & 0777;
    char *real = *direct ? NULL : realpath(path, NULL); /* a device stays what it is called */
    w->path = lami_strdup(real ? real : path);
    free(real);
    return w->path ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_writer_open(lami_writer *w, const char *path)
{
    lam_status status = LAM_OK;
    int direct, fd = -1;
    mode_t mode;
    *w = (lami_writer) { 0 };
    LAM_TRY_DONE(find_target(w, path, &direct, &mode));
    fd = direct ? open(w->path, O_WRONLY | O_CLOEXEC) : create_temporary(w, 0666);
    if (fd < 0) {
        status = !direct && !w->temporary ? LAM_ENOMEM : cannot_write(path, errno);
        lami_free(w->temporary); /* not created, so not to be removed */
        w->temporary = NULL;
        goto done;
    }
    if (mode && !direct && fchmod(fd, mode)) {
        status = cannot_write(path, errno);
        goto done;
    }
    w->file = fdopen(fd, "wb");
    if (!w->file) {
        status = cannot_write(path, errno);
        goto done;
    }
    fd = -1;
done:
    if (fd >= 0)
        close(fd);
    if (status)
        lami_writer_drop(w);
    return status;
}

lam_status lami_writer_put(lami_writer *w, const void *data, size_t size)
{
    if (!size || fwrite(data, 1, size, w->file) == size)
        return LAM_OK;
    if (!w->error)
        w->error = errno;
    return cannot_write(w->path, w->error);
}

/* fsync, where the file knows it: pipes and some file systems say EINVAL. 0 or errno. */
static int sync_fd(int fd)
{
    int rc;
    do
        rc = fsync(fd);
    while (rc && errno == EINTR);
    return !rc || errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
}

/* Write what is buffered out to the disk and close. */
static lam_status finish(lami_writer *w)
{
    lam_status status = LAM_OK;
    if (w->error || ferror(w->file))
        status = cannot_write(w->path, w->error);
    else if (fflush(w->file))
        status = cannot_write(w->path, errno);
    else {
        const int error = sync_fd(fileno(w->file));
        if (error)
            status = cannot_write(w->path, error);
    }
    FILE *file = w->file;
    w->file = NULL;
    if (fclose(file) && !status)
        status = cannot_write(w->path, errno);
    return status;
}

/* Make the new name last. A folder that may not be opened for reading cannot be synced: the data itself is safe. */
static lam_status sync_folder(const char *path)
{
    const size_t length = folder_length(path);
    char *folder = length ? lami_strndup(path, length) : lami_strdup(".");
    if (!folder)
        return LAM_ENOMEM;
    int error = 0;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        error = sync_fd(fd);
        close(fd);
    }
    lami_free(folder);
    return error ? cannot_write(path, error) : LAM_OK;
}

lam_status lami_writer_commit(lami_writer *w)
{
    lam_status status = LAM_OK;
    if (!w->file)
        return lami_fail(LAM_EINVAL, "lami_writer_commit: no open file");
    LAM_TRY_DONE(finish(w));
    if (w->temporary) {
        if (rename(w->temporary, w->path)) {
            status = cannot_write(w->path, errno);
            goto done;
        }
        lami_free(w->temporary);
        w->temporary = NULL;
        LAM_TRY_DONE(sync_folder(w->path));
    }
done:
    lami_writer_drop(w);
    return status;
}

void lami_writer_drop(lami_writer *w)
{
    if (w->file)
        fclose(w->file);
    if (w->temporary)
        unlink(w->temporary);
    lami_free(w->temporary);
    lami_free(w->path);
    *w = (lami_writer) { 0 };
}

char *lami_path_join(const char *folder, const char *name)
{
    const size_t a = strlen(folder), b = strlen(name);
    const int slash = a > 0 && folder[a - 1] != '/';
    char *path = lami_alloc(a + b + 2, 1);
    if (!path)
        return NULL;
    memcpy(path, folder, a);
    if (slash)
        path[a] = '/';
    memcpy(path + a + slash, name, b);
    return path;
}

int lami_is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int lami_is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}
