"""What users pass as X, on its way to arrays of numbers, or refused.

Used for images and for clips, whose ``Layout`` gives the words of the messages.
"""

import numbers
import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import partial

import numpy as np
from sklearn.utils import check_array

from sk_rnnimage.images.arrays import ARRAY_LIKE, making_array, refuse_blocks, to_numpy
from sk_rnnimage.images.shapes import IMAGE


def to_array(X, name, layout=IMAGE):
    """X as an array that check_array understands, a list of arrays, or a refusal.

    Parameters
    ----------
    X : object
        What a user passes as a set of images or of clips.
    name : str
        The argument's name in the messages.
    layout : Layout, default=IMAGE
        What an item of X is.
    """
    refuse_blocks(X, name)
    _refuse_type(X, name, layout)
    X = to_numpy(X, name)
    if hasattr(X, "iloc"):
        X = _of_pandas(X, name)
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim:
        X = _column(X, name, layout)
    if isinstance(X, (list, tuple)):
        X = _listed(X, name, layout)
    elif not hasattr(X, "shape"):
        X = of_array_like(X, name, layout)
    string = _string_in(X)
    if string is not None:
        raise ValueError(
            f"{name} holds strings where pixels should be. For paths to {layout.noun} "
            f"files, put {layout.a_reader} in front: "
            f"make_pipeline({layout.reader}(size=(height, width)), ...). Got "
            f"{string!r:.80}."
        )
    refuse_dtype(X, name)
    if not isinstance(X, list) and X.shape[:1] == (0,):
        raise ValueError(f"{name} is empty: at least one {layout.noun} is needed.")
    return X


def _refuse_type(X, name, layout):
    """Raise where X is no array and no list, but what users may take for one."""
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"{name} must be an array or a list of {layout.noun}s. Got {X!r}. For "
            f"paths to {layout.noun} files, pass a list of them to {layout.a_reader} "
            "in front: "
            f"make_pipeline({layout.reader}(size=(height, width)), ...)."
        )
    if isinstance(X, numbers.Number) or hasattr(X, "toarray"):
        return  # check_array says more of numbers and sparse matrices
    becomes_array = any(map(partial(hasattr, X), ARRAY_LIKE))
    if isinstance(X, (dict, Set, Iterator)) or not becomes_array:
        items = f"its {layout.noun}s as a list"
        way_out = f"list({name})" if isinstance(X, Iterator) else items
        raise TypeError(
            f"{name} must be an array or a list of {layout.noun}s. Got a value of "
            f"type {type(X).__name__}. Pass {way_out}."
        )


def of_array_like(X, name, layout=IMAGE):
    """What says nothing of itself, but becomes an array.

    Raises
    ------
    TypeError
        Where it does not.
    """
    with making_array(X, f"{name} must be an array or a list of {layout.noun}s."):
        array = np.asarray(X)
        if array.dtype == object and not array.ndim:
            raise TypeError("NumPy takes it for one object")
        return array


def _of_pandas(X, name):
    """A Series, or a DataFrame of images, as an array.

    A DataFrame of pixels stays one: check_array reads its column names.
    """
    if X.ndim == 1 or not X.shape[1]:
        return X.to_numpy()
    if all(hasattr(dtype, "fill_value") for dtype in X.dtypes):
        raise TypeError(
            f"{name} is a DataFrame of sparse columns. Pass dense ones: "
            f"{name}.sparse.to_dense()."
        )
    return X.to_numpy() if any(map(_is_array, X.iloc[:1].to_numpy().flat)) else X


def _is_array(cell):
    return isinstance(cell, (list, tuple)) or getattr(cell, "ndim", 0) > 0


def _column(X, name, layout):
    """The items of an array of objects as a list, where they may be arrays."""
    if X.ndim == 1:
        return list(X)
    n_of_arrays = sum(map(_is_array, X[:1].flat))
    if not n_of_arrays:
        return X
    if X.shape[1] > 1:
        raise ValueError(
            f"{name} holds {layout.noun}s in {n_of_arrays} of its {X.shape[1]} "
            f"columns. Pass one column of {layout.noun}s alone."
        )
    return list(X[:, 0])


