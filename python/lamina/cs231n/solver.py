"""The course's Solver: minibatches, update rules, accuracies. Beside the course's it can resume from a checkpoint, and
gives the best parameters back with the running statistics that they had."""
import numpy as np

from .. import _solver
from . import optim


class Solver(_solver.Solver):
    """Trains a model on data.

    model   an object with params, a dictionary of arrays, and loss(X, y): (loss, grads), grads with the keys of params;
            loss(X): scores (N, C)
    data    a dictionary of X_train (N, ...), y_train (N), X_val, y_val

    Keyword arguments:
    update_rule "sgd" (a function of optim); optim_config {} (its config; learning_rate ...); lr_decay 1.0 (factor of the
    learning rate after each epoch); batch_size 100; num_epochs 10; print_every 10 (iterations); verbose True;
    num_train_samples 1000 and num_val_samples None (how many an accuracy is measured on; None: all); checkpoint_name None
    (a checkpoint <name>_epoch_<n>.pkl is written each time the accuracies are measured).
    Error: ValueError for others, and for an update rule that there is none of.

    Afterwards: loss_history (each iteration), train_acc_history and val_acc_history (first iteration and each epoch),
    best_val_acc, best_params; model.params are the best ones by validation accuracy."""

    def __init__(self, model, data, **kwargs):
        super().__init__(model, data, {"update_rule": "sgd"}, **kwargs)
        if not hasattr(optim, self.update_rule):
            raise ValueError('Invalid update_rule "%s"' % self.update_rule)
        self.update_rule = getattr(optim, self.update_rule)
        self._reset()

    draw = draw_batch = staticmethod(np.random.choice)
    copy = staticmethod(np.copy)
    plain = staticmethod(np.asarray)
    number = staticmethod(lambda loss: loss)
    loss_number = staticmethod(np.float64)
    empty_like = staticmethod(np.empty_like)
    like = staticmethod(lambda w, array: array)
    cast = staticmethod(lambda x, dtype: np.asarray(x).astype(dtype or x.dtype, copy=False))
    update_in_place = staticmethod(optim._update_in_place)
    random_state = staticmethod(np.random.get_state)
    set_random_state = staticmethod(np.random.set_state)

    def our_rule(self):
        return self.update_rule.__name__ if self.update_rule in optim._OURS else None

    def train(self):
        """Train for num_epochs; after resume, for those that are left."""
        with self._training():
            per_epoch, iterations = self._iterations()
            for t in range(self._first_iteration(), iterations):
                self._step()
                if self.verbose and t % self.print_every == 0:
                    print("(Iteration %d / %d) loss: %f" % (t + 1, iterations, self.loss_history[-1]))
                epoch_end = (t + 1) % per_epoch == 0
                if epoch_end:
                    self.epoch += 1
                    self._decay()
                if t == 0 or t == iterations - 1 or epoch_end:
                    accuracies = self._measure(t + 1)
                    if self.verbose:
                        print("(Epoch %d / %d) train acc: %f; val_acc: %f" % (self.epoch, self.num_epochs, *accuracies))
        self._give_best()
