/* search: what is searched, as text: as the command line gives it, and as the config of a search's folder keeps it. */
#ifndef LAMI_SEARCH_H
#define LAMI_SEARCH_H

#include "../net/notation.h"
#include "run.h"
#include "space.h"

/* What is searched. */
typedef struct lami_search {
    char *notation, *data;        /* as given; data is NULL for arrays */
    char *grid, *random, *budget; /* NULL: not given */
    size_t trials;                /* of a random search; 0: not given */
    size_t folds;                 /* 0: by the validation part */
    lam_options *options;         /* of all trials; `out` is the folder, unless no-save */
} lami_search;

void lami_search_free(lami_search *search);

/* The search of a folder. Errors: LAM_EREAD, LAM_EFORMAT, LAM_ENOMEM. */
lam_status lami_search_read(lami_search *search, const char *run);

/* The loss of its networks, before there is data: checks all but what needs data. Errors: those of lami_space_new. */
lam_status lami_search_loss(const lami_loss **loss, const lami_search *search);

/* "10m", "90s": seconds; "30": trials. The other is 0. Errors: LAM_EOPTION. */
lam_status lami_parse_budget(double *seconds, size_t *trials, const char *text);

#endif
