/* Layers on images by themselves: refused arguments, caches, failed allocations. Values: test_image_functions.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "image_calls.h"

/* Sizes that all functions take. */
static image_call sizes(size_t n, size_t c, size_t h, size_t w)
{
    return (image_call) { .n = n,
                          .c = c,
                          .h = h,
                          .w = w,
                          .filters = 5,
                          .kernel = { 3, 2 },
                          .groups = 2,
                          .conv = { .stride = { 1, 2 }, .pad = { 1, 0 } },
                          .pool = { .window = { 2, 2 }, .stride = { 1, 2 } },
                          .norm = { LAM_MODE_TRAIN, 1e-5, 0.9 },
                          .eps = 1e-5 };
}

static lam_status round_trip(lam_cache **cache, const image_function *f, const image_call *i)
{
    const lam_status status = f->forward(cache, i);
    return status ? status : f->backward(*cache, i);
}

static void assert_message(lam_status status, lam_status expected, const char *message)
{
    assert_int_equal(status, expected);
    assert_string_equal(lam_last_error(), message);
}

/* ---- tensors ---- */

/* A forward and a backward pass with argument `arg` spoiled, in the pass that it belongs to. */
static void assert_refused(const image_function *f, const image_call *i, int arg, const lam_tensor *bad,
                           lam_status expected)
{
    lam_cache *cache = NULL;
    image_call call = *i;
    char name[64];
    snprintf(name, sizeof name, "%s: %s", f->name, arg_name[arg]);
    lam_status status = f->forward(&cache, &call);
    assert_ok(status);
    call.t[arg] = (lam_tensor *)bad;
    status = is_gradient(arg) || arg == DOUT ? f->backward(cache, &call) : f->forward(&cache, &call);
    if (status != expected || strncmp(lam_last_error(), name, strlen(name)) || strchr(lam_last_error(), '\n'))
        fail_msg("%s, bad %s: %s: \"%s\"", f->name, arg_name[arg], lam_status_text(status), lam_last_error());
    call.t[arg] = i->t[arg];
    assert_ok(round_trip(&cache, f, &call)); /* the cache is as good as before */
    lam_cache_free(cache);
}

typedef void (*spoil)(const image_function *f, const image_call *i, int arg);

/* Every argument of every function, on a call of which it can be spoiled. */
static void each_argument(spoil check)
{
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        image_call i = sizes(3, 4, 6, 7);
        make_call(&i, &image_functions[k], LAM_F32);
        for (int arg = 0; arg < ARGS; arg++)
            if (i.t[arg])
                check(&image_functions[k], &i, arg);
    }
}

static void spoil_null(const image_function *f, const image_call *i, int arg)
{
    lam_tensor empty = i->tensor[arg];
    empty.data = NULL;
    assert_refused(f, i, arg, &empty, LAM_EINVAL);
    if (!is_gradient(arg) && arg != B)
        assert_refused(f, i, arg, NULL, LAM_EINVAL);
}

static void an_argument_that_is_null_is_named(void **state)
{
    (void)state;
    each_argument(spoil_null);
}

static void spoil_type(const image_function *f, const image_call *i, int arg)
{
    lam_tensor other = i->tensor[arg];
    other.dtype = arg == X ? LAM_I32 : LAM_F64;
    assert_refused(f, i, arg, &other, LAM_EINVAL);
}

static void an_argument_of_another_type_is_named(void **state)
{
    (void)state;
    each_argument(spoil_type);
}

static void spoil_shape(const image_function *f, const image_call *i, int arg)
{
    const lam_shape good = i->tensor[arg].shape;
    lam_tensor bad = i->tensor[arg];
    bad.shape.rank = -1;
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
    bad.shape.rank = LAM_MAX_RANK + 1;
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
    bad.shape = good;
    bad.shape.dim[good.rank - 1] = 0;
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
    bad.shape = shape4(SIZE_MAX / 2, SIZE_MAX / 2, 2, 1);
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
    if (arg == X) /* then another one does not fit */
        return;
    bad.shape = good;
    bad.shape.dim[1 % good.rank]++;
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
}

