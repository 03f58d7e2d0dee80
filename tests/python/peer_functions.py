"""Functions on images, by the package's binding: outputs and gradients of random shapes, in float and double."""
from ctypes import byref, c_size_t, c_void_p

import numpy as np
import torch
from torch.nn import functional as F

from lamina._arrays import out_tensor, shape_of, sizes_of, tensor
from lamina._binding import BatchnormParam, ConvParam, PoolParam, Shape, call, lib
from peer import report

SHAPES = 30
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


def round_trip(function, out, x, params, rest, dout, dparams):
    """Forward and backward; returns dx."""
    cache, dx = c_void_p(), np.empty_like(x)
    call(getattr(lib, f"lam_{function}_forward"), byref(cache), out_tensor(out, "out"), tensor(x, "x"),
         *(tensor(p, "parameter") for p in params), *rest)
    call(getattr(lib, f"lam_{function}_backward"), out_tensor(dx, "dx"), *(out_tensor(d, "gradient") for d in dparams),
         tensor(dout, "dout"), cache)
    lib.lam_cache_free(cache)
    return dx


def conv_shape(x, w, param):
    out = Shape()
    call(lib.lam_conv_shape, byref(out), shape_of(x.shape, "x"), shape_of(w.shape, "w"), param)
    return sizes_of(out)


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
    return PoolParam(two(case.window), two(case.pool_stride), two(case.pool_pad), 0, 0)


def torch_pool(pool, x, case):
    return pool(x, tuple(case.window), tuple(case.pool_stride), tuple(case.pool_pad))


def compare(rng, case, dtype):
    """Returns the largest difference: of out by its largest element, of gradients by the largest of all, at least 1."""
    numbers = lambda *shape: rng.normal(size=shape).astype(dtype)
    two = lambda pair: (c_size_t * 2)(*pair)
    conv = ConvParam(two(case.stride), two(case.pad), 0)
    norm = BatchnormParam(0, 1e-5, 0.9)
    x, w, b = numbers(case.n, case.c, *case.size), numbers(case.filters, case.c, *case.kernel), numbers(case.filters)
    conv_torch = lambda t, u, v: F.conv2d(t, u, v, tuple(case.stride), tuple(case.pad))
    batchnorm_torch = lambda t, g, v: F.batch_norm(t, None, None, g, v, True)
    gamma = lambda c: numbers(1, c, 1, 1)
    stats = lambda c: [np.zeros(c, dtype), np.ones(c, dtype)]
    after = [gamma(case.filters), gamma(case.filters)]
    middle = conv_shape(x, w, conv)
    calls = [  # function, parameters with gradients, those without, the rest, in PyTorch
        ("conv", [w, b], [], [conv], conv_torch),
        ("maxpool", [], [], [pool_param(case)], lambda t: torch_pool(F.max_pool2d, t, case)),
        ("avgpool", [], [], [pool_param(case)], lambda t: torch_pool(F.avg_pool2d, t, case)),
        ("spatial_batchnorm", [gamma(case.c), gamma(case.c)], stats(case.c), [norm],
         lambda t, g, v: batchnorm_torch(t, g.flatten(), v.flatten())),
        ("spatial_groupnorm", [gamma(case.c), gamma(case.c)], [], [case.groups, 1e-5],
         lambda t, g, v: F.group_norm(t, case.groups, g.flatten(), v.flatten())),
        ("spatial_layernorm", [gamma(case.c), gamma(case.c)], [], [1e-5],
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
        dx = round_trip(function, out, x, [*params, *running], rest, dout, dparams)
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
    rng = np.random.default_rng(6)
    for dtype in (np.float32, np.float64):
        report(f"{SHAPES} shapes, {dtype.__name__}", max(compare(rng, Case(rng), dtype) for _ in range(SHAPES)))
