/* prep: preprocessing. Any chain of the steps is one scale and shift per element: value = (stored - shift) * scale,
 * with all three rounded to the network's type and the two operations done in it. It is computed on the training part
 * and belongs to the network. */
#ifndef LAMI_PREP_H
#define LAMI_PREP_H

#include "data.h"

typedef struct lami_prep {
    size_t count;          /* elements of a sample; 0: nothing to do */
    double *shift, *scale; /* in C x H x W order, as the file holds them */
    char *text;            /* the canonical list it was made from */
} lami_prep;

/* Fit `text` ("none", "mean-image", "mean-channel", "standardize", "standardize-channel", "scale=F", comma-joined, left
 * to right) on the training part, each step on what those before it give; NULL is "standardize" for tables,
 * "scale=1/255" for bytes and "none" otherwise. scale=F takes a number or a fraction such as 1/255. mean-channel:
 * one mean per channel of an image; of rows it is mean-image. standardize: per element, (x - mean) / std, std over
 * n; where std is 0, only the mean is taken off; standardize-channel: with the mean and std of each channel of an
 * image. Sums in whole numbers for bytes and in a fixed order for reals, so that the result is the same on each
 * machine. Errors: LAM_EOPTION, LAM_EFORMAT (values that are not finite), LAM_ENOMEM; *prep is then empty. */
lam_status lami_prep_fit(lami_prep *prep, const char *text, const lam_data *data);
void lami_prep_free(lami_prep *prep);

/* Samples as a network takes them: n samples of `data`, sample i at x[i], stored as dtype in C x H x W, to out (n x
 * count) of type LAM_F32 or LAM_F64 in H x W x C order, with prep applied (an empty prep copies). Threads: safe. */
void lami_prep_apply(void *out, lam_dtype out_type, const void *const *x, size_t n, lam_dtype dtype,
                     const lam_shape *shape, const lami_prep *prep);

#endif
