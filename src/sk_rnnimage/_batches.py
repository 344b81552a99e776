"""Whole-array batches: images stay in the dtype they have until their batch."""

import numpy as np
import torch
from torch.utils.data import Dataset


class ImageSet(Dataset):
    """Some rows of an array of images with their class codes and weights.

    Parameters
    ----------
    images : ndarray of shape (B, H, W, C)
        All images; never copied.
    rows : ndarray of int
        The rows that count.
    codes : ndarray of int, one for each of ``rows``
        Class codes.
    weights : ndarray of float, one for each of ``rows``
        Sample weights.
    """

    def __init__(self, images, rows, codes, weights):
        self.images = images
        self.rows = rows
        self.codes = torch.as_tensor(codes, dtype=torch.int64)
        # a batch's loss is sum(w * l) / rows, so the mean weight is divided out here
        self.weights = torch.as_tensor(weights / weights.mean())

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, places):
        return to_tensor(self.images, self.rows[places]), (
            self.codes[places],
            self.weights[places],
        )


class Batches:
    """Iterate over an ImageSet in batches of nearly equal size.

    ``n`` rows make ``ceil(n / batch_size)`` batches whose sizes differ by one at the
    most, so that no tiny batch takes a step of its own.
    """

    def __init__(self, dataset, batch_size, random_state=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.random_state = random_state

    def __len__(self):
        return n_batches(len(self.dataset), self.batch_size)

    def __iter__(self):
        order = np.arange(len(self.dataset))
        if self.random_state is not None and len(self) > 1:
            order = self.random_state.permutation(len(order))
        for places in np.array_split(order, len(self)):
            yield self.dataset[places]


def n_batches(n_rows, batch_size):
    """How many batches ``n_rows`` make."""
    return -(-n_rows // batch_size)


def to_tensor(images, rows):
    """Some images as a float tensor (B, H, W, C) in raw pixel values.

    float32 where that holds every value of the dtype, else float64.
    """
    batch = np.require(images[rows], requirements="CW")  # torch wants it writable
    if batch.dtype != np.uint8:
        precision = np.promote_types(batch.dtype, np.float32)
        batch = batch.astype(min(precision, np.dtype(np.float64)), copy=False)
        return torch.from_numpy(batch)
    return torch.from_numpy(batch).to(torch.float32)


def pixel_moments(images, rows, weights, chunk=1024):
    """Weighted mean and spread of the pixels in each channel.

    Returns
    -------
    mean, scale : ndarray of shape (C,)
        The standard deviation is 1 where a channel does not vary.
    """
    first = to_tensor(images, rows[:1])
    shift = first.mean((0, 1, 2))  # keeps the sum of squares small
    total, squares, weight = 0.0, 0.0, float(weights.sum())
    for start in range(0, len(rows), chunk):
        part = to_tensor(images, rows[start : start + chunk]).sub_(shift)
        w = torch.as_tensor(weights[start : start + chunk], dtype=torch.float64)
        total = total + w @ part.mean((1, 2)).double()  # (C,)
        squares = squares + w @ part.square_().mean((1, 2)).double()
    mean, square = total / weight, squares / weight
    spread = (square - mean**2).clamp(min=0).sqrt()
    tiny = 1e-6 * square.sqrt()
    spread[spread <= tiny] = 1.0
    return (mean + shift).numpy(), spread.numpy()
