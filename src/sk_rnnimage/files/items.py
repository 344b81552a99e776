"""What the readers of files share: the items of X, checked, read and named."""

import io
import numbers
import os
import warnings
from collections.abc import Mapping, Set
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import Parallel, delayed

from sk_rnnimage._environment.borrowed import StrOptions, _fit_context
from sk_rnnimage._environment.documentation import LinkedEstimator
from sk_rnnimage._environment.parameters import n_workers
from sk_rnnimage._environment.tasks import (
    CallbackSupportMixin,
    FitTask,
    with_callbacks,
)
from sk_rnnimage.files.decoding import UnreadableImage, import_pillow, unify
from sk_rnnimage.images.arrays import refuse_blocks
from sk_rnnimage.images.shapes import is_positive_int


class FileReader(
    TransformerMixin, CallbackSupportMixin, LinkedEstimator, BaseEstimator
):
    """Base of the transformers that read files, one array for each item of X."""

    _parameter_constraints = {
        "size": "no_validation",  # by _check_size: no constraint describes a pair
        "mode": [StrOptions({"L", "RGB"}), None],
        "n_jobs": [numbers.Integral, None],
    }

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: object, y: object = None) -> Self:
        """Validate the parameters; no file is read.

        Parameters
        ----------
        X : array-like of shape (n,)
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self
            This transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid.
        """
        with FitTask(self, X, y):
            _check_size(self.size)
        return self

    def _read(self, X, noun, read, advice=""):
        """Read all items of X, to arrays of one dtype.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
        noun : {"image", "clip"}
            What an item holds.
        read : callable
            Takes an item, returns an array and whether Pillow reduced 16 bits to 8.
        advice : str
            What to do with files that cannot be read.

        Returns
        -------
        ndarray of shape (n, ...), or list of n arrays if their shapes differ
        """
        self._validate_params()
        _check_size(self.size)
        items = _check_items(X, noun)
        results = _read_once(items, read, self.n_jobs)
        _refuse_unreadable(items, results, advice)
        arrays = [array for array, _ in results]
        _warn_reduced(items, [reduced for _, reduced in results], noun)
        _warn_mixed(items, arrays)
        arrays = unify(arrays)
        same_shape = len({array.shape for array in arrays}) == 1
        return np.stack(arrays) if same_shape else arrays

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


def _check_items(X, noun):
    """Convert X to a list of items, or raise an error if it is not a collection."""
    refuse_blocks(X, "X")
    shape = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X, dtype=object)[:, 0]  # a DataFrame iterates over column names
    elif len(shape) >= 2:
        raise ValueError(
            "X must be a list or one column of files. Got an array of shape "
            f"{tuple(shape)} instead: arrays of pixels need no "
            f"{noun.title()}Reader, and of a DataFrame pass the one column that holds "
            "the paths."
        )
    # Strings, bytes and files are iterable too, over characters, integers and lines.
    single = isinstance(X, (str, bytes, bytearray, os.PathLike)) or hasattr(X, "read")
    if isinstance(X, (Mapping, Set)):
        raise TypeError(
            f"X must be a list or one column of files. Got a {type(X).__name__}, whose "
            f"{noun}s have no order: pass them as a list, in the order of the labels."
        )
    if single or not hasattr(X, "__iter__") or getattr(X, "ndim", 1) == 0:
        raise TypeError(
            "X must be a list or one column of files. Got one "
            f"{type(X).__name__} instead: for a single {noun} pass a list of one."
        )
    items = list(X)
    if not items:
        raise ValueError(f"X is empty: at least one {noun} is needed.")
    readable = (str, bytes, bytearray, os.PathLike, import_pillow().Image)
    for index, item in enumerate(items):
        is_file = hasattr(item, "read") and not isinstance(item, io.TextIOBase)
        if not isinstance(item, readable) and not is_file:
            raise TypeError(
                f"{_describe_item(item, index)} must be a path, the bytes of a file, a "
                "file opened in binary mode or a PIL image."
            )
    return items


def _describe_item(item, index):
    """Describe an item in an error message: its index in X and its path or type."""
    if isinstance(item, (str, os.PathLike)):
        return f"X[{index}] ({str(os.fspath(item))!r})"
    if isinstance(item, (bytes, bytearray)):
        return f"X[{index}] ({len(item)} bytes)"
    return f"X[{index}] (of type {type(item).__name__})"


def _describe_some(items, indices):
    """Describe the first three items with the given indices."""
    some = ", ".join(_describe_item(items[i], i) for i in indices[:3])
    return some + (f" and {len(indices) - 3} more" if len(indices) > 3 else "")


def _read_once(items, read, n_jobs):
    """Read all items in threads.

    Returns
    -------
    results : list of tuple (array, is_reduced) or UnreadableImage
    """
    # Pillow imports its decoders on demand; threads must not race for that.
    import_pillow().init()
    # An object that occurs twice is read once: a file object, or a PIL image that is
    # not loaded yet, has one read position, which two threads must not share.
    first_indices = {id(item): i for i, item in reversed([*enumerate(items)])}
    n_jobs = n_workers(n_jobs, len(first_indices))
    results = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_try_to_read)(read, items[index]) for index in first_indices.values()
    )
    result_by_id = dict(zip(first_indices, results))
    return [result_by_id[id(item)] for item in items]


def _try_to_read(read, item):
    """Read an item, or return the error: all files that cannot be read are named."""
    try:
        return read(item)
    except UnreadableImage as error:
        return error
    except MemoryError:
        return UnreadableImage(
            "has more pixels than the memory holds. Set size to a smaller (height, "
            "width)"
        )


def _refuse_unreadable(items, results, advice):
    """Raise an error that names all items that cannot be read."""
    errors = {i: r for i, r in enumerate(results) if isinstance(r, UnreadableImage)}
    if not errors:
        return
    count = f"{len(errors)} of {len(items)} items of X cannot be read: "
    named = (f"{_describe_item(items[i], i)} {error}" for i, error in errors.items())
    if not any(isinstance(items[i], (str, os.PathLike)) for i in errors):
        advice = ""
    message = f"{count if len(errors) > 1 else ''}{'; '.join(named)}.{advice}"
    raise ValueError(message) from next(iter(errors.values()))


def _warn_reduced(items, is_reduced, noun):
    """Warn about items that have lost half of their bits."""
    indices = [i for i, reduced in enumerate(is_reduced) if reduced]
    if indices:
        warnings.warn(
            f"Pillow reduces 16 bits a channel to 8 bits in {len(indices)} {noun}s: "
            f"{_describe_some(items, indices)}. To keep them, read these files with "
            "another library and pass the arrays to the classifier.",
            stacklevel=5,  # past _read, transform and its wrapper in scikit-learn
        )


def _warn_mixed(items, arrays):
    """Warn about arrays whose values may be on different scales."""
    firsts = {array.dtype: i for i, array in reversed([*enumerate(arrays)])}
    if len(firsts) > 1:
        named = (
            f"{_describe_item(items[i], i)} holds {dtype}"
            for dtype, i in sorted(firsts.items(), key=lambda pair: pair[1])
        )
        warnings.warn(
            f"The files of X differ in depth: {', '.join(named)}. Their values stay as "
            "they are, so check that they are on one scale.",
            stacklevel=5,  # past _read, transform and its wrapper in scikit-learn
        )
