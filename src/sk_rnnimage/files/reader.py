"""Reading image files into arrays of pixels."""

import numbers
import os
import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import Parallel, delayed

from sk_rnnimage._environment.borrowed import StrOptions, _fit_context
from sk_rnnimage.files.decoding import (
    UnreadableImage,
    import_pillow,
    read_image,
    to_rgb,
)
from sk_rnnimage.images.shapes import is_positive_int


class ImageReader(TransformerMixin, BaseEstimator):
    """Read image files into arrays of pixels.

    Files are decoded with Pillow. The EXIF orientation is applied, transparent pixels
    are blended with a white background, and of an animated image only the first frame
    is read. Pillow's limit on the number of pixels, its protection against
    decompression bombs, stays in force.

    The values stay what they are in the files: grey levels of 16 or 32 bits, signed or
    not, and floats are neither clipped nor scaled. All images of a call get one dtype,
    which holds all their values: uint8 if no file has more than 8 bits. In a file of
    floats, NaN is a missing pixel and remains one.

    A file that cannot be read raises an error, as a transformer must return one image
    per item of X. ``list_images(folder, broken="skip")`` lists only files that can be
    read, also in a folder of new files without labels.

    Parameters
    ----------
    size : tuple (height, width), default=None
        Size in pixels to which every image is resized, without regard to its aspect
        ratio. The filter is bilinear and antialiased; it keeps the dtype, averages the
        pixels that are not missing, and gives NaN where more than half of them are. A
        JPEG much larger than this is decoded at a reduced resolution, which is faster.
        None keeps the original sizes, which may differ: the classifiers accept images
        of unequal size.
    mode : {"L", "RGB"}, default=None
        Grey or colour. None gives grey images if all files of the call are grey, RGB
        images otherwise; set the mode if later calls may contain other files than the
        first one. ``"L"`` keeps grey levels as they are and converts colours to grey
        levels of 8 bits, ``"RGB"`` repeats grey levels over three channels.
    n_jobs : int, default=None
        Number of threads that decode files. None means 1, -1 means one per core.

    See Also
    --------
    list_images : List the image files of a folder, and their labels.

    Notes
    -----
    This transformer is stateless: ``transform`` works without ``fit``.

    Pillow decodes colours, and grey levels with an alpha channel, to 8 bits a channel.
    A warning names files of 16 bits a channel where that shows: PNG, TIFF, PPM, SGI.
    Pillow also scales a PGM file to the range from 0 to 255, or to 65535, if its
    header gives another maximum, and does not apply BZERO and BSCALE of a FITS file.
    A value that a PNG file of 16 bits declares transparent becomes 65535, white.

    Examples
    --------
    >>> from PIL import Image
    >>> from sk_rnnimage import ImageReader
    >>> red = Image.new("RGB", (4, 2), "red")
    >>> ImageReader().fit_transform([red]).shape
    (1, 2, 4, 3)
    >>> ImageReader(size=(1, 1), mode="L").fit_transform([red])
    array([[[76]]], dtype=uint8)

    A slice of a computed tomography, of 16 bits:

    >>> import numpy as np
    >>> levels = np.array([[0, 1040], [1064, 4095]], dtype=np.uint16)
    >>> ImageReader().fit_transform([Image.fromarray(levels)])
    array([[[   0, 1040],
            [1064, 4095]]], dtype=uint16)
    """

    _parameter_constraints = {
        "size": "no_validation",  # by _check_size: no constraint describes a pair
        "mode": [StrOptions({"L", "RGB"}), None],
        "n_jobs": [numbers.Integral, None],
    }

    def __init__(self, size=None, *, mode=None, n_jobs=None):
        self.size = size
        self.mode = mode
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Validate the parameters; no file is read.

        Parameters
        ----------
        X : array-like of shape (n,)
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReader

        Raises
        ------
        ValueError
            If a parameter is invalid.
        """
        _check_size(self.size)
        return self

    def transform(self, X):
        """Read images.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
            Paths (str or ``pathlib.Path``), contents of files (bytes), file objects
            opened in binary mode, or PIL images.

        Returns
        -------
        ndarray of shape (n, H, W) or (n, H, W, 3), or list of n such images
            Grey or RGB images of one dtype; a list if their sizes differ.

        Raises
        ------
        ImportError
            If Pillow is not installed.
        TypeError
            If an item of X is of another type; the message gives its index.
        ValueError
            If X is empty, files are missing or cannot be decoded, or images have no
            pixels or infinite values; the message gives the index and path of each.

        Warns
        -----
        UserWarning
            If Pillow reduces colours of 16 bits a channel to 8 bits, or if the dtypes
            of the files differ.
        """
        self._validate_params()
        _check_size(self.size)
        items = _check_items(X)
        images, is_reduced = _read_items(items, self.size, self.mode, self.n_jobs)
        _warn_reduced(items, is_reduced)
        _warn_mixed(items, images)
        dtype = np.result_type(*{image.dtype for image in images})
        images = [image.astype(dtype, copy=False) for image in images]
        if any(image.ndim == 3 for image in images):
            images = [to_rgb(image) for image in images]
        same_size = len({image.shape for image in images}) == 1
        return np.stack(images) if same_size else images  # (B, H, W) or (B, H, W, 3)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.no_validation = True  # X holds paths and files, not numbers
        return tags


def _check_size(size):
    """Raise an error if the parameter ``size`` is neither None nor (height, width)."""
    if size is None:
        return
    is_pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not is_pair or not all(map(is_positive_int, size)):
        raise ValueError(
            "size must be None or (height, width) with whole numbers of at least 1. "
            f"Got {size!r} instead."
        )


def _check_items(X):
    """Convert X to a list of items, or raise an error if it is not a collection."""
    shape = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X, dtype=object)[:, 0]  # a DataFrame iterates over column names
    elif len(shape) >= 2:
        raise ValueError(
            "X must be a list or one column of files. Got an array of shape "
            f"{tuple(shape)} instead: arrays of pixels need no ImageReader, and of a "
            "DataFrame pass the one column that holds the paths."
        )
    # Strings, bytes and files are iterable too, over characters, integers and lines.
    single = isinstance(X, (str, bytes, bytearray, os.PathLike)) or hasattr(X, "read")
    if single or not hasattr(X, "__iter__") or getattr(X, "ndim", 1) == 0:
        raise TypeError(
            "X must be a list or one column of files. Got one "
            f"{type(X).__name__} instead: for a single image pass a list of one."
        )
    items = list(X)
    if not items:
        raise ValueError("X is empty: at least one image is needed.")
    readable = (str, bytes, bytearray, os.PathLike, import_pillow().Image)
    for index, item in enumerate(items):
        if not isinstance(item, readable) and not hasattr(item, "read"):
            raise TypeError(
                f"{_describe_item(item, index)} must be a path, the bytes of a file, a "
                "file opened in binary mode or a PIL image."
            )
    return items


def _describe_item(item, index):
    """Describe an item in an error message: its index in X and its path or type."""
    if isinstance(item, (str, os.PathLike)):
        return f"X[{index}] ({os.fspath(item)!r})"
    if isinstance(item, (bytes, bytearray)):
        return f"X[{index}] ({len(item)} bytes)"
    return f"X[{index}] (of type {type(item).__name__})"


def _describe_some(items, indices):
    """Describe the first three items with the given indices."""
    some = ", ".join(_describe_item(items[i], i) for i in indices[:3])
    return some + (f" and {len(indices) - 3} more" if len(indices) > 3 else "")


def _read_items(items, size, mode, n_jobs):
    """Read all items.

    Returns
    -------
    images : list of ndarray (H, W) or (H, W, 3)
    is_reduced : list of bool
        For each image, whether Pillow reduced it to 8 bits a channel.
    """
    # Pillow imports its decoders on demand; threads must not race for that.
    import_pillow().init()
    # An object that occurs twice is read once: a file object, or a PIL image that is
    # not loaded yet, has one read position, which two threads must not share.
    first_indices = {id(item): i for i, item in reversed([*enumerate(items)])}
    results = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_try_to_read)(items[index], size, mode)
        for index in first_indices.values()
    )
    result_by_id = dict(zip(first_indices, results))
    results = [result_by_id[id(item)] for item in items]
    _refuse_unreadable(items, results)
    return [image for image, _ in results], [reduced for _, reduced in results]


def _try_to_read(item, size, mode):
    """Read an item, or return the error: all files that cannot be read are named."""
    try:
        return read_image(item, size, mode)
    except UnreadableImage as error:
        return error


def _refuse_unreadable(items, results):
    """Raise an error that names all items that cannot be read."""
    errors = {i: r for i, r in enumerate(results) if isinstance(r, UnreadableImage)}
    if not errors:
        return
    count = f"{len(errors)} of {len(items)} items of X cannot be read: "
    named = (f"{_describe_item(items[i], i)} {error}" for i, error in errors.items())
    advice = ""
    if any(isinstance(items[i], (str, os.PathLike)) for i in errors):
        advice = " list_images(folder, broken='skip') leaves such files out."
    message = f"{count if len(errors) > 1 else ''}{'; '.join(named)}.{advice}"
    raise ValueError(message) from next(iter(errors.values()))


def _warn_reduced(items, is_reduced):
    """Warn about images that have lost half of their bits."""
    indices = [i for i, reduced in enumerate(is_reduced) if reduced]
    if indices:
        warnings.warn(
            f"Pillow reduces 16 bits a channel to 8 bits in {len(indices)} images: "
            f"{_describe_some(items, indices)}. To keep them, read these files with "
            "another library and pass the arrays to the classifier.",
            stacklevel=4,  # past transform and its wrapper in scikit-learn
        )


def _warn_mixed(items, images):
    """Warn about images whose values may be on different scales."""
    firsts = {image.dtype: i for i, image in reversed([*enumerate(images)])}
    if len(firsts) > 1:
        named = (
            f"{_describe_item(items[i], i)} holds {dtype}"
            for dtype, i in sorted(firsts.items(), key=lambda pair: pair[1])
        )
        warnings.warn(
            f"The files of X differ in depth: {', '.join(named)}. Their values stay as "
            "they are, so check that they are on one scale.",
            stacklevel=4,  # past transform and its wrapper in scikit-learn
        )
