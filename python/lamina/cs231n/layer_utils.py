"""The course's sandwich layers: each is one function of the library, and gives the bits of its layers one after
another. Their caches have what is needed by the backward function and nothing to unpack."""
from .._binding import MODE_TRAIN
from .._layers import (AFFINE_BATCHNORM_RELU, AFFINE_RELU, CONV_BATCHNORM_RELU, CONV_RELU, CONV_RELU_POOL, Cache,
                       conv_shape, running_statistics)
from ._params import conv_mark as _conv_mark, norm_mark as _norm_mark
from .fast_layers import *  # noqa: F403
from .fast_layers import _fast_ties
from .layers import *  # noqa: F403
from .layers import _pool_mark


def _cached(out_and_frame):
    out, frame = out_and_frame
    cache = Cache()
    cache.frame = frame
    return out, cache


def _frame(cache):
    try:
        return cache.frame
    except AttributeError:
        raise TypeError("cache is not one that a forward function returned") from None


def affine_relu_forward(x, w, b):
    """affine, relu."""
    return _cached(AFFINE_RELU.forward((x, w, b)))


def affine_relu_backward(dout, cache):
    """Returns dx, dw and db."""
    return tuple(AFFINE_RELU.backward(dout, _frame(cache)))


def _with_statistics(layer, arrays, mark, bn_param, norm, columns):
    mean, var = running_statistics(bn_param.get("running_mean"), bn_param.get("running_var"), arrays[0], columns,
                                   norm[0] == MODE_TRAIN)
    result = layer.forward((*arrays, mean, var), mark)
    bn_param["running_mean"], bn_param["running_var"] = mean, var
    return _cached(result)


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    """affine, batch normalisation, relu."""
    norm = _norm_mark(bn_param)
    return _with_statistics(AFFINE_BATCHNORM_RELU, (x, w, b, gamma, beta), norm, bn_param, norm, w.shape[-1])


def affine_bn_relu_backward(dout, cache):
    """Returns dx, dw, db, dgamma and dbeta."""
    return tuple(AFFINE_BATCHNORM_RELU.backward(dout, _frame(cache)))


def conv_relu_forward(x, w, b, conv_param):
    """conv, relu."""
    return _cached(CONV_RELU.forward((x, w, b), _conv_mark(conv_param)))


def conv_relu_backward(dout, cache):
    """Returns dx, dw and db."""
    return tuple(CONV_RELU.backward(dout, _frame(cache)))


def conv_bn_relu_forward(x, w, b, gamma, beta, conv_param, bn_param):
    """conv, spatial batch normalisation, relu."""
    norm = _norm_mark(bn_param)
    return _with_statistics(CONV_BATCHNORM_RELU, (x, w, b, gamma, beta), (_conv_mark(conv_param), norm), bn_param, norm,
                            w.shape[0])


def conv_bn_relu_backward(dout, cache):
    """Returns dx, dw, db, dgamma and dbeta."""
    return tuple(CONV_BATCHNORM_RELU.backward(dout, _frame(cache)))


def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
    """conv, relu, max-pool."""
    conv = _conv_mark(conv_param)
    pool = _pool_mark(pool_param, _fast_ties(conv_shape(x.shape, w.shape, *conv), pool_param))
    return _cached(CONV_RELU_POOL.forward((x, w, b), (conv, pool)))


def conv_relu_pool_backward(dout, cache):
    """Returns dx, dw and db."""
    return tuple(CONV_RELU_POOL.backward(dout, _frame(cache)))
