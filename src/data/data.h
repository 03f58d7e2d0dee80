/* data: labelled samples in memory, as they are stored (bytes for images), and the ways in. A kind of data set is one
 * file, a row in datas.c and a test. */
#ifndef LAMI_DATA_H
#define LAMI_DATA_H

#include "../core/options.h"
#include "../core/shape.h"
#include "schema.h"

enum { LAMI_MAX_CLASSES = 1000000 };

/* A part: count samples of the same shape, one after another, images as C x H x W. */
typedef struct lami_part {
    size_t count;
    const void *x;
    int32_t *label; /* (count) class of each sample; NULL where the data set has targets */
    double *target; /* (count, data->targets) numbers to predict; NULL where it has classes */
    double *weight; /* (count) weights of the samples in the loss, at least 0; NULL: all 1 */
    /* owned memory, or NULL: x's; a part split off another one has neither and indexes it */
    void *x_owned;
    size_t x_bytes;             /* of x_owned, which comes from lami_pages_new: only what has been read takes memory */
    const struct lami_part *of; /* where the samples lie when this part is a selection, else NULL */
    uint32_t *index;            /* the selection: sample i is of->x[index[i]] */
    /* samples that came as files: sample i's path is names + name_at[i]; NULL where they did not, and in a selection */
    char *names;
    size_t *name_at;
} lami_part;

/* Image files that could not be read and were left out. */
typedef struct lami_bad_files {
    size_t count, room;
    struct {
        char *path, *why;
    } * file;
} lami_bad_files;

lam_status lami_bad_files_add(lami_bad_files *bad, const char *path, const char *why);

struct lam_data {
    lam_dtype dtype; /* LAM_U8, LAM_F32, LAM_F64 */
    lam_shape shape;
    size_t classes;    /* 0 where it has targets */
    char **class_name; /* classes entries, or NULL: unnamed */
    char (*number_name)[24];
    size_t targets;      /* numbers to predict per sample; 0 where it has classes */
    char **target_name;  /* targets entries, or NULL: unnamed */
    lami_schema *schema; /* of tables: what the columns mean; else NULL */
    int fills_wanted;    /* a table that is being opened: its schema's fills are not known yet, missing numbers ... */
    int gaps;            /* ... are NaN, and there are some: lami_csv_fill_gaps */
    int unlabeled;       /* opened without labels, for prediction: neither label nor target is there */
    lami_bad_files bad_files;
    size_t sample_bytes;
    lami_part part[3]; /* by lam_part */
    lami_part stored;  /* when parts are selections of one stored part */
    int is_view;       /* all but the parts belongs to another data set: lami_data_fold */
    char *path;        /* as it was opened, for messages and reports; NULL for arrays */
};

/* Sample i's bytes; i is below the part's count. */
const void *lami_data_sample(const lam_data *data, lam_part part, size_t i);

/* Path of the file that sample i came from; NULL where it was none. */
const char *lami_data_sample_path(const lam_data *data, lam_part part, size_t i);

/* A row of a table that cannot be used: for `lamina data`, which lists them all. */
typedef struct lami_bad_rows {
    size_t count; /* of all */
    struct {
        size_t line; /* of the file, from 1 */
        char why[120];
    } first[10];
} lami_bad_rows;

/* How a data set is read. */
typedef struct lami_open {
    const lam_options *options; /* never NULL; those of LAMI_FOR_READ, and dtype: what numbers are stored as */
    const lami_schema
        *schema;        /* of the model that the data is for: columns and classes are as there; NULL: found out */
    int reals;          /* what the network's loss takes, for --targets auto: 1 numbers, 0 classes, -1 unknown */
    int label_optional; /* for prediction: fine without label columns (unlabeled is then set) */
    lami_bad_rows *bad; /* NULL: a bad row is an error; else it is noted here and left out, and so are image files */
    /* of the model that the data is for, and image files: the shape that they are given (1 or 3 channels) where the
     * options do not say, and the names of its classes; NULL: found out */
    const lam_shape *image;
    size_t classes;
    char *const *class_name;
    int all_files; /* image files: all below the path, as samples without labels */
    const struct lami_source
        *input; /* for the path "-": standard input, where it has been read to find the kind, or NULL */
} lami_open;

