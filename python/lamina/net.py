"""Networks: build, train, use, save."""
from __future__ import annotations

import math
import os
import tempfile
import threading
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char, c_double, c_size_t, c_void_p
from typing import Any, Callable, Mapping, NamedTuple, Optional

import numpy as np

from . import describe, training
from ._arrays import as_answers, as_samples, as_weights, out_tensor, shape_of, sizes_of, tensor
from ._binding import CheckRow, Metrics, c_path, c_text, call, failed, lib
from ._handle import Handle
from ._options import options_of
from .data import Data, part_number
from .errors import ArgumentError, BusyError, ShapeError
from .history import History
from .parameters import Gradients, Parameters, dtype_of


def _number(value, name):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} is {value!r}; a number is needed") from None


def _without_ones(shape):
    return tuple(n for n in shape if n != 1)


class GradientCheck(NamedTuple):
    """One tensor of a gradient check; lamina.h has the fields."""

    name: str
    count: int
    checked: int
    kinks: int
    error: float
    error_cs231n: float
    error_eecs498: float
    largest: float


class Net:
    """A network: layers, parameters, and the preprocessing that belongs to them.

    notation     "conv 32 3 pad 1 - relu - maxpool 2 - affine 10 - softmax": docs/notation.md
    input_shape  of one sample: (C, H, W) or (D,) or D
    dtype        numpy.float32 or "f32", numpy.float64 or "f64"
    seed         of initial weights, order of samples and dropout
    options      any of docs/options.md, with _ for -: those of building (init, classes ...), and defaults of training
                 (batch, lr, optim, l2 ...)

    Threads take turns: calls on one network wait for each other; while it is trained, other threads get a BusyError.
    Errors: NotationError, ShapeError, OptionError, DeviceError (device="cuda" where there is none)."""

    def __init__(self, notation: str, input_shape, dtype="f32", seed: int = 0, **options):
        options.update(dtype=dtype, seed=seed)
        shape = shape_of(input_shape, "input_shape")
        values = options_of(options)
        self._begin(Handle(lib.lam_net_new, lib.lam_net_free, c_text(str(notation), "notation"), byref(shape), values.pointer),
                    options)

    def _begin(self, handle, options):
        self._handle, self._options = handle, options
        self._lock, self._trainer = threading.RLock(), None
        self._session, self._session_batch, self._stepped = None, 0, False
        self._grads = self._predict_session = None
        self._params = Parameters(handle)
        self.history: Optional[History] = None
        if options.get("device"):
            self._predictor()  # says what is not there

    @classmethod
    def load(cls, path, **options) -> Net:
        """A model file, or the best model of a run folder. options: defaults as above, but those of building.

        Errors: ReadError, FormatError, VersionError."""
        net = cls.__new__(cls)
        options_of(options)
        net._begin(Handle(lib.lam_net_load, lib.lam_net_free, c_path(path)), options)
        return net

    def save(self, path) -> None:
        """Write the model as one safetensors file, atomically. Errors: WriteError."""
        with self._turn():
            call(lib.lam_net_save, self._handle.pointer, c_path(path))

    # ---- what it is

    @property
    def notation(self) -> str:
        """Canonical form."""
        return lib.lam_net_notation(self._handle.pointer).decode()

    @property
    def loss_name(self) -> str:
        """The last word of the notation: softmax, svm, mse, logistic."""
        return self.notation.split()[-1]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return sizes_of(lib.lam_net_input(self._handle.pointer).contents)

    @property
    def classes(self) -> int:
        """Scores per sample: classes, or numbers predicted."""
        return lib.lam_net_classes(self._handle.pointer)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, or of the numbers predicted, as the data had them that the network was trained on; of no
        and yes for one score of logistic. Empty where the data had none."""
        names = []
        with self._turn():
            while (name := lib.lam_net_class_name(self._handle.pointer, len(names))) is not None:
                names.append(name.decode(errors="replace"))
        return names

    @property
    def dtype(self) -> np.dtype:
        return dtype_of(self._handle.pointer)

    @property
    def sha256(self) -> str:
        """Digest of all parameters: equal means the same bits."""
        text = (c_char * 65)()
        with self._turn():
            call(lib.lam_net_sha256, self._handle.pointer, text)
        return text.value.decode()

    @property
    def params(self) -> Parameters:
        """Parameters and running statistics by name, in PyTorch's shapes: affine1.weight (out, in).

        Arrays are live views: writing to them changes the network. Weights of an affine layer that follows an image lie
        in another order; theirs are read-only copies: use get and set, or params[name] = array."""
        return self._params

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        """Gradients of the last loss(), by name: views, which show those of each later loss(), or copies as above."""
        if self._grads is None:
            raise ArgumentError("grads: gradients are there after loss(x, y)")
        return self._grads

    def get(self, name: str) -> np.ndarray:
        """A copy of a parameter. Errors: ArgumentError (no such name)."""
        with self._turn():
            return self._params.get_copy(name)

    def set(self, name: str, value) -> None:
        """Change a parameter. Errors: ArgumentError (no such name), ShapeError, DtypeError."""
        with self._turn():
            self._params[name] = value

    def _head(self):
        return f"{self.notation}, input {'x'.join(map(str, self.input_shape))}, {self.dtype}"

    def describe(self) -> str:
        """Layers with the shapes of their outputs and their numbers of trained parameters, as a table."""
        return describe.text(self._head(), describe.rows_of(self._handle.pointer, self.loss_name))

    def __repr__(self) -> str:
        return f"<lamina.Net {self._head()}>"

    def _repr_html_(self) -> str:
        return describe.page(self._head(), describe.rows_of(self._handle.pointer, self.loss_name))

    # ---- threads

    @contextmanager
    def _turn(self):
        """One thread at a time; not while another one trains."""
        trainer = self._trainer
        if trainer is not None and trainer != threading.get_ident():
            raise BusyError("the network is being trained by another thread")
        with self._lock:
            yield

    @contextmanager
    def _training(self):
        with self._turn():
            if self._trainer is not None:
                raise BusyError("the network is being trained: train was called from its callback")
            self._trainer = threading.get_ident()
            try:
                yield
            finally:
                self._trainer = None

    # ---- a loop of one's own

    def _steps(self, n):
        """The session for batches of n samples; a larger one replaces it as long as no step was taken."""
        if self._session is None or (n > self._session_batch and not self._stepped):
            batch = max(n, int(self._options.get("batch") or 0))
            values = options_of({**self._options, "batch": batch})
            self._session = Handle(lib.lam_session_new, lib.lam_session_free, self._handle.pointer, values.pointer,
                                   keeps=[self._handle])
            self._session_batch, self._grads = batch, Gradients(self._handle, self._session)
        return self._session.pointer

    def loss(self, x, y, weights=None) -> float:
        """Loss of a batch with L2, in training mode; its gradients are in `grads` then.

        x        (N, ...) of the input's shape; preprocessing that was fitted by train is applied
        y        (N) labels; for mse and logistic (N) or (N, K) numbers
        weights  (N) of the samples, at least 0; the loss is sum(weight * loss) / sum(weight)
        Errors: ShapeError, DtypeError, FormatError (label out of range), DivergedError (not finite)."""
        x, y = self._samples(x), as_answers(y, "y")
        value, samples, answers = c_double(), tensor(x, "x"), tensor(y, "y")
        with self._turn():
            session = self._steps(len(x))
            if weights is not None:
                call(lib.lam_session_weigh, session, tensor(as_weights(weights, "weights"), "weights"))
            call(lib.lam_session_forward, byref(value), session, samples, answers)
            call(lib.lam_session_backward, session)
        return value.value

    def step(self, lr: Optional[float] = None) -> None:
        """Update parameters and running statistics by the gradients of the last loss(), by option optim (adam).

        lr: learning rate from this step on. Errors: ArgumentError (no loss since the last step)."""
        with self._turn():
            if self._session is None:
                raise ArgumentError("step comes after loss(x, y)")
            if lr is not None:
                call(lib.lam_session_set_lr, self._session.pointer, _number(lr, "lr"))
            call(lib.lam_session_step, self._session.pointer)
            self._stepped = True

    # ---- training

    def train(self, data, callback: Optional[Callable[[training.Epoch], Any]] = None,
              progress: Optional[bool] = None, **options) -> History:
        """Train; afterwards the network has the best weights by validation accuracy (the last ones where there is no
        validation part). Ctrl-C ends it after the present step, and the best weights are kept all the same.

        data      Data, or (x, y)
        callback  gets an Epoch at the end of each epoch; a true result ends the training
        progress  False: show nothing; None: a bar in a terminal or a notebook
        options   epochs, batch, lr, optim, schedule, l2 ...: docs/options.md. They win over those of the network
        Errors: ShapeError, OptionError, DivergedError (the network is as before that step), BusyError."""
        data = Data._of(data)
        values = options_of({**self._options, **options})
        with self._training():
            status, self.history = training.train(self._handle.pointer, data._handle.pointer, values.pointer, callback,
                                                  progress)
            if status:
                raise failed(status)
            return self.history

    @classmethod
    def resume(cls, run, data: Data, callback=None, progress=None, **options) -> Net:
        """Go on with the run folder that train(..., out=run) wrote, as if it had never stopped: the same bits.

        options: what may change: epochs, steps, time, patience, threads. Errors: those of train, ReadError, FormatError,
        BusyError (another process trains there)."""
        data, values, pointer = Data._of(data), options_of(options), c_void_p()
        status, history = training.resume(byref(pointer), c_path(run), data._handle.pointer, values.pointer,
                                          callback, progress)
        if status:
            raise failed(status)
        net = cls.__new__(cls)
        net._begin(Handle.of(pointer, lib.lam_net_free), options)
        net.history = history
        return net

    def check_gradients(self, **options) -> list[GradientCheck]:
        """Compare the gradients of a network of this notation with numeric ones, in double, on random input.

        options: seed, batch, init, init_scale. Errors: CheckError, with the rows as its attribute `rows`."""
        rows, count = POINTER(CheckRow)(), c_size_t()
        shape, values = shape_of(self.input_shape, "input_shape"), options_of({"classes": self.classes, **options})
        status = lib.lam_check(byref(rows), byref(count), self.notation.encode(), byref(shape), values.pointer)
        checks = [GradientCheck(rows[i].name.decode(), *(getattr(rows[i], name) for name in GradientCheck._fields[1:]))
                  for i in range(count.value)]
        lib.lam_check_free(rows)
        if status:
            error = failed(status)
            error.rows = checks
            raise error
        return checks

    # ---- use

    def _predictor(self):
        if self._predict_session is None:
            values = options_of(self._options)
            self._predict_session = Handle(lib.lam_session_new_predict, lib.lam_session_free, self._handle.pointer,
                                           values.pointer, keeps=[self._handle])
        return self._predict_session.pointer

    def scores(self, x) -> np.ndarray:
        """(N, classes) of the network's dtype, in inference mode, before the loss layer; of a network of mse its
        predictions, in the units of its data. x (N, ...); N may be 0. Errors: ShapeError, DtypeError."""
        x = self._samples(x)
        out, batch = np.empty((len(x), self.classes), self.dtype), int(self._options.get("batch") or 100)
        with self._turn():
            for first in range(0, len(x), batch):
                call(lib.lam_session_predict, self._predictor(), out_tensor(out[first : first + batch], "scores"),
                     tensor(x[first : first + batch], "x"))
        return out

    def predict(self, x) -> np.ndarray:
        """(N) classes; for mse the numbers (N, K); for logistic 0 and 1, (N) with one score, else (N, K)."""
        scores = self.scores(x)
        if self.loss_name == "mse":
            return scores
        if self.loss_name == "logistic":
            answers = (scores > 0).astype(np.int64)
            return answers[:, 0] if self.classes == 1 else answers
        return scores.argmax(axis=1)

    def probabilities(self, x) -> np.ndarray:
        """(N, classes) in the network's dtype: softmax or the logistic function of the scores. Errors: ArgumentError
        (a loss that has none)."""
        if self.loss_name not in ("softmax", "logistic"):
            raise ArgumentError(f"probabilities: {self.loss_name} has none; softmax and logistic do")
        scores = self.scores(x)
        if self.loss_name == "logistic":
            return 0.5 * (1 + np.tanh(0.5 * scores))
        powers = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        return powers / powers.sum(axis=1, keepdims=True)

    def evaluate(self, data, part: str = "test") -> dict[str, float]:
        """count, loss, accuracy, r2, rmse and mae on a part of a Data ("train", "val", "test"), or on (x, y): lamina.h
        says what they are. What does not apply is NaN. Errors: ShapeError, ArgumentError (no such part)."""
        number = part_number(part)
        if not isinstance(data, Data):
            data, number = Data._of(data, self._label_count()), part_number("train")
        metrics, values = Metrics(), options_of(self._options)
        with self._turn():
            call(lib.lam_eval, byref(metrics), self._handle.pointer, data._handle.pointer, number, values.pointer)
        return {name: getattr(metrics, name) for name, _ in Metrics._fields_}

    def _samples(self, x):
        """x as the library takes it: (N, ...) of the input's shape, or rows; a network of rows takes any shape. Sizes of
        1 do not count. Error: ShapeError."""
        x, wanted = as_samples(x, "x"), self.input_shape
        shape = x.shape[1:]
        if x.ndim == 0 or x.size and not (_without_ones(shape) == _without_ones(wanted) or (
                math.prod(shape) == math.prod(wanted) and 1 in (len(wanted), len(shape)))):
            raise ShapeError(f"x is {'x'.join(map(str, x.shape)) or 'scalar'}; the network takes N x "
                             f"{'x'.join(map(str, wanted))}")
        return x

    def _label_count(self):
        return self.classes if self.loss_name in ("softmax", "svm") else 0

    # ---- copies: through the model file

    def __getstate__(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.save(path)
            with open(path, "rb") as file:
                return {"model": file.read(), "options": self._options}

    def __setstate__(self, state):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            with open(path, "wb") as file:
                file.write(state["model"])
            self._begin(Handle(lib.lam_net_load, lib.lam_net_free, c_path(path)), state["options"])