static void an_argument_of_another_shape_is_named(void **state)
{
    (void)state;
    each_argument(spoil_shape);
}

static void spoil_rank(const image_function *f, const image_call *i, int arg)
{
    lam_tensor bad = i->tensor[arg];
    const lam_shape good = bad.shape;
    const int is_vector = good.rank == 1 || (good.dim[0] == 1 && good.dim[2] == 1);
    if (is_vector)
        return;
    bad.shape = lami_shape2(good.dim[0], lam_shape_count(&good) / good.dim[0]); /* as many elements */
    assert_refused(f, i, arg, &bad, LAM_ESHAPE);
    bad.shape = (lam_shape) { 4, { good.dim[1], good.dim[0], good.dim[2], good.dim[3] } };
    if (arg != X)
        assert_refused(f, i, arg, &bad, LAM_ESHAPE);
}

static void images_and_filters_have_the_shape_of_images_and_filters(void **state)
{
    (void)state;
    each_argument(spoil_rank);
}

static void messages_say_what_is_needed(void **state)
{
    (void)state;
    image_call i = sizes(3, 4, 6, 7);
    make_call(&i, &image_functions[0], LAM_F32);
    lam_tensor bad = i.tensor[OUT];
    bad.shape.dim[3] = 4;
    assert_message(lam_conv_forward(NULL, &bad, i.t[X], i.t[W], i.t[B], &i.conv), LAM_ESHAPE,
                   "conv: out is 3x5x6x4, 3x5x6x3 is needed");
    bad = i.tensor[X];
    bad.shape = lami_shape2(3, 168);
    assert_message(lam_conv_forward(NULL, i.t[OUT], &bad, i.t[W], i.t[B], &i.conv), LAM_ESHAPE,
                   "conv: x is 3x168; (N, C, H, W) is needed");
    bad = i.tensor[W];
    bad.shape.dim[1] = 3;
    assert_message(lam_conv_relu_forward(NULL, i.t[OUT], i.t[X], &bad, i.t[B], &i.conv), LAM_ESHAPE,
                   "conv_relu: w is 5x3x3x2; (F, 4, KH, KW) is needed");
    bad = i.tensor[B];
    bad.shape.dim[0] = 1;
    bad.shape.rank = 1;
    assert_message(lam_conv_forward(NULL, i.t[OUT], i.t[X], i.t[W], &bad, &i.conv), LAM_ESHAPE,
                   "conv: b is 1, 5 elements are needed");
}

/* ---- parameters ---- */

static lam_status conv_with(lam_conv_param param, size_t kh, size_t kw)
{
    lam_shape out;
    return lam_conv_shape(&out, &(lam_shape) { 4, { 2, 3, 8, 9 } }, &(lam_shape) { 4, { 5, 3, kh, kw } }, &param);
}

static void convolutions_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_message(conv_with((lam_conv_param) { 0 }, 9, 3), LAM_ESHAPE,
                   "conv: a window 9 high is larger than the image of 8 and its padding of 0");
    assert_message(conv_with((lam_conv_param) { .pad = { 0, 1 } }, 3, 12), LAM_ESHAPE,
                   "conv: a window 12 wide is larger than the image of 9 and its padding of 2");
    assert_message(conv_with((lam_conv_param) { .stride = { 2 } }, 3, 3), LAM_EINVAL,
                   "conv: stride is 2x0; each is a number from 1 to 65536");
    assert_message(conv_with((lam_conv_param) { .stride = { 65537, 1 } }, 3, 3), LAM_EINVAL,
                   "conv: stride is 65537x1; each is a number from 1 to 65536");
    assert_message(conv_with((lam_conv_param) { .pad = { 1, 65537 } }, 3, 3), LAM_EINVAL,
                   "conv: pad is 1x65537; each is a number from 0 to 65536");
    assert_message(conv_with((lam_conv_param) { .pad = { 1, 0 }, .same = 1 }, 3, 3), LAM_EINVAL,
                   "conv: pad is 1x0, and same says otherwise");
    assert_message(conv_with((lam_conv_param) { 0 }, 0, 3), LAM_ESHAPE, "conv: w: shape 5x3x0x3 has a size of 0");
    assert_ok(conv_with((lam_conv_param) { .stride = { 65536, 1 }, .pad = { 65536, 0 } }, 3, 3));
}

