"""The mean and the standard deviation of the pixels of each channel."""

import math

import numpy as np
import torch

from sk_rnnimage._data.tensors import tensor_of, to_float


def pixel_moments(images, weights, n_values=2**20):
    """Weighted moments of the pixels in each channel that are not missing.

    Parameters
    ----------
    images : Images or UnequalImages
        Images, gone through in parts of about ``n_values``.
    weights : ndarray of shape (B,)
        Sample weights.

    Returns
    -------
    mean, scale : ndarray of shape (C,)
        The mean, and the standard deviation, or 1 where a channel does not vary.

    Raises
    ------
    ValueError
        Where the standard deviation is too small for training.
    """
    _, first = next(images.parts(np.array([0])))
    # the sum of squares cancels badly far from 0, so a constant is subtracted first
    shift = to_float(tensor_of(first)).nanmean((0, 1, 2)).nan_to_num(0)
    unit = None
    total, squares, weight = 0.0, 0.0, 0.0
    for where, part in images.parts(n_values=n_values):
        x = to_float(tensor_of(part)) - shift  # a copy: a part may be a view of X
        n_pixels = x[0, :, :, 0].numel()
        w = n_pixels * torch.as_tensor(weights[where], dtype=torch.float64)
        present = torch.ones(x.shape[::3])  # fraction of pixels not missing, (B, C)
        if part.dtype.kind == "f":
            present -= x.isnan().float().mean((1, 2))
            x.nan_to_num_(0, torch.inf, -torch.inf)
        unit = unit or _power_of_two(x)
        x.div_(unit)
        total = total + w @ x.mean((1, 2)).double()  # (C,)
        squares = squares + w @ x.square_().mean((1, 2)).double()
        weight = weight + w @ present.double()
    weight = weight.clamp(min=1e-300)
    mean, square = total / weight, squares / weight
    std = (square - mean**2).clamp(min=0).sqrt()
    constant = std <= 1e-6 * square.sqrt()  # within the rounding of float32
    std = std * unit
    std[constant] = 1.0
    _refuse_denormal(std, shift.dtype)
    return (mean * unit + shift).numpy(), std.numpy()


def _refuse_denormal(std, dtype):
    """Raise where pixels vary by denormal numbers, which training takes for 0."""
    least = 1e3 * torch.finfo(dtype).tiny  # so that few differences vanish
    if (std < least).any():
        c = int((std < least).byte().argmax())
        raise ValueError(
            f"The pixels of X have a standard deviation of {float(std[c]):.3g} in "
            f"channel {c}, too small to be told apart in {str(dtype)[6:]}. Scale them "
            "first, for instance X / X.max()."
        )


def _power_of_two(values):
    """A power of two of the order of the largest value: dividing by it is exact.

    No square of the quotients overflows or vanishes.
    """
    most = math.frexp(torch.finfo(values.dtype).max)[1] - 2
    exponent = math.frexp(values.abs().max())[1]
    return 2.0 ** min(max(exponent, -most), most)
