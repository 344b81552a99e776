"""Fit time of one LSTM against a hand-written torch loop that does the same work.

    python benchmarks/fit_overhead.py [--rounds 7] [--images 20000]

One LSTM of 128 units over 28 rows, one direction, last state, batches of 128, one
pass: gather uint8 rows, standardise, LSTM, linear, cross-entropy, backward, clip,
AdamW, one-cycle. Asserts a ratio of at most 1.10.
"""

import argparse
import statistics

import numpy as np
import torch
from _tools import describe, in_turns, mnist, ratio
from torch import nn

from sk_rnnimage import RNNImageClassifier

LIMIT = 1.10


class Reader(nn.Module):
    """The network of the loop."""

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=20000)
    options = parser.parse_args()
    X, y, _, _ = mnist()
    X, y = X[: options.images], y[: options.images]
    describe(rounds=options.rounds, images=options.images, seed=0)
    classifier = RNNImageClassifier(
        128,
        scan="rows",
        bidirectional=False,
        pooling="last",
        batch_size=128,
        max_epochs=1,
        random_state=0,
    )
    rivals = {"loop": lambda: loop(X, y), "sk_rnnimage": lambda: classifier.fit(X, y)}
    in_turns({name: rivals[name] for name in rivals}, 1)  # warm up
    seconds = in_turns(rivals, options.rounds)
    for name, times in seconds.items():
        median, least = statistics.median(times), min(times)
        print(f"{name:12s} median {median:.2f} s, min {least:.2f} s")
    found = ratio(seconds, "sk_rnnimage", "loop")
    print(f"ratio {found:.3f} (median of {options.rounds} pairs), limit {LIMIT}")
    assert found <= LIMIT, f"fit takes {found:.3f} times the loop, limit {LIMIT}"


if __name__ == "__main__":
    main()
