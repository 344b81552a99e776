"""The check of every X: what counts as an image, and in which layouts it may come.

An image set is one array of shape (B, H, W), (B, H, W, C) or, flat, (B, H*W*C), or a
list of images whose sizes may differ. Everything behind this file works on ``Images``
(B, H, W, C), in the dtype that the user gave, or on ``UnequalImages``.
"""

import math
import numbers
import os
import warnings
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import partial

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sk_rnnimage.images.arrays import ARRAY_LIKE, to_numpy
from sk_rnnimage.images.kinds import Images, UnequalImages
from sk_rnnimage.images.shapes import full_shape, plain_shape, shape_of_flat

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
    X = _to_array(X, name)
    listed = isinstance(X, list)  # also where the images turn out to be of one size
    if listed:
        X = _together(X, estimator, name, allow_unequal)
    if not listed and len(getattr(X, "shape", ())) <= 2:
        images = _check_flat(estimator, X, image_shape, reset, name)
    else:
        images = _check_shaped(estimator, X, name)
        if reset:
            _learn_shape(estimator, images, image_shape, name, listed)
        else:
            ways = _ways_to_fit(name, allow_unequal, bounded)
            _check_shape(estimator, images, name, listed, ways)
    _check_bounds(estimator, images, bounded, name)
    _refuse_all_missing(images, name)
    return images


def set_shape(estimator, shape):
    """Keep the shape (H, W, C) of the images that an estimator is fitted on."""
    estimator.image_shape_ = plain_shape(shape)
    estimator.n_features_in_ = math.prod(shape)


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


def _check_shape(estimator, images, name, listed, ways):
    """Raise where images have not the shape that an estimator was fitted on.

    Those of a list are free in their sizes, not in their channels.
    """
    shape, expected = images.image_shape, full_shape(estimator.image_shape_)
    if shape[2] == expected[2] if listed else shape == expected:
        return
    if shape[2] == 1:
        _refuse_one_image(estimator, (len(images), *shape[:2]), name)
    _refuse_channels_first((len(images), *shape), name)
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


def _refuse_one_image(estimator, shape, name):
    """Raise where this is not the shape of several images but that of one of fit."""
    if full_shape(shape) == full_shape(estimator.image_shape_):
        raise ValueError(
            f"{name} has the shape of one image of fit, {estimator.image_shape_}, but "
            f"must hold several. For one image pass {name}[None]."
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


def _to_array(X, name):
    """X as an array that check_array understands, a list of images, or a refusal."""
    _refuse_type(X, name)
    X = to_numpy(X, name)
    if hasattr(X, "iloc"):
        X = _of_pandas(X, name)
    if isinstance(X, np.ndarray) and X.dtype == object:
        X = _column(X, name)
    if isinstance(X, (list, tuple)):
        X = _listed(X, name)
    if _holds_strings(X):
        raise ValueError(
            f"{name} holds strings where pixels should be. For paths to image "
            "files, put an ImageReader in front: "
            "make_pipeline(ImageReader(size=(height, width)), ...)."
        )
    _refuse_dtype(X, name)
    return X


def _refuse_type(X, name):
    """Raise where X is no array and no list, but what users may take for one."""
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"{name} must be an array or a list of images. Got {X!r}. For paths to "
            "image files, pass a list of them to an ImageReader in front: "
            "make_pipeline(ImageReader(size=(height, width)), ...)."
        )
    if isinstance(X, numbers.Number) or hasattr(X, "toarray"):
        return  # check_array says more of numbers and sparse matrices
    becomes_array = any(map(partial(hasattr, X), ARRAY_LIKE))
    if isinstance(X, (dict, Set, Iterator)) or not becomes_array:
        way_out = f"list({name})" if isinstance(X, Iterator) else "its images as a list"
        raise TypeError(
            f"{name} must be an array or a list of images. Got a value of type "
            f"{type(X).__name__}. Pass {way_out}."
        )


def _of_pandas(X, name):
    """A Series, or a DataFrame of images, as an array.

    A DataFrame of pixels stays one: check_array reads its column names.
    """
    if X.ndim == 1 or not X.shape[1]:
        return X.to_numpy()
    if all(hasattr(dtype, "fill_value") for dtype in X.dtypes):
        raise TypeError(
            f"{name} is a DataFrame of sparse columns. Pass dense ones: "
            f"{name}.sparse.to_dense()."
        )
    return X.to_numpy() if any(map(_is_array, X.iloc[:1].to_numpy().flat)) else X


