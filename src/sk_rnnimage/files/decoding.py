"""Decoding one image file into one array of pixels."""

import io
import re

import numpy as np

from sk_rnnimage._environment.optional import needed

# Modes of Pillow: https://pillow.readthedocs.io/en/stable/handbook/concepts.html
_GREY_MODES = ("1", "L", "LA", "La")  # of 8 bits
_GREY_16_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
# Tags of EXIF and TIFF
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE, _SAMPLE_FORMAT, _SIGNED = 258, 339, (2,)
_TRANSPOSED_ORIENTATIONS = (5, 6, 7, 8)  # those that swap height and width


class UnreadableImage(Exception):
    """Why a file cannot be read, as a clause to be put behind its name.

    The ``__cause__`` is the error that Pillow or PyAV raised, if there was one.
    """


def import_pillow():
    """Return the module ``PIL.Image``, or raise an error with the install command."""
    with needed("Reading image files", "Pillow", "images"):
        from PIL import Image
    return Image


def list_formats():
    """List the formats that Pillow can read, and does not only recognise."""
    Image = import_pillow()
    from PIL import ImageFile

    Image.init()
    recognised = {"MPEG"} | {
        name
        for name, (factory, _) in Image.OPEN.items()
        if isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile)
    }
    return sorted(Image.OPEN.keys() - recognised)


def list_suffixes(formats):
    """Return the suffixes of formats of Pillow, in lower case."""
    extensions = import_pillow().registered_extensions()
    return {suffix for suffix, name in extensions.items() if name in formats}


def read_image(item, size, mode):
    """Decode one image: upright, opaque, resized, in the dtype of the file.

    Parameters
    ----------
    item : path, bytes, file object or PIL image
        The image.
    size : tuple (H, W) or None
        Size to which the image is resized.
    mode : {"L", "RGB"} or None
        Grey or colour; None keeps what the file holds.

    Returns
    -------
    pixels : ndarray of shape (H, W) or (H, W, 3)
        The image.
    is_reduced : bool
        Whether Pillow reduced 16 bits a channel to 8.

    Raises
    ------
    UnreadableImage
        If the file is missing, cannot be decoded, has no pixels or holds infinite
        values.
    """
    Image = import_pillow()
    try:
        if isinstance(item, Image.Image):  # the user's: neither draft() nor close()
            return _decode(item, size, mode)
        is_bytes = isinstance(item, (bytes, bytearray))
        with Image.open(io.BytesIO(item) if is_bytes else item) as image:
            _reduce_jpeg(image, size)
            return _decode(image, size, mode)
    except (UnreadableImage, MemoryError):
        raise
    except FileNotFoundError as error:
        raise UnreadableImage("does not exist") from error
    except Exception as error:  # OSError, SyntaxError, DecompressionBombError, ...
        raise UnreadableImage(
            f"is not an image that Pillow can read: {get_reason(error)}"
        ) from error


def size_of(path):
    """The height and width of an image file, upright, from its header alone."""
    with import_pillow().open(path, formats=list_formats()) as image:
        width, height = image.size
        return (width, height) if _get_orientation(image) > 4 else (height, width)


