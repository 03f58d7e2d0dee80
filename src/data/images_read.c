/* images_read: two passes over all files in parallel. The first reads heads: the number of channels and the size of the
 * samples follow from all of them. The second decodes each file into its place. What is wrong with a file is kept with
 * it, so that errors do not depend on the order in which threads come to them. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/escape.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "image.h"
#include "images.h"
#include "resize.h"

enum { PARTS = LAM_TEST + 1, TASK_FILES = 8, TASKS_MOST = 1 << 16 };
enum { FILE_BYTES = 1 << 30 }; /* most, of a file */
enum { HEADS, PIXELS };        /* passes */

typedef struct file {
    lami_image_head head;
    lam_status status; /* LAM_EFORMAT and LAM_EREAD: bad, and why */
    char *why;         /* NULL: no memory for it */
    uint8_t *out;
} file;

/* What a thread needs; grows to what the largest file takes. */
typedef struct bench {
    uint8_t *content, *pixels;
    size_t content_room, pixels_room;
    lami_resizer resizer;
} bench;

typedef struct reading {
    lam_data *data;
    lami_image_set *set;
    file *file;              /* of all parts, one after another */
    size_t first[PARTS + 1]; /* of each part */
    size_t each;             /* files of a task */
    bench *bench;            /* of each thread */
    int threads, skip;       /* skip: bad files are left out */
    size_t channels, height, width;
    _Atomic size_t failed; /* no file after this one needs to be looked at */
} reading;

/* ---- files ------------------------------------------------------------------------------------------------------- */

static const char *path_of(const reading *r, size_t i)
{
    int p = LAM_TRAIN;
    while (i >= r->first[p + 1])
        p++;
    return lami_names_get(&r->set->part[p].path, i - r->first[p]);
}

static lam_status content_room(bench *b, size_t need)
{
    if (b->content && need <= b->content_room)
        return LAM_OK;
    lami_free(b->content);
    b->content_room = need + need / 4;
    b->content = lami_alloc(b->content_room, 1);
    return b->content ? LAM_OK : LAM_ENOMEM;
}

/* Up to `most` bytes of an open file into b->content. */
static lam_status read_some(bench *b, size_t *size, int *whole, int fd, size_t most, char *why)
{
    struct stat st;
    if (fstat(fd, &st) || S_ISDIR(st.st_mode)) {
        snprintf(why, LAMI_IMAGE_WHY, "%s", strerror(errno ? errno : EISDIR));
        return LAM_EREAD;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES) {
        snprintf(why, LAMI_IMAGE_WHY, "%s", S_ISREG(st.st_mode) ? "larger than 1 GiB" : "not a regular file");
        return LAM_EFORMAT;
    }
    const size_t wanted = (size_t)st.st_size < most ? (size_t)st.st_size : most;
    LAM_TRY(content_room(b, wanted));
    *size = 0;
    for (ssize_t n = 1; *size < wanted && n != 0;) {
        n = pread(fd, b->content + *size, wanted - *size, (off_t)*size);
        if (n < 0 && errno != EINTR) {
            snprintf(why, LAMI_IMAGE_WHY, "%s", strerror(errno));
            return LAM_EREAD;
        }
        *size += n > 0 ? (size_t)n : 0;
    }
    *whole = wanted == (size_t)st.st_size;
    return LAM_OK;
}

