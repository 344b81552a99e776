"""Sample weights: checked, and equal ones exactly 1."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data.weights import check_weights, of_maximum_one, of_mean_one


@pytest.mark.parametrize("value", [1, 0.1, 3.0, 1e-310, 5e-324, 1e308, True])
@pytest.mark.parametrize("n", [1, 3, 10, 999])
def test_equal_weights_are_exactly_one(value, n):
    weights, ones = np.full(n, value), np.ones(n)
    assert_array_equal(check_weights(weights, ones), ones)
    assert_array_equal(check_weights(value, ones), ones)
    assert_array_equal(of_maximum_one(weights), ones)
    assert_array_equal(of_mean_one(weights), ones)


def test_no_weights_are_ones():
    found = check_weights(None, np.zeros(4))
    assert found.dtype == np.float64
    assert_array_equal(found, np.ones(4))


def test_weights_keep_their_proportions():
    weights = np.random.RandomState(0).rand(30)
    weights[::4] = 0
    for found in (check_weights(weights, weights), of_mean_one(weights)):
        assert_allclose(found / found.sum(), weights / weights.sum(), rtol=1e-14)
        assert_array_equal(found == 0, weights == 0)
    assert check_weights(weights, weights).max() == 1
    assert of_mean_one(weights).mean() == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("exponent", [-1000, -3, 5, 1000])
def test_the_unit_of_the_weights_changes_no_bit(exponent):
    weights = np.random.RandomState(0).rand(30) + 0.1
    for function in (of_maximum_one, of_mean_one):
        assert_array_equal(function(np.ldexp(weights, exponent)), function(weights))


def test_large_weights_do_not_overflow():
    weights = np.full(1000, 1.7e308)
    weights[0] = 8.5e307
    expected = np.r_[0.5, np.ones(999)]
    assert_allclose(check_weights(weights, weights), expected)
    assert_allclose(of_mean_one(weights), expected / expected.mean())


@pytest.mark.parametrize("suffix", ["", "_val"])
@pytest.mark.parametrize("weights", [np.zeros(3), [0, 0, 0], 0], ids=str)
def test_zeros_alone_are_refused(weights, suffix):
    sentence = (
        f"sample_weight{suffix} must be positive for at least one image. All its "
        "values are zero."
    )
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        check_weights(weights, np.zeros(3), suffix)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([1, -1e-300, 1], "finite weights of at least 0. Got -1e-300 at index 1."),
        ([0, 0, -1], "finite weights of at least 0. Got -1.0 at index 2."),
        ([1, np.nan, 1], "finite weights of at least 0. Got nan at index 1."),
        ([1, np.inf, 1], "finite weights of at least 0. Got inf at index 1."),
        ([1, 1], "one weight for each of the 3 images. Got an array of shape (2,)."),
    ],
)
def test_bad_weights_are_refused(weights, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_weights(weights, np.zeros(3))


def test_an_array_like_that_cannot_become_an_array():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no array today")

    with pytest.raises(
        ValueError, match="^sample_weight must hold one number for each"
    ):
        check_weights(Odd(), np.zeros(3))
