/* grid: see grid.h. Source: CS231n, assignments, cs231n/vis_utils.py, visualize_grid with ubound 255 and padding 1. */
#include "grid.h"

#include <math.h>
#include <string.h>

#include "../core/mem.h"
#include "../data/image.h"

enum { WHITE = 255, MIDDLE = 128 };

static int is_tile(size_t channels)
{
    return channels == 1 || channels == 3;
}

/* ceil(sqrt(n)), exact. */
static size_t side_of(size_t n)
{
    size_t side = (size_t)__builtin_sqrt((double)n);
    while (side * side < n)
        side++;
    return side;
}

/* Pixels of `tiles` in a line, each `size` long, before scaling. SIZE_MAX where that overflows. */
static size_t length_of(size_t tiles, size_t size)
{
    size_t length;
    if (__builtin_mul_overflow(tiles, size + CLI_GRID_PADDING, &length))
        return SIZE_MAX;
    return length - CLI_GRID_PADDING;
}

lam_status cli_grid_make(cli_grid *grid, size_t count, size_t channels, size_t height, size_t width, size_t scale,
                         size_t least_width)
{
    cli_grid g = { .count = count, .channels = channels, .height = height, .width = width, .scale = scale };
    g.colours = channels == 3 ? 3 : 1;
    g.columns = is_tile(channels) ? side_of(count) : channels;
    g.rows = is_tile(channels) ? g.columns : count;
    const size_t w = length_of(g.columns, width), h = length_of(g.rows, height);
    if (!g.scale)
        g.scale = w < least_width ? (least_width + w - 1) / w : 1;
    if (__builtin_mul_overflow(w, g.scale, &g.out_width) || __builtin_mul_overflow(h, g.scale, &g.out_height) ||
        !lami_image_fits(g.out_width, g.out_height))
        return lami_fail(LAM_ESHAPE, "%zu x %zu tiles of %zu x %zu pixels are too many for a picture%s", g.columns,
                         g.rows, width, height, scale > 1 ? ": choose a smaller --scale" : "");
    *grid = g;
    return LAM_OK;
}

/* ---- numbers to bytes -------------------------------------------------------------------------------------------- */

typedef struct limits {
    double low, high;
} limits;

static limits limits_of(const double *number, size_t count)
{
    limits l = { INFINITY, -INFINITY };
    for (size_t i = 0; i < count; i++) {
        l.low = number[i] < l.low ? number[i] : l.low;
        l.high = number[i] > l.high ? number[i] : l.high;
    }
    return l;
}

/* 255 * (value - low) / (high - low) in this order, as the course rounds; scaled by a power of 2, as 255 times the
 * distance of two finite numbers may be infinite. */
static uint8_t byte_of(double value, limits l)
{
    const double small = 0x1p-10, range = small * l.high - small * l.low;
    return range > 0 ? (uint8_t)(WHITE * (small * value - small * l.low) / range) : MIDDLE;
}

static lam_status check_finite(const double *number, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(number[i]))
            return lami_fail(LAM_EFORMAT, "not all numbers are finite");
    return LAM_OK;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* Row y of a tile of `colours` planes, `plane` numbers apart, to the first of the `scale` pixel rows it fills. */
static void draw_row(uint8_t *out, const cli_grid *g, const double *from, size_t plane, limits l)
{
    const size_t colours = (size_t)g->colours;
    for (size_t x = 0; x < g->width; x++)
        for (size_t k = 0; k < colours; k++) {
            const uint8_t byte = byte_of(from[k * plane + x], l);
            for (size_t s = 0; s < g->scale; s++)
                out[(x * g->scale + s) * colours + k] = byte;
        }
}

static void draw_tile(uint8_t *pixels, const cli_grid *g, size_t row, size_t column, const double *from, limits l)
{
    const size_t line = g->out_width * (size_t)g->colours, plane = g->height * g->width;
    const size_t top = row * (g->height + CLI_GRID_PADDING) * g->scale;
    const size_t left = column * (g->width + CLI_GRID_PADDING) * g->scale * (size_t)g->colours;
    for (size_t y = 0; y < g->height; y++) {
        uint8_t *first = pixels + (top + y * g->scale) * line + left;
        draw_row(first, g, from + y * g->width, plane, l);
        for (size_t s = 1; s < g->scale; s++)
            memcpy(first + s * line, first, g->width * g->scale * (size_t)g->colours);
    }
}

lam_status cli_grid_draw(uint8_t **pixels, const cli_grid *g, const double *number, cli_range range)
{
    const size_t plane = g->height * g->width, size = g->channels * plane;
    const size_t tiles = is_tile(g->channels) ? 1 : g->channels; /* of a picture */
    *pixels = NULL;
    LAM_TRY(check_finite(number, g->count * size));
    uint8_t *out = lami_alloc(g->out_width * g->out_height, (size_t)g->colours);
    if (!out)
        return LAM_ENOMEM;
    limits l = range == CLI_RANGE_BYTES ? (limits) { 0, WHITE } : limits_of(number, g->count * size);
    for (size_t i = 0; i < g->count; i++) {
        const double *picture = number + i * size;
        if (range == CLI_RANGE_EACH)
            l = limits_of(picture, size);
        for (size_t t = 0; t < tiles; t++) {
            const size_t at = i * tiles + t;
            draw_tile(out, g, at / g->columns, at % g->columns, picture + t * plane, l);
        }
    }
    *pixels = out;
    return LAM_OK;
}
