"""What a training left behind."""
from __future__ import annotations

import numpy as np

STEPS = {"loss": "loss", "lr": "lr"}
EPOCHS = {"epoch": "epoch", "epoch_step": "step", "train_accuracy": "train_accuracy", "val_accuracy": "val_accuracy",
          "seconds": "seconds"}


class History:
    """The course of a training, as arrays.

    loss, lr                       of each step (steps): of its batch, with L2; learning rate
    epoch, epoch_step, seconds     of each epoch's end (epochs): its number, steps done, time since the beginning
    train_accuracy, val_accuracy   at these steps: fraction of right answers, or R2 where numbers are predicted;
                                   NaN without a validation part
    best_accuracy                  the best one: that of the weights that were kept
    samples_per_second             mean speed of the steps
    warnings                       what looked wrong, and what to try
    interrupted                    Ctrl-C, or the callback, ended it"""

    def __init__(self):
        self._rows = {name: [] for name in (*STEPS, *EPOCHS)}
        self.best_accuracy = self.samples_per_second = float("nan")
        self.warnings: list[str] = []
        self.interrupted = False
        self.values = False

    def _add(self, progress):
        for name, field in STEPS.items():
            self._rows[name].append(getattr(progress, field))
        if progress.epoch_end:
            for name, field in EPOCHS.items():
                self._rows[name].append(getattr(progress, field))
        if progress.warning:
            self.warnings.append(progress.warning.decode())
        self.best_accuracy = progress.best_accuracy
        self.samples_per_second = progress.samples_per_second
        self.values = bool(progress.values)

    def __getattr__(self, name):
        rows = self.__dict__.get("_rows", {})
        if name in rows:
            return np.array(rows[name], np.int64 if name in ("epoch", "epoch_step") else np.float64)
        raise AttributeError(f"History has no {name}")

    def __dir__(self):
        return [*super().__dir__(), *self._rows]

    def plot(self, axes=None):
        """Loss and accuracies, side by side, with Matplotlib. axes: two of its axes; None makes them. Returns them."""
        import matplotlib.pyplot as plt

        if axes is None:
            _, axes = plt.subplots(1, 2, figsize=(10, 4))
        axes[0].plot(np.arange(1, len(self.loss) + 1), self.loss, linewidth=0.8)
        axes[0].set(xlabel="step", ylabel="loss")
        for part in ("train", "val"):
            accuracy = getattr(self, f"{part}_accuracy")
            if np.isfinite(accuracy).any():
                axes[1].plot(self.epoch, accuracy, marker=".", label=part)
        axes[1].set(xlabel="epoch", ylabel="R2" if self.values else "accuracy")
        axes[1].legend()
        return axes

    def __repr__(self) -> str:
        kind = "R2" if self.values else "accuracy"
        return f"<lamina.History {len(self.loss)} steps, {len(self.epoch)} epochs, best {kind} {self.best_accuracy:.4g}>"
