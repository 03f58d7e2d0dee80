"""The C library: its functions with the types of their arguments, its structures, and errors as exceptions.

    from lamina._binding import call, lib
    call(lib.lam_relu_forward, byref(cache), tensor(out, "out"), tensor(x, "x"))

`lib` has every function of lamina.h under its own name. Arguments:

    lam_tensor *          what lamina._arrays.tensor or out_tensor returns, or None
    handles (lam_net * .) c_void_p; a handle to be returned (lam_net **): byref(c_void_p())
    other structures      an instance of the classes below, or None
    double *, size_t *    an instance of c_double, c_size_t
    char *                bytes

ctypes releases the GIL for the time of a call, and takes it for callbacks. The library is the one in the package, or
that of the environment variable LAMINA_LIBRARY (work in the source tree).
"""
import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_int, c_size_t, c_uint32, c_uint64, c_void_p

from . import errors

MAX_RANK = 8
F32, F64, U8, I32, I64 = range(5)
TRAIN, VAL, TEST = range(3)
MODE_TRAIN, MODE_TEST = range(2)
TIES_FIRST, TIES_SPLIT, TIES_ALL = range(3)


class Shape(Structure):
    _fields_ = [("rank", c_int), ("dim", c_size_t * MAX_RANK)]


class Tensor(Structure):
    _fields_ = [("dtype", c_int), ("shape", Shape), ("data", c_void_p)]


class Progress(Structure):
    _fields_ = [
        ("step", c_size_t), ("steps", c_size_t), ("epoch", c_size_t), ("epochs", c_size_t), ("epoch_end", c_int),
        ("loss", c_double), ("train_accuracy", c_double), ("val_accuracy", c_double), ("values", c_int),
        ("best_accuracy", c_double), ("lr", c_double), ("seconds", c_double), ("samples_per_second", c_double),
        ("warning", c_char_p),
    ]


class Metrics(Structure):
    _fields_ = [("count", c_size_t), ("loss", c_double), ("accuracy", c_double), ("r2", c_double), ("rmse", c_double),
                ("mae", c_double)]


class BatchnormParam(Structure):
    _fields_ = [("mode", c_int), ("eps", c_double), ("momentum", c_double)]


class DropoutParam(Structure):
    _fields_ = [("mode", c_int), ("p", c_double), ("seed", c_uint64), ("step", c_uint32)]


class ConvParam(Structure):
    _fields_ = [("stride", c_size_t * 2), ("pad", c_size_t * 2), ("same", c_int)]


class PoolParam(Structure):
    _fields_ = [("window", c_size_t * 2), ("stride", c_size_t * 2), ("pad", c_size_t * 2), ("ties", c_int),
                ("is_global", c_int)]  # `global` is a word of Python


class CheckRow(Structure):
    _fields_ = [("name", c_char * 64), ("count", c_size_t), ("checked", c_size_t), ("kinks", c_size_t),
                ("error", c_double), ("error_cs231n", c_double), ("error_eecs498", c_double), ("largest", c_double)]


Callback = CFUNCTYPE(c_int, POINTER(Progress), c_void_p)

_status = c_int
_handle = _tensor = _cache = _pointer = c_void_p
_shape, _double, _size = POINTER(Shape), POINTER(c_double), POINTER(c_size_t)
Strides = c_size_t * MAX_RANK
_batchnorm, _dropout, _conv, _pool = (POINTER(s) for s in (BatchnormParam, DropoutParam, ConvParam, PoolParam))


def _layer(inputs, gradients, *rest):
    """Argument types of a layer's two functions: cache, out, inputs, the rest; gradients, dout, cache."""
    return [_pointer] + [_tensor] * (1 + inputs) + list(rest), [_tensor] * (gradients + 1) + [_cache]


