/* ops: the table of operations, the only boundary to a device.
 *
 * Every operation is a function of a tile of its output: rows r0..r1 and columns c0..c1 of a (rows, cols) array. Running it
 * is running it on all tiles, in any order, on any thread; merging operations is running several of them on one tile, one
 * after another, while it is in the cache. So merged and unmerged give the same bits by construction, and so does any
 * number of threads: a split never changes how an element is computed.
 *
 * An operation's class says which tiles it can work on, and so what may be merged with it:
 *   PRODUCER  reads whole rows and columns of its inputs, writes a tile: any tile (gemm, conv); begins a group
 *   POOL      the same without products: reads windows of rows, any tile (maxpool)
 *   MAP       element by element, with vectors along rows or columns: any tile
 *   STAT      column statistics of chunks of `chunk` rows: tiles of whole chunks
 *   ROW       along rows: tiles of all columns
 *   TREE      adds up what STAT left, along the chunks, as a fixed tree: any tile
 * in[] and out[] below are the operands in the order of lami_args. Arrays are row-major without gaps. An operand that is read
 * and written stands in both. Sizes in brackets: N rows, D columns, K the length of the sums, P = ceil(N / chunk). */
#ifndef LAMI_OPS_H
#define LAMI_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "lamina.h"

typedef enum lami_class { LAMI_PRODUCER, LAMI_POOL, LAMI_MAP, LAMI_STAT, LAMI_ROW, LAMI_TREE } lami_class;

