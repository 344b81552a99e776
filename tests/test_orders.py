"""Scan orders as index arrays, and patches."""

import hashlib

import numpy as np
import pytest
from conftest import draw
from numpy.testing import assert_array_equal

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
    assert_array_equal(
        scan_order("random", 4, 5),
        [18, 1, 19, 8, 10, 17, 6, 13, 4, 2, 5, 14, 9, 7, 16, 11, 3, 0, 15, 12],
    )
    order = scan_order("random", 28, 28).astype("<i8")
    digest = hashlib.sha256(order.tobytes()).hexdigest()
    assert digest == "fe62e3fef305ce16e55f08cd0056a8b237e12af6c9523ff3fb35395f6ec55222"


def test_random_does_not_touch_the_global_generator():
    before = str(np.random.get_state())
    scan_order("random", 8, 8)
    assert str(np.random.get_state()) == before


# Patches


@pytest.mark.parametrize(
    "scan, patch_size, expected",
    [
        ("rows", None, (1, 7)),
        ("columns", None, (6, 1)),
        ("snake", None, (1, 1)),
        ("hilbert", None, (1, 1)),
        ("sweep", None, (1, 1)),
        ("rows", 2, (2, 2)),
        ("columns", 3, (3, 3)),
        ("rows", (4, None), (4, 7)),
        ("snake", (None, 2), (6, 2)),
        ("random", (None, None), (6, 7)),
        ("rows", [2, 3], (2, 3)),
        ("rows", np.int64(6), (6, 6)),
    ],
)
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
