"""The course's layers and losses. Each forward function returns (out, cache); the matching backward function takes
(dout, cache) and returns the gradients."""
import numpy as np

from .._binding import MODE_TRAIN, TIES_FIRST, lib
from .._layers import (AFFINE, BATCHNORM, CONV, LAYERNORM, MAXPOOL, RELU, SPATIAL_BATCHNORM, SPATIAL_GROUPNORM, Cache,
                       dropout_mask, loss_of, running_statistics)
from . import _params
from ._params import conv_mark as _conv_mark, norm_mark as _norm_mark

__all__ = [
    "affine_forward", "affine_backward", "relu_forward", "relu_backward", "batchnorm_forward", "batchnorm_backward",
    "batchnorm_backward_alt", "layernorm_forward", "layernorm_backward", "dropout_forward", "dropout_backward",
    "conv_forward_naive", "conv_backward_naive", "max_pool_forward_naive", "max_pool_backward_naive",
    "spatial_batchnorm_forward", "spatial_batchnorm_backward", "spatial_groupnorm_forward",
    "spatial_groupnorm_backward", "svm_loss", "softmax_loss", "np",
]


def _frame(cache, again):
    """The library's part of a cache; made again for a plain tuple."""
    try:
        return cache.frame
    except AttributeError:
        return again(cache)


def affine_forward(x, w, b):
    """out = x w + b. x (N, d1, ..., dk), taken as (N, D); w (D, M); b (M). Returns out (N, M) and cache (x, w, b)."""
    out, frame = AFFINE.forward((x, w, b))
    cache = Cache((x, w, b))
    cache.frame = frame
    return out, cache


def affine_backward(dout, cache):
    """Returns dx, of the shape of x, dw and db."""
    return tuple(AFFINE.backward(dout, _frame(cache, lambda c: AFFINE.forward(c)[1])))


def relu_forward(x):
    """out = max(x, 0). Returns out and a cache of x."""
    out, frame = RELU.forward((x,))
    cache = Cache((x,))
    cache.frame = frame
    return out, cache


def relu_backward(dout, cache):
    """Returns dx: dout where x > 0, else 0. The cache may be x itself."""
    x = cache if isinstance(cache, np.ndarray) else None
    return RELU.backward(dout, _frame(cache, lambda c: RELU.forward(c if x is None else (x,))[1]))[0]


def _batchnorm_forward(layer, x, gamma, beta, bn_param, columns):
    mark = _norm_mark(bn_param)
    mean, var = running_statistics(bn_param.get("running_mean"), bn_param.get("running_var"), x, columns,
                                   mark[0] == MODE_TRAIN)
    out, frame = layer.forward((x, gamma, beta, mean, var), mark)
    bn_param["running_mean"], bn_param["running_var"] = mean, var
    cache = Cache((x, gamma, beta, mean, var, mark))
    cache.frame = frame
    return out, cache


def _norm_frame(layer):
    def again(cache):
        x, gamma, beta, mean, var, mark = cache
        return layer.forward((x, gamma, beta, *running_statistics(mean, var, x, 0, True)), mark)[1]
    return again


def batchnorm_forward(x, gamma, beta, bn_param):
    """Batch normalisation of the columns of x (N, D). gamma, beta (D).

    bn_param: mode ("train" or "test"; required), eps (1e-5), momentum (0.9), running_mean, running_var (D). The running
    ones, zeros where there are none, are stored back; in training they are new arrays:
    running = momentum * running + (1 - momentum) * batch."""
    x = x if isinstance(x, np.ndarray) else np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"x has the shape {x.shape}; (N, D) is needed")
    return _batchnorm_forward(BATCHNORM, x, gamma, beta, bn_param, x.shape[1])


def batchnorm_backward(dout, cache):
    """Returns dx (N, D), dgamma and dbeta (D)."""
    return tuple(BATCHNORM.backward(dout, _frame(cache, _norm_frame(BATCHNORM))))


def batchnorm_backward_alt(dout, cache):
    """The same function as batchnorm_backward: the library has one, which is the simplified form."""
    return batchnorm_backward(dout, cache)


def layernorm_forward(x, gamma, beta, ln_param):
    """Normalisation of each row of x (N, D). gamma, beta (D). ln_param: eps (1e-5)."""
    _params.check(ln_param, _params.NORM, "ln_param")
    mark = (ln_param.get("eps", 1e-5),)
    out, frame = LAYERNORM.forward((x, gamma, beta), mark)
    cache = Cache((x, gamma, beta, mark))
    cache.frame = frame
    return out, cache


def layernorm_backward(dout, cache):
    """Returns dx (N, D), dgamma and dbeta (D)."""
    return tuple(LAYERNORM.backward(dout, _frame(cache, lambda c: LAYERNORM.forward(c[:3], c[3])[1])))


