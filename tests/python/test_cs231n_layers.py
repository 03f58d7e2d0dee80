"""lamina.cs231n, its layers: the notebooks' checks, NumPy, aliasing, caches."""
import copy
import pickle

import numpy as np
import pytest
import course_numbers as numbers
from course_numbers import POOL_2, line, rel_error

import lamina.cs231n
from lamina.cs231n.classifiers.cnn import *  # noqa: F403  as the notebooks do
from lamina.cs231n.classifiers.fc_net import *  # noqa: F403
from lamina.cs231n.fast_layers import *  # noqa: F403
from lamina.cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from lamina.cs231n.layer_utils import *  # noqa: F403
from lamina.cs231n.layers import *  # noqa: F403

BN, CONV_1 = {"mode": "train"}, {"stride": 1, "pad": 1}


@pytest.mark.parametrize("forward, arguments, expected", [
    (affine_forward, numbers.AFFINE, numbers.AFFINE_OUT), (relu_forward, numbers.RELU, numbers.RELU_OUT),
    (conv_forward_naive, numbers.CONV, numbers.CONV_OUT), (conv_forward_fast, numbers.CONV, numbers.CONV_OUT),
    (conv_forward_im2col, numbers.CONV, numbers.CONV_OUT), (conv_forward_strides, numbers.CONV, numbers.CONV_OUT),
    (max_pool_forward_naive, numbers.POOL, numbers.POOL_OUT), (max_pool_forward_fast, numbers.POOL, numbers.POOL_OUT),
    (max_pool_forward_reshape, numbers.POOL, numbers.POOL_OUT), (max_pool_forward_im2col, numbers.POOL, numbers.POOL_OUT),
])
def test_forward_gives_the_notebooks_values(forward, arguments, expected):
    assert rel_error(forward(*arguments)[0], np.array(expected)) < 5e-8


# forward, backward, shapes of the arrays, the other arguments, what the notebooks ask of the errors
LAYERS = [
    (affine_forward, affine_backward, [(10, 2, 3), (6, 5), (5,)], (), 1e-9),
    (relu_forward, relu_backward, [(10, 10)], (), 1e-11),
    (affine_relu_forward, affine_relu_backward, [(2, 3, 4), (12, 10), (10,)], (), 1e-9),
    (affine_bn_relu_forward, affine_bn_relu_backward, [(6, 4), (4, 5), (5,), (5,), (5,)], (BN,), 1e-6),
    (batchnorm_forward, batchnorm_backward, [(4, 5), (5,), (5,)], (BN,), 1e-8),
    (batchnorm_forward, batchnorm_backward_alt, [(4, 5), (5,), (5,)], (BN,), 1e-8),
    (batchnorm_forward, batchnorm_backward, [(4, 5), (5,), (5,)], ({"mode": "test"},), 1e-8),
    (layernorm_forward, layernorm_backward, [(4, 5), (5,), (5,)], ({},), 1e-8),
    (dropout_forward, dropout_backward, [(10, 10)], ({"mode": "train", "p": 0.2, "seed": 123},), 1e-10),
    (dropout_forward, dropout_backward, [(10, 10)], ({"mode": "test", "p": 0.2},), 1e-10),
    (conv_forward_naive, conv_backward_naive, [(4, 3, 5, 5), (2, 3, 3, 3), (2,)], (CONV_1,), 1e-7),
    (conv_forward_fast, conv_backward_fast, [(2, 3, 6, 8), (2, 3, 3, 4), (2,)], ({"stride": 2, "pad": 1},), 1e-7),
    (max_pool_forward_naive, max_pool_backward_naive, [(3, 2, 8, 8)], (POOL_2,), 1e-10),
    (max_pool_forward_fast, max_pool_backward_fast, [(3, 2, 8, 8)], (POOL_2,), 1e-10),
    (max_pool_forward_fast, max_pool_backward_fast, [(3, 2, 7, 9)],
     ({"pool_height": 3, "pool_width": 3, "stride": 2},), 1e-10),
    (conv_relu_forward, conv_relu_backward, [(2, 2, 5, 5), (3, 2, 3, 3), (3,)], (CONV_1,), 1e-7),
    (conv_relu_pool_forward, conv_relu_pool_backward, [(2, 2, 6, 6), (3, 2, 3, 3), (3,)], (CONV_1, POOL_2), 1e-7),
    (conv_bn_relu_forward, conv_bn_relu_backward, [(2, 3, 6, 6), (3, 3, 3, 3), (3,), (3,), (3,)], (CONV_1, BN), 1e-5),
    (spatial_batchnorm_forward, spatial_batchnorm_backward, [(2, 3, 4, 5), (3,), (3,)], (BN,), 1e-6),
    (spatial_groupnorm_forward, spatial_groupnorm_backward, [(2, 6, 4, 5), (1, 6, 1, 1), (1, 6, 1, 1)], (2, {}), 1e-6),
]
NAMES = [f"{forward.__name__}-{backward.__name__}-{i}" for i, (forward, backward, *_) in enumerate(LAYERS)]


