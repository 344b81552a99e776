"""The order in which an image is read: scan orders as index arrays, and patches.

An image is cut into a grid of patches, one patch is one step, and a scan is a
permutation of the grid. The transformer, the networks and the Display all take their
orders from :func:`scan_order`.
"""

import numbers

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage.images import (
    check_image_shape,
    check_images,
    full_shape,
    is_positive_int,
    unchanged_on_error,
)


def _raster(height, width):
    return np.arange(height * width).reshape(height, width)


def _rows(height, width):
    return _raster(height, width).ravel()


def _columns(height, width):
    return _raster(height, width).T.ravel()


def _snake(height, width):
    """Row by row, every second row backwards (boustrophedon)."""
    grid = _raster(height, width)
    grid[1::2] = grid[1::2, ::-1]
    return grid.ravel()


def _spiral(height, width):
    """From the top left corner clockwise inwards: peel a side, turn, repeat."""
    grid = _raster(height, width)
    sides = []
    while grid.size:
        sides.append(grid[0])
        grid = np.rot90(grid[1:])
    return np.concatenate(sides)


def _diagonal(height, width):
    """Anti-diagonals from the top left, in alternating directions, as JPEG reads."""
    row, column = np.divmod(np.arange(height * width), width)
    line = row + column
    along = np.where(line % 2, row, column)
    return np.lexsort((along, line))


def _random(height, width):
    """One permutation for each grid size, the same on every machine."""
    return np.random.RandomState(0).permutation(height * width)


def _hilbert(height, width):
    """A Hilbert curve generalised to any rectangle, along its longer side."""
    across, down = np.array([0, 1]), np.array([1, 0])
    sides = (across * width, down * height)
    if height > width:
        sides = sides[::-1]
    cells = np.array(_fill(np.array([0, 0]), *sides))  # (T, 2) rows and columns
    return cells[:, 0] * width + cells[:, 1]


