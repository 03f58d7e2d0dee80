/* views: a sample seen mirrored or moved by a pixel, for scores that are a mean over several looks at it (--tta). */
#ifndef LAMI_VIEWS_H
#define LAMI_VIEWS_H

#include "../core/shape.h"

/* Pixel (y, x) of the view is (y + dy, x + dx) of the sample, reflected about its border pixels; mirrored: after that,
 * left and right change places. */
typedef struct lami_view {
    int mirror, dy, dx;
    double weight; /* in the mean; they add up to 1, and are sums of few powers of 2 */
} lami_view;

/* LAM_EOPTION where option tta asks for views and samples are rows. */
lam_status lami_views_check(const lam_shape *input, const char *tta);

/* The views of an option tta that is not none, with room for a batch of at most n samples as one of them shows it, and
 * for the mean of their `scores` scores each. */
typedef struct lami_views {
    const lami_view *view;
    size_t count, scores;
    lam_shape image;
    uint8_t *seen;
    const void **row;
    double *mean;
} lami_views;
lam_status lami_views_new(lami_views **views, const char *tta, const lam_shape *image, size_t n, size_t scores);
void lami_views_free(lami_views *views);

/* Samples first .. first + n - 1 of x as view v shows them: the address of the first one's row. Any threads may make
 * different samples at once. */
const void *const *lami_views_look(lami_views *views, size_t v, const void *const *x, lam_dtype type, size_t first,
                                   size_t n);

/* Take in the scores (n, scores) that view v got; with the last one they become the mean. Views come in order. */
void lami_views_add(lami_views *views, size_t v, void *scores, lam_dtype dtype, size_t n);

/* `from` as seen, to `to`: C x H x W elements of `size` bytes (1, 4, 8). */
void lami_view_sample(void *to, const void *from, size_t size, const lam_shape *image, const lami_view *view);

#endif
