"""Errors of classifiers: told, handed on, raised where there is nothing else."""

import pickle

import pytest

from sk_rnnimage.comparison.failures import (
    Interrupted,
    describe_error,
    portable,
    raise_if_all,
)


class Local(Exception):
    """Cannot be made again from the arguments that it keeps."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def test_an_error_is_told_in_one_line():
    assert describe_error(ValueError("one\ntwo")) == "ValueError: one"
    assert describe_error(KeyError("a")) == "KeyError: 'a'"
    assert describe_error(None) == ""
    assert describe_error(Interrupted()) == "interrupted"


def test_an_error_that_no_process_could_hand_on_keeps_its_words():
    error = ValueError("as it is")
    assert portable(error) is error
    handed_on = pickle.loads(pickle.dumps(portable(Local("this", "that"))))
    assert describe_error(handed_on) == "RuntimeError: Local: this and that"


def test_the_first_error_is_raised_where_nobody_worked():
    errors = {"one": TypeError("no"), "two": ValueError("no")}
    raise_if_all({**errors, "three": None})
    raise_if_all({**errors, "three": Interrupted()})
    with pytest.raises(TypeError, match="^one: no$"):
        raise_if_all(errors)


def test_an_error_of_several_arguments_keeps_them():
    with pytest.raises(OSError, match="no such luck") as caught:
        raise_if_all({"one": OSError(2, "no such luck")})
    assert caught.value.args == (2, "no such luck")
    assert caught.value.__notes__ == ["The classifier was 'one'."]
