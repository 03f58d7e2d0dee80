/* safetensors: named tensors and text metadata in one file (https://github.com/huggingface/safetensors, format 0.4):
 *   8 bytes header length (little-endian), the header (JSON: name -> dtype, shape, data_offsets; "__metadata__":
 *   text -> text), the bytes of the tensors. Knows nothing of networks. */
#ifndef LAMI_SAFETENSORS_H
#define LAMI_SAFETENSORS_H

#include "../core/file.h"
#include "../core/shape.h"

enum { LAMI_SAFETENSORS_HEADER_MAX = 100 << 20, LAMI_SAFETENSORS_TENSORS_MAX = 100000 };

/* ---- writing: in memory order, offsets in the order of the adds; the header is padded with spaces to 8 bytes ---- */

typedef struct lami_st_out lami_st_out;

lam_status lami_st_out_new(lami_st_out **out);
void lami_st_out_free(lami_st_out *out);
lam_status lami_st_out_text(lami_st_out *out, const char *key, const char *value); /* metadata; both copied; UTF-8 */

/* The data are borrowed until they are written. Errors: LAM_EINVAL (name, dtype, or there already), LAM_ESHAPE,
 * LAM_ENOMEM. */
lam_status lami_st_out_tensor(lami_st_out *out, const char *name, const lam_tensor *value);

/* Write through an open writer; the caller commits. */
lam_status lami_st_out_write(const lami_st_out *out, lami_writer *writer);

/* ---- reading: checked once on opening, then served from memory ---- */

typedef struct lami_st_in lami_st_in;

/* Errors: LAM_EREAD, LAM_EFORMAT (path and what is wrong: too short, header length, JSON, dtype, shape overflow,
 * offsets that overlap, leave holes or leave the file, duplicate names), LAM_ENOMEM. */
lam_status lami_st_in_open(lami_st_in **in, const char *path);
void lami_st_in_close(lami_st_in *in);
const char *lami_st_in_text(const lami_st_in *in, const char *key); /* NULL: no such key */
size_t lami_st_in_count(const lami_st_in *in);
const char *lami_st_in_name(const lami_st_in *in, size_t index); /* in the order of the offsets */

/* A view of a tensor: the data lies in the file's memory, read-only, aligned to its type. LAM_EFORMAT naming path and
 * tensor when there is none. */
lam_status lami_st_in_tensor(lam_tensor *view, const lami_st_in *in, const char *name);
int lami_st_in_has(const lami_st_in *in, const char *name);

#endif
