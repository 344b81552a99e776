"""The classic rivals, and a comparison of classifiers on the same folds."""

import numbers
import textwrap

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, check_cv, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC
from sklearn.utils import indexable
from sklearn.utils._param_validation import validate_params
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._base import BaseImageClassifier
from sk_rnnimage.images import check_images


def classic_classifiers(random_state=None):
    """Classic classifiers, each made ready for images.

    Each is a pipeline whose first step flattens the images. Where the scale of the
    pixels matters, that step also subtracts the mean and divides by the spread of all
    training pixels together: a spread for each pixel would blow up the noise at the
    border. The settings are sensible from some hundred images to 60,000; there the
    ``"SVC"`` is the slowest, with minutes to fit and to predict.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seeds the random forest, the boosting and the MLP.

    Returns
    -------
    dict
        From names to unfitted pipelines: logistic regression, k nearest neighbours,
        an SVC with an RBF kernel, the same on the principal components that hold 90 %
        of the variance, a random forest, gradient boosting and a multi-layer
        perceptron of 256 units.

    See Also
    --------
    compare_classifiers : Compare them with others.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> rivals = classic_classifiers(random_state=0)
    >>> images = X.reshape(-1, 8, 8)
    >>> float(rivals["SVC"].fit(images[:1200], y[:1200]).score(images[1200:], y[1200:]))
    0.96...
    """
    seed = random_state
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.2, max_iter=60, max_leaf_nodes=15, random_state=seed,
        max_bins=32,  # 7 times as fast as 255 on 3,072 pixel values, and no worse
    )  # fmt: skip
    perceptron = MLPClassifier(
        256, learning_rate_init=0.003, tol=0.001, max_iter=200, random_state=seed
    )
    return {
        "Logistic regression": _scaled(LogisticRegression(tol=1e-3, max_iter=1000)),
        "k nearest neighbours": _scaled(KNeighborsClassifier()),
        "SVC": _scaled(SVC(C=10)),
        "PCA + SVC": _scaled(PCA(0.9), SVC(C=10)),
        "Random forest": _flat(RandomForestClassifier(200, random_state=seed)),
        "Gradient boosting": _flat(boosting),
        "MLP": _scaled(perceptron),
    }


