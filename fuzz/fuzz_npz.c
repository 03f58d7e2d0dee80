/* Fuzz target: an archive by itself, and as arrays. Each member that can be read has the size that its entry says; what
 * opens as arrays is a whole data set. */
#include "memory_file.h"

#include "../src/data/zip.h"
#include "arrays_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_message(lam_status status)
{
    require(status == LAM_EFORMAT && strstr(lam_last_error(), "a.npz") && !strchr(lam_last_error(), '\n'));
}

static void read_members(const uint8_t *data, size_t size)
{
    static volatile unsigned seen;
    lami_zip *zip;
    const lam_status status = lami_zip_open(&zip, data, size, "a.npz");
    if (status) {
        require(!zip);
        require_message(status);
        return;
    }
    for (size_t i = 0; i < lami_zip_count(zip); i++) {
        lami_zip_content content;
        const lam_status read = lami_zip_read(&content, zip, i);
        if (read)
            require_message(read);
        else
            require(*lami_zip_name(zip, i));
        for (size_t j = 0; j < content.size; j++)
            seen += content.data[j];
        lami_zip_content_free(&content);
    }
    lami_zip_close(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file file;
    char path[64];
    read_members(data, size);
    memory_file_set(&file, data, size);
    snprintf(path, sizeof path, "npz:%s", file.path);
    for (int reals = 0; reals < 2; reals++)
        require_set(path, file.path, reals ? 12 : 0);
    return 0;
}
