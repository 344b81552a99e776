"""Classic image classifiers, and cross-validation of several classifiers at once."""

import difflib
import numbers
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.borrowed import _fit_context, validate_params
from sk_rnnimage.classifiers import ImageClassifier
from sk_rnnimage.images.checking import check_images
from sk_rnnimage.images.clips import check_clips, resampled
from sk_rnnimage.images.shapes import is_positive_int

SIGNIFICANCE = 0.05  # of the tests behind "beats"

# Scores of one of two classes, and what there is for more of them, or None where the
# score itself is defined for more.
_FOR_MORE_CLASSES = {
    "average_precision": None,
    "f1": "f1_macro",
    "jaccard": "jaccard_macro",
    "neg_brier_score": None,
    "precision": "precision_macro",
    "recall": "recall_macro",
    "roc_auc": "roc_auc_ovr",
}

# Those among them that look for a class labelled 1, made again for another label.
_MAKE_SCORER = {
    "average_precision": partial(
        metrics.make_scorer,
        metrics.average_precision_score,
        response_method=("decision_function", "predict_proba"),
    ),
    "f1": partial(metrics.make_scorer, metrics.f1_score),
    "jaccard": partial(metrics.make_scorer, metrics.jaccard_score),
    "neg_brier_score": partial(
        metrics.make_scorer,
        metrics.brier_score_loss,
        greater_is_better=False,
        response_method="predict_proba",
    ),
    "precision": partial(metrics.make_scorer, metrics.precision_score),
    "recall": partial(metrics.make_scorer, metrics.recall_score),
}


def classic_classifiers(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_frames: int | None = None,
) -> dict[str, BaseEstimator]:
    """Build classic classifiers that accept images.

    Each is a pipeline whose first step flattens the images. For the classifiers that
    depend on the scale of their features, this step also standardizes the pixels, with
    one mean and one standard deviation over all pixels of the training images: a
    standard deviation per pixel would amplify the noise of pixels that are almost
    constant, such as those at the border. A missing pixel (NaN) gets the mean of that
    pixel over the training images that have it. The hyperparameters suit training sets
    from a few hundred to 60,000 images; at that size the ``"SVC"`` is the slowest and
    takes minutes to fit and to predict.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the random forest, the gradient boosting and the MLP. Pass an int for
        reproducible results.
    n_frames : int, default=None
        With an int the pipelines take clips, as ``scan="frames"`` does, (n, T, H, W[,
        C]) or a list of clips of unequal length. They pick this many frames of each,
        evenly from the first to the last (one is that in the middle), and flatten them;
        a shorter clip repeats some. A frame that is all NaN is left out before. None
        takes images.

    Returns
    -------
    dict
        Unfitted pipelines by name: logistic regression, k nearest neighbours, an SVC
        with an RBF kernel, the same SVC on the principal components that explain 90 %
        of the variance, a random forest, gradient boosting and a multi-layer
        perceptron with 256 hidden units.

    Raises
    ------
    ValueError
        Where ``n_frames`` is no whole number of at least 1.

    See Also
    --------
    compare_classifiers : Cross-validate them next to other classifiers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> images = X.reshape(-1, 8, 8)
    >>> svc = classic_classifiers(random_state=0)["SVC"]
    >>> float(svc.fit(images[:1200], y[:1200]).score(images[1200:], y[1200:]))
    0.96...
    """
    if n_frames is not None and not is_positive_int(n_frames):
        raise ValueError(
            "n_frames must be None or a whole number of at least 1. Got "
            f"{n_frames!r} instead."
        )

    def scaled(*steps):
        return make_pipeline(_FlatImages(scale=True, n_frames=n_frames), *steps)

    def flat(*steps):
        return make_pipeline(_FlatImages(scale=False, n_frames=n_frames), *steps)

    seed = random_state
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=60,
        max_leaf_nodes=15,
        max_bins=32,  # 7 times as fast as 255 on 3,072 pixel values, and no worse
        random_state=seed,
    )
    # Reaches `tol` before `max_iter` on small sets too: no ConvergenceWarning.
    perceptron = MLPClassifier(
        256, learning_rate_init=0.003, tol=0.001, max_iter=200, random_state=seed
    )
    return {
        "Logistic regression": scaled(LogisticRegression(tol=1e-3, max_iter=1000)),
        "k nearest neighbours": scaled(KNeighborsClassifier()),
        "SVC": scaled(SVC(C=10)),
        "PCA + SVC": scaled(PCA(0.9), SVC(C=10)),
        # Trees split at thresholds, so the scale of the pixels does not matter to them.
        "Random forest": flat(RandomForestClassifier(200, random_state=seed)),
        "Gradient boosting": flat(boosting),
        "MLP": scaled(perceptron),
    }


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
    classifiers: Mapping[str, Any] | Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    scoring: str
    | Callable[..., float]
    | Sequence[str]
    | Mapping[str, Any] = "accuracy",
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> "Comparison":
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


