"""Where the steps of a scan lie in an image."""

import numpy as np
import pytest
from conftest import draw, make

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.images.orders import SCANS
from sk_rnnimage.inspection.paths import (
    MOST_FRAMES,
    Path,
    frames_path,
    network_paths,
    scan_path,
)


def paths_of(cls, shape, **parameters):
    model = make(cls, max_epochs=1, **parameters).fit(*draw(n=6, shape=shape))
    return network_paths(model.module_, *shape[:2])


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("patch_size", [1, 3, (2, None)])
def test_every_pixel_is_read_once(scan, patch_size):
    path = scan_path(scan, 7, 8, patch_size)
    assert path.area[0] >= 7
    n_steps = path.corners.shape[1]
    counts = np.bincount(path.first_step(*path.area).ravel(), minlength=n_steps)
    assert set(counts) == {np.prod(path.size)}
    assert path.first_step(7, 8).shape == (7, 8)


def test_the_steps_of_a_network():
    (path,) = paths_of(RNNImageClassifier, (6, 8), scan="snake", patch_size=(3, 2))
    tops, lefts = [0, 0, 0, 0, 3, 3, 3, 3], [0, 2, 4, 6, 6, 4, 2, 0]
    np.testing.assert_array_equal(path.corners[0], np.column_stack([tops, lefts]))
    assert path.size == (3, 2)
    np.testing.assert_array_equal(path.centres[0, 0], [1, 1.5])
    assert path.length() == pytest.approx((3 * 2 + 3 + 3 * 2) / 8)


@pytest.mark.parametrize(
    "cls, parameters, shape",
    [
        (RNNImageClassifier, {"scan": "rows"}, (6, 9)),
        (RNNImageClassifier, {"scan": ("columns", "hilbert"), "patch_size": 3}, (6, 9)),
        (RNNImageClassifier, {}, (12, 9)),
        (RNNImageClassifier, {"scan": "diagonal", "patch_size": 4}, (6, 9, 3)),
    ],
)
def test_the_first_pixels_are_those_that_the_network_sees_first(cls, parameters, shape):
    """A pixel that is read after t steps changes nothing that is said before."""
    X, y = draw(n=6, shape=shape, dtype=np.float64)
    model = make(cls, max_epochs=1, bidirectional=False, **parameters).fit(X, y)
    paths = network_paths(model.module_, *shape[:2])
    first = np.min([path.first_step(*shape[:2]) for path in paths], axis=0)
    n_stages = max(path.corners.shape[1] for path in paths)
    before = np.concatenate(list(model.staged_predict_proba(X[:1])))
    assert len(before) == n_stages
    for t in range(n_stages):
        changed = X[:1].copy()
        changed[0, first >= t] = 7 - changed[0, first >= t]
        after = np.concatenate(list(model.staged_predict_proba(changed)))
        np.testing.assert_allclose(after[:t], before[:t], atol=1e-6)
        read_now = first == t
        if read_now.any():
            assert np.abs(after[t] - before[t]).max() > 1e-6


def test_lines():
    assert scan_path("rows", 4, 5, None).lines() == "rows"
    assert scan_path("random", 4, 5, (None, 2)).lines() == "columns"
    for path in (
        scan_path("snake", 4, 5, 1),
        scan_path("rows", 4, 5, (4, 5)),
        *paths_of(RNNImageClassifier, (4, 6), scan="sweep", patch_size=2),
    ):
        assert path.lines() is None
        assert path.numbers is None


def test_lines_that_two_steps_share():
    rows, columns = paths_of(RNNImageClassifier, (9, 6))
    assert (rows.lines(), columns.lines()) == ("rows", "columns")
    assert rows.name == "rows\n4 a step, 2 shared"
    np.testing.assert_array_equal(rows.corners[0, :, 0], [0, 2, 4, 6])
    assert (rows.size, columns.size) == ((4, 6), (9, 4))
    np.testing.assert_array_equal(
        columns.first_step(9, 6), np.tile([0, 0, 0, 0, 1, 1], (9, 1))
    )


def test_a_sweep_has_two_panels_of_passes():
    rows, columns = paths_of(RNNImageClassifier, (4, 6), scan="sweep", patch_size=2)
    assert rows.corners.shape == (2, 3, 2)
    assert columns.corners.shape == (3, 2, 2)
    expected = np.repeat([[0, 0, 1, 1, 2, 2]], 4, axis=0)
    np.testing.assert_array_equal(rows.first_step(4, 6), expected)
    expected = np.repeat([[0], [0], [1], [1]], 6, axis=1)
    np.testing.assert_array_equal(columns.first_step(4, 6), expected)


def test_steps_of_a_feature_map_lie_in_the_image():
    (path,) = paths_of(CRNNImageClassifier, (20, 12), filters=(4, 8))
    assert path.size == (4, 12)  # halved twice: 20 to 5 lines, 12 to 3 columns wide
    np.testing.assert_array_equal(path.corners[0, :, 0], [0, 4, 8, 12, 16])
    assert path.name == "rows\nof the feature map"


def test_a_network_reads_an_image_of_another_size():
    X, y = draw(n=6, shape=(6, 8))
    model = make(RNNImageClassifier, scan="hilbert", patch_size=2, max_epochs=1)
    (path,) = network_paths(model.fit(X, y).module_, 4, 6)
    assert path.corners.shape == (1, 6, 2)
    assert path.area == (4, 6)


def test_frames_lie_side_by_side():
    path = frames_path(5, (2, 3))
    assert path.size == (2, 3)
    np.testing.assert_array_equal(path.numbers, [1, 2, 3, 4, 5])
    assert len(np.unique(path.corners[0], axis=0)) == 5
    long = frames_path(600, (4, 4))
    assert len(long.numbers) == MOST_FRAMES
    assert (long.numbers[0], long.numbers[-1]) == (1, 600)
    assert long.area == (24, 24)


def test_a_path_without_length():
    path = Path("rows", np.zeros((1, 1, 2), int), (4, 4))
    assert path.length() == 1
    assert (path.first_step(4, 5) == [0, 0, 0, 0, 1]).all()
