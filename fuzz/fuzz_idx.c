/* Fuzz target: a folder of two idx files. The input is a byte with the length of the label file, that file, then the
 * image file. What opens has labels below the number of classes, and all of its samples can be read. */
#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/data.h"
#include "memory_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "train-labels-idx1-ubyte", "train-images-idx3-ubyte" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file files[2];
    const size_t head = size ? 1 : 0;
    const size_t labels = head && data[0] < size ? data[0] : size - head;
    memory_file_set(&files[0], data + head, labels);
    memory_file_set(&files[1], data + head + labels, size - head - labels);
    folder_make(files, names);
    lam_data *set;
    const lam_status status = lam_data_open(&set, folder, NULL);
    if (status) {
        require(!set && status == LAM_EFORMAT && strstr(lam_last_error(), folder) && !strchr(lam_last_error(), '\n'));
        return 0;
    }
    unsigned sum = 0;
    const size_t bytes = lam_shape_count(lam_data_shape(set));
    for (size_t i = 0; i < lam_data_count(set, LAM_TRAIN); i++) {
        const uint8_t *x = lami_data_sample(set, LAM_TRAIN, i);
        require((size_t)lam_data_label(set, LAM_TRAIN, i) < lam_data_classes(set));
        for (size_t j = 0; j < bytes; j++)
            sum += x[j];
    }
    require(sum <= 255 * bytes * lam_data_count(set, LAM_TRAIN));
    lam_data_free(set);
    return 0;
}
