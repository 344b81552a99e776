"""The result of a comparison."""

import textwrap

import numpy as np

from sk_rnnimage.comparison.rivals import kind_of
from sk_rnnimage.comparison.scorers import name_scorings
from sk_rnnimage.comparison.splits import count_images
from sk_rnnimage.comparison.verdict import Verdict


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
        order = _order_by_score(scores, f"test_{self._first}")
        self.results = {
            "name": np.array(order),
            "kind": np.array([kind_of(classifiers[name]) for name in order]),
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
        verdict = Verdict(
            self.results,
            self.split_scores,
            self._sizes,
            self._correct,
            self._is_accuracy,
        )
        return str(verdict)


def describe_error(error):
    """Return the first line of an error with its type, or nothing for None."""
    if error is None:
        return ""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _raise_if_all_failed(classifiers, scores):
    """Raise the first error, with the classifier's name, if only baselines are left."""
    names = [name for name in scores if kind_of(classifiers[name]) != "baseline"]
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
