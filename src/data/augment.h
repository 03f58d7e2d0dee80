/* augment: random changes to the samples of a training, so that no epoch sees the same ones. Those of an image are
 * functions of seed, epoch and sample alone (random numbers: purpose LAMI_RNG_AUGMENT, step the epoch, 16 words a
 * sample), done on it as it is stored: bytes stay bytes. In this order:
 *   translate=P    moved by -P .. P pixels each way, what comes in is the image mirrored at its edge pixel
 *   crop=P         the same with zeros: a random crop of the image with P zeros on each side
 *   flip           mirrored, left for right, for half of the samples; flip=alternate: by turns, which half of them
 *                  begins is drawn (Jordan 2024, arXiv:2404.00498, section 3.6)
 *   contrast=F     differences from the image's mean, times 1 - F .. 1 + F
 *   brightness=F   times 1 - F .. 1 + F
 *   cutout=S       a square of S pixels, its centre anywhere in the image, takes the training part's mean of each
 *                  channel (DeVries, Taylor 2017, arXiv:1708.04552)
 * Of samples of any shape:
 *   mixup=A        each sample of a batch is mixed with another one, and so are the losses of their answers; what
 *                  share the other one has is drawn for the batch from Beta(A, A) (Zhang et al. 2017,
 *                  arXiv:1710.09412). The session does it (net/mix.h), on what preprocessing leaves */
#ifndef LAMI_AUGMENT_H
#define LAMI_AUGMENT_H

#include "data.h"

typedef struct lami_augment {
    lam_dtype dtype;
    lam_shape shape;
    size_t translate, crop, cutout;
    int flip; /* 1: at random, 2: alternate */
    double contrast, brightness, mixup;
    double *mean; /* per channel, of the training part; NULL without cutout */
} lami_augment;

/* From a list such as "flip, crop=4" for the samples of data; NULL or "" does nothing. *changes: is there anything for
 * lami_augment_apply to do? Errors: LAM_EOPTION (an unknown item, with the nearest match; one that stands twice; a
 * value out of range; samples that are no images), LAM_ENOMEM; *a is then for lami_augment_free still. */
lam_status lami_augment_new(lami_augment *a, int *changes, const char *list, const lam_data *data);
void lami_augment_free(lami_augment *a);

/* Sample number `sample` in epoch `epoch`: from x to out, which do not overlap. Threads: safe. */
void lami_augment_apply(const lami_augment *a, void *out, const void *x, uint64_t seed, uint32_t epoch, size_t sample);

/* Share of the other one in each sample of batch number `batch` of a training; 0 without mixup. */
double lami_augment_share(const lami_augment *a, uint64_t seed, uint64_t batch);

/* Does a list, NULL or in order, have mixup in it? */
int lami_augment_mixes(const char *list);

#endif
