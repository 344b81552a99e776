"""Missing pixels: NaN is the mean, or a channel of its own where fit saw some."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, draw_unequal, make, one_by_one, weights_equal, with_missing
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sk_rnnimage import ImageToSequence, RNNImageClassifier
from sk_rnnimage._data.augmentation import AUGMENTATIONS, affine
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage.images.kinds import Images, UnequalImages


def first_layer(model):
    """The weights that the first layer gives to what it reads."""
    names = "convolution.weight", "weight_ih_l0", "steps.embed.weight"
    return next(w for k, w in model.weights_.items() if k.endswith(names))


def test_the_tags_say_so(cls):
    assert cls().__sklearn_tags__().input_tags.allow_nan
    assert ImageToSequence().__sklearn_tags__().input_tags.allow_nan


# Missing at predict alone


@pytest.mark.parametrize("shape", [(8, 8), (9, 12, 3)], ids=str)
def test_what_fit_has_not_seen_missing_is_the_mean(cls, shape):
    X, y = draw(shape=shape, dtype=np.float64)
    model = make(cls).fit(X, y)
    holes = with_missing(X)
    filled = np.where(np.isnan(holes), model.weights_["standardize.mean"], holes)
    if len(shape) == 2:
        filled = np.where(np.isnan(holes), model.weights_["standardize.mean"][0], holes)
    found = model.predict_proba(holes)
    assert_allclose(found, model.predict_proba(filled), atol=1e-12)
    assert not np.allclose(found, model.predict_proba(X), atol=1e-3)


def test_the_mean_where_only_validation_images_have_holes(cls):
    X, y = draw(dtype=np.float64)
    model = make(cls).fit(X, y, X_val=with_missing(X), y_val=y)
    mean = model.weights_["standardize.mean"][0]
    filled = np.where(np.isnan(with_missing(X)), mean, X)
    plain = make(cls).fit(X, y, X_val=filled, y_val=y)
    assert weights_equal(model, plain)
    losses = [[row["valid_loss"] for row in m.history_] for m in (model, plain)]
    assert_allclose(*losses, atol=1e-12)


# Missing in fit


@pytest.mark.parametrize("n_channels", [0, 3])
def test_the_mask_is_one_channel_more(cls, n_channels):
    shape = (8, 8, 3)[: 2 + bool(n_channels)]
    X, y = draw(shape=shape, dtype=np.float64)
    plain = first_layer(make(cls, scan="rows").fit(X, y))
    model = make(cls, scan="rows").fit(with_missing(X), y)
    axis, before = 1, max(1, n_channels)  # channels of a filter, pixels of a line
    assert first_layer(model).shape[axis] == plain.shape[axis] // before * (before + 1)
    assert model.weights_["standardize.mean"].shape == (before,)
    assert model.image_shape_ == shape
    assert model.n_features_in_ == X[0].size


@pytest.mark.parametrize("n_channels", [1, 3])
def test_the_mask_by_hand(n_channels):
    X, y = draw(n=30, shape=(6, 5, n_channels), dtype=np.float64)
    X = with_missing(X)
    plain = {"scan": "rows", "cell": "rnn", "bidirectional": False, "pooling": "last"}
    model = make(RNNImageClassifier, **plain).fit(X, y)
    w = model.weights_
    x = (X - w["standardize.mean"]) / w["standardize.scale"]
    share = np.isnan(X).mean(axis=3, keepdims=True)
    x = np.concatenate([np.nan_to_num(x), share], axis=3).reshape(30, 6, -1)
    w = {k.rpartition(".")[2]: v for k, v in w.items() if "rnn" in k} | w
    h = np.zeros((30, 8))
    for t in range(6):
        inputs = x[:, t] @ w["weight_ih_l0"].T + w["bias_ih_l0"]
        h = np.tanh(inputs + h @ w["weight_hh_l0"].T + w["bias_hh_l0"])
    logits = (h @ w["head.weight"].T + w["head.bias"]) / w["temperature"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)


def test_the_mask_tells_the_mean_from_what_is_missing(cls):
    X, y = draw(n=60, dtype=np.float64)
    X = with_missing(X)
    model = make(cls).fit(X, y)
    filled = np.where(np.isnan(X), model.weights_["standardize.mean"][0], X)
    assert not np.allclose(model.predict_proba(X), model.predict_proba(filled))


def test_the_pattern_of_holes_can_be_learned(cls):
    rng = np.random.RandomState(0)
    X, y = rng.rand(80, 8, 8), np.arange(80) % 2
    X[y == 1, :, :4] = np.nan
    X[y == 0, :, 4:] = np.nan
    model = make(cls, max_epochs=20, learning_rate=0.02).fit(X, y)
    assert model.score(X, y) == 1


def test_missing_pixels_of_weight_zero_are_absent(cls):
    X, y = draw(n=20, dtype=np.float64)
    more = np.concatenate([with_missing(X[:3]), X])
    weights = np.r_[0, 0, 0, np.ones(20)]
    model = make(cls).fit(more, np.r_[y[:3], y], sample_weight=weights)
    assert weights_equal(model, make(cls).fit(X, y))
    model = make(cls).fit([*more], np.r_[y[:3], y], sample_weight=weights)
    assert weights_equal(model, make(cls).fit(X, y))


def test_partial_fit_fixes_the_mask_at_the_first_call(cls):
    X, y = draw(dtype=np.float64)
    for first, second in [(X, with_missing(X)), (with_missing(X), X)]:
        model = make(cls).partial_fit(first, y, classes=[0, 1, 2])
        shapes = {name: w.shape for name, w in model.weights_.items()}
        model.partial_fit(second, y)
        assert {name: w.shape for name, w in model.weights_.items()} == shapes
        assert all(np.isfinite(w).all() for w in model.weights_.values())


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_later_holes_are_the_mean_in_training_too(cls, method):
    X, y = draw(dtype=np.float64)
    models = [make(cls, warm_start=True) for _ in range(2)]
    for model in models:
        model.partial_fit(X, y, classes=[0, 1, 2])
    holes = with_missing(X)
    mean = models[0].weights_["standardize.mean"][0]
    for model, part in zip(models, (holes, np.where(np.isnan(holes), mean, holes))):
        getattr(model, method)(part, y)
    for name, weight in models[0].weights_.items():
        assert_allclose(weight, models[1].weights_[name], atol=1e-6)


# Layouts, lists, pipelines


@pytest.mark.parametrize("shape", [(8, 8), (6, 10), (6, 6, 3)], ids=str)
def test_flat_is_shaped(cls, shape):
    X, y = draw(shape=shape, dtype=np.float64)
    X = with_missing(X)
    flat = X.reshape(len(X), -1)
    expected = make(cls).fit(X, y)
    layouts = {
        "flat": flat,
        "frame": pd.DataFrame(flat, columns=[f"p{i}" for i in range(X[0].size)]),
        "tensor": torch.as_tensor(X),
        "list": list(X),
        "nested": X.tolist(),
    }
    for layout in layouts.values():
        model = make(cls, image_shape=shape).fit(layout, y)
        assert weights_equal(model, expected)
        found = model.predict_proba(layout)
        assert_array_equal(found, expected.predict_proba(X))


def test_no_matter_how_many_are_read_at_once(cls, monkeypatch):
    X, y = draw(n=40, dtype=np.float64)
    X = with_missing(X)
    model = make(cls).fit(X, y)
    expected = model.predict_proba(X)
    assert_allclose(one_by_one(model, X), expected, atol=1e-12)
    monkeypatch.setattr("sk_rnnimage._prediction.logits.PIXELS_AT_ONCE", 7 * 64)
    assert_allclose(model.predict_proba(X), expected, atol=1e-12)


@pytest.mark.parametrize("scan", ["auto", "rows", "hilbert", "sweep"])
def test_holes_in_images_of_unequal_size(cls, scan):
    X, y = draw_unequal(sides=(7, 19), dtype=np.float64)
    X = with_missing(X)
    model = make(cls, scan=scan, learning_rate=0.05).fit(X, y)
    expected = one_by_one(model, X)
    assert_allclose(model.predict_proba(X), expected, atol=1e-9)
    assert np.ptp(expected, axis=0).max() > 1e-3


def test_the_transformer_hands_holes_through():
    X = with_missing(draw(shape=(7, 6, 3), dtype=np.float64)[0])
    for scan, patch_size in [("rows", None), ("hilbert", 2), ("spiral", 4)]:
        reader = ImageToSequence(scan, patch_size=patch_size).fit(X)
        sequences = reader.transform(X)
        assert np.isnan(sequences).sum() == np.isnan(X).sum()
        assert_array_equal(reader.inverse_transform(sequences), X)


def test_a_pipeline_with_the_transformer(cls):
    X, y = draw(dtype=np.float64)
    X = with_missing(X)
    model = make_pipeline(ImageToSequence(), make(cls)).fit(X, y)
    assert_array_equal(model.predict_proba(X), make(cls).fit(X, y).predict_proba(X))


@pytest.mark.parametrize("augment", AUGMENTATIONS)
@pytest.mark.parametrize("n_views", [1, 5])
def test_augmented_holes_stay_holes(cls, augment, n_views):
    X, y = draw(dtype=np.float64)
    model = make(cls, augment=augment, n_views=n_views).fit(with_missing(X), y)
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.predict_proba(with_missing(X))).all()


def test_affine_leaves_holes_as_large_as_they_are():
    whole = torch.rand(100, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    holes = torch.where(whole < 0.1, torch.nan, whole)
    turned, found = (
        affine(images, torch.Generator().manual_seed(0), missing=missing)
        for images, missing in ((whole, False), (holes, True))
    )
    before, after = (float(images.isnan().float().mean()) for images in (holes, found))
    assert after == pytest.approx(before, rel=0.3)
    there = ~found.isnan()
    assert (found[there] - turned[there]).abs().median() < 1e-6
    plain = affine(whole, torch.Generator().manual_seed(0), missing=True)
    assert_allclose(plain, turned, rtol=1e-6)


def test_an_augmentation_that_makes_holes_is_named(cls):
    X, y = draw(dtype=np.float64)
    model = make(cls, augment=lambda images, generator: images / 0 * 0)
    with pytest.raises(ValueError, match="augment must give finite values."):
        model.fit(X, y)
    assert not hasattr(model, "weights_")
    model.set_params(augment=None, warm_start=True).fit(X, y)
    model.set_params(augment=lambda images, generator: images / 0 * 0)
    with pytest.raises(ValueError, match="augment must give finite values."):
        model.fit(X, y)


# Moments


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("n_pixels", [1, 300, 2**20])
def test_moments_leave_holes_out(dtype, unequal, n_pixels):
    sides = (4, 9) if unequal else (6, 6)
    X, _ = draw_unequal(n=20, sides=sides, channels=(2,), dtype=dtype)
    X = [x.astype(dtype) for x in with_missing(X)]
    X[3][..., 1] = np.nan  # a channel of which an image has nothing
    X[0][..., 0] = np.nan
    weights = np.random.RandomState(0).rand(20) + 0.1
    images = UnequalImages(X) if unequal else Images(np.stack(X))
    found = pixel_moments(images, weights, n_values=n_pixels)
    pixels = np.concatenate([x.reshape(-1, 2) for x in X]).astype(float)
    each = np.repeat(weights, [x.size // 2 for x in X])
    for channel, (mean, scale) in enumerate(zip(*found)):
        there = ~np.isnan(pixels[:, channel])
        values, w = pixels[there, channel], each[there]
        expected = np.average(values, weights=w)
        assert mean == pytest.approx(expected, rel=1e-5)
        spread = np.sqrt(np.average((values - expected) ** 2, weights=w))
        assert scale == pytest.approx(spread, rel=1e-5)


def test_a_channel_without_a_value(cls):
    X, y = draw(shape=(8, 8, 2), dtype=np.float64)
    X[..., 1] = np.nan
    model = make(cls).fit(X, y)
    assert_array_equal(model.weights_["standardize.mean"][1], 0)
    assert_array_equal(model.weights_["standardize.scale"][1], 1)
    assert np.isfinite(model.predict_proba(X)).all()


# What stays an error


def test_all_missing_is_named(cls):
    X, y = draw(shape=(8, 8, 3), dtype=np.float64)
    model = make(cls).fit(X, y)
    X[[5, 7]] = np.nan
    sentence = "All pixels of X[5] are missing (NaN). Leave that image out."
    for given in (X, list(X), [*X[:-1], X[-1][:5]]):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            make(cls).fit(given, y)
        with pytest.raises(ValueError, match=re.escape(sentence)):
            model.predict(given)


def test_infinity_is_refused_beside_holes(cls):
    X, y = draw(dtype=np.float64)
    X[2, 3, 4], X[5, 1, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        make(cls).fit(X, y)
    with pytest.raises(ValueError, match=re.escape("Input X[5] contains infinity")):
        make(cls).fit([*X[:-1], X[-1][:5]], y)
