/* data: labelled samples in memory, as they are stored (bytes for images), and the ways in. A kind of data set is one
 * file, a row in datas.c and a test. */
#ifndef LAMI_DATA_H
#define LAMI_DATA_H

#include "../core/options.h"
#include "../core/shape.h"

enum { LAMI_MAX_CLASSES = 1000000 };

/* A part: count samples of the same shape, one after another, images as C x H x W. */
typedef struct lami_part {
    size_t count;
    const void *x;
    int32_t *label;
    /* owned memory, or NULL: x's; a part split off another one has neither and indexes it */
    void *x_owned;
    size_t x_bytes;             /* of x_owned, which comes from lami_pages_new: only what has been read takes memory */
    const struct lami_part *of; /* where the samples lie when this part is a selection, else NULL */
    uint32_t *index;            /* the selection: sample i is of->x[index[i]] */
} lami_part;

struct lam_data {
    lam_dtype dtype; /* LAM_U8, LAM_F32, LAM_F64 */
    lam_shape shape;
    size_t classes;
    char **class_name; /* classes entries, or NULL: unnamed */
    char (*number_name)[24];
    size_t sample_bytes;
    lami_part part[3]; /* by lam_part */
    lami_part stored;  /* when training and validation are selections of one stored part */
    char *path;        /* as it was opened, for messages and reports; NULL for arrays */
};

/* Sample i's bytes; i is below the part's count. */
const void *lami_data_sample(const lam_data *data, lam_part part, size_t i);

/* A kind: recognises what is at a path, and opens it. */
typedef struct lami_data_kind {
    const char *name, *help;
    int (*matches)(const char *path);                     /* 1: a path of this kind is there */
    lam_status (*open)(lam_data *data, const char *path); /* fills in a zeroed data; on error the caller frees */
    const char *const *places; /* folders that may hold an installed folder `name`; ends with NULL */
    const char *package;       /* how to get it there, for the message; or NULL */
} lami_data_kind;

extern const lami_data_kind *const lami_data_kinds[]; /* in the order in which they are tried; ends with NULL */
extern const lami_data_kind lami_data_idx, lami_data_fashion_mnist, lami_data_mnist, lami_data_cifar10;

/* For kinds. Room for count samples in a part, once dtype and shape are set; fill x_owned and label.
 * Errors: LAM_ESHAPE, LAM_ENOMEM. */
lam_status lami_data_room(lam_data *data, lam_part part, size_t count);

/* For kinds. Set the number of classes and their names: copies `classes` entries; NULL for unnamed ones. */
lam_status lami_data_set_classes(lam_data *data, size_t classes, const char *const *names);

/* For kinds' matches, without allocation: is there a file folder/name? */
int lami_data_has(const char *folder, const char *name);

/* Labels from a tensor of shape (count) of LAM_U8, LAM_I32 or LAM_I64, all below limit; the largest one, too. Errors:
 * LAM_EINVAL (dtype), LAM_ESHAPE, LAM_EFORMAT (out of range). */
lam_status lami_labels_from(int32_t *label, size_t *largest, const lam_tensor *y, size_t count, size_t limit);

/* Split the training part: `val` is "N", "F" (a fraction below 1), or "last:N". The first two are stratified: each
 * class gives its share (largest remainder), chosen by the seed; within both parts the samples stay in stored order.
 * Errors: LAM_EOPTION, LAM_ESHAPE (nothing left), LAM_EINVAL (there is a validation part already), LAM_ENOMEM. The data
 * set is untouched after an error. */
lam_status lami_data_split(lam_data *data, const char *val, uint64_t seed);

#endif
