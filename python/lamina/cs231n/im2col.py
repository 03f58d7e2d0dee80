"""Images as columns: (C * field_height * field_width, places * N), the samples fastest, in NumPy."""
import numpy as np


def get_im2col_indices(x_shape, field_height, field_width, padding=1, stride=1):
    """Channel (rows, 1), line and column (rows, places) of each element of a field in the padded image."""
    N, C, H, W = x_shape
    assert (H + 2 * padding - field_height) % stride == 0
    assert (W + 2 * padding - field_width) % stride == 0
    lines = (H + 2 * padding - field_height) // stride + 1
    columns = (W + 2 * padding - field_width) // stride + 1
    channel, u, v = (a.reshape(-1, 1) for a in np.indices((C, field_height, field_width)))
    i, j = (stride * a.reshape(1, -1) for a in np.indices((lines, columns)))
    return channel, u + i, v + j


def im2col_indices(x, field_height, field_width, padding=1, stride=1):
    """Columns of x (N, C, H, W)."""
    k, i, j = get_im2col_indices(x.shape, field_height, field_width, padding, stride)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return padded[:, k, i, j].transpose(1, 2, 0).reshape(len(k), -1)


def col2im_indices(cols, x_shape, field_height=3, field_width=3, padding=1, stride=1):
    """The image (N, C, H, W) in which each element is the sum of its copies in the columns."""
    N, C, H, W = x_shape
    k, i, j = get_im2col_indices(x_shape, field_height, field_width, padding, stride)
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding), cols.dtype)
    np.add.at(padded, (slice(None), k, i, j), cols.reshape(len(k), -1, N).transpose(2, 0, 1))
    return padded[:, :, padding:padding + H, padding:padding + W]
