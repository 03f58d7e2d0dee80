"""Functions on images, through ctypes: outputs and gradients of random shapes, in float and double.

The shared library is the one beside the program. Structures are those of include/lamina.h."""
import ctypes, os
from ctypes import Structure, byref, c_double, c_int, c_size_t, c_void_p

import numpy as np
import torch
from torch.nn import functional as F

import peer
from peer import report

SHAPES, MAX_RANK = 30, 8
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


class Shape(Structure):
    _fields_ = [("rank", c_int), ("dim", c_size_t * MAX_RANK)]


class Tensor(Structure):
    _fields_ = [("dtype", c_int), ("shape", Shape), ("data", c_void_p)]


class ConvParam(Structure):
    _fields_ = [("stride", c_size_t * 2), ("pad", c_size_t * 2), ("same", c_int)]


class PoolParam(Structure):
    _fields_ = [("window", c_size_t * 2), ("stride", c_size_t * 2), ("pad", c_size_t * 2), ("ties", c_int),
                ("is_global", c_int)]


class BatchnormParam(Structure):
    _fields_ = [("mode", c_int), ("eps", c_double), ("momentum", c_double)]


def shape_of(array):
    return Shape(array.ndim, (c_size_t * MAX_RANK)(*array.shape))


def tensor_of(array):
    return None if array is None else byref(
        Tensor({np.float32: 0, np.float64: 1}[array.dtype.type], shape_of(array), array.ctypes.data))


class Library:
    def __init__(self):
        self.so = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(peer.LAMINA)), "liblamina.so"))
        self.so.lam_last_error.restype = ctypes.c_char_p
        self.so.lam_cache_free.argtypes = [c_void_p]

    def call(self, name, *args):
        status = getattr(self.so, name)(*args)
        assert status == 0, (name, self.so.lam_last_error().decode())

    def round_trip(self, function, out, x, params, rest, dout, dparams):
        """Forward and backward; returns dx."""
        cache, dx = c_void_p(), np.empty_like(x)
        self.call(f"lam_{function}_forward", byref(cache), tensor_of(out), tensor_of(x), *map(tensor_of, params), *rest)
        self.call(f"lam_{function}_backward", tensor_of(dx), *map(tensor_of, dparams), tensor_of(dout), cache)
        self.so.lam_cache_free(cache)
        return dx

    def shape(self, function, *args):
        out = Shape()
        self.call(f"lam_{function}_shape", byref(out), *args)
        return tuple(out.dim[: out.rank])


