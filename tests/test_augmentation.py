"""Augmentations of training images, and the views of an image."""

import re

import numpy as np
import pytest
import torch
from conftest import CLASSIFIERS, draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data.augmentation import (
    AUGMENTATIONS,
    VIEWS,
    affine,
    flip,
    shift,
    shifted,
    views_of,
)
from sk_rnnimage._data.batches import Batch, Batches
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage.images.kinds import Images, UnequalImages


def numbered(n=5, channels=2, height=12, width=24):
    """Images (B, C, H, W) in which every value differs."""
    shape = (n, channels, height, width)
    return torch.arange(float(np.prod(shape))).reshape(shape)


def by_hand(image, down, right):
    """One image (C, H, W) moved, pixel by pixel."""
    _, height, width = image.shape
    result = torch.empty_like(image)
    for i in range(height):
        for j in range(width):
            row = min(max(i - down, 0), height - 1)
            column = min(max(j - right, 0), width - 1)
            result[:, i, j] = image[:, row, column]
    return result


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shifted_moves_each_image_by_its_own():
    images = numbered(3)
    down, right = torch.tensor([1, -2, 0]), torch.tensor([-3, 0, 2])
    moved = shifted(images, down, right)
    for i in range(3):
        assert torch.equal(moved[i], by_hand(images[i], int(down[i]), int(right[i])))


def test_shift_reaches_a_twelfth_and_no_further():
    images = numbered(400)
    moved = shift(images, seeded())
    candidates = {
        (down, right): shifted(
            images, torch.full((400,), down), torch.full((400,), right)
        )
        for down in (-1, 0, 1)
        for right in (-2, -1, 0, 1, 2)
    }
    found = [
        {by for by, image in candidates.items() if torch.equal(image[i], moved[i])}
        for i in range(400)
    ]
    assert all(len(by) == 1 for by in found)
    assert set().union(*found) == set(candidates)


def test_flip_mirrors_about_half():
    images = numbered(400, height=4, width=4)
    found = flip(images, seeded())
    rising = (found[:, 0, 0, -1] > found[:, 0, 0, 0]).float().mean()
    assert 0.4 < rising < 0.6


def test_flip_reaches_an_eighth_and_no_further():
    line = torch.arange(16.0).expand(500, 1, 16, 16)  # a pixel is its column
    found = flip(line, seeded())[:, 0, 0, 5:11]
    rising = found[:, 1] > found[:, 0]
    moved = torch.where(rising, 5 - found[:, 0], found[:, 0] - 10)
    assert set(moved.tolist()) == {-2, -1, 0, 1, 2}


def test_affine_turns_and_scales():
    x, y = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="xy")
    found = affine(torch.stack([x, y]).expand(500, 2, 41, 41), seeded())
    right = found[:, :, 20, 24] - found[:, :, 20, 16]  # where a line of 8 comes from
    scale = right.norm(dim=1) / 8
    angle = torch.rad2deg(torch.atan2(right[:, 1], right[:, 0]))
    assert (0.9 <= scale).all() and (scale <= 1.1).all()
    assert angle.abs().max() <= 10
    assert scale.min() < 0.91 and scale.max() > 1.09
    assert angle.min() < -9 and angle.max() > 9


def test_affine_keeps_what_does_not_change():
    images = torch.full((8, 3, 10, 14), 7.0)
    assert_allclose(affine(images, seeded()).numpy(), 7.0, rtol=1e-6)
    spot = torch.zeros(50, 1, 29, 29)
    spot[:, :, 14, 14] = 1.0
    places = affine(spot, seeded()).flatten(1).argmax(1)
    rows, columns = places // 29, places % 29
    assert (rows - 14).abs().max() <= 29 / 12 + 1
    assert (columns - 14).abs().max() <= 29 / 12 + 1
    assert len(places.unique()) > 10


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_are_seeded(name):
    images, augment = numbered(), AUGMENTATIONS[name]
    assert torch.equal(augment(images, seeded()), augment(images, seeded()))
    assert not torch.equal(augment(images, seeded()), augment(images, seeded(1)))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_work_where_the_images_are(name):
    images = numbered().to("meta")  # any tensor beside it that is elsewhere is refused
    found = AUGMENTATIONS[name](images, seeded())
    assert (found.device, found.shape) == (images.device, images.shape)


