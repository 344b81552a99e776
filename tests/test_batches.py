"""Mini-batches: nearly equal, every image once, in the dtype of the images."""

import tracemalloc

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make, watched
from numpy.testing import assert_array_equal

from sk_rnnimage._data import batches as batches_file
from sk_rnnimage._data import moments
from sk_rnnimage._data.augmentation import flip, shift
from sk_rnnimage._data.batches import Batches
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.tensors import tensor_of
from sk_rnnimage.images.kinds import Images, UnequalImages, n_batches


@pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 100, 129])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_batches_are_nearly_equal_and_hold_every_row_once(n, batch_size):
    images = np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1)
    data = ImageSet(Images(images), np.arange(n) % 3, np.ones(n))
    batches = Batches(data, batch_size, np.random.RandomState(0))
    found = [(X[:, 0, 0, 0], codes) for X, (codes, _) in batches]
    sizes = [len(X) for X, _ in found]
    assert len(sizes) == len(batches) == n_batches(n, batch_size)
    assert len(sizes) == int(np.ceil(n / batch_size))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    X, codes = (torch.cat(parts).numpy() for parts in zip(*found))
    assert_array_equal(np.sort(X), np.arange(n))
    assert_array_equal(codes, X % 3)
    if len(sizes) > 1 and n > 10:
        assert not np.array_equal(X, np.arange(n))
        again = torch.cat([X[:, 0, 0, 0] for X, _ in batches]).numpy()
        assert not np.array_equal(X, again)  # another order in each epoch
    in_order = torch.cat([X[:, 0, 0, 0] for X, _ in Batches(data, batch_size)])
    assert_array_equal(in_order, np.arange(n))


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("augment", [None, shift, flip])
def test_some_rows_are_those_of_the_whole_batch(unequal, augment):
    if unequal:
        images, codes = draw_unequal(20)
        images = UnequalImages([image[..., None] for image in images])
    else:
        images, codes = draw(20)
        images = Images(images[..., None])
    data = ImageSet(images, codes, np.ones(20))

    def all_batches(**rows):
        order, generator = np.random.RandomState(0), torch.Generator().manual_seed(0)
        return list(Batches(data, 6, order, augment, generator, **rows))

    for (whole, target), (part, same) in zip(
        all_batches(), all_batches(rows=lambda n: slice(n // 2, n)), strict=True
    ):
        half = len(target[0]) // 2
        assert all(map(torch.equal, target, same))
        if not isinstance(whole, dict):
            assert torch.equal(part, whole[half:])
        elif isinstance(part, dict):
            height, width = part["x"].shape[1:3]  # padded for these alone
            assert torch.equal(part["x"], whole["x"][half:, :height, :width])
            assert torch.equal(part["sizes"], whole["sizes"][half:])
        else:
            assert part.shape[1:3] == (*whole["sizes"][half],)


def test_the_batches_of_a_fit(cls):
    X, y = draw(n=50)
    watch, _ = watched(cls, X, y, batch_size=16, max_epochs=3)
    assert sorted(watch.sizes[:4]) == [12, 12, 13, 13]
    assert watch.sizes == watch.sizes[:4] * 3


def test_the_batches_follow_the_seed(cls):
    X, y = draw(n=40)
    settings = {"batch_size": 4, "learning_rate": 0.02}
    one, two = (make(cls, **settings).fit(X, y) for _ in range(2))
    other = make(cls, **settings, random_state=1).fit(X, y)
    assert one.loss_curve_ == two.loss_curve_ != other.loss_curve_


def test_images_are_never_copied_as_a_whole(cls, monkeypatch):
    X, y = draw(n=3000, shape=(32, 32))
    sizes = []

    def counted(part):
        sizes.append(len(part))
        return tensor_of(part)

    monkeypatch.setattr(moments, "tensor_of", counted)
    monkeypatch.setattr(batches_file, "tensor_of", counted)
    monkeypatch.setattr("sk_rnnimage._prediction.logits.PIXELS_AT_ONCE", 1024 * 500)
    make(cls, max_epochs=1).fit(X[:9], y[:9])  # what is built once is not counted
    sizes.clear()
    tracemalloc.start()
    model = make(cls, hidden_size=2, max_epochs=1, batch_size=100).fit(X, y)
    model.predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) >= 3 * 3000  # moments, training and prediction were counted
    assert max(sizes) <= 1024
    assert peak < X.nbytes  # a quarter of what a float32 copy takes
