"""The best results of the recurrent networks, each with its hyper-parameters.

    python benchmarks/records.py NAME [--seeds 3] [--first-seed 0] [--validate]

Fits the classifier named NAME on all training images of MNIST, of CIFAR-10 (a JPEG
copy) or of the hand movements and scores it once on the test images, for each seed;
prints accuracy, wall time, CPU time and the floating-point operations of the training:
3 times the multiply-adds of a forward pass, each of which counts as two. ``--validate``
holds out the last sixth of the training images (of the hand movements the third quarter
of each class) and scores on it instead; the hyper-parameters were chosen this way.
``--control`` runs the same without recurrence (``cell=None``). Asserts the target
accuracy on the test images and the CPU time of the fit (MNIST) or the number of
operations (CIFAR-10).
"""

import argparse

import numpy as np
import torch
from _sets import hand_movements, last_sixth, third_quarter_of_each_class
from _tools import assert_limits, cifar10, clocks, describe, mnist, seeds_from
from sklearn.base import clone

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier


def another_hand(images, generator):
    """Play a movement at another speed and another time; columns are time, rows speed.

    Time and speed are scaled by factors between exp(-0.6) and exp(0.6), and the
    movement is shifted by up to 15 % of the time.
    """
    stretch, speed, later = 2 * torch.rand(3, len(images), generator=generator) - 1
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = torch.exp(0.6 * stretch), torch.exp(0.6 * speed)
    theta[:, 0, 2] = 0.3 * later
    grid = torch.nn.functional.affine_grid(theta, images.shape, align_corners=False)
    return torch.nn.functional.grid_sample(
        images, grid.to(images), padding_mode="reflection", align_corners=False
    )


SECONDS = "CPU s of a fit, of two cores together"
OPERATIONS = "operations of a training"
# name: data set, limits, target accuracy, classifier
RECORDS = {
    "mnist-crnn-short": (
        mnist,
        {SECONDS: 2 * 165},
        0.996,
        CRNNImageClassifier(
            48, filters=(16, 32, 32), augment="affine", n_views=9, max_epochs=12
        ),
    ),
    "mnist-rnn": (
        mnist,
        {SECONDS: 2 * 15 * 60},
        0.995,
        RNNImageClassifier(128, augment="affine", n_views=9, max_epochs=16),
    ),
    "mnist-crnn": (
        mnist,
        {SECONDS: 2 * 30 * 60},
        0.997,
        CRNNImageClassifier(
            64,
            filters=(32, 64, 64),
            learning_rate=0.02,
            augment="affine",
            n_views=9,
            max_epochs=20,
        ),
    ),
    "cifar10-crnn": (
        cifar10,
        {OPERATIONS: 1e14},
        0.90,
        CRNNImageClassifier(
            128,
            filters=(32, 32, 64, 64, 128, 128),
            downsample=(True, False) * 3,
            scan="rows",
            augment="flip",
            n_views=6,
            max_epochs=16,
        ),
    ),
    "cifar10-crnn-long": (
        cifar10,
        {OPERATIONS: 4e14},
        0.94,
        CRNNImageClassifier(
            128,
            filters=(64, 64, 128, 128, 256, 256),
            downsample=(True, False) * 3,
            scan="rows",
            augment="flip",
            n_views=6,
            max_epochs=18,
        ),
    ),
    "hand-movements": (
        hand_movements,
        {},
        0.75,
        CRNNImageClassifier(
            filters=(16, 32), scan="columns", augment=another_hand, max_epochs=36
        ),
    ),
    "hand-movements-rnn": (
        hand_movements,
        {},
        0.75,
        RNNImageClassifier(scan="columns", augment=another_hand, max_epochs=24),
    ),
}
HOLD_OUT = {hand_movements: third_quarter_of_each_class}  # else the last sixth


def operations(fitted, n_images):
    """Return the floating-point operations of a training."""
    products = fitted.module_.n_products(*fitted.image_shape_[:2])
    return 3 * 2 * products * n_images * fitted.n_iter_


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=RECORDS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    images, limits, goal, classifier = RECORDS[options.name]
    X, y, X_test, y_test = images()
    if options.validate:
        held = HOLD_OUT.get(images, last_sixth)(y)
        X, X_test, y, y_test = X[~held], X[held], y[~held], y[held]
    if options.control:
        classifier.set_params(cell=None)
    seeds = seeds_from(options.first_seed, options.seeds)
    describe(record=options.name, images=len(X), test_images=len(X_test), seeds=seeds)
    print(f"{classifier}\n")
    scores, cpu_seconds = [], []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        fitted = clone(classifier).set_params(random_state=seed)
        start = clocks()
        fitted.fit(X, y)
        wall, cpu = clocks() - start
        cpu_seconds.append(cpu)
        n_operations = operations(fitted, len(X))
        scores.append(fitted.score(X_test, y_test))
        single_view = fitted.set_params(n_views=1).score(X_test, y_test)
        print(
            f"seed {seed}: accuracy {scores[-1]:.4f} "
            f"({single_view:.4f} with one view), "
            f"fit {wall:.0f} s, {cpu:.0f} s of CPU, {n_operations:.3g} operations, "
            f"{n_operations / cpu / 1e9:.0f} G/s",
            flush=True,
        )
    print(f"mean accuracy {np.mean(scores):.4f}\n")
    if not options.validate and not options.control:
        found = {SECONDS: np.median(cpu_seconds), OPERATIONS: n_operations}
        claims = [(what, found[what], most) for what, most in limits.items()]
        assert_limits([("error", 1 - np.mean(scores), 1 - goal), *claims])


if __name__ == "__main__":
    main()
