"""Odd arguments by the hundred: a right answer or a sentence of ours.

``benchmarks/fuzz.py`` draws more of them.
"""

import contextlib
import re

import numpy as np
import pytest
from fuzzed import Broken, Case, is_own, judge
from fuzzed_families import FAMILIES
from hypothesis import HealthCheck, given, settings

from sk_rnnimage import ImageToSequence


@pytest.fixture(scope="module", autouse=True)
def in_a_folder_of_its_own(tmp_path_factory):
    with contextlib.chdir(tmp_path_factory.mktemp("fuzzed")):
        yield


@pytest.mark.filterwarnings("ignore")  # judge looks at those of the case itself
@pytest.mark.parametrize("name", FAMILIES)
def test_each_case_ends_well(name):
    @settings(
        max_examples=40,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(FAMILIES[name])
    def end_well(case):
        judge(case)

    end_well()


def _refused_by(call):
    try:
        call()
    except ValueError as error:
        return error


def test_whose_words_an_error_has():
    ours = _refused_by(lambda: ImageToSequence().fit(np.ones((2, 2, 2, 2, 2))))
    scikit_learns = _refused_by(lambda: ImageToSequence("zigzag").fit(np.ones((2, 4))))
    numpys = _refused_by(lambda: np.ones(3).reshape(2, 2))
    assert [is_own(error) for error in (ours, scikit_learns, numpys)] == [1, 1, 0]


def _wrong(answer):
    raise AssertionError("2 is not 3")


@pytest.mark.parametrize(
    "case, sentence",
    [
        (Case("a", lambda: np.ones(3).reshape(2, 2)), "a: ValueError at test_fuzzed"),
        (Case("a", lambda: {}["b"]), "a: KeyError at test_fuzzed"),
        (Case("a", lambda: 2, _wrong), "a: wrong answer: 2 is not 3"),
        (Case("a", lambda: np.ones(1) / 0), "a: warns divide by zero"),
        (
            Case("a", lambda: ImageToSequence("b").fit(np.ones((2, 4))), valid=True),
            "a: is refused: InvalidParameterError",
        ),
        (
            Case("a", lambda: ImageToSequence("b").fit(np.ones((2, 4))), named="size"),
            "a: names no size: InvalidParameterError",
        ),
    ],
)
def test_what_counts_as_broken(case, sentence):
    with pytest.raises(Broken, match=re.escape(sentence)):
        judge(case)
