/* Fuzz target: an image file. The head is the same from its beginning, where it lies there, as from all of it. What
 * decodes sets every pixel, the same ones each time; what does not says why, in a line. */
#include <stdlib.h>
#include <string.h>

#include "../src/data/image.h"
#include "../src/data/resize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIXELS_MOST = 1 << 18, SIDE_MOST = 40 };

static void require(int truth)
{
    if (!truth)
        abort();
}

static void require_reason(lam_status status, const char why[LAMI_IMAGE_WHY])
{
    require(status == LAM_EFORMAT && *why && !strchr(why, '\n') && strlen(why) < LAMI_IMAGE_WHY);
}

static void check_beginning(const lami_image_head *head, const uint8_t *data, size_t size)
{
    char why[LAMI_IMAGE_WHY] = "";
    lami_image_head again;
    const lam_status status = lami_image_read_head(&again, why, data, size, 0);
    if (status)
        require_reason(status, why);
    else if (again.width)
        require(again.width == head->width && again.height == head->height && again.channels == head->channels);
}

/* Pixels on a ground of `ground`; NULL: bad, and a reason. */
static uint8_t *decode(const lami_image_head *head, const uint8_t *data, size_t size, int ground)
{
    char why[LAMI_IMAGE_WHY] = "";
    uint8_t *pixels = malloc(lami_image_room(head));
    require(pixels != NULL);
    memset(pixels, ground, lami_image_room(head));
    const lam_status status = lami_image_decode(pixels, why, head, data, size);
    if (!status)
        return pixels;
    require_reason(status, why);
    free(pixels);
    return NULL;
}

static void check_resize(const uint8_t *pixels, const lami_image_head *head, size_t size)
{
    static lami_resizer resizer; /* used again by each input */
    static uint8_t out[2][3 * SIDE_MOST * SIDE_MOST];
    const size_t width = 1 + size % SIDE_MOST, height = 1 + size / SIDE_MOST % SIDE_MOST;
    const size_t bytes = width * height * (size_t)head->channels;
    lami_resizer fresh = { 0 };
    require(!lami_resize(out[0], width, height, pixels, head->width, head->height, (size_t)head->channels, &resizer));
    require(!lami_resize(out[1], width, height, pixels, head->width, head->height, (size_t)head->channels, &fresh));
    require(!memcmp(out[0], out[1], bytes));
    lami_resizer_free(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[LAMI_IMAGE_WHY] = "";
    lami_image_head head;
    const lam_status status = lami_image_read_head(&head, why, data, size, 1);
    if (status) {
        require_reason(status, why);
        return 0;
    }
    require(head.width && head.height && (head.channels == 1 || head.channels == 3));
    check_beginning(&head, data, size - size / 3);
    if (!lami_image_reads(head.kind) || head.width * head.height > PIXELS_MOST)
        return 0;
    uint8_t *pixels = decode(&head, data, size, 0), *again = decode(&head, data, size, 255);
    require(!pixels == !again);
    if (pixels) {
        require(!memcmp(pixels, again, head.width * head.height * (size_t)head.channels));
        check_resize(pixels, &head, size);
    }
    free(pixels);
    free(again);
    return 0;
}
