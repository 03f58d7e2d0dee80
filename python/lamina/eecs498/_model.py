"""What the course's networks have in common: parameters as tensors or arrays, and files."""
from .._solver import STATISTICS
from . import _files
from ._tensors import array, cast, check_device, full, like, normal, number_like


class Model(object):
    """A network with params, a dictionary of tensors or arrays; dtype decides which. SAVED: the attributes of a file."""

    SAVED = ("reg", "dtype", "params")

    def _weights(self, name, scale, shape, device):
        self.params[name] = normal(scale, shape, self.dtype, device)

    def _constant(self, name, value, size, device):
        self.params[name] = full(value, (size,), self.dtype, device)

    def _run(self, network, X, y, *args, **kwargs):
        """A function of lamina._networks on the parameters and X, with tensors made of what it returns. The labels may
        be of either kind."""
        X = cast(X, self.dtype)
        params = {name: array(p, name) for name, p in self.params.items()}
        self._statistics(array)
        result = network(params, array(X, "X"), None if y is None else array(y, "y"), *args, **kwargs)
        self._statistics(lambda value, name: like(X, value))
        if y is None:
            return like(X, result)
        return number_like(X, result[0]), {name: like(X, g) for name, g in result[1].items()}

    def _statistics(self, function):
        """Replace each of the running statistics by function(it, name)."""
        for bn_param in getattr(self, "bn_params", ()):
            for name in STATISTICS:
                if name in bn_param:
                    bn_param[name] = function(bn_param[name], name)

    def save(self, path):
        """Write the model to a file. Error: OSError."""
        _files.save(path, {name: getattr(self, name) for name in self.SAVED})
        print("Saved in {}".format(path))

    def load(self, path, dtype=None, device="cpu"):
        """Read a model that save, or the course's, wrote. dtype: of the parameters, None for this model's. Errors: OSError,
        KeyError (not a file of this kind of model), DeviceError."""
        check_device(device)
        state = _files.load(path)
        state = {name: state[name] for name in self.SAVED}
        state["dtype"] = self.dtype if dtype is None else dtype
        state["params"] = {name: cast(p, state["dtype"]) for name, p in state["params"].items()}
        for name, value in state.items():
            setattr(self, name, value)
        self._statistics(lambda value, name: cast(value, self.dtype))
        print("load checkpoint file: {}".format(path))
