"""Values of Python as a tree of JSON, with the arrays beside it; and back.

None, bool, int, float, str and list are what they are in JSON. All else is a dict of
one entry, whose key says what it is:

================ =====================================================================
``tuple``        its items
``dict``         pairs of a key and a value; ``bunch`` is scikit-learn's dict
``array``        the name of an array of numbers, and whether it lies there transposed
``strings``      an array of strings: its dtype, its shape, its items
``dtype``        a dtype of such arrays
``scalar``       a number or a string of NumPy: its dtype, its value
``random_state`` what ``RandomState.get_state`` says
``estimator``    the name of a known class, and its attributes
================ =====================================================================
"""

import math
import re

import numpy as np
from sklearn.utils import Bunch

from sk_rnnimage.persistence.known_types import class_of, name_of

PLAIN = (type(None), bool, int, float, str)
NUMBERS = re.compile("[|<>](b1|[iu][1248]|f[248])")
STRINGS = re.compile("[|<>](O|U([0-9]{1,8}))")
MOST_CHARACTERS = 2**24  # of an array of strings, in which all take as many
TRAINING = {  # what predictions do not need, and how it is taken back
    "augment": "set_params(augment=None)",
    "callbacks": "set_params(callbacks=None)",
    "checkpoint": "set_params(checkpoint=None)",
    "_skl_callbacks": "set_callbacks(), without any,",
}


