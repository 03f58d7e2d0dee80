/* layer: READ FIRST. What a layer is, and how to add one.
 *
 * A layer is one file that describes itself: notation options, shapes and parameters, and the records of operations
 * that its forward and backward pass stand for. Its functions run when a network is built and planned, never while it
 * runs; they touch no element of any array. Executing a network is walking the records (plan/exec.c), so that the same
 * description serves training, inference, the functions by themselves (lam_affine_forward ...) and any device.
 *
 * Three things to do to add a layer `foo`:
 *   1. src/layer/foo.c: comment with formula, shapes, notation, source; options; shape; forward; backward; descriptor.
 *   2. a row in layers.c.
 *   3. tests/test_foo.c: known values. The tests that walk the table (gradient, save and load, threads, instruction
 *      sets, merging, failed allocations) cover it from then on.
 * Where an operation is missing, add it to kern/ops.h: an operation is a function of a tile of its output. */
#ifndef LAMI_LAYER_H
#define LAMI_LAYER_H

#include <stddef.h>
#include <stdint.h>

#include "../core/shape.h"
#include "../plan/plan.h"

/* ---- options of a layer in the notation -------------------------------------------------------------------------- */

typedef enum lami_opt_kind {
    LAMI_OPT_REAL, /* double */
    LAMI_OPT_SIZE, /* size_t */
    LAMI_OPT_PAIR, /* size_t[2], written 3x5 or 3 for 3x3; where `words` are given, one of them is fine, too: then both
                      are lami_pair_word(its index) */
    LAMI_OPT_WORD, /* int: index into `words` */
    LAMI_OPT_FLAG  /* int: 1 where the word stands */
} lami_opt_kind;

/* A row. Positional values come first, in order, and are written without their name: `affine 100`, `dropout 0.5`.
 * Others are written `name value`, in any order, after them; a default that stands is not printed. */
typedef struct lami_opt {
    lami_opt_kind kind;
    int positional;
    int required;
    const char *name, *help;
    const char *words;  /* WORD, PAIR: choices separated by spaces, the first one is 0 */
    double fallback;    /* default; -1 of a PAIR with words: the first of them */
    double least, most; /* range; a REAL's is least <= v, and v < most where most_excluded */
    int most_excluded;
    size_t offset; /* into the layer's options structure */
} lami_opt;

static inline size_t lami_pair_word(size_t index)
{
    return SIZE_MAX - index;
}

/* Both numbers of a PAIR's default. */
static inline size_t lami_pair_default(const lami_opt *row)
{
    return row->fallback < 0 ? lami_pair_word(0) : (size_t)row->fallback;
}

#define LAMI_OPT_END \
    {                \
        .name = NULL \
    }

/* ---- what a layer sees ------------------------------------------------------------------------------------------- */

enum { LAMI_MAX_PARAMS = 4, LAMI_MAX_CACHES = 4 };

typedef enum lami_init { LAMI_INIT_WEIGHT, LAMI_INIT_ZERO, LAMI_INIT_ONE } lami_init;

/* A parameter that a node asks for, or the running statistics of one (no gradient). In memory (rows, cols)
 * row-major. */
typedef struct lami_param_spec {
    const char *name; /* "weight": the file name is "<layer><number>.weight" */
    size_t rows, cols;
    lami_init init;
    int trained;    /* 0: running statistics, changed by the forward pass in training */
    int decays;     /* 1: L2 and weight decay apply (weights) */
    int transposed; /* 1: the file holds (cols, rows), as PyTorch has linear weights; rows then follow the
                       shape `image` in the file in C, H, W order and in memory in H, W, C order */
    int kernel;     /* 1: of a convolution; `image` is C x KH x KW, and the file's shape (cols, C, KH, KW) */
    lam_shape image;
    int index; /* into the network's parameters; set by the graph */
} lami_param_spec;

