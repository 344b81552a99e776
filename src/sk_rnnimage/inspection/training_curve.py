"""Plot of the losses and the scores of a training by epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from sk_rnnimage.inspection.axes import get_panels
from sk_rnnimage.inspection.one_image import check_network, last_step
from sk_rnnimage.inspection.pictures import COLOURS, GREY, LINE_STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What the history of a fit holds beside losses and scores.
_OTHERS = {"epoch", "duration"}


class TrainingCurveDisplay:
    """Plot of a training: the losses by epoch and, where there are some, the scores.

    The scores are in a panel above the losses. With validation images a vertical line
    marks the best epoch of the last fit, the one with the lowest validation loss.

    Parameters
    ----------
    history : list of dict
        One for each epoch, as in the attribute ``history_`` of a classifier.
    best_epoch : int, default=None
        The epoch to mark, counted from 1. None marks none.
    name : str, default=None
        Title of the plot. None has none.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot; of two panels those around them.
    axes_ : ndarray of matplotlib Axes
        The panels: scores, where there are some, and losses.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    lines_ : dict of matplotlib Line2D
        The curves by their names in the history, such as ``"train_loss"``,
        ``"valid_loss"`` and ``"valid_accuracy"``.

    See Also
    --------
    RNNImageClassifier : Its attributes ``history_`` and ``best_epoch_`` are plotted.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier, TrainingCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(16, max_epochs=8, random_state=0)
    >>> classifier = classifier.fit(X[:1200], y[:1200], X_val=X[1200:], y_val=y[1200:])
    >>> display = TrainingCurveDisplay.from_estimator(classifier)
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self,
        history: list[dict[str, Any]],
        *,
        best_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: object = None,
        *,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
        name: str | None = None,
    ) -> Self:
        """Plot the training of a fitted classifier.

        Parameters
        ----------
        estimator : RNNImageClassifier or CRNNImageClassifier
            A fitted classifier, also at the end of a pipeline, or found by a search.
        X : None
            Ignored; the training is known from the estimator.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, or one for each panel. None creates a new figure.
        name : str, default=None
            Title of the plot. None has none.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the estimator is no classifier of this package, or not fitted.
        """
        estimator, _ = last_step(estimator)
        check_network(estimator, cls.__name__)
        history, best = estimator.history_, estimator.best_epoch_
        # without validation images the best epoch is just the last one
        validated = "valid_loss" in history[best - 1]
        best = best if validated else None
        return cls(history, best_epoch=best, name=name).plot(ax=ax)

    def plot(self, ax: "Axes | Sequence[Axes] | np.ndarray | None" = None) -> Self:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, or one for each panel. None creates a new figure.

        Returns
        -------
        self
            This display, plotted.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names = _curves(self.history)
        losses = [name for name in names if name.endswith("loss")]
        scores = [name for name in names if name not in losses]
        boxes = [(0, 0.54, 1, 0.46), (0, 0, 1, 0.46)] if scores else [(0, 0, 1, 1)]
        self.ax_, self.axes_ = get_panels(
            ax, boxes, figsize=(6, 3 + 2 * bool(scores)), layout="constrained"
        )
        self.figure_ = self.ax_.figure
        *above, below = self.axes_
        self.lines_ = self._plot_curves(below, losses, "loss")
        below.set(xlabel="epoch")
        for panel in above:
            self.lines_ |= self._plot_curves(panel, scores, "score")
            panel.tick_params(labelbottom=False)
        if self.name is not None:
            self.axes_[0].set_title(self.name)
        return self

    def _plot_curves(self, panel, names, what):
        """Plot curves of one kind by epoch, and give their lines by name."""
        epochs, lines = [row["epoch"] for row in self.history], {}
        for name in names:
            values = [row.get(name, np.nan) for row in self.history]
            validated = name.startswith("valid")
            (lines[name],) = panel.plot(
                epochs,
                values,
                color=COLOURS[int(validated)],
                linestyle=LINE_STYLES[int(validated)],
                # single epochs are seen without a line between them
                marker="os"[int(validated)] if len(epochs) <= 30 else None,
                markersize=4,
                label=_words(name),
            )
        if self.best_epoch is not None:
            # named once, below, where it is the lowest
            label = f"best epoch: {self.best_epoch}" if what == "loss" else None
            style = {"color": GREY, "linestyle": ":", "zorder": 1}
            panel.axvline(self.best_epoch, label=label, **style)
        panel.set(ylabel=what, xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
        return lines


def _curves(history):
    """The names of all losses and scores of a history, in the order of their coming."""
    return list(
        dict.fromkeys(
            name
            for row in history
            for name, value in row.items()
            if name not in _OTHERS
            and not name.startswith("event_")
            and isinstance(value, (int, float))
            and not isinstance(value, bool)
        )
    )


def _words(name):
    """The name of a curve in plain words: "valid_accuracy" is a validation accuracy."""
    words = {"train": "training", "valid": "validation"}
    return " ".join(words.get(word, word) for word in name.split("_"))
