"""Plot of the order in which the steps of an image are read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage.images.orders import SCANS, check_patch_size
from sk_rnnimage.images.shapes import (
    CLIP,
    check_image_shape,
    full_shape,
    is_positive_int,
    layout_of,
)
from sk_rnnimage.inspection.axes import get_panels
from sk_rnnimage.inspection.one_image import (
    as_batch,
    check_network,
    last_step,
    pixels_of,
)
from sk_rnnimage.inspection.paths import Path, frames_path, network_paths, scan_path
from sk_rnnimage.inspection.pictures import faded, to_grey, to_rgb
from sk_rnnimage.scan import ImageToSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The widest line in points, where it is as long as the image is wide. Longer ones are
# finer, so that they do not hide the image.
_MOST_INK = 80

MOST_PIXELS = 2**24  # that from_scan draws


class ScanOrderDisplay:
    """Plot of the order in which an image is read, one panel for each scan.

    Without an image, its pixels are coloured by the step that reads them first, from
    dark (first step) to bright (last step), and a white line connects the steps. On an
    image, the line has these colours. It goes from a circle in the first step to an
    arrowhead in the last. Where each step is one or several whole rows or columns, they
    are set apart and numbered along an axis. A sweep has a panel for its passes along
    the rows and one for those along the columns. Clips are laid out frame by frame,
    at most 36 of them, with the number of each.

    Parameters
    ----------
    paths : list of Path
        The steps of each scan, in pixels.
    picture : ndarray of shape (H, W, 3), default=None
        The image below the paths, in colours between 0 and 1. None draws the bare
        paths.
    name : str, default=None
        Title of the plot. None takes the names of the scans.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot; of several panels those around them.
    axes_ : ndarray of matplotlib Axes
        The panels, one for each scan.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    images_ : list of matplotlib AxesImage
        In each panel the steps in their colours, or the image.
    lines_ : list of matplotlib Line2D or LineCollection
        The line of each panel; of a sweep that of its first pass.

    See Also
    --------
    ImageToSequence : Transformer that reads images in these orders.
    EvidenceDisplay : What a classifier says after each step.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sk_rnnimage import ScanOrderDisplay
    >>> display = ScanOrderDisplay.from_scan("hilbert", 8, 8)
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self,
        paths: list[Path],
        *,
        picture: np.ndarray | None = None,
        name: str | None = None,
    ) -> None:
        self.paths = paths
        self.picture = picture
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike | None = None,
        *,
        image_shape: tuple[int, ...] | None = None,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
        name: str | None = None,
    ) -> Self:
        """Plot the order in which a classifier or a transformer reads an image.

        A bidirectional network also reads each path from its end. Behind convolutions a
        step is one of the feature map, drawn where it lies in the image; it sees a
        larger part of that.

        Parameters
        ----------
        estimator : RNNImageClassifier, CRNNImageClassifier or ImageToSequence
            A fitted classifier, also in a pipeline, of which the images are shown as
            they come to the last step; or a transformer, which need not be fitted if an
            ``image_shape`` is given.
        X : array-like, default=None
            One image, or a batch of one, to draw the paths on. With ``scan="frames"``
            one clip. None draws the bare paths.
        image_shape : tuple (H, W) or (H, W, C), default=None
            Shape of an image, with T in front of a clip, if there is no X. None takes
            the shape from the estimator.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, or one for each panel. None creates a new figure.
        name : str, default=None
            Title of the plot. None takes the names of the scans.

        Returns
        -------
        ScanOrderDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If X is not one image that the estimator reads, the image shape is not
            known, or a patch is larger than the image.
        """
        if X is not None:
            X = as_batch(estimator, X, cls.__name__)
        estimator, X = last_step(estimator, X)
        if isinstance(estimator, ImageToSequence):
            find_paths = _paths_of_transformer
        else:
            check_network(estimator, cls.__name__)
            find_paths = _paths_of_classifier
        check_image_shape(image_shape, _layout(estimator))
        pixels, shape = None, image_shape
        if X is not None:
            pixels = _checked_pixels(estimator, X)
            shape = pixels.shape
        elif shape is None:
            shape = _shape_of(estimator)
        paths = find_paths(estimator, full_shape(shape, _layout(estimator)))
        picture = None if pixels is None else _picture(pixels, paths)
        return cls(paths, picture=picture, name=name).plot(ax=ax)

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
            If there is no scan of that name, a patch is larger than the image, or
            the image has more than 2**24 pixels.
        """
        if not isinstance(scan, str) or scan not in SCANS:
            raise ValueError(
                f"scan must be one of {', '.join(map(repr, SCANS))}. "
                f"Got {scan!r} instead."
            )
        for side, value in {"height": height, "width": width}.items():
            if not is_positive_int(value):
                raise ValueError(
                    f"{side} must be a whole number of at least 1. Got {value!r} "
                    "instead."
                )
        if height * width > MOST_PIXELS:
            raise ValueError(
                f"height and width must have a product of at most {MOST_PIXELS:,}. Got "
                f"{height} x {width}: of more pixels no order can be seen."
            )
        check_patch_size(patch_size)
        path = scan_path(scan, int(height), int(width), patch_size)
        return cls([path], name=name).plot(ax=ax)

    def plot(self, ax: "Axes | Sequence[Axes] | np.ndarray | None" = None) -> Self:
        """Plot the scan order.

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
        n = len(self.paths)
        boxes = [(i / n, 0, 0.88 / n, 1) for i in range(n)]
        self.ax_, self.axes_ = get_panels(ax, boxes, figsize=(4 * n, 4))
        self.figure_ = self.ax_.figure
        panels = list(zip(self.axes_, self.paths))
        self.images_ = [self._show_image(panel, path) for panel, path in panels]
        self.lines_ = [
            self._plot_passes(panel, path)
            for panel, path in panels
            if path.numbers is None  # those of frames tell the order
        ]
        for panel, path in panels:
            title = path.name if self.name is None else self.name
            panel.set_title(title, fontsize="medium")
            if path.lines() is not None:
                # on an image a colour that is neither light nor dark
                colour = "white" if self.picture is None else "#56b4e9"
                _number_lines(panel, path, colour)
            elif path.numbers is not None:
                _number_frames(panel, path)
        return self

    def _show_image(self, panel, path):
        """Show the image, or its pixels by the step that reads them first."""
        n_steps = path.corners.shape[1]
        height, width = path.area
        if self.picture is None:
            steps = path.first_step(height, width)
            picture = np.ma.masked_equal(steps, n_steps)
            # without the yellow end, which hides a white line
            shades = {"cmap": "viridis", "vmin": 0, "vmax": 1.25 * n_steps}
        else:
            picture, shades = self.picture, {}
        h, w = picture.shape[:2]
        image = panel.imshow(picture, extent=(0, w, h, 0), **shades)  # in pixels
        # larger than the image where its edges are padded to whole patches
        panel.set(xlim=(0, max(width, w)), ylim=(max(height, h), 0))
        panel.set(xticks=[], yticks=[])
        return image

    def _plot_passes(self, panel, path):
        """Plot a line from a circle to an arrowhead for each pass; give the first."""
        n_passes, lines = len(path.corners), []
        width = min(1.8, _MOST_INK / (n_passes * path.length()))
        for points in path.centres:
            x, y = points.T
            if self.picture is None:
                lines += panel.plot(x, y, color="white", linewidth=width)
            else:
                lines.append(_shaded_line(panel, x, y, width))
            _mark_ends(panel, x, y, scale=min(1, 0.2 + 5 / n_passes))
        return lines[0]


