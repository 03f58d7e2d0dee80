/* Fuzz target: a file that opens has tensors that follow one another, can be read to the last byte, and are the same
 * after they are written and read again. A file that does not open has a message of one line that names it. */
#include <string.h>

#include "../src/core/mem.h"
#include "../src/format/safetensors.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write all tensors of `in` to an open file. Empty ones cannot be written: 0 then. */
static int write_again(const lami_st_in *in, FILE *file)
{
    lami_st_out *out;
    lam_tensor view;
    int fits = 1;
    require(!lami_st_out_new(&out));
    for (size_t i = 0; fits && i < lami_st_in_count(in); i++) {
        require(!lami_st_in_tensor(&view, in, lami_st_in_name(in, i)));
        fits = lam_shape_count(&view.shape) > 0;
        if (fits)
            require(!lami_st_out_tensor(out, lami_st_in_name(in, i), &view));
    }
    lami_writer writer = { .file = file };
    if (fits)
        require(!lami_st_out_write(out, &writer) && !fflush(file));
    lami_st_out_free(out);
    return fits;
}

static void compare(const lami_st_in *a, const lami_st_in *b)
{
    require(lami_st_in_count(a) == lami_st_in_count(b));
    for (size_t i = 0; i < lami_st_in_count(a); i++) {
        lam_tensor x, y;
        const char *name = lami_st_in_name(a, i);
        require(lami_st_in_has(b, name) && !lami_st_in_tensor(&x, a, name) && !lami_st_in_tensor(&y, b, name));
        require(x.dtype == y.dtype && lami_shape_equal(&x.shape, &y.shape));
        require((uintptr_t)x.data % lami_dtype_size(x.dtype) == 0);
        require(!memcmp(x.data, y.data, lam_shape_count(&x.shape) * lami_dtype_size(x.dtype)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file file, copy;
    lami_st_in *in, *again;
    memory_file_set(&file, data, size);
    const lam_status status = lami_st_in_open(&in, file.path);
    if (status) {
        require(!in && status == LAM_EFORMAT && strstr(lam_last_error(), file.path) && !strchr(lam_last_error(), '\n'));
        return 0;
    }
    memory_file_set(&copy, data, 0);
    FILE *written = fopen(copy.path, "wb");
    require(written != NULL);
    const int fits = write_again(in, written);
    require(!fclose(written));
    if (fits) {
        require(!lami_st_in_open(&again, copy.path));
        compare(in, again);
        lami_st_in_close(again);
    }
    lami_st_in_close(in);
    return 0;
}
