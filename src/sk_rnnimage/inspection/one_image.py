"""The one image, or the one clip, that a Display shows, as estimators read it.

Users pass an image or a batch of one, shaped or flat, also in front of a pipeline.
"""

import math
import os

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._base import BaseImageEstimator
from sk_rnnimage.images.arrays import to_numpy
from sk_rnnimage.images.inputs import of_array_like
from sk_rnnimage.images.shapes import (
    CLIP,
    IMAGE,
    full_shape,
    layout_of,
    shape_of_flat,
)


def last_step(estimator, X=None):
    """The last step of a pipeline or of a search, and X as it gets there.

    Anything else is its own last step.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return last_step(estimator[-1], X)
    return estimator, X


def check_network(estimator, display):
    """Raise where an estimator is none of ours, or not fitted."""
    if not isinstance(estimator, BaseImageEstimator):
        raise ValueError(
            f"The 'estimator' parameter of {display} must be an RNNImageClassifier or "
            "a CRNNImageClassifier, or a pipeline that ends in one. Got "
            f"{type(estimator).__name__} instead."
        )
    check_is_fitted(estimator)


def as_batch(estimator, X, display):
    """X, one image or a batch of one, as a batch of one.

    Parameters
    ----------
    estimator : estimator
        What will read it: gives the shape and the layout, where it knows them.
    X : array-like, or what a reader of files takes
        As users pass it.
    display : str
        Named in the messages.

    Returns
    -------
    ndarray, list or DataFrame of one item

    Raises
    ------
    ValueError
        Where X is None, or holds several images.
    """
    layout, shape = layout_read_by(estimator), image_shape_of(estimator)
    if X is None:
        raise ValueError(
            f"{display} needs X: one {layout.noun}, or a batch of one. Got None."
        )
    if isinstance(X, (str, bytes, os.PathLike)) or type(X).__module__[:3] == "PIL":
        return [X]
    X = to_numpy(X, "X")
    if hasattr(X, "iloc") and (X.ndim == 1 or X.shape[1] == 1):
        X = list(X.to_numpy().ravel())  # a column of images, or of files
    if isinstance(X, (list, tuple)):
        batch = [to_numpy(item, f"X[{i}]") for i, item in enumerate(X)]
    elif hasattr(X, "iloc"):
        batch = X
    else:
        batch = _array_as_batch(of_array_like(X, "X", layout), shape, layout)
    if len(batch) != 1:
        raise ValueError(
            f"{display} shows one {layout.noun}, but X holds {len(batch)}. Pass X[[0]] "
            "for the first, X[:1] of a list."
        )
    return batch


def _array_as_batch(X, shape, layout):
    """An array as a batch of as many items as it seems to hold."""
    n = len(layout.sides)
    full = () if shape is None else full_shape(shape, layout)
    if X.shape in (full, full[:n]):
        return X[None]
    if X.ndim > 1 and (len(X) == 1 or X.shape[1:] in (full[:n], (math.prod(full),))):
        return X  # a batch, shaped or flat
    if X.ndim == n + 1:  # an item with channels, or a batch of items without
        return X[None] if X.shape[n] in (1, 3, 4, *full[n:]) else X
    return X[None] if X.ndim <= n else X


def pixels_of(batch, shape=None, layout=IMAGE):
    """The pixels of a batch of one: (H, W, C), or (T, H, W, C) of a clip.

    ``shape`` is that of a flat item; None is a square, else one row.
    """
    item = batch.to_numpy()[0] if hasattr(batch, "iloc") else np.asarray(batch[0])
    if item.ndim == 1:
        shape = shape_of_flat(len(item), shape, "X", layout)
        item = item.reshape(shape)
    return item.reshape(full_shape(item.shape, layout))


def image_shape_of(estimator):
    """The shape of an image, or a clip, that an estimator was fitted on, or None."""
    reader = _reader(estimator)
    return getattr(reader, "image_shape_", None)


def layout_read_by(estimator):
    """Whether an estimator reads images or clips, as far as it says so."""
    reader = _reader(estimator)
    if getattr(reader, "n_frames", None) is not None:
        return CLIP
    return layout_of(getattr(reader, "scan", None))


def _reader(estimator):
    """The first step of an estimator that knows the shape of an image, or itself."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return estimator
    steps = [_reader(step) for _, step in estimator.steps]
    return next((step for step in steps if hasattr(step, "image_shape_")), steps[-1])
