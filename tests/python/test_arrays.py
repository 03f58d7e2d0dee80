"""Arrays as the library gets them: what is passed as it is, copied, or refused, and that nothing stays behind."""
import ctypes
import threading
import weakref

import numpy as np
import pytest

import lamina
from lamina import _arrays
from lamina._arrays import as_array, as_samples, out_tensor, sizes_of, tensor
from lamina._binding import Tensor, call, lib


def read(value):
    """The array that a tensor describes."""
    t = Tensor.from_buffer_copy(value)
    dtype = {code: dtype for dtype, code in _arrays.DTYPES.items()}[t.dtype]
    shape = sizes_of(t.shape)
    memory = (ctypes.c_char * (int(np.prod(shape)) * dtype.itemsize)).from_address(t.data)
    return np.frombuffer(memory, dtype).reshape(shape).copy()


def address(value):
    return Tensor.from_buffer_copy(value).data


def relu(x):
    cache, out = ctypes.c_void_p(), np.empty_like(x)
    call(lib.lam_relu_forward, ctypes.byref(cache), out_tensor(out, "out"), tensor(x, "x"))
    lib.lam_cache_free(cache)
    return out


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i4", "i8"])
def test_an_array_is_passed_as_it_is(dtype):
    x = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for _ in range(2):  # the first time its head is made
        assert address(tensor(x, "x")) == x.ctypes.data
        assert (read(tensor(x, "x")) == x).all() and read(tensor(x, "x")).dtype == x.dtype


def test_read_only_arrays_are_read_without_a_copy():
    x = np.arange(6.0)
    x.flags.writeable = False
    assert address(tensor(x, "x")) == x.ctypes.data


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize("of", [
    lambda x: x.T, lambda x: x[:, ::2], lambda x: x[::-1], lambda x: np.asfortranarray(x), lambda x: x.astype(">f8"),
    lambda x: x.tolist(), lambda x: memoryview(x), lambda x: np.broadcast_to(x[0], (3, 4)), lambda x: x.view(Subclass),
])
def test_other_layouts_are_read_right(of):
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert np.array_equal(read(tensor(of(x), "x")), np.asarray(of(x), np.float64))


@pytest.mark.parametrize("x, kind, says", [
    (np.array([1, "a"], object), lamina.DtypeError, "samples has dtype object"),
    (np.array(["a"]), lamina.DtypeError, "samples has dtype <U1"),
    (np.zeros(3, np.complex128), lamina.DtypeError, "samples has dtype complex128"),
    (np.zeros(3, np.float16), lamina.DtypeError, "samples has dtype float16"),
    (np.zeros(3, [("a", "f4")]), lamina.DtypeError, "samples has dtype"),
    (np.ma.array([1.0, 2.0], mask=[0, 1]), lamina.DtypeError, "samples is a masked array"),
    (np.zeros((0, 3)), lamina.ShapeError, r"samples is empty: its shape is \(0, 3\)"),
    (np.zeros((1,) * 9), lamina.ShapeError, "samples has 9 dimensions"),
    ([[1], [1, 2]], lamina.DtypeError, "samples is no array of numbers"),
    (None, lamina.DtypeError, "samples has dtype object"),
    (object(), lamina.DtypeError, "samples"),
])
def test_what_is_no_array_of_numbers_is_refused_by_name(x, kind, says):
    for _ in range(2):
        with pytest.raises(kind, match=says):
            tensor(x, "samples")


def read_only():
    x = np.zeros((3, 4))
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("out, says", [
    (read_only(), "dx is read-only"), (np.zeros((3, 4)).T, "dx is not contiguous"), (np.zeros((3, 4))[:, ::2], "dx is not"),
    ([1.0, 2.0], "dx must be a NumPy array"), (None, "dx must be a NumPy array"), (np.zeros(3, object), "dx has dtype"),
])
def test_an_output_that_cannot_be_written_in_place_is_refused(out, says):
    with pytest.raises(lamina.DtypeError, match=says):
        out_tensor(out, "dx")


