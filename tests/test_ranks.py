"""The ranks of a process group: their shares, and what they tell each other."""

import re

import pytest
from process_groups import group
from torch import distributed

from sk_rnnimage._training.ranks import (
    LostRank,
    failing_together,
    gathered,
    n_ranks,
    of_first,
    own_rows,
    rank,
    read_rows,
)


def who():
    return rank(), n_ranks()


def shares(n):
    return list(range(n))[own_rows(n)], list(range(n))[read_rows(n)]


def gather_ranks():
    return gathered(f"rank {rank()}")


def fail_in_one(failing):
    with failing_together():
        if rank() == failing:
            raise ValueError("Of my own.")
    return gathered("fine")


def fail_in_both():
    with failing_together():
        raise ValueError(f"Of rank {rank()}.")


def ask_first(error=None):
    def answer():
        if error is not None:
            raise error
        return rank()

    return of_first(answer)


def test_without_a_group_there_is_one_rank():
    assert who() == (0, 1)
    assert of_first(lambda: 5) == 5
    assert own_rows(7) == slice(0, 7)


def test_a_group_of_one_is_none(tmp_path):
    method = f"file://{tmp_path}/store"
    distributed.init_process_group("gloo", init_method=method, rank=0, world_size=1)
    try:
        assert who() == (0, 1)
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 128])
def test_each_row_is_one_ranks(n):
    own, read = zip(*group(2).run(shares, n))
    assert sum(own, []) == list(range(n))
    assert max(map(len, own)) - min(map(len, own)) <= 1
    for mine, reads in zip(own, read):
        assert reads == (mine or [0])


def test_they_tell_each_other():
    assert group(2).run(who) == [(0, 2), (1, 2)]
    assert group(2).run(gather_ranks) == [["rank 0", "rank 1"]] * 2


@pytest.mark.parametrize("failing", [0, 1])
def test_one_that_fails_ends_the_waiting(failing):
    results = group(2).run(fail_in_one, failing)
    assert isinstance(results[failing], ValueError)
    assert str(results[failing]) == "Of my own."
    assert isinstance(results[1 - failing], LostRank)
    message = "Another process of the group has stopped or left this fit"
    assert re.match(message, str(results[1 - failing]))
    assert group(2).run(fail_in_one, None) == [["fine"] * 2] * 2


def test_where_all_fail_each_raises_its_own():
    errors = group(2).run(fail_in_both)
    assert [str(error) for error in errors] == ["Of rank 0.", "Of rank 1."]


def test_the_first_answers_for_all():
    assert group(2).run(ask_first) == [0, 0]
    errors = group(2).run(ask_first, ValueError("No such file."))
    assert [repr(error) for error in errors] == ["ValueError('No such file.')"] * 2
