"""Plot of the scores of a comparison of classifiers."""

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.metrics import get_scorer_names

from sk_rnnimage._environment.borrowed import validate_params
from sk_rnnimage.comparison.failures import INTERRUPTED
from sk_rnnimage.comparison.result import Comparison
from sk_rnnimage.inspection.axes import get_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by colour-blind readers too, and in a grey print by their markers.
_STYLES = {
    "recurrent": {"color": "#d55e00", "marker": "o"},
    "control": {"color": "#f0b400", "marker": "D"},
    "classic": {"color": "#0072b2", "marker": "s"},
    "baseline": {"color": "#4d4d4d", "marker": "^"},
}

_UNBOUNDED = {"mutual_info_score", "positive_likelihood_ratio"}


class ComparisonDisplay:
    """Plot of the scores of a comparison, the best classifier on top.

    For each classifier a large marker shows the mean score, an error bar one standard
    deviation over the folds, and small points below it the scores of the folds. An
    error bar ends at the highest score there can be, such as an accuracy of 1. The mean
    score and the mean time to fit are printed on the right. Of several scores the first
    is plotted. The axis is scaled to the classifiers that are no baselines; an arrow
    marks a baseline off the scale. A classifier that failed has the word "failed" in
    its row.

    Parameters
    ----------
    comparison : Comparison
        Result of ``compare_classifiers``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    errorbars_ : dict of matplotlib ErrorbarContainer
        Means and error bars of each kind of classifier: ``"recurrent"``,
        ``"control"``, ``"classic"`` or ``"baseline"``.

    See Also
    --------
    compare_classifiers : Cross-validate several classifiers on the same folds.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import ComparisonDisplay, RNNImageClassifier
    >>> from sk_rnnimage import classic_classifiers, compare_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> classic = classic_classifiers(random_state=0)
    >>> classifiers = {
    ...     "RNN": RNNImageClassifier(16, max_epochs=10, random_state=0),
    ...     "SVC": classic["SVC"],
    ...     "k nearest neighbours": classic["k nearest neighbours"],
    ... }
    >>> comparison = compare_classifiers(classifiers, X, y, cv=3, random_state=0)
    >>> display = ComparisonDisplay.from_comparison(comparison)
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @classmethod
    @validate_params({"comparison": [Comparison]}, prefer_skip_nested_validation=True)
    def from_comparison(
        cls, comparison: Comparison, *, ax: "Axes | None" = None
    ) -> Self:
        """Plot a comparison.

        Parameters
        ----------
        comparison : Comparison
            Result of ``compare_classifiers``.
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        Returns
        -------
        ComparisonDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(comparison).plot(ax=ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        Returns
        -------
        self
            This display, plotted.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names = self.comparison.results["name"]
        # Constrained layout makes room for the labels on both sides.
        self.ax_ = get_axes(
            ax, figsize=(9, 1.6 + 0.42 * len(names)), layout="constrained"
        )
        self.figure_ = self.ax_.figure
        self._plot_scores()
        self._mark_absent()
        self._label_values()
        # Descending limits put the first row on top, below room for a header.
        self.ax_.set(xlabel=self._describe_scores(), ylim=(len(names) - 0.4, -0.9))
        self.ax_.set_yticks(range(len(names)), names)
        self.ax_.locator_params(axis="x", nbins=6)
        self.ax_.grid(axis="x", alpha=0.3)
        self.ax_.spines[["top", "right", "left"]].set_visible(False)
        self.ax_.tick_params(axis="y", length=0)
        if len(self.errorbars_) > 1:
            self.ax_.legend(
                [bars.lines[0] for bars in self.errorbars_.values()],  # markers alone
                self.errorbars_,
                loc="lower center",
                bbox_to_anchor=(0.5, 1),
                ncols=4,
                frameon=False,
            )
        return self

    def _plot_scores(self):
        """Plot the means with error bars over the scores of the folds, by kind."""
        results, scores = self.comparison.results, self.comparison.split_scores
        means, std = scores.mean(axis=1), scores.std(axis=1)
        room = _get_highest(self.comparison.scoring) - means
        # Clipped at 0 as well: a mean of ones may exceed 1 by a rounding error.
        bars = np.array([std, np.minimum(std, room).clip(min=0)])  # left, right
        self.errorbars_ = {}
        for kind, style in _STYLES.items():
            of_kind = (results["kind"] == kind) & (results["error"] == "")
            rows = np.flatnonzero(of_kind)
            if not len(rows):  # an empty error bar would still enter the legend
                continue
            if kind == "baseline" and self.errorbars_:
                # One far below would squeeze the others, so it may be off the scale.
                self.ax_.set_xlim(self.ax_.get_xlim())
            if scores.shape[1] > 1:
                # Below the bar, which would hide them; transparent, as they overlap.
                points = {"color": style["color"], "markersize": 4, "alpha": 0.5}
                self.ax_.plot(scores[rows], rows + 0.25, "o", linewidth=0, **points)
            self.errorbars_[kind] = self.ax_.errorbar(
                means[rows],
                rows,
                xerr=bars[:, rows],
                markersize=8,
                linewidth=0,
                elinewidth=1.5,
                capsize=3,
                label=kind,
                **style,
            )

    def _describe_scores(self):
        """Return the label of the axis of scores: what is drawn, of how many folds."""
        n_folds = self.comparison.split_scores.shape[1]
        if n_folds == 1:
            return self.comparison.scoring
        return (
            f"{self.comparison.scoring}: mean ± standard deviation "
            f"over {n_folds} folds (small points)"
        )

    def _mark_absent(self):
        """Say in the row of a classifier why there is no point."""
        results, means = self.comparison.results, self.comparison.split_scores.mean(1)
        low, high = self.ax_.get_xlim()
        for row, kind in enumerate(results["kind"]):
            if low <= means[row] <= high:
                continue
            above = means[row] > high
            word = "off the scale →" if above else "← off the scale"
            self.ax_.text(
                0.98 if above else 0.02,
                row,
                _failure(results["error"][row]) or word,
                color=_STYLES[kind]["color"],
                ha="right" if above else "left",
                va="center",
                backgroundcolor="white",  # else a line of the grid crosses the words
                transform=self.ax_.get_yaxis_transform(),  # x in parts of the width
            )

    def _label_values(self):
        """Print mean scores and times to fit as tick labels of an axis on the right."""
        results = self.comparison.results
        means = self.comparison.split_scores.mean(axis=1)
        labels = [
            "" if error else f"{score:.4f} {_format_seconds(time):>9}"
            for score, time, error in zip(
                means, results["mean_fit_time"], results["error"]
            )
        ]
        header = f"{'score':>6} {'fit time':>9}"
        right = self.ax_.secondary_yaxis("right")
        right.set_yticks([-0.75, *range(len(labels))], [header, *labels])
        # Monospace, because the padding in the labels aligns the columns.
        right.tick_params(length=0, labelfontfamily="monospace")
        right.spines["right"].set_visible(False)


def _get_highest(scoring):
    """Return the highest value of a score of scikit-learn, or inf for others."""
    if scoring not in get_scorer_names() or scoring in _UNBOUNDED:
        return np.inf
    return 0.0 if scoring.startswith("neg_") else 1.0


def _format_seconds(value):
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"


def _failure(error):
    """What stands in place of the mean: nothing where there is no error."""
    return error if error in ("", INTERRUPTED) else "failed"
