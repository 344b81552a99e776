"""Plot of the class probabilities while an image or a clip is read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sk_rnnimage.images.shapes import CLIP
from sk_rnnimage.inspection.axes import get_panels
from sk_rnnimage.inspection.one_image import (
    as_batch,
    check_network,
    last_step,
    pixels_of,
)
from sk_rnnimage.inspection.paths import network_paths
from sk_rnnimage.inspection.pictures import COLOURS, GREY, LINE_STYLES, faded, to_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PARTS = 8  # pictures below the curves


class EvidenceDisplay:
    """Plot of the class probabilities while an image, or a clip, is read.

    Below the curves the image is shown as far as it has been read, what is to come in
    pale colours; of a clip the frame that came last. A dot marks each change of mind,
    at the probability of the class that takes the lead. A vertical line marks the step
    at which the classifier has decided: from it on, the predicted class leads.

    With many classes the five that matter are plotted, the predicted one and those that
    came to the highest probability at any time, and the sum of all others. A dot on
    none of the curves is one of the others.

    Parameters
    ----------
    probabilities : ndarray of shape (T, n_classes)
        Class probabilities after each step.
    classes : ndarray of shape (n_classes,)
        The labels.
    parts : ndarray of shape (n, H, W, 3)
        What has been read, in colours between 0 and 1.
    steps : ndarray of shape (n,)
        After how many steps each part is shown.
    unit : str, default="steps"
        What the steps are, in the plural.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes around the panels.
    axes_ : ndarray of two matplotlib Axes
        The panels: the curves, and what was read.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    lines_ : dict of matplotlib Line2D
        The curve of each class that is shown, by its label; that of all others by None.
    changes_ : ndarray of int
        After how many steps another class took the lead.
    decided_ : int
        After how many steps the predicted class leads for good.

    See Also
    --------
    RNNImageClassifier.staged_predict_proba : The probabilities.
    ScanOrderDisplay : The order in which an image is read.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import EvidenceDisplay, RNNImageClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(16, scan="rows", max_epochs=8, random_state=0)
    >>> classifier = classifier.fit(X[:1200], y[:1200])
    >>> display = EvidenceDisplay.from_estimator(classifier, X[1203])
    >>> plt.show()  # doctest: +SKIP
    """

    MOST = 5  # classes with a curve of their own, of more than one more

    def __init__(
        self,
        probabilities: np.ndarray,
        classes: np.ndarray,
        *,
        parts: np.ndarray,
        steps: np.ndarray,
        unit: str = "steps",
    ) -> None:
        self.probabilities = probabilities
        self.classes = classes
        self.parts = parts
        self.steps = steps
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike | None = None,
        *,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
    ) -> Self:
        """Plot what a classifier says of one image, or one clip, after each step.

        The reverse direction of a bidirectional network begins at the last step read so
        far. Behind convolutions a step is one of the feature map, which is computed
        from the whole image: the network has seen more than what is shown as read.

        Parameters
        ----------
        estimator : RNNImageClassifier or CRNNImageClassifier
            A fitted classifier, also at the end of a pipeline, where the image is shown
            as it comes to the classifier.
        X : array-like
            One image, or a batch of one; with ``scan="frames"`` one clip.
        ax : matplotlib Axes or array-like of two Axes, default=None
            Axes to plot on, or one for each panel. None creates a new figure.

        Returns
        -------
        EvidenceDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If X is not one image that the estimator reads; with ``scan="sweep"`` and
            with ``cell=None``, which read in no order.
        """
        X = as_batch(estimator, X, cls.__name__)
        estimator, X = last_step(estimator, X)
        check_network(estimator, cls.__name__)
        stages = np.concatenate(list(estimator.staged_predict_proba(X)))  # (T, K)
        layout = estimator._layout()
        pixels = pixels_of(X, estimator.image_shape_, layout)
        steps = _steps_shown(len(stages))
        if layout is CLIP:
            parts, unit = to_rgb(pixels)[steps - 1], "frames"
        else:
            paths = network_paths(estimator.module_, *pixels.shape[:2])
            parts, unit = _read_so_far(pixels, paths, steps), _unit(paths)
        display = cls(stages, estimator.classes_, parts=parts, steps=steps, unit=unit)
        return display.plot(ax=ax)

    def plot(self, ax: "Axes | Sequence[Axes] | np.ndarray | None" = None) -> Self:
        """Plot the probabilities.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of two Axes, default=None
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
        # the legend comes to the right of the curves
        boxes = [(0, 0.26, 0.82, 0.74), (0, 0, 0.82, 0.22)]
        figure_options = {"figsize": (7.5, 4.5), "layout": "constrained"}
        self.ax_, self.axes_ = get_panels(ax, boxes, **figure_options)
        self.figure_ = self.ax_.figure
        curves, strip = self.axes_
        self._find_changes()
        self._plot_curves(curves)
        self._mark_changes(curves)
        self._show_parts(strip)
        n_steps, half = len(self.probabilities), _stride(len(self.probabilities)) / 2
        for panel in self.axes_:
            panel.set_xlim(min(0.5, self.steps[0] - half), n_steps + half)
            panel.set_xticks(self.steps)
        curves.tick_params(labelbottom=False)
        return self

    def _find_changes(self):
        """Find when another class took the lead, and when the last one did."""
        leaders = self.probabilities.argmax(axis=1)
        # before the first frame that is not missing no class leads
        undecided = np.ptp(self.probabilities, axis=1) == 0
        leaders[undecided] = -1
        changed = np.flatnonzero(np.diff(leaders)) + 1
        self.decided_ = int(changed[-1]) + 1 if len(changed) else 1
        self.changes_ = changed[leaders[changed - 1] >= 0] + 1

    def _shown(self):
        """The classes that get a curve: the predicted one, then by probability."""
        n_classes = self.probabilities.shape[1]
        highest = self.probabilities.max(axis=0)
        highest[self.probabilities[-1].argmax()] = np.inf
        order = np.argsort(-highest, kind="stable")
        # one that is left over is shown itself, not as the sum of others
        return order if n_classes <= self.MOST + 1 else order[: self.MOST]

    def _plot_curves(self, panel):
        """Plot the probability of each class that is shown, and of all others."""
        t = np.arange(1, len(self.probabilities) + 1)
        marker = "o" if len(t) <= 12 else None
        style = {"marker": marker, "markersize": 4, "clip_on": False}
        shown, self.lines_ = self._shown(), {}
        for i, k in enumerate(shown):
            (self.lines_[self.classes[k]],) = panel.plot(
                t,
                self.probabilities[:, k],
                color=[*COLOURS, GREY][i],
                linestyle=[*LINE_STYLES, ":"][i],
                label=str(self.classes[k]),
                **style,
            )
        n_others = self.probabilities.shape[1] - len(shown)
        if n_others:
            others = np.delete(self.probabilities, shown, axis=1).sum(axis=1)
            label = f"{n_others} others"
            looks = {"color": GREY, "linestyle": ":", "label": label, **style}
            (self.lines_[None],) = panel.plot(t, others, **looks)
        panel.set(ylim=(0, 1), ylabel="probability")
        panel.grid(axis="x", alpha=0.3)
        beside = {"loc": "upper left", "bbox_to_anchor": (1, 1), "borderaxespad": 0}
        panel.legend(fontsize="small", frameon=False, **beside)

    def _mark_changes(self, panel):
        """Mark where another class took the lead, and where the last one did."""
        predicted = self.classes[self.probabilities[-1].argmax()]
        n_steps, n_changes = len(self.probabilities), len(self.changes_)
        leading = self.probabilities.max(axis=1)[self.changes_ - 1]
        panel.plot(self.changes_, leading, "ko", markersize=6, zorder=3)
        panel.axvline(self.decided_, color="black", linewidth=1, zorder=1)
        changes = "1 change" if n_changes == 1 else f"{n_changes or 'no'} changes"
        panel.set_title(
            f"{predicted}, decided after {self.decided_} of {n_steps} {self.unit}\n"
            f"{changes} of mind",
            fontsize="medium",
        )

    def _show_parts(self, panel):
        """Show what was read, below the step after which it was."""
        panel.set(yticks=[], xlabel=f"{self.unit} read")
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0)
        width = 0.94 * _stride(len(self.probabilities))
        for part, step in zip(self.parts, self.steps):
            box = (step - width / 2, 0, width, 1)
            picture = panel.inset_axes(box, transform=panel.get_xaxis_transform())
            picture.imshow(part, vmin=0, vmax=1)
            picture.set(xticks=[], yticks=[], anchor="S")


def _stride(n_steps):
    """Steps from one picture below the curves to the next."""
    return -(-n_steps // MOST_PARTS)


def _steps_shown(n_steps):
    """After how many steps there is a picture: the last, and back from it."""
    return np.arange(n_steps, 0, -_stride(n_steps))[::-1]


def _read_so_far(pixels, paths, steps):
    """An image as far as it has been read after so many steps: (n, H, W, 3)."""
    # the scans of a tuple advance together
    first = np.min([path.first_step(*pixels.shape[:2]) for path in paths], axis=0)
    read = first < steps[:, None, None]  # (n, H, W)
    colours = to_rgb(pixels)
    return np.where(read[..., None], colours, faded(colours))


def _unit(paths):
    """What the steps are: lines, if each step of all scans is a single line."""
    kinds = {path.name for path in paths}
    return kinds.pop() if kinds <= {"rows"} or kinds <= {"columns"} else "steps"