def _is_array(cell):
    return isinstance(cell, (list, tuple)) or getattr(cell, "ndim", 0) > 0


def _column(X, name):
    """The items of an array of objects as a list, where they may be images."""
    if X.ndim == 1:
        return list(X)
    n_of_images = sum(map(_is_array, X[:1].flat))
    if not n_of_images:
        return X
    if X.shape[1] > 1:
        raise ValueError(
            f"{name} holds images in {n_of_images} of its {X.shape[1]} columns. Pass "
            "one column of images alone."
        )
    return list(X[:, 0])


def _listed(X, name):
    """A list of images as a list of arrays; of rows of numbers, one array."""
    if not len(X):
        raise ValueError(f"{name} is empty: at least one image is needed.")
    _refuse_mixed(X, name)
    items = [_item(item, f"{name}[{i}]") for i, item in enumerate(X)]
    dims = [item.ndim for item in items]
    # NumPy's own message for a ragged list speaks of an inhomogeneous shape
    if max(dims) <= 1:
        lengths = [len(item) if item.ndim else -1 for item in items]
        i = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
        if i is not None:
            raise ValueError(
                f"{name} is a ragged list: {name}[0] holds {abs(lengths[0])} numbers, "
                f"{name}[{i}] holds {abs(lengths[i])}. Images whose sizes differ have "
                "two or three dimensions: (H, W) or (H, W, C)."
            )
        return np.asarray(items)
    return items


def _item(item, name):
    """One item of a list as an array."""
    item = to_numpy(item, name)
    if hasattr(item, "toarray"):  # np.asarray would wrap it in an object array
        raise TypeError(
            f"{name} is a sparse matrix. Pass a dense one: {name}.toarray()."
        )
    if type(item).__module__.startswith("PIL."):
        raise ValueError(
            f"{name} is a PIL image, whose values alone do not say what it shows: it "
            "may have a palette, transparency or an orientation. Put an ImageReader in "
            "front: make_pipeline(ImageReader(), ...)."
        )
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise ValueError(
            f"{name} is a ragged list of numbers. Pass each image as an array of "
            "shape (H, W) or (H, W, C)."
        ) from error
    if array.dtype == object and not array.ndim:
        raise ValueError(
            f"{name} is of type {type(item).__name__}, no image. Pass each image as an "
            "array of shape (H, W) or (H, W, C), and leave out what has none."
        )
    return array


def _refuse_mixed(X, name):
    """Raise where some items of a list are paths or files, and others are not."""
    files = [isinstance(v, (str, bytes, os.PathLike)) for v in X]
    if any(files) and not all(files):
        i = files.index(not files[0])
        kinds = [type(X[k]).__name__ for k in (0, i)]
        raise ValueError(
            f"{name} mixes files and pixels: {name}[0] is of type {kinds[0]}, "
            f"{name}[{i}] of type {kinds[1]}. Read all files with an ImageReader, or "
            "pass arrays alone."
        )


def _together(images, estimator, name, allow_unequal):
    """A list of images (H, W, C); one array where they are equal."""
    channels = [full_shape(i.shape)[2] if i.ndim > 1 else None for i in images]
    for i, image in enumerate(images):
        if image.ndim not in (2, 3) or channels[i] != channels[0]:
            dims = [image.ndim for image in images]
            i = i or next((k for k, n in enumerate(dims) if n != dims[0]), 0)
            raise ValueError(
                f"All images of {name} must be grey (H, W), or have the same number of "
                f"channels (H, W, C). {name}[0] has shape {images[0].shape}, "
                f"{name}[{i}] has shape {images[i].shape}."
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


def _refuse_dtype(X, name):
    """Raise where an array holds neither numbers nor what may become numbers."""
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "f")
    if kind in "cMmV":
        raise ValueError(
            f"{'Complex data not supported: ' if kind == 'c' else ''}{name} holds "
            f"values of dtype {dtype} where pixels should be. Pass real numbers"
            f"{f', for instance np.abs({name})' if kind == 'c' else ''}."
        )


