/* cifar10: the binary version of CIFAR-10, as a folder, with or without its level cifar-10-batches-bin, or as the
 * archive:
 *   data_batch_1.bin ... data_batch_5.bin (fewer in small sets), test_batch.bin (may be missing): records of a label
 *   (0 to 9) and 3 x 32 x 32 bytes, red, green, blue;  batches.meta.txt: the names of the classes, a line each
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "data.h"
#include "tar.h"

enum { BATCHES = 5, TEST = BATCHES, META, FILES, CLASSES = 10, PIXELS = 3 * 32 * 32, RECORD = 1 + PIXELS };
enum { META_BYTES = 4096 };

static const char *const file_name[FILES] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                              "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
                                              "batches.meta.txt" };
static const char *const class_name[CLASSES] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                                 "dog",      "frog",       "horse", "ship", "truck" };

/* What is there, before anything is read: size of each file, and whether it is there at all. */
typedef struct batches {
    int here[FILES];
    uint64_t bytes[FILES];
    size_t first[FILES];   /* record of the part with which the batch begins */
    char meta[META_BYTES]; /* the text of batches.meta.txt, 0 at its end */
} batches;

/* ---- both forms ---- */

/* Check sizes, place the batches in their parts, and make room for them. `path`: the folder or archive. */
static lam_status make_room(lam_data *data, batches *b, const char *path)
{
    size_t count[2] = { 0, 0 };
    for (int i = 1; i < BATCHES; i++)
        if (b->here[i] && !b->here[i - 1])
            return lami_fail(LAM_EREAD, "%s: %s is missing, but %s is there", path, file_name[i - 1], file_name[i]);
    for (int i = 0; i < META; i++) {
        if (!b->here[i])
            continue;
        if (!b->bytes[i] || b->bytes[i] % RECORD || b->bytes[i] / RECORD >= UINT32_MAX)
            return lami_fail(LAM_EFORMAT,
                             "%s: %s has %" PRIu64 " bytes, not a multiple of %d (a label and 3x32x32 pixels)", path,
                             file_name[i], b->bytes[i], RECORD);
        b->first[i] = count[i == TEST];
        count[i == TEST] += (size_t)(b->bytes[i] / RECORD);
    }
    if (!count[0])
        return lami_fail(LAM_EREAD, "%s: %s is missing", path, file_name[0]);
    data->dtype = LAM_U8;
    data->shape = lami_shape3(3, 32, 32);
    LAM_TRY(lami_data_room(data, LAM_TRAIN, count[0]));
    return count[1] ? lami_data_room(data, LAM_TEST, count[1]) : LAM_OK;
}

/* The records of batch i, from where the stream stands. */
static lam_status read_batch(lam_data *data, const batches *b, int i, lami_gzip *in)
{
    lami_part *part = &data->part[i == TEST ? LAM_TEST : LAM_TRAIN];
    const size_t count = (size_t)(b->bytes[i] / RECORD);
    for (size_t k = 0; k < count; k++) {
        uint8_t label;
        LAM_TRY(lami_gzip_read(in, &label, 1));
        if (label >= CLASSES)
            return lami_fail(LAM_EFORMAT, "%s: label of record %zu of %s is %d; labels are 0 to %d", lami_gzip_path(in),
                             k, file_name[i], label, CLASSES - 1);
        part->label[b->first[i] + k] = label;
        LAM_TRY(lami_gzip_read(in, (uint8_t *)part->x_owned + (b->first[i] + k) * PIXELS, PIXELS));
    }
    return LAM_OK;
}

static lam_status read_meta(batches *b, lami_gzip *in, uint64_t bytes)
{
    if (bytes >= META_BYTES)
        return lami_fail(LAM_EFORMAT, "%s: %s has %" PRIu64 " bytes, not ten lines with a name each",
                         lami_gzip_path(in), file_name[META], bytes);
    LAM_TRY(lami_gzip_read(in, b->meta, (size_t)bytes));
    b->meta[bytes] = 0;
    return LAM_OK;
}

/* Cut the text of batches.meta.txt into lines; empty ones do not count. */
static lam_status set_names(lam_data *data, batches *b, const char *path)
{
    const char *names[CLASSES];
    size_t count = 0;
    if (!b->here[META])
        return lami_data_set_classes(data, CLASSES, class_name);
    for (char *at = b->meta; *at;) {
        char *const line = at;
        while (*at >= ' ' && *at <= '~')
            at++;
        if (*at && *at != '\n' && *at != '\r')
            return lami_fail(LAM_EFORMAT, "%s: %s: class %zu has a byte %02x in its name", path, file_name[META], count,
                             (unsigned char)*at);
        if (*at)
            *at++ = 0;
        if (!*line)
            continue;
        if (count < CLASSES)
            names[count] = line;
        count++;
    }
    if (count != CLASSES)
        return lami_fail(LAM_EFORMAT, "%s: %s names %zu classes, not %d", path, file_name[META], count, CLASSES);
    return lami_data_set_classes(data, CLASSES, names);
}

/* ---- a folder ---- */

/* Call use(arg, i, stream) for each of the files that is there. */
static lam_status each_file(const char *folder, lam_status (*use)(void *arg, int i, lami_gzip *in), void *arg)
{
    for (int i = 0; i < FILES; i++) {
        char *path = lami_path_join(folder, file_name[i]);
        if (!path)
            return LAM_ENOMEM;
        lami_gzip *in = NULL;
        lam_status status = LAM_OK;
        if (lami_is_file(path) && !(status = lami_gzip_open(&in, path)))
            status = use(arg, i, in);
        lami_gzip_close(in);
        lami_free(path);
        LAM_TRY(status);
    }
    return LAM_OK;
}

