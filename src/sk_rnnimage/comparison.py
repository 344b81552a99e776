"""Classic image classifiers, and cross-validation of several classifiers at once."""

import numbers
import textwrap

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, check_cv, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.borrowed import _fit_context, validate_params
from sk_rnnimage.classifiers import ImageClassifier
from sk_rnnimage.images.checking import check_images


def classic_classifiers(random_state=None):
    """Build classic classifiers that accept images.

    Each is a pipeline whose first step flattens the images. For the classifiers that
    depend on the scale of their features, this step also standardizes the pixels, with
    one mean and one standard deviation over all pixels of the training images: a
    standard deviation per pixel would amplify the noise of pixels that are almost
    constant, such as those at the border. The hyperparameters suit training sets from
    a few hundred to 60,000 images; at that size the ``"SVC"`` is the slowest and takes
    minutes to fit and to predict.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the random forest, the gradient boosting and the MLP. Pass an int for
        reproducible results.

    Returns
    -------
    dict
        Unfitted pipelines by name: logistic regression, k nearest neighbours, an SVC
        with an RBF kernel, the same SVC on the principal components that explain 90 %
        of the variance, a random forest, gradient boosting and a multi-layer
        perceptron with 256 hidden units.

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
        "Logistic regression": _scaled(LogisticRegression(tol=1e-3, max_iter=1000)),
        "k nearest neighbours": _scaled(KNeighborsClassifier()),
        "SVC": _scaled(SVC(C=10)),
        "PCA + SVC": _scaled(PCA(0.9), SVC(C=10)),
        # Trees split at thresholds, so the scale of the pixels does not matter to them.
        "Random forest": _flat(RandomForestClassifier(200, random_state=seed)),
        "Gradient boosting": _flat(boosting),
        "MLP": _scaled(perceptron),
    }


@validate_params(
    {
        "classifiers": [dict, list, tuple],
        "X": "no_validation",  # by the classifiers: some accept lists of images
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
    """Cross-validate several classifiers on the same folds.

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
        with shuffling. An iterable of (train, test) indices is used as it is; with
        a single pair the classifiers are compared on a fixed test set.
    scoring : str or callable, default="accuracy"
        Name of a scorer, or a callable ``scorer(estimator, X, y)``; higher values are
        better.
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
        If a parameter is invalid, X and y differ in length, or a classifier rejects
        the images.

    See Also
    --------
    classic_classifiers : Classic classifiers to compare with.
    ComparisonDisplay : Plot of a comparison.

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
    splits = make_splits(X, y, cv, random_state)
    scores = dict(
        cross_validate_each(classifiers, X, y, splits, scoring=scoring, n_jobs=n_jobs)
    )
    return Comparison(classifiers, scores, splits, scoring)


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


def make_splits(X, y, cv, random_state):
    """Split the images: a list of (train, test) indices, the same for all."""
    X, y = indexable(X, y)
    if cv is None or isinstance(cv, numbers.Integral):
        # Shuffled, unlike check_cv(5): files are often sorted by source or by time.
        cv = StratifiedKFold(cv or 5, shuffle=True, random_state=random_state)
    # A list, because a splitter that shuffles may give other folds at its next call.
    splits = list(check_cv(cv, y, classifier=True).split(X, y))
    if not splits:
        raise ValueError("cv holds no splits: at least one is needed.")
    return splits


def cross_validate_each(classifiers, X, y, splits, *, scoring="accuracy", n_jobs=None):
    """Cross-validate one classifier after the other; yield (name, scores) of each."""
    # A failed fold raises, since a mean over the other folds would not be comparable.
    options = {"scoring": scoring, "n_jobs": n_jobs, "error_score": "raise"}
    for name, classifier in classifiers.items():
        yield name, cross_validate(classifier, X, y, cv=splits, **options)