def name_classifiers(classifiers):
    """Return the classifiers as a dict; those of a list get the names of their classes.

    A class that occurs again gets a number: ``"SVC"``, ``"SVC 2"``.
    """
    if not len(classifiers):
        raise ValueError("classifiers is empty: at least one is needed.")
    is_dict = isinstance(classifiers, dict)
    for classifier in classifiers.values() if is_dict else classifiers:
        if not hasattr(classifier, "fit") or isinstance(classifier, type):
            raise TypeError(
                f"classifiers must hold classifiers to be fitted. Got {classifier!r}."
            )
    if is_dict:
        return {str(name): classifier for name, classifier in classifiers.items()}
    named = {}
    for classifier in classifiers:
        name = type(_get_final_estimator(classifier)).__name__
        n_same = sum(other.split(" ")[0] == name for other in named)
        named[f"{name} {n_same + 1}" if n_same else name] = classifier
    return named


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


def cross_validate_each(classifiers, X, y, splits, *, scoring="accuracy", n_jobs=None):
    """Cross-validate one classifier after the other; yield (name, scores) of each.

    The scores are the dict of ``cross_validate``, or ``{"error": exception}`` where the
    classifier failed on a fold: a mean over the others would not be comparable. For the
    accuracy on one split, ``"correct"`` tells which test images were right.
    """
    scorers = _make_scorers(scoring, y)  # here, so that its errors precede any fit
    return (
        (name, _cross_validate_one(classifier, X, y, splits, scorers, n_jobs))
        for name, classifier in classifiers.items()
    )


def _cross_validate_one(classifier, X, y, splits, scorers, n_jobs):
    """Cross-validate a classifier: its scores, or the error that it raised."""
    first, correct = next(iter(scorers)), []
    if len(splits) == 1 and scorers[first] == "accuracy":
        scorers = {**scorers, first: _make_recording_scorer(correct)}
        n_jobs = 1  # there is one fit, and what another process records is lost
    if any(map(_needs_probabilities, scorers.values())):
        classifier = _with_probabilities(classifier)
    try:
        scores = cross_validate(
            classifier,
            X,
            y,
            cv=splits,
            # a dict would make scikit-learn look for the metadata of a bare callable
            scoring=scorers[first] if list(scorers) == ["score"] else scorers,
            n_jobs=n_jobs,
            error_score="raise",
        )
        _check_scores(scores, scorers)
    except Exception as error:  # whatever it is, the other classifiers go on
        return {"error": error}
    return {**scores, "correct": correct[0]} if correct else scores


def _check_scores(scores, scorers):
    """Raise where a scorer gave no number for a fold."""
    missing = [key for key in scorers if f"test_{key}" not in scores]
    if missing:
        raise TypeError(
            "scoring must return one number. For several scores pass a dict of scorers."
        )
    first = next(iter(scorers))
    n_missing = np.isnan(scores[f"test_{first}"]).sum()
    if n_missing:
        n_folds = len(scores[f"test_{first}"])
        raise ValueError(f"The {first} is NaN on {n_missing} of {n_folds} folds.")


def _name_scorings(scoring):
    """Return the scorings by the key that ``cross_validate`` gives to each."""
    if isinstance(scoring, str) or callable(scoring):
        return {"score": scoring}
    if not len(scoring):
        raise ValueError("scoring is empty: at least one scorer is needed.")
    if isinstance(scoring, dict):
        return scoring
    if not all(isinstance(name, str) for name in scoring):
        raise TypeError(
            "scoring must hold names of scorers if it is a list or tuple. Pass scorers "
            f"in a dict, by name. Got {scoring!r}."
        )
    return {name: name for name in scoring}


def _make_scorers(scoring, y):
    """Return what ``cross_validate`` takes as scoring, by key: names or scorers."""
    return {
        key: _make_scorer(one, y) if isinstance(one, str) else one
        for key, one in _name_scorings(scoring).items()
    }


