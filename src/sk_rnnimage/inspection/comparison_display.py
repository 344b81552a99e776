"""Plot of the scores of a comparison of classifiers."""

import numpy as np
from sklearn.metrics import get_scorer_names

from sk_rnnimage._environment.borrowed import validate_params
from sk_rnnimage.comparison import Comparison
from sk_rnnimage.inspection.axes import get_axes

_COLOURS = {
    "recurrent": "#d1495b",
    "control": "#e8a33d",
    "classic": "#30638e",
    "baseline": "#7a7a7a",
}

_UNBOUNDED = {"mutual_info_score", "positive_likelihood_ratio"}


class ComparisonDisplay:
    """Plot of the scores of a comparison, the best classifier on top.

    For each classifier a large point shows the mean score, an error bar one standard
    deviation over the folds, and small points the scores of the folds. An error bar
    ends at the highest score there can be, such as an accuracy of 1. The mean score and
    the mean time to fit are printed on the right. Of several scores the first is
    plotted. The axis is scaled to the classifiers that are no baselines. A classifier
    that failed has the word "failed" in its row.

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
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers, compare_classifiers
    >>> from sk_rnnimage import ComparisonDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> comparison = compare_classifiers(
    ...     classic_classifiers(), X, y
    ... )  # doctest: +SKIP
    >>> ComparisonDisplay.from_comparison(comparison)  # doctest: +SKIP
    """

    def __init__(self, comparison):
        self.comparison = comparison

    @classmethod
    @validate_params({"comparison": [Comparison]}, prefer_skip_nested_validation=True)
    def from_comparison(cls, comparison, *, ax=None):
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

    def plot(self, ax=None):
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        Returns
        -------
        self : ComparisonDisplay

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
        self.ax_.set(xlabel=self.comparison.scoring, ylim=(len(names) - 0.4, -0.9))
        self.ax_.set_yticks(range(len(names)), names)
        self.ax_.locator_params(axis="x", nbins=6)
        self.ax_.grid(axis="x", alpha=0.3)
        self.ax_.spines[["top", "right", "left"]].set_visible(False)
        self.ax_.tick_params(axis="y", length=0)
        if len(self.errorbars_) > 1:
            self.ax_.legend(
                loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False
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
        for kind, colour in _COLOURS.items():
            of_kind = (results["kind"] == kind) & (results["error"] == "")
            rows = np.flatnonzero(of_kind)
            if not len(rows):  # an empty error bar would still enter the legend
                continue
            if kind == "baseline" and self.errorbars_:
                # One far below would squeeze the others, so it may be off the scale.
                self.ax_.set_xlim(self.ax_.get_xlim())
            # Transparent, because the scores of the folds often overlap.
            self.ax_.plot(
                scores[rows], rows, "o", color=colour, markersize=3, alpha=0.45
            )
            self.errorbars_[kind] = self.ax_.errorbar(
                means[rows],
                rows,
                xerr=bars[:, rows],
                fmt="o",
                color=colour,
                markersize=8,
                capsize=3,
                label=kind,
            )

    def _mark_absent(self):
        """Say in the row of a classifier why there is no point."""
        results, means = self.comparison.results, self.comparison.split_scores.mean(1)
        low, high = self.ax_.get_xlim()
        for row, kind in enumerate(results["kind"]):
            if low <= means[row] <= high:
                continue
            self.ax_.text(
                0.02,
                row,
                "failed" if results["error"][row] else "off the scale",
                color=_COLOURS[kind],
                va="center",
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
        header = f"{'score':>6} {'fit':>9}"
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