enum { LAMI_NET_INPUT = -1, LAMI_NO_NODE = -2 }; /* in place of a node's index */

/* A node of the graph: a layer at a place. Sizes are per sample: a batch of n samples has n * rows rows. */
typedef struct lami_node {
    const struct lami_layer *layer;
    const void *opts;
    int number;        /* of its kind from 1, in notation order: affine2 */
    int place;         /* in the graph from 0: also the layer number of its random numbers */
    int input, second; /* nodes that feed it, or of the enum above; second: of joins only */
    lam_shape in, out; /* of one sample, C x H x W or D */
    double gain;       /* LAMI_INIT_WEIGHT: variance of Kaiming weights is gain / rows */
    int params;
    lami_param_spec param[LAMI_MAX_PARAMS];
} lami_node;

/* A row vector per sample is 1 row; channels-last images have H*W rows of C columns. */
static inline size_t lami_rows(const lam_shape *sample)
{
    return sample->rank == 3 ? sample->dim[1] * sample->dim[2] : 1;
}
static inline size_t lami_cols(const lam_shape *sample)
{
    return sample->dim[0];
}

/* For shape(): ask for a parameter. Returned for setting more fields; never NULL (LAMI_MAX_PARAMS is asserted). */
lami_param_spec *lami_param(lami_node *node, const char *name, size_t rows, size_t cols, lami_init init);

/* The buffers of a node while its records are written. Gradients are LAMI_NONE where nobody wants them: then the layer
 * need not emit what computes them. A forward that sets y = x (dropout in inference) has no backward: dx is dy then. */
typedef struct lami_ports {
    lami_buf x, x2, y; /* inputs and output; a layer that changes nothing (dropout in inference) sets y = x */
    lami_buf dy, dx;
    lami_buf param[LAMI_MAX_PARAMS], dparam[LAMI_MAX_PARAMS];
    lami_buf cache[LAMI_MAX_CACHES]; /* made by forward (lami_buffer_new), read by backward */
} lami_ports;

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

typedef struct lami_layer {
    const char *name, *alias; /* in the notation; alias NULL where there is none */
    const char *help;
    const lami_opt *options; /* ends with LAMI_OPT_END; NULL where there are none */
    size_t opts_size;
    double gain; /* of an activation, for Kaiming (relu 2); 0: passes through (norms, dropout) */
    double (*gain_of)(const lami_node *node); /* the same where it follows from options; else NULL */
    int hidden;                               /* 1: not a word of the notation (the join of a residual block) */
    int backward_from_x;                      /* 1: backward may be given x in place of y */
    /* Sizes: sets out, which is like in before, and parameters; gain is left to the graph. NULL: out is like in. Errors:
     * LAM_ESHAPE. */
    lam_status (*shape)(lami_node *node);
    /* Records. `train` is 0 in inference plans. A plan remembers its first error, so that these need not. */
    void (*forward)(lami_plan *plan, const lami_node *node, lami_ports *ports, int train);
    /* NULL: the gradient of each input is dy itself. */
    void (*backward)(lami_plan *plan, const lami_node *node, const lami_ports *ports);
    /* Multiply-adds x 2 of one sample's forward pass that gemms do; NULL: none. For describe and bench. */
    double (*flops)(const lami_node *node);
} lami_layer;

extern const lami_layer *const lami_layers[]; /* ends with NULL */

/* Sizes and parameters of a node whose `layer`, `opts` and `in` are set. */
lam_status lami_layer_shape(lami_node *node);

const lami_layer *lami_layer_find(const char *name, size_t length);

extern const lami_layer lami_affine, lami_conv, lami_relu, lami_leakyrelu, lami_elu, lami_gelu, lami_silu, lami_sigmoid,
    lami_tanh, lami_batchnorm, lami_layernorm, lami_dropout, lami_maxpool, lami_avgpool, lami_groupnorm, lami_flatten,
    lami_residual;

#endif
