/* image_functions: layers on images by themselves: the course's values, plain loops in double, numeric gradients, and
 * the bits of the same layers in networks. What they refuse, and their caches, is in test_image_arguments.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "image_calls.h"

enum { RANDOM_CALLS = 24, NOTATION = 256 };

/* ---- the course's values ---- */

static void conv_gives_the_values_of_the_course(void **state)
{
    (void)state;
    static const double expected[] = { -0.08759809, -0.10987781, -0.18387192, -0.2109216,  0.21027089, 0.21661097,
                                       0.22847626,  0.23004637,  0.50813986,  0.54309974,  0.64082444, 0.67101435,
                                       -0.98053589, -1.03143541, -1.19128892, -1.24695841, 0.69108355, 0.66880383,
                                       0.59480972,  0.56776003,  2.36270298,  2.36904306,  2.38090835, 2.38247847 };
    const lam_conv_param param = { .stride = { 2, 2 }, .pad = { 1, 1 } };
    EACH_TYPE(type)
    {
        const lam_tensor x = make_tensor(type, shape4(2, 3, 4, 4)), w = make_tensor(type, shape4(3, 3, 4, 4));
        const lam_tensor b = make_vector(type, 3);
        lam_tensor out = make_tensor(type, shape4(2, 3, 2, 2));
        fill_linspace(&x, -0.1, 0.5);
        fill_linspace(&w, -0.2, 0.3);
        fill_linspace(&b, -0.1, 0.2);
        assert_ok(lam_conv_forward(NULL, &out, &x, &w, &b, &param));
        assert_elements(&out, expected, 24, type == LAM_F32 ? 2e-6 : 5e-9);
    }
}

static void maxpool_gives_the_values_of_the_course(void **state)
{
    (void)state;
    static const double expected[] = { -0.26315789, -0.24842105, -0.20421053, -0.18947368, -0.14526316, -0.13052632,
                                       -0.08631579, -0.07157895, -0.02736842, -0.01263158, 0.03157895,  0.04631579,
                                       0.09052632,  0.10526316,  0.14947368,  0.16421053,  0.20842105,  0.22315789,
                                       0.26736842,  0.28210526,  0.32631579,  0.34105263,  0.38526316,  0.4 };
    const lam_pool_param param = { .window = { 2, 2 }, .stride = { 2, 2 } }, by_default = { .window = { 2, 2 } };
    EACH_TYPE(type)
    {
        const lam_tensor x = make_tensor(type, shape4(2, 3, 4, 4));
        lam_tensor out = make_tensor(type, shape4(2, 3, 2, 2)), again = make_tensor(type, shape4(2, 3, 2, 2));
        fill_linspace(&x, -0.3, 0.4);
        assert_ok(lam_maxpool_forward(NULL, &out, &x, &param));
        assert_elements(&out, expected, 24, type == LAM_F32 ? 1e-7 : 5e-9);
        assert_ok(lam_maxpool_forward(NULL, &again, &x, &by_default));
        assert_same_bits(&out, &again);
    }
}

/* Notebook: x of mean 5 to 10 and deviation 4 per channel; afterwards mean beta and deviation gamma. */
static void assert_moments(const lam_tensor *t, size_t from, size_t each, size_t step, size_t times, double mean,
                           double deviation)
{
    double sum = 0, squares = 0;
    const double count = (double)(each * times);
    for (size_t k = 0; k < times; k++)
        for (size_t i = 0; i < each; i++)
            sum += at(t, from + k * step + i) / count;
    for (size_t k = 0; k < times; k++)
        for (size_t i = 0; i < each; i++)
            squares += (at(t, from + k * step + i) - sum) * (at(t, from + k * step + i) - sum) / count;
    assert_near(sum, mean, 1e-6);
    assert_near(sqrt(squares), deviation, 2e-5);
}

static void batchnorm_normalises_channels_and_groupnorm_samples(void **state)
{
    (void)state;
    const lam_tensor x = make_tensor(LAM_F64, shape4(3, 4, 5, 6));
    const lam_tensor gamma = make_tensor(LAM_F64, shape4(1, 4, 1, 1)), beta = make_vector(LAM_F64, 4);
    lam_tensor out = make_tensor(LAM_F64, x.shape), mean = make_vector(LAM_F64, 4), var = make_vector(LAM_F64, 4);
    fill_normal(&x, 1, 10, 4);
    fill_linspace(&gamma, 3, 6);
    fill_linspace(&beta, 6, 9);
    const lam_batchnorm_param train = { LAM_MODE_TRAIN, 1e-5, 0.9 };
    assert_ok(lam_spatial_batchnorm_forward(NULL, &out, &x, &gamma, &beta, &mean, &var, &train));
    for (size_t c = 0; c < 4; c++)
        assert_moments(&out, 30 * c, 30, 120, 3, at(&beta, c), at(&gamma, c));
    fill_all(&gamma, 1);
    fill_all(&beta, 0);
    assert_ok(lam_spatial_groupnorm_forward(NULL, &out, &x, &gamma, &beta, 2, 1e-5));
    for (size_t g = 0; g < 6; g++)
        assert_moments(&out, 60 * g, 60, 0, 1, 0, 1);
    assert_ok(lam_spatial_layernorm_forward(NULL, &out, &x, &gamma, &beta, 1e-5));
    for (size_t n = 0; n < 3; n++)
        assert_moments(&out, 120 * n, 120, 0, 1, 0, 1);
}

