"""The layers of cells in ONNX: steps (T, B, F) to states (T, B, N).

ONNX has an LSTM, with or without peepholes, a GRU and Elman's cell; the linear cells
are loops over the steps, or one convolution where their number is known.
"""

import numpy as np
import torch

from sk_rnnimage.networks.cells import Directions, Peephole, Recurrence
from sk_rnnimage.networks.linear_cells import LMU, LRU, MinGRU, legendre_delay

# Where ONNX's gates are in torch: i, o, f, g among i, f, g, o, and z, r, g among r, z,
# g. The peepholes are i, o, f, here i, f, o.
GATES = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}
PEEPHOLES = [0, 2, 1]


def layer_states(g, layer, x, lengths=None, n_steps=None, only_last=False):
    """The states of a layer of any cell: (T, B, F) to (T, B, N).

    Parameters
    ----------
    lengths : str, default=None
        How many of the steps are real, (B,), the first ones. None says all.
    n_steps : int, default=None
        T, where it is known before the model runs.
    only_last : bool, default=False
        Whether the last state of each direction will do, (1, B, N): cells for which
        that is less work then give no other.
    """
    if isinstance(layer, Directions):
        return _directions(g, layer, x, lengths, n_steps, only_last)
    of_layer = _recurrence if isinstance(layer, Recurrence) else _feed_forward
    return of_layer(g, layer, x, lengths)


def _recurrence(g, layer, x, lengths):
    """A cell that torch and ONNX have."""
    rnn = layer.rnn
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    ways = [
        [getattr(rnn, f"{name}_{way}") for name in names]
        for way in ("l0", "l0_reverse")[: 1 + rnn.bidirectional]
    ]
    operator, _, activation = rnn.mode.partition("_")  # RNN_TANH, RNN_RELU
    options = {"linear_before_reset": 1} if operator == "GRU" else {}
    if activation:
        options = {"activations": [activation.capitalize()] * len(ways)}
    return _of_onnx(g, operator, ways, x, lengths, **options)


def _peephole(g, cells, x, lengths):
    """The LSTM with peepholes, which ONNX has too."""
    ways = [
        [cell.weight_ih, cell.weight_hh, cell.bias, torch.zeros_like(cell.bias)]
        for cell in cells
    ]
    seen = torch.stack([cell.weight_peephole[PEEPHOLES].flatten() for cell in cells])
    return _of_onnx(g, "LSTM", ways, x, lengths, seen)


def _of_onnx(g, operator, ways, x, lengths, peepholes=None, **options):
    """ONNX's own LSTM, GRU or RNN.

    ``ways`` holds for each direction what weighs the step and the state, and the two
    biases.
    """

    def ordered(weight):
        order = GATES[operator]
        return weight.unflatten(0, (len(order), -1))[order].flatten(0, 1)

    read, kept, *biases = (torch.stack([*map(ordered, w)]) for w in zip(*ways))
    states = g.add(
        operator,
        x,
        read,  # (ways, gates * D, F)
        kept,
        torch.cat(biases, dim=1),
        None if lengths is None else g.cast(lengths, np.int32),
        *([] if peepholes is None else [None, None, peepholes]),
        hidden_size=kept.shape[2],
        direction="bidirectional" if len(ways) == 2 else "forward",
        **options,
    )  # (T, ways, B, D)
    return g.reshape(g.Transpose(states, perm=[0, 2, 1, 3]), 0, 0, -1)


def _directions(g, layer, x, lengths, n_steps, only_last):
    """One or two cells of our own."""
    cells = [cell for cell in (layer.cell, layer.reverse_cell) if cell is not None]
    if isinstance(layer.cell, Peephole):
        return _peephole(g, cells, x, lengths)
    if n_steps is not None and _is_filter(layer.cell):
        parts = [
            _filtered(g, cell, x, n_steps, bool(way), only_last)
            for way, cell in enumerate(cells)
        ]
        return g.Concat(*parts, axis=2)
    # what padding would add to the states is multiplied by 0
    mask = 1.0
    if lengths is not None:
        mask = g.cast(g.step_mask(x, lengths), np.float32)
    loop = LOOPS[type(layer.cell)]
    parts = [loop(g, cell, x, mask, bool(way)) for way, cell in enumerate(cells)]
    return g.Concat(*parts, axis=2)


