"""Time of one epoch of each cell over 784 steps, relative to the LSTM.

    python benchmarks/long_sequences.py [--rounds 3] [--images 1280] [--units 128]

MNIST pixel by pixel in a fixed random order, unidirectional, mini-batches of 128, one
epoch on a subset of the images; all cells are timed interleaved in one process. Each
cell is timed with all hidden states computed (``pooling="mean"``), as below another
layer, and with the last hidden state only (``pooling="last"``), which a linear
time-invariant recurrence (LRU, LMU) computes without the others. The control without
recurrence has no last state. An epoch on a tenth of the images is the warm-up. Times
and ratios are medians over the rounds.

Asserts that an epoch of minGRU, LRU and LMU takes at most a fifth of the LSTM's, with
all states. Times are CPU seconds, which depend least on other processes.
"""

import argparse
import statistics
import time

from _tools import (
    assert_limits,
    describe,
    mnist,
    print_table,
    ratio,
    time_interleaved,
)

from sk_rnnimage import ImageToSequence, RNNImageClassifier

CELLS = ("lstm", "gru", "rnn", "mingru", "lru", "lmu", None)
LINEAR, LIMIT = ("mingru", "lru", "lmu"), 0.2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--units", type=int, default=128)
    options = parser.parse_args()
    X, y, _, _ = mnist()
    X = ImageToSequence("random").fit_transform(X[: options.images])
    y = y[: options.images]
    describe(
        images=len(X),
        steps=X.shape[1],
        units=options.units,
        rounds=options.rounds,
        seed=0,
    )

    def fit(cell, pooling, n=None):
        RNNImageClassifier(
            options.units,
            cell=cell,
            scan="rows",
            bidirectional=False,
            pooling=pooling,
            max_epochs=1,
            batch_size=128,
            random_state=0,
        ).fit(X[:n], y[:n])

    fits = {
        (cell, pooling): lambda cell=cell, pooling=pooling: fit(cell, pooling)
        for pooling in ("mean", "last")
        for cell in CELLS
        if cell or pooling == "mean"
    }
    for cell, pooling in fits:  # warm up
        fit(cell, pooling, n=len(X) // 10)
    seconds = time_interleaved(fits, options.rounds, clock=time.process_time)
    base = ("lstm", "mean")

    def figures(name):
        if name not in seconds:
            return ["", ""]
        return [
            f"{statistics.median(seconds[name]):.2f}",
            f"{ratio(seconds, name, base):.3f}",
        ]

    print_table(
        ["cell", "all states, CPU s", "over the LSTM", "last state, CPU s", "over"],
        [
            [
                cell or "None (control)",
                *figures((cell, "mean")),
                *figures((cell, "last")),
            ]
            for cell in CELLS
        ],
    )
    assert_limits(
        [
            (f"{cell} over LSTM", ratio(seconds, (cell, "mean"), base), LIMIT)
            for cell in LINEAR
        ]
    )


if __name__ == "__main__":
    main()
