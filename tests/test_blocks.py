"""Predictions block by block, of arrays and files that are never held as a whole."""

import dask.array as da
import dask.bag as db
import numpy as np
import pytest
from conftest import draw, draw_clips, make
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.pipeline import make_pipeline

from sk_rnnimage import ImageReader, RNNImageClassifier

NAMES = np.array(["a", "bb", "longest"])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)], ids=str)
def test_labels_of_blocks(cls, shape):
    X, y = draw(30, shape)
    model = make(cls).fit(X, NAMES[y])
    blocks = da.from_array(X, chunks=(7, *[-1] * len(shape)))
    axes = list(range(1, X.ndim))
    labels = blocks.map_blocks(
        model.predict, drop_axis=axes, dtype=model.classes_.dtype
    )
    assert labels.chunks == (blocks.chunks[0],)
    found = labels.compute()
    assert found.dtype == labels.dtype
    assert_array_equal(found, model.predict(X))


def test_probabilities_of_blocks(cls):
    X, y = draw(30)
    model = make(cls).fit(X, y)
    blocks = da.from_array(X, chunks=(7, -1, -1)).reshape(30, -1)
    probabilities = blocks.map_blocks(
        model.predict_proba, chunks=(blocks.chunks[0], (3,)), dtype=float
    )
    found = probabilities.compute()
    assert found.shape == probabilities.shape == (30, 3)
    assert found.dtype == probabilities.dtype
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-6)


def test_clips_of_blocks():
    clips, y = draw_clips(lengths=(6, 6))
    X = np.stack(clips)
    model = make(RNNImageClassifier, scan="frames").fit(X, y)
    blocks = da.from_array(X, chunks=(4, -1, -1, -1))
    labels = blocks.map_blocks(model.predict, drop_axis=[1, 2, 3], dtype=int)
    assert_array_equal(labels.compute(), model.predict(X))


def test_labels_of_a_bag_of_paths(cls, tmp_path):
    X, y = draw(12)
    paths = [str(tmp_path / f"{i}.png") for i in range(12)]
    for path, image in zip(paths, X):
        Image.fromarray(image).save(path)
    model = make_pipeline(ImageReader(), make(cls)).fit(paths, NAMES[y])
    labels = db.from_sequence(paths, partition_size=5).map_partitions(
        lambda part: model.predict(list(part)).tolist()
    )
    assert labels.compute(scheduler="threads") == model.predict(paths).tolist()
