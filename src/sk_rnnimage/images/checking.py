"""The check of images: what counts as one, and in which layouts they may come.

An image set is one array of shape (B, H, W), (B, H, W, C) or, flat, (B, H*W*C), or a
list of images whose sizes may differ. Everything behind this file works on ``Images``
(B, H, W, C), in the dtype that the user gave, or on ``UnequalImages``.
"""

import math
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.utils.validation import validate_data

from sk_rnnimage.images.inputs import (
    check_numbers,
    refuse_dtype,
    to_array,
    unreadable_cell_named,
)
from sk_rnnimage.images.kinds import Images, UnequalImages
from sk_rnnimage.images.shapes import IMAGE, full_shape, plain_shape, shape_of_flat

# Of a picture: the tables in scikit-learn's estimator checks, which allow no warning,
# have up to 30 columns.
FEWEST_PIXELS = 32


def check_images(
    estimator,
    X,
    *,
    image_shape=None,
    reset=False,
    name="X",
    allow_unequal=False,
    bounded=(False, False),
):
    """Validate X and give it back as (B, H, W, C), without a copy where possible.

    Parameters
    ----------
    estimator : estimator
        Named in the messages. With ``reset=True`` it gets ``image_shape_``,
        ``n_features_in_`` and, for a DataFrame, ``feature_names_in_``; else X is held
        against them.
    X : array-like of shape (B, H*W*C), (B, H, W) or (B, H, W, C), or list of images
        Images in any real dtype, which is kept. NaN is a missing value.
    image_shape : tuple (H, W) or (H, W, C), default=None
        How flat images are to be shaped, and what the images of a list may have at
        most. None reads a square (grey, else RGB), else one row of pixels.
    reset : bool, default=False
        Whether to learn the shape from X: of a list ``image_shape``, or the largest
        height and width.
    name : str, default="X"
        The argument's name in the messages.
    allow_unequal : bool, default=False
        Whether the images of a list may have sizes of their own.
    bounded : tuple (bool, bool), default=(False, False)
        Whether these may be no higher, and no wider, than ``image_shape_``.

    Returns
    -------
    Images or UnequalImages
        A list of images of one size gives ``Images``, whatever size that is.

    Raises
    ------
    ValueError, TypeError
        Where X is no set of images, or does not fit the shape.
    """
    X = to_array(X, name)
    listed = isinstance(X, list)  # also where the images turn out to be of one size
    if listed:
        X = _together(X, estimator, name, allow_unequal)
    if not listed and len(getattr(X, "shape", ())) <= 2:
        images = Images(check_flat(estimator, X, image_shape, reset, name))
    else:
        ways = _ways_to_fit(name, allow_unequal, bounded)
        if not listed:
            _check_axes(X.shape, name)
        if not listed and not reset:  # before its values, however many there are
            _check_shape(estimator, _batch_shape(X.shape), name, listed, ways)
        images = _check_shaped(estimator, X, name)
        if reset:
            _learn_shape(estimator, images, image_shape, name, listed)
        elif listed:
            shape = len(images), *images.image_shape
            _check_shape(estimator, shape, name, listed, ways)
    _check_bounds(estimator, images, bounded, name)
    _refuse_all_missing(images, name)
    return images


def set_shape(estimator, shape, layout=IMAGE):
    """Keep the shape, with channels, of what an estimator is fitted on."""
    estimator.image_shape_ = plain_shape(shape, layout)
    estimator.n_features_in_ = math.prod(shape)


def learn_shape(estimator, shape, layout=IMAGE):
    """Keep the shape of images, or clips, that are not flat: they name no features."""
    set_shape(estimator, shape, layout)
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _ways_to_fit(name, allow_unequal, bounded):
    """How images of another size get to an estimator that was fitted on one size."""
    if not allow_unequal:
        return "Resize or pad them first."
    if not any(bounded):
        return f"Resize or pad them first, or pass a list: list({name})."
    return (
        f"Resize or pad them first, or pass a list, list({name}), where none is larger "
        "than those of fit. As a step is a whole line, declare the largest size in "
        "fit (image_shape), on a list too."
    )


