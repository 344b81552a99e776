"""Cross-validation of several classifiers at once."""

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from sk_rnnimage._environment.borrowed import Interval, validate_params
from sk_rnnimage.comparison.folds import Task
from sk_rnnimage.comparison.result import Comparison
from sk_rnnimage.comparison.rivals import name_classifiers
from sk_rnnimage.comparison.runs import run_all
from sk_rnnimage.comparison.scorers import make_scorers, suited
from sk_rnnimage.comparison.shown_progress import shown_progress
from sk_rnnimage.comparison.splits import make_splits
from sk_rnnimage.comparison.tuning import check_spaces


@validate_params(
    {
        "classifiers": [dict, list, tuple],
        "X": "no_validation",  # by the classifiers: some accept lists of images
        "y": ["array-like"],
        "cv": ["cv_object"],
        "groups": ["array-like", None],
        "scoring": [str, callable, list, tuple, dict],
        "search": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
        "verbose": ["boolean", None],
    },
    prefer_skip_nested_validation=True,
)
def compare_classifiers(
    classifiers: Mapping[str, Any] | Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    scoring: str | Callable | Sequence[str] | Mapping[str, Any] = "accuracy",
    search: int | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: bool | None = None,
) -> Comparison:
    """Cross-validate several classifiers on the same folds.

    A classifier that raises an error on a fold has the error in its row and takes no
    part in the tests; the others are compared. So it is where the system kills a
    process: what ran in it is run again, alone. Ctrl-C ends the comparison, and what is
    done is returned with a warning.

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
    search : int, default=None
        With an int the hyperparameters of each classifier are searched inside each
        fold, by the first score on 3 folds of its training images: so many candidates,
        of which the first is the classifier as it is and the others are drawn from its
        :func:`search_space`. The same splits and seeds serve all. A DummyClassifier
        and what is a search already are compared as they are. None searches nothing.
    n_jobs : int, default=None
        Number of processes among which the folds of all classifiers are shared. None
        means 1, -1 means one per core. Scores do not depend on it where each process
        computes in as many threads. The measured times are only comparable with one
        process.
    random_state : int, RandomState instance or None, default=None
        Seed for shuffling the images before they are split into folds, where ``cv`` is
        an int, and of the searches. Pass an int for the same in every call.
    verbose : bool, default=None
        Whether to show the progress on stderr: a line for each classifier that is done
        and, on a terminal, a live one. None shows it on a terminal only. With rich
        installed the live line has a bar, and shows in notebooks too.

    Returns
    -------
    Comparison
        Scores and times of the classifiers, printed as a table with a verdict.

    Raises
    ------
    ValueError, TypeError
        If a parameter is invalid or X and y differ in length, or with ``search`` where
        a classifier has no search space. If all classifiers fail, the error of the
        first.
    KeyboardInterrupt
        Where Ctrl-C comes before any classifier has worked on a fold.

    See Also
    --------
    classic_classifiers : Classic classifiers to compare with.
    search_space : What ``search`` draws candidates from.
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

    A mean over some folds is not comparable with one over all: the folds differ. A
    classifier that failed on some keeps the mean of the others, with a star in the
    table and ranked behind those that have all, and is neither tested nor the winner.

    The times of a fold are those of ``fit``, with the search if there is one, and of
    the scores of its test images. Peak memory is by how much the resident memory of
    the process grows in ``fit``, beyond the images. The kernel of Linux keeps its
    high-water mark, which is reset before, so nothing is sampled and the fit is not
    slowed down. Folds in which libraries are imported, as in the first training of a
    network, are left out of its mean where there are others. What a classifier takes in
    processes of its own, or on a GPU, does not count. On other systems, and where
    threads share the process, it is NaN. The size of a model is that of its pickle.

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
    named = name_classifiers(classifiers)
    splits = make_splits(X, y, cv, random_state, groups)
    scorers = make_scorers(scoring, y)
    suited_classifiers = {
        name: suited(classifier, scorers) for name, classifier in named.items()
    }
    if search is not None:
        check_spaces(suited_classifiers)
    first = next(iter(scorers))
    task = Task(
        scorers,
        keeps_correct=len(splits) == 1 and scorers[first] == "accuracy",
        n_candidates=search,
        seed=check_random_state(random_state).randint(np.iinfo(np.int32).max),
        groups=None if groups is None else np.asarray(groups),
    )
    with shown_progress(list(named), len(splits), first, verbose) as advance:
        found = run_all(suited_classifiers, X, y, splits, task, n_jobs, advance)
    return Comparison(named, found, splits, scoring)
