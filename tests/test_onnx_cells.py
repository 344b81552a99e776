"""Every cell in ONNX: over images, and over clips of any length."""

import numpy as np
import pytest
from conftest import draw, draw_clips, make
from onnx_by_hand import assert_same

from sk_rnnimage import RNNImageClassifier
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