def some(shapes, dtype=np.float64):
    rng = np.random.RandomState(231)
    return [rng.randn(*s).astype(dtype) for s in shapes]


def fresh(extras):
    """The other arguments: dictionaries that the call may change."""
    return [dict(e) if isinstance(e, dict) else e for e in extras]


def gradients(backward, dout, cache):
    result = backward(dout, cache)
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("forward, backward, shapes, extras, limit", LAYERS, ids=NAMES)
def test_gradients_are_the_numeric_ones(forward, backward, shapes, extras, limit):
    arrays = some(shapes)
    out, cache = forward(*arrays, *fresh(extras))
    dout = np.random.RandomState(1).randn(*out.shape)
    analytic = gradients(backward, dout, cache)
    assert len(analytic) == len(arrays)
    for a, g in zip(arrays, analytic):
        # f reads the arrays by other names than its argument, and they are changed in place
        numeric = eval_numerical_gradient_array(lambda _: forward(*arrays, *fresh(extras))[0], a, dout)
        near = np.abs(numeric - g).max() < 1e-10 * np.abs(dout).max() * out.size  # a bias before batch norm: both are 0
        assert g.shape == a.shape and (rel_error(numeric, g) < limit or near), (rel_error(numeric, g), a.shape)


@pytest.mark.parametrize("forward, backward, shapes, extras, limit", LAYERS, ids=NAMES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_types_stay_and_arguments_are_not_changed(forward, backward, shapes, extras, limit, dtype):
    arrays = some(shapes, dtype)
    before = [a.copy() for a in arrays]
    out, cache = forward(*arrays, *fresh(extras))
    dout = np.ones_like(out)
    result = gradients(backward, dout, cache)
    assert out.dtype == dtype and all(g.dtype == dtype for g in result)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before)) and (dout == 1).all()


@pytest.mark.parametrize("forward, backward, shapes, extras, limit", LAYERS, ids=NAMES)
def test_backward_may_be_called_again_and_late(forward, backward, shapes, extras, limit):
    """Neither other passes nor other arrays in between change the result, nor dropping what forward returned."""
    arrays = some(shapes)
    out, cache = forward(*arrays, *fresh(extras))
    dout = np.random.RandomState(1).randn(*out.shape)
    first = gradients(backward, dout, cache)
    del out
    for _ in range(20):
        other = forward(*[a + 1 for a in arrays], *fresh(extras))
        gradients(backward, dout, other[1])
        [np.full(s, np.nan) for s in shapes]
    again = gradients(backward, dout, cache)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    temporary = forward(*[a + 0 for a in arrays], *fresh(extras))[1]  # nobody else holds these arrays
    [np.full(s, np.nan) for s in shapes for _ in range(5)]
    assert all(np.array_equal(a, b) for a, b in zip(first, gradients(backward, dout, temporary)))


OTHER_LAYOUTS = [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a.astype(a.dtype.newbyteorder()),
                 lambda a: (a.setflags(write=False), a)[1], lambda a: a.view(np.ndarray)]


