"""Fit time of one LSTM against three other ways to train it, and of the other cells.

    python benchmarks/fit_overhead.py [--rounds 7] [--images 20000] [--clock wall]

One layer of 128 units over 28 rows, one direction, last state, batches of 128, one
pass. The hand-written torch loop does the same work: gather uint8 rows, standardise,
LSTM, linear, cross-entropy, backward, clip, AdamW, one-cycle. skorch's
NeuralNetClassifier trains the same module with AdamW and its own defaults but
``train_split=None``. Keras trains its own LSTM with Adam: once from nothing, as all
others do, and once more with the model already traced. Both get scaled float32 images
that were made beforehand. Keras comes with the extra ``benchmark``; without it its
rows are left out. All rivals run in turns in one process; a ratio is the median over
the rounds of the ratio of two times of one round. On a machine with other work to do,
``--clock cpu`` (with one thread) is the fairer one: the wall clock then also counts
what rivals with helper threads wait for their turn.

Asserts at most 1.03 times the loop, 1.0 times skorch, 0.5 times Keras, and that no
other cell takes longer than the LSTM.
"""

import argparse

import numpy as np
import torch
from _tools import (
    assert_limits,
    clocks,
    describe,
    in_turns,
    mnist,
    print_table,
    ratio,
    start_keras,
)
from skorch import NeuralNetClassifier
from torch import nn

from sk_rnnimage import RNNImageClassifier

LSTM = "sk_rnnimage LSTM"
RIVALS = {"hand-written loop": 1.03, "skorch": 1.0, "Keras": 0.5}
CELLS = {"sk_rnnimage GRU": "gru", "sk_rnnimage tanh RNN": "rnn"}
CONTROL = "sk_rnnimage cell=None (control)"


class Reader(nn.Module):
    """The network of the loop and of skorch."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        """Images (B, 28, 28) to logits (B, 10)."""
        return self.head(self.lstm(x)[0][:, -1])


def loop(X, y, batch_size=128):
    torch.manual_seed(0)
    network = Reader()
    pixels, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    chunks = [part.float() for part in pixels[:2000].split(500)]
    mean = torch.stack([chunk.mean() for chunk in chunks]).mean()
    scale = torch.stack([chunk.std() for chunk in chunks]).mean()
    n_steps = -(-len(X) // batch_size)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=0.01, weight_decay=0.1, fused=True
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, total_steps=n_steps + 1
    )
    for rows in torch.randperm(len(X)).split(batch_size):
        x = (pixels[rows].float() - mean) / scale
        loss = nn.functional.cross_entropy(network(x), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        cycle.step()
    return network


def skorch_net():
    return NeuralNetClassifier(
        Reader,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        batch_size=128,
        max_epochs=1,
        train_split=None,
        verbose=0,
    )


def ours(cell="lstm"):
    return RNNImageClassifier(
        128,
        cell=cell,
        scan="rows",
        bidirectional=False,
        pooling="last",
        batch_size=128,
        max_epochs=1,
        random_state=0,
    )


def keras_rivals(X, y):
    """Keras' LSTM, from nothing and already traced."""
    if not start_keras():
        return {}
    import keras

    def new_model():
        layers = [keras.Input((28, 28)), keras.layers.LSTM(128)]
        model = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        return model

    def fit(model):
        model.fit(X, y, batch_size=128, epochs=1, verbose=0)

    traced = new_model()
    return {
        "Keras": lambda: fit(new_model()),
        "Keras, already traced": lambda: fit(traced),
    }


def make_rivals(X, y):
    scaled, codes = X.astype(np.float32) / 255, y.astype(np.int64)
    others = {**CELLS, CONTROL: None}
    return {
        "hand-written loop": lambda: loop(X, y),
        LSTM: lambda: ours().fit(X, y),
        "skorch": lambda: skorch_net().fit(scaled, codes),
        **keras_rivals(scaled, codes),
        **{name: lambda cell=c: ours(cell).fit(X, y) for name, c in others.items()},
    }


def print_times(times):
    """One row a rival: by the clock on the wall, then by CPU time."""
    rows = []
    for name in times["wall"]:
        row = [name]
        for seconds in times.values():
            median, least = np.median(seconds[name]), min(seconds[name])
            share = ratio(seconds, name, LSTM)
            row += [f"{median:.2f}", f"{least:.2f}", f"{share:.3f}"]
        rows.append(row)
    columns = ("s", "least s", "/ LSTM", "CPU s", "least CPU s", "/ LSTM by CPU")
    print_table(("fit (median)", *columns), rows)


def claims(seconds):
    """What is claimed of the times, as (what, ratio, limit)."""
    pairs = [(LSTM, name, limit) for name, limit in RIVALS.items() if name in seconds]
    pairs += [(name, LSTM, 1.0) for name in CELLS]
    return [(f"{a} / {b}", ratio(seconds, a, b), limit) for a, b, limit in pairs]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()
    X, y, _, _ = mnist()
    X, y = X[: options.images], y[: options.images]
    describe(rounds=options.rounds, images=len(X), seed=0)
    rivals = make_rivals(X, y)
    in_turns(rivals, 1)  # warm up
    pairs = in_turns(rivals, options.rounds, clocks)
    times = {
        clock: {name: [pair[i] for pair in pairs[name]] for name in pairs}
        for i, clock in enumerate(["wall", "cpu"])
    }
    print_times(times)
    assert_limits(claims(times[options.clock]))


if __name__ == "__main__":
    main()
