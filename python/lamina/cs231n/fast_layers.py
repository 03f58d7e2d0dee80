"""The course's fast layers. All convolutions are the library's; nothing has to be compiled."""
from .._binding import TIES_FIRST, TIES_SPLIT
from .._layers import MAXPOOL
from .im2col import *  # noqa: F403  the course's module has these names, too
from .layers import _frame, _max_pool_forward, _pool_mark, conv_backward_naive, conv_forward_naive


def conv_forward_im2col(x, w, b, conv_param):
    """conv_forward_naive for a stride that divides."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    assert (x.shape[3] + 2 * pad - w.shape[3]) % stride == 0, "width does not work"
    assert (x.shape[2] + 2 * pad - w.shape[2]) % stride == 0, "height does not work"
    return conv_forward_naive(x, w, b, conv_param)


conv_forward_strides = conv_forward_naive
conv_backward_strides = conv_backward_naive
conv_backward_im2col = conv_backward_naive
conv_forward_fast = conv_forward_strides
conv_backward_fast = conv_backward_strides


def _tiles(shape, pool_param):
    """Are the windows squares that tile the image?"""
    size = pool_param["pool_height"]
    return (size == pool_param["pool_width"] == pool_param["stride"] and shape[2] % size == 0
            and shape[3] % size == 0)


def _fast_ties(shape, pool_param):
    """How the fast layers treat equal maxima: squares that tile the image share the gradient, else the first has it."""
    return TIES_SPLIT if _tiles(shape, pool_param) else TIES_FIRST


def max_pool_forward_fast(x, pool_param):
    """max_pool_forward_naive; where square windows tile the image, equal maxima share the gradient."""
    if _tiles(x.shape, pool_param):
        return max_pool_forward_reshape(x, pool_param)
    return max_pool_forward_im2col(x, pool_param)


def max_pool_backward_fast(dout, cache):
    """Returns dx."""
    again = lambda c: MAXPOOL.forward(c[:1], _pool_mark(c[1], _fast_ties(c[0].shape, c[1])))[1]
    return MAXPOOL.backward(dout, _frame(cache, again))[0]


def max_pool_forward_reshape(x, pool_param):
    """For square windows that tile the image: equal maxima share the gradient."""
    size = pool_param["pool_height"]
    assert size == pool_param["pool_width"] == pool_param["stride"], "Invalid pool params"
    assert x.shape[2] % size == 0
    assert x.shape[3] % size == 0
    return _max_pool_forward(x, pool_param, TIES_SPLIT)


max_pool_backward_reshape = max_pool_backward_fast


def max_pool_forward_im2col(x, pool_param):
    """For a stride that divides: the first of equal maxima has the gradient."""
    assert (x.shape[2] - pool_param["pool_height"]) % pool_param["stride"] == 0, "Invalid height"
    assert (x.shape[3] - pool_param["pool_width"]) % pool_param["stride"] == 0, "Invalid width"
    return _max_pool_forward(x, pool_param, TIES_FIRST)


max_pool_backward_im2col = max_pool_backward_fast
