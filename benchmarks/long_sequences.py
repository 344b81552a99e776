"""784 steps of one pixel: the seconds of an epoch of each cell over an LSTM's.

    python benchmarks/long_sequences.py [--rounds 3] [--images 1280] [--units 128]

MNIST pixel by pixel in a fixed random order, one direction, last state, batches of 128,
one pass over some images; all cells in turns in one process. A cell is timed with all
its states, as a layer that another reads, through mean pooling, and with the last state
alone, which a linear, time-invariant recurrence (LRU, LMU) gives without the others.
Beside them the control without recurrence, which has no last state. A pass over a tenth
of the images warms each up. Seconds and ratios are medians over the rounds.

Asserts that a pass of minGRU, LRU and LMU takes at most a fifth of the LSTM's, with all
states. CPU seconds, which other programs disturb least.
"""

import argparse
import statistics
import time

from _tools import assert_limits, describe, in_turns, mnist, print_table, ratio

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
        images=len(X), steps=X.shape[1], units=options.units, rounds=options.rounds,
        seed=0,
    )  # fmt: skip

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

    rivals = {
        (cell, pooling): lambda cell=cell, pooling=pooling: fit(cell, pooling)
        for pooling in ("mean", "last")
        for cell in CELLS
        if cell or pooling == "mean"
    }
    for cell, pooling in rivals:
        fit(cell, pooling, n=len(X) // 10)
    seconds = in_turns(rivals, options.rounds, clock=time.process_time)
    base = ("lstm", "mean")

    def figures(rival):
        if rival not in seconds:
            return ["", ""]
        return [
            f"{statistics.median(seconds[rival]):.2f}",
            f"{ratio(seconds, rival, base):.3f}",
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
