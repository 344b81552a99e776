"""The frames of an animated image or of a file of pages, which Pillow decodes."""

import os

import numpy as np

from sk_rnnimage.files.decoding import (
    UnreadableImage,
    blend_with_white,
    get_reason,
    import_pillow,
    list_formats,
)

# What other formats hold besides the first image are layers, thumbnails, icons.
CLIP_FORMATS = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")


def open_image(file):
    """Open a file with Pillow; None if it has another format, maybe that of a video."""
    Image = import_pillow()
    try:
        return Image.open(file, formats=list_formats())
    except Image.UnidentifiedImageError:
        return None
    except Exception as error:  # DecompressionBombError, ...
        raise UnreadableImage(
            f"is not an image that Pillow can read: {get_reason(error)}"
        ) from error


def find_pages(image):
    """Return the place of the first frame of a PIL image, and how many there are."""
    if image.format not in CLIP_FORMATS:
        return 0, 1
    # An APNG may begin with a picture for programs that show no animations.
    first = int(image.info.get("default_image", False))
    length = image.n_frames - first
    if image.format == "GIF" and _breaks_off(image.fp):
        raise UnreadableImage(
            f"has no end after frame {length - 1}: the file was cut off"
        )
    return first, length


def _breaks_off(file):
    """Tell whether a GIF, at whose frames Pillow is, lacks the byte that ends it."""
    if file is None:  # an image that lies in memory
        return False
    place = file.tell()
    file.seek(max(0, file.seek(0, os.SEEK_END) - 1024))
    end = file.read().rstrip(b"\0")  # some programs fill up
    file.seek(place)
    return not end.endswith(b";")


def get_page(image, place):
    """Go to a frame of a PIL image; Pillow completes it with those before it."""
    image.seek(place)
    return _reduce_to_grey(image) if image.format == "GIF" else image


def _reduce_to_grey(image):
    """Make an image grey if all its pixels are: a GIF holds greys as colours."""
    image = blend_with_white(image).convert("RGB")
    pixels = np.asarray(image)  # (H, W, 3)
    is_grey = (pixels == pixels[..., :1]).all()
    return image.convert("L") if is_grey else image