@pytest.mark.parametrize("layout", OTHER_LAYOUTS)
@pytest.mark.parametrize("forward, backward, shapes, extras, limit", LAYERS, ids=NAMES)
def test_other_layouts_give_the_same_bits(forward, backward, shapes, extras, limit, layout):
    arrays = some(shapes)
    out, cache = forward(*arrays, *fresh(extras))
    dout = np.random.RandomState(1).randn(*out.shape)
    other_out, other_cache = forward(*[layout(a.copy()) for a in arrays], *fresh(extras))
    assert np.array_equal(out, other_out)
    for a, b in zip(gradients(backward, dout, cache), gradients(backward, layout(dout.copy()), other_cache)):
        assert np.array_equal(a, b)


def test_mixed_types_compute_as_numpy_does():
    x, w, b = np.arange(6).reshape(2, 3), np.ones((3, 2), "f4"), np.zeros(2, "f4")
    assert affine_forward(x, w, b)[0].dtype == np.float64  # int64 with float32
    assert affine_forward(x.astype("u1"), w, b)[0].dtype == np.float32
    assert affine_forward(x.astype("f4"), w, b.astype("f8"))[0].dtype == np.float64
    assert np.array_equal(affine_forward(x, w, b)[0], x @ w)
    images = np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4)  # integer images, an integer bias
    out = conv_forward_naive(images, np.ones((2, 3, 3, 3)), np.array([0, 128]), CONV_1)[0]
    assert out.dtype == np.float64 and np.array_equal(out, numbers.conv(images, np.ones((2, 3, 3, 3)), [0, 128], 1, 1))
    out, _ = spatial_batchnorm_forward(np.random.randn(2, 3, 4, 5), np.array([3, 4, 5]), np.array([6, 7, 8]), {"mode": "train"})
    assert np.allclose(out.mean((0, 2, 3)), [6, 7, 8])


# ---- against NumPy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5), (4, 1)])
@pytest.mark.parametrize("stride, pad", [(1, 0), (1, 1), (2, 1), (3, 2)])
def test_convolutions_of_any_filters(size, stride, pad):
    x, w, b = some([(3, 2, 9, 11), (4, 2, *size), (4,)])
    expected = numbers.conv(x, w, b, stride, pad)
    out, cache = conv_forward_naive(x, w, b, {"stride": stride, "pad": pad})
    assert np.allclose(out, expected, atol=1e-12)
    if (9 + 2 * pad - size[0]) % stride == 0 and (11 + 2 * pad - size[1]) % stride == 0:
        columns = im2col_indices(x, *size, padding=pad, stride=stride)
        by_columns = (w.reshape(4, -1) @ columns + b[:, None]).reshape(4, *out.shape[2:], 3).transpose(3, 0, 1, 2)
        assert np.allclose(by_columns, expected, atol=1e-12)
        dout = np.random.randn(*out.shape)
        dcolumns = w.reshape(4, -1).T @ dout.transpose(1, 2, 3, 0).reshape(4, -1)
        dx = col2im_indices(dcolumns, x.shape, *size, padding=pad, stride=stride)
        assert np.allclose(conv_backward_naive(dout, cache)[0], dx, atol=1e-12)


def test_strides_that_do_not_divide():
    x, w, b = some([(1, 1, 6, 6), (1, 1, 3, 3), (1,)])
    assert conv_forward_naive(x, w, b, {"stride": 2, "pad": 0})[0].shape == (1, 1, 2, 2)
    with pytest.raises(AssertionError, match="width does not work"):
        conv_forward_im2col(x, w, b, {"stride": 2, "pad": 0})
    with pytest.raises(AssertionError, match="Invalid height"):
        max_pool_forward_fast(x, {"pool_height": 3, "pool_width": 3, "stride": 2})
    with pytest.raises(AssertionError, match="Invalid pool params"):
        max_pool_forward_reshape(x, {"pool_height": 3, "pool_width": 2, "stride": 2})


@pytest.mark.parametrize("height, width, stride", [(2, 2, 2), (3, 2, 1), (1, 4, 3)])
def test_pools_of_any_windows(height, width, stride):
    (x,) = some([(2, 3, 7, 10)])
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    assert np.array_equal(max_pool_forward_naive(x, param)[0], numbers.pool(x, height, width, stride))


