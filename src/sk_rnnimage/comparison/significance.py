"""The tests behind "beats": over folds, on one split, and of several at once."""

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.05  # level of the tests


def p_value_of_folds(differences, test_to_train, step):
    """Return the p-value of the corrected resampled t-test over folds.

    Parameters
    ----------
    differences : ndarray of shape (folds,)
        Differences of two scores.
    test_to_train : float
        Test images of a fold per training image. The folds share training images, so
        their scores are not independent and their mean varies more than by 1/J of the
        variance (Nadeau and Bengio, 2003).
    step : float
        Difference that one image makes. Scores go in steps, so that few folds may have
        equal differences by chance: on two folds of 300 images 2 comparisons of equal
        trees in 100. Their variance of 0 is taken as that of one fold one step off.
    """
    n_folds = len(differences)
    variance = max(differences.var(ddof=1), step**2 / n_folds)
    error = np.sqrt((1 / n_folds + test_to_train) * variance)
    return 2 * stats.t.sf(abs(differences.mean()) / error, n_folds - 1)


def p_value_of_images(one, other):
    """Return the p-value of McNemar's exact test for which images two got right."""
    n_one, n_other = (one & ~other).sum(), (other & ~one).sum()
    if not n_one + n_other:
        return 1.0
    return stats.binomtest(int(n_one), int(n_one + n_other)).pvalue


def correct_by_holm(p_values):
    """Correct p-values for their number by the method of Holm."""
    p_values = np.asarray(p_values)
    order = p_values.argsort()
    factors = len(p_values) - np.arange(len(p_values))  # n for the smallest, ..., 1
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(factors * p_values[order])
    return corrected.clip(max=1)