def _holds_strings(X):
    """Whether the first row of an array, a DataFrame or an image has a string."""
    if isinstance(X, list):
        return any(map(_holds_strings, X))
    if hasattr(X, "iloc"):
        X = X.iloc[:1].to_numpy()
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "OUST":
        return False
    first = np.atleast_1d(X)[:1]  # one row tells: no need to go through millions
    return any(isinstance(v, (str, bytes, os.PathLike)) for v in first.flat)


def _check_flat(estimator, X, image_shape, reset, name):
    """Validate images of one dimension: (B, H*W*C) to Images."""
    shape = getattr(X, "shape", ())
    if not reset and len(shape) == 2 and shape[1] != estimator.n_features_in_:
        _refuse_one_image(estimator, shape, name)
    if name != "X":  # validate_data calls its argument X, whatever it is
        _numbers(estimator, X, name, allow_nd=False, ensure_2d=True)
        n_columns, expected = np.shape(X)[1], estimator.n_features_in_
        if n_columns != expected:
            raise ValueError(
                f"{name} has {n_columns} pixel values an image, but this "
                f"{type(estimator).__name__} reads {expected}."
            )
    with _unreadable_cell_named(X, name):
        X = validate_data(estimator, X, reset=reset, ensure_all_finite="allow-nan")
    if reset:
        estimator.image_shape_ = shape_of_flat(X.shape[1], image_shape, name)
        _warn_of_row(estimator.image_shape_, image_shape, name)
    _refuse_dtype(X, name)
    return Images(X.reshape(len(X), *full_shape(estimator.image_shape_)))


def _warn_of_row(shape, image_shape, name):
    """Warn where flat images are read as one row of pixels, for want of a shape."""
    n = shape[1]
    if image_shape is None and shape == (1, n) and n >= FEWEST_PIXELS:
        warnings.warn(
            f"{name} has {n} columns, which are neither a square grey nor a square RGB "
            "image, so each image is read as one row of pixels. Pass image_shape="
            f"(height, width) or (height, width, channels); (1, {n}) if it is a row.",
            UserWarning,
            stacklevel=2,
        )


def _check_shaped(estimator, X, name):
    """Validate images of 3 or 4 dimensions, or a list of such."""
    if isinstance(X, list):
        names = (f"{name}[{i}]" for i in range(len(X)))
        return UnequalImages([_numbers(estimator, *pair) for pair in zip(X, names)])
    if len(X.shape) > 4:
        raise ValueError(
            f"{name} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Got an array of {len(X.shape)} dimensions instead."
        )
    X = _numbers(estimator, X, name)
    if 0 in X.shape[1:]:
        raise ValueError(f"{name} holds images without pixels: its shape is {X.shape}.")
    return Images(X if X.ndim == 4 else X[..., np.newaxis])  # (B, H, W, C)


def _numbers(estimator, X, name, allow_nd=True, ensure_2d=False):
    """An array of whatever shape, checked to hold real numbers, finite or NaN."""
    _refuse_dtype(X, name)
    with _unreadable_cell_named(X, name):
        return check_array(
            X,
            allow_nd=allow_nd,
            ensure_2d=ensure_2d,
            ensure_all_finite="allow-nan",
            estimator=estimator,
            input_name=name,
        )


@contextmanager
def _unreadable_cell_named(X, name):
    """Say which value of an array of objects, or of a DataFrame, is no number."""
    try:
        yield
    except (TypeError, ValueError) as error:
        for index, value in _cells(X):
            try:
                float(value)
            except (TypeError, ValueError) as cause:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(
                    f"{name}{list(index)} is no number: {cause}. Got {value!r}. Pass "
                    "numbers alone, NaN where a pixel is missing."
                ) from error
        raise


def _cells(X):
    """Indices and values, where an array or a DataFrame may hold other than numbers."""
    values = X.to_numpy() if hasattr(X, "iloc") else np.asarray(X)
    return np.ndenumerate(values) if values.dtype == object and values.ndim else ()


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
    set_shape(estimator, shape)
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _refuse_channels_first(shape, name):
    # torch's layout: (B, 3, H, W) would be read as images of 3 lines, without an error
    if shape[1] in (1, 3, 4) and shape[3] > 4:
        raise ValueError(
            f"{name} has shape {shape}, which looks like channels first. Channels "
            f"come last here: pass np.moveaxis({name}, 1, -1), or say "
            f"image_shape={shape[1:]} if it is meant so."
        )
