"""ImageToSequence: the scans as a transformer."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sk_rnnimage import ImageToSequence
from sk_rnnimage.images.orders import SCANS, scan_order


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("patch_size", [None, 1, 2, 4, (1, None), (None, 3), (5, 2)])
@pytest.mark.parametrize("shape", [(6, 7), (5, 5, 3), (8, 4, 1)], ids=str)
def test_inverse_is_exact(scan, patch_size, shape):
    X, _ = draw(n=4, shape=shape)
    reader = ImageToSequence(scan, patch_size=patch_size).fit(X)
    sequences = reader.transform(X)
    assert sequences.shape == (4, reader.n_steps_, reader.step_size_)
    back = reader.inverse_transform(sequences)
    assert back.shape == X.shape
    assert_array_equal(back, X)


@pytest.mark.parametrize(
    "dtype", ["uint8", "float32", "float64", "bool", "int64", "int8", "float16"]
)
@pytest.mark.parametrize("patch_size", [None, 3])
def test_dtype_is_kept(dtype, patch_size):
    X = (draw(n=4)[0] > 80).astype(dtype)
    reader = ImageToSequence("snake", patch_size=patch_size).fit(X)
    sequences = reader.transform(X)
    assert sequences.dtype == dtype
    assert reader.inverse_transform(sequences).dtype == dtype
    assert_array_equal(reader.inverse_transform(sequences), X)


LAYOUTS = {
    "flat": lambda X: X.reshape(len(X), -1),
    "frame": lambda X: pd.DataFrame(X.reshape(len(X), -1)),
    "tensor": torch.from_numpy,
    "list": list,
    "Fortran": np.asfortranarray,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (4, 9, 3)], ids=str)
@pytest.mark.parametrize("patch_size", [None, 4])
def test_flat_or_shaped(layout, shape, patch_size):
    X, _ = draw(n=5, shape=shape)
    other = LAYOUTS[layout](X)
    settings = {"patch_size": patch_size, "image_shape": shape}
    shaped = ImageToSequence("spiral", **settings).fit(X)
    reader = ImageToSequence("spiral", **settings).fit(other)
    assert reader.image_shape_ == shape
    assert reader.n_features_in_ == np.prod(shape)
    expected = shaped.transform(X)
    assert_array_equal(reader.transform(other), expected)
    assert_array_equal(reader.fit_transform(other), expected)
    back = reader.inverse_transform(expected)  # in the layout that fit saw
    assert_array_equal(back, np.asarray(other))
    assert back.shape == np.shape(other)


@pytest.mark.parametrize("shape", [(36,), (6, 6), (6, 6, 3)], ids=str)
def test_images_in_a_container_come_back_as_an_array(shape):
    X, _ = draw(n=5, shape=(6, 6, 3) if len(shape) == 3 else (6, 6))
    X = X.reshape(5, *shape).astype(np.float32)
    objects = np.empty(5, dtype=object)
    objects[:] = list(X)
    tensors = list(torch.from_numpy(X).requires_grad_())
    for given in (pd.Series(list(X)), objects, X.tolist(), tensors):
        reader = ImageToSequence("snake").fit(given)
        assert_array_equal(reader.inverse_transform(reader.transform(given)), X)


def test_channels_of_one_keep_their_axis():
    X, _ = draw(shape=(6, 6, 1))
    reader = ImageToSequence().fit(X)
    assert reader.image_shape_ == (6, 6)
    assert reader.inverse_transform(reader.transform(X)).shape == X.shape
    assert_array_equal(reader.transform(X), ImageToSequence().fit_transform(X[..., 0]))


def test_flat_images_without_a_shape():
    assert ImageToSequence().fit(np.ones((2, 36))).image_shape_ == (6, 6)
    assert ImageToSequence().fit(np.ones((2, 27))).image_shape_ == (3, 3, 3)
    reader = ImageToSequence(patch_size=(1, 4)).fit(np.arange(20.0).reshape(2, 10))
    assert reader.image_shape_ == (1, 10)
    assert_array_equal(
        reader.transform(np.arange(10.0).reshape(1, 10))[0],
        [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]],
    )


def test_rows_and_columns_read_lines():
    X, _ = draw(shape=(5, 8, 3))
    rows = ImageToSequence("rows").fit_transform(X)
    assert_array_equal(rows, X.reshape(len(X), 5, 24))
    columns = ImageToSequence("columns").fit_transform(X)
    assert_array_equal(columns, X.transpose(0, 2, 1, 3).reshape(len(X), 8, 15))
    four = ImageToSequence("rows", patch_size=(2, None)).fit_transform(X[:, :4])
    assert_array_equal(four, X[:, :4].reshape(len(X), 2, 48))


def test_a_smaller_patch_makes_rows_a_raster():
    X, _ = draw(shape=(4, 4))
    steps = ImageToSequence("rows", patch_size=2).fit_transform(X)
    upper = [X[:, :2, :2], X[:, :2, 2:], X[:, 2:, :2], X[:, 2:, 2:]]
    assert_array_equal(steps, np.stack([part.reshape(-1, 4) for part in upper], 1))
    steps = ImageToSequence("columns", patch_size=2).fit_transform(X)
    left = [X[:, :2, :2], X[:, 2:, :2], X[:, :2, 2:], X[:, 2:, 2:]]
    assert_array_equal(steps, np.stack([part.reshape(-1, 4) for part in left], 1))


@pytest.mark.parametrize("scan", SCANS)
def test_steps_come_in_the_order_of_the_scan(scan):
    image = np.arange(30).reshape(1, 5, 6)
    steps = ImageToSequence(scan, patch_size=1).fit_transform(image)
    assert_array_equal(steps[0, :, 0], scan_order(scan, 5, 6))


def test_a_sequence_is_a_copy():
    X, _ = draw()
    before = X.copy()
    ImageToSequence("rows").fit_transform(X)[:] = 0
    assert_array_equal(X, before)


def test_another_fit_forgets_the_first():
    X, _ = draw()
    reader = ImageToSequence("snake", patch_size=2)
    names = pd.DataFrame(X.reshape(24, 64), columns=[f"p{i}" for i in range(64)])
    assert_array_equal(reader.fit(names).feature_names_in_, names.columns)
    reader.fit(draw(shape=(4, 6, 3))[0])
    assert not hasattr(reader, "feature_names_in_")
    assert (reader.image_shape_, reader.n_steps_, reader.step_size_) == (
        (4, 6, 3),
        6,
        12,
    )
    with pytest.raises(NotFittedError):
        clone(reader).inverse_transform(np.ones((1, 6, 12)))
