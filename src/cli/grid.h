/* grid: weights, or samples, as a picture: the course's visualize_grid, and what it says nothing about. */
#ifndef LAMI_GRID_H
#define LAMI_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "../core/status.h"

enum { CLI_GRID_PADDING = 1 }; /* pixels between two tiles */

/* What becomes black and what white. */
typedef enum cli_range {
    CLI_RANGE_EACH,   /* the smallest and largest number of each picture */
    CLI_RANGE_SHARED, /* those of all pictures together */
    CLI_RANGE_BYTES   /* 0 and 255 */
} cli_range;

/* `count` pictures of channels x height x width numbers each, one after another, and how they are laid out. With 1
 * channel (gray) or 3 (colour) a picture is a tile, in a square of columns = rows = ceil(sqrt(count)) tiles; with other
 * numbers of channels it is a row of gray tiles, one per channel. */
typedef struct cli_grid {
    size_t count, channels, height, width;
    size_t rows, columns; /* of tiles */
    int colours;          /* bytes per pixel: 1 or 3 */
    size_t scale;         /* a number is a square of scale x scale pixels */
    size_t out_width, out_height;
} cli_grid;

/* Sizes. scale 0: the smallest at which the picture is at least `least_width` pixels wide. Errors: LAM_ESHAPE: too
 * large for a PNG. */
lam_status cli_grid_make(cli_grid *grid, size_t count, size_t channels, size_t height, size_t width, size_t scale,
                         size_t least_width);

/* Its pixels, yours (lami_free): numbers of the range as 0 .. 255, rounded down as the course does; a picture of equal
 * numbers is gray, what lies between tiles and after the last one black. Errors: LAM_EFORMAT (numbers that are
 * not finite), LAM_ENOMEM. */
lam_status cli_grid_draw(uint8_t **pixels, const cli_grid *grid, const double *number, cli_range range);

#endif
