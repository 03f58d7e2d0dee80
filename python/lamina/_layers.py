"""Layers by themselves, on NumPy arrays: what lamina.cs231n and lamina.eecs498 have in common.

    out, frame = AFFINE.forward((x, w, b))
    dx, dw, db = AFFINE.backward(dout, frame)

Arrays are read where they lie. One that the library cannot read (integers, another order of memory, read-only in part)
is converted, and converted again for each backward pass, so that what changed in it is seen as the library sees it.

A frame holds the library's cache of a forward pass with the tensors of its arguments. Frames are used again for the next
pass of the same layer, types and shapes: planning a pass takes longer than running a small one."""
import threading
from ctypes import addressof, byref, c_char, c_double, c_size_t, c_void_p
from operator import attrgetter, index

import numpy as np

from ._arrays import DTYPES, as_array, tensor
from ._binding import (MAX_RANK, MODE_TEST, MODE_TRAIN, BatchnormParam, ConvParam, DropoutParam, PoolParam, Shape, Tensor,
                       failed, lib)
from .errors import ArgumentError, DtypeError, ShapeError

MOST_KEYS = 128  # kinds of frames that wait for the next pass
MOST_FRAMES = 16  # of one kind
LARGE = 1 << 20  # bytes: frames above it wait only while all of them together stay below MOST_BYTES
MOST_BYTES = 1 << 28

_REALS = (np.dtype(np.float32), np.dtype(np.float64))
_empty, _ndarray = np.empty, np.ndarray
_view = c_char.from_buffer
_kind = attrgetter("dtype", "shape")

_waiting = {}
_large_bytes = 0
_large_lock = threading.Lock()


def _tensor(dtype, shape):
    """A Tensor without an address."""
    if len(shape) > MAX_RANK:
        raise ShapeError(f"an array has {len(shape)} dimensions; the most are {MAX_RANK}")
    return Tensor(DTYPES[dtype], _shape(shape))


def _address(array):
    try:
        return addressof(_view(array))
    except TypeError:  # read-only
        return array.ctypes.data


class Frame:
    """What one forward pass leaves in the library, and the tensors to call its functions with."""

    __slots__ = ("layer", "key", "bytes", "pointer", "dtype", "out_shape", "shapes", "inputs", "out", "forward", "grads",
                 "dout", "backward", "extras", "arrays", "result", "copies", "lock")

    def __init__(self, layer, key, arrays, extras):
        self.pointer = c_void_p()
        self.lock = threading.Lock()  # of the backward passes: two threads may have the same cache
        self.layer, self.key, self.extras = layer, key, extras
        self.arrays = self.result = None  # what the library has borrowed; copies: of them, with what they are copies of
        self.copies = ()
        self.dtype = arrays[0].dtype
        self.out_shape = layer.shape(tuple(a.shape for a in arrays), extras)
        self.inputs = [_tensor(a.dtype, a.shape) for a in arrays]
        self.out = _tensor(self.dtype, self.out_shape)
        self.forward = (byref(self.pointer), byref(self.out), *map(byref, self.inputs), *map(_argument, extras))
        self.shapes = [arrays[i].shape for i in range(layer.gradients)]
        self.grads = [_tensor(self.dtype, s) for s in self.shapes]
        self.dout = _tensor(self.dtype, self.out_shape)
        self.backward = (*map(byref, self.grads), byref(self.dout))
        self.bytes = 2 * (sum(a.nbytes for a in arrays) + int(np.prod(self.out_shape)) * self.dtype.itemsize)

    def release(self):
        """Wait for the next pass of this kind, or end."""
        self.arrays = self.result = None
        self.copies = ()
        waiting = _waiting.get(self.key)
        if waiting is None or len(waiting) >= MOST_FRAMES:
            return
        if self.bytes > LARGE and not _reserve(self.bytes):
            return
        waiting.append(self)

    def __del__(self, free=lib.lam_cache_free):
        if self.pointer:
            free(self.pointer)


def _reserve(n):
    global _large_bytes
    with _large_lock:
        if _large_bytes + n > MOST_BYTES:
            return False
        _large_bytes += n
        return True


