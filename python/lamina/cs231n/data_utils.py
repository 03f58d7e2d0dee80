"""CIFAR-10 and other data as the course's notebooks want them."""
import os
import pickle

import numpy as np

PLACES = ("cs231n/datasets", "datasets", ".")  # of cifar-10-batches-py and other data sets
FOLDER = "cifar-10-batches-py"


class _Batch(pickle.Unpickler):
    """Reads arrays and plain values, and nothing that could run code."""

    KNOWN = {("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
             ("numpy._core.multiarray", "_reconstruct"), ("_codecs", "encode")}

    def find_class(self, module, name):
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"a batch of CIFAR-10 has no {module}.{name}")
        return super().find_class(module, name)


def load_pickle(f):
    """The object in an open pickle, also one of Python 2. Pickles can run code: load only those that you trust."""
    return pickle.load(f, encoding="latin1")


def load_CIFAR_batch(filename):
    """X (N, 32, 32, 3) float64 and Y (N) of one batch file."""
    with open(filename, "rb") as f:
        batch = _Batch(f, encoding="latin1").load()
    X = np.asarray(batch["data"])
    return X.reshape(len(X), 3, 32, 32).transpose(0, 2, 3, 1).astype("float"), np.array(batch["labels"])


def load_CIFAR10(ROOT):
    """Xtr, Ytr, Xte, Yte of the folder cifar-10-batches-py."""
    batches = [load_CIFAR_batch(os.path.join(ROOT, "data_batch_%d" % b)) for b in range(1, 6)]
    Xte, Yte = load_CIFAR_batch(os.path.join(ROOT, "test_batch"))
    return np.concatenate([X for X, _ in batches]), np.concatenate([Y for _, Y in batches]), Xte, Yte


def _find(name, places=PLACES):
    places = [os.environ["LAMINA_DATA"], *places] if "LAMINA_DATA" in os.environ else places
    for place in places:
        path = os.path.join(place, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"{name} is in none of {', '.join(places)}; set LAMINA_DATA to the folder that it is in")


def get_CIFAR10_data(num_training=49000, num_validation=1000, num_test=1000, subtract_mean=True, cifar10_dir=None):
    """CIFAR-10 as a dictionary: X_train, X_val, X_test (N, 3, 32, 32) float64, y_train, y_val, y_test (N).

    The validation part follows the training part. subtract_mean: of the training images, pixel by pixel. cifar10_dir:
    the folder cifar-10-batches-py; without it, it is looked for in $LAMINA_DATA, cs231n/datasets, datasets and here.
    Error: FileNotFoundError."""
    X, y, X_test, y_test = load_CIFAR10(cifar10_dir or _find(FOLDER))
    parts = {"train": (X[:num_training], y[:num_training]),
             "val": (X[num_training:num_training + num_validation], y[num_training:num_training + num_validation]),
             "test": (X_test[:num_test], y_test[:num_test])}
    mean_image = parts["train"][0].mean(axis=0) if subtract_mean else 0
    data = {}
    for name, (images, labels) in parts.items():
        data["X_" + name] = np.ascontiguousarray((images - mean_image).transpose(0, 3, 1, 2))
        data["y_" + name] = labels.copy()
    return data


def _image(path):
    """(3, H, W) of an image file; a grey one is repeated."""
    from imageio import imread  # as the course does; only this function needs it
    pixels = np.asarray(imread(path))
    return np.broadcast_to(pixels[..., None] if pixels.ndim == 2 else pixels, pixels.shape[:2] + (3,)).transpose(2, 0, 1)


def _lines(*path):
    with open(os.path.join(*path)) as f:
        return [line.rstrip("\n").split("\t") for line in f]


def load_tiny_imagenet(path, dtype=np.float32, subtract_mean=True):
    """TinyImageNet as a dictionary: class_names, X_train, X_val, X_test (N, 3, 64, 64), y_train, y_val, y_test (None
    where the folder has no answers), mean_image."""
    ids = [line[0].strip() for line in _lines(path, "wnids.txt")]
    label_of = {wnid: i for i, wnid in enumerate(ids)}
    words = {line[0]: [w.strip() for w in line[1].split(",")] for line in _lines(path, "words.txt")}

    def images(files):
        return np.stack([_image(f) for f in files]).astype(dtype)

    train = [(os.path.join(path, "train", wnid, "images", line[0]), label_of[wnid])
             for wnid in ids for line in _lines(path, "train", wnid, f"{wnid}_boxes.txt")]
    val = [(os.path.join(path, "val", "images", line[0]), label_of[line[1]])
           for line in _lines(path, "val", "val_annotations.txt")]
    test = sorted(os.listdir(os.path.join(path, "test", "images")))
    answers = os.path.join(path, "test", "test_annotations.txt")
    X = {"train": images(f for f, _ in train), "val": images(f for f, _ in val),
         "test": images(os.path.join(path, "test", "images", f) for f in test)}
    y_test = None
    if os.path.isfile(answers):
        wnid_of = {line[0]: line[1] for line in _lines(answers)}
        y_test = np.array([label_of[wnid_of[f]] for f in test])
    mean_image = X["train"].mean(axis=0)
    if subtract_mean:
        for part in X.values():
            part -= mean_image
    return {"class_names": [words[wnid] for wnid in ids], "X_train": X["train"], "y_train": np.array([y for _, y in train]),
            "X_val": X["val"], "y_val": np.array([y for _, y in val]), "X_test": X["test"], "y_test": y_test,
            "mean_image": mean_image}


def load_models(models_dir):
    """The models of a folder of the Solver's checkpoints, by file name; other files are left out. Pickles can run code:
    load only your own."""
    models = {}
    for name in os.listdir(models_dir):
        with open(os.path.join(models_dir, name), "rb") as f:
            try:
                models[name] = load_pickle(f)["model"]
            except pickle.UnpicklingError:
                continue
    return models


def load_imagenet_val(num=None):
    """X (num, 224, 224, 3), y (num) and class names of imagenet_val_25.npz. Error: FileNotFoundError."""
    with np.load(_find("imagenet_val_25.npz"), allow_pickle=True) as f:
        return f["X"][:num], f["y"][:num], f["label_map"].item()