def _make_scorer(name, y):
    """Return the name of a scorer, or a scorer where the name would not suit y."""
    if name not in metrics.get_scorer_names():
        near = difflib.get_close_matches(name, metrics.get_scorer_names())
        raise ValueError(
            "scoring must be among sklearn.metrics.get_scorer_names(). Got "
            f"{name!r}{f', did you mean {near[0]!r}?' if near else '.'}"
        )
    if name not in _FOR_MORE_CLASSES:
        return name
    classes = np.unique(np.asarray(y)).tolist()
    if len(classes) > 2 and _FOR_MORE_CLASSES[name]:
        raise ValueError(
            f"scoring={name!r} is for two classes, but y holds {len(classes)}. Take "
            f"{_FOR_MORE_CLASSES[name]!r}."
        )
    if len(classes) != 2 or 1 in classes or name not in _MAKE_SCORER:
        return name
    return _MAKE_SCORER[name](pos_label=classes[1])


def _make_recording_scorer(correct):
    """Make a scorer for the accuracy that also appends which images were right."""

    def accuracy(y_true, y_pred):
        correct.append(np.asarray(y_true).ravel() == np.asarray(y_pred))
        return metrics.accuracy_score(y_true, y_pred)

    return metrics.make_scorer(accuracy)


def _needs_probabilities(scorer):
    """Whether a scorer calls ``predict_proba`` and would take nothing else."""
    if isinstance(scorer, str):
        scorer = metrics.get_scorer(scorer)
    # The repr is the only public place that names the method.
    method = repr(scorer)
    return "'predict_proba'" in method and "'decision_function'" not in method


def _with_probabilities(classifier):
    """Calibrate a classifier that has no ``predict_proba`` but could have one.

    Left without, an SVC could not be compared by its log loss at all, and it is often
    the strongest classic classifier. ``SVC(probability=True)`` does much the same, and
    is deprecated.
    """
    if hasattr(classifier, "predict_proba"):
        return classifier
    if not hasattr(classifier, "decision_function"):
        return classifier
    return CalibratedClassifierCV(classifier, ensemble=False)


