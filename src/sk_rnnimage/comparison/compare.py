"""Cross-validation of several classifiers at once."""

import numbers

from sk_rnnimage._environment.borrowed import validate_params
from sk_rnnimage.comparison.folds import cross_validate_each
from sk_rnnimage.comparison.result import Comparison
from sk_rnnimage.comparison.rivals import name_classifiers
from sk_rnnimage.comparison.splits import make_splits


@validate_params(
    {
        "classifiers": [dict, list, tuple],
        "X": "no_validation",  # by the classifiers: some accept lists of images
        "y": ["array-like"],
        "cv": ["cv_object"],
        "groups": ["array-like", None],
        "scoring": [str, callable, list, tuple, dict],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def compare_classifiers(
    classifiers,
    X,
    y,
    *,
    cv=5,
    groups=None,
    scoring="accuracy",
    n_jobs=None,
    random_state=None,
):
    """Cross-validate several classifiers on the same folds.

    A classifier that raises an error is reported as failed, with the error in its row,
    and the others are compared.

    Parameters
    ----------
    classifiers : dict or list
        Unfitted classifiers by name. In a list each gets the name of its class.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
        Images.
    y : array-like of shape (n,)
        Class labels.
    cv : int, cross-validation splitter or iterable, default=5
        How the images are split. An int is the number of folds of a StratifiedKFold
        with shuffling, or of a StratifiedGroupKFold if there are groups. An iterable of
        (train, test) indices is used as it is; with a single pair the classifiers are
        compared on a fixed test set.
    groups : array-like of shape (n,), default=None
        Group of each image, such as the patient or the writer, for splitters that keep
        a group together. Without effect if ``cv`` is an iterable of indices.
    scoring : str, callable, list, tuple or dict, default="accuracy"
        Name of a scorer, or a callable ``scorer(estimator, X, y)``; higher values are
        better. For several scores a list or tuple of names, or a dict of scorers by
        name: the first orders the table and decides the verdict. With two classes, of
        which none is labelled 1, scores of one class such as ``"f1"`` are those of the
        class that comes last in sorted order.
    n_jobs : int, default=None
        Number of processes that fit the folds of a classifier in parallel. None means
        1, -1 means one per core. The measured times are only comparable with one
        process.
    random_state : int, RandomState instance or None, default=None
        Seed for shuffling the images before they are split into folds, unused if
        ``cv`` is not an int. Pass an int for the same folds in every call.

    Returns
    -------
    Comparison
        Scores and times of the classifiers, printed as a table with a verdict.

    Raises
    ------
    ValueError, TypeError
        If a parameter is invalid or X and y differ in length. If all classifiers fail,
        the error of the first.

    See Also
    --------
    classic_classifiers : Classic classifiers to compare with.
    ComparisonDisplay : Plot of a comparison.

    Notes
    -----
    The verdict says that a classifier *beats* another where a test rejects, at 5 %,
    that both score the same, and else that it is *level with* it. Over folds this is
    the paired t-test of Nadeau and Bengio [1]_, with the variance corrected for the
    training images that the folds share: t is the mean of the differences over the
    root of (1/J + n_test/n_train) times their variance, with J - 1 degrees of freedom
    for J folds. On a single split it is McNemar's exact test [2]_ of the images that
    only one of the two classifies correctly. It is available for the accuracy, and
    asks which of the two fitted models is better, not whether the next fit would be.

    The winner is the best of several classifiers, and of several equal ones the best
    would often seem better by chance. All that could have won are therefore tested
    against the runner-up, with the correction of Holm [3]_ for as many tests. The
    choice of the runner-up needs no correction: the best of its kind is the hardest to
    beat. A DummyClassifier is a baseline and takes no part.

    Where a score needs ``predict_proba`` and a classifier such as SVC has only
    ``decision_function``, its probabilities are calibrated with
    ``CalibratedClassifierCV(ensemble=False)``: five more fits, which its times include.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). "Inference for the Generalization Error".
           Machine Learning 52, 239-281.
    .. [2] T. G. Dietterich (1998). "Approximate Statistical Tests for Comparing
           Supervised Classification Learning Algorithms". Neural Computation 10,
           1895-1923.
    .. [3] S. Holm (1979). "A Simple Sequentially Rejective Multiple Test Procedure".
           Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers, compare_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> classic = classic_classifiers(random_state=0)
    >>> pair = [classic["Logistic regression"], classic["k nearest neighbours"]]
    >>> comparison = compare_classifiers(pair, X, y, cv=3, random_state=0)
    >>> comparison.results["name"].tolist()
    ['KNeighborsClassifier', 'LogisticRegression']
    """
    classifiers = name_classifiers(classifiers)
    splits = make_splits(X, y, cv, random_state, groups)
    runs = cross_validate_each(
        classifiers, X, y, splits, scoring=scoring, n_jobs=n_jobs
    )
    return Comparison(classifiers, dict(runs), splits, scoring)