/* ---- plain loops, in double ---- */

static size_t index4(const lam_tensor *t, size_t n, size_t c, size_t h, size_t w)
{
    return ((n * t->shape.dim[1] + c) * t->shape.dim[2] + h) * t->shape.dim[3] + w;
}

static void add_to(const lam_tensor *t, size_t i, double v)
{
    put(t, i, at(t, i) + v);
}

/* A pixel (h, w) of x in the window of pixel (i, j) of the output, at place (u, v) of it. walk visits all of them. */
typedef struct {
    size_t n, i, j, h, w, u, v;
} meeting;

static void walk(const lam_shape *x, const lam_shape *out, const size_t kernel[2], const size_t stride[2],
                 const size_t before[2], void (*visit)(void *arg, const meeting *m), void *arg)
{
    meeting m;
    for (m.n = 0; m.n < x->dim[0]; m.n++)
        for (m.i = 0; m.i < out->dim[2]; m.i++)
            for (m.j = 0; m.j < out->dim[3]; m.j++)
                for (m.u = 0; m.u < kernel[0]; m.u++)
                    for (m.v = 0; m.v < kernel[1]; m.v++) {
                        m.h = m.i * stride[0] + m.u - before[0]; /* wraps where it is padding */
                        m.w = m.j * stride[1] + m.v - before[1];
                        if (m.h < x->dim[2] && m.w < x->dim[3])
                            visit(arg, &m);
                    }
}

/* Of a layer by loops: out of x, or where dout is given dx and the parameters' gradients. */
typedef struct {
    const image_call *call;
    const lam_tensor *x, *dout;
    lam_tensor out, dx, dw, db;
} loops;

static void conv_meets(void *arg, const meeting *m)
{
    loops *l = arg;
    const lam_tensor *w = l->call->t[W];
    for (size_t f = 0; f < w->shape.dim[0]; f++)
        for (size_t c = 0; c < w->shape.dim[1]; c++) {
            const size_t o = index4(&l->out, m->n, f, m->i, m->j), k = index4(w, f, c, m->u, m->v);
            const size_t in = index4(l->x, m->n, c, m->h, m->w);
            if (!l->dout) {
                add_to(&l->out, o, at(l->x, in) * at(w, k));
                continue;
            }
            add_to(&l->dx, in, at(l->dout, o) * at(w, k));
            add_to(&l->dw, k, at(l->dout, o) * at(l->x, in));
        }
}

static void conv_by_loops(loops *l)
{
    const image_call *i = l->call;
    const size_t before[2] = { i->conv.same ? (i->kernel[0] - 1) / 2 : i->conv.pad[0],
                               i->conv.same ? (i->kernel[1] - 1) / 2 : i->conv.pad[1] };
    const size_t pixels = l->out.shape.dim[2] * l->out.shape.dim[3];
    walk(&l->x->shape, &l->out.shape, i->kernel, i->conv.stride, before, conv_meets, l);
    for (size_t k = 0; i->t[B] && k < count_of(&l->out); k++)
        if (l->dout)
            add_to(&l->db, k / pixels % i->filters, at(l->dout, k));
        else
            add_to(&l->out, k, at(i->t[B], k / pixels % i->filters));
}

static void average_meets(void *arg, const meeting *m)
{
    loops *l = arg;
    const double size = (double)(l->call->pool.window[0] * l->call->pool.window[1]);
    for (size_t c = 0; c < l->x->shape.dim[1]; c++) {
        const size_t o = index4(&l->out, m->n, c, m->i, m->j), in = index4(l->x, m->n, c, m->h, m->w);
        if (l->dout)
            add_to(&l->dx, in, at(l->dout, o) / size);
        else
            add_to(&l->out, o, at(l->x, in) / size);
    }
}

static void avgpool_by_loops(loops *l)
{
    const lam_pool_param *p = &l->call->pool;
    walk(&l->x->shape, &l->out.shape, p->window, p->stride, p->pad, average_meets, l);
}