/* The content of file i, or its first `most` bytes. */
static lam_status read_content(const reading *r, size_t i, bench *b, const uint8_t **data, size_t *size, int *whole,
                               size_t most, char *why)
{
    *whole = 1;
    if (r->set->bytes) {
        *data = r->set->bytes;
        *size = r->set->size;
        return LAM_OK;
    }
    const int fd = open(path_of(r, i), O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for a writer */
    if (fd < 0) {
        snprintf(why, LAMI_IMAGE_WHY, "%s", strerror(errno));
        return LAM_EREAD;
    }
    errno = 0;
    const lam_status status = read_some(b, size, whole, fd, most, why);
    close(fd);
    *data = b->content;
    return status;
}

static lam_status read_head(const reading *r, size_t i, bench *b, char *why)
{
    file *f = &r->file[i];
    const uint8_t *data;
    size_t size;
    int whole;
    LAM_TRY(read_content(r, i, b, &data, &size, &whole, LAMI_IMAGE_HEAD_BYTES, why));
    LAM_TRY(lami_image_read_head(&f->head, why, data, size, whole));
    if (!f->head.width) {
        LAM_TRY(read_content(r, i, b, &data, &size, &whole, FILE_BYTES, why));
        LAM_TRY(lami_image_read_head(&f->head, why, data, size, 1));
    }
    return lami_image_reads(f->head.kind) ? LAM_OK : LAM_EUNSUPPORTED;
}

static lam_status pixels_room(bench *b, size_t need)
{
    void *pages;
    if (need <= b->pixels_room)
        return LAM_OK;
    lami_pages_free(b->pixels, b->pixels_room);
    b->pixels = NULL;
    b->pixels_room = 0;
    LAM_TRY(lami_pages_new(&pages, need));
    b->pixels = pages;
    b->pixels_room = need;
    return LAM_OK;
}

static lam_status read_pixels(const reading *r, size_t i, bench *b, char *why)
{
    const file *f = &r->file[i];
    const uint8_t *data;
    size_t size, channels = (size_t)f->head.channels;
    int whole;
    lami_image_head head;
    LAM_TRY(read_content(r, i, b, &data, &size, &whole, FILE_BYTES, why));
    LAM_TRY(lami_image_read_head(&head, why, data, size, 1));
    if (head.width != f->head.width || head.height != f->head.height || head.channels != f->head.channels) {
        snprintf(why, LAMI_IMAGE_WHY, "the file changed while it was read");
        return LAM_EREAD;
    }
    LAM_TRY(pixels_room(b, lami_image_room(&head)));
    LAM_TRY(lami_image_decode(b->pixels, why, &head, data, size));
    if (channels == 3 && r->channels == 1) {
        lami_image_to_gray(b->pixels, head.width * head.height);
        channels = 1;
    }
    LAM_TRY(lami_resize(f->out, r->width, r->height, b->pixels, head.width, head.height, channels, &b->resizer));
    const size_t plane = r->width * r->height;
    for (size_t c = channels; c < r->channels; c++)
        memcpy(f->out + c * plane, f->out, plane);
    return LAM_OK;
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

static size_t tasks_of(void *arg, size_t pass)
{
    (void)pass;
    const reading *r = arg;
    return (r->first[PARTS] + r->each - 1) / r->each;
}

/* The first file that ends the reading is what is told of, so those before it are looked at all the same. */
static void end_at(reading *r, size_t i)
{
    size_t failed = atomic_load(&r->failed);
    while (i < failed && !atomic_compare_exchange_weak(&r->failed, &failed, i))
        continue;
}

static int is_bad(lam_status status)
{
    return status == LAM_EFORMAT || status == LAM_EREAD;
}

static void pass_task(void *arg, size_t pass, size_t task, size_t thread)
{
    reading *r = arg;
    const size_t first = task * r->each, all = r->first[PARTS], end = all - first < r->each ? all : first + r->each;
    for (size_t i = first; i < end && i < atomic_load(&r->failed); i++) {
        char why[LAMI_IMAGE_WHY] = "";
        file *f = &r->file[i];
        if (f->status)
            continue;
        f->status = pass == HEADS ? read_head(r, i, &r->bench[thread], why) : read_pixels(r, i, &r->bench[thread], why);
        if (is_bad(f->status))
            f->why = lami_strdup(why);
        if (f->status && !(is_bad(f->status) && f->why && r->skip))
            end_at(r, i);
    }
}

/* The message of the file at which the reading ends. */
static lam_status explain(const reading *r, size_t i)
{
    char shown[LAMI_PATH_SHOWN];
    const file *f = &r->file[i];
    lami_escape(shown, sizeof shown, path_of(r, i));
    if (f->status == LAM_EUNSUPPORTED)
        return lami_fail(LAM_EUNSUPPORTED, "%s: a %s file; this build was made without %s", shown,
                         lami_image_name(f->head.kind), lami_image_library(f->head.kind));
    if (!is_bad(f->status) || !f->why)
        return lami_fail(LAM_ENOMEM, "%s: out of memory", shown);
    return lami_fail(f->status, f->status == LAM_EREAD ? "cannot read %s: %s" : "%s: %s", shown, f->why);
}

static lam_status run_pass(reading *r, size_t pass)
{
    atomic_store(&r->failed, r->first[PARTS]);
    lami_parallel_run(r->threads, pass, pass + 1, tasks_of, pass_task, r);
    const size_t failed = atomic_load(&r->failed);
    return failed < r->first[PARTS] ? explain(r, failed) : LAM_OK;
}

/* ---- the shape --------------------------------------------------------------------------------------------------- */

static lam_status parse_size(reading *r, const char *text)
{
    lam_shape size;
    if (lam_shape_parse(&size, text) || size.rank > 2 || size.dim[0] > LAMI_IMAGE_SIDE ||
        size.dim[size.rank - 1] > LAMI_IMAGE_SIDE)
        return lami_fail(LAM_EOPTION, "--resize: \"%.64s\" is not HxW, such as 32x32, of sides from 1 to %d", text,
                         LAMI_IMAGE_SIDE);
    r->height = size.dim[0];
    r->width = size.dim[size.rank - 1];
    return LAM_OK;
}

/* The size that all files have. */
static lam_status common_size(reading *r)
{
    size_t one = r->first[PARTS];
    for (size_t i = 0; i < r->first[PARTS]; i++) {
        char a[LAMI_PATH_SHOWN], b[LAMI_PATH_SHOWN];
        const file *f = &r->file[i], *g = &r->file[one];
        if (f->status)
            continue;
        if (one == r->first[PARTS])
            one = i;
        else if (f->head.width != g->head.width || f->head.height != g->head.height)
            return lami_fail(LAM_ESHAPE,
                             "images of different sizes: %s is %zux%zu, %s is %zux%zu (height x width): --resize HxW "
                             "makes them all one size",
                             lami_escape(a, sizeof a, path_of(r, one)), g->head.height, g->head.width,
                             lami_escape(b, sizeof b, path_of(r, i)), f->head.height, f->head.width);
    }
    if (one < r->first[PARTS]) {
        r->height = r->file[one].head.height;
        r->width = r->file[one].head.width;
    }
    return LAM_OK;
}

/* What the options leave open is as the model has it, else as the files are. */
static lam_status choose_shape(reading *r)
{
    const lam_options *o = r->set->how->options;
    const lam_shape *image = r->set->how->image;
    if (!strcmp(o->color, "auto") && image)
        r->channels = image->dim[0];
    else if (!strcmp(o->color, "auto")) {
        r->channels = 1;
        for (size_t i = 0; i < r->first[PARTS]; i++)
            if (!r->file[i].status && r->file[i].head.channels == 3)
                r->channels = 3;
    } else
        r->channels = !strcmp(o->color, "gray") ? 1 : 3;
    if (o->resize && *o->resize)
        return parse_size(r, o->resize);
    if (!image)
        return common_size(r);
    r->height = image->dim[1];
    r->width = image->dim[2];
    return LAM_OK;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static lam_status none_left(const reading *r, int p)
{
    char shown[LAMI_PATH_SHOWN], path[LAMI_PATH_SHOWN];
    const size_t i = r->first[p], count = r->first[p + 1] - i;
    lami_escape(shown, sizeof shown, r->set->path);
    if (!count)
        return lami_fail(LAM_EFORMAT, "%s: no image files (.jpg, .jpeg, .png)", shown);
    if (count == 1)
        return explain(r, i);
    return lami_fail(LAM_EFORMAT, "%s: none of %zu image files%s can be read; the first: %s: %s", shown, count,
                     r->data->unlabeled ? "" : " for training", lami_escape(path, sizeof path, path_of(r, i)),
                     r->file[i].why);
}

/* The memory that is there is less than the samples take: better said now than in the middle of reading. */
static lam_status check_memory(const reading *r)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const double memory = pages > 0 && page > 0 ? (double)pages * (double)page : 1e300;
    const double bytes = (double)r->first[PARTS] * (double)r->channels * (double)r->height * (double)r->width;
    if (bytes <= memory)
        return LAM_OK;
    return lami_fail(LAM_ENOMEM,
                     "%zu images of %zux%zux%zu need %.3g GB of memory, of which there are %.3g: a smaller "
                     "--resize helps",
                     r->first[PARTS], r->channels, r->height, r->width, bytes / 1e9, memory / 1e9);
}

/* Places for the files whose heads are fine. */
static lam_status make_rooms(reading *r)
{
    lam_data *data = r->data;
    data->dtype = LAM_U8;
    data->shape = lami_shape3(r->channels, r->height, r->width);
    LAM_TRY(check_memory(r));
    for (int p = LAM_TRAIN; p < PARTS; p++) {
        size_t count = 0;
        for (size_t i = r->first[p]; i < r->first[p + 1]; i++)
            count += !r->file[i].status;
        if (!count && p == LAM_TRAIN)
            return none_left(r, p);
        if (!count)
            continue;
        LAM_TRY(lami_data_room(data, (lam_part)p, count));
        uint8_t *at = data->part[p].x_owned;
        for (size_t i = r->first[p]; i < r->first[p + 1]; i++)
            if (!r->file[i].status) {
                r->file[i].out = at;
                at += data->sample_bytes;
            }
    }
    return LAM_OK;
}

/* Close the gaps that bad files have left, set labels and paths. */
static lam_status close_up(reading *r, int p)
{
    lami_part *part = &r->data->part[p];
    lami_image_files *files = &r->set->part[p];
    const size_t bytes = r->data->sample_bytes;
    size_t n = 0;
    for (size_t i = r->first[p], k = 0; i < r->first[p + 1]; i++, k++) {
        uint8_t *to = (uint8_t *)part->x_owned + n * bytes;
        if (r->file[i].status)
            continue;
        if (to != r->file[i].out)
            memmove(to, r->file[i].out, bytes);
        if (part->label)
            part->label[n] = files->class[k];
        files->path.at[n++] = files->path.at[k];
    }
    if (!n && p == LAM_TRAIN)
        return none_left(r, p);
    part->count = n;
    part->names = files->path.text;
    part->name_at = files->path.at;
    files->path = (lami_names) { 0 };
    return LAM_OK;
}

static lam_status note_bad(reading *r)
{
    for (size_t i = 0; i < r->first[PARTS]; i++)
        if (r->file[i].status)
            LAM_TRY(lami_bad_files_add(&r->data->bad_files, path_of(r, i), r->file[i].why));
    return LAM_OK;
}

static lam_status read_all(reading *r)
{
    LAM_TRY(run_pass(r, HEADS));
    LAM_TRY(choose_shape(r));
    LAM_TRY(make_rooms(r));
    LAM_TRY(run_pass(r, PIXELS));
    LAM_TRY(note_bad(r));
    for (int p = LAM_TRAIN; p < PARTS; p++)
        if (r->data->part[p].count)
            LAM_TRY(close_up(r, p));
    return LAM_OK;
}

static void free_reading(reading *r)
{
    for (size_t i = 0; r->file && i < r->first[PARTS]; i++)
        lami_free(r->file[i].why);
    for (int t = 0; r->bench && t < r->threads; t++) {
        lami_free(r->bench[t].content);
        lami_pages_free(r->bench[t].pixels, r->bench[t].pixels_room);
        lami_resizer_free(&r->bench[t].resizer);
    }
    lami_free(r->file);
    lami_free(r->bench);
}

lam_status lami_images_read(lam_data *data, lami_image_set *set)
{
    const lami_open *how = set->how;
    reading r = { .data = data, .set = set, .skip = how->options->skip_bad || how->bad };
    for (int p = LAM_TRAIN; p < PARTS; p++)
        r.first[p + 1] = r.first[p] + set->part[p].path.count;
    const size_t count = r.first[PARTS];
    const int threads = lami_data_threads(how->options);
    r.threads = count < (size_t)threads ? (count ? (int)count : 1) : threads;
    r.each = count / TASKS_MOST + TASK_FILES;
    r.file = lami_alloc(count, sizeof *r.file);
    r.bench = lami_alloc((size_t)r.threads, sizeof *r.bench);
    lam_status status = LAM_ENOMEM;
    if (r.file && r.bench) {
        lami_parallel_prepare(r.threads);
        status = read_all(&r);
    }
    free_reading(&r);
    return status;
}
