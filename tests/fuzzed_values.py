"""Values of any type, for parameters that take others."""

import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from PIL import Image
from scipy import sparse

HUGE = [2**31, 2**53, 2**63 - 1, 2**63, 10**30, -(2**70)]
SMALL = st.sampled_from([*range(-3, 10), 64])
INTS = st.one_of(SMALL, st.sampled_from(HUGE))
FLOATS = st.one_of(
    st.floats(width=32, allow_subnormal=False),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 1e-300, 1e308, np.nan, np.inf, -np.inf]),
)
WORDS = st.one_of(
    st.text("abr0.-é\n", max_size=4),
    st.sampled_from(["auto", "rows", "lstm", "rgb", "cpu", "L", "mean", "none", "nan"]),
)
DTYPES = st.sampled_from(
    "? i1 u1 >i2 u4 i8 f2 >f4 f8 g c8 U2 S2 O M8[s] m8[D] V3".split()
)


class Nothing:
    """An object that says nothing but its name."""

    def __repr__(self):
        return "Nothing()"


class Refusing:
    """An object that can neither be compared nor shown as an array."""

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array")

    def __repr__(self):
        return "Refusing()"


def _endless():
    items = []
    items.append(items)
    return items


ODD = {
    "NotImplemented": lambda: NotImplemented,
    "Ellipsis": lambda: ...,
    "a class": lambda: int,
    "a class of ours": lambda: Nothing,
    "an object": Nothing,
    "an object that refuses": Refusing,
    "a function": lambda: len,
    "a lambda": lambda: lambda *args: None,
    "a generator": lambda: (i for i in range(3)),
    "a range": lambda: range(3),
    "a slice": lambda: slice(3),
    "a list in itself": _endless,
    "a date": lambda: datetime.date(2020, 1, 1),
    "a duration": lambda: np.timedelta64(3, "s"),
    "NaT": lambda: np.datetime64("NaT"),
    "a decimal": lambda: Decimal("0.5"),
    "a fraction": lambda: Fraction(1, 2),
    "a complex number": lambda: 1 + 2j,
    "NA": lambda: pd.NA,
    "a path": lambda: Path("none"),
    "a module": lambda: np,
    "masked": lambda: np.ma.masked,
    "a tensor": lambda: torch.ones(2, 3),
    "an empty tensor": lambda: torch.ones(0),
    "a meta tensor": lambda: torch.ones(2, 3, device="meta"),
    "a sparse tensor": lambda: torch.eye(3).to_sparse(),
    "a tensor of zero dimensions": lambda: torch.tensor(3),
    "a sparse matrix": lambda: sparse.csr_matrix(np.eye(3)),
    "a sparse array": lambda: sparse.coo_array(np.eye(3)),
    "a DataFrame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "an empty DataFrame": pd.DataFrame,
    "a Series": lambda: pd.Series([1, None, 3]),
    "categories": lambda: pd.Series(["a", "b"], dtype="category"),
    "nullable integers": lambda: pd.array([1, None], dtype="Int64"),
    "an image": lambda: Image.new("P", (3, 2)),
    "a memoryview": lambda: memoryview(b"abc"),
    "a bytearray": lambda: bytearray(b"abc"),
    "a generator of numbers": lambda: np.random.RandomState(0),
    "a device": lambda: torch.device("cpu"),
    "a dtype": lambda: np.dtype("f4"),
}


@st.composite
def small_arrays(draw):
    """An array of any dtype and of few values."""
    shape = draw(st.lists(st.integers(0, 3), max_size=5))
    return np.zeros(shape, draw(DTYPES))


PLAIN = st.one_of(st.none(), st.booleans(), INTS, FLOATS, WORDS, st.binary(max_size=3))
SCALARS = st.sampled_from(
    [np.bool_(True), np.int8(2), np.uint64(3), np.float16(0.5), np.str_("rows")]
)
OTHER = st.sampled_from(sorted(ODD)).map(lambda name: ODD[name]())
SINGLE = st.one_of(PLAIN, SCALARS, OTHER, small_arrays())
HASHABLE = st.one_of(PLAIN, st.tuples(SMALL, WORDS))
ANYTHING = st.one_of(
    SINGLE,
    st.lists(SINGLE, max_size=3),
    st.lists(st.lists(SINGLE, max_size=3), max_size=3),
    st.lists(SINGLE, max_size=3).map(tuple),
    st.dictionaries(HASHABLE, SINGLE, max_size=2),
    st.sets(HASHABLE, max_size=2),
)


def shown(value):
    """A value in few words."""
    try:
        return f"{value!r:.120}"
    except Exception:
        return f"a {type(value).__name__}"
