"""Shapes of images, (H, W) or (H, W, C), and of clips, with T frames in front."""

import math
import numbers
from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """What an item of X is, and how messages speak of it.

    ``sides`` are the axes before the channels, ``reader`` is the transformer that reads
    such items from files, and ``where`` says when X holds them.
    """

    noun: str
    sides: tuple
    reader: str
    where: str = ""

    @property
    def shapes(self):
        """The shape without and with channels."""
        letters = ", ".join(["T", "H", "W"][-len(self.sides) :])
        return f"({letters}) or ({letters}, C)"

    @property
    def an_item(self):
        """The noun with its article."""
        return f"{'an' if self.noun[0] in 'aeio' else 'a'} {self.noun}"

    @property
    def a_reader(self):
        """The reader with its article."""
        return f"{'an' if self.reader[0] in 'AEIO' else 'a'} {self.reader}"


IMAGE = Layout("image", ("height", "width"), "ImageReader")
CLIP = Layout(
    "clip", ("frames", "height", "width"), "ClipReader", " with scan='frames'"
)


def layout_of(scan):
    """What is read with the parameter ``scan``: images, or clips frame by frame."""
    return CLIP if isinstance(scan, str) and scan == "frames" else IMAGE


def full_shape(shape, layout=IMAGE):
    """A shape with the channels last, in plain ints: (H, W) to (H, W, 1)."""
    shape = tuple(map(int, shape))
    return (*shape, 1) if len(shape) == len(layout.sides) else shape


def plain_shape(shape, layout=IMAGE):
    """A shape as users write it: (H, W) for grey images, (T, H, W) for grey clips."""
    n = len(layout.sides)
    return tuple(shape[:n]) if len(shape) == n or shape[n] == 1 else tuple(shape)


def shape_of_flat(n_features, image_shape, name, layout=IMAGE):
    """The shape of images, or clips, that come as rows of ``n_features`` values."""
    if image_shape is not None:
        if math.prod(image_shape) != n_features:
            raise ValueError(
                f"image_shape={tuple(image_shape)} asks for {math.prod(image_shape)} "
                f"pixel values {layout.an_item}, but {name} has {n_features} columns."
            )
        return plain_shape(full_shape(image_shape, layout), layout)
    if layout is CLIP:
        return 1, 1, n_features
    for channels in (1, 3):
        side = math.isqrt(n_features // channels)
        if side * side * channels == n_features:
            return plain_shape((side, side, channels))
    return (1, n_features)


def is_positive_int(value):
    """Whether a value is a whole number of at least 1, and no bool, no duration."""
    others = bool, np.timedelta64  # which are registered as whole numbers
    whole = isinstance(value, numbers.Integral) and not isinstance(value, others)
    return whole and value >= 1


def check_image_shape(image_shape, layout=IMAGE):
    """Raise where the parameter ``image_shape`` is no shape of images, or of clips."""
    if image_shape is None:
        return
    n = len(layout.sides)
    fits = isinstance(image_shape, (tuple, list)) and len(image_shape) in (n, n + 1)
    if not fits or not all(map(is_positive_int, image_shape)):
        sides = ", ".join(layout.sides)
        raise ValueError(
            f"image_shape must be None, ({sides}) or ({sides}, channels) with whole "
            f"numbers of at least 1{layout.where}. Got {image_shape!r} instead."
        )
