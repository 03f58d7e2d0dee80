/* zip: the members of an archive that lies in memory, stored or deflated, also zip64. The sizes and names that count
 * are those of the directory at the end. Source: APPNOTE.TXT 6.3.10 (PKWARE), sections 4.3 and 4.5.3 */
#ifndef LAMI_ZIP_H
#define LAMI_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "../core/status.h"

typedef struct lami_zip lami_zip;

/* Read the directory. `data` and `path` (for messages) are borrowed and must outlive it. Names are unique, and nothing
 * claims to be larger than deflate could pack into the bytes it has. Errors, all naming path and place: LAM_EFORMAT
 * (damaged, in several parts, encrypted, packed in another way), LAM_ENOMEM; *zip is then NULL. */
lam_status lami_zip_open(lami_zip **zip, const void *data, size_t size, const char *path);
void lami_zip_close(lami_zip *zip); /* NULL is fine */

size_t lami_zip_count(const lami_zip *zip);
const char *lami_zip_name(const lami_zip *zip, size_t i); /* other bytes than printing ASCII are '?' */

/* The content of a member: in place where it is stored, else unpacked into pages of its own. */
typedef struct lami_zip_content {
    const uint8_t *data;
    size_t size;
    void *pages; /* NULL: in place */
} lami_zip_content;

/* Read member i, and check it against its CRC. Errors as above; *content is then empty. */
lam_status lami_zip_read(lami_zip_content *content, const lami_zip *zip, size_t i);
void lami_zip_content_free(lami_zip_content *content); /* zeroed or freed: does nothing */

/* Does this begin as an archive does? */
int lami_zip_looks_like(const void *data, size_t size);

#endif
