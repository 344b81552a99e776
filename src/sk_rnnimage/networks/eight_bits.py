"""Weights in 8 bits: whole numbers from -127 to 127, and a scale for each row.

Arrays of weights with both are what ``quantized`` gives: under the name of a weight
its whole numbers, of dtype int8, and under that name and ``SCALE`` a float for each
row. So it is for weights of two or more axes, whose first axis are the rows; all else
(biases, standardisation, temperature) stays as it is.
"""

import numpy as np

SCALE = ":scale"
MOST = 127


def quantized(weights):
    r"""A dict of arrays with weights in 8 bits.

    .. math:: q = \mathrm{round}(w / s), \quad s = \max_j |w_j| / 127

    where :math:`w` is a row of a weight, :math:`s` its scale and :math:`q` what is kept
    of it. A row of zeros has the scale 1.
    """
    parts = {}
    for name, weight in weights.items():
        if weight.dtype == np.int8 or weight.ndim < 2 or weight[0].size == 1:
            parts[name] = weight.copy()
            continue
        axes = tuple(range(1, weight.ndim))
        largest = np.abs(weight).max(axis=axes, keepdims=True)
        scale = np.where(largest > 0, largest / MOST, 1).astype(weight.dtype)
        parts[name] = np.rint(weight / scale).clip(-MOST, MOST).astype(np.int8)
        parts[name + SCALE] = scale
    return parts


def dequantized(weights):
    """A dict of arrays whose weights are floats, in the precision of their scales.

    Raises
    ------
    ValueError
        Where there is not one scale for each row of a weight in 8 bits.
    """
    names = [name for name in weights if not name.endswith(SCALE)]
    strays = weights.keys() - {*names, *(name + SCALE for name in names)}
    if strays:
        raise ValueError(f"The weights hold {min(strays)!r}, a scale of no weight.")
    return {name: _as_floats(name, weights) for name in names}


def _as_floats(name, weights):
    # plain arrays of what may be memory maps
    weight, scale = np.asarray(weights[name]), weights.get(name + SCALE)
    if scale is None and weight.dtype != np.int8:
        return weight
    expected = weight.shape[:1] + (1,) * (weight.ndim - 1)
    if weight.ndim < 2 or np.shape(scale) != expected:
        raise ValueError(
            f"The weights must hold {name + SCALE!r}, a scale for each row of {name!r} "
            f"in shape {expected}. Got shape {np.shape(scale)} instead."
        )
    return weight * np.asarray(scale)  # of int8 and float: float
