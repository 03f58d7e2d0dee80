/* pixels: the two orders of an image's elements, (N, C, H, W) and (N H W, C). Both operations walk the pixels: a tile is a
 * range of them, with a range of channels. */

enum { PIXELS_AT_ONCE = 1024 / (int)sizeof(real) }; /* whole lines of each channel's plane, read one after another */

INLINE void turn_pixels(const lami_args *restrict args, lami_tile t, const int to_pixels)
{
    const size_t plane = args->window->h * args->window->w, channels = args->window->c;
    for (size_t r = t.r0, end; r < t.r1; r = end) {
        const size_t n = r / plane, p = r % plane;
        end = least(least(r + PIXELS_AT_ONCE, t.r1), (n + 1) * plane);
        const size_t image = (n * channels + t.c0) * plane + p, row = r * channels + t.c0;
        if (to_pixels)
            turn(OUT(0) + row, channels, IN(0) + image, plane, t.c1 - t.c0, end - r);
        else
            turn(OUT(0) + image, plane, IN(0) + row, channels, end - r, t.c1 - t.c0);
    }
}

static void to_pixels(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    turn_pixels(args, t, 1);
}

static void from_pixels(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    turn_pixels(args, t, 0);
}