static lam_status pool_with(lam_pool_param param)
{
    lam_shape out;
    return lam_pool_shape(&out, &(lam_shape) { 4, { 2, 3, 8, 9 } }, &param);
}

static void pools_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_message(pool_with((lam_pool_param) { .window = { 9, 2 } }), LAM_ESHAPE,
                   "avgpool: a window 9 high is larger than the image of 8 and its padding of 0");
    assert_message(pool_with((lam_pool_param) { 0 }), LAM_EINVAL,
                   "avgpool: window is 0x0; each is a number from 1 to 65536");
    assert_message(pool_with((lam_pool_param) { .window = { 2, 0 } }), LAM_EINVAL,
                   "avgpool: window is 2x0; each is a number from 1 to 65536");
    assert_message(pool_with((lam_pool_param) { .window = { 2, 2 }, .stride = { 0, 2 } }), LAM_EINVAL,
                   "avgpool: stride is 0x2; each is a number from 1 to 65536");
    assert_message(pool_with((lam_pool_param) { .window = { 2, 3 }, .pad = { 1, 3 } }), LAM_ESHAPE,
                   "avgpool: a padding of 3 is not smaller than the window of 3");
    assert_message(pool_with((lam_pool_param) { .window = { 2, 2 }, .ties = (lam_ties)3 }), LAM_EINVAL,
                   "avgpool: ties are neither first nor split nor all");
    assert_message(pool_with((lam_pool_param) { .window = { 8, 9 }, .global = 1 }), LAM_EINVAL,
                   "avgpool: window is 8x9, and global says otherwise");
    assert_message(pool_with((lam_pool_param) { .stride = { 1, 1 }, .global = 1 }), LAM_ESHAPE,
                   "avgpool: the global one takes neither stride nor pad");
    const lam_tensor x = make_tensor(LAM_F32, shape4(1, 1, 2, 2));
    lam_tensor out = make_tensor(LAM_F32, shape4(1, 1, 1, 1));
    assert_message(lam_maxpool_forward(NULL, &out, &x, &(lam_pool_param) { .global = 1 }), LAM_EINVAL,
                   "maxpool: global is for avgpool");
    assert_message(lam_maxpool_forward(NULL, &out, &x, NULL), LAM_EINVAL, "maxpool: param is NULL");
    assert_message(lam_avgpool_forward(NULL, &out, &x, NULL), LAM_EINVAL, "avgpool: param is NULL");
}

static void norms_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    image_call i = sizes(3, 4, 6, 7);
    make_call(&i, &image_functions[4], LAM_F32);
    i.groups = 3;
    assert_message(groupnorm_forward(NULL, &i), LAM_ESHAPE, "groupnorm: 4 channels are not 3 groups of the same size");
    i.groups = 0;
    assert_message(groupnorm_forward(NULL, &i), LAM_ESHAPE, "groupnorm: 4 channels are not 0 groups of the same size");
    i.groups = 2;
    i.eps = NAN;
    assert_message(groupnorm_forward(NULL, &i), LAM_EINVAL, "groupnorm: eps is a number from 0 to 1");
    assert_message(layernorm_forward(NULL, &i), LAM_EINVAL, "layernorm: eps is a number from 0 to 1");
    make_call(&i, &image_functions[3], LAM_F32);
    assert_message(lam_spatial_batchnorm_forward(NULL, i.t[OUT], i.t[X], i.t[GAMMA], i.t[BETA], i.t[MEAN], i.t[VAR],
                                                 NULL),
                   LAM_EINVAL, "batchnorm: param is NULL");
    i.norm.mode = (lam_mode)2;
    assert_message(batchnorm_forward(NULL, &i), LAM_EINVAL, "batchnorm: the mode is neither train nor test");
    i.norm = (lam_batchnorm_param) { LAM_MODE_TRAIN, 2, 0.9 };
    assert_message(batchnorm_forward(NULL, &i), LAM_EINVAL, "batchnorm: eps and momentum are numbers from 0 to 1");
}

