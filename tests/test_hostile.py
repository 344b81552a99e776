"""Odd numbers and shapes: they work, or end in a sentence of our own."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    draw,
    draw_unequal,
    flat,
    make,
)
from hostile_by_hand import refused
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.model_selection import (
    cross_val_score,
)

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier

# Numbers


@pytest.mark.parametrize(
    "factor, dtype, std",
    [
        (1e-310, np.float64, "5.81e-309"),
        (1e-307, np.float64, "5.81e-306"),
        (1e-40, np.float32, "5.81e-39"),
    ],
)
def test_pixels_that_only_denormal_numbers_tell_apart(cls, factor, dtype, std):
    X, y = draw()
    sentence = (
        f"The pixels of X have a standard deviation of {std} in channel 0, too small "
        f"to be told apart in {np.dtype(dtype)}. Scale them first"
    )
    tiny = X * dtype(factor)
    with refused(ValueError, sentence):
        make(cls).fit(tiny.astype(dtype), y)
    model = make(cls).fit(tiny / tiny.max(), y)
    assert model.score(tiny / tiny.max(), y) == 1


@pytest.mark.parametrize(
    "factor, dtype",
    [
        (1e-300, np.float64),
        (1e300, np.float64),
        (1e-33, np.float32),
        (1e35, np.float32),
    ],
)
def test_pixels_of_any_order(cls, factor, dtype):
    X, y = draw()
    X = (X * factor).astype(dtype)
    model = make(cls, max_epochs=6).fit(X, y, X_val=X, y_val=y)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    "cls, pixel",
    [
        (CRNNImageClassifier, 1e30),
        (CRNNImageClassifier, -1e300),
        (RNNImageClassifier, 1e300),
    ],
    indirect=["cls"],
)
@pytest.mark.filterwarnings("ignore:The pixels of X have a mean")
def test_outputs_that_are_not_finite(cls, pixel):
    X, y = draw(n=140)  # in single precision
    model = make(cls, pooling="attention", scan="rows", max_epochs=1).fit(X, y)
    X = X.astype(np.float64)
    X[5] = pixel
    sentence = (
        f"The outputs of the network for X[5] are not finite. Its pixels reach "
        f"{abs(pixel):.3g}, those of fit have a mean of ["
    )
    for method in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "attention_weights",
        "decision_function",
    ):
        with refused(ValueError, sentence):
            getattr(model, method)(X)
        with refused(ValueError, sentence):
            getattr(model, method)(list(X))
    with refused(ValueError, sentence):
        model.score(X, y)
    with refused(ValueError, sentence):
        list(model.staged_predict_proba(X))


# Shapes


@pytest.mark.parametrize("shape", [(8, 8), (6, 9), (8, 8, 3), (5, 8, 2)], ids=str)
def test_one_image_is_no_set_of_images(cls, shape):
    X, y = draw(shape=shape)
    sentence = (
        f"X has the shape of one image of fit, {shape}, but must hold several. For one "
        "image pass X[None]."
    )
    model, reader = make(cls, max_epochs=1).fit(X, y), ImageToSequence().fit(X)
    one = X[0]
    for given in (
        one,
        one.tolist(),
        list(one),
        torch.from_numpy(one),
        one.astype(">f4"),
    ):
        for call in (model.predict, reader.transform, model.predict_proba):
            with refused(ValueError, sentence):
                call(given)
    with refused(ValueError, sentence.replace("X", "X_val")):
        model.fit(X, y, X_val=one, y_val=y[: len(one)])
    if len(shape) == 2:
        with refused(ValueError, sentence):
            model.predict(pd.DataFrame(one))
        with refused(ValueError, sentence):
            model.predict(one[..., None])
    assert_array_equal(model.predict(one[None]), model.predict(X[:1]))


def test_one_line_is_an_image_where_images_are_lines():
    X, y = draw(shape=(1, 8))
    model = make(CRNNImageClassifier).fit(X, y)
    assert_array_equal(model.predict(X[0]), model.predict(X[:1]))


@pytest.mark.parametrize(
    "parameters, bounded",
    [
        ({"scan": "rows"}, True),
        ({"scan": "rows", "patch_size": 2}, False),
        ({"scan": "sweep"}, False),
        ({"cell": None, "scan": "sweep"}, True),
    ],
)
def test_an_array_of_another_size_than_that_of_fit(cls, parameters, bounded):
    model = make(cls, max_epochs=1, **parameters).fit(*draw())
    X = draw(shape=(9, 10))[0]
    sentence = (
        f"X holds images of shape (9, 10), but this {cls.__name__} was fitted on (8, "
        "8). Resize or pad them first, or pass a list"
    )
    sentence += ", list(X), where none is larger" if bounded else ": list(X)."
    with refused(ValueError, sentence) as caught:
        model.predict(X)
    assert ("declare the largest size in fit (image_shape)" in str(caught.value)) == (
        bounded
    )
    if bounded:
        with refused(ValueError, "Declare the largest size in fit (image_shape), "):
            model.predict(list(X))
    else:
        model.predict(list(X))
    with refused(ValueError, "fitted on (8, 8). Resize or pad them first."):
        ImageToSequence().fit(draw()[0]).transform(X)


def test_one_image_that_is_wider_than_those_of_its_fold():
    X, y = draw_unequal(n=12, sides=(6, 8))
    X[3] = np.pad(X[3], ((0, 0), (0, 6)))
    model = make(CRNNImageClassifier, scan="rows", max_epochs=1)
    with refused(ValueError, "along a side that scan=") as caught:
        cross_val_score(model, X, y, cv=3, error_score="raise")
    assert "Declare the largest size in fit (image_shape), " in str(caught.value)
    model.set_params(image_shape=(8, max(image.shape[1] for image in X)))
    assert np.isfinite(cross_val_score(model, X, y, cv=3, error_score="raise")).all()


@pytest.mark.parametrize("shape", [(6, 10), (28, 20), (4, 8)], ids=str)
def test_flat_images_that_are_no_square(cls, shape):
    X, y = draw(shape=shape)
    n = shape[0] * shape[1]
    sentence = (
        f"X has {n} columns, which are neither a square grey nor a square RGB image, "
        "so each image is read as one row of pixels. Pass image_shape=(height, width) "
        f"or (height, width, channels); (1, {n}) if it is a row."
    )
    model = make(cls, max_epochs=1, scan="rows", patch_size=(None, 4))
    for given in (flat(X), pd.DataFrame(flat(X)), list(flat(X))):
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            model.fit(given, y)
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            clone(model).partial_fit(given, y, classes=[0, 1, 2])
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            ImageToSequence().fit(given)
    assert model.image_shape_ == (1, n)
    model.predict(flat(X))  # once is enough
    model.partial_fit(flat(X), y)
    for image_shape in (shape, (1, n)):
        model.set_params(image_shape=image_shape).fit(flat(X), y)
        ImageToSequence(image_shape=image_shape).fit(flat(X))
    model.set_params(image_shape=None).fit(X, y).predict(flat(X))


@pytest.mark.parametrize("n_columns", [2, 13, 30, 64, 75, 784])
def test_tables_and_squares_get_no_warning(n_columns):
    rng = np.random.RandomState(0)
    make(RNNImageClassifier, max_epochs=1).fit(rng.rand(9, n_columns), [0, 1, 2] * 3)
