"""Plot of where a classifier looks: what it loses when a patch is hidden."""

from itertools import product
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage.images.orders import check_patch_size, resolve_patch
from sk_rnnimage.images.shapes import CLIP, check_image_shape
from sk_rnnimage.inspection.axes import get_axes
from sk_rnnimage.inspection.one_image import (
    as_batch,
    image_shape_of,
    layout_read_by,
    pixels_of,
)
from sk_rnnimage.inspection.pictures import COLOURS, faded, to_grey, to_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VALUES_AT_ONCE = 2**24  # of hidden copies of an image that are predicted together
_SMALLEST_SCALE = 0.05  # a smaller fall is pale, not stretched to full colour


class OcclusionDisplay:
    """Plot of the fall in a class probability when a patch of an image is hidden.

    The patch is filled with the mean colour of the image and moved over it, by a third
    of its side each time [1]_. The fall at a pixel is the mean over the patches that
    cover it. Orange parts speak for the class: without them its probability falls. Blue
    parts speak against it.

    Parameters
    ----------
    falls : ndarray of shape (H, W)
        Fall in probability at each pixel.
    picture : ndarray of shape (H, W, 3)
        The image, in colours between 0 and 1.
    label : object
        The class.
    probability : float
        Its probability for the whole image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    image_ : matplotlib AxesImage
        The falls, over the image.
    colorbar_ : matplotlib Colorbar
        The scale of the falls.

    See Also
    --------
    EvidenceDisplay : What a classifier says after each step.

    Notes
    -----
    The number of predictions grows with the number of patches, some 500 for an image of
    28 x 28 pixels and 300 for one of 128 x 128. An image with a grey patch is like none
    of ``fit``: the plot says what this classifier makes of it, not what is in the
    image. Parts that each suffice alone show no fall, as the other one is still there.

    References
    ----------
    .. [1] M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional
       networks", ECCV 2014, sec. 4.2.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import OcclusionDisplay, classic_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> forest = classic_classifiers(random_state=0)["Random forest"]
    >>> forest = forest.fit(X[:1200], y[:1200])
    >>> display = OcclusionDisplay.from_estimator(forest, X[1203])
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self,
        falls: np.ndarray,
        *,
        picture: np.ndarray,
        label: object,
        probability: float,
    ) -> None:
        self.falls = falls
        self.picture = picture
        self.label = label
        self.probability = probability

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike | None = None,
        *,
        label: object = None,
        patch_size: int | tuple[int | None, int | None] | None = None,
        image_shape: tuple[int, ...] | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot what a classifier loses when patches of one image are hidden.

        Of a clip the patch is hidden in all frames at once, so that the plot shows
        where the classifier looks, not when; it is drawn over the mean of the frames.

        Parameters
        ----------
        estimator : classifier
            Any fitted classifier with ``predict_proba``, of this package or not, also a
            pipeline that takes arrays.
        X : array-like
            One image, or a batch of one, shaped or flat, as the estimator takes it;
            one clip where it reads clips.
        label : object, default=None
            The class whose probability is looked at. None is the predicted one.
        patch_size : int or tuple (h, w), default=None
            Height and width of the patch in pixels. None is a sixth of the shorter
            side, two pixels of 8 x 8.
        image_shape : tuple (H, W) or (H, W, C), default=None
            The shape of a flat image. None takes that of the estimator, where it knows
            one, else a square, grey or RGB.
        ax : matplotlib Axes, default=None
            Axes to plot on. None creates a new figure.

        Returns
        -------
        OcclusionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If X is not one image of pixels, there is no such class, a patch is larger
            than the image, or the estimator has no ``predict_proba``.
        """
        _check_classifier(estimator)
        X, layout = as_batch(estimator, X, cls.__name__), layout_read_by(estimator)
        layout = CLIP if np.ndim(X) == 5 else layout
        check_image_shape(image_shape, layout)
        shape = image_shape_of(estimator) if image_shape is None else image_shape
        _refuse_files(X)
        (whole,) = estimator.predict_proba(X)  # checks X too
        k = _index_of(label, estimator.classes_, whole)
        pixels = pixels_of(X, shape, layout)
        patch = _patch(patch_size, *pixels.shape[-3:-1])
        sides = zip(pixels.shape[-3:-1], patch)
        corners = list(product(*(_places(side, step) for side, step in sides)))
        hidden = _hide_patches(pixels, corners, patch)
        probabilities = np.concatenate(
            [estimator.predict_proba(_like(X, part))[:, k] for part in hidden]
        )
        falls = _at_each_pixel(whole[k] - probabilities, pixels, corners, patch)
        picture = to_rgb(pixels if pixels.ndim == 3 else np.nanmean(pixels, axis=0))
        label = estimator.classes_[k]
        display = cls(falls, picture=picture, label=label, probability=whole[k])
        return display.plot(ax=ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Plot the falls over the image.

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
        self.ax_ = get_axes(ax, figsize=(5, 4), layout="constrained")
        self.figure_ = self.ax_.figure
        limit = max(_SMALLEST_SCALE, np.abs(self.falls).max())
        # pale, so that the colours are seen on it
        self.ax_.imshow(faded(to_grey(self.picture), 0.5))
        strength = np.sqrt(np.abs(self.falls) / limit)
        self.image_ = self.ax_.imshow(
            self.falls, cmap=_colours(), vmin=-limit, vmax=limit, alpha=0.8 * strength
        )
        height, width = self.falls.shape
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=self.ax_, shrink=min(1, height / width)
        )
        self.colorbar_.set_label(f"fall in probability of {self.label}")
        title = f"{self.label}: {self.probability:.2f}"
        self.ax_.set(xticks=[], yticks=[], title=title)
        return self


