"""lamina: train, check and ship neural networks. The C library of that name for people who live in NumPy.

    import lamina
    data = lamina.Data.open("fashion-mnist")
    net = lamina.Net("{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax", data.shape)
    net.train(data, epochs=5)
    net.save("model.safetensors")

`lamina.lib` has every function of lamina.h; docs/python.md has the rest.
"""
from ._binding import lib, version
from .data import Data
from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .history import History
from .net import GradientCheck, Net
from .training import Epoch

__version__ = version()
__all__ = ["Data", "Epoch", "GradientCheck", "History", "Net", "lib", *_errors]


def __getattr__(name):
    if name in ("LaminaClassifier", "LaminaRegressor"):  # scikit-learn is imported when it is asked for
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'lamina' has no {name}")