static void shapes_want_shapes(void **state)
{
    (void)state;
    const lam_shape x = shape4(2, 3, 8, 9), w = shape4(5, 3, 3, 3), row = lami_shape2(2, 3);
    const lam_pool_param pool = { .window = { 2, 2 } };
    lam_shape out;
    assert_message(lam_conv_shape(NULL, &x, &w, NULL), LAM_EINVAL, "conv: out is NULL");
    assert_message(lam_conv_shape(&out, NULL, &w, NULL), LAM_EINVAL, "conv: x is NULL");
    assert_message(lam_conv_shape(&out, &x, NULL, NULL), LAM_EINVAL, "conv: w is NULL");
    assert_message(lam_conv_shape(&out, &row, &w, NULL), LAM_ESHAPE, "conv: x is 2x3; (N, C, H, W) is needed");
    assert_message(lam_pool_shape(NULL, &x, &pool), LAM_EINVAL, "pool: out is NULL");
    assert_message(lam_pool_shape(&out, NULL, &pool), LAM_EINVAL, "pool: x is NULL");
    assert_message(lam_pool_shape(&out, &x, NULL), LAM_EINVAL, "avgpool: param is NULL");
    assert_ok(lam_conv_shape(&out, &x, &w, NULL));
    assert_true(lami_shape_equal(&out, &(lam_shape) { 4, { 2, 5, 6, 7 } }));
    assert_ok(lam_conv_shape(&out, &x, &(lam_shape) { 4, { 5, 3, 4, 2 } },
                             &(lam_conv_param) { .stride = { 3, 2 }, .same = 1 }));
    assert_true(lami_shape_equal(&out, &(lam_shape) { 4, { 2, 5, 3, 5 } }));
    assert_ok(lam_pool_shape(&out, &x, &pool));
    assert_true(lami_shape_equal(&out, &(lam_shape) { 4, { 2, 3, 4, 4 } }));
}

static void a_gradient_of_a_bias_that_is_not_there_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        const image_function *f = &image_functions[k];
        lam_cache *cache = NULL;
        char message[96];
        image_call i = sizes(3, 4, 6, 7);
        make_call(&i, f, LAM_F32);
        if (!i.t[B])
            continue;
        i.t[B] = NULL;
        assert_ok(f->forward(&cache, &i));
        snprintf(message, sizeof message, "%s: db is wanted, and the forward pass had no b", f->name);
        assert_message(f->backward(cache, &i), LAM_EINVAL, message);
        i.t[DB] = NULL;
        assert_ok(f->backward(cache, &i));
        lam_cache_free(cache);
    }
}

static void an_output_larger_than_memory_can_be_is_refused(void **state)
{
    (void)state;
    lam_shape out;
    const lam_shape x = shape4((size_t)1 << 30, 1, 2, 2), w = shape4((size_t)1 << 20, 1, 1, 1);
    assert_int_equal(lam_conv_shape(&out, &x, &w, &(lam_conv_param) { .pad = { 65536, 65536 } }), LAM_ESHAPE);
    assert_non_null(strstr(lam_last_error(), "conv: out: "));
}

/* ---- caches ---- */

static void assert_same_results(const image_call *a, const image_call *b)
{
    for (int k = 0; k < ARGS; k++)
        if (a->t[k])
            assert_same_bits(a->t[k], b->t[k]);
}