class Encoder:
    """From an estimator to a tree.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays of numbers, C-contiguous, by their place in the estimator. One that
        is there twice is kept once.
    """

    def __init__(self):
        self.arrays = {}
        self._names = {}  # id -> (array, its node); the array lives as long

    def encode(self, value, place=""):
        """A value as a tree; ``place`` is where it stands, for names and messages."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind in (list, tuple):
            items = [self.encode(v, f"{place}/{i}") for i, v in enumerate(value)]
            return items if kind is list else {"tuple": items}
        if kind in (dict, Bunch):
            return {kind.__name__.lower(): self._pairs(value, place)}
        if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
            return self._array(np.asarray(value), place)  # also of a memory map
        if isinstance(value, np.generic) and _is_plain(value.dtype):
            return {"scalar": [value.dtype.str, value.item()]}
        if isinstance(value, np.dtype) and (_is_plain(value) or value.kind == "O"):
            return {"dtype": value.str}
        if kind is np.random.RandomState:
            state = value.get_state(legacy=False)
            return {"random_state": self.encode(state, place)}
        name = name_of(kind)
        if name is None:
            raise refusal(value, place)
        return {"estimator": [name, self._pairs(_attributes(value), place)]}

    def _pairs(self, items, place):
        return [
            [self.encode(key, f"{place}/{key}"), self.encode(value, f"{place}/{key}")]
            for key, value in items.items()
        ]

    def _array(self, array, place):
        if array.dtype.kind in "UO":
            if not all(type(v) in (str, np.str_) for v in array.ravel()):
                raise refusal(array, place)
            return {"strings": [array.dtype.str, list(array.shape), _flat(array)]}
        if not _is_plain(array.dtype):
            raise refusal(array, place)
        if id(array) not in self._names:
            transposed = not array.flags.c_contiguous and array.flags.f_contiguous
            kept = array.T if transposed else array
            kept = kept.astype(kept.dtype.newbyteorder("="), order="C", copy=False)
            name = place.lstrip("/") or "array"
            name += f" ({len(self.arrays)})" if name in self.arrays else ""
            self.arrays[name] = kept
            self._names[id(array)] = array, {"array": [name, transposed]}
        return self._names[id(array)][1]


class Decoder:
    """From a tree to an estimator.

    Parameters
    ----------
    array_of : callable
        From the name of an array to the array.
    make : callable
        From a known class and its attributes to an estimator.
    """

    def __init__(self, array_of, make):
        self.array_of = array_of
        self.make = make

    def decode(self, node):
        """The value that a node of the tree stands for."""
        if type(node) in PLAIN:
            return node
        if type(node) is list:
            return [self.decode(item) for item in node]
        (kind, content), *others = node.items()
        if others or kind not in self.KINDS:
            raise ValueError(f"it holds a {kind!r}, which this version does not know.")
        return self.KINDS[kind](self, content)

    def _tuple(self, items):
        return tuple(self.decode(item) for item in items)

    def _dict(self, pairs):
        return {self.decode(key): self.decode(value) for key, value in pairs}

    def _bunch(self, pairs):
        return Bunch(**self._dict(pairs))

    def _array(self, content):
        name, transposed = content
        array = self.array_of(name)
        return array.T if transposed else array

    def _strings(self, content):
        dtype, shape, items = content
        match = STRINGS.fullmatch(dtype)
        if match is None or not all(type(item) is str for item in items):
            raise ValueError(f"it holds an array of dtype {dtype!r} as strings.")
        n_items, width = math.prod(shape), int(match[2] or 1)
        if n_items != len(items) or n_items * width > MOST_CHARACTERS:
            raise ValueError(
                f"it holds {len(items)} strings that claim the shape {shape} and "
                f"{width} characters each."
            )
        return np.array(items, dtype=dtype).reshape(shape)

    def _dtype(self, name):
        if not NUMBERS.fullmatch(name) and not STRINGS.fullmatch(name):
            raise ValueError(f"it holds a dtype {name!r}.")
        return np.dtype(name)

    def _scalar(self, content):
        dtype, value = content
        if not NUMBERS.fullmatch(dtype):
            dtype = "U"  # as long as the value
        return np.array(value, dtype=dtype)[()]

    def _random_state(self, content):
        state = self.decode(content)
        key, position = state["state"]["key"], state["state"]["pos"]
        # NumPy reads at any position
        if key.shape != (624,) or not 0 <= position <= 624:
            raise ValueError("it holds a RandomState that is none.")
        random_state = np.random.RandomState()
        random_state.set_state(state)
        return random_state

    def _estimator(self, content):
        name, pairs = content
        cls = class_of(name)
        if cls is None:
            raise ValueError(
                f"it holds a {name!r}, which is not among the classes that load knows."
            )
        return self.make(cls, self._dict(pairs))

    KINDS = {
        "tuple": _tuple,
        "dict": _dict,
        "bunch": _bunch,
        "array": _array,
        "strings": _strings,
        "dtype": _dtype,
        "scalar": _scalar,
        "random_state": _random_state,
        "estimator": _estimator,
    }


def _is_plain(dtype):
    """Whether a dtype is that of numbers which a file can hold, or of strings."""
    return dtype.kind == "U" or NUMBERS.fullmatch(dtype.str) is not None


def _flat(array):
    return [str(item) for item in array.ravel()]


def _attributes(estimator):
    """What an estimator would pickle, but for what loading it does not need."""
    state = dict(estimator.__getstate__())
    state.pop("_versions", None)  # a file says so itself
    if not callable(state.get("augment")) and callable(state.get("_augment")):
        state["_augment"] = None  # of a parameter that has been taken back
    return state


def refusal(value, place=""):
    """The error for a value of which no file can be made."""
    kind = type(value)
    what = f"save can write no {kind.__module__}.{kind.__qualname__}"
    if isinstance(value, np.ndarray):
        what += f" of dtype {value.dtype}"
    elif callable(value):
        what = "save writes no code, as load runs none"
    way_out = "Pickle the estimator instead, for those who trust you."
    needless = next((way for n, way in TRAINING.items() if f"/{n}/" in place + "/"), "")
    if needless:
        way_out = f"Training alone needs it: {needless} first."
    elif hasattr(value, "best_estimator_"):
        way_out = "Save its best_estimator_."
    where = place.lstrip("/") or "the estimator"
    return TypeError(f"{what}, but {where} is {value!r:.80}. {way_out}")
