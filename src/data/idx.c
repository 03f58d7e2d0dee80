/* idx: the format of MNIST and those like it. A folder holds
 *   train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
 * each with or without .gz, or with '.' before idx; the t10k pair, the test part, may be missing. A file is
 *   0 0, type (8: unsigned bytes), rank, rank sizes (32 bits, big-endian), the bytes.
 * Images of rank 2 are rows, of rank 3 grey, of rank 4 (N, C, H, W); all are in files named idx3.
 * Source: Yann LeCun's page of MNIST; class names: https://github.com/zalandoresearch/fashion-mnist */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../core/bytes.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "data.h"
#include "gzip.h"

enum { UNSIGNED_BYTES = 8, RANK_MOST = 4, NAME_TEXT = 64, CHUNK = 4096, BYTE_CLASSES = 256, MNIST_CLASSES = 10 };

/* The name of this file as it is in the folder, or 0. */
static int find_name(char name[NAME_TEXT], const char *folder, const char *part, const char *what, int rank)
{
    static const char separator[] = "-.";
    for (int i = 0; i < 4; i++) {
        snprintf(name, NAME_TEXT, "%s-%s%cidx%d-ubyte%s", part, what, separator[i / 2], rank, i % 2 ? ".gz" : "");
        if (lami_data_has(folder, name))
            return 1;
    }
    return 0;
}

/* Its path, new; *path NULL where it is not there. */
static lam_status find_file(char **path, const char *folder, const char *part, const char *what, int rank)
{
    char name[NAME_TEXT];
    *path = NULL;
    if (!find_name(name, folder, part, what, rank))
        return LAM_OK;
    *path = lami_path_join(folder, name);
    return *path ? LAM_OK : LAM_ENOMEM;
}

/* Open a file and read its header; what it promises must be there: exactly in a plain file, possibly in a packed
 * one. */
static lam_status open_idx(lami_gzip **in, lam_shape *shape, const char *path, int least_rank, int most_rank)
{
    uint8_t head[4 + 4 * RANK_MOST];
    LAM_TRY(lami_gzip_open(in, path));
    LAM_TRY(lami_gzip_read(*in, head, 4));
    if (head[0] || head[1])
        return lami_fail(LAM_EFORMAT, "%s: not an idx file (begins with %02x %02x %02x %02x)", path, head[0], head[1],
                         head[2], head[3]);
    if (head[2] != UNSIGNED_BYTES)
        return lami_fail(LAM_EFORMAT, "%s: idx type %02x; only unsigned bytes (08) are read", path, head[2]);
    if (head[3] < least_rank || head[3] > most_rank)
        return lami_fail(LAM_EFORMAT, "%s: %d sizes in the idx header; %d to %d are expected", path, head[3],
                         least_rank, most_rank);
    *shape = (lam_shape) { .rank = head[3] };
    LAM_TRY(lami_gzip_read(*in, head + 4, 4 * (size_t)head[3]));
    lami_bytes sizes = lami_bytes_make(head + 4, 4 * (size_t)head[3]);
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = lami_read_u32be(&sizes);
    char text[LAMI_SHAPE_TEXT];
    size_t bytes;
    if (lami_shape_check(&bytes, shape))
        return lami_fail(LAM_EFORMAT, "%s: impossible sizes in the idx header: %s", path, lami_shape_text(text, shape));
    const uint64_t most = lami_gzip_most(*in);
    if (bytes > most || (bytes < most && !lami_gzip_packed(*in)))
        return lami_fail(LAM_EFORMAT, "%s: %s by the idx header, but %s%" PRIu64 " bytes follow", path,
                         lami_shape_text(text, shape), lami_gzip_packed(*in) ? "at most " : "", most);
    return LAM_OK;
}

/* The label file to the end; all labels below limit. */
static lam_status read_labels(lami_part *part, size_t *largest, lami_gzip *in, size_t limit)
{
    uint8_t chunk[CHUNK];
    for (size_t done = 0; done < part->count;) {
        const size_t n = part->count - done < CHUNK ? part->count - done : CHUNK;
        LAM_TRY(lami_gzip_read(in, chunk, n));
        for (size_t i = 0; i < n; i++) {
            if (chunk[i] >= limit)
                return lami_fail(LAM_EFORMAT, "%s: label %zu is %d; labels are 0 to %zu", lami_gzip_path(in), done + i,
                                 chunk[i], limit - 1);
            part->label[done + i] = chunk[i];
            if (chunk[i] > *largest)
                *largest = chunk[i];
        }
        done += n;
    }
    return lami_gzip_end(in);
}

/* A sample's shape from the file's. */
static lam_shape sample_shape(const lam_shape *file)
{
    if (file->rank == 2)
        return lami_shape1(file->dim[1]);
    if (file->rank == 3)
        return lami_shape3(1, file->dim[1], file->dim[2]);
    return lami_shape3(file->dim[1], file->dim[2], file->dim[3]);
}

