/* graph: the tree of a notation to nodes with shapes, parameters and their first values. */
#include "groups.h"
#include "net.h"

#include <stdio.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/random.h"

typedef struct {
    lam_net *net;
    const char *text; /* for messages with a place */
    size_t capacity;
} builder;

static const lam_shape *shape_at(const builder *b, int node)
{
    return node == LAMI_NET_INPUT ? &b->net->input : &b->net->node[node].out;
}

/* Give a failure of shape() its place in the text. */
static lam_status fail_here(const builder *b, lam_status status, const lami_item *item)
{
    if (status == LAM_ENOMEM)
        return status;
    char what[LAMI_MESSAGE_MAX];
    snprintf(what, sizeof what, "%s", lam_last_error());
    return lami_notation_fail(status, b->text, item->position, what);
}

static lam_status add_node(builder *b, const lami_layer *layer, const void *opts, int input, int second,
                           const lami_item *item, int *number)
{
    lam_net *net = b->net;
    LAM_TRY(lami_grow((void **)&net->node, &b->capacity, net->nodes + 1, sizeof *net->node));
    lami_node *n = &net->node[net->nodes];
    *n = (lami_node) {
        .layer = layer, .opts = opts, .input = input, .second = second, .place = (int)net->nodes, .number = 1, .gain = 1
    };
    for (size_t i = net->nodes; i-- > 0;)
        if (net->node[i].layer == layer) {
            n->number = net->node[i].number + 1;
            break;
        }
    n->in = *shape_at(b, input);
    const lam_status status = lami_layer_shape(n);
    if (status)
        return fail_here(b, status, item);
    size_t count;
    if (lami_shape_check(&count, &n->out))
        return fail_here(b, LAM_ESHAPE, item);
    *number = (int)net->nodes++;
    return LAM_OK;
}

static lam_status build_chain(builder *b, const lami_item *chain, int input, int *output);

/* The shortcut that fits images: a 1x1 convolution with the stride that makes the sizes equal, where there is one. */
static void shortcut_hint(char *what, size_t size, const lam_shape *a, const lam_shape *s)
{
    char got[LAMI_SHAPE_TEXT], other[LAMI_SHAPE_TEXT];
    size_t stride[2] = { 0, 0 };
    for (int k = 0; k < 2 && s->rank == 3; k++)
        for (size_t t = 1; t <= s->dim[1 + k] && !stride[k]; t++)
            if ((s->dim[1 + k] - 1) / t + 1 == a->dim[1 + k])
                stride[k] = t;
    const int n =
        snprintf(what, size, "residual: the chain gives %s of %s", lami_shape_text(got, a), lami_shape_text(other, s));
    if (stride[0] == 1 && stride[1] == 1)
        snprintf(what + n, size - (size_t)n, "; '| conv %zu 1x1' makes a shortcut that fits", a->dim[0]);
    else if (stride[0] && stride[0] == stride[1])
        snprintf(what + n, size - (size_t)n, "; '| conv %zu 1x1 stride %zu' makes a shortcut that fits", a->dim[0],
                 stride[0]);
    else if (stride[0] && stride[1])
        snprintf(what + n, size - (size_t)n, "; '| conv %zu 1x1 stride %zux%zu' makes a shortcut that fits", a->dim[0],
                 stride[0], stride[1]);
    else
        snprintf(what + n, size - (size_t)n, "; it needs a shortcut after '|'");
}

static lam_status build_residual(builder *b, const lami_item *item, int input, int *output)
{
    int body, shortcut = input;
    LAM_TRY(build_chain(b, item->body, input, &body));
    if (item->shortcut)
        LAM_TRY(build_chain(b, item->shortcut, input, &shortcut));
    const lam_shape *a = shape_at(b, body), *s = shape_at(b, shortcut);
    if (!lami_shape_equal(a, s)) {
        char got[LAMI_SHAPE_TEXT], other[LAMI_SHAPE_TEXT], what[4 * LAMI_SHAPE_TEXT];
        lami_shape_text(got, a);
        lami_shape_text(other, s);
        if (item->shortcut)
            snprintf(what, sizeof what, "residual: the chain gives %s, its shortcut %s", got, other);
        else if (a->rank == 1)
            snprintf(what, sizeof what, "residual: the chain gives %s of %s; '| affine %zu' makes a shortcut that fits",
                     got, other, a->dim[0]);
        else
            shortcut_hint(what, sizeof what, a, s);
        return lami_notation_fail(LAM_ESHAPE, b->text, item->position, what);
    }
    return add_node(b, &lami_residual, NULL, body, shortcut, item, output);
}

