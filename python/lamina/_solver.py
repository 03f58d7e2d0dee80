"""What the two courses' Solvers have in common. Theirs differ in how batches are drawn, in what is printed, and in the
kind of arrays."""
import os
import pickle
from contextlib import contextmanager

import numpy as np

from ._whole import whole_of
from .errors import Error

STATISTICS = ("running_mean", "running_var")
DEFAULTS = {"optim_config": {}, "lr_decay": 1.0, "batch_size": 100, "num_epochs": 10, "print_every": 10, "verbose": True,
            "num_train_samples": 1000, "num_val_samples": None, "checkpoint_name": None}
KEPT = ("epoch", "loss_history", "train_acc_history", "val_acc_history", "iteration", "optim_configs", "best_val_acc",
        "best_params", "best_statistics")


class Solver(object):
    """A course's Solver says how to:

    draw(n, count)          count indices below n for an accuracy
    draw_batch(n, count)    the same for a batch
    copy(array), plain(array): a copy; an array of NumPy
    number(loss), loss_number(value): what goes to loss_history, of the model's loss or of a float
    update_in_place(rule, w, dw, config): w, or None where the rule is not ours
    our_rule()              name of the update rule, None where it is not ours
    cast(x, dtype)          samples x as a model computes with them that casts to dtype, None: that does not cast
    like(w, array), empty_like(w): an array of NumPy as what w is; a new array like w
    random_state(), set_random_state(state)"""

    def __init__(self, model, data, defaults, **kwargs):
        self.model = model
        self.X_train, self.y_train = data["X_train"], data["y_train"]
        self.X_val, self.y_val = data["X_val"], data["y_val"]
        for name, default in {**DEFAULTS, **defaults}.items():
            setattr(self, name, kwargs.pop(name, default))
        if kwargs:
            raise ValueError("Unrecognized arguments %s" % ", ".join('"%s"' % k for k in kwargs))

    def _reset(self):
        """Begin anew: histories and states of the update rule."""
        self.epoch = 0
        self.iteration = 0
        self.best_val_acc = 0
        self.best_params = {}
        self.best_statistics = []
        self.loss_history = []
        self.train_acc_history = []
        self.val_acc_history = []
        self.optim_configs = {p: dict(self.optim_config) for p in self.model.params}
        self._own = {}  # the parameters that nobody else has: they may be changed in place

    # ---- one network of the library: see _whole.py

    _whole = None  # it, while train() runs and the model is one of ours
    _tries = 0  # how often a step still has to ask for it: types may be those they will be only after a first step

    @contextmanager
    def _training(self):
        """Around what train() does."""
        self._tries = 2
        try:
            yield
        finally:
            self._tries = 0
            self._end_whole()

    def _end_whole(self):
        if self._whole:
            self._whole.write_back(states=True)
        self._whole = None

    def _step_whole(self, batch):
        """An iteration in one network; False where there is none, or no more."""
        if not self._whole and self._tries and type(self)._update is Solver._update:
            self._tries -= 1
            self._whole = whole_of(self)
        if not self._whole:
            return False
        try:
            loss = self._whole.step(batch)
        except Error:  # the loss is not finite, or a label is out of range: the layers go on, or say so
            self._tries = 0
            self._end_whole()
            return False
        self.loss_history.append(self.loss_number(loss))
        return True

    # ---- training

    def _step(self):
        """One iteration."""
        batch = self.draw_batch(self.X_train.shape[0], self.batch_size)
        if not self._step_whole(batch):
            self._step_by_layers(batch)

    def _step_by_layers(self, batch):
        loss, grads = self.model.loss(self.X_train[batch], self.y_train[batch])
        self.loss_history.append(self.number(loss))
        for p, w in self.model.params.items():
            self.model.params[p] = self._own[p] = self._update(p, w, grads[p])

    def _update(self, p, w, dw):
        """The next w. With a rule of ours it is a new array in the first iteration, and the same in those that follow."""
        config = self.optim_configs[p]
        if w is self._own.get(p) and w.dtype == dw.dtype:
            if self.update_in_place(self.update_rule, w, dw, config) is w:
                return w
        next_w, self.optim_configs[p] = self.update_rule(self.copy(w), dw, config)
        return next_w

    def _decay(self):
        for config in self.optim_configs.values():
            config["learning_rate"] *= self.lr_decay

    def _norm_params(self):
        """The dictionaries of the model's normalisations."""
        return getattr(self.model, "bn_params", [])

    def _keep_best(self, accuracy):
        if accuracy > self.best_val_acc:
            self.best_val_acc = accuracy
            self.best_params = {k: self.copy(v) for k, v in self.model.params.items()}
            self.best_statistics = [{k: self.copy(p[k]) for k in STATISTICS if k in p} for p in self._norm_params()]

    def _give_best(self):
        """The best parameters, with the running statistics that they had; the last ones where nothing was right."""
        if self.best_params:
            self.model.params = self.best_params
            for param, best in zip(self._norm_params(), self.best_statistics):
                param.update(best)

    def _save_checkpoint(self):
        if self.checkpoint_name is None:
            return
        filename = "%s_epoch_%d.pkl" % (self.checkpoint_name, self.epoch)
        if self.verbose:
            print('Saving checkpoint to "%s"' % filename)
        names = ("model", "lr_decay", "optim_config", "batch_size", "num_train_samples", "num_val_samples", *KEPT)
        checkpoint = {name: getattr(self, name) for name in names}
        checkpoint.update(update_rule=self.update_rule.__name__, random_state=self.random_state())
        with open(filename + ".part", "wb") as f:
            pickle.dump(checkpoint, f)
        os.replace(filename + ".part", filename)

    def resume(self, filename):
        """Go on from a checkpoint: train() then continues as if it had never stopped, with the same numbers. Data and
        keyword arguments are those given to this Solver; the state of the random numbers is the checkpoint's. Pickles can
        run code: load only your own. Error: ValueError (another model, or another update rule)."""
        with open(filename, "rb") as f:
            checkpoint = pickle.load(f)
        saved = checkpoint["model"]
        if {k: v.shape for k, v in saved.params.items()} != {k: v.shape for k, v in self.model.params.items()}:
            raise ValueError(f"{filename} is a checkpoint of another model")
        if checkpoint["update_rule"] != self.update_rule.__name__:
            raise ValueError(f"{filename} was trained with {checkpoint['update_rule']}")
        self._reset()
        self.model.params = saved.params
        for param, before in zip(self._norm_params(), getattr(saved, "bn_params", [])):
            param.update(before)
        for name in KEPT:
            setattr(self, name, checkpoint[name])
        self.set_random_state(checkpoint["random_state"])

    def check_accuracy(self, X, y, num_samples=None, batch_size=100):
        """Fraction of X (N, ...) whose largest score is that of its label in y (N). num_samples: on so many, drawn at
        random. batch_size: scores are computed for so many at once."""
        count, drawn = X.shape[0], None
        if not count:
            raise ValueError("accuracy: there are no samples")
        if num_samples is not None and count > num_samples:
            count, drawn = num_samples, self.draw(count, num_samples)
            y = y[drawn]
        parts = [slice(i, min(i + batch_size, count)) for i in range(0, count, batch_size)]
        best = [np.argmax(self.plain(self.model.loss(X[part if drawn is None else drawn[part]])), axis=1)
                for part in parts]
        return np.mean(np.hstack(best) == self.plain(y))

    def _measure(self, iteration):
        """Accuracies, the best parameters, a checkpoint. Returns the accuracies."""
        if self._whole:
            self._whole.write_back(states=self.checkpoint_name is not None)
        train_acc = self.check_accuracy(self.X_train, self.y_train, num_samples=self.num_train_samples)
        val_acc = self.check_accuracy(self.X_val, self.y_val, num_samples=self.num_val_samples)
        self.train_acc_history.append(train_acc)
        self.val_acc_history.append(val_acc)
        self._keep_best(val_acc)
        self.iteration = iteration  # a checkpoint's; training by itself begins at 0
        self._save_checkpoint()
        self.iteration = 0
        return train_acc, val_acc

    def _iterations(self):
        """Iterations of an epoch, and of all."""
        per_epoch = max(self.X_train.shape[0] // self.batch_size, 1)
        return per_epoch, self.num_epochs * per_epoch

    def _first_iteration(self):
        first, self.iteration = self.iteration, 0
        return first
