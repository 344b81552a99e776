import io
import re
import struct

import numpy as np
import pytest
from files_by_hand import animation, as_bytes
from PIL import Image

from sk_rnnimage.files.decoding import UnreadableImage
from sk_rnnimage.files.pages import find_pages, get_page, open_image

KEEP, CLEAR, RESTORE = 1, 2, 3  # what is done with a frame before the next
GREYS = [(127 - i,) * 3 for i in range(128)]  # backwards, so that Pillow keeps them


def gif(shape, frames, colours=GREYS):
    """A GIF of frames (top, left, values, disposal, transparent value or None).

    Codes of 8 bits, one a pixel: the table of the compression never grows.
    """
    data = b"GIF89a" + struct.pack("<HHBBB", *shape[::-1], 0xF6, 0, 0)
    data += bytes(np.array(colours, dtype=np.uint8))
    for top, left, values, disposal, transparent in frames:
        values = np.array(values, dtype=np.uint8)
        flags = disposal << 2 | (transparent is not None)
        data += struct.pack("<BBBBHBB", 0x21, 0xF9, 4, flags, 5, transparent or 0, 0)
        data += struct.pack("<BHHHHB", 0x2C, left, top, *values.shape[::-1], 0)
        codes = bytes([128, *values.ravel(), 129])
        data += bytes([7, len(codes)]) + codes + b"\0"
    return data + b";"


def read(data, places=None):
    """The frames of an image as arrays."""
    image = open_image(io.BytesIO(data))
    first, length = find_pages(image)
    places = range(length) if places is None else places
    return [np.asarray(get_page(image, first + k)) for k in places]


def test_a_frame_of_a_gif_lies_on_those_before():
    whole = np.full((3, 4), 27)  # grey level 100
    data = gif(
        (3, 4),
        [
            (0, 0, whole, KEEP, None),
            (1, 1, [[17, 7]], KEEP, None),  # 110, 120
            (1, 1, [[7, 0]], KEEP, 7),  # transparent, 127
            (0, 3, [[17]], RESTORE, None),
            (2, 0, [[7]], KEEP, None),
        ],
    )
    expected = [np.full((3, 4), 100) for _ in range(5)]
    expected[1][1, 1:3] = [110, 120]
    expected[2][1, 1:3] = [110, 127]
    expected[3][1, 1:3] = [110, 127]
    expected[3][0, 3] = 110  # and gone again in the next
    expected[4][1, 1:3] = [110, 127]
    expected[4][2, 0] = 120
    np.testing.assert_array_equal(read(data), expected)
    np.testing.assert_array_equal(read(data, [4]), expected[4:])
    np.testing.assert_array_equal(read(data, [1, 3]), expected[1::2])


def test_what_a_gif_clears_is_white():
    data = gif(
        (1, 3),
        [
            (0, 0, [[27, 27, 27]], CLEAR, 0),
            (0, 1, [[17]], KEEP, 0),
        ],
    )
    np.testing.assert_array_equal(read(data), [[[100] * 3], [[255, 110, 255]]])


def test_a_gif_is_grey_where_its_pixels_are():
    colours = [(255, 0, 0), *GREYS[1:]]
    frames = [(0, 0, [[1, 2]], KEEP, None), (0, 1, [[0]], KEEP, None)]
    grey, red = read(gif((1, 2), frames, colours))
    np.testing.assert_array_equal(grey, [[126, 125]])
    np.testing.assert_array_equal(red, [[[126] * 3, [255, 0, 0]]])


@pytest.mark.parametrize("form", ["gif", "png", "tiff", "webp"])
def test_frames_are_found(form):
    frames = np.arange(120, dtype=np.uint8).reshape(4, 5, 6)
    how = {"lossless": True} if form == "webp" else {}
    image = open_image(io.BytesIO(animation(frames, form, **how)))
    assert find_pages(image) == (0, 4)
    for place in (3, 1, 2):
        page = np.asarray(get_page(image, place).convert("L"))
        np.testing.assert_array_equal(page, frames[place])


def test_the_picture_beside_an_animation_is_no_frame():
    frames = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    data = animation(frames, "png", default_image=True)
    np.testing.assert_array_equal(read(data), frames[1:])


@pytest.mark.parametrize("form", ["jpeg", "bmp", "ico", "ppm"])
def test_other_formats_have_one_frame(form):
    image = open_image(io.BytesIO(as_bytes(Image.new("L", (16, 16)), form)))
    assert find_pages(image) == (0, 1)


def test_the_second_image_of_a_camera_is_no_frame():
    """It is a thumbnail, or the depth."""
    data = animation(np.zeros((2, 8, 8), dtype=np.uint8), "mpo")
    image = open_image(io.BytesIO(data))
    assert image.n_frames == 2
    assert find_pages(image) == (0, 1)


def test_what_is_no_image_is_left_to_others(monkeypatch):
    for data in (b"hello", b"\0\0\1\xba an MPEG file, which Pillow knows by its start"):
        assert open_image(io.BytesIO(data)) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    sentence = "is not an image that Pillow can read: Image size (64 pixels) exceeds"
    with pytest.raises(UnreadableImage, match=re.escape(sentence)):
        open_image(io.BytesIO(as_bytes(Image.new("L", (8, 8)))))


def test_a_gif_that_was_cut_off_between_two_frames_is_refused():
    frame = (0, 0, [[1, 2]], KEEP, None)
    one, two = gif((1, 2), [frame]), gif((1, 2), [frame, frame])
    assert len(read(two + b"\0\0")) == 2  # filled up
    with pytest.raises(
        UnreadableImage, match="^has no end after frame 0: the file was"
    ):
        read(two[: len(one) - 1])
    closed = open_image(io.BytesIO(two[: len(one) - 1]))
    assert closed.n_frames == 1
    closed.fp = None  # as Pillow leaves it: there is nothing to look at
    assert find_pages(closed) == (0, 1)
