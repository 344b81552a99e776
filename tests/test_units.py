"""Pixels in another unit than those of fit."""

import time

import numpy as np
import pytest
from conftest import (
    draw,
    make,
    with_missing,
)

from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage.images.kinds import Images
from sk_rnnimage.images.units import warn_of_another_unit

UNITS = {
    "0 to 1": lambda X: X / 255,
    "0 to 1 in halves": lambda X: (X / 255).astype(np.float16),
    "0 to 65535": lambda X: X / np.float32(65535),
    "-1 to 1": lambda X: X / 127.5 - 1,
    "standardised": lambda X: (X - 100.0) / 80,
    "binary": lambda X: X > 127,
    "binary floats": lambda X: (X > 127).astype(float),
    "missing pixels": lambda X: with_missing(X / 255),
    "a list": lambda X: [x[: 8 - i % 2] / 255 for i, x in enumerate(X)],
    "one image": lambda X: X[:1] / 255,
    "16 bits": lambda X: X.astype(np.uint16) * 257,
}
SAME_UNIT = {
    "as in fit": lambda X: X,
    "one image": lambda X: X[:1],
    "one image as a list": lambda X: [X[0]],
    "black": np.zeros_like,
    "white": lambda X: np.full_like(X, 255),
    "white floats": lambda X: np.full(X.shape, 255.0),
    "one black image": lambda X: np.zeros((1, 8, 8)),
    "dim": lambda X: X // 20,
    "dimmer": lambda X: X // 100,
    "dim floats": lambda X: X * 0.05,
    "one dim image": lambda X: X[:1] // 100,
    "one hot pixel": lambda X: with_pixel(np.zeros((1, 8, 8)), 1),
    "noise on black": lambda X: np.random.RandomState(0).randint(0, 4, (1, 8, 8)),
    "noise on white": lambda X: 255 - X // 100,
    "rounding of black": lambda X: X * 1e-9,
    "bright": lambda X: np.minimum(X.astype(int) * 3, 255),
    "missing pixels": with_missing,
    "nearly all missing": lambda X: np.where(np.arange(8) > 0, np.nan, X),
    "10 bits": lambda X: X.astype(np.uint16) * 4,
    "a list": lambda X: [x[: 8 - i % 2] for i, x in enumerate(X)],
}


def with_pixel(X, value):
    X[0, 3, 4] = value
    return X


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)], ids=str)
@pytest.mark.parametrize("case", UNITS)
def test_pixels_in_another_unit(case, shape):
    X, y = draw(shape=shape)
    sentence = "they cannot be in the same unit. Bring X into that of fit, for instance"
    model = make(CRNNImageClassifier, pooling="attention", scan="sweep").fit(X, y)
    for method in (
        "predict",
        "predict_proba",
        "decision_function",
        "attention_weights",
    ):
        with pytest.warns(UserWarning, match=sentence):
            getattr(model, method)(UNITS[case](X))
    other, labels = UNITS[case](X), y[: len(UNITS[case](X))]
    with pytest.warns(UserWarning, match=sentence):
        model.score(other, labels)
    with pytest.warns(UserWarning, match="The pixels of X_val have a mean of "):
        model.fit(X, y, X_val=other, y_val=labels)
    with pytest.warns(UserWarning, match=sentence):
        model.partial_fit(other, labels)
    with pytest.warns(UserWarning, match=sentence):
        model.set_params(warm_start=True, early_stopping=False).fit(X, y).fit(
            [*other] * 3, [*labels] * 3 if len(labels) > 1 else [0, 1, 2]
        )
    rows = make(CRNNImageClassifier, scan="rows", patch_size=1).fit(X, y)
    with pytest.warns(UserWarning, match=sentence):
        list(rows.staged_predict_proba(other))


@pytest.mark.parametrize("cast", [np.asarray, lambda X: X / 255], ids=["255", "1"])
@pytest.mark.parametrize("case", SAME_UNIT)
def test_pixels_in_the_same_unit(case, cast):
    X, y = draw()
    model = make(CRNNImageClassifier, scan="sweep").fit(
        cast(X), y, X_val=cast(X), y_val=y
    )
    other = SAME_UNIT[case](X)
    model.predict([cast(x) for x in other] if isinstance(other, list) else cast(other))


def test_units_of_channels_that_are_constant():
    X, y = draw(shape=(8, 8, 3))
    X[..., 2] = 255  # opaque
    model = make(CRNNImageClassifier).fit(X, y)
    X[..., 2] = 0
    model.predict(X)
    with pytest.warns(UserWarning, match="cannot be in the same unit"):
        model.predict(X / 255)
    constant = make(CRNNImageClassifier).fit(np.zeros((24, 8, 8)), y)
    constant.predict(np.full((1, 8, 8), 255))


def test_units_where_there_is_little_to_tell():
    X, y = draw(shape=(8, 8, 2), dtype=np.float64)
    X = 200 + X / 100  # low contrast
    model = make(CRNNImageClassifier).fit(with_missing(X), y)
    model.predict(np.zeros((1, 8, 8, 2)))
    model.predict(np.full((2, 8, 8, 2), 255))
    model.predict(np.where([True, False], np.nan, X))  # no pixel of one channel
    with pytest.warns(UserWarning, match="The pixels of X have a mean of 0.787 and"):
        model.predict(np.where([True, False], np.nan, X / 255))


def test_the_unit_of_large_images_is_told_from_a_sample():
    rng = np.random.RandomState(0)
    mean, scale = np.array([100.0]), np.array([50.0])
    images = Images(rng.randint(0, 256, (3, 2000, 2000, 1), dtype=np.uint8))
    begin = time.perf_counter()
    warn_of_another_unit(images, mean, scale)
    assert time.perf_counter() - begin < 0.2
    images = Images((images.array / 255).astype(np.float32))
    with pytest.warns(UserWarning, match="The pixels of X have a mean of 0.5"):
        warn_of_another_unit(images, mean, scale)