class Comparison:
    """Result of :func:`compare_classifiers`; printing it shows a table and a verdict.

    Parameters
    ----------
    classifiers : dict
        Classifiers by name.
    scores : dict
        What :func:`cross_validate_each` yields, by name.
    splits : list
        The (train, test) indices.
    scoring : str, callable, list, tuple or dict
        As in :func:`compare_classifiers`.

    Attributes
    ----------
    results : dict of ndarray
        One row per classifier, the best first and those that failed last, with the keys
        of ``GridSearchCV.cv_results_``: ``name``, ``mean_test_score``,
        ``std_test_score``, ``mean_fit_time``, ``std_fit_time``, ``mean_score_time``,
        ``std_score_time`` (times in seconds) and ``split<i>_test_score`` for each
        fold ``i``; with several scores ``mean_test_<name>`` and so on for each.
        ``kind`` is ``"recurrent"``, ``"control"`` (a network of this package without
        recurrence), ``"classic"`` or ``"baseline"`` (a DummyClassifier). ``error`` is
        empty, or the first line of the error of a classifier that failed, whose numbers
        are NaN. Can be passed to ``pandas.DataFrame``.
    scoring : str
        Name of the scorer; of several, of the first.
    scorings : dict
        Names of all scorers, by the key that stands for each in ``results``.
    test_sizes : list of int
        Number of test images of each fold.
    """

    def __init__(self, classifiers, scores, splits, scoring):
        _raise_if_all_failed(classifiers, scores)
        scorings = _name_scorings(scoring)
        self._first = next(iter(scorings))
        self._is_accuracy = scorings[self._first] == "accuracy"
        self.scorings = {key: key for key in scorings}
        if isinstance(scoring, str):
            self.scorings = {"score": scoring}
        self.scoring = self.scorings[self._first]
        sizes = np.array([[_count_images(part) for part in split] for split in splits])
        self.test_sizes = sizes[:, 1].tolist()
        self._test_to_train = (sizes[:, 1] / sizes[:, 0]).mean()
        order = _order_by_score(scores, f"test_{self._first}")
        self.results = {
            "name": np.array(order),
            "kind": np.array([_get_kind(classifiers[name]) for name in order]),
        }
        for key in (*(f"test_{key}" for key in scorings), "fit_time", "score_time"):
            nothing = np.full(len(splits), np.nan)  # of a classifier that failed
            self._add(key, np.array([scores[name].get(key, nothing) for name in order]))
        errors = [scores[name].get("error") for name in order]
        self.results["error"] = np.array([describe_error(error) for error in errors])
        self._correct = [scores[name].get("correct") for name in order]

    def _add(self, key, values):
        """Add means and standard deviations of values (classifiers, folds)."""
        self.results[f"mean_{key}"] = values.mean(axis=1)
        self.results[f"std_{key}"] = values.std(axis=1)
        if key.startswith("test_"):
            folds = enumerate(values.T)
            self.results |= {f"split{i}_{key}": fold for i, fold in folds}

    def __str__(self):
        # 79 columns fit a terminal; a broken hyphen would split names such as "bag-2".
        verdict = textwrap.fill(self.verdict, 79, break_on_hyphens=False)
        return f"{self.table()}\n\n{verdict}"

    def __repr__(self):
        return f"<Comparison of {len(self.results['name'])} classifiers>\n{self}"

    @property
    def split_scores(self):
        """Scores of shape (classifiers, folds), in the order of ``results``.

        Those of the first scorer, NaN where a classifier failed.
        """
        keys = [f"split{i}_test_{self._first}" for i in range(len(self.test_sizes))]
        return np.array([self.results[key] for key in keys]).T

    def table(self):
        """Format the comparison as a table, the best classifier first.

        Returns
        -------
        str
            One line per classifier: mean and standard deviation of the score over
            the folds, means of the other scores, mean seconds to fit and to predict;
            or the error of a classifier that failed.
        """
        names = self.results["name"]
        width = max(10, *(len(name) for name in names))
        # A longer name would push the lines past 80 columns.
        score, *others = (f"{name[:12]:>9}" for name in self.scorings.values())
        columns = [score, f"{'std':>6}", *others, f"{'fit s':>7}", "predict s"]
        widths = [len(column) for column in columns]
        lines = [f"{'':{width}}  {'  '.join(columns)}"]
        for i, name in enumerate(names):
            lines.append(f"{name:{width}}  {self._format_row(i, widths)}")
        return "\n".join(lines)

    def _format_row(self, i, widths):
        """Format the numbers of a classifier in columns, or its error."""
        error = self.results["error"][i]
        if error:
            width = sum(widths) + 2 * (len(widths) - 1)  # the verdict has all of it
            return textwrap.shorten(f"failed: {error}", width, placeholder=" ...")

        def number(key, digits=4):
            return f"{self.results[key][i]:.{digits}f}"

        score, *others = (number(f"mean_test_{key}") for key in self.scorings)
        std = number(f"std_test_{self._first}") if len(self.test_sizes) > 1 else "-"
        times = number("mean_fit_time", 2), number("mean_score_time", 2)
        cells = zip((score, std, *others, *times), widths)
        return "  ".join(f"{cell:>{width}}" for cell, width in cells)

    @property
    def verdict(self):
        """Summary in plain words: which classifier wins, and whether a test says so.

        Compares the best recurrent classifier with the best classic one, or the two
        best if one of these kinds is absent; a baseline takes no part. Gives the
        difference of their mean scores, the p-value of its test (see
        :func:`compare_classifiers`), and the ratio of the times to fit.
        """
        first, second, candidates = self._find_contenders()
        if second is None:
            sentences = [f"{self.results['name'][first]} was compared with nobody."]
        else:
            sentences = [
                self._describe_lead(first, second, candidates),
                self._describe_fit_times(first, second),
                *self._describe_control(),
            ]
        return " ".join([*sentences, *self._describe_failures()])

    def _find_contenders(self):
        """Return the winner, the runner-up, and all that the winner was chosen from."""
        kinds, failed = self.results["kind"], self.results["error"] != ""
        able = np.flatnonzero((kinds != "baseline") & ~failed).tolist()
        if len(able) < 2:
            return (able[0] if able else 0), None, []
        sides = [[i for i in able if kinds[i] == k] for k in ("recurrent", "classic")]
        if all(sides):
            # Results are sorted by score, so the side of the first index is ahead.
            ahead, behind = sorted(sides)
            return ahead[0], behind[0], ahead
        return *able[:2], [i for i in able if i != able[1]]

    def _find_best(self, kind):
        of_kind = (self.results["kind"] == kind) & (self.results["error"] == "")
        indices = np.flatnonzero(of_kind)
        return indices[0] if len(indices) else None  # results are sorted by score

    def _describe_lead(self, first, second, candidates):
        """Say which one is ahead, by how much, and whether a test confirms it."""
        winner = self._describe_classifier(first, second)
        loser = self._describe_classifier(second, first)
        differences = self.split_scores[first] - self.split_scores[second]
        lead = self._format_difference(differences.mean())
        if lead == self._format_difference(0):
            return f"{winner} and {loser} score the same."
        p_values = self._test_against(second, candidates)
        if p_values is None:
            return (
                f"{winner} scores {lead} more than {loser}, untested: on one split "
                "only the accuracy has a test."
            )
        p_value = _correct_by_holm(p_values)[candidates.index(first)]
        corrected = "Holm-corrected " if len(candidates) > 1 else ""
        test = f"({self._name_test()}, {corrected}{_format_p_value(p_value)})"
        if p_value <= SIGNIFICANCE:
            return f"{winner} beats {loser} by {lead} {test}."
        return f"{winner} is level with {loser}: a lead of {lead} may be chance {test}."

    def _describe_classifier(self, index, other):
        """Return a name, marked as the best of its kind if the kinds are compared."""
        name, kind = self.results["name"][index], self.results["kind"][index]
        kinds = {str(kind), str(self.results["kind"][other])}
        return f"{name} (best {kind})" if kinds == {"recurrent", "classic"} else name

    def _test_against(self, second, candidates):
        """Return a p-value for each candidate against the runner-up, or None."""
        if len(self.test_sizes) > 1:
            differences = self.split_scores[candidates] - self.split_scores[second]
            step = 1 / min(self.test_sizes)
            return [_test_folds(row, self._test_to_train, step) for row in differences]
        correct = [self._correct[i] for i in candidates]
        if self._correct[second] is None:
            return None
        return [_test_images(row, self._correct[second]) for row in correct]

    def _name_test(self):
        if len(self.test_sizes) > 1:
            return f"corrected t-test over {len(self.test_sizes)} folds"
        return f"McNemar's test of these two fits on {self.test_sizes[0]} images"

    def _format_difference(self, difference):
        """Format the size of a difference of two scores."""
        if self._is_accuracy:
            return f"{100 * abs(difference):.2f} points"
        return f"{abs(difference):.4f}"

    def _describe_fit_times(self, first, second):
        """Say how many times as long the slower of two classifiers takes to fit."""
        times = self.results["mean_fit_time"][[first, second]]
        slow, fast = (first, second) if times[0] > times[1] else (second, first)
        ratio = times.max() / max(times.min(), 1e-9)  # a coarse clock may measure 0
        ratio = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
        slow, fast = self.results["name"][slow], self.results["name"][fast]
        return f"{slow} takes {ratio} times as long to fit as {fast}."

    def _describe_control(self):
        """Compare the best control with the best recurrent network, if both exist."""
        recurrent, control = self._find_best("recurrent"), self._find_best("control")
        if recurrent is None or control is None:
            return []
        scores = self.split_scores.mean(axis=1)
        gain = scores[recurrent] - scores[control]
        difference = self._format_difference(gain)
        comparison = f"{difference} {'less' if gain > 0 else 'more'} than"
        if difference == self._format_difference(0):
            comparison = "as much as"
        return [
            f"The best network without recurrence scores {scores[control]:.4f}, "
            f"{comparison} the best with it."
        ]

    def _describe_failures(self):
        pairs = zip(self.results["name"], self.results["error"])
        return [
            f"{name} failed: {error.rstrip('.')}." for name, error in pairs if error
        ]