class Case:
    """Random sizes that fit: PyTorch pads both sides alike, and a pool at most by half of its window."""

    def __init__(self, rng):
        pair = lambda low, high: [int(v) for v in rng.integers(low, high + 1, 2)]
        self.n, self.c, self.filters = (int(v) for v in rng.integers(1, 8, 3))
        self.size, self.kernel, self.stride, self.pad = pair(5, 12), pair(1, 4), pair(1, 3), pair(0, 3)
        self.window, self.pool_stride = pair(1, 3), pair(1, 3)
        self.pool_pad = [int(rng.integers(0, k // 2 + 1)) for k in self.window]
        self.groups = int(rng.choice([g for g in range(1, self.c + 1) if self.c % g == 0]))
        if rng.integers(4) == 0:  # Winograd's
            self.c, self.filters, self.kernel, self.stride, self.pad, self.groups = 32, 32, [3, 3], [1, 1], [1, 1], 4


def pool_param(case):
    two = lambda pair: (c_size_t * 2)(*pair)
    return byref(PoolParam(two(case.window), two(case.pool_stride), two(case.pool_pad), 0, 0))


def torch_pool(pool, x, case):
    return pool(x, tuple(case.window), tuple(case.pool_stride), tuple(case.pool_pad))


def compare(lib, rng, case, dtype):
    """Returns the largest difference: of out by its largest element, of gradients by the largest of all, at least 1."""
    numbers = lambda *shape: rng.normal(size=shape).astype(dtype)
    two = lambda pair: (c_size_t * 2)(*pair)
    conv = byref(ConvParam(two(case.stride), two(case.pad), 0))
    norm = byref(BatchnormParam(0, 1e-5, 0.9))
    x, w, b = numbers(case.n, case.c, *case.size), numbers(case.filters, case.c, *case.kernel), numbers(case.filters)
    conv_torch = lambda t, u, v: F.conv2d(t, u, v, tuple(case.stride), tuple(case.pad))
    batchnorm_torch = lambda t, g, v: F.batch_norm(t, None, None, g, v, True)
    gamma = lambda c: numbers(1, c, 1, 1)
    stats = lambda c: [np.zeros(c, dtype), np.ones(c, dtype)]
    after = [gamma(case.filters), gamma(case.filters)]
    middle = lib.shape("conv", byref(shape_of(x)), byref(shape_of(w)), conv)
    calls = [  # function, parameters with gradients, those without, the rest, in PyTorch
        ("conv", [w, b], [], [conv], conv_torch),
        ("maxpool", [], [], [pool_param(case)], lambda t: torch_pool(F.max_pool2d, t, case)),
        ("avgpool", [], [], [pool_param(case)], lambda t: torch_pool(F.avg_pool2d, t, case)),
        ("spatial_batchnorm", [gamma(case.c), gamma(case.c)], stats(case.c), [norm],
         lambda t, g, v: batchnorm_torch(t, g.flatten(), v.flatten())),
        ("spatial_groupnorm", [gamma(case.c), gamma(case.c)], [], [c_size_t(case.groups), c_double(1e-5)],
         lambda t, g, v: F.group_norm(t, case.groups, g.flatten(), v.flatten())),
        ("spatial_layernorm", [gamma(case.c), gamma(case.c)], [], [c_double(1e-5)],
         lambda t, g, v: F.layer_norm(t, t.shape[1:]) * g + v),
        ("conv_relu", [w, b], [], [conv], lambda *a: F.relu(conv_torch(*a))),
        ("conv_batchnorm_relu", [w, b, *after], stats(case.filters), [conv, norm],
         lambda t, u, v, g, h: F.relu(batchnorm_torch(conv_torch(t, u, v), g.flatten(), h.flatten()))),
    ]
    if all(m + 2 * p >= k for m, p, k in zip(middle[2:], case.pool_pad, case.window)):
        calls.append(("conv_relu_pool", [w, b], [], [conv, pool_param(case)],
                      lambda *a: torch_pool(F.max_pool2d, F.relu(conv_torch(*a)), case)))
    worst = 0.0
    for function, params, running, rest, of_torch in calls:
        inputs = [torch.from_numpy(a.astype(np.float64)).requires_grad_() for a in (x, *params)]
        expected = of_torch(*inputs)
        out, dout = np.empty(tuple(expected.shape), dtype), numbers(*expected.shape)
        expected.backward(torch.from_numpy(dout.astype(np.float64)))
        dparams = [np.empty_like(p) for p in params]
        dx = lib.round_trip(function, out, x, [*params, *running], rest, dout, dparams)
        gradients = [t.grad.numpy() for t in inputs]
        largest = max(np.abs(g).max() for g in gradients)
        wanted = expected.detach().numpy()
        for value, wanted, size in [(out, wanted, np.abs(wanted).max())] + [
                (v, g, largest) for v, g in zip([dx, *dparams], gradients)]:
            difference = np.abs(value - wanted).max() / max(1.0, size)
            assert difference < TOLERANCE[dtype], (function, dtype, vars(case), difference)
            worst = max(worst, difference)
    return worst


def check(folder):
    lib, rng = Library(), np.random.default_rng(6)
    for dtype in (np.float32, np.float64):
        report(f"{SHAPES} shapes, {dtype.__name__}", max(compare(lib, rng, Case(rng), dtype) for _ in range(SHAPES)))
