"""What "auto" means for the images that fit sees."""

import numpy as np
import pytest
from conftest import draw, draw_unequal, make, weights_equal

from sk_rnnimage._data.augmentation import resolve_augment, shift
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._training import settings as settings_file
from sk_rnnimage._training.auto import resolve_auto
from sk_rnnimage.images.kinds import Images


@pytest.mark.parametrize(
    "scan, side, n_epochs, expected",
    [
        ("auto", 16, 8, "affine"),
        ("auto", 16, 19, "affine"),
        ("auto", 16, 20, "affine"),
        ("auto", 15, 100, None),
        ("auto", 100, 7, None),
        ("rows", 28, 100, None),
        (("rows", "columns"), 28, 100, None),
    ],
)
def test_what_auto_means(scan, side, n_epochs, expected):
    known = scan, side, n_epochs
    assert resolve_augment("auto", *known, colour=False) == expected
    few = expected is not None and n_epochs < 20
    in_colour = "shift" if few else expected
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
    many = make(cls, augment="auto", max_epochs="auto", batch_size=1)
    data = ImageSet(Images(np.repeat(X, 200, axis=0)), np.repeat(y, 200), np.ones(4000))
    many.image_shape_ = (16, 16, 3)
    recipe = many._recipe(many._make_target(False), False)
    training = resolve_auto(many, recipe._replace(reader=many), data).training
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
