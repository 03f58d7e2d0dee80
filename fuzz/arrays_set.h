/* arrays_set: what must hold for a data set that was made of arrays. Include after memory_file.h. */
#ifndef LAMI_FUZZ_ARRAYS_SET_H
#define LAMI_FUZZ_ARRAYS_SET_H

#include <math.h>
#include <string.h>

#include "../src/data/data.h"

static inline void require_values(const lam_data *set, lam_part part, size_t i)
{
    static volatile unsigned seen;
    const void *x = lami_data_sample(set, part, i);
    for (size_t j = 0; j < lam_shape_count(&set->shape); j++)
        if (set->dtype == LAM_U8)
            seen += ((const uint8_t *)x)[j];
        else
            require(isfinite(lami_real_at(x, set->dtype, j)));
}

static inline void require_part(const lam_data *set, lam_part which)
{
    const lami_part *part = &set->part[which];
    for (size_t i = 0; i < part->count; i++) {
        require_values(set, which, i);
        if (!set->unlabeled && set->classes)
            require(part->label[i] >= 0 && (size_t)part->label[i] < set->classes);
        for (size_t k = 0; !set->unlabeled && k < set->targets; k++)
            require(isfinite(part->target[i * set->targets + k]));
        if (part->weight)
            require(part->weight[i] >= 0 && isfinite(part->weight[i]));
    }
}

/* Open `path` as `flags` say, check what was opened or the message, which names `name`. */
static inline void require_set(const char *path, const char *name, int flags)
{
    lami_bad_rows bad = { 0 };
    lam_data *set;
    const lami_open how = { .reals = flags % 3 - 1, .label_optional = flags >> 2 & 1, .bad = flags & 8 ? &bad : NULL };
    const lam_status status = lami_data_open(&set, path, &how);
    if (status) {
        require(!set && strstr(lam_last_error(), name) && !strchr(lam_last_error(), '\n'));
        require(status == LAM_EFORMAT || status == LAM_EREAD || status == LAM_ESHAPE);
        return;
    }
    require(set->unlabeled || !set->classes != !set->targets);
    for (int part = 0; part < 3; part++)
        require_part(set, (lam_part)part);
    require(lam_data_count(set, LAM_TRAIN) > 0);
    lam_data_free(set);
}

#endif
