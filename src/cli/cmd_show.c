/* lamina show: the weights of a layer that looks at an image, as a picture. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "../data/image.h"
#include "../net/net.h"
#include "cli.h"
#include "grid.h"

enum { LEAST_WIDTH = 400 }; /* pixels of a picture whose scale nobody gave */

struct opts {
    const char *out, *layer;
    size_t scale;
    int shared;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, out, 'o', "out", "FILE", NULL, "write the PNG to FILE; default: standard output"),
    CLI_TEXT(struct opts, layer, 0, "layer", "NAME", NULL,
             "layer whose weights to show, such as conv2; default: the first one that has some"),
    CLI_SIZE(struct opts, scale, 0, "scale", "N", 0, 0, 1000,
             "pixels a weight is wide and high; 0: so many that the picture is at least 400 pixels wide"),
    CLI_FLAG(struct opts, shared, 0, "shared", "black and white are the least and the largest of all weights"),
    CLI_END,
};

/* ---- which weights ----------------------------------------------------------------------------------------------- */

/* The weights of a convolution or of an affine layer: what has one picture per output. */
static const lami_param_spec *weights_of(const lami_node *node)
{
    for (int i = 0; i < node->params; i++)
        if (node->param[i].transposed)
            return &node->param[i];
    return NULL;
}

/* What an output of the node looks at, channels first. Between flatten and an affine layer numbers keep their order,
 * unless another one mixes them. */
static lam_status image_of(lam_shape *image, const lam_net *net, const lami_node *node, const char *name)
{
    *image = weights_of(node)->image;
    for (int i = node->input; image->rank == 1 && i >= 0; i = net->node[i].input) {
        if (weights_of(&net->node[i]))
            break;
        *image = net->node[i].in;
    }
    if (image->rank == 3)
        return LAM_OK;
    return lami_fail(LAM_ESHAPE, "%s looks at %zu numbers, not at an image", name, lam_shape_count(image));
}

typedef char node_name[64];

static const char *nth_name(size_t index, const void *names)
{
    return ((const node_name *)names)[index];
}

static lam_status unknown_layer(const lam_net *net, const char *text)
{
    char meant[LAMI_MEANT_TEXT];
    node_name *names = lami_alloc(net->nodes, sizeof *names);
    if (!names)
        return LAM_ENOMEM;
    for (size_t i = 0; i < net->nodes; i++)
        lami_node_name(names[i], net, i);
    lami_did_you_mean(meant, text, net->nodes, nth_name, names);
    lami_free(names);
    return lami_fail(LAM_EOPTION, "--layer: the network has no layer \"%.64s\"%s", text,
                     *meant ? meant : " (lamina describe lists them)");
}