static lam_status build_chain(builder *b, const lami_item *chain, int input, int *output)
{
    for (const lami_item *item = chain; item; item = item->next)
        switch (item->kind) {
        case LAMI_ITEM_LAYER:
            LAM_TRY(add_node(b, item->layer, item->opts, input, LAMI_NO_NODE, item, &input));
            break;
        case LAMI_ITEM_GROUP:
            for (size_t i = 0; i < item->count; i++)
                LAM_TRY(build_chain(b, item->body, input, &input));
            break;
        case LAMI_ITEM_RESIDUAL:
            LAM_TRY(build_residual(b, item, input, &input));
            break;
        case LAMI_ITEM_LOSS:
            b->net->loss = item->loss;
            break;
        }
    *output = input;
    return LAM_OK;
}

/* Where the last layer's size is left out it is the number of classes. */
static lam_status fill_in_classes(lam_net *net, const char *text, size_t classes)
{
    lami_item *last = NULL;
    for (lami_item *item = net->tree; item; item = item->next)
        if (item->kind == LAMI_ITEM_LAYER)
            last = item;
        else if (item->kind != LAMI_ITEM_LOSS)
            last = NULL;
    if (!last || !last->layer->options)
        return LAM_OK;
    for (const lami_opt *o = last->layer->options; o->name; o++) {
        size_t *outputs = (size_t *)((char *)last->opts + o->offset);
        if (strcmp(o->name, "outputs") || *outputs)
            continue;
        if (!classes)
            return lami_notation_fail(LAM_ESHAPE, text, last->position,
                                      "affine: its size is left out and the number of classes is not known");
        *outputs = classes;
    }
    return LAM_OK;
}

static double gain_of(const lami_node *n)
{
    return n->layer->gain_of ? n->layer->gain_of(n) : n->layer->gain;
}

/* What Kaiming's variance is multiplied with: the gain of the activation that follows, through norms and dropout. */
static void set_gains(lam_net *net, int *consumer)
{
    for (size_t i = 0; i < net->nodes; i++)
        consumer[i] = LAMI_NO_NODE;
    for (size_t i = net->nodes; i-- > 0;) {
        if (net->node[i].second >= 0)
            consumer[net->node[i].second] = (int)i;
        if (net->node[i].input >= 0)
            consumer[net->node[i].input] = (int)i;
    }
    for (size_t i = 0; i < net->nodes; i++) {
        net->node[i].gain = 1;
        for (int j = consumer[i]; j >= 0; j = consumer[j]) {
            const lami_node *n = &net->node[j];
            const int has_weight = n->params && n->param[0].init == LAMI_INIT_WEIGHT;
            if (gain_of(n) > 0)
                net->node[i].gain = gain_of(n);
            if (has_weight || gain_of(n) > 0)
                break;
        }
    }
}

void lami_node_name(char name[64], const lam_net *net, size_t node)
{
    snprintf(name, 64, "%s%d", net->node[node].layer->name, net->node[node].number);
}

static lam_shape file_shape(const lami_param_spec *s)
{
    if (s->kernel)
        return (lam_shape) { 4, { s->cols, s->image.dim[0], s->image.dim[1], s->image.dim[2] } };
    if (s->transposed)
        return lami_shape2(s->cols, s->rows);
    return s->rows == 1 ? lami_shape1(s->cols) : lami_shape2(s->rows, s->cols);
}

/* The list of parameters and their places in one block, each 64-byte aligned. */
static lam_status list_params(lam_net *net)
{
    const size_t unit = LAMI_ALIGN / lami_dtype_size(net->dtype);
    size_t count = 0;
    for (size_t i = 0; i < net->nodes; i++)
        count += (size_t)net->node[i].params;
    if (!(net->param = lami_alloc(count, sizeof *net->param)))
        return LAM_ENOMEM;
    for (size_t i = 0; i < net->nodes; i++)
        for (int k = 0; k < net->node[i].params; k++) {
            lami_param_spec *s = &net->node[i].param[k];
            lami_net_param *p = &net->param[net->params];
            char node[64];
            lami_node_name(node, net, i);
            snprintf(p->name, sizeof p->name, "%.40s.%.20s", node, s->name);
            s->index = (int)net->params++;
            p->spec = s;
            p->node = i;
            p->file_shape = file_shape(s);
            p->offset = net->values_count;
            LAM_TRY(lami_mul(&p->count, s->rows, s->cols));
            if (p->count > SIZE_MAX / 64 - net->values_count)
                return lami_fail(LAM_ENOMEM, "%s: the network's parameters are larger than memory can be", p->name);
            net->values_count += (p->count + unit - 1) / unit * unit;
        }
    size_t bytes;
    LAM_TRY(lami_mul(&bytes, net->values_count, lami_dtype_size(net->dtype)));
    return lami_pages_new(&net->values, bytes);
}

