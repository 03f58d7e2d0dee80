/* layers: the table, one row per layer. */
#include "layer.h"

#include <assert.h>
#include <string.h>

const lami_layer *const lami_layers[] = {
    &lami_affine,  &lami_conv,    &lami_relu,      &lami_leakyrelu, &lami_elu,       &lami_gelu,
    &lami_silu,    &lami_sigmoid, &lami_tanh,      &lami_batchnorm, &lami_layernorm, &lami_dropout,
    &lami_maxpool, &lami_avgpool, &lami_groupnorm, &lami_flatten,   &lami_residual,  NULL,
};

static int is_word(const char *word, const char *name, size_t length)
{
    return word && strlen(word) == length && !memcmp(word, name, length);
}

lam_status lami_layer_shape(lami_node *node)
{
    node->out = node->in;
    return node->layer->shape ? node->layer->shape(node) : LAM_OK;
}

const lami_layer *lami_layer_find(const char *name, size_t length)
{
    for (size_t i = 0; lami_layers[i]; i++)
        if (!lami_layers[i]->hidden &&
            (is_word(lami_layers[i]->name, name, length) || is_word(lami_layers[i]->alias, name, length)))
            return lami_layers[i];
    return NULL;
}

lami_param_spec *lami_param(lami_node *node, const char *name, size_t rows, size_t cols, lami_init init)
{
    assert(node->params < LAMI_MAX_PARAMS);
    lami_param_spec *p = &node->param[node->params++];
    *p = (lami_param_spec) { .name = name, .rows = rows, .cols = cols, .init = init, .trained = 1 };
    return p;
}
