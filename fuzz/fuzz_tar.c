/* Fuzz target: an archive, packed or not, as a stream of members and as CIFAR-10. A walk that ends has seen no more
 * bytes than the stream can hold; what opens as CIFAR-10 has ten classes and labels below ten. */
#include <string.h>

#include "../src/data/data.h"
#include "../src/data/tar.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_message(lam_status status, const char *path)
{
    require((status == LAM_EFORMAT || status == LAM_EREAD) && strstr(lam_last_error(), path));
    require(!strchr(lam_last_error(), '\n'));
}

static void walk(const char *path)
{
    lami_gzip *in;
    require(!lami_gzip_open(&in, path));
    lami_tar tar = lami_tar_make(in);
    lam_status status = LAM_OK;
    uint64_t sum = 0;
    for (int more = 1; !status && more;) {
        lami_tar_member member;
        status = lami_tar_next(&tar, &member, &more);
        if (status || !more)
            break;
        require(strlen(member.name) < LAMI_TAR_NAME);
        sum += member.regular ? member.size : 0;
    }
    if (status)
        require_message(status, path);
    else
        require(sum <= lami_gzip_at(in));
    lami_gzip_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file file;
    char path[64];
    lam_data *set;
    memory_file_set(&file, data, size);
    walk(file.path);
    snprintf(path, sizeof path, "cifar10:%s", file.path);
    const lam_status status = lam_data_open(&set, path, NULL);
    if (status) {
        require(!set);
        require_message(status, file.path);
        return 0;
    }
    require(lam_data_classes(set) == 10);
    for (size_t i = 0; i < lam_data_count(set, LAM_TRAIN); i++)
        require(lam_data_label(set, LAM_TRAIN, i) < 10);
    lam_data_free(set);
    return 0;
}
