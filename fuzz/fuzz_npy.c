/* Fuzz target: a folder of two arrays. The input is a byte that says how it is opened, two bytes with the length of the
 * file of labels, that file, then the file of samples. */
#include "memory_folder.h"

#include "arrays_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "y.npy", "x.npy" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file files[2];
    char path[64];
    if (size < 3)
        return 0;
    const size_t wanted = (size_t)data[1] | (size_t)data[2] << 8, labels = wanted < size - 3 ? wanted : size - 3;
    memory_file_set(&files[0], data + 3, labels);
    memory_file_set(&files[1], data + 3 + labels, size - 3 - labels);
    folder_make(files, names);
    snprintf(path, sizeof path, "npy:%s", folder);
    require_set(path, folder, data[0]);
    return 0;
}
