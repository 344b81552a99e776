import io
import re
import warnings

import numpy as np
import pytest

from sk_rnnimage.files.decoding import UnreadableImage
from sk_rnnimage.files.items import FileReader


class LengthReader(FileReader):
    """Read a text as an array of one value, its length."""

    def __init__(self, size=None, *, mode=None, n_jobs=None):
        self.size = size
        self.mode = mode
        self.n_jobs = n_jobs

    def transform(self, X):
        return self._read(X, "text", self._measure, " Write it anew.")

    def _measure(self, item):
        if item == "bad":
            raise UnreadableImage("is no text")
        if item == "vast":
            raise MemoryError
        dtype = np.uint16 if len(item) > 3 else np.uint8
        shape = (1, 1, 3) if item.startswith("rgb") else (1, 1)
        return np.full(shape, len(item), dtype=dtype), item == "deep"


def test_arrays_get_one_dtype_and_one_kind():
    sentence = (
        "The files of X differ in depth: X[0] ('a') holds uint8, X[2] ('rgb1') holds "
        "uint16"
    )
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        found = LengthReader().fit_transform(["a", "b", "rgb1"])
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[:, 0, 0], [[1] * 3, [1] * 3, [4] * 3])


def test_the_warnings_point_to_the_call():
    with pytest.warns(UserWarning, match="8 bits in 2 texts: X") as caught:
        LengthReader().transform(["deep", "deep"])
    assert caught[0].filename == __file__


def test_threads_change_nothing():
    texts = ["abc"[: i % 4] for i in range(30)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = LengthReader(n_jobs=3).transform(texts)
    np.testing.assert_array_equal(found.ravel(), [len(text) for text in texts])


def test_all_that_cannot_be_read_is_named():
    sentence = (
        "2 of 3 items of X cannot be read: X[0] ('bad') is no text; X[2] ('bad') is no "
        "text. Write it anew."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        LengthReader().transform(np.array(["bad", "a", "bad"]))


@pytest.mark.parametrize(
    "X, sentence",
    [
        ([], "X is empty: at least one text is needed."),
        (np.zeros((2, 2)), "arrays of pixels need no TextReader"),
    ],
)
def test_what_is_no_list_is_refused(X, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        LengthReader().transform(X)
    with pytest.raises(TypeError, match="for a single text pass a list of one"):
        LengthReader().transform("a")
    for X in ({"a", "b"}, {"a": 1}):
        sentence = f"Got a {type(X).__name__}, whose texts have no order: pass them as"
        with pytest.raises(TypeError, match=sentence):
            LengthReader().transform(X)
    sentence = "X[1] (of type StringIO) must be a path, the bytes of a file, a file op"
    with pytest.raises(TypeError, match=re.escape(sentence)):
        LengthReader().transform(["a", io.StringIO("b")])


def test_what_the_memory_does_not_hold_is_named():
    sentence = "X[1] ('vast') has more pixels than the memory holds. Set size to a"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        LengthReader().fit_transform(["a", "vast"])
