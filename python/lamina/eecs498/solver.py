"""The course's Solver: minibatches, update rules, accuracies, a limit of time. Beside the course's it can resume from a
checkpoint, and gives the best parameters back with the running statistics that they had."""
import time

from .. import _solver
from . import optim
from ._tensors import (array, cast, check_device, copy, empty_like, like, number_like, permutation, random_state,
                       set_random_state)


class Solver(_solver.Solver):
    """Trains a model on data, tensors or arrays.

    model   an object with params, a dictionary of tensors, and loss(X, y): (loss, grads), grads with the keys of params;
            loss(X): scores (N, C)
    data    a dictionary of X_train (N, ...), y_train (N), X_val, y_val

    Keyword arguments:
    update_rule sgd (a function (w, dw, config) that returns (next_w, config)); optim_config {} (its config); lr_decay 1.0
    (factor of the learning rate after each epoch); batch_size 100; num_epochs 10; print_every 10 (iterations);
    print_acc_every 1 (epochs); verbose True; num_train_samples 1000 and num_val_samples None (how many an accuracy is
    measured on; None: all); checkpoint_name None (a checkpoint <name>_epoch_<n>.pkl is written each time the accuracies
    are measured); device "cpu". Errors: ValueError for others; DeviceError.

    Afterwards: loss_history (each iteration), train_acc_history and val_acc_history (first iteration and each epoch),
    best_val_acc, best_params."""

    sgd = staticmethod(optim.sgd)

    def __init__(self, model, data, **kwargs):
        super().__init__(model, data, {"update_rule": self.sgd, "print_acc_every": 1, "device": "cpu"}, **kwargs)
        check_device(self.device)
        self._reset()

    copy = staticmethod(copy)
    cast = staticmethod(cast)
    like = staticmethod(like)
    empty_like = staticmethod(empty_like)
    update_in_place = staticmethod(optim._update_in_place)
    random_state = staticmethod(random_state)
    set_random_state = staticmethod(set_random_state)

    def draw(self, n, count):
        return permutation(self.X_train, n)[:count]

    draw_batch = draw

    def number(self, loss):
        return float(loss)

    def loss_number(self, value):
        return float(number_like(next(iter(self.model.params.values())), value))

    def our_rule(self):
        return self.update_rule.__name__ if self.update_rule in optim._OURS else None

    def plain(self, x):
        return array(x, "scores")

    def check_accuracy(self, X, y, num_samples=None, batch_size=100):
        return float(super().check_accuracy(X, y, num_samples, batch_size))

    def train(self, time_limit=None, return_best_params=True):
        """Train for num_epochs; after resume, for those that are left. time_limit: seconds; training ends before the next
        iteration would exceed it. return_best_params: model.params are the best ones by validation accuracy afterwards,
        else the last ones."""
        with self._training():
            self._loop(time_limit)
        if return_best_params:
            self._give_best()

    def _loop(self, time_limit):
        per_epoch, iterations = self._iterations()
        first = self._first_iteration()
        before = start = time.time()
        for t in range(first, iterations):
            now = time.time()
            if time_limit is not None and t > first and now - start + now - before > time_limit:
                self._print_loss(now - start, t, iterations)
                print("End of training; next iteration will exceed the time limit.")
                break
            before = now
            self._step()
            if self.verbose and t % self.print_every == 0:
                self._print_loss(time.time() - start, t + 1, iterations)
            epoch_end = (t + 1) % per_epoch == 0
            if epoch_end:
                self.epoch += 1
                self._decay()
            if t == 0 or t == iterations - 1 or epoch_end:
                accuracies = self._measure(t + 1)
                if self.verbose and self.epoch % self.print_acc_every == 0:
                    print("(Epoch %d / %d) train acc: %f; val_acc: %f" % (self.epoch, self.num_epochs, *accuracies))

    def _print_loss(self, seconds, iteration, iterations):
        print("(Time %.2f sec; Iteration %d / %d) loss: %f" % (seconds, iteration, iterations, self.loss_history[-1]))
