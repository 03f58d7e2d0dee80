/* Fuzz target: a pickle by itself, and as the one batch of a CIFAR-10 folder. Whatever a pickle that is read holds can
 * be read to the last byte; what opens has labels below ten. */
#include <string.h>

#include "../src/data/data.h"
#include "../src/data/pickle.h"
#include "memory_file.h"

enum { STEPS_MOST = 10000, DEPTH_MOST = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/lamina-fuzz-XXXXXX";
static char path[64];

static void clean(void)
{
    unlink(path);
    rmdir(folder);
}

static void make_folder(const memory_file *file)
{
    require(mkdtemp(folder) != NULL);
    atexit(clean);
    snprintf(path, sizeof path, "%s/data_batch_1", folder);
    require(symlink(file->path, path) == 0);
}

static void require_message(lam_status status, const char *name)
{
    require((status == LAM_EFORMAT || status == LAM_EREAD) && strstr(lam_last_error(), name));
    require(!strchr(lam_last_error(), '\n'));
}

static unsigned sum_of(const uint8_t *at, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += at[i];
    return sum;
}

/* Bytes of a value and what it holds; lists may hold themselves, so there is a bound. */
static unsigned walk(const lami_pickle *p, const lami_pickle_value *value, int depth, int *steps)
{
    unsigned sum = 0;
    if (depth > DEPTH_MOST || ++*steps > STEPS_MOST)
        return 0;
    switch (value->type) {
    case LAMI_PICKLE_BYTES:
    case LAMI_PICKLE_TEXT:
        return sum_of(value->u.bytes.at, value->u.bytes.size);
    case LAMI_PICKLE_ARRAY:
        return value->u.array.at ? sum_of(value->u.array.at, (size_t)value->u.array.rows * value->u.array.columns) : 0;
    case LAMI_PICKLE_LIST:
    case LAMI_PICKLE_TUPLE:
    case LAMI_PICKLE_DICT:
        for (size_t i = 0; i < value->u.list.count; i++)
            sum += walk(p, lami_pickle_item(p, value, i), depth + 1, steps);
        return sum;
    default:
        return 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file file;
    static volatile unsigned seen;
    lami_pickle *p;
    lam_data *set;
    const lam_status status = lami_pickle_read(&p, data, size, "a/batch");
    if (status) {
        require(!p && status == LAM_EFORMAT);
        require_message(status, "a/batch");
    } else {
        int steps = 0;
        seen += walk(p, lami_pickle_root(p), 0, &steps);
        lami_pickle_free(p);
    }
    const int made = file.fd != 0;
    memory_file_set(&file, data, size);
    if (!made)
        make_folder(&file);
    char of_kind[64];
    snprintf(of_kind, sizeof of_kind, "cifar10:%s", folder);
    const lam_status opened = lam_data_open(&set, of_kind, NULL);
    if (opened) {
        require(!set);
        require_message(opened, folder);
        return 0;
    }
    require(!status && lam_data_classes(set) == 10);
    for (size_t i = 0; i < lam_data_count(set, LAM_TRAIN); i++) {
        require(lam_data_label(set, LAM_TRAIN, i) < 10);
        seen += sum_of(lami_data_sample(set, LAM_TRAIN, i), 3072);
    }
    lam_data_free(set);
    return 0;
}
