"""The message in which the ranks add up what they have computed."""

import torch
from torch import distributed

from sk_rnnimage._training.ranks import LostRank, lost_rank_named, n_ranks

KINDS = "epoch", "train", "valid", "end"


class Exchange:
    """One message of each rank a step, always of one length, to become their sum.

    One message costs less than one for each tensor. As all are alike, a rank that fails
    takes part in the next one, whatever that is, and the others need not wait for it.

    Parameters
    ----------
    parameters : iterable of tensors
        Whose gradients a message has room for.
    n_values : int
        How many other numbers it has room for.
    """

    def __init__(self, parameters, n_values):
        self.parameters = list(parameters)
        n_gradients = sum(weight.numel() for weight in self.parameters)
        lengths = len(KINDS), n_values, n_gradients
        message = self.parameters[0].detach().new_zeros(sum(lengths))
        self.message, (self.kinds, *self.rest) = message, message.split(lengths)

    def sums(self, kind, values=()):
        """The sums of some numbers over all ranks; ``"train"`` adds up gradients too.

        Parameters
        ----------
        kind : str
            One of ``KINDS``, which must be that of all ranks.
        values : sequence of float or tensor, default=()
            The numbers.

        Raises
        ------
        LostRank
            Where another rank is not in the same step.
        """
        numbers, gradients = self.rest
        self.message.zero_()
        self.kinds[KINDS.index(kind)] = 1
        numbers[: len(values)] = torch.as_tensor(values)
        weights = [weight for weight in self.parameters if weight.grad is not None]
        if kind == "train":
            gradients = gradients[: sum(weight.numel() for weight in weights)]
            torch.cat([weight.grad.flatten() for weight in weights], out=gradients)
        self._reduce()
        if self.kinds[KINDS.index(kind)] != n_ranks():
            raise LostRank
        if kind == "train":
            parts = gradients.split([weight.numel() for weight in weights])
            for weight, part in zip(weights, parts):
                weight.grad = part.view_as(weight)  # until the next message
        return numbers[: len(values)].clone()

    def leave(self):
        """Let the other ranks know that this one takes part in no step any more."""
        if 0 < self.kinds.sum() < n_ranks():  # another one has left before
            return
        self.message.zero_()
        try:
            self._reduce()
        except LostRank:
            pass  # nobody waits

    def _reduce(self):
        with lost_rank_named():
            distributed.all_reduce(self.message)
