/* walk: the image files below a folder, and the folders in it, in the order of their names' bytes. Hidden files and
 * folders, and files of other names than images have, are passed over; links are followed. */
#ifndef LAMI_WALK_H
#define LAMI_WALK_H

#include "../core/status.h"

enum { LAMI_WALK_DEPTH = 32 };

/* Names one after another. */
typedef struct lami_names {
    char *text; /* each ended by a 0 */
    size_t size, room;
    size_t *at; /* name i is text + at[i] */
    size_t count, at_room;
} lami_names;

void lami_names_free(lami_names *names);
const char *lami_names_get(const lami_names *names, size_t i);
lam_status lami_names_add(lami_names *names, const char *text);

/* Folders in a folder: their names. Errors: LAM_EREAD, LAM_EFORMAT (a link that leads to itself), LAM_ENOMEM. */
lam_status lami_walk_folders(lami_names *names, const char *folder);

/* Image files, added with their paths, which begin with `folder`: those in it, or, `deep`, all below it. Errors:
 * LAM_EREAD (a folder that cannot be read), LAM_EFORMAT (links that lead back to a folder above; more than
 * LAMI_WALK_DEPTH folders deep), LAM_ENOMEM. */
lam_status lami_walk_images(lami_names *names, const char *folder, int deep);

/* Is there an image file below the folder, at most `depth` folders down? -1: no memory to find out, with a message.
 * Looks at a bounded number of names, so that it is quick whatever the folder is. */
int lami_walk_has_images(const char *folder, int depth);

#endif