def _colours():
    """From blue through white to orange, which colour-blind readers tell apart."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = COLOURS[0], "white", COLOURS[1]
    return LinearSegmentedColormap.from_list("falls", ends)


def _check_classifier(estimator):
    """Raise where there is no ``predict_proba``, or nothing is fitted."""
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            "OcclusionDisplay needs a classifier with predict_proba, which this "
            f"{type(estimator).__name__} does not have. Wrap it: "
            "CalibratedClassifierCV(estimator), and fit that."
        )


def _refuse_files(X):
    """Raise where X does not hold pixels."""
    item = X[0] if isinstance(X, (list, tuple)) else X
    if not hasattr(item, "shape"):
        raise ValueError(
            "OcclusionDisplay hides pixels, so X must be an array. Got a value of type "
            f"{type(item).__name__}. Pass what the reader of a pipeline makes of a "
            "file, and the steps behind it: pipeline[0].transform([file]) and "
            "pipeline[1:]."
        )


def _index_of(label, classes, probabilities):
    """The index of a label, or of the most probable class."""
    if label is None:
        return int(np.argmax(probabilities))
    found = [k for k, known in enumerate(classes.tolist()) if _is(label, known)]
    if not len(found):
        raise ValueError(
            f"label={label!r} is none of the classes: {classes.tolist()}. None takes "
            "the predicted one."
        )
    return found[0]


def _is(label, known):
    """Whether a label, of whatever type, is one of the classes."""
    return np.isscalar(label) and bool(label == known)


def _patch(patch_size, height, width):
    """The sides of a patch in pixels."""
    if patch_size is None:
        shorter = min(height, width)
        side = max(1, min(2, shorter // 4), round(shorter / 6))
        return side, side
    check_patch_size(patch_size)
    return resolve_patch(None, patch_size, height, width)


def _places(side, step):
    """Where patches begin: each a third of a patch further, the last at the edge."""
    places = np.arange(0, side - step + 1, max(1, step // 3))
    return np.union1d(places, [side - step])


def _hide_patches(pixels, corners, patch):
    """Copies of an image with one patch hidden in each, some at a time."""
    height, width, n_channels = pixels.shape[-3:]
    mean = np.nanmean(pixels.reshape(-1, n_channels), axis=0)
    if pixels.dtype.kind in "biu":
        mean = mean.round()
    n_together = max(1, _VALUES_AT_ONCE // pixels.size)
    for start in range(0, len(corners), n_together):
        some = corners[start : start + n_together]
        copies = np.repeat(pixels[None], len(some), axis=0)
        for copy, (top, left) in zip(copies, some):
            copy[..., top : top + patch[0], left : left + patch[1], :] = mean
        yield copies


def _like(X, copies):
    """Copies of an image in the layout of a batch of one."""
    if isinstance(X, (list, tuple)):
        return [copy.reshape(X[0].shape) for copy in copies]
    copies = copies.reshape(-1, *X.shape[1:])
    return type(X)(copies, columns=X.columns) if hasattr(X, "columns") else copies


def _at_each_pixel(falls, pixels, corners, patch):
    """The mean over the patches that cover a pixel: (H, W)."""
    total, count = np.zeros((2, *pixels.shape[-3:-1]))
    for fall, (top, left) in zip(falls, corners):
        where = slice(top, top + patch[0]), slice(left, left + patch[1])
        total[where] += fall
        count[where] += 1
    return total / count