# name -> (type of the result, types of the arguments), in the order of lamina.h
FUNCTIONS = {
    "lam_last_error": (c_char_p, []),
    "lam_status_text": (c_char_p, [c_int]),
    "lam_version": (c_char_p, []),
    "lam_shape_count": (c_size_t, [_shape]),
    "lam_shape_parse": (_status, [_shape, c_char_p]),
    "lam_options_new": (_status, [_pointer]),
    "lam_options_free": (None, [_handle]),
    "lam_options_set": (_status, [_handle, c_char_p, c_char_p]),
    "lam_options_set_real": (_status, [_handle, c_char_p, c_double]),
    "lam_options_get": (_status, [POINTER(c_char_p), _handle, c_char_p]),
    "lam_data_open": (_status, [_pointer, c_char_p, _handle]),
    "lam_data_from_arrays": (_status, [_pointer, _tensor, _tensor, c_size_t, c_int]),
    "lam_data_add_part": (_status, [_handle, c_int, _tensor, _tensor, c_int]),
    "lam_data_set_weights": (_status, [_handle, c_int, _tensor]),
    "lam_data_free": (None, [_handle]),
    "lam_data_shape": (_shape, [_handle]),
    "lam_data_count": (c_size_t, [_handle, c_int]),
    "lam_data_classes": (c_size_t, [_handle]),
    "lam_data_class_name": (c_char_p, [_handle, c_size_t]),
    "lam_data_label": (c_int, [_handle, c_int, c_size_t]),
    "lam_data_targets": (c_size_t, [_handle]),
    "lam_data_target_name": (c_char_p, [_handle, c_size_t]),
    "lam_data_target": (c_double, [_handle, c_int, c_size_t, c_size_t]),
    "lam_data_weight": (c_double, [_handle, c_int, c_size_t]),
    "lam_net_new": (_status, [_pointer, c_char_p, _shape, _handle]),
    "lam_net_load": (_status, [_pointer, c_char_p]),
    "lam_net_save": (_status, [_handle, c_char_p]),
    "lam_net_free": (None, [_handle]),
    "lam_net_notation": (c_char_p, [_handle]),
    "lam_net_input": (_shape, [_handle]),
    "lam_net_classes": (c_size_t, [_handle]),
    "lam_net_dtype": (c_int, [_handle]),
    "lam_net_class_name": (c_char_p, [_handle, c_size_t]),
    "lam_net_param_count": (c_size_t, [_handle]),
    "lam_net_param_name": (c_char_p, [_handle, c_size_t]),
    "lam_net_param_shape": (_shape, [_handle, c_size_t]),
    "lam_net_get": (_status, [_handle, c_char_p, _tensor]),
    "lam_net_set": (_status, [_handle, c_char_p, _tensor]),
    "lam_net_view": (_status, [POINTER(Tensor), Strides, _handle, c_char_p]),
    "lam_net_layer_count": (c_size_t, [_handle]),
    "lam_net_layer": (_status, [c_char * 64, _shape, _handle, c_size_t]),
    "lam_net_sha256": (_status, [_handle, c_char * 65]),
    "lam_train": (_status, [_handle, _handle, _handle, Callback, _pointer]),
    "lam_resume": (_status, [_pointer, c_char_p, _handle, _handle, Callback, _pointer]),
    "lam_eval": (_status, [POINTER(Metrics), _handle, _handle, c_int, _handle]),
    "lam_session_new": (_status, [_pointer, _handle, _handle]),
    "lam_session_new_predict": (_status, [_pointer, _handle, _handle]),
    "lam_session_free": (None, [_handle]),
    "lam_session_forward": (_status, [_double, _handle, _tensor, _tensor]),
    "lam_session_backward": (_status, [_handle]),
    "lam_session_step": (_status, [_handle]),
    "lam_session_weigh": (_status, [_handle, _tensor]),
    "lam_session_set_lr": (_status, [_handle, c_double]),
    "lam_session_grad": (_status, [_handle, c_char_p, _tensor]),
    "lam_session_grad_view": (_status, [POINTER(Tensor), Strides, _handle, c_char_p]),
    "lam_session_state": (_status, [_handle, c_char_p, c_char_p, _tensor]),
    "lam_session_set_state": (_status, [_handle, c_char_p, c_char_p, _tensor]),
    "lam_session_steps": (c_uint64, [_handle]),
    "lam_session_set_steps": (None, [_handle, c_uint64]),
    "lam_session_predict": (_status, [_handle, _tensor, _tensor]),
    "lam_cache_free": (None, [_cache]),
    "lam_conv_shape": (_status, [_shape, _shape, _shape, _conv]),
    "lam_pool_shape": (_status, [_shape, _shape, _pool]),
    "lam_softmax_loss": (_status, [_double, _tensor, _tensor, _tensor]),
    "lam_svm_loss": (_status, [_double, _tensor, _tensor, _tensor]),
    "lam_mse_loss": (_status, [_double, _tensor, _tensor, _tensor]),
    "lam_logistic_loss": (_status, [_double, _tensor, _tensor, _tensor]),
    "lam_sgd": (_status, [_tensor, _tensor, c_double]),
    "lam_momentum": (_status, [_tensor, _tensor, _tensor, c_double, c_double]),
    "lam_nesterov": (_status, [_tensor, _tensor, _tensor, c_double, c_double]),
    "lam_rmsprop": (_status, [_tensor, _tensor, _tensor, c_double, c_double, c_double]),
    "lam_adam": (_status, [_tensor, _tensor, _tensor, _tensor, POINTER(c_uint64), c_double, c_double, c_double,
                           c_double]),
    "lam_check": (_status, [POINTER(POINTER(CheckRow)), _size, c_char_p, _shape, _handle]),
    "lam_check_free": (None, [POINTER(CheckRow)]),
}

