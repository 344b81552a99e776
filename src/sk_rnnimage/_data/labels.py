"""Class labels: whatever holds them, as an array of numbers or of strings."""

import numbers
from collections.abc import Iterator, Set
from functools import partial

import numpy as np
from sklearn.utils import check_array, column_or_1d

from sk_rnnimage.images.arrays import ARRAY_LIKE, is_tensor, making_array, to_numpy


def read_labels(y, name="y"):
    """Labels as an array (n,).

    Parameters
    ----------
    y : array-like of shape (n,)
        Numbers or strings: an array, a list, a tensor, a Series, a Categorical.
    name : str, default="y"
        The argument's name in the messages.

    Raises
    ------
    ValueError, TypeError
        Where y is no such thing, or a label is missing.
    """
    y = _to_array(y, name)
    kind = y.dtype.kind
    if kind == "O":
        _check_objects(y.ravel(), name)
    if kind in "cSV":
        what = {"c": "complex numbers", "S": "bytes", "V": "records"}[kind]
        raise TypeError(
            f"{name} holds {what}, of dtype {y.dtype}. Pass labels that are numbers "
            f"or strings{', such as label.decode()' if kind == 'S' else ''}."
        )
    if y.ndim != 1 and y.shape[1:] != (1,):
        raise ValueError(
            f"{name} should be a 1d array of one label for each image. Got an array of "
            f"shape {y.shape}."
        )
    if not len(y):
        raise ValueError(f"{name} is empty: at least one label is needed.")
    y = check_array(y, ensure_2d=False, dtype=None, input_name=name)
    return column_or_1d(y, warn=True)


def check_one_each(y, n, name="y"):
    """Raise where there is not one label for each of n images."""
    if len(y) != n:
        raise ValueError(
            f"{name} must hold one label for each of the {n} images. Got {len(y)} "
            "labels."
        )


def check_same_kind(y, classes):
    """Raise where labels are strings and the classes of fit numbers, or vice versa."""
    ours, theirs = (
        "strings" if labels.dtype.kind in "OU" else "numbers" for labels in (y, classes)
    )
    if ours != theirs:
        raise ValueError(
            f"y holds {ours}, such as {y.tolist()[0]!r}, but the classes of fit are "
            f"{theirs}: {classes.tolist()!s:.80}. Pass labels of their kind."
        )


def _to_array(y, name):
    """Labels as an array of any dtype and shape but ()."""
    if hasattr(y, "toarray"):  # np.asarray would wrap it in an object array
        raise TypeError(
            f"{name} is a sparse matrix. Pass labels in an array: {name}.toarray()."
        )
    no_arrays = (str, bytes, dict, Set, Iterator, np.generic)
    if isinstance(y, no_arrays) or not any(map(partial(hasattr, y), ARRAY_LIKE)):
        way_out = f" Pass list({name})." if isinstance(y, Iterator) else ""
        raise TypeError(
            f"{name} must be an array or a list of labels. Got a value of type "
            f"{type(y).__name__}.{way_out}"
        )
    if np.ma.is_masked(y):
        _refuse_missing(np.ma.getmaskarray(y).argmax(), "masked", name)
    y = to_numpy(y, name)
    if hasattr(y, "isna") and getattr(y, "ndim", 1) == 1:
        y = _of_pandas(y, name)
    if isinstance(y, (list, tuple)):
        y = _of_list(y, name)
    with making_array(y, f"{name} must be an array or a list of labels."):
        y = np.asarray(y)
    return y.astype(object) if y.dtype.kind == "T" else y


def _of_pandas(y, name):
    """A Series, an Index or an array of pandas, whatever its dtype."""
    missing = np.asarray(y.isna())
    if missing.any():
        _refuse_missing(missing.argmax(), "NaN or NA", name)
    # numbers of pandas' own nullable types would become objects
    return np.asarray(y, dtype=getattr(y.dtype, "numpy_dtype", None))


def _of_list(y, name):
    """A list of labels as an array, which must not turn numbers into strings."""
    y = [to_numpy(v, f"{name}[{i}]") if is_tensor(v) else v for i, v in enumerate(y)]
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} is a ragged list. Pass one label for each image."
        ) from error
    if labels.dtype.kind in "US" and labels.ndim == 1:
        _check_objects(y, name)
    return labels


def _check_objects(y, name):
    """Raise where labels are not all strings; a missing one is none."""
    for i, label in enumerate(y):
        if _is_missing(label):
            _refuse_missing(i, repr(label), name)
    kinds = [_kind(label) for label in y]
    other = next((i for i, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None:
        raise ValueError(
            f"{name} mixes {kinds[0]} and {kinds[other]}: {name}[0] is {y[0]!r}, "
            f"{name}[{other}] is {y[other]!r}. Pass labels of one kind, for instance "
            "[str(label) for label in labels]."
        )
    if kinds and kinds[0] == "numbers":
        raise ValueError(
            f"Unknown label type: {name} holds numbers as objects. Pass them in an "
            f"array of numbers, for instance {name}.astype(int)."
        )
    if kinds and kinds[0] != "strings":
        raise ValueError(
            f"Unknown label type: {name} holds {kinds[0]}, {name}[0] is {y[0]!r}. Pass "
            "numbers or strings, for instance [str(label) for label in labels]."
        )


def _kind(label):
    if isinstance(label, str):
        return "strings"
    if isinstance(label, numbers.Number):
        return "numbers"
    return f"values of type {type(label).__name__}"


def _is_missing(label):
    # pandas' NA and NaT are known by name, as pandas need not be there
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, (float, np.floating)) and bool(np.isnan(label))


def _refuse_missing(i, what, name):
    raise ValueError(
        f"{name}[{i}] is missing ({what}). Leave that image out, or give it a label "
        "of its own."
    )
