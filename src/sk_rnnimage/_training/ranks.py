"""The ranks: the processes of torch's process group, which share a fit among them.

Without a group, or with one of a single process, there is one rank, and nothing is
sent.
"""

import threading
from contextlib import contextmanager

from torch import distributed

_TURN = threading.Lock()


class LostRank(RuntimeError):
    """Another rank has left the fit."""

    MESSAGE = (
        "Another process of the group has stopped or left this fit, which cannot go on "
        "without it: that process shows why."
    )

    def __init__(self, message=MESSAGE):
        super().__init__(message)


class _Failed:
    """What a rank sends in place of what the others wait for."""


def n_ranks():
    """How many processes share a fit."""
    there = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if there else 1


def rank():
    """The number of this process, from 0 on."""
    return distributed.get_rank() if n_ranks() > 1 else 0


def own_rows(n):
    """Which of the n rows of a mini-batch are this rank's: few may leave it none."""
    return slice(n * rank() // n_ranks(), n * (rank() + 1) // n_ranks())


def read_rows(n):
    """Which rows this rank reads: where none are its own the first, counted as 0."""
    rows = own_rows(n)
    return rows if rows.start < rows.stop else slice(0, 1)


def gathered(value):
    """A small object from each rank, in their order.

    Raises
    ------
    LostRank
        Where another rank has failed before.
    """
    values = [None] * n_ranks()
    with _TURN, lost_rank_named():
        distributed.all_gather_object(values, value)
    if any(isinstance(each, _Failed) for each in values):
        raise LostRank
    return values


@contextmanager
def failing_together():
    """Tell the other ranks, which come to ``gathered`` next, of an error in here."""
    try:
        yield
    except BaseException as error:
        try:
            gathered(_Failed())
        except LostRank:
            raise error from None
        raise


def of_first(function):
    """What a function gives, or raises, in the first rank, for all of them."""
    if n_ranks() == 1:
        return function()
    result, error = None, None
    if rank() == 0:
        try:
            result = function()
        except Exception as raised:
            error = raised
    answer = [result, error]
    with _TURN, lost_rank_named():
        distributed.broadcast_object_list(answer, src=0)
    result, error = answer
    if error is not None:
        raise error
    return result


@contextmanager
def lost_rank_named():
    """Raise in our words where the group's engine finds another rank gone."""
    try:
        yield
    except RuntimeError as error:
        raise LostRank from error