lam_status lami_graph_build(lam_net *net, const char *text, size_t classes)
{
    builder b = { .net = net, .text = text };
    int output;
    size_t count;
    if ((net->input.rank != 1 && net->input.rank != 3) || lami_shape_check(&count, &net->input)) {
        char got[LAMI_SHAPE_TEXT];
        return lami_fail(LAM_ESHAPE, "input %s: a sample is D or C x H x W", lami_shape_text(got, &net->input));
    }
    LAM_TRY(fill_in_classes(net, text, classes));
    LAM_TRY(build_chain(&b, net->tree, LAMI_NET_INPUT, &output));
    const lam_shape *scores = shape_at(&b, output);
    if (lami_rows(scores) > 1) {
        char got[LAMI_SHAPE_TEXT];
        return lami_fail(
            LAM_ESHAPE, "the network ends with an image %s, and %s takes a row: 'avgpool global' or 'affine' makes one",
            lami_shape_text(got, scores), net->loss->name);
    }
    net->classes = lam_shape_count(scores);
    int *consumer = lami_alloc(net->nodes, sizeof *consumer);
    if (!consumer)
        return LAM_ENOMEM;
    set_gains(net, consumer);
    lami_free(consumer);
    return list_params(net);
}

/* ---- first values ---- */

/* Weights are numbered as the course lays them out, (inputs in C, H, W order, outputs), so that they do not depend on
 * how they lie in memory; drawn in double and rounded. */
static void init_weight(const lam_net *net, size_t param, double deviation, uint64_t seed)
{
    const lami_net_param *p = &net->param[param];
    const lami_param_spec *s = p->spec;
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_INIT, (uint32_t)param, 0);
    if (!(deviation >
          0)) /* drawing takes a while, and they are 0 already: for networks that are filled from elsewhere */
        return;
    for (size_t d = 0; d < s->rows; d++) {
        const size_t row = s->transposed ? lami_memory_row(&s->image, d) : d;
        for (size_t m = 0; m < s->cols; m++)
            lami_real_put(net->values, net->dtype, p->offset + row * s->cols + m,
                          deviation * lami_rng_normal(&rng, d * s->cols + m));
    }
}

/* Kaiming: He et al. 2015, arXiv:1502.01852, by inputs. Xavier: Glorot, Bengio 2010, 2 / (inputs + outputs). */
static double deviation_of(const lam_net *net, const lami_net_param *p, const lam_options *options)
{
    const lami_param_spec *s = p->spec;
    const double inputs = (double)s->rows;
    const double outputs = (double)s->cols * (s->kernel ? (double)(s->image.dim[1] * s->image.dim[2]) : 1);
    if (!strcmp(options->init, "normal") ||
        (!strcmp(options->init, "auto") && lami_option_given(options, offsetof(lam_options, init_scale))))
        return options->init_scale;
    if (!strcmp(options->init, "xavier"))
        return __builtin_sqrt(2 / (inputs + outputs));
    return __builtin_sqrt(net->node[p->node].gain / inputs);
}

/* Filter k is channel k, as it is, for as many as there are of both. Source: torch.nn.init.dirac_. */
static void set_dirac(const lam_net *net, size_t param)
{
    const lami_net_param *p = &net->param[param];
    const lami_param_spec *s = p->spec;
    const size_t channels = s->image.dim[0], width = s->image.dim[2];
    const size_t centre = (s->image.dim[1] / 2 * width + width / 2) * channels;
    for (size_t k = 0; k < channels && k < s->cols; k++)
        for (size_t row = 0; row < s->rows; row++)
            lami_real_put(net->values, net->dtype, p->offset + row * s->cols + k, row == centre + k);
}

static void set_first(const lam_net *net, size_t param, const lami_param_rule *rule, const lam_options *options)
{
    const lami_net_param *p = &net->param[param];
    if (p->spec->init != LAMI_INIT_WEIGHT) {
        for (size_t k = 0; k < p->count; k++)
            lami_real_put(net->values, net->dtype, p->offset + k, p->spec->init == LAMI_INIT_ONE);
        return;
    }
    double deviation = deviation_of(net, p, options);
    if (rule->start == LAMI_START_DRAWN)
        deviation *= rule->start_value;
    else if (rule->start == LAMI_START_DEVIATION)
        deviation = rule->start_value;
    init_weight(net, param, deviation, options->seed);
    if (rule->start == LAMI_START_DIRAC)
        set_dirac(net, param);
}

lam_status lami_net_init(lam_net *net, const lam_options *options)
{
    lami_param_rule *rule;
    LAM_TRY(lami_param_rules(&rule, net, options));
    for (size_t i = 0; i < net->params; i++)
        set_first(net, i, &rule[i], options);
    lami_free(rule);
    return LAM_OK;
}
