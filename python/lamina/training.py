"""Runs lam_train and lam_resume with a callback, a display, and Ctrl-C as a way to stop."""
import signal
import threading
from contextlib import contextmanager
from typing import NamedTuple

from . import progress as displays
from ._binding import Callback, lib
from .history import History


class Epoch(NamedTuple):
    """Where a training stands at the end of an epoch: epochs done, and in all (0: only time limits it), steps done, the
    loss of the last batch, accuracies as in History, learning rate, seconds since the beginning."""

    epoch: int
    epochs: int
    step: int
    loss: float
    train_accuracy: float
    val_accuracy: float
    best_accuracy: float
    lr: float
    seconds: float


@contextmanager
def _interrupts(ask_to_stop):
    """Ctrl-C asks for the end of the training; pressed again, it is Python's. Only the main thread gets signals."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return

    def handler(number, frame):
        signal.signal(signal.SIGINT, before)
        ask_to_stop()

    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Training:
    """One training: the callback that the library calls after each step, and what it leaves."""

    def __init__(self, callback, progress):
        self.history = History()
        self._callback, self._display = callback, displays.make(progress)
        self._asked, self._error = False, None

    def _ask_to_stop(self):
        self._asked = True

    def _step(self, pointer, _):
        try:
            now = pointer.contents
            self.history._add(now)
            if now.epoch_end and self._callback is not None:
                if self._callback(Epoch(*(getattr(now, name) for name in Epoch._fields))):
                    self._asked = True
            self._display.show(now, now.step == now.steps or self._asked)
        except BaseException as error:  # it goes on in run(), after the library has come to its end
            self._error, self._asked = error, True
        self.history.interrupted = self._asked
        return self._asked

    def run(self, function, *args):
        """Calls lam_train or lam_resume, which take the callback last. Returns the status. What the callback raised is
        raised again: the network then has its best weights."""
        try:
            with _interrupts(self._ask_to_stop):
                status = function(*args, Callback(self._step), None)
        finally:
            self._display.close()
        if self._error is not None:
            raise self._error
        return status


def train(net, data, options, callback, progress):
    """lam_train. Returns the status and the History."""
    training = Training(callback, progress)
    return training.run(lib.lam_train, net, data, options), training.history


def resume(net, run, data, options, callback, progress):
    """lam_resume; net: byref of the handle that is filled in. Returns the status and the History."""
    training = Training(callback, progress)
    return training.run(lib.lam_resume, net, run, data, options), training.history
