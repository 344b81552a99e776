import io
import re
import struct

import numpy as np
import pytest
from files_by_hand import COLOUR, GREY, as_bytes, fits, png, tiff, write
from PIL import Image

from sk_rnnimage.files.decoding import UnreadableImage, read_image, size_of, to_rgb

TWELVE_BITS = np.arange(4096, dtype=np.uint16).reshape(64, 64)
TOMOGRAPHY = (np.arange(4096) - 1024).astype(np.int16).reshape(64, 64)
COUNTS = np.array([[0, 2**24 + 1, -(2**31)], [2**31 - 1, 5, -7]], dtype=np.int32)
FLOATS = np.array([[0.5, -1e6, 3e-4], [2, 1e9, 7]], dtype=np.float32)


def read(item, size=None, mode=None):
    return read_image(item, size, mode)[0]


def held(values):
    """The kinds of files that hold an array of grey levels, and can be read."""
    yield tiff(values)
    if values.dtype != np.uint32:  # Pillow reads that in little-endian order alone
        yield tiff(values, ">")
    if values.dtype == np.uint16:
        image = Image.fromarray(values)
        yield from (as_bytes(image, form) for form in ("png", "tiff", "jpeg2000"))
        yield as_bytes(image, "tiff", compression="tiff_lzw")
    if values.dtype in (np.int16, np.int32):
        yield fits(values)
    if values.dtype in (np.int32, np.float32):
        yield Image.fromarray(values)
        yield as_bytes(Image.fromarray(values), "tiff", compression="tiff_lzw")
    if values.dtype == np.float32:
        yield as_bytes(Image.fromarray(values), "ppm")  # PFM


@pytest.mark.parametrize(
    "values",
    [
        GREY,
        GREY.view(np.int8),
        TWELVE_BITS,
        TWELVE_BITS // 100,  # a dim one
        TOMOGRAPHY,
        COUNTS,
        COUNTS.view(np.uint32),
        FLOATS,
    ],
    ids=lambda values: f"{values.dtype}-{values.max()}",
)
def test_grey_levels_are_kept(values):
    for item in held(values):
        for mode, expected in ((None, values), ("L", values), ("RGB", to_rgb(values))):
            found = read(item, mode=mode)
            assert found.dtype == values.dtype
            assert found.dtype.isnative
            np.testing.assert_array_equal(found, expected)
            assert found.flags.writeable


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_modes_of_16_bits_are_turned_and_resized(mode):
    order = ">u2" if mode == "I;16B" else "<u2"
    values = TWELVE_BITS.astype(order).tobytes()
    image = Image.frombuffer(mode, (64, 64), values, "raw", mode, 0, 1)
    image.getexif()[0x0112] = 6
    found = read(image)
    assert found.dtype == np.uint16
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.rot90(TWELVE_BITS, -1))
    np.testing.assert_array_equal(read(image, (64, 64)), found)


def test_a_pgm_is_on_the_full_scale_of_its_bits():
    def pgm(maximum, kind, *values):
        return b"P5 3 1 %d\n" % maximum + struct.pack(kind, *values)

    for data, expected in (
        (pgm(65535, ">3H", 0, 300, 65535), [[0, 300, 65535]]),
        (pgm(4095, ">3H", 0, 1, 4095), [[0, 16, 65535]]),  # 65535 / 4095 = 16.004
    ):
        assert read(data).dtype == np.uint16
        np.testing.assert_array_equal(read(data), expected)
    found = read(pgm(100, "3B", 0, 50, 100))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [[0, 128, 255]])


def test_one_bit_is_black_or_white():
    image = Image.fromarray(GREY > 99)
    for item in (image, as_bytes(image), as_bytes(image, "tiff")):
        assert read(item).dtype == np.uint8
        np.testing.assert_array_equal(read(item), (GREY > 99) * 255)


