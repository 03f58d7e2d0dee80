/* search: see search.h. */
#include "search.h"

#include <string.h>

#include "../core/mem.h"

void lami_search_free(lami_search *s)
{
    lami_free(s->notation);
    lami_free(s->data);
    lami_free(s->grid);
    lami_free(s->random);
    lami_free(s->budget);
    lam_options_free(s->options);
    *s = (lami_search) { 0 };
}

static lam_status read_size(size_t *size, const char *run, const char *key)
{
    char *text;
    uint64_t number = 0;
    LAM_TRY(lami_run_value(&text, run, key));
    const lam_status status = text ? lami_parse_u64(&number, text) : LAM_OK;
    lami_free(text);
    *size = (size_t)number;
    return status ? lami_fail_at(LAM_EFORMAT, "%s/config: %s", run, key) : LAM_OK;
}

static lam_status read_search(lami_search *s, const char *run)
{
    LAM_TRY(lami_run_config(&s->options, &s->data, run));
    LAM_TRY(lami_run_value(&s->notation, run, "net"));
    LAM_TRY(lami_run_value(&s->grid, run, "grid"));
    LAM_TRY(lami_run_value(&s->random, run, "random"));
    LAM_TRY(lami_run_value(&s->budget, run, "budget"));
    LAM_TRY(read_size(&s->trials, run, "trials"));
    LAM_TRY(read_size(&s->folds, run, "cv"));
    if (!s->notation || (!s->grid && !s->random))
        return lami_fail(LAM_EFORMAT, "cannot resume %s: it holds no search", run);
    return LAM_OK;
}

lam_status lami_search_read(lami_search *search, const char *run)
{
    *search = (lami_search) { 0 };
    const lam_status status = read_search(search, run);
    if (status)
        lami_search_free(search);
    return status;
}

lam_status lami_search_loss(const lami_loss **loss, const lami_search *s)
{
    lami_space *space;
    lam_options *options = NULL;
    lami_item *tree = NULL;
    char *notation = NULL;
    lam_status status;
    *loss = NULL;
    LAM_TRY(lami_space_new(&space, s->notation, s->grid, s->random, s->options->seed));
    LAM_TRY_DONE(lami_options_copy(&options, s->options));
    LAM_TRY_DONE(lami_space_apply(&notation, options, space, 0));
    LAM_TRY_DONE(lami_notation_parse(&tree, notation));
    *loss = lami_notation_loss(tree);
done:
    lami_notation_free(tree);
    lami_free(notation);
    lam_options_free(options);
    lami_space_free(space);
    return status;
}

lam_status lami_parse_budget(double *seconds, size_t *trials, const char *text)
{
    uint64_t number;
    *seconds = 0;
    *trials = 0;
    if (!text)
        return LAM_OK;
    const int counts = *text && text[strspn(text, "0123456789")] == 0;
    if (counts && !lami_parse_u64(&number, text) && number) {
        *trials = number < LAMI_MAX_TRIALS ? (size_t)number : LAMI_MAX_TRIALS;
        return LAM_OK;
    }
    if (counts || lami_parse_seconds(seconds, "budget", text) || *seconds <= 0)
        return lami_fail(LAM_EOPTION, "--budget: \"%.64s\" is not a time such as 90s, 10m or 1h, or a number of trials",
                         text);
    return LAM_OK;
}
