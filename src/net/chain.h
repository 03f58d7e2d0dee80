/* chain: layers by themselves, one or a few after another, on the caller's tensors. A call plans them as a graph and
 * runs the same records as a network does; the cache keeps the plan, so that the next call of the same shapes only
 * binds addresses. The functions of lamina.h check their arguments and say with it what they are made of. */
#ifndef LAMI_CHAIN_H
#define LAMI_CHAIN_H

#include "../layer/layer.h"

enum { LAMI_LINKS = 3, LAMI_LINK_OPTS = 64 };

/* What a function of lamina.h is: its name in messages, its layers, and the names of its arguments that are their
 * parameters. */
typedef struct lami_chain {
    const char *name;
    const lami_layer *layer[LAMI_LINKS + 1]; /* ends with NULL */
    const char *param[LAMI_LINKS][LAMI_MAX_PARAMS];
} lami_chain;

typedef const lam_tensor *lami_tensors[LAMI_LINKS][LAMI_MAX_PARAMS]; /* arguments, as lami_chain.param names them */
typedef lam_tensor *lami_gradients[LAMI_LINKS][LAMI_MAX_PARAMS];

/* One call: all that its plan depends on. */
typedef struct lami_call {
    const lami_chain *chain;
    lam_dtype dtype;
    size_t samples;
    lam_shape in; /* of a sample: a row, or C x H x W */
    int train;
    uint64_t dropout_seed;
    uint32_t step;
    _Alignas(8) unsigned char opts[LAMI_LINKS][LAMI_LINK_OPTS]; /* of each layer; 0 is not always its default */
    lami_node node[LAMI_LINKS];
    int links;
} lami_call;

/* Begin a call by x, taken as (N, D) rows, or an image (N, C, H, W). It is one of training, all options 0. Errors:
 * LAM_EINVAL (NULL, dtype), LAM_ESHAPE. */
lam_status lami_call_rows(lami_call *call, const lami_chain *chain, const lam_tensor *x);
lam_status lami_call_image(lami_call *call, const lami_chain *chain, const lam_tensor *x);

/* The same by the shape (N, C, H, W) alone, for sizes. */
lam_status lami_call_image_shape(lami_call *call, const lami_chain *chain, const lam_shape *x);

/* Set an option of a layer by its name in the notation. put takes values as they are: a SIZE, both of a PAIR, a REAL, an
 * index of WORD or FLAG. pair is for an argument: a pair outside of the option's range is refused with its name, and
 * 0x0 is the option's default where 0 is not a value. word takes one of the option's words. Errors: LAM_EINVAL. */
void lami_put_sizes(lami_call *call, int link, const char *name, const size_t *value);
void lami_put_real(lami_call *call, int link, const char *name, double value);
void lami_put_index(lami_call *call, int link, const char *name, int value);
void lami_put_word(lami_call *call, int link, const char *name, const char *word);
lam_status lami_call_pair(lami_call *call, int link, const char *name, const size_t value[2]);

/* Take over what lam_batchnorm_param says, and eps, for a layer that has them; checked. Errors: LAM_EINVAL. */
lam_status lami_call_batchnorm(lami_call *call, int link, const lam_batchnorm_param *param);
lam_status lami_call_eps(lami_call *call, int link, double eps);

/* Sizes and parameters of each layer. Errors: LAM_ESHAPE. lami_call_forward does it by itself. */
lam_status lami_call_shapes(lami_call *call);

/* Shape of the output, (N, ...); after lami_call_shapes. */
lam_shape lami_call_output(const lami_call *call);

/* The passes, as lamina.h describes them for all layers. Errors: LAM_EINVAL, LAM_ESHAPE, LAM_ENOMEM. */
lam_status lami_call_forward(lami_call *call, lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                             lami_tensors params);
lam_status lami_call_backward(const lami_chain *chain, lam_cache *cache, lam_tensor *dx, lami_gradients dparams,
                              const lam_tensor *dout);

/* ---- arguments ---- */

/* A tensor of `count` elements, whatever its shape. Errors: LAM_EINVAL (NULL, dtype), LAM_ESHAPE; the message names
 * function and argument. */
lam_status lami_check_tensor(const char *function, const char *name, const lam_tensor *t, lam_dtype dtype,
                             size_t count);

/* The tensor that decides type and sizes, x of a layer or w of an update rule, as (N, D) rows. */
lam_status lami_check_rows(const char *function, const char *name, const lam_tensor *x, size_t *n, size_t *d);

#endif