static void maximum_meets(void *arg, const meeting *m)
{
    loops *l = arg;
    for (size_t c = 0; c < l->x->shape.dim[1]; c++) {
        const size_t o = index4(&l->out, m->n, c, m->i, m->j);
        const double v = at(l->x, index4(l->x, m->n, c, m->h, m->w));
        if (v > at(&l->out, o))
            put(&l->out, o, v);
    }
}

/* Equal maxima of a window are counted in dw, of out's shape, and taken off where the first gets all. */
static void maxima_counted(void *arg, const meeting *m)
{
    loops *l = arg;
    for (size_t c = 0; c < l->x->shape.dim[1]; c++) {
        const size_t o = index4(&l->out, m->n, c, m->i, m->j);
        add_to(&l->dw, o, at(l->x, index4(l->x, m->n, c, m->h, m->w)) == at(&l->out, o));
    }
}

static void maxima_rewarded(void *arg, const meeting *m)
{
    loops *l = arg;
    const lam_ties ties = l->call->pool.ties;
    for (size_t c = 0; c < l->x->shape.dim[1]; c++) {
        const size_t o = index4(&l->out, m->n, c, m->i, m->j), in = index4(l->x, m->n, c, m->h, m->w);
        if (at(l->x, in) != at(&l->out, o) || at(&l->dw, o) == 0)
            continue;
        add_to(&l->dx, in, at(l->dout, o) / (ties == LAM_TIES_SPLIT ? at(&l->dw, o) : 1));
        if (ties == LAM_TIES_FIRST)
            put(&l->dw, o, 0);
    }
}

static void maxpool_by_loops(loops *l)
{
    const lam_pool_param *p = &l->call->pool;
    fill_all(&l->out, -INFINITY);
    walk(&l->x->shape, &l->out.shape, p->window, p->stride, p->pad, maximum_meets, l);
    if (!l->dout)
        return;
    l->dw = make_tensor(LAM_F64, l->out.shape);
    walk(&l->x->shape, &l->out.shape, p->window, p->stride, p->pad, maxima_counted, l);
    walk(&l->x->shape, &l->out.shape, p->window, p->stride, p->pad, maxima_rewarded, l);
}

/* The number of the set that element k is normalised with; sets are numbered from 0 without gaps. */
static size_t set_of(const image_call *i, const image_function *f, const lam_shape *s, size_t k)
{
    const size_t channels = s->dim[1], pixels = s->dim[2] * s->dim[3];
    const size_t n = k / (channels * pixels), c = k / pixels % channels;
    if (f->args & STATS)
        return c;
    const size_t groups = f->forward == layernorm_forward ? 1 : i->groups;
    return n * groups + c / (channels / groups);
}

static lam_tensor norm_by_loops(const image_call *i, const image_function *f, const lam_tensor *x)
{
    const size_t count = count_of(x), channels = x->shape.dim[1], pixels = x->shape.dim[2] * x->shape.dim[3];
    const lam_tensor out = make_tensor(LAM_F64, x->shape), members = make_vector(LAM_F64, count);
    const lam_tensor sum = make_vector(LAM_F64, count), squares = make_vector(LAM_F64, count); /* of each set */
    for (size_t k = 0; k < count; k++) {
        add_to(&members, set_of(i, f, &x->shape, k), 1);
        add_to(&sum, set_of(i, f, &x->shape, k), at(x, k));
    }
    for (size_t k = 0; k < count; k++) {
        const size_t set = set_of(i, f, &x->shape, k);
        put(&out, k, at(x, k) - at(&sum, set) / at(&members, set));
        add_to(&squares, set, at(&out, k) * at(&out, k));
    }
    for (size_t k = 0; k < count; k++) {
        const size_t set = set_of(i, f, &x->shape, k), c = k / pixels % channels;
        const double var = at(&squares, set) / at(&members, set);
        put(&out, k, at(&out, k) / sqrt(var + 1e-5) * at(i->t[GAMMA], c) + at(i->t[BETA], c));
    }
    return out;
}

/* out of f by loops: its layers one after another. */
static lam_tensor forward_by_loops(const image_call *i, const image_function *f)
{
    lam_tensor y = *i->t[X];
    if (has_arg(f, W)) {
        lam_shape shape;
        assert_ok(lam_conv_shape(&shape, &y.shape, &i->t[W]->shape, &i->conv));
        loops l = { .call = i, .x = &y, .out = make_tensor(LAM_F64, shape) };
        conv_by_loops(&l);
        y = l.out;
    }
    if (has_arg(f, GAMMA))
        y = norm_by_loops(i, f, &y);
    for (size_t k = 0; strstr(f->name, "relu") && k < count_of(&y); k++)
        put(&y, k, at(&y, k) > 0 ? at(&y, k) : 0);
    if (f->pools) {
        loops l = { .call = i, .x = &y, .out = make_tensor(LAM_F64, i->shape) };
        (f->forward == avgpool_forward ? avgpool_by_loops : maxpool_by_loops)(&l);
        y = l.out;
    }
    return y;
}

