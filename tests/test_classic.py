"""The classic classifiers, and how they flatten images."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.impute import SimpleImputer

from sk_rnnimage import classic_classifiers
from sk_rnnimage.comparison.classic import FlatImages

X, Y = load_digits(return_X_y=True)
IMAGES = X.reshape(-1, 8, 8)


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_is_fair_at_any_scale_and_layout(name):
    rival = classic_classifiers(random_state=0)[name]
    grey = (IMAGES * 15).astype(np.uint8)
    fitted = clone(rival).fit(grey[:1200], Y[:1200])
    predicted = fitted.predict(grey[1200:])
    assert (predicted == Y[1200:]).mean() > 0.88
    flat = clone(rival).fit(grey[:1200].reshape(1200, -1), Y[:1200])
    np.testing.assert_array_equal(
        predicted, flat.predict(grey[1200:].reshape(len(grey) - 1200, -1))
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(predicted, again.predict(grey[1200:]))


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_takes_few_small_images_in_colour(name):
    rng = np.random.RandomState(0)
    tiny = rng.randint(0, 120, (30, 2, 3, 3)).astype(np.uint8)
    tiny[15:] += 130
    labels = np.repeat(["dark", "light"], 15)
    rival = classic_classifiers(random_state=0)[name]
    if name == "Gradient boosting":  # wants 20 images a leaf
        tiny, labels = np.tile(tiny, (4, 1, 1, 1)), np.tile(labels, 4)
    assert rival.fit(tiny, labels).score(tiny, labels) == 1


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_takes_missing_pixels(name):
    images = IMAGES.copy()
    images[np.random.RandomState(0).rand(*images.shape) < 0.1] = np.nan
    images[:, 3, 4] = np.nan  # in all images
    rival = classic_classifiers(random_state=0)[name]
    assert rival.fit(images[:1200], Y[:1200]).score(images[1200:], Y[1200:]) > 0.8
    # missing for the first time after fit
    assert rival.fit(IMAGES[:1200], Y[:1200]).score(images[1200:], Y[1200:]) > 0.7


@pytest.mark.parametrize("scale", [False, True])
def test_a_missing_pixel_gets_the_mean_of_that_pixel(scale):
    images = X.copy()
    images[np.random.RandomState(0).rand(*images.shape) < 0.1] = np.nan
    expected = SimpleImputer().fit(images[:900]).transform(images[900:])
    images[:, 5] = np.nan
    expected[:, 5] = np.nanmean(images[:900])
    flatten = FlatImages(scale=scale).fit(images[:900])
    if scale:
        expected -= np.nanmean(images[:900])
        expected /= np.nanstd(images[:900])
    given = images.copy()
    np.testing.assert_allclose(flatten.transform(given[900:]), expected, atol=1e-5)
    np.testing.assert_array_equal(given, images)


@pytest.mark.parametrize(
    "n_frames, clips, sentence",
    [
        (None, np.zeros((4, 2, 3, 3, 3)), "pass n_frames to classic_classifiers"),
        (None, [np.zeros((2, 3, 3, 3))] * 4, "pass n_frames to classic_classifiers"),
        (2, np.zeros((4, 18)), "flat rows do not say what a frame is"),
    ],
)
def test_clips_without_a_number_of_frames_and_flat_ones(n_frames, clips, sentence):
    svc = classic_classifiers(n_frames=n_frames)["SVC"]
    with pytest.raises(ValueError, match=sentence):
        svc.fit(clips, [0, 1, 0, 1])