#define LAMI_ROW_OPS(OP)                                                                                                    \
    /* y = a b: in a (N, K), b (K, D); out y (N, D). nt: b is (D, K); tn: a is (K, N) */                                    \
    OP(gemm_nn, LAMI_PRODUCER)                                                                                              \
    OP(gemm_nt, LAMI_PRODUCER)                                                                                              \
    OP(gemm_tn, LAMI_PRODUCER)                                                                                              \
    /* the same b in many products, in panels of `chunk` columns, a multiple of lami_ops.panel: weights in (K, D), */       \
    /* out (P K, chunk), P panels and zeros after column D, depth is D;  then in a (N, K), those; out y           */        \
    OP(gemm_weights, LAMI_POOL)                                                                                             \
    OP(gemm_panels, LAMI_PRODUCER)                                                                                          \
    /* y = x + b: in x (N, D), b (D); out y */                                                                              \
    OP(bias, LAMI_MAP)                                                                                                      \
    /* y = a + b: in a, b (N, D); out y */                                                                                  \
    OP(add, LAMI_MAP)                                                                                                       \
    /* y = max(x, 0): in x; out y. grad: dx = dy where y > 0, else 0: in dy, y; out dx */                                   \
    OP(relu, LAMI_MAP)                                                                                                      \
    OP(relu_grad, LAMI_MAP)                                                                                                 \
    /* y = x where x > 0, else c[0] x; c[0] >= 0: in x; out y. grad: dy where y > 0, else c[0] dy: in dy, y; out dx */      \
    OP(leakyrelu, LAMI_MAP)                                                                                                 \
    OP(leakyrelu_grad, LAMI_MAP)                                                                                            \
    /* y = x where x > 0, else c[0] (exp(x) - 1): in x; out y. grad: in dy, x; out dx */                                    \
    OP(elu, LAMI_MAP)                                                                                                       \
    OP(elu_grad, LAMI_MAP)                                                                                                  \
    /* y = x P(x), P the normal distribution; its form with tanh; x sigmoid(x): in x; out y. grad: in dy, x; out dx */      \
    OP(gelu, LAMI_MAP)                                                                                                      \
    OP(gelu_grad, LAMI_MAP)                                                                                                 \
    OP(gelu_tanh, LAMI_MAP)                                                                                                 \
    OP(gelu_tanh_grad, LAMI_MAP)                                                                                            \
    OP(silu, LAMI_MAP)                                                                                                      \
    OP(silu_grad, LAMI_MAP)                                                                                                 \
    /* in x; out y. grad, dy y (1 - y) and dy (1 - y^2): in dy, y; out dx */                                                \
    OP(sigmoid, LAMI_MAP)                                                                                                   \
    OP(sigmoid_grad, LAMI_MAP)                                                                                              \
    OP(tanh_forward, LAMI_MAP) /* the C library has `tanh` */                                                               \
    OP(tanh_grad, LAMI_MAP)                                                                                                 \
    /* y = x * c[0] where the random word of the element is at least threshold, else 0: in x; out y */                      \
    OP(dropout, LAMI_MAP)                                                                                                   \
    /* y = (x - mean) * rstd * gamma + beta: in x, mean, rstd, gamma, beta; out y. cols: mean, rstd (D); rows: (N) */       \
    OP(norm_cols, LAMI_MAP)                                                                                                 \
    OP(norm_rows, LAMI_MAP)                                                                                                 \
    /* batch norm's dx: in dy, x, mean, rstd, gamma, dgamma, dbeta; out dx */                                               \
    OP(norm_cols_grad, LAMI_MAP)                                                                                            \
    /* dx = dy * rstd * gamma, per column (batch norm in test mode): in dy, rstd, gamma; out dx */                          \
    OP(scale_cols, LAMI_MAP)                                                                                                \
    /* y = x * s, per row: in x (N, D), s (N); out y */                                                                     \
    OP(scale_rows, LAMI_MAP)                                                                                                \
    /* rstd = 1 / sqrt(var + c[0]): in var (1, D); out rstd */                                                              \
    OP(rstd, LAMI_MAP)                                                                                                      \
    /* run = c[0] * run + (1 - c[0]) * batch: in run, batch (1, D); out run */                                              \
    OP(running, LAMI_MAP)                                                                                                   \
    /* y = c[0] * a + c[1] * b: in a, b; out y */                                                                           \
    OP(axpby, LAMI_MAP)                                                                                                     \
    /* y = x * c[0] / max(sqrt(sum of s), c[1]): in x, s (D); out y */                                                      \
    OP(scale_to_norm, LAMI_POOL)                                                                                            \
    /* g = g * grad_scale of the step's variables: in g; out g */                                                           \
    OP(scale_grad, LAMI_MAP)                                                                                                \
    /* a += share * (w - a), share of the step's variables: in a, w; out a */                                               \
    OP(average, LAMI_MAP)                                                                                                   \
    /* decoupled weight decay: w = w * (1 - lr * c[LAMI_LR_FACTOR] * c[0]): in w; out w */                                  \
    OP(shrink, LAMI_MAP)                                                                                                    \
    /* update rules; lr and Adam's corrections come from the step's variables, and lr is multiplied by c[LAMI_LR_FACTOR] */ \
    OP(sgd, LAMI_MAP)      /* in w, dw; out w */                                                                            \
    OP(momentum, LAMI_MAP) /* in w, dw, v; out w, v; c[0] momentum */                                                       \
    OP(nesterov, LAMI_MAP) /* in w, dw, v; out w, v; c[0] momentum */                                                       \
    OP(rmsprop, LAMI_MAP)  /* in w, dw, s; out w, s; c[0] decay, c[1] eps */                                                \
    OP(adam, LAMI_MAP)     /* in w, dw, m, v; out w, m, v; c[0] beta1, c[1] beta2, c[2] eps */                              \
    OP(muon, LAMI_MAP)     /* its mean of gradients, looking ahead: in dw, m; out m, g; c[0] beta1 */                       \
    /* per chunk and column: the first element, the mean less that, the sum of squared deviations: in x;                 */ \
    /* out shift, mean, m2 (P, D)                                                                                        */ \
    OP(stat_moments, LAMI_STAT)                                                                                             \
    /* per chunk and column: in x; out sum (P, D). sumsq: of squares */                                                     \
    OP(stat_sum, LAMI_STAT)                                                                                                 \
    OP(stat_sumsq, LAMI_STAT)                                                                                               \
    /* per chunk and column, sums of dy * xhat and dy: in dy, x, mean, rstd; out a, b (P, D) */                             \
    OP(stat_norm_cols, LAMI_STAT)                                                                                           \
    OP(stat_norm_rows, LAMI_STAT)                                                                                           \
    /* mean and reciprocal deviation of each row: in x; out mean, rstd (N); c[0] eps */                                     \
    OP(row_moments, LAMI_ROW)                                                                                               \
    /* layer norm's dx: in dy, x, mean, rstd, gamma; out dx */                                                              \
    OP(row_norm_grad, LAMI_ROW)                                                                                             \
    /* losses: in scores (N, D), labels (N, int32); out loss (N), [dscores (N, D), of the mean over the batch]; */          \
    /* softmax: c[0] label smoothing */                                                                                     \
    OP(softmax_loss, LAMI_ROW)                                                                                              \
    OP(svm_loss, LAMI_ROW)                                                                                                  \
    /* the same with targets (N, D), of the number type, in place of labels; mean over D. logistic: from 0 to 1 */          \
    OP(mse_loss, LAMI_ROW)                                                                                                  \
    OP(logistic_loss, LAMI_ROW)                                                                                             \
    /* Chan's formula over chunks: in shift, mean, m2 (P, D); out mean, var, rstd (D); c[0] eps */                          \
    OP(tree_moments, LAMI_TREE)                                                                                             \
    /* sums over chunks: in a (P N, D), [b]; out a (N, D), [b]; N is 1 but for conv_filter's */                             \
    OP(tree_sum, LAMI_TREE)

