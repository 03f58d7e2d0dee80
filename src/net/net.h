/* net: a network: graph and parameters. */
#ifndef LAMI_NET_H
#define LAMI_NET_H

#include "../core/options.h"
#include "../data/prep.h"
#include "notation.h"

/* A parameter. Values lie in the network's memory as (rows, cols) row-major, see lami_param_spec. */
typedef struct lami_net_param {
    char name[64]; /* "affine1.weight" */
    const lami_param_spec *spec;
    size_t node;
    lam_shape file_shape; /* (cols, rows) for weights, (cols) for vectors */
    size_t offset, count; /* elements */
} lami_net_param;

/* Targets were scaled for training: target = score * scale + shift. count is 0 where they were not. */
typedef struct lami_units {
    size_t count; /* = classes */
    double *scale, *shift;
} lami_units;

struct lam_net {
    lami_item *tree;
    char *notation; /* canonical */
    lam_shape input;
    size_t classes; /* scores of a sample */
    lam_dtype dtype;
    int direct; /* --conv direct: plain sums, for as long as the model lives */
    int bf16;   /* --precision bf16: products of bf16, likewise */
    lami_node *node;
    size_t nodes;
    const lami_loss *loss;
    lami_net_param *param;
    size_t params;
    void *values;        /* of dtype, every parameter 64-byte aligned */
    size_t values_count; /* elements, with padding (zeros) */
    uint64_t changes;    /* of the parameters, so far: sessions that predict keep what they made of them */
    int viewed;          /* somebody may change them unseen: lam_net_view */
    lami_prep prep;      /* preprocessing; count 0: none */
    size_t names;        /* entries of class_name: classes; 2 for a yes/no network of one score; 0: unnamed */
    char **class_name;   /* of classes, or of the numbers predicted; NULL: unnamed */
    lami_units units;
    lami_schema *schema; /* of the table it was trained on; NULL: none */
};

/* As lam_net_new. classes: from the data; the size of the last affine where the notation leaves it out, 0: unknown. */
lam_status lami_net_make(lam_net **net, const char *notation, const lam_shape *input, size_t classes,
                         const lam_options *options);

/* The same for a data set: its shape and number of classes or targets. Two classes are one yes/no score where the loss
 * compares scores with numbers (logistic, mse). */
lam_status lami_net_make_for(lam_net **net, const char *notation, const lam_data *data, const lam_options *options);

/* The same with all parameters 0: for looking at a network, and for filling it from a file. */
lam_status lami_net_build(lam_net **net, const char *notation, const lam_shape *input, size_t classes,
                          const lam_options *options);

/* Take over the names of classes or targets (copied; none where data has none, or fewer classes than the network), the
 * schema (copied) and preprocessing (copied). */
lam_status lami_net_set_class_names(lam_net *net, const lam_data *data);

/* May the network have so many names? */
int lami_net_may_name(const lam_net *net, size_t names);

lam_status lami_net_set_schema(lam_net *net, const lami_schema *schema);
lam_status lami_net_set_prep(lam_net *net, const lami_prep *prep);

/* Room for units of count scores, scale 1 and shift 0; count 0 takes them away. */
lam_status lami_net_set_units(lam_net *net, size_t count);

/* A parameter's values in the network's memory order. */
void *lami_net_values(const lam_net *net, size_t param);

/* Between memory order and file order (PyTorch's shapes), of net->dtype. `from`/`to` hold net->param[i].count elements;
 * values is any block laid out like net->values (the network's own, a copy of best weights, an update rule's state). */
void lami_net_to_file(const lam_net *net, size_t param, const void *values, void *to);
void lami_net_from_file(const lam_net *net, size_t param, void *values, const void *from);

/* Copy one parameter's values, laid out as in memory from `values` on, to a tensor of its file shape, LAM_F32 or
 * LAM_F64. */
lam_status lami_net_copy_out(const lam_net *net, size_t param, const void *values, lam_tensor *to);
lam_status lami_net_copy_in(const lam_net *net, size_t param, void *values, const lam_tensor *from); /* the way back */

/* As lam_net_view, of a parameter laid out as in memory from `values` on. Errors: LAM_ESHAPE. */
lam_status lami_net_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], const lam_net *net, size_t param,
                         void *values);

/* Row in memory (H, W, C order) of row `row` of a file (C, H, W order) for a sample of shape `image`. */
size_t lami_memory_row(const lam_shape *image, size_t row);

/* Digest of a block laid out like net->values: see lam_net_sha256. */
lam_status lami_net_digest(const lam_net *net, const void *values, char hex[65]);

/* Are all parameters finite, running statistics included? Else the name of the first that is not; NULL: they are. */
const char *lami_net_not_finite(const lam_net *net);

size_t lami_net_param_find(const lam_net *net, const char *name); /* SIZE_MAX: none */
size_t lami_net_trained_count(const lam_net *net);                /* elements of trained parameters */

/* ---- graph.c: tree to nodes with shapes ---- */

lam_status lami_graph_build(lam_net *net, const char *text, size_t classes);
/* First values of the parameters. Errors: LAM_EOPTION (a rule of --set), LAM_ENOMEM. */
lam_status lami_net_init(lam_net *net, const lam_options *options);
void lami_node_name(char name[64], const lam_net *net, size_t node); /* "batchnorm2" */

/* ---- model.c: networks as files ---- */

#include "../format/safetensors.h"

/* Everything a model file holds, added to `out`: metadata, preprocessing, and the parameters from `values` (laid out
 * like net->values) under their names with `prefix` before them. The tensors in file order are kept in *block (yours,
 * lami_free) until out is written. */
lam_status lami_model_put(lami_st_out *out, void **block, const lam_net *net, const void *values);
/* Only parameters-like tensors: names "<prefix><name>", for trained parameters only if `trained_only`. */
lam_status lami_model_put_values(lami_st_out *out, void **block, const lam_net *net, const void *values,
                                 const char *prefix, int trained_only);
lam_status lami_model_get_values(const lam_net *net, void *values, const lami_st_in *in, const char *path,
                                 const char *prefix, int trained_only);
/* A network from an opened model or checkpoint. */
lam_status lami_model_get(lam_net **net, const lami_st_in *in, const char *path);
lam_status lami_model_save(const lam_net *net, const void *values, const char *path);

#endif
