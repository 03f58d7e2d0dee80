"""CIFAR-10 from the folder cifar-10-batches-py; nothing is downloaded."""
import numpy as np

from ..cs231n import data_utils
from ._tensors import FLOAT, cast, check_device, numpy_dtype, torch


def _part(X, y, count, dtype):
    if count is not None and not 0 < count <= len(X):
        raise ValueError("Invalid value num=%d; must be in the range [0, %d]" % (count, len(X)))
    X = (X[:count].transpose(0, 3, 1, 2) / 255).astype(numpy_dtype(dtype))
    y = np.asarray(y[:count], np.int64)
    return (cast(X, dtype), torch.from_numpy(y)) if torch and isinstance(dtype, torch.dtype) else (X, y)


def cifar10(num_train=None, num_test=None, x_dtype=FLOAT):
    """x_train (num_train, 3, 32, 32) with elements 0 .. 1, y_train, x_test, y_test. None: all.

    The folder is looked for where lamina.cs231n.data_utils.get_CIFAR10_data looks. Errors: FileNotFoundError, ValueError
    (a number that there is not)."""
    Xtr, ytr, Xte, yte = data_utils.load_CIFAR10(data_utils._find(data_utils.FOLDER))
    return (*_part(Xtr, ytr, num_train, x_dtype), *_part(Xte, yte, num_test, x_dtype))


def _show_examples(X, y, samples_per_class=12):
    import matplotlib.pyplot as plt  # only this needs it
    images = [X[y == label][:samples_per_class] for label in range(10)]
    rows = [np.concatenate(list(np.asarray(row).transpose(0, 2, 3, 1)), axis=1) for row in images]
    plt.imshow(np.concatenate(rows))
    plt.axis("off")
    plt.show()


def preprocess_cifar10(cuda=False, show_examples=True, bias_trick=False, flatten=True, validation_ratio=0.2, dtype=FLOAT):
    """CIFAR-10 as a dictionary: X_train, X_val, X_test, y_train, y_val, y_test. The mean colour of the training images is
    subtracted; the validation part is the last of them. flatten: rows (N, 3072); bias_trick: with a last column of ones.
    Error: DeviceError (cuda)."""
    check_device("cuda" if cuda else "cpu")
    X_train, y_train, X_test, y_test = cifar10(x_dtype=dtype)
    if show_examples:
        _show_examples(X_train, y_train)
    mean = X_train.mean((0, 2, 3)).reshape(1, 3, 1, 1)
    X_train -= mean
    X_test -= mean
    if flatten:
        X_train, X_test = X_train.reshape(len(X_train), -1), X_test.reshape(len(X_test), -1)
    if bias_trick:
        X_train, X_test = (cast(np.column_stack([X, np.ones(len(X))]), dtype) for X in (X_train, X_test))
    count = int(len(X_train) * (1.0 - validation_ratio))
    return {"X_train": X_train[:count], "y_train": y_train[:count], "X_val": X_train[count:], "y_val": y_train[count:],
            "X_test": X_test, "y_test": y_test}