def test_equal_maxima_of_a_pool():
    x, dout = np.ones((1, 1, 2, 2)), np.full((1, 1, 1, 1), 8.0)
    first, shared = [[8, 0], [0, 0]], [[2, 2], [2, 2]]
    assert max_pool_backward_naive(dout, max_pool_forward_naive(x, POOL_2)[1]).tolist() == [[first]]
    assert max_pool_backward_fast(dout, max_pool_forward_fast(x, POOL_2)[1]).tolist() == [[shared]]
    odd = {"pool_height": 2, "pool_width": 2, "stride": 1}
    assert max_pool_backward_fast(dout, max_pool_forward_fast(x, odd)[1]).tolist() == [[first]]


@pytest.mark.parametrize("fast, naive, arrays, param", [
    ("conv", "conv", [(100, 3, 31, 31), (25, 3, 3, 3), (25,)], {"stride": 2, "pad": 1}),
    ("max_pool", "max_pool", [(100, 3, 32, 32)], POOL_2)])
def test_fast_layers_equal_the_naive_ones(fast, naive, arrays, param):
    arrays, functions = some(arrays), globals()
    out, cache = functions[f"{naive}_forward_naive"](*arrays, param)
    other, other_cache = functions[f"{fast}_forward_fast"](*arrays, param)
    assert np.array_equal(out, other)
    dout = np.random.randn(*out.shape)
    for a, b in zip(gradients(functions[f"{naive}_backward_naive"], dout, cache),
                    gradients(functions[f"{fast}_backward_fast"], dout, other_cache)):
        assert np.array_equal(a, b)


# ---- norms --------------------------------------------------------------------------------------------------------------


def activations(n, rng):
    """What comes out of a network of two layers."""
    return np.maximum(0, rng.randn(n, 50) @ rng.randn(50, 60)) @ rng.randn(60, 3)


