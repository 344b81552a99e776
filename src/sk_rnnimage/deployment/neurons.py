"""Where the hidden units and the filters of a network are in its weights.

The tables give for each weight of a part of the network what lies along its axes, one
letter an axis: ``o`` the units that the part puts out, ``i`` those that it reads, ``.``
neither; any other letter is for units that the part keeps to itself. Units may lie
along an axis several times, one gate or one place after another. A capital letter is
where the weight multiplies what the units put out, so that zeros there take a unit out
of the network.
"""

from typing import NamedTuple

import numpy as np

from sk_rnnimage.networks.cells import FeedForward, Peephole, Recurrence
from sk_rnnimage.networks.linear_cells import LMU, LRU, MinGRU
from sk_rnnimage.networks.pooling import AttentionPooling
from sk_rnnimage.networks.readings import Sweep
from sk_rnnimage.networks.steps import EmbeddedLines

CONVOLUTION = {
    "convolution.weight": "oi",  # standardised, so its scale says nothing
    "convolution.bias": "o",
    "convolution.gain": "o",
    "normalize.weight": "O",
    "normalize.bias": "O",
}
CELLS = {
    Recurrence: {"weight_ih": "oI", "weight_hh": "oO", "bias_ih": "o", "bias_hh": "o"},
    Peephole: {
        "weight_ih": "oI",
        "weight_hh": "oO",
        "weight_peephole": ".o",
        "bias": "o",
    },
    MinGRU: {"weight": "oI", "bias": "o"},
    LRU: {  # s: the states, which the outputs read
        "log_nu": "s",
        "log_theta": "s",
        "log_gamma": "s",
        "weight_in": "s.I",
        "weight_out": "oS",
        "weight_past": "oI",
        "bias": "o",
    },
    LMU: {  # m: the memories; one goes where fewer than four features are left
        "encode.weight": "mI",
        "encode.bias": "m",
        "weight_memory": "oM",
        "weight_past": "oI",
        "bias": "o",
    },
    FeedForward: {"linear.weight": "oI", "linear.bias": "o", "position": "..o"},
}
EMBEDDING = {"embed.weight": ".I"}
ATTENTION = {  # p: queries, keys and values of all heads; v: their values
    "in_proj_weight": "pI",
    "in_proj_bias": "p",
    "out_proj.weight": "oV",
    "out_proj.bias": "o",
}
POOLING = {"hidden.weight": "hI", "hidden.bias": "h", "score.weight": ".H"}
HEAD = {"weight": ".I"}


class Units:
    """Units that are chosen among each other: ``n_left`` of ``size`` stay."""

    def __init__(self, size, n_left):
        self.size = size
        self.n_left = n_left


class Axis(NamedTuple):
    """An axis of a weight, and the units that lie along it, one after another.

    ``multiplies`` tells whether the weight multiplies what they put out.
    """

    name: str
    axis: int
    units: list
    multiplies: bool


def axes_of(network, smaller):
    """Each axis of the weights along which units or filters lie: a list of Axis.

    ``smaller`` is a network of a recipe that differs in ``hidden_size`` and ``filters``
    alone, and tells how many are left.
    """
    return _Layout(network, smaller).axes


def deciding(axes):
    """The axes that say what each unit is worth: those where weights multiply it.

    Those that make the unit, where there are none.
    """
    multiplied = {units for axis in axes if axis.multiplies for units in axis.units}
    return [a for a in axes if a.multiplies or not multiplied.issuperset(a.units)]


def sums(axes, arrays):
    """The sums, for each unit, of what arrays of the shapes of the weights hold.

    A dict of arrays (n,), one for some Units.
    """
    totals = {}
    for name, axis, units, _ in axes:
        array = np.moveaxis(arrays[name], axis, 0)
        values = array.reshape(len(array), -1).sum(axis=1)
        starts = np.cumsum([u.size for u in units[:-1]])
        for u, part in zip(units, np.split(values, starts)):
            totals[u] = totals.get(u, 0) + part
    return totals


def cut(axes, weights, scores):
    """Weights of those units alone that have the highest scores, in their order."""
    kept = {
        u: np.sort(np.argsort(-s, kind="stable")[: u.n_left]) for u, s in scores.items()
    }
    weights = {name: weight.copy() for name, weight in weights.items()}
    for name, axis, units, _ in axes:
        starts = np.cumsum([0, *(u.size for u in units[:-1])])
        indices = [start + kept[u] for start, u in zip(starts, units)]
        weights[name] = weights[name].take(np.concatenate(indices), axis)
    return weights


