"""Sample weights: checked, and scaled so that equal ones are exactly 1."""

import reprlib
from collections.abc import Iterator

import numpy as np

from sk_rnnimage.images.arrays import to_numpy


def check_weights(sample_weight, y, suffix=""):
    """The sample weights of y as an array (B,) of maximum 1; ones without any.

    Parameters
    ----------
    sample_weight : array-like of shape (B,), float or None
        A number is the weight of each image.
    y : ndarray of shape (B,)
        The targets.
    suffix : str, default=""
        What follows ``sample_weight`` in the argument's name.
    """
    name, n = "sample_weight" + suffix, len(y)
    if sample_weight is None:
        return np.ones(n)
    weights = _to_floats(sample_weight, name)
    if weights.shape not in [(n,), ()]:
        raise ValueError(
            f"{name} must hold one weight for each of the {n} images. Got an array of "
            f"shape {weights.shape}."
        )
    weights = np.broadcast_to(weights, n)
    invalid = ~((weights >= 0) & (weights < np.inf))  # NaN too
    if invalid.any():
        i = invalid.argmax()
        raise ValueError(
            f"{name} must hold finite weights of at least 0. Got {weights[i]} at index "
            f"{i}. A weight of 0 leaves an image out."
        )
    if not weights.any():
        raise ValueError(
            f"{name} must be positive for at least one image. All its values are zero."
        )
    return of_maximum_one(weights)


def _to_floats(sample_weight, name):
    """Weights as floats of whatever shape."""
    try:
        weights = np.asarray(to_numpy(sample_weight, name))
        if weights.dtype.kind in "biufO":
            with np.errstate(over="ignore"):  # infinity is refused by its index
                return weights.astype(np.float64)
        error = None
    except Exception as caught:  # the code of an array-like is another's
        error = caught
    raise ValueError(
        f"{name} must hold one number for each image. Got {reprlib.repr(sample_weight)}"
        f"{f': pass list({name})' if isinstance(sample_weight, Iterator) else ''}. "
        "Weights of classes are given by class_weight."
    ) from error


def of_maximum_one(weights):
    """Weights divided by the largest: equal ones are exactly 1, whatever they were."""
    return weights / weights.max()


def of_mean_one(weights):
    """Weights with a mean of 1; equal ones are exactly 1."""
    weights = of_maximum_one(weights)
    return weights / weights.mean()  # a sum of ones is exact in any order
