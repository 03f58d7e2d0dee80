"""The course's Solver: minibatches, update rules, accuracies. Beside the course's it can resume from a checkpoint, and
gives the best parameters back with the running statistics that they had."""
import os
import pickle

import numpy as np

from . import optim

_STATISTICS = ("running_mean", "running_var")


class Solver(object):
    """Trains a model on data.

    model   an object with params, a dictionary of arrays, and loss(X, y): (loss, grads), grads with the keys of params;
            loss(X): scores (N, C)
    data    a dictionary of X_train (N, ...), y_train (N), X_val, y_val

    Keyword arguments:
    update_rule "sgd"; optim_config {} (its config; learning_rate ...); lr_decay 1.0 (factor of the learning rate after
    each epoch); batch_size 100; num_epochs 10; print_every 10 (iterations); verbose True; num_train_samples 1000 and
    num_val_samples None (how many an accuracy is measured on; None: all); checkpoint_name None (a checkpoint
    <name>_epoch_<n>.pkl is written each time the accuracies are measured).
    Error: ValueError for others, and for an update rule that there is none of.

    Afterwards: loss_history (each iteration), train_acc_history and val_acc_history (first iteration and each epoch),
    best_val_acc, best_params; model.params are the best ones by validation accuracy."""

    def __init__(self, model, data, **kwargs):
        self.model = model
        self.X_train, self.y_train = data["X_train"], data["y_train"]
        self.X_val, self.y_val = data["X_val"], data["y_val"]
        self.update_rule = kwargs.pop("update_rule", "sgd")
        self.optim_config = kwargs.pop("optim_config", {})
        self.lr_decay = kwargs.pop("lr_decay", 1.0)
        self.batch_size = kwargs.pop("batch_size", 100)
        self.num_epochs = kwargs.pop("num_epochs", 10)
        self.num_train_samples = kwargs.pop("num_train_samples", 1000)
        self.num_val_samples = kwargs.pop("num_val_samples", None)
        self.checkpoint_name = kwargs.pop("checkpoint_name", None)
        self.print_every = kwargs.pop("print_every", 10)
        self.verbose = kwargs.pop("verbose", True)
        if kwargs:
            raise ValueError("Unrecognized arguments %s" % ", ".join('"%s"' % k for k in kwargs))
        if not hasattr(optim, self.update_rule):
            raise ValueError('Invalid update_rule "%s"' % self.update_rule)
        self.update_rule = getattr(optim, self.update_rule)
        self._reset()

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

    def _step(self):
        """One iteration."""
        batch = np.random.choice(self.X_train.shape[0], self.batch_size)
        loss, grads = self.model.loss(self.X_train[batch], self.y_train[batch])
        self.loss_history.append(loss)
        for p, w in self.model.params.items():
            self.model.params[p] = self._own[p] = self._update(p, w, grads[p])

    def _update(self, p, w, dw):
        """The next w. With a rule of ours it is a new array in the first iteration, and the same in those that follow."""
        config = self.optim_configs[p]
        if w is self._own.get(p) and w.dtype == dw.dtype:
            if optim._update_in_place(self.update_rule, w, dw, config) is w:
                return w
        next_w, self.optim_configs[p] = self.update_rule(w.copy(), dw, config)
        return next_w

    def _norm_params(self):
        """The dictionaries of the model's normalisations."""
        return getattr(self.model, "bn_params", [])

    def _keep_best(self, accuracy):
        if accuracy > self.best_val_acc:
            self.best_val_acc = accuracy
            self.best_params = {k: v.copy() for k, v in self.model.params.items()}
            self.best_statistics = [{k: p[k].copy() for k in _STATISTICS if k in p} for p in self._norm_params()]

    def _give_best(self):
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
        names = ("model", "lr_decay", "optim_config", "batch_size", "num_train_samples", "num_val_samples", "epoch",
                 "loss_history", "train_acc_history", "val_acc_history", "iteration", "optim_configs", "best_val_acc",
                 "best_params", "best_statistics")
        checkpoint = {name: getattr(self, name) for name in names}
        checkpoint.update(update_rule=self.update_rule.__name__, random_state=np.random.get_state())
        with open(filename + ".part", "wb") as f:
            pickle.dump(checkpoint, f)
        os.replace(filename + ".part", filename)

    def resume(self, filename):
        """Go on from a checkpoint: train() then continues as if it had never stopped, with the same numbers. Data and
        keyword arguments are those given here; the state of NumPy's random numbers is the checkpoint's. Pickles can run
        code: load only your own. Error: ValueError (other parameters, or another update rule)."""
        with open(filename, "rb") as f:
            checkpoint = pickle.load(f)
        shapes = {k: v.shape for k, v in self.model.params.items()}
        if {k: v.shape for k, v in checkpoint["model"].params.items()} != shapes:
            raise ValueError(f"{filename} is a checkpoint of another model")
        if checkpoint["update_rule"] != self.update_rule.__name__:
            raise ValueError(f"{filename} was trained with {checkpoint['update_rule']}")
        self._reset()
        self.model.params = checkpoint["model"].params
        for param, saved in zip(self._norm_params(), getattr(checkpoint["model"], "bn_params", [])):
            param.update(saved)
        for name in ("epoch", "loss_history", "train_acc_history", "val_acc_history", "iteration", "optim_configs",
                     "best_val_acc", "best_params", "best_statistics"):
            setattr(self, name, checkpoint[name])
        np.random.set_state(checkpoint["random_state"])

    def check_accuracy(self, X, y, num_samples=None, batch_size=100):
        """Fraction of X (N, ...) whose largest score is that of its label in y (N). num_samples: on so many, drawn at
        random. batch_size: scores are computed for so many at once."""
        if num_samples is not None and X.shape[0] > num_samples:
            drawn = np.random.choice(X.shape[0], num_samples)
            X, y = X[drawn], y[drawn]
        scores = [np.argmax(self.model.loss(X[i:i + batch_size]), axis=1) for i in range(0, X.shape[0], batch_size)]
        return np.mean(np.hstack(scores) == y)

    def train(self):
        """Train for num_epochs; after resume, for those that are left."""
        per_epoch = max(self.X_train.shape[0] // self.batch_size, 1)
        iterations = self.num_epochs * per_epoch
        first, self.iteration = self.iteration, 0
        for t in range(first, iterations):
            self._step()
            if self.verbose and t % self.print_every == 0:
                print("(Iteration %d / %d) loss: %f" % (t + 1, iterations, self.loss_history[-1]))
            epoch_end = (t + 1) % per_epoch == 0
            if epoch_end:
                self.epoch += 1
                for config in self.optim_configs.values():
                    config["learning_rate"] *= self.lr_decay
            if t == 0 or t == iterations - 1 or epoch_end:
                self._measure(t + 1)
        self._give_best()

    def _measure(self, iteration):
        """Accuracies, the best parameters, a checkpoint."""
        train_acc = self.check_accuracy(self.X_train, self.y_train, num_samples=self.num_train_samples)
        val_acc = self.check_accuracy(self.X_val, self.y_val, num_samples=self.num_val_samples)
        self.train_acc_history.append(train_acc)
        self.val_acc_history.append(val_acc)
        self._keep_best(val_acc)
        self.iteration = iteration
        self._save_checkpoint()
        self.iteration = 0
        if self.verbose:
            print("(Epoch %d / %d) train acc: %f; val_acc: %f" % (self.epoch, self.num_epochs, train_acc, val_acc))
