"""Random seeds, and tensors as images."""
import random

import numpy as np

from ._tensors import array, torch


def reset_seed(number):
    """Seed the generators of Python, NumPy and PyTorch."""
    random.seed(number)
    np.random.seed(number)
    if torch:
        torch.manual_seed(number)


def tensor_to_image(tensor):
    """(3, H, W) with elements 0 .. 1 as a NumPy array (H, W, 3) of bytes."""
    return np.clip(np.asarray(array(tensor, "tensor")) * 255 + 0.5, 0, 255).transpose(1, 2, 0).astype(np.uint8)
