"""What "auto" means for the images that fit sees."""

import numpy as np
import pytest
from conftest import draw, draw_unequal, make, weights_equal

from sk_rnnimage._data.augmentation import resolve_augment, shift
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._training import settings as settings_file
from sk_rnnimage._training.auto import resolve_auto
from sk_rnnimage.images.kinds import Images


def training_of_copies(cls, X, y, n_copies, batch_size):
    """The training that "auto" chooses for copies of images (n, H, W, C)."""
    model = make(cls, augment="auto", batch_size=batch_size, max_epochs="auto")
    model.image_shape_ = X.shape[1:]
    X, y = np.repeat(X, n_copies, axis=0), np.repeat(y, n_copies)
    recipe = model._recipe(model._make_target(False), False)._replace(reader=model)
    return resolve_auto(model, recipe, ImageSet(Images(X), y, np.ones(len(y)))).training


@pytest.mark.parametrize(
    "scan, side, n_epochs, in_grey, in_colour",
    [
        ("auto", 16, 8, "affine", "shift"),
        ("auto", 16, 19, "affine", "shift"),
        ("auto", 16, 20, "affine", "affine"),
        ("auto", 15, 100, None, None),
        ("auto", 100, 7, None, None),
        ("rows", 28, 100, None, None),
        (("rows", "columns"), 28, 100, None, None),
    ],
)
def test_what_auto_means(scan, side, n_epochs, in_grey, in_colour):
    known = scan, side, n_epochs
    assert resolve_augment("auto", *known, colour=False) == in_grey
    assert resolve_augment("auto", *known, colour=True) == in_colour
    for augment in ("flip", None, shift):
        assert resolve_augment(augment, *known, colour=True) is augment


@pytest.mark.parametrize(
    "n_channels, n_epochs, means",
    [(1, 9, "affine"), (2, 9, "shift"), (2, 20, "affine")],
)
def test_auto_of_a_fit(cls, n_channels, n_epochs, means):
    X, y = draw(n=40, shape=(16, 17, n_channels))
    settings = {"augment": "auto", "max_epochs": n_epochs}
    auto, named, plain = (
        make(cls, **(settings | more)).fit(X, y)
        for more in ({}, {"augment": means}, {"augment": None})
    )
    assert weights_equal(auto, named)
    assert not weights_equal(auto, plain)
    for X_, more in ((X, {"max_epochs": 7}), (X, {"scan": "rows"}), (X[:, :15], {})):
        auto, plain = (
            make(cls, **(settings | more | {"augment": augment})).fit(X_, y)
            for augment in ("auto", None)
        )
        assert weights_equal(auto, plain)


@pytest.mark.parametrize(
    "shape, updates, epochs",
    [
        ((16, 16), 60, 15),  # of four mini-batches
        ((16, 16, 1), 60, 15),
        ((16, 16, 3), 100, 25),
        ((15, 16, 3), 40, 10),  # too small to be varied
    ],
)
def test_auto_epochs_of_grey_and_of_colour_images(
    cls, shape, updates, epochs, monkeypatch
):
    settings = {"augment": "auto", "max_epochs": "auto", "batch_size": 40}
    for name, n_updates in (("", 40), ("_VARIED", 60), ("_COLOUR", 100)):
        monkeypatch.setattr(settings_file, f"AUTO_UPDATES{name}", n_updates)
    X, y = draw(n=160, shape=shape)
    model = make(cls, hidden_size=2, **settings).fit(X, y)
    assert model.n_iter_ == epochs
    assert model.n_iter_ * 4 == updates


def test_auto_epochs_of_clips_in_colour_are_those_in_grey(cls, monkeypatch):
    monkeypatch.setattr(settings_file, "AUTO_UPDATES_VARIED", 6)
    settings = {"scan": "frames", "augment": "shift", "max_epochs": "auto"}
    X, y = draw(n=8, shape=(2, 6, 6, 3))
    model = make(cls, hidden_size=2, batch_size=4, **settings).fit(X, y)
    assert model.n_iter_ == 3


def test_large_sets_of_colour_images_are_varied(cls):
    X, y = draw(n=20, shape=(16, 16, 3))
    training = training_of_copies(cls, X, y, n_copies=200, batch_size=1)
    assert (training.augment, training.n_epochs(4000)) == ("shift", 8)


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
    X, y = draw(n=16, shape=(16, 16, 1))
    found = {
        training_of_copies(cls, X, y, n_copies, batch_size).augment
        for n_copies in (1, 8)
    }
    assert len(found) == 1
