"""The result of a comparison."""

import textwrap

import numpy as np

from sk_rnnimage._environment.optional import needed
from sk_rnnimage.comparison.failures import (
    INTERRUPTED,
    describe_error,
    raise_if_all,
)
from sk_rnnimage.comparison.rivals import kind_of
from sk_rnnimage.comparison.scorers import name_scorings
from sk_rnnimage.comparison.splits import count_images
from sk_rnnimage.comparison.tables import html_table, text_table
from sk_rnnimage.comparison.verdict import Verdict

_MEASURES = ("fit_time", "score_time", "peak_memory", "model_size")


class Comparison:
    """Result of :func:`compare_classifiers`; printing it shows a table and a verdict.

    Parameters
    ----------
    classifiers : dict
        Classifiers by name.
    scores : dict
        What :func:`run_all` returns, by name.
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
        ``mean_peak_memory`` and ``mean_model_size``, with ``std_``, are in bytes (see
        :func:`compare_classifiers`). ``kind`` is ``"recurrent"``, ``"control"`` (a
        network of this package without recurrence), ``"classic"`` or ``"baseline"`` (a
        DummyClassifier). ``n_failed`` is the number of folds on which a classifier
        failed: NaN in ``split<i>_...`` and left out of means, which are NaN where it
        failed on all. ``error`` is the first line of the first error, or empty; where
        Ctrl-C came before all folds were done, it is ``"interrupted"``, and the folds
        that are missing count as failed.
    best_params : dict
        By name a list of what a search chose on each fold: a dict, empty where there
        was no search, None where the fold failed.
    scoring : str
        Name of the scorer; of several, of the first.
    scorings : dict
        Names of all scorers, by the key that stands for each in ``results``.
    interrupted : bool
        Whether Ctrl-C ended the comparison before all folds were done.
    test_sizes : list of int
        Number of test images of each fold.
    """

    def __init__(self, classifiers, scores, splits, scoring):
        raise_if_all(_errors_of_rivals(classifiers, scores))
        scorings = name_scorings(scoring)
        self._first = next(iter(scorings))
        self._is_accuracy = scorings[self._first] == "accuracy"
        self.scorings = {key: key for key in scorings}
        if isinstance(scoring, str):
            self.scorings = {"score": scoring}
        self.scoring = self.scorings[self._first]
        # (folds, 2): numbers of training and of test images
        self._sizes = np.array([list(map(count_images, split)) for split in splits])
        self.test_sizes = self._sizes[:, 1].tolist()
        order = self._order(scores)
        self.results = {
            "name": np.array(order),
            "kind": np.array([kind_of(classifiers[name]) for name in order]),
        }
        first = _collect(scores, order, f"test_{self._first}", len(splits))
        failed = np.isnan(first)  # (classifiers, folds)
        for key in (*(f"test_{key}" for key in scorings), *_MEASURES):
            values = _collect(scores, order, key, len(splits))
            left_out = np.isnan(values) if key == "peak_memory" else failed
            self._add(key, values, left_out)
        errors = [scores[name].get("error") for name in order]
        self.results["n_failed"] = failed.sum(axis=1)
        self.results["error"] = np.array([describe_error(error) for error in errors])
        self.interrupted = INTERRUPTED in self.results["error"]
        self.best_params = {name: scores[name].get("params", []) for name in order}
        self._correct = [scores[name].get("correct") for name in order]

    def _order(self, scores):
        """Return the names: best first, then who failed on some folds, then on all."""

        def place(name):
            values = scores[name].get(f"test_{self._first}", np.array([np.nan]))
            worked = values[~np.isnan(values)]
            mean = worked.mean() if len(worked) else -np.inf
            return "error" not in scores[name], mean

        return sorted(scores, key=place, reverse=True)

    def _add(self, key, values, left_out):
        """Add means and deviations of values (classifiers, folds), some left out."""
        worked = [row[~out] for row, out in zip(values, left_out)]
        for name, statistic in (("mean", np.mean), ("std", np.std)):
            self.results[f"{name}_{key}"] = np.array(
                [statistic(row) if len(row) else np.nan for row in worked]
            )
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

        Those of the first scorer, NaN where a classifier failed on a fold.
        """
        keys = [f"split{i}_test_{self._first}" for i in range(len(self.test_sizes))]
        return np.array([self.results[key] for key in keys]).T

    def table(self):
        """Format the comparison as a table, the best classifier first.

        Returns
        -------
        str
            One line per classifier: mean and standard deviation of the score over
            the folds, means of the other scores, of the seconds to fit and to score the
            test images, of the peak of memory in the fit (MB) and of the size of the
            fitted model (kB); or the error of a classifier that failed.
        """
        return text_table(self)

    def _repr_html_(self):
        return html_table(self)

    def to_pandas(self):
        """Convert ``results`` to a data frame of pandas.

        Returns
        -------
        pandas.DataFrame
            One row per classifier.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        with needed("to_pandas", "pandas"):
            from pandas import DataFrame
        return DataFrame(self.results)

    def to_polars(self):
        """Convert ``results`` to a data frame of polars.

        Returns
        -------
        polars.DataFrame
            One row per classifier.

        Raises
        ------
        ImportError
            If polars is not installed.
        """
        with needed("to_polars", "polars"):
            from polars import DataFrame
        return DataFrame({key: values.tolist() for key, values in self.results.items()})

    @property
    def verdict(self):
        """Summary in plain words: which classifier wins, and whether a test says so.

        Compares the best recurrent classifier with the best classic one, or the two
        best if one of these kinds is absent; a baseline takes no part. Gives the
        difference of their mean scores, the p-value of its test (see
        :func:`compare_classifiers`), and the ratio of the times to fit.
        """
        verdict = Verdict(
            self.results,
            self.split_scores,
            self._sizes,
            self._correct,
            self._is_accuracy,
        )
        return str(verdict)


def _errors_of_rivals(classifiers, scores):
    """The errors of those that failed on all folds, by name, but for baselines."""
    names = [name for name in scores if kind_of(classifiers[name]) != "baseline"]
    return {
        name: scores[name]["error"] if list(scores[name]) == ["error"] else None
        for name in names or scores
    }


def _collect(scores, order, key, n_folds):
    """What was measured, (classifiers, folds): NaN where it was not."""
    nothing = np.full(n_folds, np.nan)
    return np.array([scores[name].get(key, nothing) for name in order])
