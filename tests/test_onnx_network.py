"""The network in ONNX: pixels, convolutions, views, several clips and precisions."""

import numpy as np
import pytest
from conftest import draw, draw_clips, draw_unequal, make, with_missing
from onnx_by_hand import assert_same, run

from sk_rnnimage import CRNNImageClassifier, to_onnx


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(8, 7), (8, 7, 3)])
def test_images_of_any_dtype(cls, dtype, shape):
    X, y = draw(shape=shape, dtype=dtype)
    X = X / dtype(255) if np.dtype(dtype).kind == "f" else X
    assert_same(make(cls, dropout=0.3).fit(X, y), X, X[:1], X[:7])


def test_missing_pixels(cls):
    X, y = draw(shape=(8, 7, 3))
    holes = with_missing(X)
    assert_same(make(cls).fit(holes, y), X, holes)
    assert_same(make(cls).fit(X, y), X, holes)


@pytest.mark.parametrize("n", [12, 140])
def test_networks_in_both_precisions(cls, n):
    X, y = draw(n=n)
    model = make(cls, max_epochs=1).fit(X, y)
    assert model.weights_["head.weight"].dtype == (np.float64, np.float32)[n > 128]
    assert_same(model, X[:7])


@pytest.mark.parametrize(
    "filters, kernel_size, downsample",
    [
        ("auto", 3, "auto"),
        ((4, 32), (2, 5), (True, False)),
        ((3, 6, 40), 4, (True, True, True)),
        (5, 1, (False,)),
    ],
)
def test_convolutions(filters, kernel_size, downsample):
    X, y = draw(shape=(11, 17, 3))
    model = make(
        CRNNImageClassifier,
        filters=filters,
        kernel_size=kernel_size,
        downsample=downsample,
        cell="gru",
    )
    assert_same(model.fit(X, y), X, X[:1])


@pytest.mark.parametrize("augment", [None, "flip"])
@pytest.mark.parametrize("n_views", [2, 9])
def test_views(cls, augment, n_views):
    X, y = draw(shape=(6, 8))
    model = make(cls, augment=augment, n_views=n_views).fit(X, y)
    assert_same(model, X, X[:1])
    assert_same(make(cls, n_views=n_views, scan="sweep").fit(X, y), X)


def test_views_of_clips(cls):
    X, y = draw_clips(lengths=(4, 4), dtype=np.float32)
    X = np.stack(X)
    X[0, 1] = np.nan
    model = make(cls, scan="frames", augment="flip", n_views=4).fit(X, y)
    lonely = np.full_like(X[:2], np.nan)  # whose one pixel no other view shows
    lonely[:, ::2] = X[:2, ::2]
    lonely[:, 1, 0, 0] = 1
    assert_same(model, X, lonely)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_convolutions_over_clips(channels):
    X, y = draw(n=18, shape=(5, 9, 8, *channels), dtype=np.float32)
    model = make(
        CRNNImageClassifier, scan="frames", filters=(4, 8), n_views=2, cell="lstm"
    ).fit(with_missing(X), y)
    gaps = X.copy()
    gaps[0, :2] = gaps[1, 4] = np.nan
    assert_same(model, X, gaps, X[:1, :2], np.concatenate([X, gaps], axis=1))


def test_images_of_unequal_size_are_read_at_the_size_of_the_largest(cls):
    X, y = draw_unequal()
    model = make(cls).fit(X, y)
    images, _ = draw(shape=model.image_shape_)
    assert_same(model, images)


@pytest.mark.parametrize("scan", ["auto", "frames"])
def test_where_all_pixels_are_missing_there_is_no_probability(cls, scan):
    X, y = draw(n=12, shape=(3, 6, 5), dtype=np.float32)
    X = X if scan == "frames" else X[:, 0]
    model = to_onnx(make(cls, scan=scan, pooling="last", n_views=2).fit(X, y))
    blank = X.copy()
    blank[4] = np.nan
    _, probabilities = run(model, blank)
    assert np.isnan(probabilities[4]).all()
    others = np.arange(len(X)) != 4
    np.testing.assert_allclose(probabilities[others], run(model, X)[1][others])