/* A kind: recognises what is at a path, and opens it. */
typedef struct lami_data_kind {
    const char *name, *help;
    int (*matches)(const char *path); /* 1: a path of this kind is there; -1: no memory to find out (with a message) */
    /* Fills in a zeroed data; on error the caller frees. */
    lam_status (*open)(lam_data *data, const char *path, const lami_open *how);
    const char *const *places; /* folders that may hold an installed folder `name`; ends with NULL */
    const char *package;       /* how to get it there, for the message; or NULL */
} lami_data_kind;

extern const lami_data_kind *const lami_data_kinds[]; /* in the order in which they are tried; ends with NULL */
extern const lami_data_kind lami_data_idx, lami_data_fashion_mnist, lami_data_mnist, lami_data_cifar10,
    lami_data_cifar100, lami_data_cifar100_coarse, lami_data_npz, lami_data_npy, lami_data_csv, lami_data_images;

/* lam_data_open with more to say about it. how->options may be NULL here. With options val and test the parts are
 * made. */
lam_status lami_data_open(lam_data **data, const char *path, const lami_open *how);

/* "training", "validation", "test" */
const char *lami_part_name(lam_part part);

/* For kinds. Room for count samples in a part, once dtype, shape, targets and unlabeled are set; fill x_owned, and
 * label or target. weight is for the kind to allocate (lami_alloc) where there is one. Errors: LAM_ESHAPE,
 * LAM_ENOMEM. */
lam_status lami_data_room(lam_data *data, lam_part part, size_t count);

/* For kinds. Say that there are numbers to predict, before lami_data_room: copies `targets` names; NULL for unnamed. */
lam_status lami_data_set_targets(lam_data *data, size_t targets, const char *const *names);

/* For kinds. Set the number of classes and their names: copies `classes` entries; NULL for unnamed ones. */
lam_status lami_data_set_classes(lam_data *data, size_t classes, const char *const *names);

/* For kinds. Threads to read with. */
int lami_data_threads(const lam_options *options);

/* For kinds' matches, without allocation: is there a file folder/name? */
int lami_data_has(const char *folder, const char *name);

/* Labels from a tensor of shape (count) of LAM_U8, LAM_I32 or LAM_I64, all below limit; the largest one, too. Errors:
 * LAM_EINVAL (dtype), LAM_ESHAPE, LAM_EFORMAT (out of range). */
lam_status lami_labels_from(int32_t *label, size_t *largest, const lam_tensor *y, size_t count, size_t limit);

/* Numbers to predict from a tensor of `count` rows of `targets`, and weights from one of (count), of LAM_F32 or
 * LAM_F64. Errors: LAM_EINVAL (dtype; negative or only zero weights), LAM_ESHAPE, LAM_EFORMAT (not finite). */
lam_status lami_targets_from(double *target, const lam_tensor *y, size_t count, size_t targets);
lam_status lami_weights_from(double *weight, const lam_tensor *w, size_t count);

/* Split part `part` (LAM_VAL, LAM_TEST) off the training part, at most once for each. text: "N", "F" (a fraction below
 * 1), or "last:N". The first two are stratified: each class gives its share (largest remainder), chosen by the seed
 * (targets: without strata); within all parts the samples stay in stored order. Errors: LAM_EOPTION, LAM_ESHAPE
 * (nothing left), LAM_EINVAL (there is such a part already), LAM_ENOMEM. The data set is untouched after an error. */
lam_status lami_data_split(lam_data *data, lam_part part, const char *text, uint64_t seed);

/* A view for cross-validation: fold k of `folds` of the training part of `data` as validation part, the rest as
 * training part, no test part. Folds are stratified by class (targets: at random), of equal size but for one sample,
 * and depend on data, folds and seed alone. The view borrows all of `data`, which must outlive it. Errors: LAM_ESHAPE
 * (fewer samples than folds), LAM_ENOMEM. */
lam_status lami_data_fold(lam_data **view, const lam_data *data, size_t k, size_t folds, uint64_t seed);

#endif