def _make_room():
    """Forget the kind of frames that came first."""
    try:
        frames = _waiting.pop(next(iter(_waiting)))
    except (KeyError, RuntimeError, StopIteration):  # another thread was there
        return
    for frame in frames:
        if frame.bytes > LARGE:
            _reserve(-frame.bytes)


def _plain(name):
    """A function of the library that takes its arguments as they are: to convert them takes as long as all the rest."""
    return lib[name]  # a new object, which nobody has told the types


def _argument(value):
    """A number, a structure or an array's structure as such a function takes it."""
    return c_double(value) if isinstance(value, float) else c_size_t(value) if isinstance(value, int) else byref(value)


class Layer:
    """A layer of the library by its two functions.

    name       of the functions: lam_<name>_forward, lam_<name>_backward
    names      of the arguments that are arrays, for messages
    gradients  how many of these have gradients: the first ones
    shape      (shapes of the arrays, extras) -> shape of the output
    typed      how many of the arrays decide the type together: the first ones
    extras     (*mark) -> the arguments of the library's function that follow the arrays. The mark is all that they
               depend on; it can be hashed"""

    def __init__(self, name, names, gradients, shape, typed=None, extras=lambda: ()):
        self.name, self.names, self.gradients, self.shape, self.extras = name, names, gradients, shape, extras
        self.typed = typed or len(names)
        self.run_forward, self.run_backward = _plain(f"lam_{name}_forward"), _plain(f"lam_{name}_backward")

    def forward(self, arrays, mark=()):
        """Returns out, a new array, and the frame for backward."""
        try:
            frame = _waiting[(self, mark, *map(_kind, arrays))].pop()
            if frame.bytes > LARGE:
                _reserve(-frame.bytes)
            for t, a in zip(frame.inputs, arrays):
                if a.__class__ is not _ndarray:
                    raise TypeError
                t.data = addressof(_view(a))
            frame.arrays = arrays
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            frame = self.frame_for(arrays, mark)
        return self.run(frame)

    def run(self, frame):
        """Run the pass of a frame whose inputs have their addresses."""
        frame.result = out = _empty(frame.out_shape, frame.dtype)
        frame.out.data = addressof(_view(out))
        status = self.run_forward(*frame.forward)
        if status:
            raise failed(status)
        return out, frame

    def frame_for(self, arrays, mark):
        """The slow way: any arrays; a new frame where none waits."""
        try:
            hash(mark)
        except TypeError:  # lists, arrays: say which
            self.extras(*mark)
            raise ArgumentError(f"{self.name}: plain numbers are needed, not {mark}") from None
        usable = self.convert(arrays)
        for a, name in zip(usable, self.names):
            if not a.size:
                raise ShapeError(f"{self.name}: {name} is empty: its shape is {a.shape}")
        key = (self, mark, *map(_kind, usable))
        if key not in _waiting:
            if len(_waiting) >= MOST_KEYS:
                _make_room()
            _waiting[key] = []
        try:
            frame = _waiting[key].pop()
        except (IndexError, KeyError):
            frame = Frame(self, key, usable, self.extras(*mark))
        else:
            if frame.bytes > LARGE:
                _reserve(-frame.bytes)
        for t, a in zip(frame.inputs, usable):
            t.data = _address(a)
        frame.copies = [(a, b) for a, b in zip(usable, arrays) if a is not b and isinstance(b, _ndarray)]
        frame.arrays = usable
        return frame

    def convert(self, arrays):
        """The arrays as the library takes them: of one type, in C order."""
        usable = [as_array(a, name) for a, name in zip(arrays, self.names)]
        dtype = real_type(*usable[: self.typed])
        return [a.astype(dtype, copy=False) for a in usable]

    def backward(self, dout, frame, wanted=None):
        """The gradients, new arrays: one for each of the first arguments of forward. wanted: which, None for all; the
        others are None, and are not computed."""
        if frame.layer is not self:
            raise ArgumentError(f"{self.name}: cache is one of {frame.layer.name}")
        with frame.lock:
            for usable, original in frame.copies:
                np.copyto(usable, original)
            try:
                if dout.dtype is not frame.dtype or dout.shape != frame.out_shape or dout.__class__ is not _ndarray:
                    raise TypeError
                frame.dout.data = addressof(_view(dout))
            except (AttributeError, TypeError, ValueError):
                dout = self.gradient_of_out(dout, frame)
                frame.dout.data = _address(dout)
            dtype = frame.dtype
            grads = [_empty(s, dtype) for s in frame.shapes]
            for t, a in zip(frame.grads, grads):
                t.data = addressof(_view(a))
            arguments = frame.backward
            if wanted is not None:
                grads = [a if w else None for a, w in zip(grads, wanted)]
                arguments = [t if w else None for t, w in zip(arguments, wanted)] + [arguments[-1]]
            status = self.run_backward(*arguments, frame.pointer)
        if status:
            raise failed(status)
        return grads

    def gradient_of_out(self, dout, frame):
        dout = as_array(dout, "dout").astype(frame.dtype, copy=False)
        if dout.shape != frame.out_shape:
            raise ShapeError(f"{self.name}: dout is {dout.shape}, {frame.out_shape} is needed")
        return dout


