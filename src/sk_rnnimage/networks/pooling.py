"""What follows the recurrent states (T, B, N): self-attention, and pooling to (B, N).

``mask`` (T, B) is True where a step is real; None where all are. ``step`` takes one
state (B, N) and what it gave after the one before, or None: it gives what is pooled so
far, (B, N), and what is carried on.
"""

import torch
from torch import nn

from sk_rnnimage.networks.cells import glorot, n_outputs
from sk_rnnimage.networks.masks import key_padding_mask


class SelfAttention(nn.Module):
    r"""Self-attention over the states, its output concatenated to them.

    .. math::
        A_i &= \mathrm{softmax}(Q_i K_i^\top / \sqrt d), \quad
        Q_i = H W^Q_i, K_i = H W^K_i, V_i = H W^V_i \\
        H' &= [H; [A_1 V_1; \ldots; A_m V_m] W^O + b]

    where :math:`H` holds the states of all T steps, :math:`A_i` the attention weights
    of head i (T, T), each row of which sums to 1, :math:`d` the width of a head and [;]
    concatenates features. Scaled dot-product attention with m heads [1]_.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, sec. 3.2.
    """

    def __init__(self, n_inputs, n_heads):
        super().__init__()
        self.heads = nn.MultiheadAttention(n_inputs, n_heads)

    def forward(self, x, mask=None):
        output, _ = self.heads(x, x, x, key_padding_mask(mask), need_weights=False)
        return torch.cat([x, output], dim=2)  # (T, B, 2 * N)

    def weights(self, x, mask=None):
        """Attention weights of each step for each other: (B, heads, T, T)."""
        padding = key_padding_mask(mask)
        _, weights = self.heads(x, x, x, padding, average_attn_weights=False)
        return weights if mask is None else weights * mask.T[:, None, :, None]


class LastState(nn.Module):
    """The state after the last step read; of the reverse direction the first step's.

    The first ``width`` features are recurrent states; what follows them (the output of
    self-attention) belongs to the last step.
    """

    def __init__(self, width, bidirectional):
        super().__init__()
        self.width = width
        self.width_forward = width // 2 if bidirectional else width

    def forward(self, x, mask=None):
        last = x[-1] if mask is None else _at(x, mask.sum(0) - 1)
        if self.width_forward == self.width:
            return last
        reverse = x[0, :, self.width_forward : self.width]
        features = last[:, : self.width_forward], reverse, last[:, self.width :]
        return torch.cat(features, dim=1)  # (B, N)

    def step(self, x, carried):
        """The state itself, of one direction."""
        return x, None


def _at(x, indices):
    """One step of each sequence: (T, B, N) to (B, N)."""
    return x[indices, torch.arange(x.shape[1], device=x.device)]


class MeanPooling(nn.Module):
    """The mean over the steps."""

    def forward(self, x, mask=None):
        if mask is None:
            return x.mean(0)  # (B, N)
        return x.where(mask[..., None], 0).sum(0) / mask.sum(0)[:, None]

    def step(self, x, carried):
        """The mean so far."""
        total, n = carried or (0, 0)
        total, n = total + x, n + 1
        return total / n, (total, n)


class MaxPooling(nn.Module):
    """The largest value over the steps, for each hidden unit."""

    def forward(self, x, mask=None):
        if mask is not None:
            x = x.masked_fill(~mask[..., None], -torch.inf)
        return x.amax(0)  # (B, N)

    def step(self, x, carried):
        """The largest values so far."""
        most = x if carried is None else torch.maximum(x, carried)
        return most, most


class AttentionPooling(nn.Module):
    r"""A weighted mean over the steps, with weights by a small network (Bahdanau).

    .. math:: a_t = \mathrm{softmax}_t(v \cdot \tanh(W h_t + b))

    where :math:`h_t` is the hidden state after step t and :math:`W, b, v` are learned.

    References
    ----------
    .. [1] D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly
       learning to align and translate", ICLR 2015.
    """

    def __init__(self, n_inputs):
        super().__init__()
        self.hidden = glorot(nn.Linear(n_inputs, n_inputs))
        self.score = glorot(nn.Linear(n_inputs, 1))

    def forward(self, x, mask=None):
        return (self.weights(x, mask) * x).sum(0)  # (B, N)

    def step(self, x, carried):
        """The weighted mean so far, its sums relative to the largest score."""
        score = self._scores(x)  # (B, 1)
        most, total, weight = carried or (score, 0, 0)
        largest = torch.maximum(score, most)
        before, now = torch.exp(most - largest), torch.exp(score - largest)
        total, weight = before * total + now * x, before * weight + now
        return total / weight, (largest, total, weight)

    def _scores(self, x):
        return self.score(torch.tanh(self.hidden(x)))

    def weights(self, x, mask=None):
        """Attention weights of the steps: (T, B, 1)."""
        scores = self._scores(x)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None], -torch.inf)
        return scores.softmax(0)


POOLINGS = ("last", "mean", "max", "attention")


def make_pooling(pooling, recipe, n_inputs):
    """The named pooling: a module from (T, B, N) to (B, N)."""
    if pooling == "attention":
        return AttentionPooling(n_inputs)
    if pooling == "max":
        return MaxPooling()
    if pooling == "mean" or recipe["cell"] is None:
        return MeanPooling()
    both = recipe["bidirectional"]
    return LastState(n_outputs(recipe["hidden_size"][-1], both), both)
