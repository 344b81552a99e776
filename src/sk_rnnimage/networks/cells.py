"""The recurrent cells: their equations and how they are initialised.

A cell is a module that maps sequences (T, B, F) to hidden states (T, B, N): N is D
hidden units, or 2 * D where a second cell reads from the end to the beginning. In one
direction ``step`` does the same for one step (B, F), from the state that it gave after
the step before, or None: it gives (B, D) and the state.
"""

from functools import partial

import torch
from torch import nn

from sk_rnnimage.networks.linear_cells import LMU, LONG, LRU, MinGRU, OneWay, chrono


class Recurrence(nn.Module):
    r"""One layer of a recurrent cell over all steps, in one or both directions.

    With :math:`x_t` the step, :math:`h_t` the hidden state, :math:`\sigma` the
    logistic function and :math:`\odot` the elementwise product:

    ``"rnn"`` [1]_

    .. math:: h_t = \tanh(W x_t + b + U h_{t-1} + c)

    ``"irnn"`` [4]_

    .. math:: h_t = \max(0, W x_t + b + U h_{t-1} + c)

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
    that an untrained LSTM remembers. In an IRNN :math:`U` starts as the identity:
    an untrained one adds up what it reads. Beyond 100 steps the biases of the LSTM's
    and the GRU's gates start as :func:`sk_rnnimage.networks.linear_cells.chrono` says.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural
       Computation 9, 1997; with the forget gate of F. Gers, J. Schmidhuber,
       F. Cummins, "Learning to forget", Neural Computation 12, 2000.
    .. [3] K. Cho et al., "Learning phrase representations using RNN encoder-decoder
       for statistical machine translation", EMNLP 2014, eq. 5-8, in the form in which
       the reset gate acts after the product.
    .. [4] Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent
       networks of rectified linear units", arXiv:1504.00941, 2015.
    """

    def __init__(self, kind, n_inputs, n_units, bidirectional, n_steps):
        super().__init__()
        self.rnn = kind(n_inputs, n_units, bidirectional=bidirectional)
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
                continue
            init = nn.init.orthogonal_ if "_hh_" in name else nn.init.xavier_uniform_
            for gate in parameter.detach().split(n_units):  # (D, F) or (D, D)
                init(gate)
        weights = {name: w.detach() for name, w in self.rnn.named_parameters()}
        for way in ("l0", "l0_reverse")[: 1 + bidirectional]:
            bias = weights[f"bias_ih_{way}"].split(n_units)  # one for each gate
            if kind is nn.LSTM:
                init_gates(forget=bias[1], enter=bias[0], n_steps=n_steps)
            elif kind is nn.GRU and n_steps > LONG:
                chrono(bias[1], n_steps)
            elif kind is relu_rnn:
                nn.init.eye_(weights[f"weight_hh_{way}"])

    def forward(self, x):
        return self.rnn(x)[0]  # (T, B, N)

    def step(self, x, state):
        """The state after one step: (B, F) to (B, D), and what is carried on."""
        h, state = self.rnn(x[None], state)
        return h[0], state


def relu_rnn(n_inputs, n_units, bidirectional):
    """Elman's cell with ReLU in place of tanh."""
    return nn.RNN(n_inputs, n_units, nonlinearity="relu", bidirectional=bidirectional)


def init_gates(forget, enter, n_steps):
    """Set the biases of an LSTM's forget and input gates so that it remembers."""
    if n_steps > LONG:
        enter.copy_(-chrono(forget, n_steps))
    else:
        nn.init.ones_(forget)


class Peephole(OneWay):
    r"""The LSTM whose gates see the cell state [1]_.

    .. math::
        i, f &= \sigma(W x_t + U h_{t-1} + p \odot s_{t-1} + b)
        \quad \text{of their own} \\
        g &= \tanh(W_g x_t + U_g h_{t-1} + b_g) \\
        s_t &= f \odot s_{t-1} + i \odot g \\
        o &= \sigma(W_o x_t + U_o h_{t-1} + p_o \odot s_t + b_o) \\
        h_t &= o \odot \tanh(s_t)

    where :math:`p` weighs the cell state, unit by unit, and starts with 0; all else is
    and starts as in :class:`Recurrence`.

    References
    ----------
    .. [1] F. A. Gers, J. Schmidhuber, "Recurrent nets that time and count", IJCNN
       2000.
    """

    def __init__(self, n_inputs, n_units, n_steps):
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * n_units, n_inputs))  # i, f, g, o
        self.weight_hh = nn.Parameter(torch.empty(4 * n_units, n_units))
        self.weight_peephole = nn.Parameter(torch.zeros(3, n_units))  # i, f, o
        self.bias = nn.Parameter(torch.zeros(4 * n_units))
        for gate in self.weight_ih.detach().split(n_units):
            nn.init.xavier_uniform_(gate)
        for gate in self.weight_hh.detach().split(n_units):
            nn.init.orthogonal_(gate)
        bias = self.bias.detach().split(n_units)
        init_gates(forget=bias[1], enter=bias[0], n_steps=n_steps)

    def forward(self, x):
        state, states = None, []
        for read in nn.functional.linear(x, self.weight_ih, self.bias):
            state = self._after(read, state)
            states.append(state[0])
        return torch.stack(states)  # (T, B, D)

    def step(self, x, state):
        read = nn.functional.linear(x, self.weight_ih, self.bias)
        state = self._after(read, state)
        return state[0], state

    def _after(self, read, state):
        """h and s, each (B, D), from what the gates read of the step (B, 4 * D)."""
        if state is None:
            state = (read.new_zeros(len(read), self.weight_hh.shape[1]),) * 2
        h, s = state
        p_i, p_f, p_o = self.weight_peephole
        gates = torch.addmm(read, h, self.weight_hh.T)  # (B, 4 * D)
        i, f, g, o = gates.chunk(4, dim=1)
        i, f = torch.sigmoid(i + p_i * s), torch.sigmoid(f + p_f * s)
        s = f * s + i * torch.tanh(g)
        return torch.sigmoid(o + p_o * s) * torch.tanh(s), s