def dropout_forward(x, dropout_param):
    """Inverted dropout. x: any shape.

    dropout_param: mode ("train" or "test"), p (the probability of keeping; see lamina.cs231n.dropout_p), seed (without
    one, it is drawn from NumPy's generator). Returns out and cache (dropout_param, mask); out = x * mask. In test mode out
    is x and mask None."""
    _params.check(dropout_param, _params.DROPOUT, "dropout_param")
    p, mode = dropout_param["p"], dropout_param["mode"]
    if mode == "test":
        return x, (dropout_param, None)
    if mode != "train":
        raise ValueError('Invalid forward dropout mode "%s"' % mode)
    mask = dropout_mask(x, _params.drop_rate(p), _params.seed_of(dropout_param))
    return x * mask, (dropout_param, mask)


def dropout_backward(dout, cache):
    """Returns dx = dout * mask; dout in test mode."""
    mask = cache[1]
    return dout if mask is None else dout * mask


def conv_forward_naive(x, w, b, conv_param):
    """Convolution. x (N, C, H, W), w (F, C, HH, WW), b (F). conv_param: stride, pad; each a number, or a pair (height,
    width). Returns out (N, F, H', W'), H' = 1 + (H + 2 pad - HH) // stride, and cache (x, w, b, conv_param)."""
    out, frame = CONV.forward((x, w, b), _conv_mark(conv_param))
    cache = Cache((x, w, b, conv_param))
    cache.frame = frame
    return out, cache


def conv_backward_naive(dout, cache):
    """Returns dx, dw and db."""
    return tuple(CONV.backward(dout, _frame(cache, lambda c: CONV.forward(c[:3], _conv_mark(c[3]))[1])))


def _pool_mark(pool_param, ties):
    _params.check(pool_param, _params.POOL, "pool_param")
    return pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"], ties


def _max_pool_forward(x, pool_param, ties):
    out, frame = MAXPOOL.forward((x,), _pool_mark(pool_param, ties))
    cache = Cache((x, pool_param))
    cache.frame = frame
    return out, cache


def max_pool_forward_naive(x, pool_param):
    """Max-pooling. x (N, C, H, W). pool_param: pool_height, pool_width, stride. Returns out (N, C, H', W'),
    H' = 1 + (H - pool_height) // stride, and cache (x, pool_param)."""
    return _max_pool_forward(x, pool_param, TIES_FIRST)


def max_pool_backward_naive(dout, cache):
    """Returns dx. Of equal maxima the first in row-major order gets the gradient."""
    again = lambda c: MAXPOOL.forward(c[:1], _pool_mark(c[1], TIES_FIRST))[1]
    return MAXPOOL.backward(dout, _frame(cache, again))[0]


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Batch normalisation of each channel of x (N, C, H, W) over samples and pixels. gamma, beta (C). bn_param as
    batchnorm_forward has it."""
    x = x if isinstance(x, np.ndarray) else np.asarray(x)
    if x.ndim != 4:
        raise ValueError(f"x has the shape {x.shape}; (N, C, H, W) is needed")
    return _batchnorm_forward(SPATIAL_BATCHNORM, x, gamma, beta, bn_param, x.shape[1])


def spatial_batchnorm_backward(dout, cache):
    """Returns dx (N, C, H, W), dgamma and dbeta (C)."""
    return tuple(SPATIAL_BATCHNORM.backward(dout, _frame(cache, _norm_frame(SPATIAL_BATCHNORM))))


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Normalisation of G groups of channels of each sample of x (N, C, H, W). gamma, beta: C numbers, (1, C, 1, 1) or
    (C). gn_param: eps (1e-5)."""
    _params.check(gn_param, _params.NORM, "gn_param")
    mark = (G, gn_param.get("eps", 1e-5))
    out, frame = SPATIAL_GROUPNORM.forward((x, gamma, beta), mark)
    cache = Cache((x, gamma, beta, mark))
    cache.frame = frame
    return out, cache


def spatial_groupnorm_backward(dout, cache):
    """Returns dx (N, C, H, W), dgamma and dbeta of gamma's shape."""
    again = lambda c: SPATIAL_GROUPNORM.forward(c[:3], c[3])[1]
    return tuple(SPATIAL_GROUPNORM.backward(dout, _frame(cache, again)))


def svm_loss(x, y):
    """Multiclass hinge, margin 1, mean over the batch. x (N, C) scores, y (N) labels. Returns loss and dx."""
    return loss_of(lib.lam_svm_loss, "svm_loss", x, y)


def softmax_loss(x, y):
    """Cross-entropy of softmax, mean over the batch. x (N, C) scores, y (N) labels. Returns loss and dx."""
    return loss_of(lib.lam_softmax_loss, "softmax_loss", x, y)
