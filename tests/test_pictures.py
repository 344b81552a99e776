"""Pixels as pictures."""

import numpy as np
import pytest

from sk_rnnimage.inspection.pictures import COLOURS, faded, to_grey, to_rgb


def test_bytes_of_colour_images_keep_their_brightness():
    pixels = np.full((2, 2, 3), [51, 102, 153], dtype=np.uint8)
    np.testing.assert_allclose(to_rgb(pixels)[1, 0], [0.2, 0.4, 0.6])
    opaque = np.concatenate([pixels, pixels[..., :1]], axis=2)
    np.testing.assert_array_equal(to_rgb(opaque), to_rgb(pixels))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int16])
def test_grey_values_are_stretched(dtype):
    pixels = np.array([[[3], [7]], [[11], [5]]], dtype=dtype)
    expected = [[0, 0.5], [1, 0.25]]
    np.testing.assert_allclose(
        to_rgb(pixels), np.repeat(np.c_[expected][..., None], 3, 2)
    )


def test_other_channels_are_shown_by_their_mean():
    pixels = np.stack(
        [np.eye(3), 1 - np.eye(3), 4 * np.eye(3), np.eye(3), np.eye(3)], 2
    )
    np.testing.assert_allclose(to_rgb(pixels), np.repeat(np.eye(3)[..., None], 3, 2))


def test_a_constant_image_is_grey():
    assert (to_rgb(np.full((2, 3, 1), 7.0)) == 0.5).all()


def test_a_missing_pixel_is_no_grey():
    pixels = np.array([[[0.0], [np.nan]], [[2.0], [4.0]]])
    colours = to_rgb(pixels)
    assert len(set(colours[0, 1])) == 3
    np.testing.assert_allclose(colours[1], [[0.5] * 3, [1] * 3])


def test_faded_and_grey():
    red = np.array([[[1.0, 0, 0]]])
    np.testing.assert_allclose(faded(red, 0.25), [[[1, 0.25, 0.25]]])
    np.testing.assert_allclose(to_grey(red), [[[0.2126] * 3]])
    assert len(set(COLOURS)) == len(COLOURS)
