"""Every cell in ONNX: over images, and over clips of any length."""

import numpy as np
import pytest
from conftest import draw, draw_clips, make
from onnx_by_hand import assert_same

from sk_rnnimage import RNNImageClassifier, to_onnx
from sk_rnnimage.networks.cells import CELLS


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_cells(cell, bidirectional):
    X, y = draw(shape=(8, 6))
    model = make(
        RNNImageClassifier,
        cell=cell,
        scan="rows",
        bidirectional=bidirectional,
        hidden_size=(5, 4),
    ).fit(X, y)
    assert_same(model, X, X[:1], X[:7])


@pytest.mark.parametrize("scan, patch_size", [("rows", None), ("snake", (1, 2))])
@pytest.mark.parametrize("pooling", ["last", "max"])
@pytest.mark.parametrize("cell", ["mingru", "lru", "lmu"])
def test_linear_cells_read_few_numbers_a_step_or_many(cell, pooling, scan, patch_size):
    X, y = draw(shape=(6, 7))
    model = make(
        RNNImageClassifier,
        cell=cell,
        scan=scan,
        patch_size=patch_size,
        pooling=pooling,
        hidden_size=(5, 3),
    ).fit(X, y)
    assert_same(model, X, X[:1])


@pytest.mark.parametrize("cell", ["lru", "lmu"])
def test_filters_are_a_convolution_where_the_number_of_steps_is_known(cell):
    """And over clips, whose length is free, a loop."""
    X, y = draw(shape=(6, 4))
    for scan, n_loops in (("rows", 0), ("frames", 1)):
        model = make(RNNImageClassifier, cell=cell, scan=scan, bidirectional=False)
        model.fit(X if scan == "rows" else X[:, None], y)
        operators = [node.op_type for node in to_onnx(model).graph.node]
        assert operators.count("Scan") == n_loops
        assert operators.count("Conv") == 1 - n_loops


@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("cell", CELLS)
def test_cells_read_clips_of_any_length(cell, pooling):
    X, y = draw_clips(lengths=(6, 6), dtype=np.float32)
    X = np.stack(X)
    model = make(RNNImageClassifier, cell=cell, scan="frames", pooling=pooling)
    model.fit(X, y)
    gaps = X.copy()
    gaps[0, [0, 3]] = gaps[1, 5] = gaps[2, :5] = np.nan
    sets = [X, X[:1, :2], gaps, gaps[:3, 3:]]
    if cell:  # the control knows no more places than those of fit
        sets.append(np.concatenate([X, X], axis=1))
    assert_same(model, *sets)