def _fill(corner, along, across):
    """Cells of a space-filling path over a box, from its corner to the end of `along`.

    `along` and `across` are the box's signed sides (row, column) as seen from
    `corner`; the path leaves the box at the other end of `along`. A long box is
    halved; any other is cut in three, up one side, over the top and down the other,
    with even cuts wherever there is a choice, so that the parts meet cell to cell.
    """
    length, breadth = np.abs(along).sum(), np.abs(across).sum()
    forward, sideways = np.sign(along), np.sign(across)
    if breadth == 1:
        return [corner + i * forward for i in range(length)]
    if length == 1:
        return [corner + i * sideways for i in range(breadth)]
    if 2 * length > 3 * breadth:
        half = _even(length // 2, length) * forward
        return _fill(corner, half, across) + _fill(corner + half, along - half, across)
    near = _even(breadth // 2, breadth) * sideways
    half = length // 2 * forward
    return (
        _fill(corner, near, half)
        + _fill(corner + near, along, across - near)
        + _fill(corner + along - forward + near - sideways, -near, half - along)
    )


def _even(half, whole):
    """The cut `half` of `whole`, made even where that leaves two parts."""
    return half + 1 if half % 2 and whole > 2 else half


SCANS = {
    "rows": _rows,
    "columns": _columns,
    "snake": _snake,
    "spiral": _spiral,
    "hilbert": _hilbert,
    "diagonal": _diagonal,
    "random": _random,
}


def scan_order(scan, height, width):
    """The order in which a scan visits a grid.

    Parameters
    ----------
    scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random"}
        The path.
    height, width : int
        The size of the grid, in steps.

    Returns
    -------
    ndarray of shape (height * width,)
        At place t the raster index (row * width + column) of the step read as t-th.
    """
    return SCANS[scan](height, width)


def resolve_patch(scan, patch_size, height, width):
    """The size (h, w) of one step in pixels, every None of ``patch_size`` filled in.

    Raises
    ------
    ValueError
        Where the patch is larger than the image.
    """
    sides = patch_size
    if patch_size is None:
        line = {"rows": (1, None), "columns": (None, 1)}
        sides = line.get(scan, (1, 1))
    elif isinstance(patch_size, numbers.Integral):
        sides = (patch_size, patch_size)
    h, w = (
        whole if side is None else side
        for side, whole in zip(sides, (height, width), strict=True)
    )
    if h > height or w > width:
        raise ValueError(
            f"patch_size={patch_size!r} is larger than the grid that is read, "
            f"{height} x {width}. Choose a smaller patch."
        )
    return int(h), int(w)


def check_patch_size(patch_size):
    """Raise where the parameter ``patch_size`` is neither None, an int nor a pair."""
    sides = patch_size if isinstance(patch_size, (tuple, list)) else (patch_size,) * 2
    if len(sides) != 2 or not all(
        side is None or is_positive_int(side) for side in sides
    ):
        raise ValueError(
            "patch_size must be None, a whole number of at least 1, or a pair "
            "(height, width) of such numbers, in which None is the whole extent. "
            f"Got {patch_size!r} instead."
        )


def to_patches(X, patch):
    """Cut images (B, H, W, C) into patches (B, rows * columns, h * w * C).

    The grid is rastered; edges that do not fill a patch are padded with zeros. Works
    on NumPy arrays, whose dtype is kept.
    """
    n, height, width, channels = X.shape
    h, w = patch
    rows, columns = grid_shape(height, width, patch)
    padding = (rows * h - height, columns * w - width)
    if any(padding):
        X = np.pad(X, ((0, 0), (0, padding[0]), (0, padding[1]), (0, 0)))
    X = X.reshape(n, rows, h, columns, w, channels)
    X = X.transpose(0, 1, 3, 2, 4, 5)  # (B, rows, columns, h, w, C)
    return X.reshape(n, rows * columns, h * w * channels)  # (B, T, F)


def from_patches(patches, image_shape, patch):
    """Undo :func:`to_patches`: (B, T, F) to (B, H, W, C), the padding cut off."""
    height, width, channels = image_shape
    h, w = patch
    rows, columns = grid_shape(height, width, patch)
    X = patches.reshape(len(patches), rows, columns, h, w, channels)
    X = X.transpose(0, 1, 3, 2, 4, 5)  # (B, rows, h, columns, w, C)
    X = X.reshape(len(patches), rows * h, columns * w, channels)
    return X[:, :height, :width]


def grid_shape(height, width, patch):
    """How many patches an image of this size has: (rows, columns)."""
    return -(-height // patch[0]), -(-width // patch[1])


def _n_axes(X):
    """Axes of X as an array, where it may be a list or a Series of images too."""
    if not isinstance(X, (list, tuple)):
        X = X if hasattr(X, "ndim") else np.asarray(X)
        if X.ndim > 1:
            return X.ndim
    return 1 + np.ndim(X.iloc[0] if hasattr(X, "iloc") else X[0])


class ImageToSequence(TransformerMixin, BaseEstimator):
    """Turn each image into the sequence in which a scan reads it.

    The image is cut into a grid of patches of ``patch_size`` pixels; each patch,
    flattened row by row and channel by channel, is one step; the steps come in the
    order in which ``scan`` walks over the grid.

    Parameters
    ----------
    scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random"}, \
default="rows"
        The path over the grid. ``"snake"`` is rows with every second one backwards,
        ``"spiral"`` runs clockwise inwards, ``"hilbert"`` is a Hilbert curve [1]_
        generalised to any rectangle, ``"diagonal"`` the zigzag of JPEG, ``"random"``
        one permutation, the same everywhere for one grid size. Snake, spiral and
        hilbert step from neighbour to neighbour, but for one diagonal step of hilbert
        where an odd side forces it.
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step in pixels; None in a tuple is the whole extent.
        None alone is a whole line for rows and columns, else one pixel. Edges that
        do not fill a patch are padded with zeros.
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat images that are neither square grey
        nor square RGB: without it those are read as one row of pixels.

    Attributes
    ----------
    n_steps_ : int
        Steps T of a sequence.
    step_size_ : int
        Numbers F in a step: h * w * C.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others.
    n_features_in_ : int
        Pixel values of an image, H * W * C.
    feature_names_in_ : ndarray of shape (n_features_in_,)
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
        "scan": [StrOptions(set(SCANS))],
        "patch_size": "no_validation",  # by check_patch_size
        "image_shape": "no_validation",  # by check_image_shape
    }

    def __init__(self, scan="rows", *, patch_size=None, image_shape=None):
        self.scan = scan
        self.patch_size = patch_size
        self.image_shape = image_shape

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the shape of the images and with it the order of the steps.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images, of any real dtype.
        y : None
            Ignored.

        Returns
        -------
        self : ImageToSequence

        Raises
        ------
        ValueError
            Where X is no set of images, ``image_shape`` does not fit it, or a patch
            is larger than an image.
        """
        with unchanged_on_error(self):
            return self._fit(X)

    def _fit(self, X):
        check_patch_size(self.patch_size)
        check_image_shape(self.image_shape)
        images = check_images(self, X, image_shape=self.image_shape, reset=True)
        height, width, channels = images.shape[1:]
        self._patch = resolve_patch(self.scan, self.patch_size, height, width)
        self._order = scan_order(self.scan, *grid_shape(height, width, self._patch))
        self._layout = {2: (self.n_features_in_,), 3: (height, width)}.get(
            _n_axes(X), (height, width, channels)
        )
        self.n_steps_ = len(self._order)
        self.step_size_ = self._patch[0] * self._patch[1] * channels
        return self

    def transform(self, X):
        """Read images as sequences.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images of the shape that ``fit`` saw.

        Returns
        -------
        ndarray of shape (n, n_steps_, step_size_)
            Sequences, in the dtype of X.
        """
        check_is_fitted(self)
        return to_patches(check_images(self, X), self._patch)[:, self._order]

    def inverse_transform(self, X):
        """Put sequences back into images, exactly.

        Parameters
        ----------
        X : array-like of shape (n, n_steps_, step_size_)
            Sequences as ``transform`` gives them.

        Returns
        -------
        ndarray of shape (n, H, W), (n, H, W, C) or (n, H*W*C)
            Images, in the layout that ``fit`` saw and the dtype of X.
        """
        check_is_fitted(self)
        X = np.asarray(X)
        if X.ndim != 3 or X.shape[1:] != (self.n_steps_, self.step_size_):
            raise ValueError(
                f"X must hold sequences of shape (n, {self.n_steps_}, "
                f"{self.step_size_}), as transform gives them. Got {X.shape} instead."
            )
        patches = np.empty_like(X)
        patches[:, self._order] = X
        images = from_patches(patches, full_shape(self.image_shape_), self._patch)
        return images.reshape(len(X), *self._layout)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
