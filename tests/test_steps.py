"""From an image or a feature map to steps, by hand in NumPy."""

import numpy as np
import pytest
import torch
from conftest import draw, make, weights_equal
from networks_by_hand import (
    below,
    by_hand,
    convolved,
    fitted,
    rows_of,
    standardized,
    steps_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier
from sk_rnnimage.images.orders import SCANS, grid_shape, to_patches
from sk_rnnimage.networks.steps import EmbeddedLines, make_steps, to_grid

# Patches along a path


@pytest.mark.parametrize("scan", ["snake", "spiral", "hilbert", "diagonal", "random"])
def test_a_scan_reads_one_pixel_a_step(images, scan):
    X, y = images
    model = fitted(RNNImageClassifier, X, y, scan=scan)
    expected = by_hand(model, [steps_of(model, X, scan)])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)


@pytest.mark.parametrize("patch_size", [2, (2, 3), (3, None), (None, 2)])
def test_patches_that_do_not_fit_are_padded_with_the_mean(images, patch_size):
    X, y = images
    model = fitted(RNNImageClassifier, X, y, scan="snake", patch_size=patch_size)
    reader = ImageToSequence("snake", patch_size=patch_size)
    x = reader.fit_transform(standardized(model, X)).transpose(1, 0, 2)  # pads with 0
    assert_allclose(model.predict_proba(X), by_hand(model, [x]), atol=1e-10)


@pytest.mark.parametrize("scan", sorted(SCANS))
@pytest.mark.parametrize("patch_size", [2, 4, (1, None), (None, 2)])
def test_the_transformer_and_the_network_read_alike(scan, patch_size):
    X, y = draw(n=20, shape=(8, 4), dtype=np.float64)
    ahead = make_pipeline(
        ImageToSequence(scan, patch_size=patch_size),
        make(RNNImageClassifier, scan="rows"),
    ).fit(X, y)
    within = make(RNNImageClassifier, scan=scan, patch_size=patch_size).fit(X, y)
    assert_allclose(ahead.predict_proba(X), within.predict_proba(X), atol=1e-9)
    assert_array_equal(ahead.predict(X), within.predict(X))


@pytest.mark.parametrize("patch", [(1, 1), (2, 3), (5, 4), (1, 7)], ids=str)
def test_the_grid_is_that_of_the_transformer(patch):
    X, _ = draw(n=3, shape=(6, 7, 2))
    grid = grid_shape(6, 7, patch)
    found = to_grid(torch.from_numpy(X), patch, grid)
    assert found.shape[1:3] == grid
    assert_array_equal(found.flatten(1, 2), to_patches(X, patch))


SMALLER = [(6, 7), (4, 4), (5, 2), (4, 7)]
READ = [
    ("rows", (2, 3)),
    ("spiral", None),
    ("hilbert", 2),
    ("overlapping rows", None),
    ("overlapping columns", None),
    ("single rows", None),
]


@pytest.mark.parametrize("scan, patch_size", READ, ids=str)
def test_the_steps_of_a_padded_map_are_those_of_the_map_alone(scan, patch_size):
    steps = make_steps(scan, patch_size, (6, 7, 2)).double()
    maps = [torch.rand(1, *size, 2, dtype=torch.float64) for size in SMALLER]
    x = torch.zeros(len(maps), 6, 7, 2, dtype=torch.float64)
    for i, (height, width) in enumerate(SMALLER):
        x[i, :height, :width] = maps[i]
    found, lengths = steps(x, torch.tensor(SMALLER))
    assert found.shape[2] == steps.n_features
    assert len(found) == steps.n_steps == max(lengths)
    for i, one in enumerate(maps):
        alone, none_padded = steps(one)
        assert none_padded is None
        assert len(alone) == lengths[i]
        assert_allclose(
            found[: lengths[i], i].detach(), alone[:, 0].detach(), atol=1e-12
        )


# What scan="auto" reads


def embedded(model, i, lines):
    """Lines (H, B, F) through the embedding of one reading."""
    weights = below(model.weights_, f"readings.{i}.steps.embed.")
    return np.maximum(0, lines @ weights["weight"].T + weights["bias"])


def four_by_two(lines):
    """Four lines a step, two of them shared with the next, zeros past the end."""
    n_steps = max(0, -(-(len(lines) - 4) // 2)) + 1
    n_lines = min(4, len(lines))
    lines = np.pad(lines, ((0, 8), (0, 0), (0, 0)))
    steps = [lines[2 * t : 2 * t + n_lines] for t in range(n_steps)]
    return np.stack([np.concatenate(list(step), axis=1) for step in steps])


@pytest.mark.parametrize("shape", [(2, 3), (4, 6), (7, 9), (8, 5, 3)], ids=str)
def test_rnn_reads_overlapping_rows_and_columns(shape):
    X, y = draw(n=12, shape=shape, dtype=np.float64)
    model = fitted(RNNImageClassifier, X, y, scan="auto", hidden_size=5)
    x = standardized(model, X)
    lines = [rows_of(x), rows_of(x.transpose(0, 2, 1, 3))]
    sequences = [embedded(model, i, four_by_two(part)) for i, part in enumerate(lines)]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-9)


def test_crnn_embeds_the_rows_of_its_map():
    X, y = draw(n=12, shape=(9, 12), dtype=np.float64)
    model = fitted(CRNNImageClassifier, X, y, scan="auto", filters=3, kernel_size=3)
    x = convolved(model, standardized(model, X), 0, pool=2)
    sequences = [embedded(model, 0, rows_of(x))]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-9)


def test_a_patch_size_replaces_the_embedding(cls):
    X, y = draw(n=12)
    auto = make(cls, scan="auto", patch_size=2).fit(X, y)
    axes = {RNNImageClassifier: ("rows", "columns"), CRNNImageClassifier: "rows"}[cls]
    named = make(cls, scan=axes, patch_size=2).fit(X, y)
    assert weights_equal(auto, named)


def test_the_embedding_of_large_frames_starts_as_any_other():
    """And an update of its weights changes its output by less."""
    shape, frame_height = (3 * 32, 32, 1), 32
    torch.manual_seed(0)
    frames = make_steps("frames", None, shape, frame_height)
    torch.manual_seed(0)
    lines = EmbeddedLines("rows", shape, n_lines=32, stride=32)
    assert (frames.scale, lines.scale) == (0.5, 1)
    clips = torch.randn(2, *shape)
    assert_allclose(frames(clips)[0].detach(), lines(clips)[0].detach(), atol=1e-6)
    small = make_steps("frames", None, (9, 3, 1), 3)
    assert small.scale == 1