static void a_cache_of_another_function_or_none_is_refused(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    image_call i = sizes(3, 4, 6, 7);
    make_call(&i, &image_functions[6], LAM_F32);
    assert_ok(conv_relu_forward(&cache, &i));
    assert_message(conv_forward(&cache, &i), LAM_EINVAL, "conv: the cache is one of conv_relu");
    assert_message(conv_backward(cache, &i), LAM_EINVAL, "conv: the cache is one of conv_relu");
    assert_message(conv_relu_backward(NULL, &i), LAM_EINVAL, "conv_relu: a cache of the forward pass is needed");
    assert_ok(conv_relu_backward(cache, &i));
    lam_cache_free(cache);
}

static void a_cache_used_again_allocates_nothing_while_the_batch_does_not_grow(void **state)
{
    (void)state;
    static const size_t batches[] = { 9, 9, 2, 1, 8, 9 };
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        const image_function *f = &image_functions[k];
        lam_cache *cache = NULL;
        image_call i = sizes(9, 4, 6, 7);
        make_call(&i, f, LAM_F32);
        assert_ok(round_trip(&cache, f, &i));
        for (int a = DX; a <= DBETA; a++)
            i.t[a] = NULL; /* memory for gradients that are not wanted */
        assert_ok(f->backward(cache, &i));
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            image_call other = sizes(batches[b], 4, 6, 7);
            make_call(&other, f, LAM_F32);
            const long before = lami_alloc_count();
            assert_ok(round_trip(&cache, f, &other));
            for (int a = DX; a <= DBETA; a++)
                other.t[a] = NULL;
            assert_ok(f->backward(cache, &other));
            assert_int_equal(lami_alloc_count(), before);
        }
        lam_cache_free(cache);
    }
}

static void results_do_not_depend_on_what_the_cache_was_used_for(void **state)
{
    (void)state;
    static const size_t shapes[][4] = { { 4, 4, 6, 7 }, { 2, 4, 6, 7 }, { 20, 4, 6, 7 }, { 20, 4, 7, 6 },
                                        { 1, 2, 3, 4 }, { 3, 6, 4, 4 }, { 3, 6, 4, 4 } };
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        lam_cache *cache = NULL;
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const lam_dtype type = s + 1 < sizeof shapes / sizeof *shapes ? LAM_F64 : LAM_F32;
            lam_cache *fresh = NULL;
            image_call used = sizes(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3]), other = used;
            make_call(&used, &image_functions[k], type);
            make_call(&other, &image_functions[k], type);
            assert_ok(round_trip(&cache, &image_functions[k], &used));
            assert_ok(round_trip(&fresh, &image_functions[k], &other));
            assert_same_results(&used, &other);
            lam_cache_free(fresh);
            free_tensors(NULL);
        }
        lam_cache_free(cache);
    }
}

static void parameters_are_part_of_what_a_cache_is_for(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    image_call i = sizes(3, 4, 6, 7);
    make_call(&i, &image_functions[1], LAM_F32);
    fill_all(i.t[X], 1);
    fill_all(i.t[DOUT], 1);
    assert_ok(round_trip(&cache, &image_functions[1], &i));
    const lam_tensor first = make_copy(i.t[DX]);
    i.pool.ties = LAM_TIES_ALL;
    assert_ok(round_trip(&cache, &image_functions[1], &i));
    assert_memory_not_equal(first.data, i.t[DX]->data, count_of(&first) * sizeof(float));
    i.pool.stride[0] = 2; /* another shape of out */
    assert_int_equal(maxpool_forward(&cache, &i), LAM_ESHAPE);
    lam_cache_free(cache);
}

