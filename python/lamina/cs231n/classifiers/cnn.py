"""A convolutional network of three layers."""
import numpy as np

from ..._binding import TIES_FIRST as _TIES_FIRST, TIES_SPLIT as _TIES_SPLIT
from ..._descriptions import described as _described, three_layer_conv as _description
from ..._networks import three_layer_conv as _three_layer_conv
from ..layer_utils import *  # noqa: F403  the notebooks take the layers from here
from ..layers import *  # noqa: F403
from .fc_net import _normal


def _ties(X):
    """Equal maxima share the gradient where the windows cover the image."""
    return _TIES_SPLIT if X.shape[2] % 2 == 0 and X.shape[3] % 2 == 0 else _TIES_FIRST


class ThreeLayerConvNet(object):
    """conv - relu - 2x2 max-pool - affine - relu - affine - softmax; the convolution keeps the size of the image.

    input_dim (C, H, W); params: W1 (F, C, K, K), b1, W2, b2, W3, b3 of type dtype; weights are normal with deviation
    weight_scale, biases 0. The loss has reg / 2 of the sum of squares of the weights."""

    def __init__(self, input_dim=(3, 32, 32), num_filters=32, filter_size=7, hidden_dim=100, num_classes=10,
                 weight_scale=1e-3, reg=0.0, dtype=np.float32):
        C, H, W = input_dim
        self.reg = reg
        self.dtype = dtype
        params = {"W1": _normal(weight_scale, num_filters, C, filter_size, filter_size), "b1": np.zeros(num_filters),
                  "W2": _normal(weight_scale, num_filters * (H // 2) * (W // 2), hidden_dim), "b2": np.zeros(hidden_dim),
                  "W3": _normal(weight_scale, hidden_dim, num_classes), "b3": np.zeros(num_classes)}
        self.params = {k: v.astype(dtype) for k, v in params.items()}

    @_described(lambda self, X: _description(self.params, X, self.reg, _ties(X)))
    def loss(self, X, y=None):
        """X (N, C, H, W), y (N) labels. Returns scores where y is None, else loss and grads."""
        return _three_layer_conv(self.params, X, y, self.reg, _ties(X))