@pytest.mark.parametrize("gamma, beta", [((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), ((1.0, 2.0, 3.0), (11.0, 12.0, 13.0))])
def test_means_and_deviations_after_batch_norm(gamma, beta):
    a = activations(200, np.random.RandomState(231))
    out, _ = batchnorm_forward(a, np.array(gamma), np.array(beta), {"mode": "train"})
    assert np.allclose(out.mean(0), beta, atol=1e-12) and np.allclose(out.std(0), gamma, rtol=1e-6)
    out, _ = layernorm_forward(a[:4], np.full(3, 3.0), np.full(3, 5.0), {"mode": "train"})
    assert np.allclose(out.mean(1), 5, atol=1e-12) and np.allclose(out.std(1), 3, rtol=1e-6)


def test_running_statistics_serve_test_mode():
    rng, bn_param = np.random.RandomState(231), {"mode": "train"}
    w1, w2, gamma, beta = rng.randn(50, 60), rng.randn(60, 3), np.ones(3), np.zeros(3)
    mean = var = 0
    for _ in range(50):
        a = np.maximum(0, rng.randn(200, 50) @ w1) @ w2
        batchnorm_forward(a, gamma, beta, bn_param)
        mean, var = 0.9 * mean + 0.1 * a.mean(0), 0.9 * var + 0.1 * a.var(0)
    assert np.allclose(bn_param["running_mean"], mean) and np.allclose(bn_param["running_var"], var)
    bn_param["mode"] = "test"
    kept = bn_param["running_mean"].copy()
    a = np.maximum(0, rng.randn(200, 50) @ w1) @ w2
    out, _ = batchnorm_forward(a, gamma, beta, bn_param)
    assert np.allclose(out, (a - mean) / np.sqrt(var + 1e-5)) and np.array_equal(bn_param["running_mean"], kept)
    assert np.abs(out.mean(0)).max() < 0.2 and np.abs(out.std(0) - 1).max() < 0.1


def test_running_statistics_are_new_arrays_and_begin_at_zero():
    x, bn_param = np.random.randn(5, 3).astype("f4"), {"mode": "train", "momentum": 0.5}
    batchnorm_forward(x, np.ones(3, "f4"), np.zeros(3, "f4"), bn_param)
    first = bn_param["running_mean"]
    assert first.dtype == np.float32 and np.allclose(first, 0.5 * x.mean(0), atol=1e-6)
    kept = first.copy()
    batchnorm_forward(x, np.ones(3, "f4"), np.zeros(3, "f4"), bn_param)
    assert np.array_equal(first, kept) and bn_param["running_mean"] is not first


def test_norms_of_images():
    x = 4 * np.random.RandomState(231).randn(2, 6, 4, 5) + 10
    out, _ = spatial_batchnorm_forward(x, np.ones(6), np.zeros(6), {"mode": "train"})
    assert np.allclose(out, numbers.normalised(x, (0, 2, 3)))
    for shape in ((1, 6, 1, 1), (6,)):
        out, cache = spatial_groupnorm_forward(x, np.ones(shape), np.zeros(shape), 2, {"mode": "train"})
        assert np.allclose(out, numbers.normalised(x.reshape(4, -1), 1).reshape(x.shape))
        assert [g.shape for g in spatial_groupnorm_backward(out, cache)] == [x.shape, shape, shape]


# ---- dropout ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def drop():
    lamina.cs231n.dropout_p = "drop"
    yield
    lamina.cs231n.dropout_p = "keep"


@pytest.mark.parametrize("p", [0.25, 0.4, 0.7])
def test_dropout_keeps_with_probability_p(p):
    x = np.random.RandomState(231).randn(500, 500) + 10
    out, (param, mask) = dropout_forward(x, {"mode": "train", "p": p})
    assert abs(out.mean() - 10) < 0.1 and abs((out == 0).mean() - (1 - p)) < 0.01
    assert np.allclose(mask[mask > 0], 1 / p) and np.array_equal(out, x * mask)
    out, cache = dropout_forward(x, {"mode": "test", "p": p})
    assert out is x and cache[1] is None and dropout_backward(x, cache) is x


def test_dropout_of_older_code_drops_with_probability_p(drop):
    out, _ = dropout_forward(np.ones((500, 500)), {"mode": "train", "p": 0.25})
    assert abs((out == 0).mean() - 0.25) < 0.01


def test_dropout_is_the_networks():
    """The mask is that of the library's dropout, on images in the networks' order, too."""
    net = FullyConnectedNet([40], input_dim=8, num_classes=3, dropout=0.5, seed=7, dtype=np.float64)
    X, y = np.random.randn(6, 8), np.array([0, 1, 2, 0, 1, 2])
    h = affine_relu_forward(X, net.params["W1"], net.params["b1"])[0]
    _, (_, mask) = dropout_forward(h, {"mode": "train", "p": 0.5, "seed": 7})
    scores = (h * mask) @ net.params["W2"] + net.params["b2"]
    assert abs(net.loss(X, y)[0] - numbers.softmax(scores, y)[0]) < 1e-12


def test_a_seed_gives_one_mask_and_touches_no_other_generator():
    x = np.ones((30, 30))
    masks = [dropout_forward(x, {"mode": "train", "p": 0.5, "seed": s})[1][1] for s in (1, 1, 2)]
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[0], masks[2])
    np.random.seed(5)
    drawn = np.random.rand()
    np.random.seed(5)
    dropout_forward(x, {"mode": "train", "p": 0.5, "seed": 1})
    assert np.random.rand() == drawn
    masks = []
    for _ in range(2):  # without a seed, NumPy's generator decides
        np.random.seed(5)
        masks += [dropout_forward(x, {"mode": "train", "p": 0.5})[1][1] for _ in range(2)]
    assert np.array_equal(masks[0], masks[2]) and not np.array_equal(masks[0], masks[1])


# ---- caches -------------------------------------------------------------------------------------------------------------


def test_caches_hold_what_the_courses_hold():
    x, w, b = some([(2, 3), (3, 4), (4,)])
    assert all(a is b_ for a, b_ in zip(affine_forward(x, w, b)[1], (x, w, b)))
    images, filters, biases = some([(1, 2, 4, 4), (3, 2, 3, 3), (3,)])
    a, f, c, param = conv_forward_naive(images, filters, biases, CONV_1)[1]
    assert a is images and f is filters and c is biases and param is CONV_1
    a, param = max_pool_forward_naive(images, POOL_2)[1]
    assert a is images and param is POOL_2
    dropout_param = {"mode": "train", "p": 0.5}
    assert dropout_forward(x, dropout_param)[1][0] is dropout_param


