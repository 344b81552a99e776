"""Plot of the order in which a scan visits the patches of an image."""

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.borrowed import validate_params
from sk_rnnimage.images.orders import (
    SCANS,
    check_patch_size,
    grid_shape,
    resolve_patch,
    scan_order,
)
from sk_rnnimage.images.shapes import full_shape
from sk_rnnimage.inspection.axes import get_axes
from sk_rnnimage.scan import ImageToSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ScanOrderDisplay:
    """Plot of a scan order.

    The image is divided into patches, one per step, coloured from dark (first step) to
    bright (last step). A line connects the patches in scan order, from a circle in the
    first to an arrowhead in the last. Where each step is a whole row or column, the
    steps are set apart and numbered along an axis.

    Parameters
    ----------
    order : ndarray of shape (rows * columns,)
        Raster index of the patch that is read at each step.
    grid : tuple (rows, columns)
        Number of patches along the height and the width of the image.
    patch : tuple (h, w), default=(1, 1)
        Height and width of a patch in pixels.
    name : str, default=None
        Title of the plot. None leaves it empty.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    image_ : matplotlib AxesImage
        The patches, coloured by step.
    line_ : matplotlib Line2D
        The line through the patches.

    See Also
    --------
    ImageToSequence : Transformer that reads images in these orders.

    Examples
    --------
    >>> from sk_rnnimage import ScanOrderDisplay
    >>> display = ScanOrderDisplay.from_scan("hilbert", 8, 8)  # doctest: +SKIP
    """

    def __init__(
        self,
        order: np.ndarray,
        grid: tuple[int, int],
        *,
        patch: tuple[int, int] = (1, 1),
        name: str | None = None,
    ) -> None:
        self.order = order
        self.grid = grid
        self.patch = patch
        self.name = name

    @classmethod
    @validate_params(
        {"estimator": [ImageToSequence], "image_shape": [tuple, list, None]},
        prefer_skip_nested_validation=True,
    )
    def from_estimator(
        cls,
        estimator: ImageToSequence,
        *,
        image_shape: tuple[int, ...] | None = None,
        ax: "Axes | None" = None,
        name: str | None = None,
    ) -> Self:
        """Plot the scan order of a transformer.

        Parameters
        ----------
        estimator : ImageToSequence
            A fitted transformer, or an unfitted one if an ``image_shape`` is given.
        image_shape : tuple (H, W) or (H, W, C), default=None
            Shape of an image. None takes the shape from the transformer.
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.
        name : str, default=None
            Title of the plot. None takes the name of the scan.

        Returns
        -------
        ScanOrderDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the image shape is not known, or a patch is larger than the image.
        """
        # The parameter works without fit, and wins over a learnt shape.
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
    def from_scan(
        cls,
        scan: str,
        height: int,
        width: int,
        *,
        patch_size: int | tuple[int | None, int | None] | None = 1,
        ax: "Axes | None" = None,
        name: str | None = None,
    ) -> Self:
        """Plot the scan order of that name.

        Parameters
        ----------
        scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random"}
            Name of the scan.
        height, width : int
            Size of the image in pixels.
        patch_size : int, tuple (h, w) or None, default=1
            Size of a patch in pixels, as in ImageToSequence.
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.
        name : str, default=None
            Title of the plot. None takes the name of the scan.

        Returns
        -------
        ScanOrderDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no scan of that name, or a patch is larger than the image.
        """
        if scan not in SCANS:
            raise ValueError(
                f"scan must be one of {', '.join(map(repr, SCANS))}. "
                f"Got {scan!r} instead."
            )
        check_patch_size(patch_size)
        patch = resolve_patch(scan, patch_size, height, width)
        grid = grid_shape(height, width, patch)
        order = scan_order(scan, *grid)
        name = scan if name is None else name
        return cls(order, grid, patch=patch, name=name).plot(ax=ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Plot the scan order.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        Returns
        -------
        self : ScanOrderDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = get_axes(ax, figsize=(4, 4))
        self.figure_ = self.ax_.figure
        rows, columns = self.grid
        # Larger than the image where its edges are padded to whole patches.
        height, width = rows * self.patch[0], columns * self.patch[1]
        # argsort inverts the permutation: the step of each patch.
        steps = np.argsort(self.order).reshape(rows, columns)
        self.ax_.set(xticks=[], yticks=[], title=self.name)
        self.image_ = self.ax_.imshow(
            steps,
            cmap="viridis",
            extent=(0, width, height, 0),  # in pixels, the first row on top
            vmin=0,
            vmax=1.25 * steps.size,  # without the yellow end, which hides a white line
        )
        row, column = np.divmod(self.order, columns)
        x, y = (column + 0.5) * self.patch[1], (row + 0.5) * self.patch[0]
        (self.line_,) = self.ax_.plot(x, y, color="white", linewidth=1.8)
        self._mark_ends(x, y)
        if 1 in self.grid and self.grid != (1, 1):
            self._number_lines(steps.ravel() + 1)
        return self

    def _mark_ends(self, x, y):
        """Mark the first patch with a circle and the last with an arrowhead."""
        style = {"color": "white", "markeredgecolor": "black", "clip_on": False}
        if len(x) > 1:
            # Counterclockwise from upwards; y grows downwards.
            angle = np.degrees(np.arctan2(y[-2] - y[-1], x[-1] - x[-2])) - 90
            self.ax_.plot(x[-1], y[-1], marker=(3, 0, angle), markersize=10, **style)
        self.ax_.plot(x[0], y[0], "o", markersize=8, **style)

    def _number_lines(self, steps):
        """Set whole rows or columns apart, and number them by step on their axis."""
        of_rows = self.grid[1] == 1
        axis = self.ax_.yaxis if of_rows else self.ax_.xaxis
        size = self.patch[0] if of_rows else self.patch[1]
        draw_edges = self.ax_.hlines if of_rows else self.ax_.vlines
        edges = np.arange(1, len(steps)) * size
        across = self.ax_.get_xlim() if of_rows else self.ax_.get_ylim()
        width = min(0.8, 20 / len(steps))  # many edges would hide the colours
        draw_edges(edges, *across, color="white", linewidth=width)
        # At most 14 numbers, because those of thinner lines would overlap.
        shown = np.arange(0, len(steps), -(-len(steps) // 14))
        axis.set_ticks((shown + 0.5) * size, steps[shown])
        axis.set_tick_params(length=0, labelsize="small")
        axis.set_label_text("step")
