"""Shapes of images: (H, W) or (H, W, C), and flat rows of H*W*C values."""

import math
import numbers


def full_shape(shape):
    """(H, W) or (H, W, C) as (H, W, C), in plain ints."""
    shape = tuple(map(int, shape))
    return (*shape, 1) if len(shape) == 2 else shape


def plain_shape(shape):
    """(H, W, C) as users write it: (H, W) for grey images."""
    return tuple(shape[:2]) if len(shape) == 2 or shape[2] == 1 else tuple(shape)


def shape_of_flat(n_features, image_shape, name):
    """The shape of images that come as rows of ``n_features`` values."""
    if image_shape is not None:
        if math.prod(image_shape) != n_features:
            raise ValueError(
                f"image_shape={tuple(image_shape)} asks for {math.prod(image_shape)} "
                f"pixel values an image, but {name} has {n_features} columns."
            )
        return plain_shape(full_shape(image_shape))
    for channels in (1, 3):
        side = math.isqrt(n_features // channels)
        if side * side * channels == n_features:
            return plain_shape((side, side, channels))
    return (1, n_features)


def is_positive_int(value):
    """Whether a value is a whole number of at least 1, and no bool."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and value >= 1


def check_image_shape(image_shape):
    """Raise where the parameter ``image_shape`` is no (H, W) or (H, W, C)."""
    if image_shape is None:
        return
    fits = isinstance(image_shape, (tuple, list)) and len(image_shape) in (2, 3)
    if not fits or not all(map(is_positive_int, image_shape)):
        raise ValueError(
            "image_shape must be None, (height, width) or (height, width, channels) "
            f"with whole numbers of at least 1. Got {image_shape!r} instead."
        )
