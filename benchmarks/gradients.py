"""Explosion and vanishing of each cell over 784 and 5,000 steps, and what handles it.

    python benchmarks/gradients.py [--units 64] [--images 16]

One value a step, unidirectional, the last hidden state is classified; all as at the
start of a training, and one update of it. *Reach* is the gradient of the loss by the
first ten values over that by the last ten: 1 would remember the first step as well as
the last. *Gradient* is the norm of the gradient of all weights together, and *clipped*
what the update is made of. Seeds: 0.

Asserts that the gated cells and the LMU reach back to the first step (1e-3 of the last
at least), and that every update is clipped to a norm of 1.
"""

import argparse

import numpy as np
import torch
from _tools import assert_limits, describe, print_table
from skorch.callbacks import Callback

from sk_rnnimage import RNNImageClassifier

CELLS = ("rnn", "irnn", "lstm", "peephole", "gru", "mingru", "lru", "lmu")
REACHING, LEAST = ("lstm", "peephole", "gru", "mingru", "lmu"), 1e-3


class Clipped(Callback):
    """Write down the norm of the gradient that an update is made of."""

    def on_grad_computed(self, net, **kwargs):
        """After the clipping of our own, which comes before all other callbacks."""
        self.norm = norm_of(net.module_)


def norm_of(network):
    """The norm of the gradient of all weights together."""
    return float(torch.stack([p.grad.norm() for p in network.parameters()]).norm())


def measure(cell, n_steps, options):
    """Reach, norm of the gradient, and norm of the clipped one."""
    images = np.random.RandomState(0).rand(options.images, n_steps, 1)
    y = np.arange(options.images) % 2
    clipped = Clipped()
    model = RNNImageClassifier(
        options.units,
        cell=cell,
        scan="rows",
        bidirectional=False,
        pooling="last",
        max_epochs=1,
        learning_rate=1e-9,  # the weights stay those of the start
        image_shape=(n_steps, 1),
        callbacks=[clipped],
        random_state=0,
    ).fit(images, y)
    network = model.module_.double().train()
    pixels = torch.tensor(images[..., None], requires_grad=True)
    torch.nn.functional.cross_entropy(network(pixels), torch.tensor(y)).backward()
    by_step = pixels.grad.squeeze().norm(dim=0)
    reach = float(by_step[:10].mean() / by_step[-10:].mean())
    return reach, norm_of(network), clipped.norm


def main():
    """Measure each cell over both lengths."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--images", type=int, default=16)
    options = parser.parse_args()
    describe(images=options.images, units=options.units, seed=0)
    found = {
        (cell, n_steps): measure(cell, n_steps, options)
        for n_steps in (784, 5000)
        for cell in CELLS
    }
    print_table(
        ["cell", "steps", "reach", "gradient", "clipped"],
        [[*key, *(f"{value:.2g}" for value in row)] for key, row in found.items()],
    )
    reaching = [(key, row[0]) for key, row in found.items() if key[0] in REACHING]
    assert_limits(
        [
            *(
                (f"1 / reach of {cell}, {n_steps} steps", 1 / reach, 1 / LEAST)
                for (cell, n_steps), reach in reaching
            ),
            ("largest clipped norm", max(row[2] for row in found.values()), 1.001),
        ]
    )


if __name__ == "__main__":
    main()