static void backward_may_be_called_again_and_with_some_gradients_only(void **state)
{
    (void)state;
    EACH_TYPE(type)
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        const image_function *f = &image_functions[k];
        lam_cache *cache = NULL;
        image_call i = sizes(3, 4, 6, 7);
        make_call(&i, f, type);
        assert_ok(round_trip(&cache, f, &i));
        for (int a = DX; a <= DBETA; a++) {
            image_call only = i;
            if (!i.t[a])
                continue;
            for (int b = DX; b <= DBETA; b++)
                only.t[b] = NULL;
            lam_tensor again = make_tensor(type, i.tensor[a].shape);
            only.t[a] = &again;
            assert_ok(f->backward(cache, &only));
            assert_same_bits(&again, i.t[a]);
        }
        lam_cache_free(cache);
    }
}

static void the_output_is_the_same_without_a_cache(void **state)
{
    (void)state;
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        lam_cache *cache = NULL;
        image_call i = sizes(3, 4, 6, 7);
        make_call(&i, &image_functions[k], LAM_F32);
        assert_ok(image_functions[k].forward(&cache, &i));
        const lam_tensor out = make_copy(i.t[OUT]);
        fill_all(i.t[OUT], 0);
        assert_ok(image_functions[k].forward(NULL, &i));
        assert_same_bits(&out, i.t[OUT]);
        lam_cache_free(cache);
    }
}

/* ---- failed allocations ---- */

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (size_t k = 0; k < IMAGE_FUNCTIONS; k++) {
        lam_status status = LAM_ENOMEM;
        long n = 1;
        image_call i = sizes(3, 4, 6, 7);
        make_call(&i, &image_functions[k], LAM_F32);
        i.t[DX] = NULL; /* one more */
        for (; status; n++) {
            lam_cache *cache = NULL;
            lami_alloc_fail_at(n);
            status = round_trip(&cache, &image_functions[k], &i);
            lami_alloc_fail_at(0);
            assert_true(status == LAM_OK || status == LAM_ENOMEM);
            assert_true(n < 1000);
            if (status)
                assert_non_null(strstr(lam_last_error(), "out of memory"));
            lam_cache_free(cache);
        }
        assert_true(n > 10);
    }
}

static void a_cache_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    const image_function *f = &image_functions[7];
    lam_cache *cache = NULL;
    image_call i = sizes(3, 4, 6, 7), large = sizes(9, 4, 6, 7);
    make_call(&i, f, LAM_F32);
    make_call(&large, f, LAM_F32);
    assert_ok(round_trip(&cache, f, &i));
    const lam_tensor dw = make_copy(i.t[DW]);
    lam_cache *const before = cache;
    lami_alloc_fail_at(4);
    assert_int_equal(f->forward(&cache, &large), LAM_ENOMEM);
    lami_alloc_fail_at(0);
    assert_ptr_equal(cache, before);
    fill_all(i.t[DW], 0);
    assert_ok(f->backward(cache, &i));
    assert_same_bits(&dw, i.t[DW]);
    lam_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_argument_that_is_null_is_named),
        TEST(an_argument_of_another_type_is_named),
        TEST(an_argument_of_another_shape_is_named),
        TEST(images_and_filters_have_the_shape_of_images_and_filters),
        TEST(messages_say_what_is_needed),
        TEST(convolutions_that_do_not_fit_are_refused),
        TEST(pools_that_do_not_fit_are_refused),
        TEST(norms_that_do_not_fit_are_refused),
        TEST(shapes_want_shapes),
        TEST(a_gradient_of_a_bias_that_is_not_there_is_refused),
        TEST(an_output_larger_than_memory_can_be_is_refused),
        TEST(a_cache_of_another_function_or_none_is_refused),
        TEST(a_cache_used_again_allocates_nothing_while_the_batch_does_not_grow),
        TEST(results_do_not_depend_on_what_the_cache_was_used_for),
        TEST(parameters_are_part_of_what_a_cache_is_for),
        TEST(backward_may_be_called_again_and_with_some_gradients_only),
        TEST(the_output_is_the_same_without_a_cache),
        TEST(every_failed_allocation_is_reported),
        TEST(a_cache_that_cannot_grow_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