/* By its name, or the first one with weights. */
static lam_status find_layer(size_t *found, char name[64], const lam_net *net, const char *text)
{
    for (*found = 0; *found < net->nodes; ++*found) {
        const int has = weights_of(&net->node[*found]) != NULL;
        lami_node_name(name, net, *found);
        if (text ? strcmp(name, text) : !has)
            continue;
        return has ? LAM_OK : lami_fail(LAM_EOPTION, "--layer: %s has no weights that are images", name);
    }
    return text ? unknown_layer(net, text)
                : lami_fail(LAM_ESHAPE, "the network has no weights: neither a convolution nor an affine layer");
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

typedef struct picture {
    char layer[64], parameter[72];
    lam_shape image;
    cli_grid grid;
    uint8_t *file;
    size_t size;
} picture;

/* The numbers in file order, which is that of pictures: (outputs, C, H, W). */
static lam_status read_weights(double **number, const lam_net *net, const char *parameter)
{
    const size_t at = lami_net_param_find(net, parameter);
    *number = lami_alloc(net->param[at].count, sizeof **number);
    if (!*number)
        return LAM_ENOMEM;
    lam_tensor values = { LAM_F64, net->param[at].file_shape, *number };
    return lam_net_get(net, parameter, &values);
}

static lam_status draw(picture *p, const lam_net *net, const struct opts *o)
{
    double *number = NULL;
    uint8_t *pixels = NULL;
    size_t node;
    lam_status status;
    LAM_TRY_DONE(find_layer(&node, p->layer, net, o->layer));
    LAM_TRY_DONE(image_of(&p->image, net, &net->node[node], p->layer));
    const lami_param_spec *w = weights_of(&net->node[node]);
    snprintf(p->parameter, sizeof p->parameter, "%s.%s", p->layer, w->name);
    LAM_TRY_DONE(
        cli_grid_make(&p->grid, w->cols, p->image.dim[0], p->image.dim[1], p->image.dim[2], o->scale, LEAST_WIDTH));
    LAM_TRY_DONE(read_weights(&number, net, p->parameter));
    if ((status = cli_grid_draw(&pixels, &p->grid, number, o->shared ? CLI_RANGE_SHARED : CLI_RANGE_EACH))) {
        lami_fail_at(status, "%s", p->parameter);
        goto done;
    }
    status = lami_png_encode(&p->file, &p->size, pixels, p->grid.out_width, p->grid.out_height, p->grid.colours);
done:
    lami_free(pixels);
    lami_free(number);
    return status;
}

/* ---- where it goes ----------------------------------------------------------------------------------------------- */

static int to_stdout(const struct opts *o)
{
    return !o->out || !strcmp(o->out, "-");
}

/* Standard output is the picture's or the words'. */
static lam_status open_output(lami_writer *writer, const struct opts *o, const cli_call *call)
{
    if (!to_stdout(o))
        return lami_writer_open(writer, o->out);
    if (call->json)
        return lami_fail(LAM_EOPTION, "--json: name a file for the picture with --out");
    if (isatty(STDOUT_FILENO))
        return lami_fail(LAM_EOPTION, "a picture is not for a terminal: name a file with --out");
    return LAM_OK;
}

static lam_status write_picture(lami_writer *writer, const picture *p)
{
    if (!writer->file) {
        if (fwrite(p->file, 1, p->size, stdout) != p->size)
            return lami_fail(LAM_EWRITE, "cannot write to standard output: %s", strerror(errno));
        return cli_flush();
    }
    LAM_TRY(lami_writer_put(writer, p->file, p->size));
    return lami_writer_commit(writer);
}

static lam_status print_text(const picture *p, const char *path)
{
    char shape[LAMI_SHAPE_TEXT];
    const cli_grid *g = &p->grid;
    printf("%s  %zu of %s, %zu rows x %zu columns, %zu x %zu pixels: %s\n", p->parameter, g->count,
           lami_shape_text(shape, &p->image), g->rows, g->columns, g->out_width, g->out_height, path);
    return cli_flush();
}

static lam_status print_json(const picture *p, const char *path)
{
    char shape[LAMI_SHAPE_TEXT];
    const cli_grid *g = &p->grid;
    return cli_json_print(
        json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "layer", p->layer, "parameter", p->parameter,
                  "count", (json_int_t)g->count, "shape", lami_shape_text(shape, &p->image), "rows",
                  (json_int_t)g->rows, "columns", (json_int_t)g->columns, "scale", (json_int_t)g->scale, "width",
                  (json_int_t)g->out_width, "height", (json_int_t)g->out_height, "file", lami_json_text(path)));
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_net *net = NULL;
    lami_writer writer = { 0 };
    picture p = { .size = 0 };
    lam_status status;
    LAM_TRY_DONE(open_output(&writer, o, call));
    LAM_TRY_DONE(lam_net_load(&net, call->arg[0]));
    LAM_TRY_DONE(draw(&p, net, o));
    LAM_TRY_DONE(write_picture(&writer, &p));
    if (call->json)
        status = print_json(&p, o->out);
    else if (!to_stdout(o) && !call->quiet)
        status = print_text(&p, o->out);
done:
    lami_writer_drop(&writer);
    lami_free(p.file);
    lam_net_free(net);
    return cli_report(status);
}

const cli_cmd cmd_show = {
    .name = "show",
    .usage = "RUN|MODEL [-o FILE] [--layer NAME] [--scale N] [--shared]",
    .help = "a layer's weights as a picture: what its filters look for",
    .about =
        "Draw the weights of a trained network as a PNG: the best one of a run folder, or a model file.\n"
        "\n"
        "A convolution has a picture per filter, an affine layer on images one per output, as large as the image. "
        "Pictures of one channel (gray) or three (colour) stand in a square, one pixel apart; otherwise a row is a "
        "filter, and a column one of its channels, gray. Each picture is scaled by its own least and largest weight, "
        "unless --shared compares them. The first layer looks at pixels and shows edges, colours, or, without a "
        "hidden layer, a template of each class; where its filters are noise, training was too short or its data "
        "too few.",
    .examples = "  lamina show runs/001 -o filters.png\n"
                "  lamina show model.safetensors --layer conv2 --scale 8 -o conv2.png\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL,
    .without = "no-merge",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
