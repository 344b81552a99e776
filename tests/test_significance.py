"""The tests behind "beats"."""

import numpy as np
import pytest
from scipy import stats

from sk_rnnimage.comparison.significance import (
    correct_by_holm,
    p_value_of_folds,
    p_value_of_images,
)


def test_the_tests_by_hand():
    differences = np.array([0.01, 0.03, 0.02])
    t = 0.02 / np.sqrt((1 / 3 + 1 / 2) * 0.0001)
    expected = 2 * (1 - stats.t(df=2).cdf(t))
    assert p_value_of_folds(differences, 1 / 2, step=0.001) == pytest.approx(expected)
    # of 10 images that one of two gets right, 1 or 9: (1 + 10 + 10 + 1) / 2 ** 10
    one = np.array([True] * 9 + [False] + [True] * 5)
    other = np.array([False] * 9 + [True] + [True] * 5)
    assert p_value_of_images(one, other) == pytest.approx(22 / 1024)
    assert p_value_of_images(one, one) == 1
    corrected = correct_by_holm([0.01, 0.04, 0.03])
    np.testing.assert_allclose(corrected, [0.03, 0.06, 0.06])
    np.testing.assert_allclose(correct_by_holm([0.9, 0.6]), [1, 1])


def test_equal_differences_are_no_certainty():
    """Two folds that agree by chance, one image ahead on each."""
    assert p_value_of_folds(np.array([0.01, 0.01]), 1, step=0.01) > 0.3
    assert p_value_of_folds(np.array([0.5] * 5), 0.25, step=0.01) < 0.001
