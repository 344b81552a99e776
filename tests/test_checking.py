"""What counts as an image."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import ImageToSequence, RNNImageClassifier
from sk_rnnimage.images.checking import check_images, unchanged_on_error
from sk_rnnimage.images.shapes import full_shape, plain_shape


def read(X, **options):
    """The images of X, and what an estimator learns of them."""
    estimator = ImageToSequence()
    return check_images(estimator, X, reset=True, **options).array, estimator


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1), (6, 7, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float32"])
def test_images_are_a_view_in_their_dtype(shape, dtype):
    X = draw(shape=shape)[0].astype(dtype)
    for given in (X, X.reshape(len(X), -1), np.asfortranarray(X)):
        images, estimator = read(given, image_shape=shape)
        assert images.shape == (24, *full_shape(shape))
        assert images.dtype == dtype
        assert_array_equal(images, X.reshape(images.shape))
        assert np.shares_memory(images, given)
        assert estimator.image_shape_ == plain_shape(shape)
        assert estimator.n_features_in_ == np.prod(shape)


def test_tensors_are_a_view():
    X = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4)
    assert np.shares_memory(read(X)[0], X.numpy())
    learned = torch.ones(2, 3, 4, requires_grad=True)
    assert_array_equal(read(learned)[0], np.ones((2, 3, 4, 1)))
    half = torch.ones(2, 3, 4, dtype=torch.bfloat16)
    assert_array_equal(read(half)[0], np.ones((2, 3, 4, 1)))


def test_a_memory_map_is_not_read_into_memory(tmp_path):
    X = draw(shape=(5, 6, 3))[0]
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    images, _ = read(mapped)
    assert np.shares_memory(images, mapped)
    assert not images.flags.writeable


@pytest.mark.parametrize(
    "image_shape, expected",
    [
        ((8, 8), (8, 8)),
        ((8, 8, 1), (8, 8)),
        ((4, 16), (4, 16)),
        ([2, 8, 4], (2, 8, 4)),
        (None, (8, 8)),
        ((1, 64), (1, 64)),
        ((64, 1), (64, 1)),
    ],
)
def test_shape_of_flat_images(image_shape, expected):
    images, estimator = read(np.zeros((2, 64)), image_shape=image_shape)
    assert estimator.image_shape_ == expected
    assert images.shape == (2, *full_shape(expected))


@pytest.mark.parametrize(
    "n_columns, expected",
    [
        (1, (1, 1)),
        (2, (1, 2)),
        (3, (1, 1, 3)),
        (4, (2, 2)),
        (12, (2, 2, 3)),
        (13, (1, 13)),
        (784, (28, 28)),
        (3072, (32, 32, 3)),
        (48, (4, 4, 3)),
    ],
)
def test_flat_images_are_grey_then_rgb_then_a_row(n_columns, expected):
    assert read(np.zeros((2, n_columns)))[1].image_shape_ == expected


def test_lists_and_series_of_images():
    X = draw(n=3)[0]
    for given in (
        list(X),
        tuple(X),
        pd.Series(list(X)),
        X.tolist(),
        [torch.from_numpy(x) for x in X],
    ):
        assert_array_equal(read(given)[0], X[..., np.newaxis])


def test_tensors_that_numpy_does_not_take_at_once():
    X = torch.from_numpy(draw(n=3)[0])
    grey = X.float()
    odd = [
        grey.bfloat16(),
        list(grey.bfloat16()),
        (-1j * grey).conj().imag,
        list(grey.requires_grad_()),
    ]
    for given in odd:
        assert_allclose(read(given)[0][..., 0], X, rtol=1e-2)


def test_sparse_tensors_are_refused():
    with pytest.raises(TypeError, match="^X is a sparse tensor. Pass a dense one: X.t"):
        read(torch.eye(4).to_sparse())


def test_objects_that_are_numbers():
    X = draw(n=3)[0]
    assert_array_equal(read(X.astype(object))[0], X[..., np.newaxis])


def test_unchanged_on_error():
    estimator = ImageToSequence().fit(draw()[0])
    before = vars(estimator).copy()
    with pytest.raises(KeyboardInterrupt), unchanged_on_error(estimator):
        estimator.n_steps_ = 0
        estimator.new = 1
        raise KeyboardInterrupt
    assert vars(estimator) == before
    with unchanged_on_error(estimator):
        estimator.n_steps_ = 0
    assert estimator.n_steps_ == 0


@pytest.mark.parametrize(
    "scan, shape",
    [("rows", (3, 2, 2**40)), ("rows", (3, 2**40)), ("frames", (3, 3, 4, 2**40))],
)
def test_values_of_another_shape_are_not_read(scan, shape):
    X, y = draw(6, (3, 4, 5)) if scan == "frames" else draw(6)
    model = make(RNNImageClassifier, max_epochs=1, scan=scan).fit(X, y)
    vast = np.lib.stride_tricks.as_strided(np.ones(()), shape, [0] * len(shape))
    with pytest.raises(ValueError, match="X h"):
        model.predict(vast)
