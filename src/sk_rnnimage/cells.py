"""The recurrent cells: their equations and how they are initialised.

A cell is a module that maps sequences (T, B, F) to hidden states (T, B, N): N is D
hidden units, or 2 * D where a second cell reads from the end to the beginning.
"""

import torch
from torch import nn


class Recurrence(nn.Module):
    r"""One layer of a recurrent cell over all steps, in one or both directions.

    With :math:`x_t` the step, :math:`h_t` the hidden state, :math:`\sigma` the
    logistic function and :math:`\odot` the elementwise product:

    ``"rnn"`` [1]_

    .. math:: h_t = \tanh(W x_t + b + U h_{t-1} + c)

    ``"lstm"`` [2]_, with the cell state :math:`s_t` and the input, forget and output
    gates :math:`i, f, o`

    .. math::
        i, f, o &= \sigma(W x_t + b + U h_{t-1} + c) \quad \text{of their own} \\
        g &= \tanh(W_g x_t + b_g + U_g h_{t-1} + c_g) \\
        s_t &= f \odot s_{t-1} + i \odot g \\
        h_t &= o \odot \tanh(s_t)

    ``"gru"`` [3]_, with the reset and update gates :math:`r, z`

    .. math::
        r, z &= \sigma(W x_t + b + U h_{t-1} + c) \quad \text{of their own} \\
        g &= \tanh(W_g x_t + b_g + r \odot (U_g h_{t-1} + c_g)) \\
        h_t &= (1 - z) \odot g + z \odot h_{t-1}

    where :math:`W` weighs the step (Glorot's uniform initialisation), :math:`U` the
    state (orthogonal), and :math:`b, c` are biases: 0, but 1 for the forget gate, so
    that an untrained LSTM remembers.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural
       Computation 9, 1997; with the forget gate of F. Gers, J. Schmidhuber,
       F. Cummins, "Learning to forget", Neural Computation 12, 2000.
    .. [3] K. Cho et al., "Learning phrase representations using RNN encoder-decoder
       for statistical machine translation", EMNLP 2014, eq. 5-8, in the form in which
       the reset gate acts after the product.
    """

    def __init__(self, kind, n_inputs, n_units, bidirectional):
        super().__init__()
        self.rnn = kind(n_inputs, n_units, bidirectional=bidirectional)
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
                continue
            init = nn.init.orthogonal_ if "_hh_" in name else nn.init.xavier_uniform_
            for gate in parameter.detach().split(n_units):  # (D, F) or (D, D)
                init(gate)
        if kind is nn.LSTM:
            for name, parameter in self.rnn.named_parameters():
                if name.startswith("bias_ih"):
                    nn.init.ones_(parameter.detach()[n_units : 2 * n_units])

    def forward(self, x):
        return self.rnn(x)[0]  # (T, B, N)


class FeedForward(nn.Module):
    r"""The control without recurrence: each step for itself.

    .. math:: h_t = \max(0, W x_t + b + p_t)

    where :math:`p_t` is learned for each place t, so that the network knows where a
    step stands although it knows nothing of the others.
    """

    def __init__(self, n_inputs, n_outputs, n_steps):
        super().__init__()
        self.linear = glorot(nn.Linear(n_inputs, n_outputs))
        self.position = nn.Parameter(torch.zeros(n_steps, 1, n_outputs))

    def forward(self, x):
        return torch.relu(self.linear(x) + self.position)  # (T, B, N)


def glorot(linear):
    """A linear or convolutional layer with Glorot's initialisation and no bias yet."""
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, None: None}


def make_layer(cell, n_inputs, n_units, bidirectional, n_steps):
    """One layer of the named cell: a module from (T, B, F) to (T, B, N)."""
    if cell is None:
        return FeedForward(n_inputs, n_outputs(n_units, bidirectional), n_steps)
    return Recurrence(CELLS[cell], n_inputs, n_units, bidirectional)


def n_outputs(n_units, bidirectional):
    """N, the width of a layer's output."""
    return n_units * (1 + bidirectional)