def _mingru(g, cell, x, mask, reverse):
    """minGRU: one interpolation a step."""
    z, new = g.split(g.linear(x, cell.weight, cell.bias), 2, axis=2)
    z = g.Mul(g.Sigmoid(z), mask)  # (T, B, D)

    def body(g, h, z, new):
        h = g.Add(h, g.Mul(z, g.Sub(new, h)))
        return [h], [h]

    (states,) = g.scan(body, [_zeros(g, x, len(cell.bias) // 2)], [z, new], reverse)
    return states


def _lru(g, cell, x, mask, reverse):
    """LRU in real arithmetic: a state is a + ib."""
    decay = cell.decay().detach()
    real, imaginary = decay.real, decay.imag
    drive = cell.log_gamma.exp()[:, None, None] * cell.weight_in  # (D, 2, F)
    drives = [g.Mul(g.MatMul(x, w.T), mask) for w in drive.unbind(1)]

    def body(g, a, b, drive_a, drive_b):
        turned = g.Sub(g.Mul(a, real), g.Mul(b, imaginary))
        other = g.Add(g.Mul(a, imaginary), g.Mul(b, real))
        state = [g.Add(turned, drive_a), g.Add(other, drive_b)]
        return state, state

    zeros = _zeros(g, x, len(real))
    a, b = g.scan(body, [zeros, zeros], drives, reverse)  # (T, B, D)
    of_a, of_b = cell.weight_out.unbind(2)
    memory = g.Sub(g.MatMul(a, of_a.T), g.MatMul(b, of_b.T))
    return g.Relu(g.Add(memory, g.linear(x, cell.weight_past, cell.bias)))


def _is_filter(cell):
    """Whether a cell is best read as a convolution over all steps, as in training."""
    few = isinstance(cell, LRU) and cell.weight_past.shape[1] <= cell.FEW
    return few or isinstance(cell, LMU)


def _filtered(g, cell, x, n_steps, reverse, only_last):
    """The states of LRU or LMU by one convolution: (T, B, D), or (1, B, D)."""
    steps = cell.weight_past.new_zeros(n_steps, 1, cell.weight_past.shape[1])
    _, kernel, weight = cell.filter(steps)  # (T, P, D)
    u = x
    if isinstance(cell, LMU):
        u = g.linear(x, cell.encode.weight, cell.encode.bias)
    before = 0 if only_last else n_steps - 1  # zeros before the first step that is read
    memory = g.Conv(
        g.Transpose(u, perm=[1, 2, 0]),  # (B, P, T)
        (kernel if reverse else kernel.flip(0)).permute(2, 1, 0),
        pads=[0, before] if reverse else [before, 0],
    )  # (B, D, T)
    if only_last:
        x = g.Gather(x, [0 if reverse else n_steps - 1], axis=0)
    past = g.linear(x, weight, cell.bias)
    return g.Relu(g.Add(g.Transpose(memory, perm=[2, 0, 1]), past))


def _lmu(g, cell, x, mask, reverse):
    """LMU: one product with its memory (B, P, q) a step."""
    _, n_memories, order = cell.weight_memory.shape
    a, b = legendre_delay(order, cell.n_steps)
    u = g.Mul(g.linear(x, cell.encode.weight, cell.encode.bias), mask)  # (T, B, P)
    weight = cell.weight_memory.flatten(1)  # (D, P * q)

    def body(g, memory, u):
        memory = g.Add(g.MatMul(memory, a.T), g.Mul(u, b))  # (B, P, q)
        return [memory], [g.MatMul(g.reshape(memory, 0, -1), weight.T)]

    zeros = g.reshape(_zeros(g, x, n_memories * order), 0, n_memories, order)
    (memory,) = g.scan(body, [zeros], [g.Unsqueeze(u, [3])], reverse)  # (T, B, D)
    return g.Relu(g.Add(memory, g.linear(x, cell.weight_past, cell.bias)))


def _feed_forward(g, layer, x, lengths):
    """The control without recurrence."""
    position = g.Slice(layer.position, [0], g.size(x, 0), [0])
    return g.Relu(g.Add(g.linear(x, layer.linear.weight, layer.linear.bias), position))


def _zeros(g, x, n):
    """The state before the first of the steps (T, B, F): (B, n)."""
    return g.ConstantOfShape(g.Concat(g.size(x, 1), [n], axis=0))


LOOPS = {MinGRU: _mingru, LRU: _lru, LMU: _lmu}
