"""What "auto" means for the images that fit sees."""

import numpy as np
import pytest
from conftest import draw, draw_unequal, make, weights_equal

from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage._auto import rate_of, resolve_auto
from sk_rnnimage._data.augmentation import resolve_augment, shift
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage.images.kinds import Images
from sk_rnnimage.networks import recipe as recipe_file
from sk_rnnimage.networks.recipe import FILTERS, FILTERS_FOR_MANY


@pytest.mark.parametrize(
    "scan, side, n_epochs, expected",
    [
        ("auto", 16, 8, "affine"),
        ("auto", 15, 100, None),
        ("auto", 100, 7, None),
        ("rows", 28, 100, None),
        (("rows", "columns"), 28, 100, None),
    ],
)
def test_what_auto_means(scan, side, n_epochs, expected):
    assert resolve_augment("auto", scan, side, n_epochs) == expected
    assert resolve_augment("flip", scan, side, n_epochs) == "flip"
    assert resolve_augment(None, scan, side, n_epochs) is None
    assert resolve_augment(shift, scan, side, n_epochs) is shift


def test_auto_of_a_fit(cls):
    X, y = draw(n=40, shape=(16, 17))
    settings = {"augment": "auto", "max_epochs": 9}
    auto, affine_, plain = (
        make(cls, **(settings | more)).fit(X, y)
        for more in ({}, {"augment": "affine"}, {"augment": None})
    )
    assert weights_equal(auto, affine_)
    assert not weights_equal(auto, plain)
    for X_, more in ((X, {"max_epochs": 7}), (X, {"scan": "rows"}), (X[:, :15], {})):
        auto, plain = (
            make(cls, **(settings | more | {"augment": augment})).fit(X_, y)
            for augment in ("auto", None)
        )
        assert weights_equal(auto, plain)


def test_auto_looks_at_the_shortest_side_of_a_list(cls):
    X, y = draw_unequal(n=30, sides=(16, 20))
    for images, equal in ((X, False), ([x[:15] for x in X], True)):
        auto, plain = (
            make(cls, max_epochs=9, augment=augment).fit(images, y)
            for augment in ("auto", None)
        )
        assert weights_equal(auto, plain) == equal


def test_auto_is_off_in_partial_fit_and_kept_by_warm_start(cls):
    X, y = draw(n=40, shape=(16, 16))
    one, other = (
        make(cls, augment=a, max_epochs=9).partial_fit(X, y, classes=[0, 1, 2])
        for a in ("auto", None)
    )
    assert weights_equal(one, other)
    one, other = (
        make(cls, augment=a, max_epochs=9, warm_start=True).fit(X, y)
        for a in ("auto", "affine")
    )
    for model in (one, other):  # too few epochs to begin with, but it goes on
        model.set_params(max_epochs=1).fit(X, y)
    assert weights_equal(one, other)


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_auto_is_the_same_for_copies(cls, batch_size):
    X, y = draw(n=16, shape=(16, 16))
    found = set()
    for n_copies in (1, 8):
        rows = np.repeat(np.arange(16), n_copies)
        model = make(cls, augment="auto", batch_size=batch_size, max_epochs="auto")
        data = ImageSet(Images(X[rows][..., None]), y[rows], np.ones(len(rows)))
        model.image_shape_ = (16, 16)
        recipe = model._recipe(model._make_target(False), False)
        recipe = resolve_auto(model, recipe._replace(reader=model), data)
        found.add(recipe.training.augment)
    assert len(found) == 1


# learning_rate="auto"


@pytest.mark.parametrize(
    "filters, rate",
    [
        ((), 0.01),
        ((8,), 0.02),
        ((16, 32), 0.02),
        ((16, 32, 64), 0.01),
        ((32, 128, 64), 0.005),
    ],
)
def test_the_rate_falls_with_the_width(filters, rate):
    assert rate_of(filters) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_the_rate_of_a_fit(cls, first):
    X, y = draw(n=30)
    convolutions = {"filters": 64} if cls is CRNNImageClassifier else {}
    auto, given = (
        make(cls, learning_rate=rate, **convolutions) for rate in ("auto", 0.01)
    )
    for model in (auto, given):
        if first == "fit":
            model.fit(X, y)
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert weights_equal(auto, given)


def test_warm_start_keeps_the_rate_of_the_filters_that_were_fitted(monkeypatch):
    monkeypatch.setattr(recipe_file, "MANY", 25)
    X, y = draw(n=30)
    settings = {"filters": "auto", "max_epochs": 1, "warm_start": True}
    model = make(CRNNImageClassifier, **settings).fit(X[:20], y[:20])
    model.fit(X, y)
    new = make(CRNNImageClassifier, **settings).fit(X, y)
    first, again, other = (row["event_lr"] for row in model.history_ + new.history_)
    assert again == first
    assert other / first == pytest.approx(rate_of(FILTERS_FOR_MANY) / rate_of(FILTERS))
