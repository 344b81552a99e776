"""Scan orders and the transformer that reads by them."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sk_rnnimage import ImageToSequence
from sk_rnnimage.images.orders import (
    SCANS,
    from_patches,
    grid_shape,
    resolve_patch,
    scan_order,
    to_patches,
)

GRIDS = [(h, w) for h in range(1, 25) for w in range(1, 25)]


def path(scan, height, width):
    return np.divmod(scan_order(scan, height, width), width)


def steps(scan, height, width):
    """How far each step goes: (T - 1,) rows down and (T - 1,) columns across."""
    return [np.abs(np.diff(places)) for places in path(scan, height, width)]


@pytest.mark.parametrize("scan", SCANS)
def test_every_place_is_read_once(scan):
    for height, width in [*GRIDS, (1, 200), (200, 1), (57, 31)]:
        order = scan_order(scan, height, width)
        assert_array_equal(np.sort(order), np.arange(height * width))
        assert order.dtype.kind == "i"


ORDERS = [  # written by hand
    ("rows", 2, 3, [[0, 1, 2], [3, 4, 5]]),
    ("columns", 2, 3, [[0, 3], [1, 4], [2, 5]]),
    ("snake", 3, 3, [[0, 1, 2], [5, 4, 3], [6, 7, 8]]),
    ("snake", 2, 4, [[0, 1, 2, 3], [7, 6, 5, 4]]),
    ("spiral", 3, 4, [[0, 1, 2, 3], [7, 11], [10, 9, 8], [4], [5, 6]]),
    ("spiral", 4, 3, [[0, 1, 2], [5, 8, 11], [10, 9], [6, 3], [4, 7]]),
    ("diagonal", 3, 3, [[0], [1, 3], [6, 4, 2], [5, 7], [8]]),
    ("diagonal", 2, 4, [[0], [1, 4], [5, 2], [3, 6], [7]]),
    ("hilbert", 2, 2, [[0, 2, 3, 1]]),
    ("hilbert", 4, 4, [[0, 1, 5, 4], [8, 12, 13, 9], [10, 14, 15, 11], [7, 6, 2, 3]]),
    ("hilbert", 3, 1, [[0, 1, 2]]),
]


@pytest.mark.parametrize("scan, height, width, parts", ORDERS)
def test_small_orders(scan, height, width, parts):
    assert_array_equal(scan_order(scan, height, width), np.concatenate(parts))


def test_the_diagonal_is_that_of_jpeg():
    first = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33]
    last = [60, 61, 54, 47, 55, 62, 63]
    order = scan_order("diagonal", 8, 8)
    assert_array_equal(order[:20], first)
    assert_array_equal(order[-7:], last)


@pytest.mark.parametrize("scan", ["snake", "spiral"])
def test_steps_to_a_neighbour(scan):
    for grid in GRIDS:
        down, across = steps(scan, *grid)
        assert (down + across == 1).all(), grid


def test_hilbert_steps_to_a_neighbour():
    for height, width in GRIDS:
        down, across = steps("hilbert", height, width)
        assert (np.maximum(down, across) == 1).all(), (height, width)
        n_diagonal = (down + across == 2).sum()
        longer, shorter = max(height, width), min(height, width)
        forced = longer % 2 == 1 and shorter % 2 == 0
        assert n_diagonal <= forced, (height, width)


@pytest.mark.parametrize("side", [4, 8, 16])
def test_hilbert_stays_in_a_quarter_until_it_is_read(side):
    row, column = path("hilbert", side, side)
    quarters = (row >= side // 2) * 2 + (column >= side // 2)
    assert (np.diff(quarters) != 0).sum() == 3
    assert scan_order("hilbert", side, side)[-1] == side - 1  # the other upper corner


def test_hilbert_keeps_neighbours_closer_than_rows_do():
    def spread(scan):  # of windows of 16 steps, in the worse of both directions
        places = np.stack(path(scan, 32, 32))
        windows = np.lib.stride_tricks.sliding_window_view(places, 16, axis=1)
        return np.ptp(windows, axis=2).max(axis=0).mean()

    assert spread("hilbert") < 7 < 14 < spread("rows")


def test_spiral_walks_inwards():
    row, column = path("spiral", 9, 12)
    edge = np.minimum.reduce([row, column, 8 - row, 11 - column])
    assert (np.diff(edge) >= 0).all()


def test_random_is_the_same_everywhere():
    assert_array_equal(scan_order("random", 4, 5),
                       [18, 1, 19, 8, 10, 17, 6, 13, 4, 2, 5, 14, 9, 7, 16, 11, 3, 0,
                        15, 12])  # fmt: skip
    order = scan_order("random", 28, 28).astype("<i8")
    digest = hashlib.sha256(order.tobytes()).hexdigest()
    assert digest == "fe62e3fef305ce16e55f08cd0056a8b237e12af6c9523ff3fb35395f6ec55222"


def test_random_does_not_touch_the_global_generator():
    before = str(np.random.get_state())
    scan_order("random", 8, 8)
    assert str(np.random.get_state()) == before


# Patches


@pytest.mark.parametrize("scan, patch_size, expected", [
    ("rows", None, (1, 7)), ("columns", None, (6, 1)), ("snake", None, (1, 1)),
    ("hilbert", None, (1, 1)), ("sweep", None, (1, 1)), ("rows", 2, (2, 2)),
    ("columns", 3, (3, 3)), ("rows", (4, None), (4, 7)), ("snake", (None, 2), (6, 2)),
    ("random", (None, None), (6, 7)), ("rows", [2, 3], (2, 3)),
    ("rows", np.int64(6), (6, 6)),
])  # fmt: skip
def test_resolve_patch(scan, patch_size, expected):
    assert resolve_patch(scan, patch_size, 6, 7) == expected


PATCHES = [(1, 1), (2, 2), (3, 2), (1, 7), (6, 1), (4, 5), (6, 7), (5, 3)]


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_are_the_parts_of_the_image(patch, channels):
    X, _ = draw(n=3, shape=(6, 7, channels))
    h, w = patch
    rows, columns = grid_shape(6, 7, patch)
    assert (rows, columns) == (int(np.ceil(6 / h)), int(np.ceil(7 / w)))
    patches = to_patches(X, patch)
    for place in range(rows * columns):
        top, left = place // columns * h, place % columns * w
        part = np.zeros((3, h, w, channels), X.dtype)
        inside = X[:, top : top + h, left : left + w]
        part[:, : inside.shape[1], : inside.shape[2]] = inside
        assert_array_equal(patches[:, place], part.reshape(3, -1))
    assert_array_equal(from_patches(patches, X.shape[1:], patch), X)


# The transformer


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


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "bool", "int64",
                                   "int8", "float16"])  # fmt: skip
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
    assert_array_equal(reader.transform(np.arange(10.0).reshape(1, 10))[0],
                       [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]])  # fmt: skip


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
        (4, 6, 3), 6, 12,
    )  # fmt: skip
    with pytest.raises(NotFittedError):
        clone(reader).inverse_transform(np.ones((1, 6, 12)))