def describe_error(error):
    """Return the first line of an error with its type, or nothing for None."""
    if error is None:
        return ""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _raise_if_all_failed(classifiers, scores):
    """Raise the first error, with the classifier's name, if only baselines are left."""
    names = [name for name in scores if _get_kind(classifiers[name]) != "baseline"]
    names = names or list(scores)
    if not all("error" in scores[name] for name in names):
        return
    error = scores[names[0]]["error"]
    if error.args == (str(error),):
        error.args = (f"{names[0]}: {error}",)
    else:  # its message is made of several arguments, or of something else
        error.add_note(f"The classifier was {names[0]!r}.")
    raise error


def _order_by_score(scores, key):
    """Return the names, the best first and those that failed last."""
    means = {
        name: -np.inf if "error" in result else result[key].mean()
        for name, result in scores.items()
    }
    return sorted(means, key=means.get, reverse=True)


def _test_folds(differences, test_to_train, step):
    """Return the p-value of the corrected resampled t-test over folds.

    Parameters
    ----------
    differences : ndarray of shape (folds,)
        Differences of two scores.
    test_to_train : float
        Test images of a fold per training image. The folds share training images, so
        their scores are not independent and their mean varies more than by 1/J of the
        variance (Nadeau and Bengio, 2003).
    step : float
        Difference that one image makes. Scores go in steps, so that few folds may have
        equal differences by chance: on two folds of 300 images 2 comparisons of equal
        trees in 100. Their variance of 0 is taken as that of one fold one step off.
    """
    n_folds = len(differences)
    variance = max(differences.var(ddof=1), step**2 / n_folds)
    error = np.sqrt((1 / n_folds + test_to_train) * variance)
    return 2 * stats.t.sf(abs(differences.mean()) / error, n_folds - 1)