static lam_status look_at_file(void *arg, int i, lami_gzip *in)
{
    batches *b = arg;
    if (lami_gzip_packed(in))
        return lami_fail(LAM_EFORMAT, "%s: gzip data; unpack it, or give the whole .tar.gz", lami_gzip_path(in));
    b->here[i] = 1;
    b->bytes[i] = lami_gzip_most(in);
    return i == META ? read_meta(b, in, b->bytes[i]) : LAM_OK;
}

typedef struct reading {
    lam_data *data;
    const batches *b;
} reading;

static lam_status read_file(void *arg, int i, lami_gzip *in)
{
    const reading *r = arg;
    if (i == META || !r->b->here[i])
        return LAM_OK;
    LAM_TRY(read_batch(r->data, r->b, i, in));
    return lami_gzip_end(in);
}

static lam_status open_folder(lam_data *data, batches *b, const char *folder)
{
    LAM_TRY(each_file(folder, look_at_file, b));
    LAM_TRY(make_room(data, b, folder));
    LAM_TRY(each_file(folder, read_file, &(reading) { data, b }));
    return set_names(data, b, folder);
}

/* ---- an archive: two passes, as nothing is known of the sizes before all headers have been seen ---- */

/* Which of the files a member is, or FILES. At any depth: archives differ in their first levels. */
static int which_file(const lami_tar_member *member)
{
    const char *slash = strrchr(member->name, '/');
    const char *name = slash ? slash + 1 : member->name;
    int i = 0;
    while (i < FILES && (!member->regular || strcmp(name, file_name[i])))
        i++;
    return i;
}

static lam_status look_at_archive(batches *b, lami_gzip *in)
{
    lami_tar tar = lami_tar_make(in);
    lami_tar_member member;
    for (int more;;) {
        LAM_TRY(lami_tar_next(&tar, &member, &more));
        if (!more)
            return LAM_OK;
        const int i = which_file(&member);
        if (i == FILES)
            continue;
        if (b->here[i])
            return lami_fail(LAM_EFORMAT, "%s: %s is in it twice", lami_gzip_path(in), file_name[i]);
        b->here[i] = 1;
        b->bytes[i] = member.size;
        if (i == META)
            LAM_TRY(read_meta(b, in, member.size));
    }
}

static lam_status read_archive(lam_data *data, const batches *b, lami_gzip *in)
{
    lami_tar tar = lami_tar_make(in);
    lami_tar_member member;
    int seen[FILES] = { 0 };
    for (int more;;) {
        LAM_TRY(lami_tar_next(&tar, &member, &more));
        if (!more)
            break;
        const int i = which_file(&member);
        if (i >= META)
            continue;
        if (seen[i] || !b->here[i] || b->bytes[i] != member.size)
            return lami_fail(LAM_EREAD, "%s: changed while it was read", lami_gzip_path(in));
        seen[i] = 1;
        LAM_TRY(read_batch(data, b, i, in));
    }
    if (memcmp(seen, b->here, META * sizeof *seen))
        return lami_fail(LAM_EREAD, "%s: changed while it was read", lami_gzip_path(in));
    return LAM_OK;
}

static lam_status open_archive(lam_data *data, batches *b, const char *path)
{
    lam_status status;
    lami_gzip *in = NULL;
    LAM_TRY_DONE(lami_gzip_open(&in, path));
    LAM_TRY_DONE(look_at_archive(b, in));
    lami_gzip_close(in);
    in = NULL;
    LAM_TRY_DONE(make_room(data, b, path));
    LAM_TRY_DONE(lami_gzip_open(&in, path));
    LAM_TRY_DONE(read_archive(data, b, in));
    LAM_TRY_DONE(set_names(data, b, path));
done:
    lami_gzip_close(in);
    return status;
}

/* ---- the kind ---- */

static const char level[] = "cifar-10-batches-bin";

static int matches(const char *path)
{
    if (lami_is_file(path))
        return lami_tar_looks_like(path);
    char first[sizeof level + sizeof "/data_batch_1.bin"];
    snprintf(first, sizeof first, "%s/%s", level, file_name[0]);
    return lami_data_has(path, file_name[0]) || lami_data_has(path, first);
}

/* The folder, or its level where that is there and the batches are not in the folder itself. */
static lam_status open_either(lam_data *data, batches *b, const char *path)
{
    char *below = lami_path_join(path, level);
    if (!below)
        return LAM_ENOMEM;
    const int in_level = !lami_data_has(path, file_name[0]) && lami_is_folder(below);
    const lam_status status = open_folder(data, b, in_level ? below : path);
    lami_free(below);
    return status;
}

static lam_status open_cifar10(lam_data *data, const char *path)
{
    batches *b = lami_alloc(1, sizeof *b);
    if (!b)
        return LAM_ENOMEM;
    const lam_status status = lami_is_folder(path) ? open_either(data, b, path) : open_archive(data, b, path);
    lami_free(b);
    return status;
}

static const char *const places[] = { "/usr/share/datasets", "/usr/local/share/datasets", NULL };

const lami_data_kind lami_data_cifar10 = {
    .name = "cifar10",
    .help = "photographs of ten kinds of things, 3x32x32: binary batches, folder or .tar.gz",
    .matches = matches,
    .open = open_cifar10,
    .places = places,
};
