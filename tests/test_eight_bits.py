"""Weights in 8 bits."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_rnnimage.networks.eight_bits import dequantized, quantized

RNG = np.random.RandomState(0)
WEIGHTS = {
    "matrix": RNG.randn(6, 40).astype(np.float32) * np.logspace(-6, 6, 6)[:, None],
    "filters": RNG.randn(4, 2, 3, 3),
    "bias": RNG.randn(6).astype(np.float32),
    "gain": RNG.randn(4, 1, 1, 1),
    "temperature": np.array(0.7),
}
WEIGHTS["matrix"] = WEIGHTS["matrix"].astype(np.float32)


def test_each_value_is_off_by_half_a_scale_at_most():
    """Whatever the size of its row, of which the largest value is kept."""
    parts = quantized(WEIGHTS)
    floats = dequantized(parts)
    for name in ("matrix", "filters"):
        weight, scale = WEIGHTS[name], parts[f"{name}:scale"]
        assert parts[name].dtype == np.int8
        assert scale.shape == (len(weight), *[1] * (weight.ndim - 1))
        assert floats[name].dtype == scale.dtype == weight.dtype
        off = np.abs(floats[name] - weight)
        assert (off <= 0.5001 * scale).all()
        rows = np.abs(parts[name].reshape(len(weight), -1).astype(int))
        assert_array_equal(rows.max(axis=1), 127)


def test_what_has_no_rows_of_several_values_stays():
    parts = quantized(WEIGHTS)
    assert parts.keys() - WEIGHTS.keys() == {"matrix:scale", "filters:scale"}
    for name in ("bias", "gain", "temperature"):
        assert_array_equal(parts[name], WEIGHTS[name])
        assert not np.shares_memory(parts[name], WEIGHTS[name])


def test_rows_of_zeros_stay_zeros():
    floats = dequantized(quantized({"w": np.zeros((2, 3))}))
    assert_array_equal(floats["w"], np.zeros((2, 3)))


def test_what_is_in_8_bits_stays():
    once = quantized(WEIGHTS)
    twice = quantized(once)
    assert once.keys() == twice.keys()
    for name in once:
        assert_array_equal(once[name], twice[name])


def test_plain_weights_are_floats_already():
    assert all(dequantized(WEIGHTS)[name] is WEIGHTS[name] for name in WEIGHTS)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"w:scale": np.ones((1, 3))},
            "The weights must hold 'w:scale', a scale for each row of 'w' in shape "
            "(2, 1). Got shape (1, 3) instead.",
        ),
        ({"w:scale": None}, "a scale for each row of 'w'"),
        ({"w": None}, "The weights hold 'w:scale', a scale of no weight."),
        ({"w": np.ones(2, dtype=np.int8)}, "a scale for each row of 'w'"),
    ],
)
def test_scales_that_do_not_fit_are_refused(change, message):
    parts = quantized({"w": np.ones((2, 3))}) | change
    parts = {name: array for name, array in parts.items() if array is not None}
    with pytest.raises(ValueError, match=re.escape(message)):
        dequantized(parts)