static void each_function_is_its_formula_on_random_shapes(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (uint32_t stream = 0; stream < RANDOM_CALLS; stream++)
        for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
            const image_function *f = &image_functions[k];
            image_call i = random_call(stream);
            make_call(&i, f, type);
            assert_ok(f->forward(NULL, &i));
            const lam_tensor wanted = forward_by_loops(&i, f);
            assert_true(lami_shape_equal(&wanted.shape, &i.shape));
            assert_close(i.t[OUT], &wanted, 400 * unit_of(type));
            free_tensors(NULL);
        }
}

static void backward_of_conv_and_pools_is_its_formula(void **state)
{
    (void)state;
    static void (*const by_loops[])(loops *) = { conv_by_loops, maxpool_by_loops, avgpool_by_loops };
    EACH_TYPE(type)
    for (uint32_t stream = 0; stream < RANDOM_CALLS; stream++)
        for (size_t k = 0; k < 3; k++) {
            lam_cache *cache = NULL;
            image_call i = random_call(stream);
            make_call(&i, &image_functions[k], type);
            for (size_t e = 0; k == 1 && e < count_of(i.t[X]); e++) /* of six values: many are equal */
                put(i.t[X], e, floor(3 * at(i.t[X], e)) / 2);
            assert_ok(image_functions[k].forward(&cache, &i));
            assert_ok(image_functions[k].backward(cache, &i));
            loops l = { .call = &i, .x = i.t[X], .dout = i.t[DOUT], .out = make_tensor(LAM_F64, i.shape) };
            l.dx = make_tensor(LAM_F64, i.t[X]->shape);
            l.dw = make_tensor(LAM_F64, shape4(i.filters, i.c, i.kernel[0], i.kernel[1]));
            l.db = make_vector(LAM_F64, i.filters);
            by_loops[k](&l);
            assert_close(i.t[DX], &l.dx, 400 * unit_of(type));
            if (k == 0) {
                assert_close(i.t[DW], &l.dw, 400 * unit_of(type));
                assert_close(i.t[DB], &l.db, 400 * unit_of(type));
            }
            lam_cache_free(cache);
            free_tensors(NULL);
        }
}

static void equal_maxima_share_the_gradient_as_asked(void **state)
{
    (void)state;
    static const double values[] = { 1, 3, 3, 3 };
    static const double expected[3][4] = { { 0, 6, 0, 0 }, { 0, 2, 2, 2 }, { 0, 6, 6, 6 } };
    EACH_TYPE(type)
    for (int ties = LAM_TIES_FIRST; ties <= LAM_TIES_ALL; ties++) {
        lam_cache *cache = NULL;
        const lam_pool_param param = { .window = { 2, 2 }, .ties = (lam_ties)ties };
        const lam_tensor x = make_tensor(type, shape4(1, 1, 2, 2)), dout = make_tensor(type, shape4(1, 1, 1, 1));
        lam_tensor out = make_tensor(type, shape4(1, 1, 1, 1)), dx = make_tensor(type, shape4(1, 1, 2, 2));
        for (size_t k = 0; k < 4; k++)
            put(&x, k, values[k]);
        put(&dout, 0, 6);
        assert_ok(lam_maxpool_forward(&cache, &out, &x, &param));
        assert_ok(lam_maxpool_backward(&dx, &dout, cache));
        assert_elements(&dx, expected[ties], 4, 0);
        lam_cache_free(cache);
    }
}

static void the_global_average_is_that_of_each_channel(void **state)
{
    (void)state;
    const lam_pool_param global = { .global = 1 }, whole = { .window = { 4, 7 } };
    const lam_tensor x = make_tensor(LAM_F32, shape4(3, 5, 4, 7));
    lam_tensor out = make_tensor(LAM_F32, shape4(3, 5, 1, 1)), same = make_tensor(LAM_F32, shape4(3, 5, 1, 1));
    lam_shape shape;
    fill_normal(&x, 1, 0, 1);
    assert_ok(lam_pool_shape(&shape, &x.shape, &global));
    assert_true(lami_shape_equal(&shape, &out.shape));
    assert_ok(lam_avgpool_forward(NULL, &out, &x, &global));
    assert_ok(lam_avgpool_forward(NULL, &same, &x, &whole));
    assert_same_bits(&out, &same);
    for (size_t k = 0; k < 15; k++) {
        double sum = 0;
        for (size_t p = 0; p < 28; p++)
            sum += at(&x, k * 28 + p) / 28;
        assert_near(at(&out, k), sum, 1e-6);
    }
}

