"""What users pass as X, in the words of images and of clips."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from sk_rnnimage.images.inputs import to_array
from sk_rnnimage.images.shapes import CLIP, IMAGE

NO_ITEMS = {
    "an iterator": (iter([]), "must be an array or a list of {noun}s. Got a value of"),
    "a path": ("a.gif", "pass a list of them to {a_reader} in front: make_pipeline"),
    "paths": (
        ["a.gif"],
        "For paths to {noun} files, put {a_reader} in front: make_pipeline({reader}("
        "size=(height, width)), ...). Got 'a.gif'.",
    ),
    "nothing": ([], "X is empty: at least one {noun} is needed."),
    "None": ([None], "X[0] is of type NoneType, no {noun}. Pass each {noun} as an"),
    "a loader": (
        torch.utils.data.DataLoader([1, 2]),
        "must be an array or a list of {noun}s. Got a value of type DataLoader, of ",
    ),
    "ragged": ([[[[1, 2], [3]]]], "Pass each {noun} as an array of shape {shapes}."),
}


@pytest.mark.parametrize("layout", [IMAGE, CLIP], ids=lambda layout: layout.noun)
@pytest.mark.parametrize("X, sentence", NO_ITEMS.values(), ids=NO_ITEMS)
def test_messages_speak_of_what_an_item_is(X, sentence, layout):
    names = "noun", "reader", "a_reader", "shapes"
    wanted = sentence.format(**{name: getattr(layout, name) for name in names})
    with pytest.raises((ValueError, TypeError)) as caught:
        to_array(X, "X", layout)
    assert wanted in str(caught.value)


@pytest.mark.parametrize("layout", [IMAGE, CLIP], ids=lambda layout: layout.noun)
def test_a_column_of_arrays_is_a_list(layout):
    items = [np.zeros((2, 3, 4)), np.ones((3, 3, 4))]
    column = np.empty((2, 1), dtype=object)
    column[:, 0] = items
    for X in (
        items,
        tuple(items),
        column,
        pd.Series(items),
        pd.DataFrame({"a": items}),
    ):
        found = to_array(X, "X", layout)
        assert isinstance(found, list)
        for one, other in zip(found, items):
            assert_array_equal(one, other)


def test_words():
    assert (IMAGE.a_reader, IMAGE.shapes) == ("an ImageReader", "(H, W) or (H, W, C)")
    assert (CLIP.a_reader, CLIP.an_item) == ("a ClipReader", "a clip")


class Only:
    """What has nothing but ``__array__``."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        if self.array is None:
            raise RuntimeError("it is lost")
        return np.array(self.array, dtype)


@pytest.mark.parametrize("layout", [IMAGE, CLIP], ids=lambda layout: layout.noun)
def test_what_only_becomes_an_array(layout):
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(to_array(Only(array), "X", layout), array)
    sentence = "of which NumPy can make no array (RuntimeError: it is lost)."
    with pytest.raises(TypeError, match=re.escape(sentence)):
        to_array(Only(None), "X", layout)


def test_bytes_that_are_no_text_are_strings_among_others():
    with pytest.raises(ValueError, match="X holds strings where pixels should be"):
        to_array([b"a", b"\xb3\x92", "b"], "X")


def test_one_object_alone_is_left_to_the_check_of_axes():
    assert to_array(np.array(None, dtype=object), "X").shape == ()


def test_a_tensor_without_values_in_a_nested_list():
    X = [[torch.ones(2, 3, device="meta")] * 2] * 2
    with pytest.raises(TypeError, match=re.escape("X[0] is a list of which NumPy can")):
        to_array(X, "X")
