"""Sample weights: checked, and scaled so that equal ones are exactly 1."""

import numpy as np

from sk_rnnimage._environment.borrowed import check_sample_weight


def check_weights(sample_weight, y, suffix=""):
    """The sample weights of y as an array (B,) of maximum 1; ones without any."""
    if sample_weight is not None and not np.asarray(sample_weight).any():
        raise ValueError(
            f"sample_weight{suffix} must be positive for at least one image. All "
            "its values are zero."
        )
    weights = check_sample_weight(
        sample_weight, y, dtype=np.float64, ensure_non_negative=True
    )
    return of_maximum_one(weights)


def of_maximum_one(weights):
    """Weights divided by the largest: equal ones are exactly 1, whatever they were."""
    return weights / weights.max()


def of_mean_one(weights):
    """Weights with a mean of 1; equal ones are exactly 1."""
    weights = of_maximum_one(weights)
    return weights / weights.mean()  # a sum of ones is exact in any order
