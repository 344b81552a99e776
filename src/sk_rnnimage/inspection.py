"""Pictures: scikit-learn Displays of what the package reads and finds."""

import numpy as np
from sklearn.utils._param_validation import validate_params
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage.comparison import Comparison
from sk_rnnimage.images import full_shape
from sk_rnnimage.scan import (
    SCANS,
    ImageToSequence,
    check_patch_size,
    grid_shape,
    resolve_patch,
    scan_order,
)

_COLOURS = {"recurrent": "#d1495b", "control": "#e8a33d", "classic": "#30638e"}


class ScanOrderDisplay:
    """The path on which a scan reads an image.

    Each step is a patch of the image, coloured by its time, dark to bright; a line
    joins the patches in the order in which they are read, from the ring on.

    Parameters
    ----------
    order : ndarray of shape (rows * columns,)
        At place t the raster index of the patch read as t-th.
    grid : tuple (rows, columns)
        How many patches the image has.
    patch : tuple (h, w), default=(1, 1)
        Height and width of a patch in pixels.
    name : str, default=None
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the path.
    figure_ : matplotlib Figure
        Figure with the axes.
    image_ : matplotlib AxesImage
        The patches, coloured by time.
    line_ : matplotlib Line2D
        The path.

    See Also
    --------
    ImageToSequence : The transformer that reads in these orders.

    Examples
    --------
    >>> from sk_rnnimage import ScanOrderDisplay
    >>> display = ScanOrderDisplay.from_scan("hilbert", 8, 8)  # doctest: +SKIP
    """

    def __init__(self, order, grid, *, patch=(1, 1), name=None):
        self.order = order
        self.grid = grid
        self.patch = patch
        self.name = name

    @classmethod
    @validate_params(
        {"estimator": [ImageToSequence], "image_shape": [tuple, list, None]},
        prefer_skip_nested_validation=True,
    )
    def from_estimator(cls, estimator, *, image_shape=None, ax=None, name=None):
        """Draw how a transformer reads.

        Parameters
        ----------
        estimator : ImageToSequence
            Fitted, or unfitted with an ``image_shape``.
        image_shape : tuple (H, W) or (H, W, C), default=None
            The shape of an image. None takes the estimator's.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        name : str, default=None
            The title. None takes the name of the scan.

        Returns
        -------
        ScanOrderDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        ValueError
            Where no shape is known, or a patch is larger than the image.
        """
        shape = image_shape or estimator.image_shape
        if shape is None:
            check_is_fitted(
                estimator,
                msg="This %(name)s knows no image shape yet: fit it, or pass "
                "image_shape=(height, width).",
            )
            shape = estimator.image_shape_
        height, width, _ = full_shape(shape)
        return cls.from_scan(
            estimator.scan,
            height,
            width,
            patch_size=estimator.patch_size,
            ax=ax,
            name=name,
        )

    @classmethod
    def from_scan(cls, scan, height, width, *, patch_size=1, ax=None, name=None):
        """Draw a scan by its name.

        Parameters
        ----------
        scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random"}
            The path.
        height, width : int
            The size of the image in pixels.
        patch_size : int, tuple (h, w) or None, default=1
            The size of a step, as in ImageToSequence.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        name : str, default=None
            The title. None takes the name of the scan.

        Returns
        -------
        ScanOrderDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        ValueError
            Where there is no such scan, or a patch is larger than the image.
        """
        if scan not in SCANS:
            raise ValueError(
                f"scan must be one of {', '.join(map(repr, SCANS))}. "
                f"Got {scan!r} instead."
            )
        check_patch_size(patch_size)
        patch = resolve_patch(scan, patch_size, height, width)
        grid = grid_shape(height, width, patch)
        display = cls(
            scan_order(scan, *grid),
            grid,
            patch=patch,
            name=scan if name is None else name,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        self : ScanOrderDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        """
        self.ax_ = _axes(ax, figsize=(4, 4))
        self.figure_ = self.ax_.figure
        rows, columns = self.grid
        height, width = rows * self.patch[0], columns * self.patch[1]
        times = np.argsort(self.order).reshape(rows, columns)
        self.image_ = self.ax_.imshow(
            times, cmap="viridis", extent=(0, width, height, 0), vmin=0,
            vmax=1.25 * times.size,
        )  # fmt: skip
        row, column = np.divmod(self.order, columns)
        x, y = (column + 0.5) * self.patch[1], (row + 0.5) * self.patch[0]
        (self.line_,) = self.ax_.plot(x, y, color="white", linewidth=1.8)
        self.ax_.plot(
            x[0], y[0], "o", markersize=8, markerfacecolor="white",
            markeredgecolor="black",
        )  # fmt: skip
        self.ax_.set(xticks=[], yticks=[], title=self.name)
        return self


class ComparisonDisplay:
    """Scores of a comparison, the best classifier on top.

    A large point is a mean score, its bar one standard deviation over the folds to
    each side, the small points are the folds. The seconds that a fit takes stand at
    the right.

    Parameters
    ----------
    comparison : Comparison
        What ``compare_classifiers`` gave.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the scores.
    figure_ : matplotlib Figure
        Figure with the axes.
    errorbars_ : dict of matplotlib ErrorbarContainer
        For each kind of classifier its points and bars.

    See Also
    --------
    compare_classifiers : The comparison.

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
        """Draw a comparison.

        Parameters
        ----------
        comparison : Comparison
            What ``compare_classifiers`` gave.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        ComparisonDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        """
        return cls(comparison).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        self : ComparisonDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        """
        names = self.comparison.results["name"]
        self.ax_ = _axes(ax, figsize=(9, 1.6 + 0.42 * len(names)), layout="constrained")
        self.figure_ = self.ax_.figure
        self._draw_scores()
        self._write_values()
        self.ax_.set(xlabel=self.comparison.scoring, ylim=(len(names) - 0.4, -0.9))
        self.ax_.set_yticks(range(len(names)), names)
        self.ax_.locator_params(axis="x", nbins=6)
        self.ax_.grid(axis="x", alpha=0.3)
        self.ax_.spines[["top", "right", "left"]].set_visible(False)
        self.ax_.tick_params(axis="y", length=0)
        if len(self.errorbars_) > 1:
            self.ax_.legend(
                loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False
            )
        return self

    def _draw_scores(self):
        """Points and bars, a colour for each kind, and the folds beneath them."""
        results, folds = self.comparison.results, self.comparison.split_scores
        self.errorbars_ = {}
        for kind, colour in _COLOURS.items():
            places = np.flatnonzero(results["kind"] == kind)
            if not len(places):
                continue
            self.ax_.plot(
                folds[places], places, "o", color=colour, markersize=3, alpha=0.45
            )
            self.errorbars_[kind] = self.ax_.errorbar(
                results["mean_test_score"][places], places,
                xerr=results["std_test_score"][places], fmt="o", color=colour,
                markersize=8, capsize=3, label=kind,
            )  # fmt: skip

    def _write_values(self):
        """Scores and seconds to fit, as the labels of an axis on the right."""
        results = self.comparison.results
        pairs = zip(results["mean_test_score"], results["mean_fit_time"])
        labels = [f"{score:.4f} {_seconds(fit):>9}" for score, fit in pairs]
        right = self.ax_.secondary_yaxis("right")
        places = [-0.75, *range(len(labels))]
        right.set_yticks(places, [f"{'score':>6} {'fit':>9}", *labels])
        right.tick_params(length=0, labelfontfamily="monospace")
        right.spines["right"].set_visible(False)


def _axes(ax, **settings):
    """The axes to draw on: those given, or those of a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: "
            'pip install "sk_rnnimage[plot]"'
        ) from error
    return plt.subplots(**settings)[1] if ax is None else ax


def _seconds(value):
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"
