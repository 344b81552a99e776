"""Labels and weights: what counts, as which class, and how much."""

import math
import numbers

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from sk_rnnimage.images import UnequalImages


def check_targets(name, images, y, sample_weight, suffix=""):
    """Images, labels, weights, and the rows that count: whose weight is above 0."""
    if y is None:
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    y = column_or_1d(
        check_array(y, ensure_2d=False, dtype=None, input_name="y" + suffix),
        warn=True,
    )
    check_consistent_length(images, y)
    check_classification_targets(y)
    if sample_weight is not None and not np.asarray(sample_weight).any():
        raise ValueError(
            f"sample_weight{suffix} must be positive for at least one image. All "
            "its values are zero."
        )
    weights = _check_sample_weight(
        sample_weight, images, dtype=np.float64, ensure_non_negative=True
    )
    return that_count(images, y, without_overflow(weights))


def that_count(images, y, weights):
    """The same and the rows that count; of a list the others are left out.

    Their sizes must change nothing.
    """
    rows = np.flatnonzero(weights)
    if isinstance(images, UnequalImages):
        images, y, weights = images.without_others(rows), y[rows], weights[rows]
        rows = np.arange(len(rows))
    return images, y, weights, rows


def encode(y, classes, name):
    """Labels to their places among the classes."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        way_out = {
            "y": "Name every label in classes at the first partial_fit",
            "y_val": "Let y hold every label",
        }
        raise ValueError(
            f"{name} holds the label {unknown.tolist()[0]!r}, which is not among the "
            f"classes {classes.tolist()}. {way_out[name]}, or leave these images out."
        )
    return np.searchsorted(classes, y)


def loss_weights(codes, weights, class_weight, classes):
    """Sample weights times class weights."""
    if class_weight is None:
        return weights
    if class_weight == "balanced":
        totals = np.bincount(codes, weights, minlength=len(classes))
        factors = weights.sum() / (np.count_nonzero(totals) * totals.clip(1e-300))
    else:
        factors = given_weights(class_weight, classes.tolist())
    weights = weights * factors[codes]
    if not weights.any():
        raise ValueError(
            "class_weight and sample_weight together leave no image with a weight."
        )
    return weights


def given_weights(given, labels):
    """The dict ``class_weight`` as an array; classes it leaves out weigh 1."""
    unknown = [label for label in given if label not in labels]
    if unknown and any(label not in given for label in labels):
        raise ValueError(
            f"class_weight names the label {unknown[0]!r}, which is not among the "
            f"classes {labels}."
        )
    values = [given.get(label, 1.0) for label in labels]
    if not all(isinstance(v, numbers.Real) and 0 <= v < math.inf for v in values):
        raise ValueError(
            f"class_weight must hold finite weights of at least 0. Got {given!r}."
        )
    return without_overflow(np.array(values, dtype=np.float64))


def without_overflow(weights):
    """Weights times the power of two that makes the largest at most 1."""
    return np.ldexp(weights, -np.frexp(weights.max())[1])