# Layers: tensors that go in (x, parameters, running statistics), gradients that come out, what follows the tensors.
LAYERS = {
    "affine": _layer(3, 3),
    "relu": _layer(1, 1),
    "leakyrelu": _layer(1, 1, c_double),
    "elu": _layer(1, 1, c_double),
    "gelu": _layer(1, 1, c_int),
    "silu": _layer(1, 1),
    "sigmoid": _layer(1, 1),
    "tanh": _layer(1, 1),
    "batchnorm": _layer(5, 3, _batchnorm),
    "layernorm": _layer(3, 3, c_double),
    "dropout": _layer(1, 1, _dropout),
    "affine_relu": _layer(3, 3),
    "affine_batchnorm_relu": _layer(7, 5, _batchnorm),
    "conv": _layer(3, 3, _conv),
    "maxpool": _layer(1, 1, _pool),
    "avgpool": _layer(1, 1, _pool),
    "spatial_batchnorm": _layer(5, 3, _batchnorm),
    "spatial_groupnorm": _layer(3, 3, c_size_t, c_double),
    "spatial_layernorm": _layer(3, 3, c_double),
    "conv_relu": _layer(3, 3, _conv),
    "conv_batchnorm_relu": _layer(7, 5, _conv, _batchnorm),
    "conv_relu_pool": _layer(3, 3, _conv, _pool),
}
for _name, (_forward, _backward) in LAYERS.items():
    FUNCTIONS[f"lam_{_name}_forward"] = _status, _forward
    FUNCTIONS[f"lam_{_name}_backward"] = _status, _backward


def _path():
    """The library's file: LAMINA_LIBRARY, or the one beside this module."""
    name = {"darwin": "liblamina.dylib"}.get(sys.platform, "liblamina.so")
    return os.environ.get("LAMINA_LIBRARY") or os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def _load():
    path = _path()
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except OSError as error:
        raise ImportError(f"{error}; install the package, or set LAMINA_LIBRARY to a liblamina.so") from None
    except AttributeError as error:
        raise ImportError(f"{path} is not the version of the package: {error}") from None
    return library


lib = _load()


def failed(status):
    """The exception of a status that is not 0, with the message of this thread's last failed call, to be raised."""
    return errors.BY_STATUS.get(status, errors.Error)(lib.lam_last_error().decode(errors="replace"))


def call(function, *args):
    """Call a function of `lib` that returns a status; an error is raised."""
    status = function(*args)
    if status:
        raise failed(status)


def c_text(value, name, encode=str.encode):
    """The bytes of a str, for a char *. Error: ArgumentError (a character 0, where C would see the end)."""
    data = encode(value)
    if b"\0" in data:
        raise errors.ArgumentError(f"{name} has a character 0: {value!r}")
    return data


def c_path(value):
    """The same of a path. Errors: TypeError too."""
    return c_text(value, "path", os.fsencode)


def version():
    """Version of the library, such as "0.1.0"."""
    return lib.lam_version().decode()
