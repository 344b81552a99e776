"""From the arguments of ``fit`` to sets: checked, cut to what counts, split."""

import numpy as np

from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.weights import check_weights
from sk_rnnimage.images.checking import set_shape
from sk_rnnimage.images.clips import check_items
from sk_rnnimage.images.shapes import layout_of


def read_sets(
    recipe,
    X,
    y,
    sample_weight,
    X_val=None,
    y_val=None,
    sample_weight_val=None,
):
    """The training set, and the validation set or None.

    Parameters
    ----------
    recipe : Recipe
        Its reader and its target check X and y, or learn of them.
    X, y, sample_weight, X_val, y_val, sample_weight_val : array-like
        As in ``fit`` of the classifiers.

    Returns
    -------
    data : ImageSet
    valid : ImageSet or None
    """
    data = _read_set(recipe, X, y, sample_weight, reset=not recipe.goes_on)
    valid = _read_validation_set(recipe, X_val, y_val, sample_weight_val)
    return data, valid


def held_out(recipe, data, valid):
    """The sets to train on: images held out for early stopping, the loss's weights.

    Returns
    -------
    data, valid : ImageSet
        The training set with the weights that the loss has; the validation set, or
        None.
    """
    target, settings = recipe.target, recipe.training
    if valid is None and settings.patience is not None:
        rows = target.split(data.codes, settings.validation_fraction, settings.seed)
        data, valid = map(data.take, rows)
    return data.with_loss_weights(target.loss_weights), valid


def _read_validation_set(recipe, X_val, y_val, sample_weight_val):
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val.")
        return None
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val must be passed together.")
    return _read_set(recipe, X_val, y_val, sample_weight_val, suffix="_val")


def _read_set(recipe, X, y, sample_weight, reset=False, suffix=""):
    """Check images, targets and weights, and keep the rows that count.

    Rows of weight 0 change nothing, not even the largest size in a list: so the shape
    is learned, with ``reset``, of the others.
    """
    reader, target = recipe.reader, recipe.target
    layout = layout_of(reader.scan)
    images = check_items(
        reader,
        X,
        layout,
        image_shape=reader.image_shape,
        reset=reset,
        name="X" + suffix,
        bounded=recipe.bounded,
    )
    y = target.check(y, images, suffix)
    weights = check_weights(sample_weight, y, suffix)
    rows = np.flatnonzero(weights)
    codes = target.encode(y[rows], "y" + suffix)  # classes of weight 0 are none
    data = ImageSet(images.take(rows), codes, weights[rows])
    if reset and reader.image_shape is None:
        set_shape(reader, data.images.item_shape, layout)
    return data
