"""The one image, or clip, that a Display shows."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, draw_clips, flat, make
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_rnnimage import ImageToSequence, RNNImageClassifier, classic_classifiers
from sk_rnnimage.images.shapes import CLIP, IMAGE
from sk_rnnimage.inspection.one_image import (
    as_batch,
    check_network,
    image_shape_of,
    last_step,
    layout_read_by,
    pixels_of,
)


@pytest.fixture(scope="module")
def fitted():
    """Classifiers of grey images, of colour images and of clips."""
    model = make(RNNImageClassifier, max_epochs=1)
    clips = make(RNNImageClassifier, max_epochs=1, scan="frames")
    return {
        "grey": model.fit(*draw(shape=(5, 6))),
        "colour": make(RNNImageClassifier, max_epochs=1).fit(*draw(shape=(5, 6, 3))),
        "clips": clips.fit(*draw_clips(frame=(4, 5), lengths=(6, 6))),
    }


@pytest.mark.parametrize(
    "kind, shape", [("grey", (5, 6)), ("colour", (5, 6, 3)), ("clips", (6, 4, 5))]
)
def test_one_is_as_good_as_a_batch_of_one(fitted, kind, shape):
    model = fitted[kind]
    X = np.arange(np.prod(shape), dtype=float).reshape(shape)
    n = 3 if kind == "clips" else 2
    whole = X if len(shape) > n else X[..., None]
    layout = layout_read_by(model)
    given = [X, X[None], whole, whole[None], X.ravel(), X.reshape(1, -1), [X]]
    given += [torch.tensor(X), pd.DataFrame(X.reshape(1, -1))]
    for x in given:
        batch = as_batch(model, x, "It")
        assert len(batch) == 1
        pixels = pixels_of(batch, image_shape_of(model), layout)
        np.testing.assert_array_equal(pixels, whole)
        assert np.isfinite(model.predict_proba(batch)).all()


@pytest.mark.parametrize(
    "kind, shape, n",
    [
        ("grey", (2, 5, 6), 2),
        ("grey", (3, 30), 3),
        ("grey", (0, 5, 6), 0),
        ("colour", (4, 5, 6, 3), 4),
        ("clips", (3, 6, 4, 5), 3),
        ("clips", (2, 120), 2),
    ],
)
def test_several_are_refused(fitted, kind, shape, n):
    noun = "clip" if kind == "clips" else "image"
    sentence = f"It shows one {noun}, but X holds {n}. Pass X[[0]] for the first"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        as_batch(fitted[kind], np.ones(shape), "It")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        as_batch(fitted[kind], list(np.ones(shape)), "It")


def test_none_is_refused(fitted):
    for kind, noun in (("grey", "image"), ("clips", "clip")):
        sentence = f"It needs X: one {noun}, or a batch of one. Got None."
        with pytest.raises(ValueError, match=re.escape(sentence)):
            as_batch(fitted[kind], None, "It")


class Refusing:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array")


def test_what_becomes_no_array_is_refused():
    sentence = "X must be an array or a list of images. Got a value of type Refusing"
    with pytest.raises(TypeError, match=sentence):
        as_batch(ImageToSequence(), Refusing(), "It")


@pytest.mark.parametrize(
    "shape, sentence",
    [
        ((9, 9), "X holds images of shape (9, 9), but this RNNImageClassifier was fit"),
        ((4, 6, 1), "X holds images of shape (4, 6), but"),
        ((5, 6, 3), "X holds images of shape (5, 6, 3), but"),
        ((12,), "X has 12 features, but RNNImageClassifier is expecting 30"),
    ],
)
def test_an_image_of_another_size_is_left_to_the_estimator(fitted, shape, sentence):
    batch = as_batch(fitted["grey"], np.ones(shape), "It")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        fitted["grey"].predict(batch)


def test_a_file_is_an_item():
    reader = FunctionTransformer()
    assert as_batch(reader, "a.png", "It") == ["a.png"]
    assert as_batch(reader, ["a.png"], "It") == ["a.png"]
    assert as_batch(reader, pd.Series(["a.png"]), "It") == ["a.png"]


def test_images_of_estimators_that_know_no_shape():
    forest = GaussianNB()
    for shape, expected in (
        ((64,), (8, 8, 1)),
        ((1, 48), (4, 4, 3)),
        ((8, 9), (8, 9, 1)),
        ((1, 8, 9), (8, 9, 1)),
        ((8, 9, 3), (8, 9, 3)),
        ((1, 8, 9, 3), (8, 9, 3)),
    ):
        batch = as_batch(forest, np.ones(shape), "It")
        assert pixels_of(batch).shape == expected
    with pytest.raises(ValueError, match="X holds 8"):
        as_batch(forest, np.ones((8, 9, 9)), "It")


def test_the_last_step_of_pipelines_and_searches():
    X, y = draw(n=24)
    model = make(RNNImageClassifier, max_epochs=1)
    pipeline = make_pipeline(FunctionTransformer(np.negative), model).fit(X, y)
    last, batch = last_step(pipeline, X[:1])
    assert last is pipeline[-1]
    np.testing.assert_array_equal(batch, -X[:1])
    assert last_step(pipeline) == (last, None)
    search = GridSearchCV(pipeline, {"rnnimageclassifier__cell": ["gru"]}, cv=2)
    search.fit(X, y)
    last, batch = last_step(search, X[:1])
    assert last is search.best_estimator_[-1]
    assert image_shape_of(search) == (8, 8)
    assert last_step(last, X[:1])[0] is last


def test_the_shape_and_the_layout_of_pipelines():
    X, y = draw(n=12, shape=(4, 9))
    read = make_pipeline(ImageToSequence("snake"), make(RNNImageClassifier)).fit(X, y)
    assert image_shape_of(read) == (4, 9)
    scaled = make_pipeline(
        StandardScaler(), make(RNNImageClassifier, max_epochs=1, image_shape=(4, 9))
    )
    assert image_shape_of(scaled.fit(flat(X), y)) == (4, 9)
    assert layout_read_by(scaled) is IMAGE
    clips = classic_classifiers(n_frames=3)["Logistic regression"]
    clips.fit(*draw_clips())
    assert layout_read_by(clips) is CLIP
    assert image_shape_of(GaussianNB()) is None


def test_what_is_no_network_is_refused():
    sentence = (
        "The 'estimator' parameter of It must be an RNNImageClassifier or a "
        "CRNNImageClassifier, or a pipeline that ends in one. Got GaussianNB instead."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_network(GaussianNB(), "It")
    with pytest.raises(NotFittedError):
        check_network(RNNImageClassifier(), "It")