/* ---- numeric gradients ---- */

typedef struct {
    const image_function *f;
    image_call *i;
    lam_cache *cache;
} loss;

static double loss_at(const loss *l, const lam_tensor *t, size_t k, double v)
{
    put(t, k, v);
    assert_ok(l->f->forward((lam_cache **)&l->cache, l->i));
    return dot_of(l->i->t[OUT], l->i->t[DOUT]);
}

/* max |a - n| / max(max |a|, max |n|, g / 1000), g the largest gradient of the call; n a fourth-order difference. */
static void assert_numeric(const loss *l, const lam_tensor *t, const lam_tensor *dt, double g)
{
    double error = 0, size = g / 1000;
    const double h = 1e-4;
    for (size_t k = 0; k < count_of(t); k++) {
        const double v = at(t, k);
        const double near = loss_at(l, t, k, v + h) - loss_at(l, t, k, v - h);
        const double far = loss_at(l, t, k, v + 2 * h) - loss_at(l, t, k, v - 2 * h);
        const double n = (8 * near - far) / (12 * h);
        put(t, k, v);
        error = fmax(error, fabs(at(dt, k) - n));
        size = fmax(size, fmax(fabs(at(dt, k)), fabs(n)));
    }
    if (!(error < 1e-7 * size))
        fail_msg("%s: error %g", l->f->name, error / size);
}

static void gradients_are_the_numeric_ones(void **state)
{
    (void)state;
    static const int pairs[][2] = { { X, DX }, { W, DW }, { B, DB }, { GAMMA, DGAMMA }, { BETA, DBETA } };
    for (uint32_t stream = 0; stream < 4; stream++)
        for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
            image_call i = random_call(stream);
            make_call(&i, &image_functions[k], LAM_F64);
            loss l = { &image_functions[k], &i, NULL };
            double g = 0;
            assert_ok(l.f->forward(&l.cache, &i));
            assert_ok(l.f->backward(l.cache, &i));
            for (size_t p = 0; p < 5; p++)
                if (i.t[pairs[p][1]])
                    g = fmax(g, largest_of(i.t[pairs[p][1]]));
            for (size_t p = 0; p < 5; p++)
                if (i.t[pairs[p][1]])
                    assert_numeric(&l, i.t[pairs[p][0]], i.t[pairs[p][1]], g);
            lam_cache_free(l.cache);
            free_tensors(NULL);
        }
}

static void assert_near_in_float(const image_function *f, image_call sizes)
{
    image_call i[2] = { sizes, sizes };
    double g = 0;
    for (int d = 0; d < 2; d++) {
        lam_cache *cache = NULL;
        make_call(&i[d], f, d ? LAM_F64 : LAM_F32);
        assert_ok(f->forward(&cache, &i[d]));
        assert_ok(f->backward(cache, &i[d]));
        lam_cache_free(cache);
    }
    assert_close(i[0].t[OUT], i[1].t[OUT], 2e-5);
    for (int a = DX; a <= DBETA; a++)
        g = i[1].t[a] ? fmax(g, largest_of(i[1].t[a])) : g;
    for (int a = DX; a <= DBETA; a++)
        for (size_t e = 0; i[1].t[a] && e < count_of(i[1].t[a]); e++)
            assert_near(at(i[0].t[a], e), at(i[1].t[a], e), 2e-5 * g);
    free_tensors(NULL);
}

static void gradients_in_float_are_near_those_in_double(void **state)
{
    (void)state;
    for (uint32_t stream = 0; stream < RANDOM_CALLS; stream++)
        for (size_t k = 0; k < IMAGE_FUNCTIONS; k++)
            assert_near_in_float(&image_functions[k], random_call(stream));
}

/* In float these are transformed; with more padding than the window the data gradient cuts its image. */
static void convolutions_by_winograd_are_near_plain_ones_for_any_padding(void **state)
{
    (void)state;
    static const size_t pads[][2] = { { 0, 0 }, { 1, 1 }, { 2, 0 }, { 3, 2 }, { 1, 4 }, { 5, 5 } };
    for (size_t k = 0; k < sizeof pads / sizeof *pads; k++)
        assert_near_in_float(&image_functions[0], (image_call) { .n = 2,
                                                                 .c = 32,
                                                                 .h = 11,
                                                                 .w = 9,
                                                                 .filters = 16,
                                                                 .kernel = { 3, 3 },
                                                                 .conv = { .pad = { pads[k][0], pads[k][1] } } });
}

