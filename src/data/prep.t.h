/* prep.t.h: applying, for one type of the stored elements and one of the network. Before including: STORED, REAL, and
 * NAME, the function's name. Elements are taken in blocks, so that shift and scale are rounded once per block for all
 * samples. */
static void NAME(void *to, const void *const *x, size_t n, size_t channels, size_t pixels, const lami_prep *prep)
{
    const size_t count = channels * pixels;
    for (size_t c = 0; c < channels; c++) {
        for (size_t p = 0; p < pixels; p += BLOCK) {
            const size_t size = pixels - p < BLOCK ? pixels - p : BLOCK;
            const size_t first = c * pixels + p;
            REAL shift[BLOCK], scale[BLOCK];
            for (size_t j = 0; j < size; j++) {
                shift[j] = prep && prep->count ? (REAL)prep->shift[first + j] : 0;
                scale[j] = prep && prep->count ? (REAL)prep->scale[first + j] : 1;
            }
            for (size_t i = 0; i < n; i++) {
                const STORED *restrict from = (const STORED *)x[i] + first;
                REAL *restrict out = (REAL *)to + i * count + p * channels + c;
                if (channels == 1)
                    for (size_t j = 0; j < size; j++)
                        out[j] = ((REAL)from[j] - shift[j]) * scale[j];
                else
                    for (size_t j = 0; j < size; j++)
                        out[j * channels] = ((REAL)from[j] - shift[j]) * scale[j];
            }
        }
    }
}

#undef STORED
#undef REAL
#undef NAME
