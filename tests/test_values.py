"""Values of Python as a tree of JSON, and back."""

import json
import math
import re

import numpy as np
import pytest
from sklearn.utils import Bunch

from sk_rnnimage.persistence.values import Decoder, Encoder


def there_and_back(value):
    encoder = Encoder()
    text = json.dumps(encoder.encode(value))
    return Decoder(encoder.arrays.__getitem__, None).decode(json.loads(text))


def same(one, other):
    """Whether two values are equal in type and content, down to the bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        described = [
            (a.dtype, a.shape, a.flags.f_contiguous, repr(a.tolist()))
            for a in (one, other)
        ]
        return described[0] == described[1]
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return repr(one) == repr(other)


MATRIX = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "value",
    [
        [None, True, False, 0, -(10**30), "", "ä\ud800\n"],
        [0.1, 1e-310, -0.0, math.inf, -math.inf, math.nan],
        (),
        ((1, [2, (3,)]),),
        {},
        {"a": 1, 2: "b", (3, None): {"tuple": []}, 1.5: {}, True: 0},
        Bunch(a=1, b=[2]),
        np.float32(0.1),
        np.float64(1e-310),
        np.int64(-3),
        np.uint8(3),
        np.bool_(True),
        np.str_("zero"),
        np.dtype("float32"),
        np.dtype(object),
        MATRIX,
        MATRIX.T,
        MATRIX.astype(np.float32),
        np.array(3.0),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.arange(3, dtype=np.uint16),
        np.array([math.nan, -0.0, 1e-310]),
        np.array(["zero", "one"]),
        np.array(["a"], dtype="U9"),
        np.array([["zero"], ["one"]], dtype=object),
        np.array([], dtype="U1"),
        [{"epoch": 1, "train_loss": 0.3}],
    ],
    ids=repr,
)
def test_a_value_comes_back(value):
    assert same(there_and_back(value), value)


def test_other_arrays_become_plain_ones(tmp_path):
    assert there_and_back(np.arange(3, dtype=">f4")).dtype == np.float32
    np.save(tmp_path / "a.npy", MATRIX)
    mapped = there_and_back(np.load(tmp_path / "a.npy", mmap_mode="r"))
    assert same(mapped, MATRIX)
    assert same(there_and_back(MATRIX[:, ::2]), MATRIX[:, ::2].copy())


def test_an_array_that_is_there_twice_is_kept_once():
    encoder = Encoder()
    encoder.encode({"a": [MATRIX, MATRIX], "b": MATRIX.copy()})
    assert list(encoder.arrays) == ["a/0", "b"]


def test_places_that_read_alike():
    value = {"a/b": MATRIX, "a": {"b": MATRIX + 1}}
    assert same(there_and_back(value), value)


def test_a_random_state_goes_on():
    random_state = np.random.RandomState(0)
    random_state.normal(size=3)
    other = there_and_back(random_state)
    assert random_state.normal(size=999).tolist() == other.normal(size=999).tolist()


class Callback:
    def __repr__(self):
        return "Callback()"


@pytest.mark.parametrize(
    "value, sentence",
    [
        (max, "save writes no code, as load runs none, but "),
        (Callback, "save writes no code, as load runs none, but "),
        (Callback(), "save can write no test_values.Callback, but "),
        ({1, 2}, "save can write no builtins.set, but "),
        (b"bytes", "save can write no builtins.bytes, but "),
        (1j, "save can write no builtins.complex, but "),
        (np.array([1j]), "save can write no numpy.ndarray of dtype complex128, but "),
        (np.array([None]), "save can write no numpy.ndarray of dtype object, but "),
        (
            np.array(["a", 1], dtype=object),
            "save can write no numpy.ndarray of dtype obj",
        ),
        (np.longdouble(1), "save can write no numpy."),
        (np.datetime64("2020-01-01"), "save can write no numpy.datetime64, but "),
        (
            np.ma.masked_array([1], [True]),
            "save can write no numpy.ma.MaskedArray of dty",
        ),
        (np.zeros(2, dtype="i4,f4"), "save can write no numpy.ndarray of dtype [("),
        (np.random.default_rng(0), "save can write no numpy.random._generator.Generat"),
    ],
)
def test_what_no_file_can_hold(value, sentence):
    with pytest.raises(TypeError, match=re.escape(sentence)) as caught:
        Encoder().encode({"steps": [("a", value)]})
    assert ", but steps/0/1 is " in str(caught.value)
    assert str(caught.value).endswith(
        "Pickle the estimator instead, for those who trust you."
    )
    for name in ("augment", "callbacks", "checkpoint"):
        with pytest.raises(TypeError) as caught:
            Encoder().encode({name: [value]})
        way_out = f"Training alone needs it: set_params({name}=None) first."
        assert str(caught.value).endswith(way_out)


@pytest.mark.parametrize(
    "node, sentence",
    [
        ({"function": "os.system"}, "it holds a 'function', which this version does"),
        ({"tuple": [], "dict": []}, "it holds a 'tuple', which this version does not"),
        (
            {"estimator": ["os.system", [["command", "ls"]]]},
            "it holds a 'os.system', which is not among the classes that load knows.",
        ),
        ({"dtype": "S"}, "it holds a dtype 'S'."),
        ({"strings": ["|O", [1], [3]]}, "it holds an array of dtype '|O' as strings."),
        ({"strings": ["<f8", [1], ["3"]]}, "an array of dtype '<f8' as strings."),
        ({"strings": ["<U999999999", [1], [""]]}, "of dtype '<U999999999' as strings"),
        (
            {"strings": ["<U99999999", [1], [""]]},
            "it holds 1 strings that claim the shape [1] and 99999999 characters each.",
        ),
        ({"strings": ["<U1", [10**12], [""]]}, "1 strings that claim the shape [1000"),
    ],
)
def test_a_tree_of_something_else(node, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Decoder(None, None).decode([node])


@pytest.mark.parametrize("change", [{"pos": 10**6}, {"pos": -1}, {"key": np.zeros(3)}])
def test_a_random_state_that_would_read_elsewhere(change):
    encoder = Encoder()
    encoder.encode(np.random.RandomState(0))
    state = np.random.RandomState(0).get_state(legacy=False)
    state["state"] |= change
    node = {"random_state": encoder.encode(state)}
    with pytest.raises(ValueError, match="it holds a RandomState that is none"):
        Decoder(encoder.arrays.__getitem__, None).decode(node)