/* Of images: arrays are channels-last, window has the sizes. */
#define LAMI_IMAGE_OPS(OP)                                                                                                      \
    /* convolution of window w: in x (N h w, c), b (kernel_h kernel_w c, D); out y (N out_h out_w, D) */                        \
    OP(conv, LAMI_PRODUCER)                                                                                                     \
    /* b for a convolution's data gradient, which is a conv of dy: in b (kernel_h kernel_w D, c); out (.. c, D), turned */      \
    OP(conv_flip, LAMI_POOL)                                                                                                    \
    /* per chunk of samples: in x (N h w, c), dy (N out_h out_w, D); out parts of db (P kernel_h kernel_w c, D) */              \
    OP(conv_filter, LAMI_PRODUCER)                                                                                              \
    /* a 3x3 convolution with stride 1 in 6x6 blocks: weights in (9 c, K), out (36 c P, 16), P panels of 16 and zeros         \
       after column K, depth is K;  then in x, those; out y as conv. Tiles begin at a multiple of 16 columns */ \
    OP(winograd_weights, LAMI_POOL)                                                                                             \
    OP(winograd, LAMI_PRODUCER)                                                                                                 \
    /* its conv_filter */                                                                                                       \
    OP(winograd_filter, LAMI_PRODUCER)                                                                                          \
    /* windows of a pool: in x; out y. grad: in dy, x, y; out dx; in dy; out dx. Padding is never the maximum, and counts */    \
    /* as zeros in the mean over the whole window                                                                        */     \
    OP(maxpool, LAMI_POOL)                                                                                                      \
    OP(maxpool_grad, LAMI_POOL)                                                                                                 \
    OP(avgpool, LAMI_POOL)                                                                                                      \
    OP(avgpool_grad, LAMI_POOL)                                                                                                 \
    /* images (N, c h w) to channels-last (N h w, c) and back: in x; out y. Tiles are those of the pixels, so that nothing   */ \
    /* reads what from_pixels wrote within the same tile                                                                     */ \
    OP(to_pixels, LAMI_POOL)                                                                                                    \
    OP(from_pixels, LAMI_MAP)                                                                                                   \
    /* group norm; depth is the pixels of a sample, and what belongs to a group is there for each of its channels, (N, D) */    \
    /* in x; out mean, rstd (N, D); c[0] eps                                                                             */     \
    OP(group_moments, LAMI_POOL)                                                                                                \
    /* in x, mean, rstd, gamma, beta; out y */                                                                                  \
    OP(norm_groups, LAMI_MAP)                                                                                                   \
    /* in dy, x, mean, rstd; out a, b (N, D): per sample and channel, sums of dy xhat and dy */                                 \
    OP(group_sums, LAMI_POOL)                                                                                                   \
    /* in a, b, gamma; out the groups' means of gamma dy xhat and gamma dy */                                                   \
    OP(group_means, LAMI_POOL)                                                                                                  \
    /* in dy, x, mean, rstd, gamma, these means; out dx */                                                                      \
    OP(norm_groups_grad, LAMI_MAP)

#define LAMI_OPS(OP) \
    LAMI_ROW_OPS(OP) \
    LAMI_IMAGE_OPS(OP)

typedef enum lami_op {
#define OP(name, class) LAMI_OP_##name,
    LAMI_OPS(OP)
#undef OP
        LAMI_OP_COUNT,
    LAMI_ROW_OP_COUNT = LAMI_OP_conv /* the first of images */
} lami_op;

enum { LAMI_INS = 7, LAMI_OUTS = 3, LAMI_CONSTANTS = 4 };

/* The constant of update rules and shrink that the learning rate is multiplied with: the parameter's own, 1 as a rule. */
enum { LAMI_LR_FACTOR = 3 };

