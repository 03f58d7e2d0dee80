"""Parameters and gradients of a network as mappings from name to array."""
from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_char

import numpy as np

from ._arrays import as_array, out_tensor, sizes_of, tensor
from ._binding import F64, Strides, Tensor, c_text, call, failed, lib
from .errors import BY_STATUS, ArgumentError, ShapeError


def names_of(net):
    """Names of the parameters, in file order. net: pointer."""
    return [lib.lam_net_param_name(net, i).decode() for i in range(lib.lam_net_param_count(net))]


def shapes_of(net):
    return [sizes_of(lib.lam_net_param_shape(net, i).contents) for i in range(lib.lam_net_param_count(net))]


def dtype_of(net):
    return np.dtype(np.float64 if lib.lam_net_dtype(net) == F64 else np.float32)


def view(function, owner, name):
    """A live view of what `function`, one of lam_net_view and lam_session_grad_view, finds; it keeps the owner, a Handle,
    alive. None where the order in memory has no strides."""
    found, strides = Tensor(), Strides()
    status = function(byref(found), strides, owner.pointer, c_text(name, "name"))
    if BY_STATUS.get(status) is ShapeError:
        return None
    if status:
        raise failed(status)
    shape, dtype = sizes_of(found.shape), np.dtype(np.float64 if found.dtype == F64 else np.float32)
    memory = (c_char * (dtype.itemsize * int(np.prod(shape)))).from_address(found.data)
    memory.owner = owner
    return np.ndarray(shape, dtype, memory, strides=[n * dtype.itemsize for n in strides[: len(shape)]])


class Arrays(Mapping):
    """name -> array. Arrays are live views where the order in memory allows, else read-only copies."""

    def __init__(self, owner, names, shapes, dtype, view, get):
        self._owner, self._shapes, self._dtype = owner, dict(zip(names, shapes)), dtype
        self._view, self._get, self._views = view, get, {}

    def __getitem__(self, name):
        if name not in self._shapes:
            raise KeyError(name)
        if name not in self._views:
            self._views[name] = view(self._view, self._owner, name)
        array = self._views[name]
        return self.get_copy(name, writeable=False) if array is None else array

    def get_copy(self, name, writeable=True):
        """A copy of one array. Errors: ArgumentError (no such name)."""
        if name not in self._shapes:
            raise ArgumentError(f"{name}: the network has no such parameter")
        copy = np.empty(self._shapes[name], self._dtype)
        call(self._get, self._owner.pointer, c_text(name, "name"), out_tensor(copy, name))
        copy.flags.writeable = writeable
        return copy

    def __iter__(self):
        return iter(self._shapes)

    def __len__(self):
        return len(self._shapes)

    def __repr__(self):
        rows = (f"  {name}: {'x'.join(map(str, shape))}" for name, shape in self._shapes.items())
        return "\n".join([f"<lamina parameters, {self._dtype}", *rows]) + ">"


class Parameters(Arrays):
    """Parameters and running statistics, to read and to write: params["affine1.weight"] *= 0.9, or
    params["affine1.weight"] = array, which works for those that are copies, too."""

    def __init__(self, net):
        super().__init__(net, names_of(net.pointer), shapes_of(net.pointer), dtype_of(net.pointer), lib.lam_net_view,
                         lib.lam_net_get)

    def __setitem__(self, name, value):
        if value is self._views.get(name):  # what `params[name] *= 2` ends with
            return
        value = as_array(value, name)
        if value.dtype not in (np.float32, np.float64):
            value = value.astype(np.float64)
        call(lib.lam_net_set, self._owner.pointer, c_text(str(name), "name"), tensor(value, name))


class Gradients(Arrays):
    """Gradients of the last loss, without the running statistics: to read. They lie in the session's memory."""

    def __init__(self, net, session):
        trained = [(name, shape) for name, shape in zip(names_of(net.pointer), shapes_of(net.pointer))
                   if not name.endswith((".running_mean", ".running_var"))]
        super().__init__(session, *zip(*trained) if trained else ((), ()), dtype_of(net.pointer),
                         lib.lam_session_grad_view, lib.lam_session_grad)

    def __getitem__(self, name):
        array = super().__getitem__(name)
        array.flags.writeable = False
        return array