def _layout(estimator):
    """Whether a transformer or a fitted classifier reads images or clips."""
    if isinstance(estimator, ImageToSequence):
        return layout_of(estimator.scan)
    return estimator._layout()


def _shape_of(estimator):
    """The shape of an image of ``fit``, or of the parameter of a transformer."""
    if isinstance(estimator, ImageToSequence):
        if estimator.image_shape is not None:
            return estimator.image_shape
        check_is_fitted(
            estimator,
            msg="This %(name)s knows no image shape yet: fit it, or pass "
            "image_shape=(height, width).",
        )
    return estimator.image_shape_


def _checked_pixels(estimator, batch):
    """The pixels of an image that an estimator reads."""
    if isinstance(estimator, ImageToSequence):
        estimator.transform(batch)
    else:
        estimator.predict(batch)
    return pixels_of(batch, estimator.image_shape_, _layout(estimator))


def _paths_of_transformer(transformer, shape):
    if transformer.scan == "frames":
        return [frames_path(shape[0], shape[1:3])]
    return [scan_path(transformer.scan, *shape[:2], transformer.patch_size)]


def _paths_of_classifier(classifier, shape):
    if _layout(classifier) is CLIP:
        return [frames_path(shape[0], shape[1:3])]
    return network_paths(classifier.module_, *shape[:2])