class Comparison:
    """Result of :func:`compare_classifiers`; printing it shows a table and a verdict.

    Parameters
    ----------
    classifiers : dict
        Classifiers by name.
    scores : dict
        Results of scikit-learn's ``cross_validate`` by name.
    splits : list
        The (train, test) indices.
    scoring : str or callable
        Name of the scorer, or the scorer.

    Attributes
    ----------
    results : dict of ndarray
        One row per classifier, the best first, with the keys of
        ``GridSearchCV.cv_results_``: ``name``, ``mean_test_score``,
        ``std_test_score``, ``mean_fit_time``, ``std_fit_time``, ``mean_score_time``,
        ``std_score_time`` (times in seconds) and ``split<i>_test_score`` for each
        fold ``i``. ``kind`` is ``"recurrent"``, ``"control"`` (a network of this
        package without recurrence) or ``"classic"``. Can be passed to
        ``pandas.DataFrame``.
    scoring : str
        Name of the scorer.
    test_sizes : list of int
        Number of test images of each fold.
    """

    def __init__(self, classifiers, scores, splits, scoring):
        self.scoring = scoring if isinstance(scoring, str) else "score"
        self.test_sizes = [int(_count_images(test)) for _, test in splits]
        means = {name: result["test_score"].mean() for name, result in scores.items()}
        order = sorted(means, key=means.get, reverse=True)
        self.results = {
            "name": np.array(order),
            "kind": np.array([_get_kind(classifiers[name]) for name in order]),
        }
        for key in ("test_score", "fit_time", "score_time"):
            values = np.array([scores[name][key] for name in order])
            self.results[f"mean_{key}"] = values.mean(axis=1)  # over the folds
            self.results[f"std_{key}"] = values.std(axis=1)
            if key == "test_score":
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
        """Scores of shape (classifiers, folds), in the order of ``results``."""
        folds = range(len(self.test_sizes))
        return np.array([self.results[f"split{i}_test_score"] for i in folds]).T

    def table(self):
        """Format the comparison as a table, the best classifier first.

        Returns
        -------
        str
            One line per classifier: mean and standard deviation of the score over
            the folds, mean seconds to fit and to predict.
        """
        width = max(10, *(len(name) for name in self.results["name"]))
        scoring = self.scoring[:12]  # a longer name would push lines past 80 columns
        lines = [f"{'':{width}}  {scoring:>9}  spread    fit s  predict s"]
        score_width = max(9, len(scoring))
        keys = ("mean_test_score", "std_test_score", "mean_fit_time", "mean_score_time")
        rows = zip(self.results["name"], *(self.results[key] for key in keys))
        for name, score, std, fit_time, score_time in rows:
            std = f"{std:6.4f}" if len(self.test_sizes) > 1 else "     -"
            lines.append(
                f"{name:{width}}  {score:{score_width}.4f}  {std}  "
                f"{fit_time:7.2f}  {score_time:9.2f}"
            )
        return "\n".join(lines)

    @property
    def verdict(self):
        """Summary in plain words: which classifier wins, and how clearly.

        Compares the best recurrent classifier with the best classic one, or the two
        best if one of these kinds is absent. Gives the difference of their mean
        scores, its standard deviation over the folds (with a single split its standard
        error, from the number of test images), and the ratio of the times to fit.
        """
        first, second = self._find_contenders()
        if second is None:
            return f"{self.results['name'][first]} was compared with nobody."
        sentences = [
            self._describe_lead(first, second),
            self._describe_fit_times(first, second),
        ]
        return " ".join([*sentences, *self._describe_control()])

    def _find_contenders(self):
        """Return the indices of the winner and the runner-up, each best of its kind."""
        recurrent, classic = self._find_best("recurrent"), self._find_best("classic")
        if recurrent is None or classic is None:
            return 0, (1 if len(self.results["name"]) > 1 else None)
        return min(recurrent, classic), max(recurrent, classic)

    def _find_best(self, kind):
        indices = np.flatnonzero(self.results["kind"] == kind)
        return indices[0] if len(indices) else None  # results are sorted by score

    def _describe_lead(self, first, second):
        """Say which one is ahead, by how much, and whether this exceeds the noise."""
        winner, loser = (self._describe_classifier(i) for i in (first, second))
        differences = self.split_scores[first] - self.split_scores[second]
        lead = differences.mean()
        error, error_name = self._estimate_error(first, second, differences)
        if lead == 0:
            return f"{winner} and {loser} score the same."
        is_clear = error is not None and lead > error
        lead_sentence = (
            f"{winner} {'beats' if is_clear else 'is ahead of'} {loser} by "
            f"{self._format_difference(lead)}"
        )
        if error is None:
            return f"{lead_sentence}; one split does not tell how much of it is chance."
        bound = f"{error_name} ({self._format_difference(error)})"
        if is_clear:
            return f"{lead_sentence}, more than {bound}."
        return f"{lead_sentence}, within {bound}: too close to call."

    def _describe_classifier(self, index):
        """Return a name, marked as the best of its kind if the kinds are compared."""
        name, kind = self.results["name"][index], self.results["kind"][index]
        kinds = {str(self.results["kind"][i]) for i in self._find_contenders()}
        return f"{name} (best {kind})" if kinds == {"recurrent", "classic"} else name

    def _estimate_error(self, first, second, differences):
        """Estimate the error of the difference of two scores; return it and its name.

        Over folds it is the standard deviation, not the smaller standard error of a
        mean: the folds share training images, so their scores are not independent
        (Nadeau and Bengio, Inference for the Generalization Error, 2003).
        """
        if len(differences) > 1:
            error_name = f"the spread of that over the {len(differences)} folds"
            return differences.std(), error_name
        if self.scoring != "accuracy":
            return None, None
        # An accuracy is a binomial proportion, of variance p (1 - p) / n. The sum takes
        # the two as independent; on the same images the difference mostly varies less.
        accuracies = self.split_scores[[first, second], 0]
        variance = (accuracies * (1 - accuracies)).sum() / self.test_sizes[0]
        return np.sqrt(variance), f"the standard error on {self.test_sizes[0]} images"

    def _format_difference(self, difference):
        if self.scoring == "accuracy":
            return f"{100 * difference:.2f} points"
        return f"{difference:.4f}"

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
        scores = self.results["mean_test_score"]
        gain = scores[recurrent] - scores[control]
        difference = self._format_difference(abs(gain))
        return [
            f"The best network without recurrence scores {scores[control]:.4f}, "
            f"{difference} {'less' if gain >= 0 else 'more'} than the best with it."
        ]