/* What changes from step to step, shared by all records of a plan. */
typedef struct lami_vars {
    uint64_t dropout_seed;
    uint32_t step; /* word 2 of the random counter */
    double lr;
    double correct1, correct2; /* Adam: 1 / (1 - beta^t) */
    double grad_scale;         /* what scale_grad multiplies with: mean of accumulated batches, clipping */
    double share;              /* of the weights in their average (`average`) */
    double batch;              /* samples of this step: the divisor of a mean over the batch */
} lami_vars;

/* The geometry of operations on images: arrays are channels-last, (N * h * w, c). */
typedef struct lami_window {
    size_t h, w, c; /* of a sample on the side of the layer's input */
    size_t out_h, out_w;
    size_t kernel_h, kernel_w, stride_h, stride_w;
    ptrdiff_t pad_top, pad_left; /* below 0 in data gradients of convolutions with more padding than their window */
    size_t up_h, up_w;           /* conv: rows and columns of zeros between those of the input, and one; 1: none */
    size_t groups;               /* group norm */
    int ties;                    /* maxpool: whose gradient equal maxima get: 0 the first, 1 shared, 2 each */
} lami_window;

typedef struct lami_args {
    const void *in[LAMI_INS];
    void *out[LAMI_OUTS];
    size_t rows, cols, depth; /* N, D, K; for TREE depth is the number of rows that the chunks covered */
    size_t chunk;             /* rows of a chunk (STAT, TREE); columns of a panel (gemm_panels) */
    double c[LAMI_CONSTANTS];
    uint32_t place;     /* purpose << 24 | layer, for random numbers */
    uint32_t threshold; /* dropout: keep where word >= threshold */
    int bf16;           /* for run_bf16 */
    int past; /* the first output is larger than the caches, and not read soon: pools' gradients write past them */
    const lami_window *window;
    const lami_vars *vars;
} lami_args;

typedef struct lami_tile {
    size_t r0, r1, c0, c1;
} lami_tile;

/* Scratch of a thread, 64-byte aligned, lami_ops.work() bytes. */
typedef void (*lami_tile_fn)(const lami_args *args, lami_tile tile, void *work);

/* What a stream through memory does. */
typedef enum lami_stream { LAMI_STREAM_READ, LAMI_STREAM_WRITE, LAMI_STREAM_COPY, LAMI_STREAMS } lami_stream;

typedef struct lami_ops {
    const char *set; /* "avx2" */
    int bits;        /* 32, 64 */
    int native_bf16; /* run_bf16 is by the machine's instruction, not emulated */
    lami_tile_fn run[LAMI_OP_COUNT];
    lami_tile_fn run_bf16[LAMI_OP_COUNT]; /* float only: products of what was rounded to bf16 (gemm, conv), else NULL */
    size_t panel;                         /* columns of a gemm's panel: tiles are best a multiple of it */
    size_t (*work)(lami_op op, const lami_args *args, size_t tile_rows, size_t tile_cols); /* bytes of scratch */
    double (*peak)(size_t turns, double *flops);                                           /* peak.t.h */
    double (*stream)(lami_stream kind, void *a, const void *b, size_t count, size_t turns);
} lami_ops;

/* Rows of a gemm block: tiles are best a multiple of it. Divisible by the rows of every set's micro-kernel. */
enum { LAMI_GEMM_ROWS = 24 };

/* Rows of a gemm_nn or gemm_panels that are so few that its tiles are best a multiple of four panels. */
enum { LAMI_GEMM_FEW = 3 };

/* Filters of a Winograd convolution whose weights lie together, and channels that are transformed together. */
enum { LAMI_WINOGRAD_PANEL = 16 };

/* Blocks of 4x4 pixels that a Winograd convolution does at once: tiles are best a multiple of them. */
enum { LAMI_WINOGRAD_BLOCKS = 64 };

/* Name and class of each operation. */
typedef struct lami_op_info {
    const char *name;
    lami_class class;
} lami_op_info;
extern const lami_op_info lami_op_table[LAMI_OP_COUNT];

/* ---- which table: kern/cpu.c ---- */

/* The table of an instruction set ("auto": the best that this machine has) and number type (32, 64). Errors: LAM_EUNSUPPORTED:
 * this build or machine does not have the set. */
lam_status lami_ops_find(const lami_ops **ops, const char *set, int bits);

/* The i-th set of this build, best first, NULL past the end; *usable tells whether this machine has it. */
const char *lami_set_name(size_t i, int *usable);

#endif
