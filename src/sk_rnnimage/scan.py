"""ImageToSequence: the scans as a transformer."""

import math
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.borrowed import StrOptions, _fit_context
from sk_rnnimage._environment.documentation import LinkedEstimator
from sk_rnnimage._environment.parameters import check_parameters
from sk_rnnimage._environment.tasks import (
    CallbackSupportMixin,
    FitTask,
    with_callbacks,
)
from sk_rnnimage.images.arrays import making_array, to_numpy
from sk_rnnimage.images.checking import check_images, unchanged_on_error
from sk_rnnimage.images.clips import check_clips
from sk_rnnimage.images.orders import (
    SCANS,
    check_patch_size,
    from_patches,
    grid_shape,
    refuse_patches_of_frames,
    resolve_patch,
    scan_order,
    to_patches,
)
from sk_rnnimage.images.shapes import check_image_shape, full_shape, layout_of


def _n_axes(X):
    """Axes of X as an array, where it may be a list or a Series of images too."""
    if not isinstance(X, (list, tuple)):
        X = X if hasattr(X, "ndim") else np.asarray(X)
        if X.ndim > 1:
            return X.ndim
    return 1 + np.ndim(X.iloc[0] if hasattr(X, "iloc") else X[0])


class ImageToSequence(
    TransformerMixin, CallbackSupportMixin, LinkedEstimator, BaseEstimator
):
    """Turn each image into the sequence in which a scan reads it.

    The image is cut into a grid of patches of ``patch_size`` pixels; each patch,
    flattened row by row and channel by channel, is one step; the steps come in the
    order in which ``scan`` walks over the grid.

    Parameters
    ----------
    scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random", \
"frames"}, default="rows"
        The path over the grid. ``"snake"`` is rows with every second one backwards,
        ``"spiral"`` runs clockwise inwards, ``"hilbert"`` is a Hilbert curve [1]_
        generalised to any rectangle, ``"diagonal"`` the zigzag of JPEG, ``"random"``
        one permutation, the same everywhere for one grid size. Snake, spiral and
        hilbert step from neighbour to neighbour, but for one diagonal step of hilbert
        where an odd side forces it. ``"frames"`` reads clips (n, T, H, W) or (n, T, H,
        W, C): a whole frame is a step.
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step in pixels; None in a tuple is the whole extent.
        None alone is a whole line for rows and columns, else one pixel. Edges that
        do not fill a patch are padded with zeros. Must be None for frames.
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat images that are neither square grey
        nor square RGB: without it those are read as one row of pixels, from 32 columns
        on with a warning. Of a clip (T, H, W) or (T, H, W, C); without it a flat clip
        is one frame of one row.

    Attributes
    ----------
    n_steps_ : int
        Steps T of a sequence.
    step_size_ : int
        Numbers F in a step: h * w * C.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others; of clips T comes first.
    n_features_in_ : int
        Pixel values of an image, H * W * C, or of a clip, T * H * W * C.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``fit`` saw a DataFrame.

    References
    ----------
    .. [1] D. Hilbert, "Ueber die stetige Abbildung einer Linie auf ein
       Flaechenstueck", Mathematische Annalen 38, 1891.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnnimage import ImageToSequence
    >>> image = np.arange(9).reshape(1, 3, 3)
    >>> ImageToSequence("spiral").fit_transform(image)[0, :, 0]
    array([0, 1, 2, 5, 8, 7, 6, 3, 4])
    >>> reader = ImageToSequence("rows", patch_size=(2, None)).fit(image)
    >>> reader.n_steps_, reader.step_size_
    (2, 6)
    >>> bool((reader.inverse_transform(reader.transform(image)) == image).all())
    True
    """

    _parameter_constraints = {
        "scan": [StrOptions({*SCANS, "frames"})],
        "patch_size": "no_validation",  # by check_patch_size
        "image_shape": "no_validation",  # by check_image_shape
    }

    def __init__(
        self,
        scan: str = "rows",
        *,
        patch_size: int | tuple[int | None, int | None] | None = None,
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.scan = scan
        self.patch_size = patch_size
        self.image_shape = image_shape

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the shape of the images and with it the order of the steps.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images, of any real dtype. What a masked array masks becomes NaN. With
            ``scan="frames"`` clips, with T after n, or a list of clips of one length.
        y : None
            Ignored.

        Returns
        -------
        self
            This transformer.

        Raises
        ------
        ValueError
            Where X is no set of images, ``image_shape`` does not fit it, a patch is
            larger than an image, or clips differ in their numbers of frames.
        """
        task = FitTask(self, X, y)
        with unchanged_on_error(self), task:
            return self._fit(X)

    def _fit(self, X):
        check_parameters(self)
        check_patch_size(self.patch_size)
        refuse_patches_of_frames(self.scan, self.patch_size)
        check_image_shape(self.image_shape, layout_of(self.scan))
        images = self._check(X, image_shape=self.image_shape, reset=True)
        height, width, channels = images.image_shape
        scan, patch_size = self.scan, self.patch_size
        if scan == "frames":  # which lie one below the other
            scan, patch_size = "rows", (images.frame_height, None)
        self._patch = resolve_patch(scan, patch_size, height, width)
        self._order = scan_order(scan, *grid_shape(height, width, self._patch))
        # (n, H, W) and (n, H, W, 1) are the same images, but come back as they were
        *sides, channels = shape = images.item_shape
        layouts = {2: (self.n_features_in_,), 1 + len(sides): tuple(sides)}
        self._layout = layouts.get(_n_axes(X), shape)
        self.n_steps_ = len(self._order)
        self.step_size_ = self._patch[0] * self._patch[1] * channels
        return self

    def _check(self, X, **options):
        """Images, or clips of one length with their frames one below the other."""
        if self.scan != "frames":
            return check_images(self, X, **options)
        return check_clips(self, X, alike=True, **options)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Read images as sequences.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images of the shape that ``fit`` saw.

        Returns
        -------
        ndarray of shape (n, `n_steps_`, `step_size_`)
            Sequences, in the dtype of X.
        """
        check_is_fitted(self)
        return to_patches(self._check(X).array, self._patch)[:, self._order]

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Put sequences back into images, exactly.

        Parameters
        ----------
        X : array-like of shape (n, `n_steps_`, `step_size_`)
            Sequences as ``transform`` gives them.

        Returns
        -------
        ndarray of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images, in the layout that ``fit`` saw and the dtype of X.

        Raises
        ------
        ValueError, TypeError
            Where X holds no such sequences of numbers.
        """
        check_is_fitted(self)
        sequences = self._sequences(X)
        patches = np.empty_like(sequences)
        # the inverse permutation, without computing it
        patches[:, self._order] = sequences
        *n_frames, height, width, channels = full_shape(
            self.image_shape_, layout_of(self.scan)
        )
        shape = math.prod(n_frames) * height, width, channels
        images = from_patches(patches, shape, self._patch)
        return images.reshape(len(sequences), *self._layout)

    def _sequences(self, X):
        """Sequences as an array of numbers (n, T, F) in whatever dtype."""
        expected = (
            f"X must hold sequences of numbers of shape (n, {self.n_steps_}, "
            f"{self.step_size_}), as transform gives them."
        )
        with making_array(X, expected):
            array = np.asarray(to_numpy(X, "X"))
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{expected} Got values of dtype {array.dtype} instead.")
        if array.ndim != 3 or array.shape[1:] != (self.n_steps_, self.step_size_):
            raise ValueError(f"{expected} Got {array.shape} instead.")
        return array

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
