"""Assignment 3's fully_connected_networks.py: layers as classes with forward and backward, networks, update rules."""
from .._descriptions import described, fully_connected as _description
from .._layers import AFFINE, AFFINE_RELU, RELU, cache_of, dropout_mask
from .._networks import fully_connected
from ..cs231n import _params
from ._model import Model
from ._tensors import FLOAT, all_like, array, arrays, draw_seed, like
from .a3_helper import softmax_loss, svm_loss  # noqa: F401  the course's module has them, and the rules, too
from .optim import adam, rmsprop, sgd, sgd_momentum  # noqa: F401
from .solver import Solver


def _frame(cache):
    try:
        return cache.frame
    except AttributeError:
        raise TypeError("cache is not one that forward returned") from None


class Linear(object):
    """out = x w + b. x (N, d1, ..., dk), taken as (N, D); w (D, M); b (M)."""

    @staticmethod
    def forward(x, w, b):
        """Returns out (N, M) and cache (x, w, b)."""
        out, frame = AFFINE.forward(arrays(x=x, w=w, b=b))
        return like(x, out), cache_of((x, w, b), frame)

    @staticmethod
    def backward(dout, cache):
        """Returns dx, dw and db."""
        frame = cache.frame if hasattr(cache, "frame") else Linear.forward(*cache)[1].frame
        return all_like(dout, AFFINE.backward(array(dout, "dout"), frame))


class ReLU(object):
    """out = max(x, 0)."""

    @staticmethod
    def forward(x):
        """Returns out and a cache of x."""
        out, frame = RELU.forward((array(x, "x"),))
        return like(x, out), cache_of((x,), frame)

    @staticmethod
    def backward(dout, cache):
        """Returns dx: dout where x > 0, else 0. The cache may be x itself."""
        frame = cache.frame if hasattr(cache, "frame") else ReLU.forward(cache)[1].frame
        return like(dout, RELU.backward(array(dout, "dout"), frame)[0])


class Linear_ReLU(object):
    """linear, relu."""

    @staticmethod
    def forward(x, w, b):
        """Returns out and a cache."""
        out, frame = AFFINE_RELU.forward(arrays(x=x, w=w, b=b))
        return like(x, out), cache_of((), frame)

    @staticmethod
    def backward(dout, cache):
        """Returns dx, dw and db."""
        return all_like(dout, AFFINE_RELU.backward(array(dout, "dout"), _frame(cache)))


class Dropout(object):
    """Inverted dropout. dropout_param: mode ("train" or "test"), p (the probability of dropping), seed (without one, it is
    drawn from the generator of the kind of x)."""

    @staticmethod
    def forward(x, dropout_param):
        """Returns out and cache (dropout_param, mask); out = x * mask. In test mode out is x and mask None."""
        _params.check(dropout_param, _params.DROPOUT, "dropout_param")
        p, mode, seed = dropout_param["p"], dropout_param["mode"], dropout_param.get("seed")
        if mode == "test":
            return x, (dropout_param, None)
        if mode != "train":
            raise ValueError('Invalid forward dropout mode "%s"' % mode)
        seed = draw_seed(x) if seed is None else _params.whole_seed(seed)
        mask = like(x, dropout_mask(array(x, "x"), _params.drop_rate(p, "drop"), seed))
        return x * mask, (dropout_param, mask)

    @staticmethod
    def backward(dout, cache):
        """Returns dx = dout * mask; dout in test mode."""
        mask = cache[1]
        return dout if mask is None else dout * mask


class TwoLayerNet(Model):
    """linear - relu - linear - softmax. params: W1 (D, H), b1, W2 (H, C), b2; weights are normal with deviation
    weight_scale, biases 0. The loss has reg, without 1/2, of the sum of squares of the weights."""

    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0, dtype=FLOAT,
                 device="cpu"):
        self.params, self.reg, self.dtype = {}, reg, dtype
        self._weights("W1", weight_scale, (input_dim, hidden_dim), device)
        self._constant("b1", 0, hidden_dim, device)
        self._weights("W2", weight_scale, (hidden_dim, num_classes), device)
        self._constant("b2", 0, num_classes, device)

    @described(lambda self, X: _description(self.params, 2, 2 * self.reg, self.dtype))
    def loss(self, X, y=None):
        """X (N, d1, ..., dk), y (N) labels. Returns scores (N, C) where y is None, else loss and grads."""
        return self._run(fully_connected, X, y, 2, 2 * self.reg)


class FullyConnectedNet(Model):
    """{linear - relu - [dropout]} x (L - 1) - linear - softmax.

    hidden_dims   sizes of the L - 1 hidden layers
    dropout       the probability of dropping; 0: none
    reg           the loss has reg / 2 of the sum of squares of the weights
    weight_scale  deviation of the weights, which are normal
    seed          of dropout: the same masks in each call of loss
    dtype         of PyTorch or NumPy: the parameters are its tensors or arrays
    Error: DeviceError."""

    SAVED = ("reg", "dtype", "params", "num_layers", "use_dropout", "dropout_param")

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=0.0, reg=0.0, weight_scale=1e-2,
                 seed=None, dtype=FLOAT, device="cpu"):
        self.params, self.reg, self.dtype = {}, reg, dtype
        self.use_dropout = dropout != 0
        self.num_layers = 1 + len(hidden_dims)
        sizes = [input_dim, *hidden_dims, num_classes]
        for i, (d, m) in enumerate(zip(sizes, sizes[1:]), 1):
            self._weights(f"W{i}", weight_scale, (d, m), device)
            self._constant(f"b{i}", 0, m, device)
        self.dropout_param = {}
        if self.use_dropout:
            _params.drop_rate(dropout, "drop")
            self.dropout_param = {"mode": "train", "p": dropout}
            if seed is not None:
                self.dropout_param["seed"] = seed

    def _as_network(self, X):
        """Masks of dropout are those of layers by themselves, whose seeds are drawn for each."""
        return None if self.use_dropout else _description(self.params, self.num_layers, self.reg, self.dtype)

    @described(_as_network)
    def loss(self, X, y=None):
        """X (N, d1, ..., dk), y (N) labels. Returns scores (N, C) where y is None, else loss and grads."""
        drop, seeds = 0.0, ()
        if self.use_dropout:
            self.dropout_param["mode"] = "test" if y is None else "train"
            drop = self.dropout_param["p"]
        if drop and y is not None:
            seed = self.dropout_param.get("seed")
            seeds = [draw_seed(self.params["W1"]) if seed is None else _params.whole_seed(seed) for _ in range(self.num_layers - 1)]
        return self._run(fully_connected, X, y, self.num_layers, self.reg, drop=drop, seeds=seeds)


def create_solver_instance(data_dict, dtype, device):
    """A Solver for a TwoLayerNet on CIFAR-10 that reaches 50% of the validation part."""
    model = TwoLayerNet(hidden_dim=200, weight_scale=1e-2, reg=1e-4, dtype=dtype, device=device)
    return Solver(model, data_dict, update_rule=sgd, optim_config={"learning_rate": 1e-1}, lr_decay=0.95, num_epochs=15,
                  batch_size=200, print_every=200, device=device)


def get_three_layer_network_params():
    """weight_scale and learning_rate with which 50 images are learnt by heart."""
    return 1e-1, 1e-1


def get_five_layer_network_params():
    """The same for five layers."""
    return 1e-1, 1e-1

