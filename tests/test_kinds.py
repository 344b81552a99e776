"""Images of one size and of unequal sizes, behind one interface."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_rnnimage.images.kinds import Images, UnequalImages, groups_of_equal_rows, split


def equal(n=9):
    return Images(np.arange(n * 20).reshape(n, 5, 4, 1).astype(np.uint8))


def unequal(n=9):
    rng = np.random.RandomState(0)
    sides = rng.randint(2, 9, (n, 2))
    return UnequalImages([rng.randint(0, 255, (h, w, 3)) for h, w in sides])


def one(images, i):
    """The image i, whatever the kind."""
    (_, part), *others = images.parts(np.array([i]))
    assert not others
    return part[0]


@pytest.fixture(params=[equal, unequal], ids=["equal", "unequal"])
def images(request):
    return request.param()


@pytest.mark.parametrize("n_values", [1, 50, np.inf])
@pytest.mark.parametrize("indices", [None, [4], [7, 1, 1, 3]])
def test_parts_hold_each_image_once(images, indices, n_values):
    whole = np.arange(9) if indices is None else np.array(indices)
    seen = np.zeros(len(whole), dtype=int)
    given = None if indices is None else whole
    for where, part in images.parts(given, n_values=n_values):
        seen[where] += 1
        for i, image in zip(whole[where], part, strict=True):
            assert_array_equal(image, one(images, i))
        assert n_values == np.inf or len(part) == 1 or part.size <= 3 * n_values
    assert (seen == 1).all()


@pytest.mark.parametrize("n_pixels", [1, 60, 2**20])
def test_chunks_and_batches_hold_each_image_once(images, n_pixels):
    random_state = np.random.RandomState(0)
    for several in (
        images.chunks(lambda height, width: n_pixels // (height * width)),
        images.batches(2),
        images.batches(2, random_state),
        images.batches(100, random_state),
    ):
        assert_array_equal(np.sort(np.concatenate(several)), np.arange(9))


def test_take_keeps_the_images(images):
    rows = np.array([1, 4, 6])
    some = images.take(rows)
    assert len(some) == 3
    assert some.dtype == images.dtype
    for i, row in enumerate(rows):
        assert_array_equal(one(some, i), one(images, row))
    again = some.take(np.array([0, 2]))
    assert_array_equal(one(again, 1), one(images, 6))


def test_taking_rows_copies_no_image():
    images = equal()
    assert images.take(np.array([1, 2])).array is images.array
    assert images.take(np.arange(9)) is images
    memory = [part for _, part in images.parts()]
    assert np.shares_memory(memory[0], images.array)


def test_rows_of_one_size_become_one_array():
    images = UnequalImages([np.ones((3, 4, 1)), np.ones((5, 4, 1)), np.ones((3, 4, 1))])
    assert images.image_shape == (5, 4, 1)
    some = images.take(np.array([0, 2]))
    assert isinstance(some, Images)
    assert some.image_shape == (3, 4, 1)
    assert_array_equal(some.sizes, [[3, 4]])


@pytest.mark.parametrize("value, expected", [(np.nan, True), (np.inf, False)])
@pytest.mark.parametrize("kind", [Images, UnequalImages])
def test_missing_is_nan(kind, value, expected):
    some = [np.ones((3, 4, 1)), np.ones((5 if kind is UnequalImages else 3, 4, 1))]
    some[1][2, 1] = value
    images = UnequalImages(some) if kind is UnequalImages else Images(np.stack(some))
    assert images.has_missing() is expected
    assert not images.take(np.array([0])).has_missing()
    assert not equal().has_missing()


def test_split_shuffles_where_there_are_several():
    indices = np.arange(10)
    assert_array_equal(split(indices, 10, np.random.RandomState(0))[0], indices)
    parts = split(indices, 4, np.random.RandomState(0))
    assert [len(part) for part in parts] == [4, 3, 3]
    assert not np.array_equal(np.concatenate(parts), indices)


def test_groups_of_equal_rows():
    rows = np.array([[1, 2], [0, 5], [1, 2], [2, 1]])
    groups = [group.tolist() for group in groups_of_equal_rows(rows)]
    assert groups == [[1], [0, 2], [3]]
