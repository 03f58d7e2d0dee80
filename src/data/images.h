/* images: image files as samples. The kind (images.c) finds the files, their parts and classes; reading them
 * (images_read.c) makes bytes of one shape of them, in parallel. */
#ifndef LAMI_IMAGES_H
#define LAMI_IMAGES_H

#include "data.h"
#include "walk.h"

/* The files of a part, in order. */
typedef struct lami_image_files {
    lami_names path;
    int32_t *class; /* of each; NULL where data->unlabeled */
    size_t class_room;
} lami_image_files;

typedef struct lami_image_set {
    const char *path; /* for messages */
    const lami_open *how;
    lami_image_files part[3];
    const uint8_t *bytes; /* the content of the only file, where it has been read already (standard input); or NULL */
    size_t size;
} lami_image_set;

/* Read the files into the parts of `data`, whose classes are known; the paths move there. Files that cannot be read are
 * left out and noted in data->bad_files where the options or how->bad say so. Errors: LAM_EREAD, LAM_EFORMAT (a file
 * that cannot be read, or none that can), LAM_ESHAPE (differing sizes), LAM_EUNSUPPORTED, LAM_EOPTION, LAM_ENOMEM. */
lam_status lami_images_read(lam_data *data, lami_image_set *set);

#endif