def get_reason(error):
    """Return what an error says, or its name where it says nothing."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return reason.removesuffix(".")  # the clause goes on


def to_rgb(grey):
    """Repeat grey levels (..., H, W) over three channels (..., H, W, 3)."""
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def unify(arrays):
    """Give grey and RGB arrays one dtype, which holds all values, and one kind."""
    dtype = np.result_type(*{array.dtype for array in arrays})
    arrays = [array.astype(dtype, copy=False) for array in arrays]
    n_axes = max(array.ndim for array in arrays)
    return [array if array.ndim == n_axes else to_rgb(array) for array in arrays]


def _decode(image, size, mode):
    """Convert a PIL image to an array, and tell whether it was reduced to 8 bits."""
    if 0 in image.size:
        raise UnreadableImage("is an image without pixels")
    # These look at how the file is encoded, which Pillow forgets once it is decoded.
    dtype, is_reduced = _get_dtype(image), _is_reduced(image)
    is_grey = image.mode in _GREY_MODES or "LA;16B" in _get_encoding(image)
    image.load()
    image = _turn_upright(image)
    if dtype != np.uint8:
        levels = _resize_levels(_get_levels(image, dtype), size)
        return to_rgb(levels) if mode == "RGB" else levels, is_reduced
    # Before resizing, which would mix the hidden colours of transparent pixels in.
    image = blend_with_white(image).convert(mode or ("L" if is_grey else "RGB"))
    return np.array(_resize(image, size)), is_reduced  # np.asarray would be read-only


def _get_dtype(image):
    """Return the dtype of the grey levels in a file; uint8 for colours."""
    if image.format == "TIFF" and image.mode in ("L", "I"):
        kind = "i" if image.tag_v2.get(_SAMPLE_FORMAT) == _SIGNED else "u"
        n_bits = image.tag_v2[_BITS_PER_SAMPLE][0] if image.mode == "I" else 8
        return np.dtype(f"{kind}{n_bits // 8}")
    if image.format == "FITS" and image.mode == "I;16":
        return np.dtype(np.int16)  # signed by the FITS standard; Pillow drops the sign
    # Pillow decodes a PGM of 16 bits as "I" (before 10.3 also a PNG, Pillow#7849).
    has_16_bits = image.mode == "I" and image.format in ("PPM", "PNG")
    if has_16_bits or image.mode in _GREY_16_BIT_MODES:
        return np.dtype(np.uint16)
    return np.dtype({"I": np.int32, "F": np.float32}.get(image.mode, np.uint8))


def _get_encoding(image):
    """List the decoder and its arguments, of a file that is not yet decoded."""
    for decoder, _, _, arguments in getattr(image, "tile", ()):
        yield decoder
        yield from arguments if isinstance(arguments, tuple) else (arguments,)


def _is_reduced(image):
    """Tell whether Pillow will reduce values of 16 bits a channel to 8 bits."""
    if _get_dtype(image) != np.uint8:
        return False
    encoding = list(_get_encoding(image))
    if image.format == "PPM":  # the one number is the largest value
        return any(isinstance(number, int) and number > 255 for number in encoding)
    return any(re.search(r";16[BLN]$|^SGI16$", str(name)) for name in encoding)


def _get_orientation(image):
    """Return the EXIF orientation; 1 (upright) if it is missing or unreadable."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # the pixels are good even if the metadata are corrupt
        return 1


def _turn_upright(image):
    """Apply the EXIF orientation."""
    from PIL import ImageOps

    if _get_orientation(image) == 1:  # exif_transpose raises on corrupt EXIF data
        return image
    return ImageOps.exif_transpose(image)


def _reduce_jpeg(image, size):
    """Let a large JPEG be decoded at 1/2, 1/4 or 1/8 of its resolution.

    It keeps at least twice the requested size, which leaves the last step to the
    antialiased resize; ``PIL.Image.Image.thumbnail`` has the same default
    (``reducing_gap=2.0``).
    """
    if size is None:
        return
    is_transposed = _get_orientation(image) in _TRANSPOSED_ORIENTATIONS
    height, width = size[::-1] if is_transposed else size
    image.draft(None, (2 * width, 2 * height))  # does nothing for other formats


def _get_levels(image, dtype):
    """Return the grey levels (H, W) of an image as its file holds them."""
    levels = np.asarray(image).astype(dtype)  # (H, W)
    if "transparency" in image.info:  # of a PNG, whose white is the largest value
        levels[levels == image.info["transparency"]] = 65535
    if dtype.kind == "f" and np.isinf(levels).any():
        raise UnreadableImage(
            "holds infinite values: replace them, with NaN where a pixel is missing"
        )
    return levels


def _resize_levels(levels, size):
    """Resize grey levels (H, W) of any dtype; NaN is a missing pixel."""
    if size is None:
        return levels
    dtype = levels.dtype
    if dtype.kind == "f":
        return _resize_known(levels, size)
    # Pillow averages int32 in double precision, so that no level is lost.
    offset = 2**31 if dtype == np.uint32 else 0
    shifted = (levels.astype(np.int64) - offset).astype(np.int32)
    return (_resize_array(shifted, size).astype(np.int64) + offset).astype(dtype)


def _resize_known(levels, size):
    """Average the known floats under each new pixel, NaN if fewer than half are."""
    is_known = ~np.isnan(levels)
    resized = _resize_array(np.where(is_known, levels, 0), size)
    if is_known.all():
        return resized
    share = _resize_array(is_known.astype(np.float32), size)
    half = 0.5 - 1e-3  # rounding must not decide
    resized /= np.maximum(share, half)
    resized[share < half] = np.nan
    return resized


def _resize_array(values, size):
    """Resize an array (H, W) of int32 or float32."""
    return np.array(_resize(import_pillow().fromarray(values), size))


def _resize(image, size):
    """Resize a PIL image with a bilinear, antialiased filter."""
    if size is None:
        return image
    # Pillow's sizes are (width, height)
    return image.resize(size[::-1], import_pillow().Resampling.BILINEAR)


def blend_with_white(image):
    """Blend an image that has transparency with a white background."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    background = import_pillow().new("RGBA", image.size, "white")
    return import_pillow().alpha_composite(background, image)
