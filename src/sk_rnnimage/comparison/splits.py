"""How the images are split, the same for all classifiers."""

import numbers

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import indexable


def make_splits(X, y, cv, random_state, groups=None):
    """Split the images: a list of (train, test) indices, the same for all."""
    _check_lengths(X, y=y, groups=groups)
    X, y, groups = indexable(X, y, groups)
    given = cv
    if cv is None or isinstance(cv, numbers.Integral):
        # Shuffled, unlike check_cv(5): files are often sorted by source or by time.
        n_folds, options = cv or 5, {"shuffle": True, "random_state": random_state}
        if groups is None:
            cv = StratifiedKFold(n_folds, **options)
        else:
            _check_n_groups(groups, n_folds)
            cv = StratifiedGroupKFold(n_folds, **options)
    # A list, because a splitter that shuffles may give other folds at its next call.
    try:
        splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    except (TypeError, ValueError) as error:
        raise ValueError(f"cv={given!r:.200} gives no folds: {error}") from error
    if not splits:
        raise ValueError("cv holds no splits: at least one is needed.")
    return splits


def _check_lengths(X, **others):
    """Raise where there is not one label, and one group, for each image."""
    n_images = _count(X, "X")
    for name, values in others.items():
        if values is not None and _count(values, name) != n_images:
            raise ValueError(
                f"{name} holds {_count(values, name)} values, but X holds {n_images} "
                f"images. Pass one of {name} for each image."
            )


def _count(values, name):
    """The length of what is no generator and no single value."""
    shape = getattr(values, "shape", None)
    try:
        return len(values) if shape is None else int(shape[0])
    except (TypeError, IndexError) as error:
        raise TypeError(
            f"{name} must hold one item for each image. Got {values!r:.80} instead."
        ) from error


def _check_n_groups(groups, n_folds):
    """Raise where there are fewer groups than folds: scikit-learn leaves some empty."""
    n_groups = len(np.unique(np.asarray(groups)))
    if n_groups < n_folds:
        raise ValueError(
            f"groups must hold at least as many groups as there are folds, cv={n_folds}"
            f". It holds {n_groups}: take a smaller cv."
        )


def count_images(part):
    """Count the images of a part of a split, given as indices or as a boolean mask."""
    part = np.asarray(part)
    return part.sum() if part.dtype == bool else len(part)