static lam_status read_pair(lam_data *data, lam_part part, size_t *largest, const char *images, const char *labels,
                            size_t limit)
{
    lam_status status;
    lami_gzip *x = NULL, *y = NULL;
    lam_shape x_shape, y_shape;
    char have[LAMI_SHAPE_TEXT], need[LAMI_SHAPE_TEXT];
    LAM_TRY_DONE(open_idx(&y, &y_shape, labels, 1, 1));
    LAM_TRY_DONE(open_idx(&x, &x_shape, images, 2, RANK_MOST));
    if (x_shape.dim[0] != y_shape.dim[0]) {
        status = lami_fail(LAM_EFORMAT, "%s: %zu images, but %zu labels in %s", images, x_shape.dim[0], y_shape.dim[0],
                           labels);
        goto done;
    }
    const lam_shape shape = sample_shape(&x_shape);
    if (part == LAM_TRAIN)
        data->shape = shape;
    if (!lami_shape_equal(&shape, &data->shape)) {
        status = lami_fail(LAM_EFORMAT, "%s: images are %s, those of the training part %s", images,
                           lami_shape_text(have, &shape), lami_shape_text(need, &data->shape));
        goto done;
    }
    LAM_TRY_DONE(lami_data_room(data, part, x_shape.dim[0]));
    LAM_TRY_DONE(read_labels(&data->part[part], largest, y, limit));
    LAM_TRY_DONE(lami_gzip_read(x, data->part[part].x_owned, data->part[part].x_bytes));
    LAM_TRY_DONE(lami_gzip_end(x));
done:
    lami_gzip_close(x);
    lami_gzip_close(y);
    return status;
}

/* Both files of a part; *found 0 where the part is not there. */
static lam_status read_part(lam_data *data, lam_part part, int *found, size_t *largest, const char *folder,
                            size_t limit)
{
    lam_status status;
    const char *name = part == LAM_TRAIN ? "train" : "t10k";
    char *images = NULL, *labels = NULL;
    LAM_TRY_DONE(find_file(&images, folder, name, "images", 3));
    LAM_TRY_DONE(find_file(&labels, folder, name, "labels", 1));
    *found = images || labels;
    if (*found && !(images && labels))
        status = lami_fail(LAM_EREAD, "%s: %s-%s-ubyte (or .gz) is missing", folder, name,
                           images ? "labels-idx1" : "images-idx3");
    else if (*found)
        status = read_pair(data, part, largest, images, labels, limit);
done:
    lami_free(images);
    lami_free(labels);
    return status;
}

/* classes 0: as many as the labels say. */
static lam_status open_folder(lam_data *data, const char *folder, size_t classes, const char *const *names)
{
    size_t largest = 0;
    int found;
    const size_t limit = classes ? classes : BYTE_CLASSES;
    if (lami_is_file(folder))
        return lami_fail(LAM_EREAD, "%s: a file; give the folder that holds images and labels", folder);
    data->dtype = LAM_U8;
    LAM_TRY(read_part(data, LAM_TRAIN, &found, &largest, folder, limit));
    if (!found)
        return lami_fail(LAM_EREAD, "%s: train-images-idx3-ubyte (or .gz) is missing", folder);
    LAM_TRY(read_part(data, LAM_TEST, &found, &largest, folder, limit));
    return lami_data_set_classes(data, classes ? classes : largest + 1, names);
}

/* ---- kinds ---- */

/* A folder with training images or labels, or one of the files in it. */
static int matches(const char *path)
{
    if (lami_is_file(path))
        return strstr(path, "-idx3-ubyte") || strstr(path, "-idx1-ubyte");
    char name[NAME_TEXT];
    return find_name(name, path, "train", "images", 3) || find_name(name, path, "train", "labels", 1);
}

/* Is the last part of the path `name`? The sets of this family have the same files, only the folder tells them
 * apart. */
static int is_called(const char *path, const char *name)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    const size_t length = strlen(name);
    return end >= length && !memcmp(path + end - length, name, length) &&
           (end == length || path[end - length - 1] == '/');
}

static int matches_mnist(const char *path)
{
    return is_called(path, "mnist") && matches(path);
}

static int matches_fashion_mnist(const char *path)
{
    return is_called(path, "fashion-mnist") && matches(path);
}

static lam_status open_idx_folder(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    return open_folder(data, path, 0, NULL);
}

static lam_status open_mnist(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    return open_folder(data, path, MNIST_CLASSES, NULL);
}

static lam_status open_fashion_mnist(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    static const char *const names[MNIST_CLASSES] = { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot" };
    return open_folder(data, path, MNIST_CLASSES, names);
}

static const char *const places[] = { "/usr/share/datasets", "/usr/local/share/datasets", NULL };

const lami_data_kind lami_data_idx = {
    .name = "idx",
    .help = "folder of idx files as MNIST has them, plain or .gz",
    .matches = matches,
    .open = open_idx_folder,
};

const lami_data_kind lami_data_mnist = {
    .name = "mnist",
    .help = "handwritten digits, 28x28 grey: folder of idx files",
    .matches = matches_mnist,
    .open = open_mnist,
    .places = places,
};

const lami_data_kind lami_data_fashion_mnist = {
    .name = "fashion-mnist",
    .help = "clothes, 28x28 grey: folder of idx files, or Debian's package dataset-fashion-mnist",
    .matches = matches_fashion_mnist,
    .open = open_fashion_mnist,
    .places = places,
    .package = "Debian: apt install dataset-fashion-mnist",
};
