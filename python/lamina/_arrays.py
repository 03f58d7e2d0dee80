"""Arrays as lam_tensor, at little cost: a tensor is passed as bytes, which are its head (of a type and a shape, made
once) and the address of the array, which they keep. Such bytes belong to one call, so that threads share nothing. Who lets
the library keep the address after the call (a lam_cache borrows x and the weights) keeps the tensor."""
import struct
from ctypes import addressof, c_char

import numpy as np

from ._binding import F32, F64, I32, I64, MAX_RANK, U8, Shape, Tensor
from .errors import DeviceError, DtypeError, ShapeError

DTYPES = {np.dtype(t): code for t, code in
          ((np.float32, F32), (np.float64, F64), (np.uint8, U8), (np.int32, I32), (np.int64, I64))}
NAMES = ", ".join(t.name for t in DTYPES)
MOST_HEADS = 4096  # shapes to remember; a program that has more pays for making them again

_heads = {}
_view, _pack, _ndarray = c_char.from_buffer, struct.Struct("P").pack, np.ndarray


def _head(dtype, shape, name):
    if dtype not in DTYPES:
        raise DtypeError(f"{name} has dtype {dtype}; it must be one of {NAMES}")
    if len(shape) > MAX_RANK:
        raise ShapeError(f"{name} has {len(shape)} dimensions; the most are {MAX_RANK}")
    whole = Tensor(DTYPES[dtype], Shape(len(shape), shape + (0,) * (MAX_RANK - len(shape))))
    head = bytes(whole)[: Tensor.data.offset]
    if len(_heads) >= MOST_HEADS:
        _heads.clear()
    _heads[dtype, shape] = head
    return head


class _Bytes(bytes):
    """A tensor; `array` is what it is of."""


def _of(array, head, address):
    value = _Bytes(head + _pack(address))
    value.array = array
    return value


def tensor(array, name):
    """An array that the library reads. Anything that NumPy makes an array of; copied where it does not lie in C order.

    name is the argument's, for messages. Errors: DtypeError, ShapeError (no elements)."""
    try:
        if type(array) is _ndarray:
            return _of(array, _heads[array.dtype, array.shape], addressof(_view(array)))
    except (KeyError, TypeError, ValueError):  # a new shape; read-only or not in C order; empty
        pass
    kept = as_array(array, name)
    if kept.size == 0:
        raise ShapeError(f"{name} is empty: its shape is {kept.shape}")
    head = _heads.get((kept.dtype, kept.shape)) or _head(kept.dtype, kept.shape, name)
    return _of(kept, head, kept.ctypes.data)


def out_tensor(array, name):
    """An array that the library writes to: a NumPy array, writable and in C order. Errors as above."""
    try:
        if type(array) is _ndarray:
            return _of(array, _heads[array.dtype, array.shape], addressof(_view(array)))
    except (KeyError, TypeError, ValueError):
        pass
    if not isinstance(array, np.ndarray):
        raise DtypeError(f"{name} must be a NumPy array to write to, not {type(array).__name__}")
    if not array.flags.writeable:
        raise DtypeError(f"{name} is read-only")
    if not array.flags.c_contiguous:
        raise DtypeError(f"{name} is not contiguous, in C order: it cannot be written to in place")
    return tensor(array, name)


def as_array(array, name):
    """A NumPy array in C order and native byte order: the array itself, a view of its memory, or a copy.

    torch.Tensor, jax.Array and others come through DLPack, what has the buffer protocol through that, without a copy.
    Errors: DtypeError (objects, masked arrays), DeviceError (memory of a GPU)."""
    if not isinstance(array, np.ndarray):
        array = _foreign(array, name)
    if isinstance(array, np.ma.MaskedArray):
        raise DtypeError(f"{name} is a masked array; fill it first")
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{name} has dtype {array.dtype}; numbers are needed ({NAMES})")
    native = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    return np.asarray(array, native, order="C")


def _foreign(array, name):
    """A view of an array of another library, else whatever NumPy makes of the object."""
    if hasattr(array, "__dlpack__"):
        device = getattr(array, "__dlpack_device__", lambda: (1, 0))()
        if device[0] not in (1, 3, 13):  # memory of the CPU, plain, pinned or managed
            raise DeviceError(f"{name} lies on another device; move it to the CPU")
        try:
            return np.from_dlpack(array)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
            pass  # types and flags that DLPack or this NumPy does not have; NumPy's way is next
    try:
        return np.asarray(array)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DtypeError(f"{name} is no array of numbers: {error}") from None


def as_samples(x, name):
    """Samples as the library takes them: uint8, float32 or float64; others become float32 where that holds them."""
    x = as_array(x, name)
    if x.dtype in (np.uint8, np.float32, np.float64):
        return x
    return x.astype(np.float32 if x.dtype.itemsize <= 2 else np.float64)


def as_answers(y, name):
    """Labels as int64, or numbers to predict as float32 or float64."""
    y = as_array(y, name)
    if y.dtype.kind in "biu":
        return y.astype(np.int64, copy=False)
    return y if y.dtype in (np.float32, np.float64) else y.astype(np.float64)


def as_weights(weights, name):
    weights = as_array(weights, name)
    return weights if weights.dtype in (np.float32, np.float64) else weights.astype(np.float64)


def shape_of(sizes, name):
    """A Shape of a tuple of sizes, or of one."""
    sizes = tuple(np.atleast_1d(sizes).tolist()) if not isinstance(sizes, tuple) else sizes
    if not 1 <= len(sizes) <= MAX_RANK or not all(isinstance(n, (int, np.integer)) and 0 < n < 1 << 63 for n in sizes):
        raise ShapeError(f"{name} must be 1 to {MAX_RANK} positive whole numbers, not {sizes}")
    return Shape(len(sizes), sizes + (0,) * (MAX_RANK - len(sizes)))


def sizes_of(shape):
    """The tuple of a Shape."""
    return tuple(shape.dim[: shape.rank])
