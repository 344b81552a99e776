"""Layers of a cell over the steps of a scan, worked by hand in NumPy."""

import numpy as np
import pytest
from cells_by_hand import CELLS, read
from conftest import CLASSIFIERS, draw, make, weights_equal
from networks_by_hand import (
    below,
    by_hand,
    classify,
    fitted,
    pool,
    rows_of,
    standardized,
    steps_of,
)
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import ImageToSequence, RNNImageClassifier
from sk_rnnimage.images.orders import SCANS

POOLINGS = ["last", "mean", "max", "attention"]
PLAIN = {"scan": "rows", "patch_size": None, "pooling": "last", "bidirectional": False}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_rows_and_one_layer_are_the_cell_and_nothing_else(
    images, cell, bidirectional, pooling
):
    X, y = images
    settings = PLAIN | {"cell": cell, "bidirectional": bidirectional}
    model = fitted(RNNImageClassifier, X, y, **(settings | {"pooling": pooling}))
    expected = by_hand(model, [rows_of(standardized(model, X))])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)
    n_parts = {"mingru": 2, "lru": 7, "lmu": 5}.get(cell, 4) * (1 + bidirectional)
    n_parts = 3 if cell is None else n_parts
    n_pooling = 4 if pooling == "attention" else 0
    # pixels, cell, head, temperature
    assert len(model.weights_) == 2 + n_parts + n_pooling + 2 + 1


@pytest.mark.parametrize("cell", CELLS)
def test_layers_of_different_sizes(images, cell):
    X, y = images
    settings = {"cell": cell, "hidden_size": (7, 4, 5), "bidirectional": True}
    model = fitted(RNNImageClassifier, X, y, scan="rows", **settings)
    expected = by_hand(model, [rows_of(standardized(model, X))])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)
    assert model.weights_["head.weight"].shape == (3, 10)


def test_a_tuple_of_scans_joins_what_each_found(images):
    X, y = images
    scans = ("rows", "hilbert", "columns")
    model = fitted(RNNImageClassifier, X, y, scan=scans, pooling="max")
    x = standardized(model, X)
    columns = rows_of(x.transpose(0, 2, 1, 3))
    sequences = [rows_of(x), steps_of(model, X, "hilbert"), columns]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-10)
    one = fitted(RNNImageClassifier, X, y, scan=("hilbert",))
    assert weights_equal(one, fitted(RNNImageClassifier, X, y, scan="hilbert"))


@pytest.mark.parametrize("cell", CELLS)
def test_columns_are_the_rows_of_the_transposed_image(cls, images, cell):
    X, y = images
    turned = np.swapaxes(X, 1, 2).copy()
    rows = fitted(cls, X, y, scan="rows", cell=cell)
    columns = fitted(cls, turned, y, scan="columns", cell=cell)
    weights = {  # a kernel is turned as the image is
        name: w.swapaxes(2, 3) if name.startswith("stem") and w.ndim == 4 else w
        for name, w in rows.weights_.items()
    }
    model = cls.__new__(cls)
    model.__setstate__(columns.__getstate__() | {"weights_": weights})
    assert_allclose(model.predict_proba(turned), rows.predict_proba(X), atol=1e-10)
    other = columns.predict_proba(turned[::-1])
    assert np.abs(other - rows.predict_proba(X)).max() > 1e-6


# Sweep


def sweep_layer(model, x, i):
    """All rows and all columns, each by a loop: (B, H, W, F) to (B, H, W, N) twice."""
    across, down = (
        below(model.weights_, f"readings.0.along_{way}.{i}.")
        for way in ("rows", "columns")
    )
    rows = [
        read(across, model.cell, x[:, r].transpose(1, 0, 2)) for r in range(x.shape[1])
    ]
    columns = [
        read(down, model.cell, x[:, :, c].transpose(1, 0, 2)) for c in range(x.shape[2])
    ]
    return (  # from H of (W, B, N) and from W of (H, B, N)
        np.stack(rows).transpose(2, 0, 1, 3),
        np.stack(columns).transpose(2, 1, 0, 3),
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_sweep_is_a_loop_over_lines(images, cell, pooling, bidirectional):
    X, y = images
    settings = {"hidden_size": (5, 4), "cell": cell, "bidirectional": bidirectional}
    model = fitted(RNNImageClassifier, X, y, scan="sweep", pooling=pooling, **settings)
    x = standardized(model, X)
    for i in range(2):
        across, down = sweep_layer(model, x, i)
        x = np.concatenate([across, down], axis=3)
    reading = below(model.weights_, "readings.0.")
    if pooling == "last" and cell is not None:
        # (W, B, H, N) and (H, B, W, N): every line's end, then the mean over lines
        ends = [
            np.mean([pool(model, {}, line) for line in lines], axis=0)
            for lines in (across.transpose(1, 2, 0, 3), down.transpose(2, 1, 0, 3))
        ]
        pooled = np.concatenate(ends, axis=1)
    else:
        places = x.reshape(len(X), -1, x.shape[3]).transpose(1, 0, 2)
        pooled = pool(model, reading, places)
    assert_allclose(model.predict_proba(X), classify(model, pooled), atol=1e-10)


def test_sweep_over_patches():
    X, y = draw(n=12, shape=(8, 6), dtype=np.float64)
    model = fitted(RNNImageClassifier, X, y, scan="sweep", patch_size=2, pooling="mean")
    x = ImageToSequence("rows", patch_size=2).fit_transform(standardized(model, X))
    x = np.concatenate(sweep_layer(model, x.reshape(12, 4, 3, 4), 0), axis=3)
    pooled = x.mean((1, 2))
    assert_allclose(model.predict_proba(X), classify(model, pooled), atol=1e-10)


def test_a_sweep_with_heads_reads_last_as_mean(cls):
    X, y = draw(n=9)
    settings = {"scan": "sweep", "attention_heads": 2}
    last, mean = (make(cls, pooling=p, **settings).fit(X, y) for p in ("last", "mean"))
    assert_array_equal(last.predict_proba(X), mean.predict_proba(X))


# Everything with everything


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("scan", [*SCANS, "sweep", "auto", ("sweep", "rows")], ids=str)
@pytest.mark.parametrize("cls", CLASSIFIERS, ids=["rnn", "crnn"])
def test_a_batch_of_one_is_its_row_in_the_batch(cls, scan, cell):
    X, y = draw(n=9, shape=(6, 5, 2))
    for pooling in POOLINGS:
        settings = {"scan": scan, "cell": cell, "pooling": pooling, "max_epochs": 1}
        model = make(cls, hidden_size=4, **settings).fit(X, y)
        whole = model.predict_proba(X)
        alone = [model.predict_proba(X[i : i + 1])[0] for i in (0, 4, 8)]
        assert_allclose(alone, whole[[0, 4, 8]], atol=1e-12)
        assert np.ptp(whole, axis=0).max() > 1e-6