static void in_test_mode_batchnorm_takes_the_running_statistics(void **state)
{
    (void)state;
    const image_function *f = &image_functions[3];
    lam_cache *cache = NULL;
    image_call i = random_call(2);
    make_call(&i, f, LAM_F64);
    i.norm.mode = LAM_MODE_TEST;
    const lam_tensor mean = make_copy(i.t[MEAN]), var = make_copy(i.t[VAR]);
    assert_ok(f->forward(&cache, &i));
    assert_ok(f->backward(cache, &i));
    assert_same_bits(&mean, i.t[MEAN]);
    assert_same_bits(&var, i.t[VAR]);
    for (size_t k = 0; k < count_of(i.t[X]); k++) {
        const size_t c = k / (i.h * i.w) % i.c;
        const double slope = at(i.t[GAMMA], c) / sqrt(at(&var, c) + 1e-5);
        assert_near(at(i.t[OUT], k), (at(i.t[X], k) - at(&mean, c)) * slope + at(i.t[BETA], c), 1e-12);
        assert_near(at(i.t[DX], k), at(i.t[DOUT], k) * slope, 1e-12);
    }
    lam_cache_free(cache);
}

static void without_a_bias_it_is_a_bias_of_zeros(void **state)
{
    (void)state;
    image_call i = random_call(3);
    lam_cache *cache = NULL;
    make_call(&i, &image_functions[0], LAM_F32);
    fill_all(i.t[B], 0);
    assert_ok(conv_forward(&cache, &i));
    assert_ok(conv_backward(cache, &i));
    const lam_tensor out = make_copy(i.t[OUT]), dx = make_copy(i.t[DX]), dw = make_copy(i.t[DW]);
    i.t[B] = i.t[DB] = NULL;
    assert_ok(conv_forward(&cache, &i));
    assert_ok(conv_backward(cache, &i));
    assert_close(i.t[OUT], &out, 0); /* -0 + 0 is 0 */
    assert_same_bits(i.t[DX], &dx);
    assert_same_bits(i.t[DW], &dw);
    lam_cache_free(cache);
}

/* ---- the bits of networks ---- */

/* f as it is written in a network. */
static void notation_of(char text[NOTATION], const image_function *f, const image_call *i)
{
    static const char *const ties[] = { "first", "split", "all" };
    char conv[96], pool[96];
    int n = snprintf(conv, sizeof conv, "conv %zu %zux%zu stride %zux%zu", i->filters, i->kernel[0], i->kernel[1],
                     i->conv.stride[0], i->conv.stride[1]);
    if (!i->conv.same)
        snprintf(conv + n, sizeof conv - (size_t)n, " pad %zux%zu", i->conv.pad[0], i->conv.pad[1]);
    n = snprintf(pool, sizeof pool, "%s %zux%zu stride %zux%zu pad %zux%zu",
                 f->forward == avgpool_forward ? "avgpool" : "maxpool", i->pool.window[0], i->pool.window[1],
                 i->pool.stride[0], i->pool.stride[1], i->pool.pad[0], i->pool.pad[1]);
    if (f->forward != avgpool_forward)
        snprintf(pool + n, sizeof pool - (size_t)n, " ties %s", ties[i->pool.ties]);
    if (f->forward == groupnorm_forward)
        snprintf(text, NOTATION, "groupnorm %zu", i->groups);
    else if (f->forward == layernorm_forward || f->forward == batchnorm_forward)
        snprintf(text, NOTATION, "%s", f->name + strlen("spatial_"));
    else
        snprintf(text, NOTATION, "%s%s%s%s%s", has_arg(f, W) ? conv : "", has_arg(f, GAMMA) ? " - batchnorm" : "",
                 strstr(f->name, "relu") ? " - relu" : "", has_arg(f, W) && f->pools ? " - " : "",
                 f->pools ? pool : "");
}

/* One step of the network `conv C 1x1 nobias - f - flatten - mse`, whose first layer's gradient has dx of f in it,
 * against the functions in a row. */
typedef struct {
    const image_function *f;
    image_call *i;
    lam_tensor first, dfirst, input, target; /* weights of the first convolution, its gradient; what goes in; answers */
    double loss;
} step;

static void step_by_functions(step *s)
{
    static const lam_conv_param defaults;
    lam_cache *first = NULL, *cache = NULL;
    assert_ok(lam_conv_forward(&first, s->i->t[X], &s->input, &s->first, NULL, NULL));
    assert_ok(lam_conv_forward(NULL, s->i->t[X], &s->input, &s->first, NULL, &defaults));
    assert_ok(s->f->forward(&cache, s->i));
    assert_ok(lam_mse_loss(&s->loss, s->i->t[DOUT], s->i->t[OUT], &s->target));
    assert_ok(s->f->backward(cache, s->i));
    assert_ok(lam_conv_backward(NULL, &s->dfirst, NULL, s->i->t[DX], first));
    lam_cache_free(first);
    lam_cache_free(cache);
}

