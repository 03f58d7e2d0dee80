"""Assignment 3's a3_helper.py: losses, CIFAR-10 with the mean colour subtracted, plots (which need matplotlib)."""
import numpy as np

from .._binding import lib
from .._layers import loss_of
from ..cs231n import vis_utils
from . import data
from ._tensors import array, arrays, like, number_like


def _loss(function, name, x, y):
    loss, dx = loss_of(function, name, *arrays(x=x, y=y))
    return number_like(x, loss), like(x, dx)


def svm_loss(x, y):
    """Multiclass hinge, margin 1, mean over the batch. x (N, C) scores, y (N) labels. Returns loss and dx."""
    return _loss(lib.lam_svm_loss, "svm_loss", x, y)


def softmax_loss(x, y):
    """Cross-entropy of softmax, mean over the batch. x (N, C) scores, y (N) labels. Returns loss and dx."""
    return _loss(lib.lam_softmax_loss, "softmax_loss", x, y)


def get_CIFAR10_data(validation_ratio=0.02, flatten=False):
    """CIFAR-10 as a dictionary: X_train, X_val, X_test, y_train, y_val, y_test. The mean colour of the training images is
    subtracted; the validation part is the last of them."""
    return data.preprocess_cifar10(show_examples=False, flatten=flatten, validation_ratio=validation_ratio)


def visualize_grid(Xs, ubound=255.0, padding=1):
    """Images (N, H, W, C) in a square grid, each stretched to 0 .. ubound."""
    return like(Xs, vis_utils.visualize_grid(np.asarray(array(Xs, "Xs")), ubound, padding))


def _show():
    import matplotlib.pyplot as plt  # only the plots need it
    return plt


def show_net_weights(net):
    """The first layer's weights as images of 32 x 32."""
    plt = _show()
    W1 = np.asarray(array(net.params["W1"], "W1")).reshape(3, 32, 32, -1).transpose(3, 1, 2, 0)
    plt.imshow(vis_utils.visualize_grid(W1, padding=3).astype(np.uint8))
    plt.gca().axis("off")
    plt.show()


def _curves(plt, place, title, curves, marker="-"):
    plt.subplot(1, 2, place)
    for label, values in curves:
        plt.plot(values, marker, label=label)
    plt.title(title)
    plt.xlabel("Epoch")
    plt.ylabel("Classification accuracy")


def plot_stats(stat_dict):
    """Loss and accuracies of a training: loss_history, train_acc_history, val_acc_history."""
    plt = _show()
    plt.subplot(1, 2, 1)
    plt.plot(stat_dict["loss_history"], "o")
    plt.title("Loss history")
    plt.xlabel("Iteration")
    plt.ylabel("Loss")
    _curves(plt, 2, "Classification accuracy history",
            [("train", stat_dict["train_acc_history"]), ("val", stat_dict["val_acc_history"])], "o-")
    plt.legend()
    plt.gcf().set_size_inches(14, 4)
    plt.show()


def plot_acc_curves(stat_dict):
    """The accuracies of several trainings: name -> the dictionary of plot_stats."""
    plt = _show()
    for place, part, title in ((1, "train", "Train accuracy history"), (2, "val", "Validation accuracy history")):
        _curves(plt, place, title, [(str(name), stats[f"{part}_acc_history"]) for name, stats in stat_dict.items()])
    plt.legend()
    plt.gcf().set_size_inches(14, 5)
    plt.show()