class Directions(nn.Module):
    """One or two cells of one direction; the second reads the steps in reverse."""

    def __init__(self, kind, n_inputs, n_units, bidirectional, n_steps):
        super().__init__()
        self.cell = kind(n_inputs, n_units, n_steps)
        self.reverse_cell = kind(n_inputs, n_units, n_steps) if bidirectional else None

    def forward(self, x):
        if _is_traced():
            return self._plain(x)
        if self.reverse_cell is None:
            return self.cell.fast(x)
        return concatenated(self.cell.fast(x), self.reverse_cell.reverse(x))

    def step(self, x, state):
        """The state after one step of the one direction, and what is carried on."""
        return self.cell.step(x, state)

    def last(self, x):
        """The state after the last step that each cell reads: (T, B, F) to (B, N)."""
        pairs = [(self.cell, x)]
        if self.reverse_cell is not None:
            pairs.append((self.reverse_cell, x.flip(0)))
        if _is_traced():
            return torch.cat([cell(steps)[-1] for cell, steps in pairs], dim=1)
        return torch.cat([cell.last(steps) for cell, steps in pairs], dim=1)

    def _plain(self, x):
        """The states by the cells' plain operations: (T, B, N)."""
        if self.reverse_cell is None:
            return self.cell(x)
        return torch.cat([self.cell(x), self.reverse_cell(x.flip(0)).flip(0)], dim=2)


def _is_traced():
    """Whether torch follows the operations, to compile or to export them.

    It cannot look into hand-written backward passes.
    """
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch.onnx.is_in_onnx_export()
    )


def concatenated(one, other):
    """Features (T, B, D) of two cells as (T, B, N), in the layout that they have."""
    if one.stride(0) > 1:
        return torch.cat([one, other], dim=2)
    parts = [one.permute(1, 2, 0), other.permute(1, 2, 0)]  # steps lie together
    return torch.cat(parts, dim=1).permute(2, 0, 1)


class FeedForward(nn.Module):
    r"""The control without recurrence: each step on its own.

    .. math:: h_t = \max(0, W x_t + b + p_t)

    where :math:`p_t` is a learned position embedding, so that the network knows where
    a step comes from although it knows nothing of the others.
    """

    def __init__(self, n_inputs, n_units, bidirectional, n_steps):
        super().__init__()
        width = n_outputs(n_units, bidirectional)
        self.linear = glorot(nn.Linear(n_inputs, width))
        self.position = nn.Parameter(torch.zeros(n_steps, 1, width))

    def forward(self, x):
        return torch.relu(self.linear(x) + self.position[: len(x)])  # (T, B, N)


def glorot(linear):
    """A linear or convolutional layer with Glorot's initialisation and no bias yet."""
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


CELLS = {
    "rnn": partial(Recurrence, nn.RNN),
    "irnn": partial(Recurrence, relu_rnn),
    "lstm": partial(Recurrence, nn.LSTM),
    "peephole": partial(Directions, Peephole),
    "gru": partial(Recurrence, nn.GRU),
    "mingru": partial(Directions, MinGRU),
    "lru": partial(Directions, LRU),
    "lmu": partial(Directions, LMU),
    None: FeedForward,
}


def make_layer(cell, n_inputs, n_units, bidirectional, n_steps):
    """One layer of the named cell: a module from (T, B, F) to (T, B, N)."""
    return CELLS[cell](n_inputs, n_units, bidirectional, n_steps)


def n_outputs(n_units, bidirectional):
    """N, the width of a layer's output."""
    return n_units * (1 + bidirectional)