static void set_param(lam_net *net, const char *name, const lam_tensor *value)
{
    const lam_tensor flat = { value->dtype, lami_shape1(count_of(value)), value->data };
    assert_ok(lam_net_set(
        net, name, value->shape.rank == 4 && value->shape.dim[0] == 1 && !strstr(name, "weight") ? &flat : value));
}

static void assert_gradient_of(const lam_session *session, const char *name, const lam_tensor *wanted, int kernel)
{
    const lam_shape shape = kernel ? wanted->shape : lami_shape1(count_of(wanted));
    lam_tensor got = make_tensor(wanted->dtype, shape);
    assert_ok(lam_session_grad(session, name, &got));
    assert_same_bits(&got, wanted);
}

static void assert_as_in_a_network(step *s, const char *threads)
{
    char layers[NOTATION], text[2 * NOTATION], name[64];
    const image_call *i = s->i;
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = NULL;
    double got = 0;
    const lam_shape input = lami_shape3(s->input.shape.dim[1], i->h, i->w);
    notation_of(layers, s->f, i);
    snprintf(text, sizeof text, "conv %zu 1x1 nobias - %s - flatten - mse", i->c, layers);
    assert_ok(lam_options_new(&options));
    assert_ok(lam_options_set(options, "dtype", s->input.dtype == LAM_F32 ? "f32" : "f64"));
    assert_ok(lam_options_set(options, "threads", threads));
    assert_ok(lam_options_set_real(options, "batch", (double)i->n));
    if (lam_net_new(&net, text, &input, options))
        fail_msg("%s: %s", text, lam_last_error());
    set_param(net, "conv1.weight", &s->first);
    if (i->t[W]) {
        set_param(net, "conv2.weight", i->t[W]);
        set_param(net, "conv2.bias", i->t[B]);
    }
    const char *norm = s->f->forward == groupnorm_forward   ? "groupnorm"
                       : s->f->forward == layernorm_forward ? "layernorm"
                                                            : "batchnorm";
    if (i->t[GAMMA]) {
        snprintf(name, sizeof name, "%s1.gamma", norm);
        set_param(net, name, i->t[GAMMA]);
        snprintf(name, sizeof name, "%s1.beta", norm);
        set_param(net, name, i->t[BETA]);
    }
    assert_ok(lam_session_new(&session, net, options));
    assert_ok(lam_session_forward(&got, session, &s->input, &s->target));
    assert_true(got == s->loss);
    assert_ok(lam_session_backward(session));
    assert_gradient_of(session, "conv1.weight", &s->dfirst, 1);
    if (i->t[W]) {
        assert_gradient_of(session, "conv2.weight", i->t[DW], 1);
        assert_gradient_of(session, "conv2.bias", i->t[DB], 0);
    }
    if (i->t[GAMMA]) {
        snprintf(name, sizeof name, "%s1.gamma", norm);
        assert_gradient_of(session, name, i->t[DGAMMA], 0);
        snprintf(name, sizeof name, "%s1.beta", norm);
        assert_gradient_of(session, name, i->t[DBETA], 0);
    }
    if (i->t[MEAN]) {
        lam_tensor running = make_vector(s->input.dtype, count_of(i->t[MEAN]));
        assert_ok(lam_session_step(session));
        assert_ok(lam_net_get(net, "batchnorm1.running_mean", &running));
        assert_same_bits(&running, i->t[MEAN]);
        assert_ok(lam_net_get(net, "batchnorm1.running_var", &running));
        assert_same_bits(&running, i->t[VAR]);
    }
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
}

static void compare_with_networks(image_call sizes, lam_dtype type)
{
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        image_call i = sizes;
        make_call(&i, &image_functions[k], type);
        const size_t each = lam_shape_count(&i.shape) / i.n;
        step s = { .f = &image_functions[k],
                   .i = &i,
                   .first = make_tensor(type, shape4(i.c, 3, 1, 1)),
                   .dfirst = make_tensor(type, shape4(i.c, 3, 1, 1)),
                   .input = make_tensor(type, shape4(i.n, 3, i.h, i.w)),
                   .target = make_rows(type, i.n, each) };
        if (i.t[MEAN]) { /* as networks begin */
            fill_all(i.t[MEAN], 0);
            fill_all(i.t[VAR], 1);
        }
        fill_normal(&s.first, 20, 0, 1);
        fill_normal(&s.input, 21, 0, 1);
        fill_normal(&s.target, 22, 0, 1);
        step_by_functions(&s);
        assert_as_in_a_network(&s, "1");
        assert_as_in_a_network(&s, "2");
        assert_as_in_a_network(&s, "7");
        free_tensors(NULL);
    }
}

