/* resize: columns first, a row of the result at a time, then along the row.
 * With `from` / `to` source pixels for each of the result, and the middle of both images in one place, pixel i of n
 * lies at (n_in + (2 i + 1 - n) from / to) / 2, and source pixel j counts by its distance d from there:
 * max(0, 1 - d / max(from / to, 1)). All of it times 2 `to` is a whole number. */
#include "resize.h"

#include <string.h>

#include "../core/mem.h"

enum { WEIGHT_BITS = 15, ROW_BITS = 7 }; /* 255 << 22 fits into 32 bits */

static void free_axis(lami_resize_axis *a)
{
    lami_free(a->first);
    lami_free(a->count);
    lami_free(a->weight);
}

void lami_resizer_free(lami_resizer *r)
{
    free_axis(&r->x);
    free_axis(&r->y);
    lami_free(r->sum);
    lami_free(r->row);
    *r = (lami_resizer) { 0 };
}

/* At least `need` elements in *array, what was there is lost. */
static lam_status make_room(void **array, size_t *room, size_t need, size_t size)
{
    if (*array && need <= *room)
        return LAM_OK;
    lami_free(*array);
    *room = need;
    *array = lami_alloc(need, size);
    return *array ? LAM_OK : LAM_ENOMEM;
}

static lam_status axis_room(lami_resize_axis *a)
{
    void *first = a->first, *count = a->count, *weight = a->weight;
    size_t room = a->room, same = a->room;
    lam_status status = make_room(&first, &room, a->out, sizeof *a->first);
    a->first = first;
    if (!status)
        status = make_room(&count, &same, a->out, sizeof *a->count);
    a->count = count;
    a->room = status ? 0 : room;
    if (!status)
        status = make_room(&weight, &a->weight_room, a->out * a->most, sizeof *a->weight);
    a->weight = weight;
    if (status)
        a->in = 0; /* is no table */
    return status;
}

/* Weights of source pixels for pixel i, as shares of 2^15 without a rest: each is the difference of two rounded
 * sums. */
static void weigh(lami_resize_axis *a, size_t i)
{
    const int64_t from = (int64_t)a->from, to = (int64_t)a->to, reach = 2 * (from > to ? from : to);
    const int64_t middle = (int64_t)a->in * to + (2 * (int64_t)i + 1 - (int64_t)a->out) * from;
    int64_t first = (middle - reach - to) / (2 * to);
    first = first < 0 ? 0 : first;
    uint64_t sum = 0;
    size_t count = 0;
    uint32_t *weight = a->weight + i * a->most;
    while (first < (int64_t)a->in && (2 * first + 1) * to <= middle - reach)
        first++;
    for (int64_t j = first; j < (int64_t)a->in && (2 * j + 1) * to < middle + reach; j++) {
        const int64_t d = (2 * j + 1) * to - middle;
        weight[count] = (uint32_t)(reach - (d < 0 ? -d : d)); /* at most 2^17 */
        sum += weight[count++];
    }
    uint64_t before = 0, share = 0;
    for (size_t k = 0; k < count; k++) {
        before += weight[k];
        const uint64_t next = ((before << WEIGHT_BITS) + sum / 2) / sum;
        weight[k] = (uint32_t)(next - share);
        share = next;
    }
    a->first[i] = (size_t)first;
    a->count[i] = count;
}

static lam_status set_axis(lami_resize_axis *a, size_t in, size_t out, uint64_t from, uint64_t to)
{
    if (from == to)
        in -= (in - out) % 2; /* cut at a whole pixel */
    if (a->in == in && a->out == out && a->from == from && a->to == to)
        return LAM_OK;
    a->in = in;
    a->out = out;
    a->from = from;
    a->to = to;
    a->most = (size_t)(2 * (from > to ? from : to) / to + 2);
    a->most = a->most > in ? in : a->most;
    LAM_TRY(axis_room(a));
    for (size_t i = 0; i < out; i++)
        weigh(a, i);
    return LAM_OK;
}

/* row = sum of source rows, in units of 2^-7. */
static void blend_rows(lami_resizer *r, size_t i, const uint8_t *pixels, size_t stride)
{
    const lami_resize_axis *y = &r->y;
    const uint32_t *weight = y->weight + i * y->most;
    memset(r->sum, 0, stride * sizeof *r->sum);
    for (size_t k = 0; k < y->count[i]; k++) {
        const uint8_t *from = pixels + (y->first[i] + k) * stride;
        const uint32_t w = weight[k];
        for (size_t x = 0; x < stride; x++)
            r->sum[x] += w * from[x];
    }
    for (size_t x = 0; x < stride; x++)
        r->row[x] = (uint16_t)((r->sum[x] + (1u << (WEIGHT_BITS - ROW_BITS - 1))) >> (WEIGHT_BITS - ROW_BITS));
}

static void blend_columns(uint8_t *out, size_t plane, const lami_resizer *r, size_t channels)
{
    const lami_resize_axis *x = &r->x;
    for (size_t i = 0; i < x->out; i++) {
        const uint32_t *weight = x->weight + i * x->most;
        for (size_t c = 0; c < channels; c++) {
            const uint16_t *from = r->row + x->first[i] * channels + c;
            uint32_t sum = 1u << (WEIGHT_BITS + ROW_BITS - 1);
            for (size_t k = 0; k < x->count[i]; k++)
                sum += weight[k] * from[k * channels];
            out[c * plane + i] = (uint8_t)(sum >> (WEIGHT_BITS + ROW_BITS));
        }
    }
}

static void copy_planes(uint8_t *out, const uint8_t *pixels, size_t count, size_t channels)
{
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < count; i++)
            out[c * count + i] = pixels[i * channels + c];
}

lam_status lami_resize(uint8_t *out, size_t out_width, size_t out_height, const uint8_t *pixels, size_t width,
                       size_t height, size_t channels, lami_resizer *r)
{
    const size_t stride = width * channels;
    void *sum = r->sum, *row = r->row;
    if (width == out_width && height == out_height) {
        copy_planes(out, pixels, width * height, channels);
        return LAM_OK;
    }
    /* the larger scale of both, so that the other side is covered, too */
    const int by_height = (uint64_t)out_height * width >= (uint64_t)out_width * height;
    const uint64_t from = by_height ? height : width, to = by_height ? out_height : out_width;
    LAM_TRY(set_axis(&r->x, width, out_width, from, to));
    LAM_TRY(set_axis(&r->y, height, out_height, from, to));
    lam_status status = make_room(&sum, &r->sum_room, stride, sizeof *r->sum);
    r->sum = sum;
    if (!status)
        status = make_room(&row, &r->row_room, stride, sizeof *r->row);
    r->row = row;
    for (size_t i = 0; !status && i < out_height; i++) {
        blend_rows(r, i, pixels, stride);
        blend_columns(out + i * out_width, out_width * out_height, r, channels);
    }
    return status;
}
