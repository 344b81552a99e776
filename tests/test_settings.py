"""The parameters of a training, and how many epochs "auto" are."""

import dataclasses

import numpy as np
import pytest
from conftest import draw, draw_unequal, make, make_settings

from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._training import settings as settings_file
from sk_rnnimage._training.settings import (
    AUTO_UPDATES,
    AUTO_UPDATES_COLOUR,
    AUTO_UPDATES_VARIED,
    FEWEST_EPOCHS,
    FEWEST_EPOCHS_COLOUR,
    MOST_EPOCHS,
)
from sk_rnnimage.images.kinds import Images, UnequalImages, n_batches


def auto_epochs(n_batches, augment=None, colour=False):
    settings = make_settings(max_epochs="auto", augment=augment, colour=colour)
    return settings.n_epochs(n_batches)


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_settings().max_epochs = 3


@pytest.mark.parametrize("unequal", [False, True])
def test_epochs_of_a_set(unequal):
    images = Images(draw(n=30)[0][..., None])
    if unequal:  # which come in batches of similar size, so there are more
        images = UnequalImages([x[..., None] for x in draw_unequal(n=30)[0]])
    n_updates = ImageSet(images, np.arange(30) % 3, np.ones(30)).n_batches(7)
    assert n_updates > 5 if unequal else n_updates == 5
    assert make_settings(max_epochs=17, batch_size=7).n_epochs(n_updates) == 17
    found = make_settings(max_epochs="auto", batch_size=7).n_epochs(n_updates)
    assert found == min(100, int(np.ceil(400 / n_updates)))


# "auto"


@pytest.mark.parametrize("n_rows", [1, 100, 128, 129, 1200, 5000, 60_000, 10**6])
@pytest.mark.parametrize("batch_size", [1, 64, 128])
@pytest.mark.parametrize(
    "augment, colour, n_updates, fewest",
    [
        (None, False, AUTO_UPDATES, FEWEST_EPOCHS),
        (None, True, AUTO_UPDATES, FEWEST_EPOCHS),
        ("affine", False, AUTO_UPDATES_VARIED, FEWEST_EPOCHS),
        ("affine", True, AUTO_UPDATES_COLOUR, FEWEST_EPOCHS_COLOUR),
    ],
)
def test_auto_epochs(n_rows, batch_size, augment, colour, n_updates, fewest):
    batches = n_batches(n_rows, batch_size)
    epochs = auto_epochs(batches, augment, colour)
    assert fewest <= epochs <= MOST_EPOCHS
    if epochs > fewest:
        assert (epochs - 1) * batches < n_updates
    if epochs < MOST_EPOCHS:
        assert epochs * batches >= n_updates


def test_auto_epochs_are_those_that_the_docstrings_give(cls):
    words = " ".join(cls.__doc__.split())
    told = "400 updates of the optimiser, 900 where ``augment`` varies the images, in"
    assert f"{told} at least 3 and at most 100 epochs" in words
    assert "get 2,000 updates in at least 8 epochs (clips do not)" in words
    assert [auto_epochs(n) for n in (1, 4, 5, 134, 10**6)] == [100, 100, 80, 3, 3]
    found = [auto_epochs(n, "affine") for n in (1, 9, 10, 225, 300, 10**6)]
    assert found == [100, 100, 90, 4, 3, 3]
    found = [auto_epochs(n, "affine", colour=True) for n in (20, 21, 250, 10**6)]
    assert found == [100, 96, 8, 8]


@pytest.mark.parametrize("n, weighted, epochs", [(30, 30, 7), (150, 20, 10)])
def test_auto_epochs_of_a_fit(cls, n, weighted, epochs, monkeypatch):
    monkeypatch.setattr(settings_file, "AUTO_UPDATES", 40)
    X, y = draw(n=n)
    settings = {"max_epochs": "auto", "batch_size": 5, "hidden_size": 2}
    weights = np.arange(n) < weighted  # rows of weight 0 do not count
    model = make(cls, **settings).fit(X, y, sample_weight=weights)
    assert model.n_iter_ == epochs