class _Layout:
    """Collects the axes on a walk through the network, in the order of the data."""

    def __init__(self, network, smaller):
        self.axes = []
        self._shapes = [
            {name: weight.shape for name, weight in each.state_dict().items()}
            for each in (network, smaller)
        ]
        self._hidden_sizes = (
            network.recipe["hidden_size"],
            smaller.recipe["hidden_size"],
        )
        filters = None  # pixels: none goes
        for i in range(len(network.stem.layers) if network.stem else 0):
            filters = self._add(f"stem.layers.{i}.", CONVOLUTION, i=filters)["o"]
        outputs = []
        for i, reading in enumerate(network.readings):
            outputs += self._reading(f"readings.{i}.", reading, filters)
        self._add("head.", HEAD, i=outputs)

    def _add(self, prefix, table, suffix="", **units):
        """Add the axes of a part; the units of each letter, given or found."""
        for name, letters in table.items():
            full_name = prefix + name + suffix
            for axis, letter in enumerate(letters):
                key = letter.lower()
                if letter == ".":
                    continue
                if key not in units:
                    units[key] = [self._units(full_name, axis)]
                if units[key] is not None:
                    self._add_axis(full_name, axis, units[key], letter.isupper())
        return units

    def _units(self, name, axis, n=1):
        """The units that lie n times along an axis of a weight."""
        return Units(*(shapes[name][axis] // n for shapes in self._shapes))

    def _add_axis(self, name, axis, units, multiplies):
        n_times = self._shapes[0][name][axis] // sum(u.size for u in units)
        self.axes.append(Axis(name, axis, units * n_times, multiplies))

    def _reading(self, prefix, reading, features):
        """The units that a reading hands to the head."""
        if isinstance(getattr(reading, "steps", None), EmbeddedLines):
            self._add(f"{prefix}steps.", EMBEDDING, i=features)
            features = None  # of a fixed number
        n_layers = len(reading.hidden_size)
        ways = ("layers",)
        if isinstance(reading, Sweep):
            ways = "along_rows", "along_columns"
        for i in range(n_layers):
            layers = [(f"{prefix}{way}.{i}.", getattr(reading, way)[i]) for way in ways]
            outputs = [self._layer(*layer, i, features) for layer in layers]
            features = sum(outputs, start=[])
        if reading.attention is not None:
            features = features + self._attention(prefix, reading, features)
        if isinstance(reading.pool, AttentionPooling):
            self._add(f"{prefix}pool.", POOLING, i=features)
        return features

    def _layer(self, prefix, layer, i, features):
        """The units of a layer, those of the reverse direction last."""
        if isinstance(layer, FeedForward):  # of both directions in one
            return self._add(prefix, CELLS[FeedForward], i=features)["o"]
        units = []
        for cell, parts in _directions(layer):
            own = [Units(*(sizes[i] for sizes in self._hidden_sizes))]
            self._add(prefix + parts[0], CELLS[cell], parts[1], i=features, o=own)
            units += own
        return units

    def _attention(self, prefix, reading, features):
        """The units that self-attention puts out; each head has keys and values."""
        prefix, n_heads = f"{prefix}attention.heads.", reading.attention.heads.num_heads
        keys, values = (
            [
                self._units(f"{prefix}out_proj.weight", 1, n_heads)
                for _ in range(n_heads)
            ]
            for _ in range(2)
        )
        products = keys + keys + values  # a query is compared with a key
        return self._add(prefix, ATTENTION, i=features, p=products, v=values)["o"]


def _directions(layer):
    """The kind of a layer's cell, and what the names of its weights begin and end with.

    A pair (kind, (beginning, end)) for each direction.
    """
    if isinstance(layer, Recurrence):
        ends = ("_l0", "_l0_reverse")[: 1 + layer.rnn.bidirectional]
        return [(Recurrence, ("rnn.", end)) for end in ends]
    names = ("cell.", "reverse_cell.")[: 1 if layer.reverse_cell is None else 2]
    return [(type(layer.cell), (name, "")) for name in names]