static void the_bits_are_those_of_the_layers_in_a_network(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (uint32_t stream = 0; stream < 8; stream++)
        compare_with_networks(random_call(stream), type);
}

static void the_bits_are_those_of_a_network_where_winograd_pays(void **state)
{
    (void)state;
    compare_with_networks((image_call) { .n = 5,
                                         .c = 32,
                                         .h = 12,
                                         .w = 9,
                                         .filters = 48,
                                         .kernel = { 3, 3 },
                                         .groups = 4,
                                         .conv = { .stride = { 1, 1 }, .same = 1 },
                                         .pool = { .window = { 2, 2 }, .stride = { 2, 2 } },
                                         .norm = { LAM_MODE_TRAIN, 1e-5, 0.9 },
                                         .eps = 1e-5 },
                          LAM_F32);
}

static void dropout_of_an_image_has_the_mask_of_a_network(void **state)
{
    (void)state;
    const lam_dropout_param param = { LAM_MODE_TRAIN, 0.4, 11, 0 }, off = { LAM_MODE_TEST, 0.4, 11, 0 };
    lam_cache *cache = NULL, *second = NULL;
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = NULL;
    double wanted, got = 0;
    const lam_tensor x = make_tensor(LAM_F32, shape4(3, 4, 5, 2)), w = make_tensor(LAM_F32, shape4(6, 4, 1, 1));
    const lam_tensor target = make_rows(LAM_F32, 3, 60);
    lam_tensor out = make_tensor(LAM_F32, x.shape), y = make_tensor(LAM_F32, shape4(3, 6, 5, 2));
    lam_tensor dy = make_tensor(LAM_F32, y.shape), dw = make_tensor(LAM_F32, w.shape), dx = make_copy(&x);
    fill_normal(&x, 1, 0, 1);
    fill_normal(&w, 2, 0, 1);
    assert_ok(lam_dropout_forward(&cache, &out, &x, &param));
    assert_ok(lam_conv_forward(&second, &y, &out, &w, NULL, NULL));
    assert_ok(lam_mse_loss(&wanted, &dy, &y, &target));
    assert_ok(lam_conv_backward(NULL, &dw, NULL, &dy, second));
    assert_ok(lam_options_new(&options));
    assert_ok(lam_options_set(options, "seed", "11"));
    assert_ok(
        lam_net_new(&net, "dropout 0.4 - conv 6 1x1 nobias - flatten - mse", &(lam_shape) { 3, { 4, 5, 2 } }, options));
    assert_ok(lam_net_set(net, "conv1.weight", &w));
    assert_ok(lam_session_new(&session, net, options));
    assert_ok(lam_session_forward(&got, session, &x, &target));
    assert_true(got == wanted);
    assert_ok(lam_session_backward(session));
    assert_gradient_of(session, "conv1.weight", &dw, 1);

    assert_ok(lam_dropout_backward(&dx, &x, cache)); /* the mask again, here on x */
    assert_same_bits(&dx, &out);
    assert_ok(lam_dropout_forward(&cache, &dx, &dx, &param)); /* in place */
    assert_ok(lam_dropout_backward(&dx, &dx, cache));
    for (size_t k = 0; k < count_of(&x); k++)
        assert_near(at(&dx, k), at(&out, k) / 0.6 / 0.6, 1e-5);
    assert_ok(lam_dropout_forward(&cache, &out, &x, &off));
    assert_same_bits(&out, &x);
    lam_cache_free(cache);
    lam_cache_free(second);
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(conv_gives_the_values_of_the_course),
        TEST(maxpool_gives_the_values_of_the_course),
        TEST(batchnorm_normalises_channels_and_groupnorm_samples),
        TEST(each_function_is_its_formula_on_random_shapes),
        TEST(backward_of_conv_and_pools_is_its_formula),
        TEST(equal_maxima_share_the_gradient_as_asked),
        TEST(the_global_average_is_that_of_each_channel),
        TEST(gradients_are_the_numeric_ones),
        TEST(gradients_in_float_are_near_those_in_double),
        TEST(convolutions_by_winograd_are_near_plain_ones_for_any_padding),
        TEST(in_test_mode_batchnorm_takes_the_running_statistics),
        TEST(without_a_bias_it_is_a_bias_of_zeros),
        TEST(the_bits_are_those_of_the_layers_in_a_network),
        TEST(the_bits_are_those_of_a_network_where_winograd_pays),
        TEST(dropout_of_an_image_has_the_mask_of_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
