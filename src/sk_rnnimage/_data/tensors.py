"""Arrays of pixels as tensors."""

import numpy as np
import torch


def tensor_of(batch):
    """An array (or tensor) as a tensor in raw pixel values.

    uint8 stays; else float32 where that holds every value of the dtype, or float64.
    """
    if isinstance(batch, torch.Tensor):
        return batch
    batch = np.require(batch, requirements="CW")  # torch wants it writable
    if min(batch.strides, default=0) < 0:  # of a side of 1, which NumPy lets pass
        batch = batch.copy()
    if batch.dtype != np.uint8:
        precision = np.promote_types(batch.dtype, np.float32)
        batch = batch.astype(min(precision, np.dtype(np.float64)), copy=False)
    return torch.from_numpy(batch)


def to_float(batch):
    """What ``tensor_of`` gives, as floats."""
    return batch.to(torch.float32) if batch.dtype == torch.uint8 else batch