@pytest.mark.parametrize("values", [TWELVE_BITS, TOMOGRAPHY, COUNTS, FLOATS])
def test_shrinking_averages_in_the_dtype_of_the_file(values):
    blocks = np.kron(values, np.ones((8, 8))).astype(values.dtype)
    shrunk = read(tiff(blocks), values.shape)
    assert shrunk.dtype == values.dtype
    exact = shrink_by_hand(blocks, 8)
    tolerance = {"f": np.abs(exact).max() * 1e-6}.get(values.dtype.kind, 1)
    np.testing.assert_allclose(shrunk, exact, atol=tolerance, rtol=0)


def shrink_by_hand(values, factor):
    """Triangle of twice the factor's width, normalised at the edges, per axis."""

    def weights(n):
        centres = (np.arange(n // factor) + 0.5) * factor
        distance = np.abs(centres[:, np.newaxis] - np.arange(n) - 0.5) / factor
        triangle = np.clip(1 - distance, 0, None)  # (n / factor, n)
        return triangle / triangle.sum(axis=1, keepdims=True)

    rows, columns = map(weights, values.shape)
    return rows @ values.astype(np.float64) @ columns.T


def test_enlarging_keeps_the_scale():
    for values in (TWELVE_BITS, TOMOGRAPHY, COUNTS.view(np.uint32), FLOATS):
        height, width = values.shape
        enlarged = read(tiff(values), (3 * height, 3 * width))
        assert enlarged.dtype == values.dtype
        np.testing.assert_array_equal(enlarged[1::3, 1::3], values)  # the centres


def test_a_missing_pixel_stays_missing():
    values = np.arange(64, dtype=np.float32).reshape(8, 8)
    values[3, 4] = np.nan
    np.testing.assert_array_equal(read(tiff(values)), values)
    enlarged = read(tiff(values), (24, 24))
    assert enlarged.dtype == np.float32
    missing = np.isnan(enlarged)
    assert missing[10, 13]  # its centre
    assert missing.sum() <= 9  # and no pixel further than its square
    assert missing[9:12, 12:15].sum() == missing.sum()
    known = ~np.isnan(values)
    np.testing.assert_allclose(enlarged[1::3, 1::3][known], values[known], rtol=1e-6)


def test_one_missing_pixel_leaves_the_average_of_the_others():
    values = np.full((8, 8), 1000, dtype=np.float32)
    values[::3, ::3] = np.nan
    np.testing.assert_allclose(read(tiff(values), (2, 2)), 1000, rtol=1e-6)


def test_where_most_pixels_are_missing_the_average_is_missing():
    values = np.full((8, 16), 1000, dtype=np.float32)
    values[:, :8] = np.nan
    found = read(tiff(values), (2, 4))
    np.testing.assert_array_equal(np.isnan(found), [[True, True, False, False]] * 2)
    np.testing.assert_allclose(found[:, 2:], 1000, rtol=1e-6)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinite_values_are_refused(infinity):
    values = np.array([[0, infinity]], dtype=np.float32)
    sentence = "holds infinite values: replace them, with NaN where a pixel is missing"
    for size in (None, (1, 1)):
        with pytest.raises(UnreadableImage, match=re.escape(sentence)):
            read(tiff(values), size)


def test_what_is_transparent_in_sixteen_bits_is_white():
    image = Image.fromarray(np.array([[0, 257, 128]], dtype=np.uint16))
    data = as_bytes(image, transparency=0)
    np.testing.assert_array_equal(read(data), [[65535, 257, 128]])


def sgi(values):
    """An SGI file of 16 bits a channel, of an array (H, W, 3) of equal lines."""
    head = struct.pack(">HBBHHHH", 474, 0, 2, 3, *values.shape[1::-1], 3)
    planes = np.moveaxis(values, 2, 0).astype(">u2").tobytes()
    return head.ljust(512, b"\0") + planes


def test_colours_of_16_bits_are_told():
    """Pillow reads them in 8 bits."""
    line = np.random.RandomState(1).randint(0, 65536, (3, 3)).astype(np.uint16)
    deep = np.stack([line] * 4)  # (4, 3, 3)
    ppm = b"P6 3 4 65535\n" + deep.astype(">u2").tobytes()
    for data in (png(deep, 2), tiff(deep), tiff(deep, ">"), ppm, sgi(deep)):
        pixels, is_reduced = read_image(data, None, None)
        assert is_reduced
        assert pixels.dtype == np.uint8
        np.testing.assert_allclose(pixels, deep / 257, atol=1)
    ten_bits = b"P6 1 1 300\n" + struct.pack(">3H", 300, 0, 150)
    assert read_image(ten_bits, None, None)[1]


def test_grey_with_alpha_of_16_bits_is_grey():
    values = np.stack([TWELVE_BITS * 16, np.full_like(TWELVE_BITS, 65535)], axis=2)
    pixels, is_reduced = read_image(png(values, 4), None, None)
    assert is_reduced
    np.testing.assert_allclose(pixels, values[..., 0] / 257, atol=1)


def test_nothing_else_is_called_reduced():
    colour, grey = Image.fromarray(COLOUR), Image.fromarray(GREY)
    items = [colour, grey, tiff(TWELVE_BITS), tiff(TOMOGRAPHY), tiff(FLOATS)]
    forms = ("png", "tiff", "ppm", "bmp", "gif", "jpeg", "webp", "sgi", "tga")
    items += [as_bytes(image, form) for image in (colour, grey) for form in forms]
    items += [as_bytes(Image.fromarray(TWELVE_BITS), form) for form in ("png", "ppm")]
    for item in items:
        assert not read_image(item, None, None)[1]


@pytest.mark.parametrize("size", [None, (7, 5)])
@pytest.mark.parametrize("pixels", [COLOUR, GREY, GREY.astype(np.uint16) * 256])
def test_exif_orientation_is_applied(size, pixels):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    data = as_bytes(Image.fromarray(pixels), exif=exif)
    found = read(data, size)
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, np.rot90(pixels, -1))


@pytest.mark.parametrize("size", [None, (5, 7)])
def test_exif_that_cannot_be_read_is_ignored(size):
    data = as_bytes(Image.fromarray(GREY), exif=b"garbage")
    np.testing.assert_array_equal(read(data, size), GREY)


def test_transparent_pixels_lie_over_white():
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = [0, 51, 255]  # absent, a fifth, opaque: all black
    data = as_bytes(Image.fromarray(rgba))
    expected = np.array([[[255] * 3, [204] * 3, [0] * 3]])
    np.testing.assert_array_equal(read(data), expected)
    data = as_bytes(Image.fromarray(rgba).convert("LA"))
    np.testing.assert_array_equal(read(data), expected[..., 0])


def test_shrinking_averages():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    shrunk = read(Image.fromarray(checks.astype(np.uint8)), (4, 4))
    np.testing.assert_allclose(shrunk.astype(float), 127.5, atol=1)


def test_a_large_jpeg_is_decoded_small(tmp_path, monkeypatch):
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    path = write(tmp_path / "big.jpg", np.tile(ramp, (320, 1)), quality=95)
    loaded = []
    load = Image.Image.load
    monkeypatch.setattr(
        Image.Image, "load", lambda self: (loaded.append(self.size), load(self))[1]
    )
    small = read(path, (20, 40))
    assert max(loaded) == (80, 40)  # twice what was asked for
    expected = read(Image.open(path), (20, 40))
    np.testing.assert_allclose(small.astype(float), expected, atol=3)


def test_a_pil_image_stays_as_it_was(tmp_path):
    path = write(tmp_path / "big.jpg", np.zeros((320, 640), dtype=np.uint8))
    image = Image.open(path)
    read(image, (2, 2))
    assert image.size == (640, 320)


@pytest.mark.parametrize(
    "item, sentence",
    [
        ("no/such.png", "does not exist"),
        (b"hello", "is not an image that Pillow can read: cannot identify"),
        (io.BytesIO(b""), "is not an image that Pillow can read: cannot identify"),
        (Image.new("L", (0, 3)), "is an image without pixels"),
    ],
)
def test_why_an_image_cannot_be_read(item, sentence):
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}"):
        read(item)


def test_the_size_is_that_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    for orientation in range(9):
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.jpg"
        Image.new("L", (6, 4)).save(path, exif=exif)
        image, _ = read_image(path, size=None, mode=None)
        assert size_of(path) == image.shape