def real_type(*arrays):
    """float32 or float64: the one that NumPy computes with these arrays, and float64 for integers."""
    dtype = np.result_type(*[a.dtype for a in arrays])
    if dtype.kind != "f":
        return _REALS[1]
    return _REALS[dtype.itemsize > 4]


class Cache(tuple):
    """A cache of the course, a tuple, that also has the library's. A copy is a plain tuple: the functions that know how
    to compute with one do so."""

    def __del__(self):
        try:
            self.frame.release()
        except (AttributeError, TypeError):  # without a frame; at the end of the program
            pass

    def __reduce__(self):
        return tuple, (tuple(self),)


def cache_of(values, frame):
    cache = Cache(values)
    cache.frame = frame
    return cache


# ---- the layers -------------------------------------------------------------------------------------------------------


def _of_x(shapes, extras):
    return shapes[0]


def _affine_shape(shapes, extras):
    x, w = shapes[0], shapes[1]
    return (x[0] if x else 1, w[1] if len(w) == 2 else 1)  # the library refuses the others


def _real(value, name):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} is {value!r}; a number is needed") from None


def _size(value, name):
    try:
        size = index(value)
    except TypeError:
        raise ArgumentError(f"{name} is {value!r}; a whole number is needed") from None
    if not 0 <= size < 1 << 32:
        raise ArgumentError(f"{name} is {size}; a number from 0 to 2^32 is needed")
    return size


def _sizes(value, name):
    """A size, or a pair of them: height and width."""
    pair = value if isinstance(value, tuple) and len(value) == 2 else (value, value)
    return tuple(_size(v, name) for v in pair)


def _batchnorm(mode, eps, momentum):
    return (BatchnormParam(mode, _real(eps, "eps"), _real(momentum, "momentum")),)


def _conv(stride, pad):
    if 0 in _sizes(stride, "stride"):
        raise ArgumentError("stride is 0; it is at least 1")
    return (ConvParam(_sizes(stride, "stride"), _sizes(pad, "pad"), 0),)


def _pool(height, width, stride, ties):
    sizes = _size(height, "pool_height"), _size(width, "pool_width"), *_sizes(stride, "stride")
    if 0 in sizes:
        raise ArgumentError("pool_height, pool_width and stride are at least 1")
    return (PoolParam(sizes[:2], sizes[2:], (0, 0), ties, 0),)


def _dropout(train, p):
    return (DropoutParam(MODE_TRAIN if train else MODE_TEST, _real(p, "p"), 0, 0),)


def _shape(sizes):
    return Shape(len(sizes), sizes + (0,) * (MAX_RANK - len(sizes))) if len(sizes) <= MAX_RANK else Shape(MAX_RANK + 1)


def _conv_shape(shapes, extras):
    out = Shape()
    status = lib.lam_conv_shape(byref(out), byref(_shape(shapes[0])), byref(_shape(shapes[1])), extras[0])
    if status:
        raise failed(status)
    return tuple(out.dim[: out.rank])


def conv_shape(x, w, stride, pad):
    """Shape of the output of a convolution of shapes x and w."""
    return _conv_shape((x, w), _conv(stride, pad))