@validate_params(
    {
        "classifiers": [dict, list, tuple],
        "X": "no_validation",  # by the classifiers
        "y": ["array-like"],
        "cv": ["cv_object"],
        "scoring": [str, callable],
        "n_jobs": [numbers.Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def compare_classifiers(
    classifiers, X, y, *, cv=5, scoring="accuracy", n_jobs=None, random_state=None
):
    """Compare classifiers on the same folds of the same images.

    Parameters
    ----------
    classifiers : dict or list
        Unfitted classifiers by their names. Those of a list are named after their
        classes.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
        Images.
    y : array-like of shape (n,)
        Class labels.
    cv : int, cross-validation splitter or iterable, default=5
        A number of folds means a StratifiedKFold, shuffled by ``random_state``. A
        list of (train, test) indices is taken as it is: one such pair compares on a
        given test set.
    scoring : str or callable, default="accuracy"
        One score, for which greater is better.
    n_jobs : int, default=None
        Processes over which the folds of one classifier are spread. More than one
        disturbs the times.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds; an int gives the same folds at every call.

    Returns
    -------
    Comparison
        Scores and times of each classifier, as a table and as a verdict.

    Raises
    ------
    ValueError, TypeError
        Where a parameter is not as described, X and y differ in length, or a
        classifier refuses its images.

    See Also
    --------
    classic_classifiers : The classic rivals.
    ComparisonDisplay : A picture of the comparison.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers, compare_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> rivals = classic_classifiers(random_state=0)
    >>> pair = [rivals["Logistic regression"], rivals["k nearest neighbours"]]
    >>> comparison = compare_classifiers(pair, X, y, cv=3, random_state=0)
    >>> comparison.results["name"].tolist()
    ['KNeighborsClassifier', 'LogisticRegression']
    """
    classifiers = named(classifiers)
    splits = make_splits(X, y, cv, random_state)
    scores = dict(
        each_classifier(classifiers, X, y, splits, scoring=scoring, n_jobs=n_jobs)
    )
    return Comparison(classifiers, scores, splits, scoring)


def named(classifiers):
    """Classifiers as a dict; those of a list are named after their classes."""
    if not len(classifiers):
        raise ValueError("classifiers is empty: at least one is needed.")
    plain = classifiers.values() if isinstance(classifiers, dict) else classifiers
    for classifier in plain:
        if not hasattr(classifier, "fit") or isinstance(classifier, type):
            raise TypeError(
                f"classifiers must hold classifiers to be fitted. Got {classifier!r}."
            )
    if isinstance(classifiers, dict):
        return {str(name): classifier for name, classifier in classifiers.items()}
    result = {}
    for classifier in classifiers:
        name = type(_innermost(classifier)).__name__
        taken = sum(other.split(" ")[0] == name for other in result)
        result[f"{name} {taken + 1}" if taken else name] = classifier
    return result


def make_splits(X, y, cv, random_state):
    """The (train, test) indices on which all are compared, as a list."""
    X, y = indexable(X, y)
    if cv is None or isinstance(cv, numbers.Integral):
        cv = StratifiedKFold(cv or 5, shuffle=True, random_state=random_state)
    splits = list(check_cv(cv, y, classifier=True).split(X, y))
    if not splits:
        raise ValueError("cv holds no splits: at least one is needed.")
    return splits


def each_classifier(classifiers, X, y, splits, *, scoring="accuracy", n_jobs=None):
    """Cross-validate one classifier after another; yield its name and its results."""
    for name, classifier in classifiers.items():
        yield (
            name,
            cross_validate(
                classifier, X, y, cv=splits, scoring=scoring, n_jobs=n_jobs,
                error_score="raise",
            ),
        )  # fmt: skip


class Comparison:
    """What :func:`compare_classifiers` found; printed, its table and its verdict.

    Parameters
    ----------
    classifiers : dict
        Classifiers by their names.
    scores : dict
        For each name what ``cross_validate`` gave.
    splits : list
        The (train, test) indices.
    scoring : str or callable
        The score.

    Attributes
    ----------
    results : dict of ndarray
        One entry for each classifier, the best first, in the words of
        ``GridSearchCV.cv_results_``: ``name``, ``mean_test_score``,
        ``std_test_score``, ``mean_fit_time``, ``std_fit_time``, ``mean_score_time``,
        ``std_score_time`` (seconds) and ``split0_test_score`` to the last fold;
        ``kind`` is ``"recurrent"``, ``"control"`` (ours, without recurrence) or
        ``"classic"``. ``pandas.DataFrame`` takes it as it is.
    scoring : str
        Name of the score.
    test_sizes : list of int
        Images on which each split is scored.
    """

    def __init__(self, classifiers, scores, splits, scoring):
        self.scoring = scoring if isinstance(scoring, str) else "score"
        self.test_sizes = [int(_count(test)) for _, test in splits]
        means = {name: found["test_score"].mean() for name, found in scores.items()}
        order = sorted(means, key=means.get, reverse=True)
        self.results = {
            "name": np.array(order),
            "kind": np.array([_kind(classifiers[name]) for name in order]),
        }
        for key in ("test_score", "fit_time", "score_time"):
            values = np.array([scores[name][key] for name in order])  # (rivals, folds)
            self.results[f"mean_{key}"] = values.mean(axis=1)
            self.results[f"std_{key}"] = values.std(axis=1)
            if key == "test_score":
                columns = enumerate(values.T)
                self.results |= {f"split{i}_{key}": column for i, column in columns}

    def __str__(self):
        verdict = textwrap.fill(self.verdict, 79, break_on_hyphens=False)
        return f"{self.table()}\n\n{verdict}"

    def __repr__(self):
        return f"<Comparison of {len(self.results['name'])} classifiers>\n{self}"

    @property
    def split_scores(self):
        """Scores of shape (classifiers, folds), in the order of ``results``."""
        folds = range(len(self.test_sizes))
        return np.array([self.results[f"split{i}_test_score"] for i in folds]).T

    def table(self):
        """The comparison as text, the best classifier first.

        Returns
        -------
        str
            A line each: mean score and its standard deviation over the folds, mean
            seconds to fit and to predict.
        """
        width = max(10, *(len(name) for name in self.results["name"]))
        scoring = self.scoring[:12]
        lines = [f"{'':{width}}  {scoring:>9}  spread    fit s  predict s"]
        column = max(9, len(scoring))
        for i, name in enumerate(self.results["name"]):
            score, spread, fit, predict = (
                self.results[key][i]
                for key in (
                    "mean_test_score", "std_test_score",
                    "mean_fit_time", "mean_score_time",
                )
            )  # fmt: skip
            spread = f"{spread:6.4f}" if len(self.test_sizes) > 1 else "     -"
            lines.append(
                f"{name:{width}}  {score:{column}.4f}  {spread}  "
                f"{fit:7.2f}  {predict:9.2f}"
            )
        return "\n".join(lines)

    @property
    def verdict(self):
        """Who wins, in plain words.

        The best recurrent classifier against the best classic one (or, where one kind
        is absent, the two best): the difference, how it stands to the spread of that
        difference over the folds (on one split: to its standard error, which the
        number of test images gives), and the seconds to fit.
        """
        first, second = self._contenders()
        if second is None:
            return f"{self.results['name'][first]} was compared with nobody."
        sentences = [self._lead(first, second), self._times(first, second)]
        return " ".join([*sentences, *self._recurrence()])

    def _contenders(self):
        """Places of the winner and of the runner-up, each the best of its kind."""
        recurrent, classic = self._best("recurrent"), self._best("classic")
        if recurrent is None or classic is None:
            return 0, (1 if len(self.results["name"]) > 1 else None)
        return min(recurrent, classic), max(recurrent, classic)

    def _best(self, kind):
        places = np.flatnonzero(self.results["kind"] == kind)
        return places[0] if len(places) else None

    def _lead(self, first, second):
        """Who is ahead, by how much, and whether that can be told from chance."""
        winner, loser = (self._described(i) for i in (first, second))
        differences = self.split_scores[first] - self.split_scores[second]
        lead = differences.mean()
        error, name = self._uncertainty(first, second, differences)
        if lead == 0:
            return f"{winner} and {loser} score the same."
        clear = error is not None and lead > error
        told = (
            f"{winner} {'beats' if clear else 'is ahead of'} {loser} by "
            f"{self._amount(lead)}"
        )
        if error is None:
            return f"{told}; one split does not tell how much of it is chance."
        if clear:
            return f"{told}, more than {name} ({self._amount(error)})."
        return f"{told}, within {name} ({self._amount(error)}): too close to call."

    def _described(self, place):
        """A name; the best recurrent and the best classic classifier as such."""
        name, kind = self.results["name"][place], self.results["kind"][place]
        kinds = {str(self.results["kind"][i]) for i in self._contenders()}
        return f"{name} (best {kind})" if kinds == {"recurrent", "classic"} else name

    def _uncertainty(self, first, second, differences):
        """How far the difference of two scores may be off, and what that is called."""
        if len(differences) > 1:
            spread = f"the spread of that over the {len(differences)} folds"
            return differences.std(), spread
        if self.scoring != "accuracy":
            return None, None
        shares = self.split_scores[[first, second], 0]
        variance = (shares * (1 - shares)).sum() / self.test_sizes[0]
        return np.sqrt(variance), f"the standard error on {self.test_sizes[0]} images"

    def _amount(self, difference):
        if self.scoring == "accuracy":
            return f"{100 * difference:.2f} points"
        return f"{difference:.4f}"

    def _times(self, first, second):
        """How the times to fit compare."""
        times = self.results["mean_fit_time"][[first, second]]
        slow, fast = (first, second) if times[0] > times[1] else (second, first)
        ratio = times.max() / max(times.min(), 1e-9)
        ratio = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
        slow, fast = self.results["name"][slow], self.results["name"][fast]
        return f"{slow} takes {ratio} times as long to fit as {fast}."

    def _recurrence(self):
        """What the best control, without recurrence, leaves to the recurrence."""
        recurrent, control = self._best("recurrent"), self._best("control")
        if recurrent is None or control is None:
            return []
        scores = self.results["mean_test_score"]
        gain = scores[recurrent] - scores[control]
        how = f"{self._amount(abs(gain))} {'less' if gain >= 0 else 'more'}"
        return [
            f"The best network without recurrence scores {scores[control]:.4f}, {how} "
            "than the best with it."
        ]


class _FlatImages(TransformerMixin, BaseEstimator):
    """Flatten images (n, H, W[, C]) to (n, H*W*C), if told so to a common scale.

    With ``scale=True`` the mean of all training pixels is taken off and their common
    standard deviation divided by, in float32.
    """

    _parameter_constraints = {"scale": ["boolean"]}

    def __init__(self, scale=True):
        self.scale = scale

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        images = check_images(self, X, reset=True)
        self.mean_ = images.mean(dtype=np.float64) if self.scale else 0.0
        self.scale_ = (images.std(dtype=np.float64) or 1.0) if self.scale else 1.0
        return self

    def transform(self, X):
        check_is_fitted(self)
        images = check_images(self, X)
        flat = images.reshape(len(images), -1)  # (B, H*W*C)
        if not self.scale:
            return flat
        flat = flat.astype(np.float32)
        flat -= np.float32(self.mean_)
        flat /= np.float32(self.scale_)
        return flat


def _scaled(*steps):
    return make_pipeline(_FlatImages(scale=True), *steps)


def _flat(*steps):
    return make_pipeline(_FlatImages(scale=False), *steps)


def _innermost(classifier):
    """The classifier at the end of a pipeline and inside searches and the like."""
    while True:
        if isinstance(classifier, Pipeline):
            classifier = classifier.steps[-1][1]
        elif hasattr(classifier, "estimator"):
            classifier = classifier.estimator
        else:
            return classifier


def _kind(classifier):
    """What a classifier is in a comparison: recurrent, control or classic."""
    inner = _innermost(classifier)
    if not isinstance(inner, BaseImageClassifier):
        return "classic"
    return "control" if inner.cell is None else "recurrent"


def _count(test):
    """How many images a test side holds, of indices or of a mask."""
    test = np.asarray(test)
    return test.sum() if test.dtype == bool else len(test)
