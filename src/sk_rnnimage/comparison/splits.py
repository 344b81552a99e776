"""How the images are split, the same for all classifiers."""

import numbers

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import indexable


def make_splits(X, y, cv, random_state, groups=None):
    """Split the images: a list of (train, test) indices, the same for all."""
    X, y, groups = indexable(X, y, groups)
    if cv is None or isinstance(cv, numbers.Integral):
        # Shuffled, unlike check_cv(5): files are often sorted by source or by time.
        n_folds, options = cv or 5, {"shuffle": True, "random_state": random_state}
        if groups is None:
            cv = StratifiedKFold(n_folds, **options)
        else:
            _check_n_groups(groups, n_folds)
            cv = StratifiedGroupKFold(n_folds, **options)
    # A list, because a splitter that shuffles may give other folds at its next call.
    splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    if not splits:
        raise ValueError("cv holds no splits: at least one is needed.")
    return splits


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
