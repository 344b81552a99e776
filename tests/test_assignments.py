"""Parameters from a shell."""

import re

import pytest

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.commands.assignments import parse_assignments, set_parameters


@pytest.mark.parametrize(
    "text, value",
    [
        ("gru", "gru"),
        ("128", 128),
        ("1e-3", 0.001),
        ("-1", -1),
        ("True", True),
        ("None", None),
        ("(64, 32)", (64, 32)),
        ("64,32", (64, 32)),
        ("rows,columns", ("rows", "columns")),
        ("None,4", (None, 4)),
        ("{0: 2.0}", {0: 2.0}),
        ("'a b'", "a b"),
        ("cuda:0", "cuda:0"),
        ("os.system", "os.system"),
    ],
)
def test_values(text, value):
    (parsed,) = parse_assignments([f"name={text}"]).values()
    assert parsed == value
    assert type(parsed) is type(value)


def test_the_last_of_a_name_counts():
    assert parse_assignments(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize("text", ["cell", "=gru", "a b=3", "", "a.b=c", "flowers/"])
def test_what_is_no_assignment(text):
    with pytest.raises(
        ValueError, match=re.escape(f"name=value. Got {text!r} instead")
    ):
        parse_assignments([text])


@pytest.mark.parametrize(
    "value",
    ["", "(3", "__import__('os')", "open('x','w')", "a b", "3 +", "[" * 5000, "rows,"],
)
def test_what_is_no_value(value):
    sentence = f"--set cell={value}: the value is neither a word nor a number"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_assignments([f"cell={value}"])


def test_parameters_are_set():
    model = set_parameters(RNNImageClassifier(), {"cell": "gru", "hidden_size": 3})
    assert (model.cell, model.hidden_size) == ("gru", 3)


@pytest.mark.parametrize(
    "cls, name, sentence",
    [
        (RNNImageClassifier, "hiden_size", "Did you mean 'hidden_size'?"),
        (
            RNNImageClassifier,
            "filters",
            "RNNImageClassifier has no parameter 'filters'.",
        ),
        (CRNNImageClassifier, "epochs", "Did you mean 'max_epochs'?"),
        (CRNNImageClassifier, "xyz", "It has attention_heads, augment, batch_size, "),
    ],
)
def test_names_that_no_parameter_has(cls, name, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        set_parameters(cls(), {name: 3})
