"""Data sets: from files, or from arrays."""
from __future__ import annotations

import numpy as np

from ._arrays import as_answers, as_samples, as_weights, sizes_of, tensor
from ._binding import TEST, TRAIN, VAL, c_path, call, lib
from ._handle import Handle
from ._options import options_of
from .errors import ArgumentError

PARTS = {"train": TRAIN, "val": VAL, "test": TEST}


def part_number(part):
    """Errors: ArgumentError."""
    try:
        return PARTS[part]
    except (KeyError, TypeError):
        raise ArgumentError(f"part is {part!r}; it must be one of {', '.join(PARTS)}") from None


def pair_of(pair, name):
    """x and y. Error: ArgumentError."""
    try:
        x, y = pair
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a pair of arrays (x, y)") from None
    return x, y


class Data:
    """A data set: samples of one shape with labels or numbers to predict, in a training, validation and test part.

    Made by Data.open and Data.from_arrays."""

    def __init__(self, handle: Handle):
        self._handle = handle

    @classmethod
    def open(cls, path, **options) -> Data:
        """A file or folder whose kind is recognised, "kind:path", or the name of an installed data set.

        options   val, test (parts to split off), seed, label, targets ...: docs/options.md
        Errors: ReadError, FormatError, OptionError."""
        values = options_of(options)
        return cls(Handle(lib.lam_data_open, lib.lam_data_free, c_path(path), values.pointer))

    @classmethod
    def from_arrays(cls, x, y, classes: int = 0, val=None, test=None, weights=None, copy: bool = False) -> Data:
        """Samples x (N, C, H, W) or (N, D), uint8, float32 or float64 (other numbers are converted), with y: labels
        0 .. classes-1 (N), or numbers to predict (N) or (N, K) of a floating type.

        classes    number of classes; 0: the largest label of the training part + 1
        val, test  other parts, each (x, y)
        weights    (N) of the training samples in the loss, at least 0
        copy       True: x is copied; False: x stays as it is, shared, and must not change while this is used
        Errors: ShapeError, FormatError (label out of range), DtypeError, ArgumentError (classes, weights)."""
        if not isinstance(classes, (int, np.integer)) or not 0 <= classes < 1 << 63:
            raise ArgumentError(f"classes is {classes!r}; it must be a number of classes, or 0")
        x, y = as_samples(x, "x"), as_answers(y, "y")
        data = cls(Handle(lib.lam_data_from_arrays, lib.lam_data_free, tensor(x, "x"), tensor(y, "y"), int(classes),
                          not copy, keeps=[x]))
        for name, part in (("val", val), ("test", test)):
            if part is not None:
                data._add(name, part, copy)
        if weights is not None:
            data._weigh(weights)
        return data

    def _add(self, name, part, copy):
        x, y = pair_of(part, name)
        x, y = as_samples(x, f"{name} x"), as_answers(y, f"{name} y")
        call(lib.lam_data_add_part, self._handle.pointer, PARTS[name], tensor(x, f"{name} x"), tensor(y, f"{name} y"),
             not copy)
        self._handle.keep(x)

    def _weigh(self, weights):
        weights = as_weights(weights, "weights")
        call(lib.lam_data_set_weights, self._handle.pointer, TRAIN, tensor(weights, "weights"))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (C, H, W) or (D,)."""
        return sizes_of(lib.lam_data_shape(self._handle.pointer).contents)

    @property
    def classes(self) -> int:
        """Number of classes; 0 where there are numbers to predict."""
        return lib.lam_data_classes(self._handle.pointer)

    @property
    def class_names(self) -> list[str]:
        """Of the classes; "0", "1" ... where the data has no names."""
        return [lib.lam_data_class_name(self._handle.pointer, i).decode(errors="replace") for i in range(self.classes)]

    @property
    def targets(self) -> int:
        """Numbers to predict per sample; 0 where there are classes."""
        return lib.lam_data_targets(self._handle.pointer)

    def count(self, part: str = "train") -> int:
        """Samples of a part: "train", "val" or "test"."""
        return lib.lam_data_count(self._handle.pointer, part_number(part))

    def answers(self, part: str = "train") -> np.ndarray:
        """Labels of a part (N) int64, or its numbers to predict (N, targets) float64."""
        number, count, pointer = part_number(part), self.count(part), self._handle.pointer
        if self.classes:
            labels = (lib.lam_data_label(pointer, number, i) for i in range(count))
            return np.fromiter(labels, np.int64, count)
        targets = [[lib.lam_data_target(pointer, number, i, k) for k in range(self.targets)] for i in range(count)]
        return np.array(targets, np.float64).reshape(count, self.targets)

    @classmethod
    def _of(cls, data, classes=0):
        """data itself, or one of a pair (x, y)."""
        return data if isinstance(data, cls) else cls.from_arrays(*pair_of(data, "data, where it is no lamina.Data,"), classes)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(part)} {part}" for part in PARTS if self.count(part))
        kind = f"{self.classes} classes" if self.classes else f"{self.targets} targets"
        return f"<lamina.Data {counts}; samples {'x'.join(map(str, self.shape))}, {kind}>"