def _picture(pixels, paths):
    """An image as a picture, or the frames of a clip laid out as in their path."""
    colours = to_rgb(pixels)
    if colours.ndim == 3:
        return faded(to_grey(colours), 0.3)
    (path,) = paths
    height, width = path.size
    picture = np.ones((*path.area, 3))
    for (top, left), number in zip(path.corners[0], path.numbers):
        picture[top : top + height, left : left + width] = colours[number - 1]
    return picture


def _shaded_line(panel, x, y, width):
    """Plot a line that goes from dark to bright, with an edge that sets it off."""
    from matplotlib.collections import LineCollection
    from matplotlib.patheffects import Normal, Stroke

    points = np.column_stack([x, y])
    segments = np.stack([points[:-1], points[1:]], axis=1)  # (T - 1, 2, 2)
    line = LineCollection(segments, cmap="plasma", linewidth=width)
    line.set_array(np.arange(len(segments)))
    if width > 1:  # else the edge is all that is seen
        edge = Stroke(linewidth=width + 1.2, foreground="black")
        line.set_path_effects([edge, Normal()])
    return panel.add_collection(line)


def _mark_ends(panel, x, y, scale):
    """Mark the first step with a circle and the last with an arrowhead."""
    style = {"color": "white", "markeredgecolor": "black", "clip_on": False}
    if len(x) > 1:
        # Counterclockwise from upwards; y grows downwards.
        angle = np.degrees(np.arctan2(y[-2] - y[-1], x[-1] - x[-2])) - 90
        arrow = {"marker": (3, 0, angle), "markersize": 10 * scale}
        panel.plot(x[-1], y[-1], **arrow, **style)
    panel.plot(x[0], y[0], "o", markersize=8 * scale, **style)


def _number_lines(panel, path, colour):
    """Set whole rows or columns apart, and number them by step on their axis."""
    of_rows = path.lines() == "rows"
    axis = panel.yaxis if of_rows else panel.xaxis
    starts = path.corners[0, :, 0 if of_rows else 1]  # (T,)
    steps = np.argsort(starts)  # from the top, or from the left
    draw_edges = panel.hlines if of_rows else panel.vlines
    across = panel.get_xlim() if of_rows else panel.get_ylim()
    width = min(0.8, 20 / len(steps))  # many edges would hide the colours
    draw_edges(starts[steps[1:]], *across, color=colour, linewidth=width)
    # At most 14 numbers, 8 side by side, because those of thinner lines would overlap.
    shown = steps[:: -(-len(steps) // (14 if of_rows else 8))]
    axis.set_ticks(path.centres[0, shown, 1 if of_rows else 0], shown + 1)
    axis.set_tick_params(length=0, labelsize="small")
    axis.set_label_text("step")


def _number_frames(panel, path):
    """Write the number of each frame into its corner, and set the frames apart."""
    height, width = path.size
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
    for (top, left), number in zip(path.corners[0], path.numbers):
        corner = left + 0.06 * width, top + 0.06 * height
        panel.text(*corner, number, va="top", fontsize="small", bbox=box)
    edges = {"color": "white", "linewidth": 1.5}
    panel.hlines(np.unique(path.corners[..., 0]), *panel.get_xlim(), **edges)
    panel.vlines(np.unique(path.corners[..., 1]), *panel.get_ylim(), **edges)
    panel.spines[:].set_visible(False)
