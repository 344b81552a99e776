"""The message of the ranks: what adds up, and who is missing."""

import pytest
import torch
from process_groups import group

from sk_rnnimage._training.exchange import Exchange
from sk_rnnimage._training.ranks import LostRank, rank

SHAPES = (2, 3), (4,), ()


def exchange(dtype=torch.float32):
    """Of parameters of which the second has no gradient."""
    parameters = [torch.zeros(shape, dtype=dtype).requires_grad_() for shape in SHAPES]
    for weight in parameters[::2]:
        weight.grad = torch.full_like(weight, 10.0 ** rank())
    return Exchange(parameters, 3)


def add_up(kind, values, dtype=torch.float32):
    of_mine = exchange(dtype)
    sums = of_mine.sums(kind, values)
    views = [weight.grad for weight in of_mine.parameters]
    gradients = [None if view is None else view.clone() for view in views]
    of_mine.sums("end")
    return sums, gradients, views[0]


def in_different_steps():
    with pytest.raises(LostRank):
        exchange().sums(["train", "end"][rank()])
    return "both"


def leave(leaving):
    of_mine = exchange()
    of_mine.sums("epoch", [0.0])
    if rank() == leaving:
        of_mine.leave()
        return "left"
    with pytest.raises(LostRank):
        of_mine.sums("train")
    of_mine.leave()  # waits for nobody: the other has left before
    return "told"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_and_gradients_add_up(dtype):
    for sums, gradients, after in group(2).run(add_up, "train", [1.0, 2.5], dtype):
        assert sums.tolist() == [2, 5] and sums.dtype == dtype
        assert gradients[1] is None
        assert torch.equal(gradients[0], torch.full((2, 3), 11, dtype=dtype))
        assert gradients[2].item() == 11
        assert not after.any()  # the message is written over, the sums are not


@pytest.mark.parametrize("kind", ["epoch", "valid"])
def test_gradients_stay_where_only_numbers_add_up(kind):
    for number, result in enumerate(group(2).run(add_up, kind, [3.0])):
        sums, gradients, _ = result
        assert sums.tolist() == [6]
        assert gradients[2].item() == 10.0**number


def test_ranks_in_different_steps_are_told():
    assert group(2).run(in_different_steps) == ["both", "both"]


@pytest.mark.parametrize("leaving", [0, 1])
def test_a_rank_that_leaves_is_missed_at_once(leaving):
    results = group(2).run(leave, leaving)
    assert results[leaving] == "left" and results[1 - leaving] == "told"
