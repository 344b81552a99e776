"""The plot of what a classifier loses when a patch is hidden."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import draw, draw_clips, flat, make, with_missing
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import (
    ImageReader,
    OcclusionDisplay,
    RNNImageClassifier,
    classic_classifiers,
)


class OnePixel(ClassifierMixin, BaseEstimator):
    """The probability of "b" is the brightness of one pixel, of 255."""

    def fit(self, X=None, y=None):
        self.classes_ = np.array(["a", "b"])
        self.seen_ = []
        return self

    def predict_proba(self, X):
        self.seen_.append(np.array(X))
        value = np.asarray(X, dtype=float)[:, 3, 5] / 255
        return np.column_stack([1 - value, value])


def image_with_a_spot():
    image = np.zeros((9, 12), dtype=np.uint8)
    image[3, 5] = 255
    return image


def test_the_fall_is_where_the_classifier_looks():
    image, model = image_with_a_spot(), OnePixel().fit()
    display = OcclusionDisplay.from_estimator(model, image, patch_size=3)
    assert display.label == "b"
    assert display.probability == 1
    mean = np.round(image.mean())  # of bytes a byte
    near = np.zeros((9, 12))
    for top in range(1, 4):
        for left in range(3, 6):
            near[top : top + 3, left : left + 3] += 1
    counts = np.outer(*(np.minimum(np.minimum(np.arange(n), n - 1 - np.arange(n)), 2)
                        + 1 for n in (9, 12)))  # fmt: skip
    np.testing.assert_allclose(display.falls, near / counts * (1 - mean / 255))
    np.testing.assert_array_equal(display.image_.get_array(), display.falls)
    assert model.seen_[-1].dtype == np.uint8
    np.testing.assert_array_equal(image, image_with_a_spot())  # as it was


def test_another_class_can_be_looked_at():
    display = OcclusionDisplay.from_estimator(
        OnePixel().fit(), image_with_a_spot(), label="a"
    )
    assert display.falls.min() < -0.9
    assert display.falls.max() == 0
    assert display.ax_.get_title() == "a: 0.00"
    low, high = display.image_.get_clim()
    assert low == -high
    label = display.colorbar_.ax.get_ylabel()
    assert label == "fall in probability of a"


def test_patches_are_predicted_some_at_a_time(monkeypatch):
    expected = OcclusionDisplay.from_estimator(OnePixel().fit(), image_with_a_spot())
    monkeypatch.setattr("sk_rnnimage.inspection.occlusion._VALUES_AT_ONCE", 1000)
    model = OnePixel().fit()
    display = OcclusionDisplay.from_estimator(model, image_with_a_spot())
    assert len(model.seen_) > 3
    assert max(map(len, model.seen_)) == 1000 // 108
    np.testing.assert_array_equal(display.falls, expected.falls)


def in_each_layout(X):
    yield X[0]
    yield X[:1]
    yield [X[0]]


@pytest.mark.parametrize("shape", [(8, 8), (5, 9), (6, 7, 3), (1, 5)])
def test_images_of_any_shape(cls, shape):
    X, y = draw(n=12, shape=shape)
    model = make(cls, max_epochs=1).fit(X, y)
    falls = [OcclusionDisplay.from_estimator(model, x).falls for x in in_each_layout(X)]
    assert falls[0].shape == shape[:2]
    for other in falls[1:]:
        np.testing.assert_allclose(other, falls[0], atol=1e-6)
    flat_falls = OcclusionDisplay.from_estimator(model, X[0].ravel()).falls
    np.testing.assert_allclose(flat_falls, falls[0], atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_classifiers_of_others():
    X, y = draw(n=24, shape=(6, 9))
    forest = classic_classifiers(0)["Random forest"].set_params(
        randomforestclassifier__n_estimators=5
    )
    falls = OcclusionDisplay.from_estimator(forest.fit(X, y), X[0]).falls
    assert falls.shape == (6, 9)
    frame = pd.DataFrame(flat(X)).add_prefix("pixel")
    bare = RandomForestClassifier(5, random_state=0).fit(frame, y)
    display = OcclusionDisplay.from_estimator(bare, frame[:1], image_shape=(6, 9))
    assert display.falls.shape == (6, 9)
    squares, y = draw(n=24)
    linear = LogisticRegression(max_iter=1000).fit(flat(squares), y)
    assert OcclusionDisplay.from_estimator(linear, flat(squares)[0]).falls.any()


def test_of_a_clip_the_patch_is_hidden_in_all_frames():
    X, y = draw_clips(n=12, frame=(4, 5))
    model = make(RNNImageClassifier, scan="frames", max_epochs=1).fit(X, y)
    display = OcclusionDisplay.from_estimator(model, X[0], patch_size=(4, 5))
    hidden = np.full_like(X[0], np.round(X[0].mean()))
    k = list(model.classes_).index(display.label)
    fall = model.predict_proba([X[0]])[0, k] - model.predict_proba([hidden])[0, k]
    np.testing.assert_allclose(display.falls, np.full((4, 5), fall), atol=1e-9)
    mean = X[0].mean(axis=0)
    picture = (mean - mean.min()) / np.ptp(mean)
    np.testing.assert_allclose(display.picture[..., 0], picture)
    rival = classic_classifiers(0, n_frames=3)["Logistic regression"].fit(X, y)
    assert OcclusionDisplay.from_estimator(rival, X[0]).falls.shape == (4, 5)


def test_missing_pixels():
    X, y = draw(n=12, dtype=np.float64)
    X = with_missing(X)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    assert np.isfinite(OcclusionDisplay.from_estimator(model, X[0]).falls).all()
    clips, y = draw_clips(dtype=np.float64, lengths=(4, 6))
    clips[0][1] = np.nan
    model = make(RNNImageClassifier, scan="frames", max_epochs=1).fit(clips, y)
    assert np.isfinite(OcclusionDisplay.from_estimator(model, clips[0]).falls).all()


def test_what_falls_by_nothing_is_pale():
    X, y = draw(n=12)
    model = DummyClassifier(strategy="prior").fit(flat(X), y)
    display = OcclusionDisplay.from_estimator(model, X[0])
    assert not display.falls.any()
    assert not np.any(display.image_.get_alpha())
    assert display.image_.get_clim() == (-0.05, 0.05)


def test_it_goes_on_given_axes_and_is_plotted_again():
    figure, (left, right) = plt.subplots(1, 2)
    display = OcclusionDisplay.from_estimator(
        OnePixel().fit(), image_with_a_spot(), ax=left
    )
    assert display.ax_ is left
    assert display.plot(ax=right).ax_ is right
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert display.plot().figure_ is not figure


def test_what_cannot_be_shown_is_refused():
    X, y = draw(n=12)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    for X_bad, parameters, sentence in (
        (None, {}, "OcclusionDisplay needs X: one image, or a batch of one. Got None."),
        (X, {}, "OcclusionDisplay shows one image, but X holds 12."),
        (np.ones((9, 7)), {}, "X holds images of shape (9, 7), but this RNNImageClas"),
        (
            X[0],
            {"label": "x"},
            "label='x' is none of the classes: [0, 1, 2].",
        ),
        (X[0], {"patch_size": 9}, "patch_size=9 is larger than the"),
        (X[0], {"patch_size": 0}, "patch_size must be None, a whole number of at lea"),
        (X[0].ravel(), {"image_shape": 8}, "image_shape must be None, (height, width)"),
        (X[0].ravel(), {"image_shape": (7, 8)}, "image_shape=(7, 8) asks for 56 pixel"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            OcclusionDisplay.from_estimator(model, X_bad, **parameters)
    with pytest.raises(NotFittedError):
        OcclusionDisplay.from_estimator(RNNImageClassifier(), X[0])
    svc = classic_classifiers(0)["SVC"].fit(X, y)
    sentence = "with predict_proba, which this Pipeline does not have. Wrap it"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        OcclusionDisplay.from_estimator(svc, X[0])
    pipeline = make_pipeline(FunctionTransformer(), model)
    for file in ("a.png", ["a.png"]):
        with pytest.raises(ValueError, match="hides pixels, so X must be an array"):
            OcclusionDisplay.from_estimator(pipeline, file)


def test_the_way_out_for_files_works(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    X, y = draw(n=6)
    files = [tmp_path / f"{i}.png" for i in range(6)]
    for image, file in zip(X, files):
        Image.fromarray(image).save(file)
    pipeline = make_pipeline(ImageReader(), make(RNNImageClassifier, max_epochs=1))
    pipeline.fit(files, y)
    pixels = pipeline[0].transform(files[:1])
    assert OcclusionDisplay.from_estimator(pipeline[1:], pixels).falls.shape == (8, 8)


@pytest.mark.parametrize("label", [[], [[], [1]], np.ones(3), object()], ids=range(4))
def test_labels_of_another_type(label):
    X, y = draw()
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="is none of the classes"):
        OcclusionDisplay.from_estimator(model, X[0], label=label)
