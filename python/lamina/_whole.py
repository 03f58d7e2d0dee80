"""Trains a course's model as one network of the library, for the Solvers: a step is then a call for the forward pass, one for
the backward pass and one for the update, in place of one for each layer and parameter. Parameters, running statistics and the
rule's state are the library's meanwhile; `write_back` puts them where the course has them."""
from ctypes import byref, c_double

import numpy as np

from . import _updates
from ._arrays import DTYPES, out_tensor, shape_of, tensor
from ._binding import call, lib
from ._descriptions import description_of
from ._handle import Handle
from ._layers import real_type
from ._options import options_of
from .errors import ArgumentError, Error, ShapeError
from .parameters import Parameters

LONG_ROW = 256  # elements: from here on samples are copied one by one, without an array of the batch in between


def whole_of(solver):
    """A Whole of the solver's model, training data, update rule and its state; None where something is not ours, or not as
    the library has it: then the model's own loss and the rule are right."""
    rule = solver.our_rule()
    description = rule and description_of(solver.model, solver.X_train)
    if not description:
        return None
    try:
        fits = _Fit(solver, description, rule)
        return Whole(solver, description, rule, fits) if fits.all else None
    except (Error, OverflowError, ValueError):
        return None  # the layers say what is wrong with it


class _Fit:
    """What the model and its Solver have, as arrays of NumPy. `all`: a network of the library can be as they are."""

    def __init__(self, solver, description, rule):
        self.solver = solver
        self.X, self.y = solver.plain(solver.X_train), solver.plain(solver.y_train)
        self.params = {p: solver.plain(w) for p, w in solver.model.params.items()}
        self.all = (self.params.keys() == description.names.keys() == solver.optim_configs.keys()
                    and self._arrays_fit(description) and self._configs_fit(_updates.RULES[rule]))

    def _arrays_fit(self, description):
        """Everything is of the type that is computed with, so that no step changes a type."""
        solver = self.solver
        sample = solver.cast(solver.X_train[:0], description.dtype)
        self.kind = type(sample)
        if (not all(type(a) in (np.ndarray, np.memmap, self.kind) for a in (solver.X_train, solver.y_train))
                or not all(type(w) is self.kind for w in solver.model.params.values())
                or not all(a.dtype in DTYPES for a in (self.X, self.y, *self.params.values()))):
            return False
        sample, casts = solver.plain(sample), description.dtype is not None
        self.dtype = real_type(sample) if casts else real_type(sample, *self.params.values())
        return ((sample.dtype == self.dtype or not casts) and all(w.dtype == self.dtype for w in self.params.values())
                and self.y.dtype.kind in "iu" and isinstance(solver.batch_size, (int, np.integer)) and solver.batch_size > 0)

    def _configs_fit(self, rule):
        """All parameters have the same numbers, and states are like them."""
        self.configs = [self.solver.optim_configs[p] for p in self.params]
        filled = [{**rule.defaults, **config} for config in self.configs]
        numbers = [[_updates.number(config, key) for key in rule.defaults] for config in filled]
        return (all(config.keys() <= _updates.KEYS for config in self.configs) and all(n == numbers[0] for n in numbers)
                and all(self._state_fits(config.get(state), w) for state in rule.states
                        for config, w in zip(self.configs, self.params.values())))

    def _state_fits(self, state, w):
        if state is None:
            return True
        array = self.solver.plain(state)
        return type(state) is self.kind and array.dtype == self.dtype and array.shape == w.shape


