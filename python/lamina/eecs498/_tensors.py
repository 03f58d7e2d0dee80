"""Tensors of PyTorch where it is there, else arrays of NumPy. A function takes either, and returns what it was given;
tensors and the arrays that the library reads share their memory. What is created is a tensor where its dtype is one of
PyTorch."""
import numpy as np

from ..errors import DeviceError, DtypeError

try:
    import torch
except ImportError:
    torch = None

FLOAT = torch.float32 if torch else np.float32  # the courses' default


def is_tensor(x):
    return torch is not None and isinstance(x, torch.Tensor)


def check_device(device):
    """Error: DeviceError for anything but the CPU."""
    if str(device) != "cpu":
        raise DeviceError(f"device {str(device)!r}: this build runs on the CPU; use device='cpu'")


def array(x, name):
    """x as a NumPy array; a tensor's memory is shared. Error: DeviceError."""
    if not is_tensor(x):
        return x
    if x.device.type != "cpu":
        raise DeviceError(f"{name} lies on {x.device}; move it to the CPU")
    try:
        return x.detach().numpy()
    except TypeError:  # bfloat16
        raise DtypeError(f"{name} has dtype {x.dtype}; float32 or float64 is needed") from None


def arrays(**named):
    return tuple([array(x, name) for name, x in named.items()])


def like(x, out):
    """An array as what x is."""
    return torch.from_numpy(out) if is_tensor(x) else out


def all_like(x, outs):
    return tuple([like(x, out) for out in outs])


def number_like(x, value):
    """A loss: a tensor of the type of x, or a number."""
    return torch.tensor(value, dtype=x.dtype) if is_tensor(x) else value


def numpy_dtype(dtype):
    """The NumPy type of a type of either."""
    if torch and isinstance(dtype, torch.dtype):
        return torch.empty(0, dtype=dtype).numpy().dtype
    return np.dtype(dtype)


def cast(x, dtype):
    """x with another type, and of its kind: a tensor for a type of PyTorch. It may be x itself."""
    if torch and isinstance(dtype, torch.dtype):
        return torch.as_tensor(x).to(dtype)
    return np.asarray(array(x, "X")).astype(dtype, copy=False)


def full(value, shape, dtype, device):
    check_device(device)
    return cast(np.full(shape, value, numpy_dtype(dtype)), dtype)


def normal(scale, shape, dtype, device):
    """Normal random numbers of deviation scale, from the generator of the kind."""
    check_device(device)
    if torch and isinstance(dtype, torch.dtype):
        return scale * torch.randn(shape, dtype=dtype)
    return (scale * np.random.randn(*shape)).astype(dtype)


def permutation(x, n):
    """0 .. n-1 in random order, to index x."""
    return torch.randperm(n) if is_tensor(x) else np.random.permutation(n)


def draw_seed(x):
    """A seed from the generator of the kind of x."""
    return int(torch.randint(1 << 62, ()) if is_tensor(x) else np.random.randint(1 << 62))


def copy(x):
    return x.clone() if is_tensor(x) else np.copy(x)


def empty_like(x):
    """A new one of the shape and type of x, in C order."""
    return torch.empty(x.shape, dtype=x.dtype) if is_tensor(x) else np.empty(x.shape, x.dtype)


def random_state():
    return torch.get_rng_state() if torch else None, np.random.get_state()


def set_random_state(state):
    if torch:
        torch.set_rng_state(state[0])
    np.random.set_state(state[1])