def test_what_changes_in_x_and_weights_before_backward_counts():
    x, w, b = some([(2, 3), (3, 4), (4,)])
    dout = np.ones((2, 4))
    _, cache = affine_forward(x, w, b)
    x *= 2
    w *= 3
    dx, dw, _ = affine_backward(dout, cache)
    assert np.allclose(dx, dout @ w.T) and np.allclose(dw, x.T @ dout)
    turned = np.asfortranarray(x)  # read through a copy, which follows
    _, cache = affine_forward(turned, w, b)
    turned *= 2
    assert np.allclose(affine_backward(dout, cache)[1], turned.T @ dout)
    out, cache = relu_forward(x)
    x *= -1
    out[...] = 1  # out is the caller's own
    assert np.array_equal(relu_backward(np.ones_like(x), cache), (x > 0).astype(float))


COPIES = [lambda c: tuple(c), copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("forward, backward, arguments", [
    (affine_forward, affine_backward, [(2, 3), (3, 4), (4,)]), (relu_forward, relu_backward, [(2, 3)]),
    (conv_forward_fast, conv_backward_fast, [(1, 2, 4, 4), (3, 2, 3, 3), (3,), CONV_1]),
    (max_pool_forward_naive, max_pool_backward_naive, [(1, 2, 4, 4), POOL_2]),
    (max_pool_forward_fast, max_pool_backward_fast, [(1, 2, 4, 4), POOL_2]),
    (dropout_forward, dropout_backward, [(2, 3), {"mode": "train", "p": 0.5}]),
    (batchnorm_forward, batchnorm_backward, [(4, 3), (3,), (3,), {"mode": "train"}]),
    (layernorm_forward, layernorm_backward, [(4, 3), (3,), (3,), {}]),
    (spatial_groupnorm_forward, spatial_groupnorm_backward, [(2, 4, 3, 3), (4,), (4,), 2, {}])])
def test_a_copy_of_a_cache_serves_too(forward, backward, arguments, copied):
    shapes = [a for a in arguments if isinstance(a, tuple)]
    out, cache = forward(*some(shapes), *[a for a in arguments if not isinstance(a, tuple)])
    other = copied(cache)
    assert type(other) is tuple
    for a, b in zip(gradients(backward, out, cache), gradients(backward, out, other)):
        assert np.array_equal(a, b)


def test_relu_takes_x_for_its_cache():
    x = np.array([[-1.0, 0.0, 2.0]])
    assert relu_backward(np.ones_like(x), x).tolist() == [[0, 0, 1]]


def test_a_cache_of_another_layer_is_refused():
    x = np.ones((2, 2))
    for cache in (relu_forward(x)[1], affine_relu_forward(x, x, np.ones(2))[1]):
        with pytest.raises(ValueError, match="affine: cache is one of"):
            affine_backward(x, cache)
    with pytest.raises(TypeError, match="cache"):
        affine_relu_backward(x, (1, 2))


# ---- losses -------------------------------------------------------------------------------------------------------------


def test_losses_of_small_scores():
    rng = np.random.RandomState(231)
    x, y = 0.001 * rng.randn(50, 10), rng.randint(10, size=50)
    for loss_of, about in ((svm_loss, 9), (softmax_loss, np.log(10))):
        loss, dx = loss_of(x, y)
        assert abs(loss - about) < 1e-2
        assert rel_error(eval_numerical_gradient(lambda x: loss_of(x, y)[0], x, verbose=False), dx) < 1e-6
    assert np.allclose(softmax_loss(x, y)[0], numbers.softmax(x, y)[0]) and np.allclose(softmax_loss(x, y)[1], numbers.softmax(x, y)[1])


@pytest.mark.parametrize("dtype", ["u1", "i1", "i4", "u4", "i8", "u8"])
def test_labels_of_any_integers(dtype):
    x = np.random.randn(3, 4)
    assert softmax_loss(x, np.array([3, 0, 2], dtype))[0] == softmax_loss(x, np.array([3, 0, 2]))[0]
