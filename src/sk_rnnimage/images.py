"""What counts as an image: shapes, layouts and the check of every X.

An image set is one array of shape (B, H, W), (B, H, W, C) or, flat, (B, H*W*C).
Everything above this file works on (B, H, W, C) in the dtype that the user gave.
"""

import math
import numbers
import os
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data


def check_images(estimator, X, *, image_shape=None, reset=False, name="X"):
    """Validate X and give it back as (B, H, W, C), without a copy where possible.

    Parameters
    ----------
    estimator : estimator
        Named in the messages. With ``reset=True`` it gets ``image_shape_``,
        ``n_features_in_`` and, for a DataFrame, ``feature_names_in_``; else X is held
        against them.
    X : array-like of shape (B, H*W*C), (B, H, W) or (B, H, W, C)
        Images in any real dtype, which is kept.
    image_shape : tuple (H, W) or (H, W, C), default=None
        How flat images are to be shaped. None reads a square (grey, else RGB), else
        one row of pixels.
    reset : bool, default=False
        Whether to learn the shape from X.
    name : str, default="X"
        The argument's name in the messages.

    Returns
    -------
    ndarray of shape (B, H, W, C)

    Raises
    ------
    ValueError, TypeError
        Where X is no set of images, or does not fit the shape.
    """
    X = _to_array(X, name)
    if len(getattr(X, "shape", ())) <= 2:
        X = _check_flat(estimator, X, reset, name)
        if reset:
            estimator.image_shape_ = _shape_of_flat(X.shape[1], image_shape, name)
        _refuse_dtype(X, name)
        height, width, channels = full_shape(estimator.image_shape_)
        return X.reshape(len(X), height, width, channels)  # (B, H, W, C)
    X = _check_shaped(estimator, X, name)
    if reset:
        _learn_shape(estimator, X.shape, image_shape, name)
    elif X.shape[1:] != full_shape(estimator.image_shape_):
        _refuse_channels_first(X.shape, name)
        raise ValueError(
            f"{name} holds images of shape {plain_shape(X.shape[1:])}, but this "
            f"{type(estimator).__name__} was fitted on {estimator.image_shape_}. "
            "Resize or pad them first."
        )
    return X


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator the attributes back that it had, where something fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def full_shape(shape):
    """(H, W) or (H, W, C) as (H, W, C)."""
    return (*shape, 1) if len(shape) == 2 else tuple(shape)


def plain_shape(shape):
    """(H, W, C) as users write it: (H, W) for grey images."""
    return tuple(shape[:2]) if len(shape) == 2 or shape[2] == 1 else tuple(shape)


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


def _to_array(X, name):
    """X as something that check_array understands, or a clear refusal."""
    if _is_tensor(X):
        X = _tensor_to_array(X, name)
    if isinstance(X, (list, tuple)):
        X = _stack(X, name)
    if hasattr(X, "iloc") and X.ndim == 1:  # a Series
        X = X.to_numpy()
    if _holds_strings(X):
        raise ValueError(
            f"{name} holds strings where pixels should be. For paths to image "
            "files, put an ImageReader in front: "
            "make_pipeline(ImageReader(size=(height, width)), ...)."
        )
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        if len(X) and np.ndim(X[0]) >= 1:
            X = _stack(list(X), name)
    _refuse_dtype(X, name)
    return X


def _is_tensor(X):
    """Whether X is a torch tensor; torch need not be imported for that."""
    return hasattr(X, "detach") and hasattr(X, "numpy")


def _tensor_to_array(X, name):
    if str(X.layout) != "torch.strided":
        raise TypeError(
            f"{name} is a sparse tensor. Pass a dense one: {name}.to_dense()."
        )
    X = X.detach().cpu().resolve_conj().resolve_neg()
    return (X.float() if str(X.dtype) == "torch.bfloat16" else X).numpy()


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
    """Whether the first row of an array or a DataFrame has a string or a path."""
    if hasattr(X, "iloc"):
        X = X.iloc[:1].to_numpy()
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "OUST":
        return False
    return any(isinstance(v, (str, bytes, os.PathLike)) for v in X[:1].flat)


def _stack(images, name):
    """A list of equal images as one array; the first odd one is named."""
    first = np.shape(images[0]) if len(images) and _is_regular(images[0]) else None
    for i, image in enumerate(images):
        if not _is_regular(image) or (first is not None and np.shape(image) != first):
            what = np.shape(image) if _is_regular(image) else "a ragged list"
            raise ValueError(
                f"{name} is a ragged list: item 0 has shape {first}, item {i} is "
                f"{what if isinstance(what, str) else f'of shape {what}'}. "
                "Resize the images to one size first, for instance with "
                "ImageReader(size=(height, width)), or pad them."
            )
    if images and _is_tensor(images[0]):
        images = [_tensor_to_array(image, name) for image in images]
    return np.asarray(images)


def _is_regular(item):
    if hasattr(item, "shape"):
        return True
    try:
        np.asarray(item)
    except ValueError:
        return False
    return True


def _check_flat(estimator, X, reset, name):
    """Validate images of one dimension: (B, H*W*C)."""
    if name != "X":  # validate_data calls its argument X, whatever it is
        check_array(X, estimator=estimator, input_name=name)
        n_columns, expected = np.shape(X)[1], estimator.n_features_in_
        if n_columns != expected:
            raise ValueError(
                f"{name} has {n_columns} pixel values an image, but this "
                f"{type(estimator).__name__} reads {expected}."
            )
    return validate_data(estimator, X, reset=reset)


def _check_shaped(estimator, X, name):
    """Validate images of 3 or 4 dimensions: (B, H, W, C)."""
    if len(X.shape) > 4:
        raise ValueError(
            f"{name} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Got an array of {len(X.shape)} dimensions instead."
        )
    X = check_array(
        X, allow_nd=True, ensure_2d=False, estimator=estimator, input_name=name
    )
    if 0 in X.shape[1:]:
        raise ValueError(f"{name} holds images without pixels: its shape is {X.shape}.")
    return X if X.ndim == 4 else X[..., np.newaxis]  # (B, H, W, C)


def _learn_shape(estimator, shape, image_shape, name):
    """Take the shape of images (B, H, W, C), held against ``image_shape``."""
    if image_shape is None:
        _refuse_channels_first(shape, name)
    elif shape[1:] != full_shape(image_shape):
        raise ValueError(
            f"{name} holds images of shape {plain_shape(shape[1:])}, but "
            f"image_shape={tuple(image_shape)}. Leave image_shape=None to take the "
            f"shape from {name}, or reshape {name}."
        )
    estimator.image_shape_ = plain_shape(shape[1:])
    estimator.n_features_in_ = math.prod(shape[1:])
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _refuse_channels_first(shape, name):
    if shape[1] in (1, 3, 4) and shape[3] > 4:
        raise ValueError(
            f"{name} has shape {shape}, which looks like channels first. Channels "
            f"come last here: pass np.moveaxis({name}, 1, -1), or say "
            f"image_shape={shape[1:]} if it is meant so."
        )


def _shape_of_flat(n_features, image_shape, name):
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
