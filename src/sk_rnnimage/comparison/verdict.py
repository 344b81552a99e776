"""Who wins, and whether a test says so, in plain words."""

import numpy as np

from sk_rnnimage.comparison.failures import INTERRUPTED
from sk_rnnimage.comparison.significance import (
    SIGNIFICANCE,
    correct_by_holm,
    p_value_of_folds,
    p_value_of_images,
)


class Verdict:
    """Who wins, among classifiers whose results are sorted by score.

    Parameters
    ----------
    results : dict of ndarray
        As in :class:`Comparison`.
    scores : ndarray of shape (classifiers, folds)
        What the tests compare, NaN where a classifier failed.
    sizes : ndarray of shape (folds, 2)
        Numbers of training and test images.
    correct : list of ndarray or None
        On one split, which test images each classifier got right.
    is_accuracy : bool
        Whether the scores are accuracies, whose differences are told in points.
    """

    def __init__(self, results, scores, sizes, correct, is_accuracy):
        self.results = results
        self.scores = scores
        self.sizes = sizes
        self.correct = correct
        self.is_accuracy = is_accuracy

    def __str__(self):
        first, second, candidates = self._find_contenders()
        if first is None:
            sentences = ["Nobody worked on all folds, so none are compared."]
        elif second is None:
            sentences = [f"{self.results['name'][first]} was compared with nobody."]
        else:
            sentences = [
                self._describe_lead(first, second, candidates),
                self._describe_fit_times(first, second),
                *self._describe_control(),
            ]
        sentences += [*self._describe_failures(), *self._describe_interruption()]
        return " ".join(sentences)

    def _find_contenders(self):
        """Return the winner, the runner-up, and all that the winner was chosen from."""
        kinds, failed = self.results["kind"], self.results["error"] != ""
        able = np.flatnonzero((kinds != "baseline") & ~failed).tolist()
        if len(able) < 2:
            whole = able or np.flatnonzero(~failed).tolist()  # a baseline alone
            return (whole[0] if whole else None), None, []
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
        differences = self.scores[first] - self.scores[second]
        lead = self._format_difference(differences.mean())
        if lead == self._format_difference(0):
            return f"{winner} and {loser} score the same."
        p_values = self._test_against(second, candidates)
        if p_values is None:
            return (
                f"{winner} scores {lead} more than {loser}, untested: on one split "
                "only the accuracy has a test."
            )
        p_value = correct_by_holm(p_values)[candidates.index(first)]
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
        if len(self.sizes) > 1:
            differences = self.scores[candidates] - self.scores[second]
            n_train, n_test = self.sizes.T
            test_to_train, step = (n_test / n_train).mean(), 1 / n_test.min()
            return [p_value_of_folds(row, test_to_train, step) for row in differences]
        correct = [self.correct[i] for i in candidates]
        if self.correct[second] is None:
            return None
        return [p_value_of_images(row, self.correct[second]) for row in correct]

    def _name_test(self):
        if len(self.sizes) > 1:
            return f"corrected t-test over {len(self.sizes)} folds"
        return f"McNemar's test of these two fits on {self.sizes[0, 1]} images"

    def _format_difference(self, difference):
        """Format the size of a difference of two scores."""
        if self.is_accuracy:
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
        scores = self.scores.mean(axis=1)
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
        keys = ("name", "n_failed", "error")
        for name, n_failed, error in zip(*(self.results[key] for key in keys)):
            n_folds = len(self.sizes)
            some = f" on {n_failed} of {n_folds} folds and takes no part in the tests"
            where = some if n_failed < n_folds else ""
            if error and error != INTERRUPTED:
                yield f"{name} failed{where}: {error.rstrip('.')}."

    def _describe_interruption(self):
        """Say what Ctrl-C left undone, which takes no part in the tests."""
        left = self.results["error"] == INTERRUPTED
        if left.any():
            undone = zip(self.results["name"][left], self.results["n_failed"][left])
            names = ", ".join(f"{name} ({n})" for name, n in undone)
            yield (
                "The comparison was interrupted before all folds were done; those with "
                f"missing folds take no part in the tests: {names}."
            )


def _format_p_value(p_value):
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
