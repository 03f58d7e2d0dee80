/* cifar10: photographs of ten kinds of things.
 *   binary   data_batch_1.bin ... data_batch_5.bin, test_batch.bin: records of a label (0 to 9) and the pixels;
 *            batches.meta.txt: the names of the classes, a line each
 *   Python   data_batch_1 ... data_batch_5, test_batch: pickles of a dictionary with data (N, 3072) and labels;
 *            batches.meta: one with label_names
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html */
#include "cifar.h"

static const char *const class_name[] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                          "dog",      "frog",       "horse", "ship", "truck" };

static const lami_cifar set = {
    .batches = 5,
    .form[LAMI_CIFAR_BINARY] = { "cifar-10-batches-bin",
                                 { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                   "data_batch_5.bin", "test_batch.bin", "batches.meta.txt" } },
    .form[LAMI_CIFAR_PYTHON] = { "cifar-10-batches-py",
                                 { "data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5",
                                   "test_batch", "batches.meta" } },
    .labels = 1,
    .limit = { 10 },
    .key = "labels",
    .names_key = "label_names",
    .class_name = class_name,
};

static int matches(const char *path)
{
    return lami_cifar_matches(&set, path);
}

static lam_status open_cifar10(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    return lami_cifar_open(data, &set, path);
}

static const char *const places[] = { "/usr/share/datasets", "/usr/local/share/datasets", NULL };

const lami_data_kind lami_data_cifar10 = {
    .name = "cifar10",
    .help = "photographs of ten kinds of things, 3x32x32: binary or Python batches, folder or .tar.gz",
    .matches = matches,
    .open = open_cifar10,
    .places = places,
};
