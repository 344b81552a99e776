"""Shapes of images: with and without their channels, and of flat rows."""

import math
import re

import numpy as np
import pytest

from sk_rnnimage.images.shapes import (
    check_image_shape,
    full_shape,
    is_positive_int,
    plain_shape,
    shape_of_flat,
)


@pytest.mark.parametrize("shape", [(4, 5), (1, 1), (4, 5, 3), (3, 8, 8)], ids=str)
def test_plain_undoes_full(shape):
    assert plain_shape(full_shape(shape)) == plain_shape(shape) == shape
    assert full_shape(list(shape)) == full_shape(shape)
    assert plain_shape(list(shape)) == shape
    assert math.prod(full_shape(shape)) == math.prod(shape)


def test_one_channel_is_grey():
    assert full_shape((4, 5)) == full_shape((4, 5, 1)) == (4, 5, 1)
    assert plain_shape((4, 5, 1)) == (4, 5)


def test_flat_images_are_square_or_a_row():
    grey = {side**2: (side, side) for side in range(1, 60)}
    colour = {3 * side**2: (side, side, 3) for side in range(1, 60)}
    for n in range(1, 3000):
        expected = grey.get(n, colour.get(n, (1, n)))
        assert shape_of_flat(n, None, "X") == expected


@pytest.mark.parametrize(
    "image_shape, expected",
    [
        ((3, 8), (3, 8)),
        ((2, 4, 3), (2, 4, 3)),
        ([4, 6, 1], (4, 6)),
        ((24, 1), (24, 1)),
    ],
)
def test_flat_images_take_the_given_shape(image_shape, expected):
    assert shape_of_flat(24, image_shape, "X") == expected
    sentence = (
        f"image_shape={tuple(image_shape)} asks for 24 pixel values an image, but "
        "X_val has 25 columns."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        shape_of_flat(25, image_shape, "X_val")


@pytest.mark.parametrize(
    "value, expected",
    [
        (1, True),
        (np.int64(3), True),
        (np.uint8(255), True),
        (0, False),
        (-1, False),
        (True, False),
        (np.timedelta64(3, "s"), False),
        (np.True_, False),
        (1.0, False),
        ("1", False),
        (None, False),
    ],
)
def test_what_a_side_may_be(value, expected):
    assert is_positive_int(value) == expected


def test_check_image_shape_lets_good_ones_pass():
    for good in (None, (1, 1), [2, 3], (np.int64(2), 3, 4)):
        assert check_image_shape(good) is None


@pytest.mark.parametrize(
    "bad", [(8,), (1, 2, 3, 4), (8, 0), (8, 8.0), (True, 8), 64, "88"], ids=str
)
def test_check_image_shape_names_what_it_got(bad):
    sentence = (
        "image_shape must be None, (height, width) or (height, width, channels) with "
        f"whole numbers of at least 1. Got {bad!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_image_shape(bad)