def _listed(X, name, layout):
    """A list of items as a list of arrays; of rows of numbers, one array."""
    if not len(X):
        raise ValueError(f"{name} is empty: at least one {layout.noun} is needed.")
    _refuse_mixed(X, name)
    items = [_item(item, f"{name}[{i}]", layout) for i, item in enumerate(X)]
    dims = [item.ndim for item in items]
    # NumPy's own message for a ragged list speaks of an inhomogeneous shape
    if max(dims) <= 1:
        lengths = [len(item) if item.ndim else -1 for item in items]
        i = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
        if i is not None:
            raise ValueError(
                f"{name} is a ragged list: {name}[0] holds {abs(lengths[0])} numbers, "
                f"{name}[{i}] holds {abs(lengths[i])}. Images whose sizes differ have "
                "two or three dimensions: (H, W) or (H, W, C)."
            )
        return items if _string_in(items) is not None else np.asarray(items)
    return items


def _item(item, name, layout):
    """One item of a list as an array."""
    item = to_numpy(item, name)
    if hasattr(item, "toarray"):  # np.asarray would wrap it in an object array
        raise TypeError(
            f"{name} is a sparse matrix. Pass a dense one: {name}.toarray()."
        )
    if type(item).__module__.startswith("PIL."):
        raise ValueError(
            f"{name} is a PIL image, whose values alone do not say what it shows: it "
            "may have a palette, transparency or an orientation. Put "
            f"{layout.a_reader} in front: make_pipeline({layout.reader}(), ...)."
        )
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise ValueError(
            f"{name} is a ragged list of numbers. Pass each {layout.noun} as an array "
            f"of shape {layout.shapes}."
        ) from error
    except Exception as error:  # of a tensor in a list, say
        raise TypeError(
            f"{name} is a {type(item).__name__} of which NumPy can make no array "
            f"({type(error).__name__}: {str(error):.200}). Pass each {layout.noun} as "
            f"an array of shape {layout.shapes}."
        ) from error
    if array.dtype == object and not array.ndim:
        raise ValueError(
            f"{name} is of type {type(item).__name__}, no {layout.noun}. Pass each "
            f"{layout.noun} as an array of shape {layout.shapes}, and leave out what "
            "has none."
        )
    return array


def _refuse_mixed(X, name):
    """Raise where some items of a list are paths or files, and others are not."""
    files = [isinstance(v, (str, bytes, os.PathLike)) for v in X]
    if any(files) and not all(files):
        i = files.index(not files[0])
        kinds = [type(X[k]).__name__ for k in (0, i)]
        raise ValueError(
            f"{name} mixes files and pixels: {name}[0] is of type {kinds[0]}, "
            f"{name}[{i}] of type {kinds[1]}. Read all files with an ImageReader, or "
            "pass arrays alone."
        )


def refuse_dtype(X, name):
    """Raise where an array holds neither numbers nor what may become numbers."""
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "f")
    if kind in "cMmV":
        raise ValueError(
            f"{'Complex data not supported: ' if kind == 'c' else ''}{name} holds "
            f"values of dtype {dtype} where pixels should be. Pass real numbers"
            f"{f', for instance np.abs({name})' if kind == 'c' else ''}."
        )


def _string_in(X):
    """A string in the first row of an array, a DataFrame or an image, or None."""
    if isinstance(X, list):
        return next((v for v in map(_string_in, X) if v is not None), None)
    if hasattr(X, "iloc"):
        X = X.iloc[:1].to_numpy()
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "OUST":
        return None
    first = np.atleast_1d(X)[:1]  # one row tells: no need to go through millions
    strings = (v for v in first.flat if isinstance(v, (str, bytes, os.PathLike)))
    string = next(strings, None)
    return string.item() if isinstance(string, np.generic) else string


def check_numbers(estimator, X, name, allow_nd=True, ensure_2d=False):
    """An array of whatever shape, checked to hold real numbers, finite or NaN."""
    refuse_dtype(X, name)
    with unreadable_cell_named(X, name):
        return check_array(
            X,
            allow_nd=allow_nd,
            ensure_2d=ensure_2d,
            ensure_all_finite="allow-nan",
            estimator=estimator,
            input_name=name,
        )


@contextmanager
def unreadable_cell_named(X, name):
    """Say which value of an array of objects, or of a DataFrame, is no number."""
    try:
        yield
    except (TypeError, ValueError) as error:
        for index, value in _cells(X):
            try:
                float(value)
            except (TypeError, ValueError) as cause:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(
                    f"{name}{list(index)} is no number: {cause}. Got {value!r}. Pass "
                    "numbers alone, NaN where a pixel is missing."
                ) from error
        raise


def _cells(X):
    """Indices and values, where an array or a DataFrame may hold other than numbers."""
    values = X.to_numpy() if hasattr(X, "iloc") else np.asarray(X)
    return np.ndenumerate(values) if values.dtype == object and values.ndim else ()
