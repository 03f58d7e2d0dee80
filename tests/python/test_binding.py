"""The binding against include/lamina.h: functions with their arguments, structures, numbers, statuses."""
import ctypes
import re

import pytest

import lamina
from lamina import _binding, errors

VALUES = {"int": ctypes.c_int, "size_t": ctypes.c_size_t, "double": ctypes.c_double, "uint64_t": ctypes.c_uint64,
          "uint32_t": ctypes.c_uint32, "lam_status": ctypes.c_int, "lam_dtype": ctypes.c_int, "lam_part": ctypes.c_int,
          "lam_mode": ctypes.c_int, "lam_ties": ctypes.c_int, "lam_callback": _binding.Callback, "void": None}
STRUCTURES = {"lam_shape": "Shape", "lam_tensor": "Tensor", "lam_progress": "Progress", "lam_metrics": "Metrics",
              "lam_batchnorm_param": "BatchnormParam", "lam_dropout_param": "DropoutParam", "lam_conv_param": "ConvParam",
              "lam_pool_param": "PoolParam", "lam_check_row": "CheckRow"}
SIZES = {"LAM_MAX_RANK": _binding.MAX_RANK}


@pytest.fixture
def header(source):
    return re.sub(r"/\*.*?\*/", " ", (source / "include/lamina.h").read_text(), flags=re.DOTALL)


def functions(header):
    """name -> (result, [arguments]) as C has them."""
    found = {}
    for result, name, arguments in re.findall(r"LAM_API\s+([\w\s]+?[\s*]+)(lam_\w+)\s*\(([^;]*)\)\s*;", header):
        arguments = " ".join(arguments.split())
        found[name] = result.strip(), [] if arguments == "void" else arguments.split(", ")
    return found


def types_of(text, named=True):
    """What ctypes may have for a declaration such as `const lam_tensor *x`."""
    text, length = re.match(r"(.*?)(?:\[(\w+)\])?$", text).groups()
    stars = text.count("*")
    words = [word for word in text.replace("*", " ").split() if word not in ("const", "struct")]
    kind = words[0]
    if length:
        base = ctypes.c_char if kind == "char" else VALUES[kind]
        return [base * int(SIZES.get(length, length))]
    if not stars:
        return [VALUES[kind]]
    if kind == "char":
        return [ctypes.c_char_p if stars == 1 else ctypes.POINTER(ctypes.c_char_p)]
    if kind == "lam_check_row" and stars == 2:
        return [ctypes.POINTER(ctypes.POINTER(_binding.CheckRow))]
    if stars == 1 and kind in STRUCTURES:  # tensors come as bytes, too
        pointer = [ctypes.POINTER(getattr(_binding, STRUCTURES[kind]))]
        return pointer + [ctypes.c_void_p] if kind == "lam_tensor" else pointer
    if stars == 1 and kind in VALUES and kind != "void":
        return [ctypes.POINTER(VALUES[kind])]
    return [ctypes.c_void_p]  # objects of the library, and pointers to be filled in with them


def test_every_public_function_is_bound_and_no_other(header):
    assert len(functions(header)) == len(re.findall(r"^LAM_API ", header, re.MULTILINE)) > 100
    assert set(functions(header)) == set(_binding.FUNCTIONS)


def test_results_and_arguments_have_the_types_of_the_header(header):
    for name, (result, arguments) in functions(header).items():
        function = getattr(lamina.lib, name)
        assert function.restype in types_of(result), name
        assert len(function.argtypes) == len(arguments), name
        for argument, bound in zip(arguments, function.argtypes):
            assert bound in types_of(argument), (name, argument, bound)


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_have_the_fields_of_the_header(header, name):
    body = re.search(r"typedef struct %s \{(.*?)\} %s;" % (name, name), header, re.DOTALL).group(1)
    expected = []
    for line in filter(None, (" ".join(part.split()) for part in body.split(";"))):
        kind, names = re.match(r"((?:const )?\w+)\s+(.*)", line).groups()
        for field in names.split(", "):
            star, field, length = re.match(r"(\*?)(\w+)(?:\[(\w+)\])?$", field).groups()
            expected.append((field, kind + star, length))
    bound = getattr(_binding, STRUCTURES[name])._fields_
    assert [field.replace("is_global", "global") for field, _ in bound] == [field for field, _, _ in expected]
    for (field, bound_type), (_, kind, length) in zip(bound, expected):
        if kind in STRUCTURES:
            assert bound_type is getattr(_binding, STRUCTURES[kind])
        elif kind.endswith("*"):
            assert bound_type in (ctypes.c_void_p, ctypes.c_char_p), (name, field)
        else:
            base = ctypes.c_char if kind == "char" else VALUES[kind]
            assert bound_type == (base * int(SIZES.get(length, length)) if length else base), (name, field)


def test_numbers_of_the_header_are_those_of_the_binding(header):
    assert int(re.search(r"LAM_MAX_RANK = (\d+)", header).group(1)) == _binding.MAX_RANK
    for kind in ("dtype", "part", "mode", "ties"):
        body = re.search(r"typedef enum lam_%s \{(.*?)\} lam_%s;" % (kind, kind), header).group(1)
        for value, name in enumerate(body.replace(" ", "").split(",")):
            assert getattr(_binding, name.replace("LAM_", "", 1)) == value


def test_each_status_is_an_exception_of_its_own(header):
    statuses = {int(value): name for name, value in re.findall(r"X\((LAM_E\w+), (-\d+),", header)}
    assert set(statuses) == set(errors.BY_STATUS)
    assert len(set(errors.BY_STATUS.values())) == len(statuses)
    for kind in errors.BY_STATUS.values():
        assert issubclass(kind, lamina.Error)
        assert getattr(lamina, kind.__name__) is kind


@pytest.mark.parametrize("kind, also", [
    ("ShapeError", ValueError), ("OptionError", ValueError), ("NotationError", ValueError), ("FormatError", ValueError),
    ("ArgumentError", ValueError), ("OutOfMemoryError", MemoryError), ("ReadError", OSError), ("WriteError", OSError),
    ("DtypeError", TypeError), ("DeviceError", NotImplementedError), ("DivergedError", ArithmeticError),
    ("VersionError", lamina.FormatError), ("BusyError", RuntimeError),
])
def test_exceptions_are_those_of_python_too(kind, also):
    assert issubclass(getattr(lamina, kind), also)


def test_the_version_is_that_of_the_header(source):
    assert f'LAM_VERSION          "{lamina.__version__}"' in (source / "include/lamina.h").read_text()


def test_a_library_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.setenv("LAMINA_LIBRARY", "/nowhere/liblamina.so")
    with pytest.raises(ImportError, match="LAMINA_LIBRARY"):
        _binding._load()
