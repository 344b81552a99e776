"""The mean and the standard deviation of the pixels."""

import numpy as np
import pytest
from conftest import draw, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data import moments
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage._data.tensors import tensor_of
from sk_rnnimage.images.kinds import Images

DTYPES = ["uint8", "bool", "int16", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_pixels", [300, 2**20])
def test_pixel_moments(dtype, n_pixels):
    rng = np.random.RandomState(0)
    images = rng.rand(20, 5, 6, 3) * [1, 50, 250]
    images = images > [0.2, 25, 200] if dtype == "bool" else images.astype(dtype)
    rows = np.arange(1, 20, 2)
    weights = rng.rand(10) + 0.1
    mean, scale = pixel_moments(Images(images, rows), weights, n_pixels)
    part = images[rows].astype(np.float64)
    expected = np.average(part.mean((1, 2)), axis=0, weights=weights)
    square = np.average(((part - expected) ** 2).mean((1, 2)), axis=0, weights=weights)
    assert_allclose(mean, expected, rtol=1e-5)
    spread = np.where(square == 0, 1, np.sqrt(square))
    assert_allclose(scale, spread, rtol=1e-5)


def test_pixel_moments_of_low_contrast_far_from_zero():
    rng = np.random.RandomState(0)
    images = 1e6 + rng.rand(30, 5, 5, 1)
    mean, scale = pixel_moments(Images(images), np.ones(30))
    assert_allclose(mean, images.mean(), rtol=1e-9)
    assert_allclose(scale, images.std(), rtol=1e-6)


def test_pixel_moments_of_large_images_take_few_at_once(monkeypatch):
    images = np.broadcast_to(np.uint8(3), (40, 1024, 256, 2))
    sizes = []

    def counted(part):
        sizes.append(len(part))
        return tensor_of(part)

    monkeypatch.setattr(moments, "tensor_of", counted)
    pixel_moments(Images(images), np.ones(40), n_values=2**22)
    assert sum(sizes) == 41  # one image tells what to take off, then all
    assert max(sizes) == 8


@pytest.mark.parametrize("dtype, power", [("float32", 100), ("float64", 900)])
def test_pixel_moments_do_not_depend_on_the_unit(dtype, power):
    images = np.random.RandomState(0).rand(30, 5, 5, 3).astype(dtype)
    mean, scale = pixel_moments(Images(images), np.ones(30))
    for unit in (2.0**power, 2.0**-power):
        part = (images * unit).astype(dtype)
        other = pixel_moments(Images(part), np.ones(30), n_values=7 * 75)
        assert_allclose(other[0] / unit, mean, rtol=1e-12)
        assert_allclose(other[1] / unit, scale, rtol=1e-12)


@pytest.mark.parametrize("value", [0, 0.1, 7, 255, -1e6, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constant_images_have_spread_one(value, dtype):
    images = np.full((5, 7, 3, 2), value, dtype)
    mean, scale = pixel_moments(Images(images), np.array([1.0, 2, 3, 1, 5]))
    assert_allclose(mean, images[0, 0, 0], rtol=1e-6)
    assert_array_equal(scale, [1, 1])


def test_constant_images_can_be_fitted(cls):
    _, y = draw()
    model = make(cls).fit(np.full((24, 8, 8), 200, np.uint8), y)
    proba = model.predict_proba(np.full((2, 8, 8), 200, np.uint8))
    assert np.isfinite(proba).all()
    assert_allclose(proba, 1 / 3, atol=0.05)
