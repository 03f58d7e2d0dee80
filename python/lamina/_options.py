"""Options by name, as docs/options.md lists them: `lr_decay=0.95` in Python is `lr-decay`."""
import numbers

import numpy as np

from ._binding import c_text, call, lib
from ._handle import Handle
from .errors import OptionError

DTYPES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


def _dtype_text(value):
    if value in ("f32", "f64"):
        return value
    try:
        return DTYPES[np.dtype(value)]
    except (KeyError, TypeError):
        raise OptionError(f"dtype: {value!r} is neither f32 (numpy.float32) nor f64 (numpy.float64)") from None


def _text(name, value):
    """The value as the command line has it."""
    if name == "dtype":
        return _dtype_text(value)
    if isinstance(value, (str, bytes)):
        return value.decode() if isinstance(value, bytes) else value
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, dict):
        return ",".join(f"{key}={_text(name, item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ("; " if name == "set" else ",").join(_text(name, item) for item in value)
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise OptionError(f"{name}: a value cannot be of type {type(value).__name__}")


def options_of(values):
    """A Handle of lam_options from a dictionary; None stands for the default. Errors: OptionError."""
    options = Handle(lib.lam_options_new, lib.lam_options_free)
    for name, value in values.items():
        if value is not None:
            name = name.replace("_", "-")
            call(lib.lam_options_set, options.pointer, c_text(name, "option"), c_text(_text(name, value), name))
    return options
