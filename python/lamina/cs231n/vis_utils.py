"""Grids of images, as arrays to be shown."""
from math import ceil, sqrt

import numpy as np


def _stretched(image):
    """From 0 to 1; 0 everywhere where all elements are equal."""
    low, high = image.min(), image.max()
    return (image - low) / (high - low if high > low else 1)


def visualize_grid(Xs, ubound=255.0, padding=1):
    """Images (N, H, W, C) in a square grid with `padding` pixels between them, each stretched to 0 .. ubound."""
    N, H, W, C = Xs.shape
    side = ceil(sqrt(N))
    grid = np.zeros((H * side + padding * (side - 1), W * side + padding * (side - 1), C))
    for n, image in enumerate(Xs):
        y, x = (n // side) * (H + padding), (n % side) * (W + padding)
        grid[y:y + H, x:x + W] = ubound * _stretched(image)
    return grid


def _joined(rows, H, W, C, background, dtype):
    """Rows of images with a line of pixels after each, all stretched together."""
    grid = np.full((len(rows) * (H + 1), max(map(len, rows)) * (W + 1), C), background, dtype)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            grid[i * (H + 1):i * (H + 1) + H, j * (W + 1):j * (W + 1) + W] = image
    return _stretched(grid)


def vis_grid(Xs):
    """Images (N, H, W, C) in a square grid, stretched together to 0 .. 1."""
    N, H, W, C = Xs.shape
    side = ceil(sqrt(N))
    rows = [Xs[i * side:(i + 1) * side] for i in range(side)]
    return _joined(rows, H, W, C, Xs.min(), Xs.dtype)


def vis_nn(rows):
    """Rows of images (H, W, C), as a list of lists, stretched together to 0 .. 1."""
    H, W, C = rows[0][0].shape
    return _joined(rows, H, W, C, 1, rows[0][0].dtype)
