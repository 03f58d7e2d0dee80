/* views: see views.h. `translate` is the multi-crop of the airbench94 recipe: half the weight for the centre, half for
 * two corners, each mirrored, too. Source: Jordan 2024, arXiv:2404.00498. */
#include "views.h"

#include <string.h>

#include "../core/mem.h"
#include "../core/move.h"

static const lami_view flip[] = { { .weight = 0.5 }, { .mirror = 1, .weight = 0.5 } };
static const lami_view translate[] = {
    { .weight = 0.25 },
    { .mirror = 1, .weight = 0.25 },
    { .dy = -1, .dx = -1, .weight = 0.125 },
    { .mirror = 1, .dy = -1, .dx = -1, .weight = 0.125 },
    { .dy = 1, .dx = 1, .weight = 0.125 },
    { .mirror = 1, .dy = 1, .dx = 1, .weight = 0.125 },
};

lam_status lami_views_check(const lam_shape *input, const char *tta)
{
    char text[LAMI_SHAPE_TEXT];
    if (!strcmp(tta, "none") || input->rank == 3)
        return LAM_OK;
    return lami_fail(LAM_EOPTION, "--tta %s needs images (C x H x W), the network takes %s", tta,
                     lami_shape_text(text, input));
}

void lami_view_sample(void *to, const void *from, size_t size, const lam_shape *image, const lami_view *view)
{
    const lami_move move = { .down = view->dy, .right = view->dx, .mirrored = view->mirror };
    lami_move_image(to, from, image, size, &move);
}

static lam_status make_room(lami_views *s, size_t n)
{
    size_t bytes, numbers;
    LAM_TRY(lami_mul(&bytes, lam_shape_count(&s->image), sizeof(double)));
    LAM_TRY(lami_mul(&numbers, n, s->scores));
    s->seen = lami_alloc(n, bytes);
    s->row = lami_alloc(n, sizeof *s->row);
    s->mean = lami_alloc(numbers, sizeof *s->mean);
    return s->seen && s->row && s->mean ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_views_new(lami_views **out, const char *tta, const lam_shape *image, size_t n, size_t scores)
{
    const int flips = !strcmp(tta, "flip");
    *out = NULL;
    LAM_TRY(lami_views_check(image, tta));
    lami_views *s = lami_alloc(1, sizeof *s);
    if (!s)
        return LAM_ENOMEM;
    *s = (lami_views) { .view = flips ? flip : translate,
                        .count = flips ? sizeof flip / sizeof *flip : sizeof translate / sizeof *translate,
                        .scores = scores,
                        .image = *image };
    const lam_status status = make_room(s, n);
    if (status)
        lami_views_free(s);
    else
        *out = s;
    return status;
}

void lami_views_free(lami_views *s)
{
    if (!s)
        return;
    lami_free(s->seen);
    lami_free(s->row);
    lami_free(s->mean);
    lami_free(s);
}

const void *const *lami_views_look(lami_views *s, size_t v, const void *const *x, lam_dtype type, size_t first,
                                   size_t n)
{
    const size_t element = lami_dtype_size(type), bytes = lam_shape_count(&s->image) * element;
    for (size_t i = first; i < first + n; i++) {
        lami_view_sample(s->seen + i * bytes, x[i], element, &s->image, &s->view[v]);
        s->row[i] = s->seen + i * bytes;
    }
    return s->row + first;
}

void lami_views_add(lami_views *s, size_t v, void *scores, lam_dtype dtype, size_t n)
{
    for (size_t i = 0; i < n * s->scores; i++)
        s->mean[i] = (v ? s->mean[i] : 0) + s->view[v].weight * lami_real_at(scores, dtype, i);
    for (size_t i = 0; v == s->count - 1 && i < n * s->scores; i++)
        lami_real_put(scores, dtype, i, s->mean[i]);
}