def test_a_copy_lives_as_long_as_its_tensor():
    values = [tensor(np.full((100, 100), float(i)).T, "x") for i in range(50)]
    assert all((read(value) == i).all() for i, value in enumerate(values))


def test_an_array_lives_as_long_as_its_tensor():
    for make in (tensor, out_tensor):
        for _ in range(2):  # a new shape, and one that is known
            array = np.ones((3, 5))
            of, there = make(array, "x"), weakref.ref(array)
            del array
            assert there() is not None
            del of
            assert there() is None


def test_more_shapes_than_are_remembered_are_fine():
    for n in range(1, _arrays.MOST_HEADS + 100):
        tensor(np.zeros(n, np.uint8), "x")
    assert len(_arrays._heads) <= _arrays.MOST_HEADS


def test_samples_of_other_types_are_converted():
    assert as_samples(np.zeros(3, bool), "x").dtype == as_samples(np.zeros(3, np.int16), "x").dtype == np.float32
    assert as_samples(np.array([2**40]), "x").dtype == np.float64
    for dtype in (np.uint8, np.float32, np.float64):
        x = np.zeros(3, dtype)
        assert as_samples(x, "x") is x


def test_tensors_of_torch_are_shared():
    torch = pytest.importorskip("torch")
    t = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    assert address(tensor(t, "x")) == t.data_ptr()
    assert np.array_equal(read(tensor(t.T, "x")), t.T.numpy())
    with pytest.raises(lamina.DtypeError, match="x"):
        tensor(torch.zeros(3, requires_grad=True), "x")
    with pytest.raises(lamina.DtypeError, match="x"):
        tensor(torch.zeros(3, dtype=torch.bfloat16), "x")
    if torch.cuda.is_available():
        with pytest.raises(lamina.DeviceError, match="x"):
            tensor(torch.zeros(3).cuda(), "x")


def test_arrays_of_jax_are_shared():
    jax = pytest.importorskip("jax")
    x = jax.numpy.arange(12, dtype="float32").reshape(3, 4)
    assert address(tensor(x, "x")) == np.from_dlpack(x).ctypes.data
    assert np.array_equal(read(tensor(x, "x")), np.asarray(x))


class OnAnotherDevice:
    def __dlpack__(self, **how):
        raise AssertionError("must not be asked for")

    def __dlpack_device__(self):
        return 2, 0


def test_memory_of_a_gpu_is_refused():
    with pytest.raises(lamina.DeviceError, match="x lies on another device"):
        as_array(OnAnotherDevice(), "x")


def test_many_threads_may_call_at_once():
    rng, wrong = np.random.default_rng(0), []

    def work(seed):
        xs = [np.random.default_rng(seed).normal(size=(7, 5)) for _ in range(4)]
        for _ in range(300):
            wrong.extend(1 for x in xs if not np.array_equal(relu(x), np.maximum(x, 0)))

    threads = [threading.Thread(target=work, args=(int(rng.integers(1000)),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_a_hundred_thousand_calls_leave_the_process_at_its_size():
    x, strided = np.random.default_rng(0).normal(size=(8, 16)), np.zeros((16, 8)).T
    cache, out = ctypes.c_void_p(), np.empty_like(x)

    def calls(n):
        for _ in range(n):
            call(lib.lam_relu_forward, ctypes.byref(cache), out_tensor(out, "out"), tensor(x, "x"))
        for _ in range(n // 20):
            relu(np.array(x))
            tensor(strided, "x")
            with pytest.raises(lamina.ShapeError):
                call(lib.lam_relu_forward, ctypes.byref(cache), out_tensor(out[:2], "out"), tensor(x, "x"))

    calls(20000)
    before = resident_bytes()
    calls(100000)
    lib.lam_cache_free(cache)
    assert resident_bytes() - before < 1 << 20