def _check_shape(estimator, shape, name, listed, ways):
    """Raise where images have not the shape that an estimator was fitted on.

    ``shape`` is (B, H, W, C). Those of a list are free in their sizes, not in their
    channels.
    """
    n, *shape = shape
    shape, expected = tuple(shape), full_shape(estimator.image_shape_)
    if shape[2] == expected[2] if listed else shape == expected:
        return
    if shape[2] == 1:
        refuse_one_item(estimator, (n, *shape[:2]), name)
    _refuse_channels_first((n, *shape), name)
    if shape[2] != expected[2]:
        modes = {1: "ImageReader(mode='L')", 3: "ImageReader(mode='RGB')"}
        ways = (
            f"They have {shape[2]} channel(s) for {expected[2]}: convert them; files "
            f"are read alike by {modes.get(expected[2], 'numpy.asarray')}."
        )
    raise ValueError(
        f"{name} holds images of shape {plain_shape(shape)}, but this "
        f"{type(estimator).__name__} was fitted on {estimator.image_shape_}. {ways}"
    )


def refuse_one_item(estimator, shape, name, layout=IMAGE):
    """Raise where this is not the shape of several images but that of one of fit."""
    if full_shape(shape, layout) == full_shape(estimator.image_shape_, layout):
        raise ValueError(
            f"{name} has the shape of one {layout.noun} of fit, "
            f"{estimator.image_shape_}, but must hold several. For one {layout.noun} "
            f"pass {name}[None]."
        )


def _check_bounds(estimator, images, bounded, name):
    """Raise where an image is larger than its network can read."""
    shape, sizes = estimator.image_shape_, images.sizes
    too_large = (sizes > shape[:2]) & np.array(bounded)  # (B, 2)
    if not too_large.any():
        return
    i = too_large.any(axis=1).argmax()
    scan, cell = estimator.scan, estimator.cell
    patches = "read patches (patch_size), use scan='sweep', " if cell else ""
    raise ValueError(
        f"{name}[{i}] is {sizes[i][0]} x {sizes[i][1]}, larger than the images of "
        f"fit, {shape[0]} x {shape[1]}, along a side that scan={scan!r} with "
        f"cell={cell!r} takes as a whole. Declare the largest size in fit "
        f"(image_shape), {patches}or resize: ImageReader(size)."
    )


def _declared_shape(images, image_shape, name):
    """``image_shape`` where all images of a list are within it, else their shape."""
    *sides, channels = full_shape(image_shape)
    sizes, shape = images.sizes, images.image_shape
    larger = (sizes > sides).any(axis=1)
    if larger.any():
        i = larger.argmax()
        raise ValueError(
            f"{name}[{i}] is {sizes[i][0]} x {sizes[i][1]}, larger than "
            f"image_shape={tuple(image_shape)}, which bounds the images of a list. "
            "Raise it, or resize: ImageReader(size)."
        )
    return (*sides, channels) if channels == shape[2] else shape