def _test_images(one, other):
    """Return the p-value of McNemar's exact test for which images two got right."""
    n_one, n_other = (one & ~other).sum(), (other & ~one).sum()
    if not n_one + n_other:
        return 1.0
    return stats.binomtest(int(n_one), int(n_one + n_other)).pvalue


def _correct_by_holm(p_values):
    """Correct p-values for their number by the method of Holm."""
    p_values = np.asarray(p_values)
    order = p_values.argsort()
    factors = len(p_values) - np.arange(len(p_values))  # n for the smallest, ..., 1
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(factors * p_values[order])
    return corrected.clip(max=1)


def _format_p_value(p_value):
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


class _FlatImages(TransformerMixin, BaseEstimator):
    """Flatten images (n, H, W[, C]) to (n, H*W*C), fill and standardize them.

    A missing pixel (NaN) gets the mean of that pixel over the training images that have
    it; where none has it, the mean over all pixels. Trees could do without, but gain
    nothing from it, and gradient boosting fails on a pixel that is always missing.

    With ``scale=True`` the mean over all pixels of the training images is subtracted
    and the result divided by their standard deviation, in float32.

    With an int ``n_frames`` X holds clips, of which so many frames are flattened.
    """

    _parameter_constraints = {
        "scale": ["boolean"],
        "n_frames": [numbers.Integral, None],
    }

    def __init__(self, scale=True, n_frames=None):
        self.scale = scale
        self.n_frames = n_frames

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        images = self._check(X, reset=True)
        array = images.array  # (B, H, W, C)
        # In float64: a float32 sum over millions of pixels loses digits.
        present = ~np.isnan(array) if images.has_missing() else None
        if present is None:
            fill = array.mean(axis=0, dtype=np.float64)
            self.mean_ = fill.mean()
        else:
            self.mean_ = array.mean(dtype=np.float64, where=present)
            fill = _mean_of_each_pixel(array, present, self.mean_)
        self.fill_ = fill.ravel()  # (H*W*C,)
        if self.scale:
            where = True if present is None else present
            # Pixels that are all equal have none and are only centred.
            self.scale_ = array.std(dtype=np.float64, where=where) or 1.0
        return self

    def transform(self, X):
        check_is_fitted(self)
        images = self._check(X)
        flat = images.array.reshape(len(images), -1)  # (B, H*W*C)
        if self.scale:
            flat = flat.astype(np.float32)
        if images.has_missing():
            flat = np.where(np.isnan(flat), self.fill_.astype(flat.dtype), flat)
        if self.scale:
            flat -= np.float32(self.mean_)  # in place: no second copy of the images
            flat /= np.float32(self.scale_)
        return flat

    def _check(self, X, **options):
        if self.n_frames is None:
            return check_images(self, X, **options)
        return resampled(check_clips(self, X, **options), self.n_frames)


def _mean_of_each_pixel(array, present, mean):
    """The mean of each pixel (H, W, C) over the images that have it, else ``mean``."""
    counts = present.sum(axis=0)
    sums = array.sum(axis=0, dtype=np.float64, where=present)
    return np.where(counts, sums / np.maximum(counts, 1), mean)


def _get_final_estimator(classifier):
    """Return the estimator inside pipelines, searches and other meta-estimators."""
    while True:
        if isinstance(classifier, Pipeline):
            classifier = classifier.steps[-1][1]
        elif hasattr(classifier, "estimator"):
            classifier = classifier.estimator
        else:
            return classifier


def _get_kind(classifier):
    """Return the kind of a classifier: recurrent, control, classic or baseline."""
    estimator = _get_final_estimator(classifier)
    if isinstance(estimator, DummyClassifier):
        return "baseline"
    if not isinstance(estimator, ImageClassifier):
        return "classic"
    return "control" if estimator.cell is None else "recurrent"


def _count_images(test):
    """Count the test images of a split, given as indices or as a boolean mask."""
    test = np.asarray(test)
    return test.sum() if test.dtype == bool else len(test)