def test_views_are_moved_by_one_pixel():
    images = numbered(2)
    array = Images(images.permute(0, 2, 3, 1).numpy())
    found = list(Batch(array, np.arange(2)).views(views_of(len(VIEWS), False)))
    for view, (down, right) in zip(found, VIEWS, strict=True):
        assert torch.equal(view[1].permute(2, 0, 1), by_hand(images[1], down, right))


def test_views_are_mirrored_where_training_mirrors():
    images = numbered(2)
    array = Images(images.permute(0, 2, 3, 1).numpy())
    assert views_of(3, True) == [(0, 0, False), (0, 0, True), (0, 1, False)]
    found = list(Batch(array, np.arange(2)).views(views_of(9, True)))
    for i, view in enumerate(found):
        image = images[1].flip(2) if i % 2 else images[1]
        expected = by_hand(image, *VIEWS[i // 2])
        assert torch.equal(view[1].permute(2, 0, 1), expected)
    assert len(found) == 9


def test_predictions_average_mirrored_views(cls):
    X, y = draw(n=40, shape=(8, 8, 3))
    model = make(cls, augment="flip").fit(X, y)
    both = model.decision_function(X) + model.decision_function(X[:, :, ::-1])
    model.set_params(n_views=2)
    assert_allclose(model.decision_function(X), both / 2, atol=1e-5)
    model.set_params(augment=None)  # it is the training that tells
    assert_allclose(model.decision_function(X), both / 2, atol=1e-5)
    plain = make(cls, augment="shift", n_views=2).fit(X, y)
    shifted_right = np.concatenate([X[:, :, :1], X[:, :, :-1]], axis=2)
    two = plain.decision_function(X)
    plain.set_params(n_views=1)
    both = plain.decision_function(X) + plain.decision_function(shifted_right)
    assert_allclose(two, both / 2, atol=1e-5)


@pytest.mark.parametrize("unequal", [False, True])
def test_flips_alternate_between_epochs(unequal):
    widths = [16, 24] if unequal else [16]
    images = [torch.arange(float(w)).expand(8, w)[..., None] for w in widths * 30]
    kind = UnequalImages if unequal else lambda few: Images(np.stack(few))
    n = len(images)
    data = ImageSet(kind([x.numpy() for x in images]), np.arange(n), np.ones(n))
    batches = Batches(data, 7, np.random.RandomState(0), flip, seeded())
    epochs = []
    for _ in range(3):
        mirrored = {}
        for found, (codes, _) in batches:
            x = found["x"] if isinstance(found, dict) else found
            falls = x[:, 4, 8, 0] < x[:, 4, 5, 0]
            mirrored |= dict(zip(codes.tolist(), falls.tolist()))
        epochs.append([mirrored[i] for i in range(n)])
    first, second, third = np.array(epochs)
    assert 0.2 < first.mean() < 0.8
    assert_array_equal(second, ~first)
    assert_array_equal(third, first)


# In a fit


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_fit_with_augmentation(cls, name):
    X, y = draw(n=150, shape=(8, 8, 3))
    plain = make(cls).fit(X, y)
    one, other = (make(cls, augment=name).fit(X, y) for _ in range(2))
    assert weights_equal(one, other)
    assert not weights_equal(one, plain)


def test_callable_sees_raw_images_in_fit_alone():
    X, y = draw(n=150, shape=(8, 6, 3))
    seen = []

    def record(images, generator):
        seen.append((images.clone(), generator))
        return images

    cls = CLASSIFIERS[0]
    model = make(cls, augment=record, max_epochs=1, batch_size=150).fit(X, y)
    ((images, generator),) = seen
    assert isinstance(generator, torch.Generator)
    assert_array_equal(images.permute(0, 2, 3, 1).numpy(), X)
    assert weights_equal(model, make(cls, max_epochs=1, batch_size=150).fit(X, y))
    model.predict(X)
    model.partial_fit(X, y)
    assert len(seen) == 1
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    assert [len(images) for images, _ in seen] == [150, 150]


def test_callable_that_changes_the_shape():
    X, y = draw(n=20)
    model = make(CLASSIFIERS[0], augment=lambda images, generator: images[:, :, 1:])
    message = "augment must give back a float tensor of the shape that it takes"
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(X, y)


def test_callable_that_gives_an_array(cls):
    X, y = draw()
    model = make(cls, augment=lambda images, _: images.numpy())
    with pytest.raises(ValueError, match="It got .* and gave ndarray"):
        model.fit(X, y)