def _pooled(shape, param):
    """Shape of a pool's output; what is none the library refuses."""
    if len(shape) != 4:
        return shape
    return shape[:2] + tuple(max((n - k) // s + 1, 1) for n, k, s in zip(shape[2:], param.window, param.stride))


def _pool_shape(shapes, extras):
    return _pooled(shapes[0], extras[0])


def _conv_pool_shape(shapes, extras):
    return _pooled(_conv_shape(shapes, extras), extras[1])


_WEIGHTS, _NORM = ("x", "w", "b"), ("gamma", "beta", "running_mean", "running_var")

AFFINE = Layer("affine", _WEIGHTS, 3, _affine_shape)
AFFINE_RELU = Layer("affine_relu", _WEIGHTS, 3, _affine_shape)
AFFINE_BATCHNORM_RELU = Layer("affine_batchnorm_relu", _WEIGHTS + _NORM, 5, _affine_shape, typed=3, extras=_batchnorm)
RELU = Layer("relu", ("x",), 1, _of_x)
DROPOUT = Layer("dropout", ("x",), 1, _of_x, extras=_dropout)
BATCHNORM = Layer("batchnorm", ("x",) + _NORM, 3, _of_x, typed=1, extras=_batchnorm)
LAYERNORM = Layer("layernorm", ("x", "gamma", "beta"), 3, _of_x, typed=1, extras=lambda eps: (_real(eps, "eps"),))
CONV = Layer("conv", _WEIGHTS, 3, _conv_shape, extras=_conv)
CONV_RELU = Layer("conv_relu", _WEIGHTS, 3, _conv_shape, extras=_conv)
CONV_RELU_POOL = Layer("conv_relu_pool", _WEIGHTS, 3, _conv_pool_shape,
                       extras=lambda conv, pool: _conv(*conv) + _pool(*pool))
CONV_BATCHNORM_RELU = Layer("conv_batchnorm_relu", _WEIGHTS + _NORM, 5, _conv_shape, typed=3,
                            extras=lambda conv, norm: _conv(*conv) + _batchnorm(*norm))
MAXPOOL = Layer("maxpool", ("x",), 1, _pool_shape, extras=_pool)
SPATIAL_BATCHNORM = Layer("spatial_batchnorm", ("x",) + _NORM, 3, _of_x, typed=1, extras=_batchnorm)
SPATIAL_GROUPNORM = Layer("spatial_groupnorm", ("x", "gamma", "beta"), 3, _of_x, typed=1,
                          extras=lambda groups, eps: (_size(groups, "G"), _real(eps, "eps")))


def running_statistics(mean, var, x, count, train):
    """Running statistics for a pass: of the type of x, zeros where they are None, and copies where the pass changes
    them."""
    dtype = x.dtype if x.dtype in _REALS else real_type(x)
    return [_statistics(s, dtype, count, train) for s in (mean, var)]


def _statistics(value, dtype, count, train):
    if value is None:
        return np.zeros(count, dtype)
    if value.__class__ is _ndarray and value.dtype is dtype:
        return value.copy() if train else value
    return np.array(value, dtype, order="C")


def dropout(x, p, seed, step=0):
    """(out, frame) of dropout in training. p: the probability of dropping. The mask is a function of seed, step and the
    elements' places."""
    frame = DROPOUT.frame_for((x,), (True, p))
    frame.extras[0].seed, frame.extras[0].step = seed, step
    return DROPOUT.run(frame)


def dropout_mask(x, p, seed, step=0):
    """What dropout multiplies x by: 0, or 1 / (1 - p)."""
    x = as_array(x, "x")
    mask, frame = dropout(np.ones(x.shape, real_type(x)), p, seed, step)
    frame.release()
    return mask


# ---- losses -----------------------------------------------------------------------------------------------------------


def loss_of(function, name, x, y):
    """(loss, dx) of a loss on scores x (N, C) and labels y (N). The loss is a float64."""
    x = as_array(x, "x")
    x = x.astype(real_type(x), copy=False)
    y = as_array(y, "y")
    if y.dtype.kind not in "iu":
        raise DtypeError(f"{name}: y has dtype {y.dtype}; labels are integers")
    if y.dtype not in DTYPES:
        y = y.astype(np.int64)
    if not x.size:
        raise ShapeError(f"{name}: x is empty: its shape is {x.shape}")
    dx, loss = _empty(x.shape, x.dtype), c_double()
    status = function(byref(loss), tensor(dx, "dx"), tensor(x, "x"), tensor(y, "y"))
    if status:
        raise failed(status)
    return np.float64(loss.value), dx