@contextmanager
def unchanged_on_error(estimator):
    """Restore the attributes of an estimator where something fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _together(images, estimator, name, allow_unequal):
    """A list of images (H, W, C); one array where they are equal."""
    for i, image in enumerate(images):
        if image.ndim not in (2, 3):
            clip = image.ndim == 4
            hint = " Clips (T, H, W, C) are read with scan='frames'." if clip else ""
            raise ValueError(
                f"{name}[{i}] has shape {image.shape}, but each image must be grey "
                f"(H, W) or with channels (H, W, C).{hint}"
            )
        if full_shape(image.shape)[2] != full_shape(images[0].shape)[2]:
            raise ValueError(
                f"All images of {name} must be grey (H, W), or have the same number of "
                f"channels (H, W, C). {name}[0] has shape {images[0].shape}, "
                f"{name}[{i}] has shape {image.shape}."
            )
        if not image.size:
            raise ValueError(
                f"{name}[{i}] is an image without pixels: its shape is {image.shape}."
            )
    images = [image if image.ndim == 3 else image[..., None] for image in images]
    sizes = {image.shape[:2] for image in images}
    if len(sizes) == 1:
        return np.stack(images)  # (B, H, W, C)
    if not allow_unequal:
        i = next(i for i, im in enumerate(images) if im.shape != images[0].shape)
        raise ValueError(
            f"{type(estimator).__name__} needs images of one size. {name}[0] has shape "
            f"{plain_shape(images[0].shape)}, {name}[{i}] has shape "
            f"{plain_shape(images[i].shape)}. Resize them, for instance with "
            "ImageReader(size=(height, width)), or pad them."
        )
    return images


def check_flat(estimator, X, image_shape, reset, name, layout=IMAGE):
    """Validate images of one dimension, (B, H*W*C): to (B, H, W, C), or clips."""
    shape = getattr(X, "shape", ())
    if not reset and len(shape) == 2 and shape[1] != estimator.n_features_in_:
        refuse_one_item(estimator, shape, name, layout)
        _refuse_columns(estimator, X, name, layout)
    if name != "X":  # validate_data calls its argument X, whatever it is
        if len(shape) < 2:
            raise ValueError(
                f"{name} must hold several {layout.noun}s, as X does. Got an array of "
                f"shape {shape}."
            )
        check_numbers(estimator, X, name, allow_nd=False, ensure_2d=True)
    with unreadable_cell_named(X, name):
        X = validate_data(estimator, X, reset=reset, ensure_all_finite="allow-nan")
    if reset:
        estimator.image_shape_ = shape_of_flat(X.shape[1], image_shape, name, layout)
        if image_shape is None:
            _warn_of_row(estimator.image_shape_, name, layout)
    refuse_dtype(X, name)
    return X.reshape(len(X), *full_shape(estimator.image_shape_, layout))


def _refuse_columns(estimator, X, name, layout):
    """Raise as X has another number of columns; its values are not looked at."""
    if name == "X":
        validate_data(estimator, X, reset=False, skip_check_array=True)
    raise ValueError(
        f"{name} has {X.shape[1]} pixel values {layout.an_item}, but this "
        f"{type(estimator).__name__} reads {estimator.n_features_in_}."
    )


def _warn_of_row(shape, name, layout):
    """Warn where flat images are read as one row of pixels, for want of a shape."""
    *ones, n = shape
    if set(ones) != {1} or n < FEWEST_PIXELS:
        return
    is_no = "are neither a square grey nor a square RGB image"
    if layout is not IMAGE:
        is_no = "do not tell how many frames there are, nor of which size"
    sides = ", ".join(layout.sides)
    warnings.warn(
        f"{name} has {n} columns, which {is_no}, so each {layout.noun} is read as one "
        f"row of pixels. Pass image_shape=({sides}) or ({sides}, channels); {shape} if "
        "it is a row.",
        UserWarning,
        stacklevel=2,
    )


def _check_shaped(estimator, X, name):
    """Validate images of 3 or 4 dimensions, or a list of such."""
    if isinstance(X, list):
        names = (f"{name}[{i}]" for i in range(len(X)))
        return UnequalImages(
            [check_numbers(estimator, *pair) for pair in zip(X, names)]
        )
    X = check_numbers(estimator, X, name)
    return Images(X if X.ndim == 4 else X[..., np.newaxis])  # (B, H, W, C)


def _batch_shape(shape):
    """The shape of an array of images with its channels: (B, H, W, C)."""
    return (*shape, 1) if len(shape) == 3 else tuple(shape)


def _check_axes(shape, name):
    """Raise where an array has too many axes, or images without pixels."""
    if len(shape) > 4:
        of_clips = ": clips (n, T, H, W, C) are read with scan='frames'"
        raise ValueError(
            f"{name} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Got an array of {len(shape)} dimensions instead"
            f"{of_clips if len(shape) == 5 else ''}."
        )
    if 0 in shape[1:]:
        raise ValueError(f"{name} holds images without pixels: its shape is {shape}.")


def _refuse_all_missing(images, name):
    """Raise where an image has no pixel that is a number."""
    if not images.has_missing():
        return
    indices = np.arange(len(images))
    for where, part in images.parts():
        empty = np.isnan(part).all(axis=(1, 2, 3))
        if empty.any():
            raise ValueError(
                f"All pixels of {name}[{indices[where][empty.argmax()]}] are missing "
                "(NaN). Leave that image out."
            )


def _learn_shape(estimator, images, image_shape, name, listed):
    """Take the shape of images, held against ``image_shape``."""
    shape = images.image_shape
    if image_shape is None:
        _refuse_channels_first((len(images), *shape), name)
    elif listed:
        shape = _declared_shape(images, image_shape, name)
    if image_shape is not None and shape != full_shape(image_shape):
        raise ValueError(
            f"{name} holds images of shape {plain_shape(shape)}, but "
            f"image_shape={tuple(image_shape)}. Leave image_shape=None to take the "
            f"shape from {name}, or reshape {name}."
        )
    learn_shape(estimator, shape)


def _refuse_channels_first(shape, name):
    # torch's layout: (B, 3, H, W) would be read as images of 3 lines, without an error
    if shape[1] in (1, 3, 4) and shape[3] > 4:
        raise ValueError(
            f"{name} has shape {shape}, which looks like channels first. Channels "
            f"come last here: pass np.moveaxis({name}, 1, -1), or say "
            f"image_shape={shape[1:]} if it is meant so. Clips (n, T, H, W) are read "
            "with scan='frames'."
        )
