"""lamina: train, check and ship neural networks. The C library of that name for people who live in NumPy.

    import lamina
    data = lamina.Data.open("fashion-mnist")
    net = lamina.Net("{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax", data.shape)
    net.train(data, epochs=5)
    net.save("model.safetensors")
"""
from ._binding import lib, version
from .errors import *  # noqa: F403

__version__ = version()