class _FlatImages(TransformerMixin, BaseEstimator):
    """Flatten images (n, H, W[, C]) to (n, H*W*C) and optionally standardize them.

    With ``scale=True`` the mean over all pixels of the training images is subtracted
    and the result divided by their standard deviation, in float32.
    """

    _parameter_constraints = {"scale": ["boolean"]}

    def __init__(self, scale=True):
        self.scale = scale

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        images = check_images(self, X, reset=True).array
        # In float64: a float32 sum over millions of pixels loses digits. A set of equal
        # pixels has a standard deviation of 0 and is only centred.
        self.mean_ = images.mean(dtype=np.float64) if self.scale else 0.0
        self.scale_ = (images.std(dtype=np.float64) or 1.0) if self.scale else 1.0
        return self

    def transform(self, X):
        check_is_fitted(self)
        images = check_images(self, X).array
        flat = images.reshape(len(images), -1)  # (B, H*W*C)
        if not self.scale:
            return flat
        flat = flat.astype(np.float32)
        flat -= np.float32(self.mean_)  # in place: no second copy of the images
        flat /= np.float32(self.scale_)
        return flat


def _scaled(*steps):
    return make_pipeline(_FlatImages(scale=True), *steps)


def _flat(*steps):
    return make_pipeline(_FlatImages(scale=False), *steps)


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
    """Return the kind of a classifier: recurrent, control or classic."""
    estimator = _get_final_estimator(classifier)
    if not isinstance(estimator, ImageClassifier):
        return "classic"
    return "control" if estimator.cell is None else "recurrent"


def _count_images(test):
    """Count the test images of a split, given as indices or as a boolean mask."""
    test = np.asarray(test)
    return test.sum() if test.dtype == bool else len(test)
