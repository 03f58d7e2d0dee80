/* augment: random changes to the images of a training, so that no epoch sees the same ones. Each is a function of seed, epoch
 * and sample alone (random numbers: purpose LAMI_RNG_AUGMENT, step the epoch, 16 words a sample), done on the sample as it is
 * stored: bytes stay bytes. In this order:
 *   translate=P    moved by -P .. P pixels each way, what comes in is the image mirrored at its edge pixel
 *   crop=P         the same with zeros: a random crop of the image with P zeros on each side
 *   flip           mirrored, left for right, for half of the samples; flip=alternate: by turns, which half of them begins is
 *                  drawn (Jordan 2024, arXiv:2404.00498, section 3.6)
 *   contrast=F     differences from the image's mean, times 1 - F .. 1 + F
 *   brightness=F   times 1 - F .. 1 + F
 *   cutout=S       a square of S pixels, its centre anywhere in the image, takes the training part's mean of each channel
 *                  (DeVries, Taylor 2017, arXiv:1708.04552) */
#ifndef LAMI_AUGMENT_H
#define LAMI_AUGMENT_H

#include "data.h"

typedef struct lami_augment {
    lam_dtype dtype;
    lam_shape shape;
    size_t translate, crop, cutout;
    int flip; /* 1: at random, 2: alternate */
    double contrast, brightness;
    double *mean; /* per channel, of the training part; NULL without cutout */
} lami_augment;

/* From a list such as "flip,crop=4" for the images of data; NULL or "" does nothing, and *does is then 0. Errors: LAM_EOPTION
 * (an unknown item, with the nearest match; a value out of range; samples that are no images), LAM_ENOMEM. */
lam_status lami_augment_new(lami_augment *a, int *does, const char *list, const lam_data *data);
void lami_augment_free(lami_augment *a);

/* Sample number `sample` in epoch `epoch`: from x to out, which do not overlap. Threads: safe. */
void lami_augment_apply(const lami_augment *a, void *out, const void *x, uint64_t seed, uint32_t epoch, size_t sample);

#endif
