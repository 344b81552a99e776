"""Prediction time compared with the bare module: 10,000 images, and single images.

    python benchmarks/predict.py [--rounds 7]

For both classifiers with default parameters and their controls without recurrence,
fitted on 2,000 MNIST images. The bare module gets the same batches as float tensors
prepared beforehand. Asserts that each classifier takes at most 1.05 times the module's
time on 10,000 images and at most 1.0 ms more on a single image.
"""

import argparse
import statistics

import torch
from _tools import (
    assert_limits,
    describe,
    mnist,
    print_table,
    ratio,
    time_interleaved,
)

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._prediction import PIXELS_AT_ONCE

LIMIT, LIMIT_MS = 1.05, 1.0


def bare(network, batches):
    with torch.inference_mode():
        return [network(batch) for batch in batches]


def compare(classifier, X, rounds):
    network = classifier.module_
    pixels = torch.from_numpy(X).float().unsqueeze(3)  # (B, H, W, C)
    batches = pixels.split(PIXELS_AT_ONCE // 784)
    many = {
        "module": lambda: bare(network, batches),
        "predict": lambda: classifier.predict(X),
    }
    one = {
        "module": lambda: [bare(network, [pixels[:1]]) for _ in range(100)],
        "predict": lambda: [classifier.predict(X[:1]) for _ in range(100)],
    }
    time_interleaved(many, 1), time_interleaved(one, 1)  # warm up
    return time_interleaved(many, rounds), time_interleaved(one, rounds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    X_train, y_train, X, _ = mnist()
    describe(images=len(X), rounds=rounds, seed=0)
    rows, claims = [], []
    for cls in (RNNImageClassifier, CRNNImageClassifier):
        for cell in ("lstm", None):
            name = f"{cls.__name__[:-15]}{'' if cell else ', cell=None'}"
            classifier = cls(cell=cell, max_epochs=1, random_state=0)
            classifier.fit(X_train[:2000], y_train[:2000])
            many, one = compare(classifier, X, rounds)
            relative = ratio(many, "predict", "module")
            # milliseconds per call, from seconds per 100 calls
            single = {key: 10 * statistics.median(times) for key, times in one.items()}
            seconds = statistics.median(many["predict"])
            milliseconds = single["predict"], single["module"]
            rows.append(
                [name, f"{seconds:.2f}", f"{relative:.3f}"]
                + [f"{ms:.2f}" for ms in milliseconds]
            )
            if cell is None:
                continue
            claims += [
                (f"{name}: times the module", relative, LIMIT),
                (f"{name}: ms more", single["predict"] - single["module"], LIMIT_MS),
            ]
    images = f"{len(X)} images s"
    print_table(
        ["classifier", images, "over the module", "one image ms", "module ms"], rows
    )
    assert_limits(claims)


if __name__ == "__main__":
    main()