class Whole:
    """A network in training. Errors of the library as Error."""

    def __init__(self, solver, description, rule, fits):
        self.solver, self.names, self.norms, self.rule = solver, description.names, description.norms, _updates.RULES[rule]
        self.X, self.y, self.configs = fits.X, fits.y, fits.configs
        self.params_changed = self.states_changed = False  # since they were written back
        shape, options = shape_of(description.input, "input"), options_of({"dtype": fits.dtype, "init_scale": 0.0})
        self.net = Handle(lib.lam_net_new, lib.lam_net_free, description.notation.encode(), byref(shape), options.pointer)
        self.params = Parameters(self.net)
        for name, w in fits.params.items():
            self._put(name, w)
        for norm, bn_param in zip(self.norms, solver._norm_params()):
            for name in ("running_mean", "running_var"):
                value = bn_param.get(name)
                self.params[f"{norm}.{name}"] = np.zeros(self.params[f"{norm}.{name}"].shape) if value is None \
                    else solver.plain(value)
        self.batch = np.empty((int(solver.batch_size), *self.X.shape[1:]), fits.dtype)
        self.rows = list(self.batch)
        self.long = self.batch[0].size >= LONG_ROW
        self._open(description, fits)

    def _open(self, description, fits):
        """The session, with the rule's state. The defaults of the rule are in its configs then, as after a step of it."""
        for config in self.configs:
            _updates.complete(config, self.rule)
        first = self.configs[0]
        numbers = {option: float(first[key]) for key, option in self.rule.options.items()}
        options = options_of({"optim": self.rule.optim, "batch": len(self.rows), "l2": description.l2, **numbers})
        self.session = Handle(lib.lam_session_new, lib.lam_session_free, self.net.pointer, options.pointer,
                              keeps=[self.net])
        self.lr = None
        if "t" in self.rule.defaults:
            lib.lam_session_set_steps(self.session.pointer, int(first["t"]))
        for state in self.rule.states:
            for p, config in zip(fits.params, self.configs):
                if config.get(state) is not None:
                    value = self.solver.plain(config[state])
                    call(lib.lam_session_set_state, self.session.pointer, self.names[p].encode(), state.encode(),
                         tensor(_turned(value), state))

    def _put(self, p, w):
        """Set a parameter: in the network's memory where that has the order of a matrix."""
        array = self.params[self.names[p]]
        if array.shape != _turned(w).shape:
            raise ShapeError(f"{p} has the shape {w.shape}")
        if array.flags.writeable:
            array[...] = _turned(w)
        else:
            self.params[self.names[p]] = _turned(w)

    def step(self, drawn):
        """One iteration on the samples drawn; returns the loss. Error: Error; nothing has changed then."""
        drawn = self.solver.plain(drawn)
        if drawn.ndim != 1 or drawn.dtype.kind != "i" or len(drawn) > len(self.rows):
            raise ArgumentError("a batch is drawn as at most batch_size indices")
        loss, session, samples = c_double(), self.session.pointer, self._gathered(drawn)
        call(lib.lam_session_forward, byref(loss), session, samples, tensor(self.y[drawn], "y"))
        lr = float(self.configs[0]["learning_rate"])
        if lr != self.lr:
            call(lib.lam_session_set_lr, session, lr)
            self.lr = lr
        self.params_changed = self.states_changed = True
        call(lib.lam_session_backward, session)
        call(lib.lam_session_step, session)
        return loss.value

    def _gathered(self, indices):
        """These samples as a tensor of the network's type, in the memory of the ones before."""
        if self.long:
            for row, i in zip(self.rows, indices.tolist()):
                row[...] = self.X[i]
        else:
            self.batch[:len(indices)] = self.X[indices]
        return tensor(self.batch[:len(indices)], "X")

    def write_back(self, states):
        """Parameters and running statistics into the model; with `states` the rule's state into its configs, too."""
        if self.params_changed:
            self._write_params()
            self.params_changed = False
        if states and self.states_changed:
            self._write_states()
            self.states_changed = False

    def _write_params(self):
        solver, model = self.solver, self.solver.model
        for p, name in self.names.items():
            if model.params[p] is not solver._own.get(p):
                model.params[p] = solver._own[p] = solver.empty_like(model.params[p])
            solver.plain(model.params[p])[...] = _turned(self.params[name])
        for norm, bn_param in zip(self.norms, solver._norm_params()):
            for name in ("running_mean", "running_var"):
                bn_param[name] = solver.like(model.params[p], np.array(self.params[f"{norm}.{name}"]))

    def _write_states(self):
        solver, session = self.solver, self.session.pointer
        for p, name in self.names.items():
            config, w = solver.optim_configs[p], solver.model.params[p]
            for state in self.rule.states:
                value = np.empty(_turned(solver.plain(w)).shape, self.batch.dtype)
                call(lib.lam_session_state, session, name.encode(), state.encode(), out_tensor(value, state))
                config[state] = solver.like(w, np.ascontiguousarray(_turned(value)))
            if "t" in self.rule.defaults:
                config["t"] = lib.lam_session_steps(session)


def _turned(w):
    """Between the courses' weights of an affine layer, (in, out), and the library's, (out, in)."""
    return w.T if w.ndim == 2 else w
