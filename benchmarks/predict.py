"""Predictions against the bare module: 10,000 images, and one at a time.

    python benchmarks/predict.py [--rounds 7]

For both classifiers with all defaults, and for the control of each without recurrence
(fitted on 2,000 MNIST images). The bare module gets the same batches as float tensors,
made beforehand. Asserts, of both classifiers, at most 1.05 times the module's time on
10,000 images and at most 1.0 ms more on one.
"""

import argparse
import statistics

import torch
from _tools import assert_limits, describe, in_turns, mnist, print_table, ratio

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._prediction import PIXELS_AT_ONCE

LIMIT, LIMIT_MS = 1.05, 1.0


def bare(network, batches):
    with torch.inference_mode():
        return [network(batch) for batch in batches]


def compare(classifier, X, rounds):
    network = classifier._network()
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
    in_turns(many, 1), in_turns(one, 1)  # warm up
    return in_turns(many, rounds), in_turns(one, rounds)


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
            times = ratio(many, "predict", "module")
            single = {key: 10 * statistics.median(found) for key, found in one.items()}
            seconds = statistics.median(many["predict"])
            milliseconds = single["predict"], single["module"]
            rows.append(
                [name, f"{seconds:.2f}", f"{times:.3f}"]
                + [f"{ms:.2f}" for ms in milliseconds]
            )
            if cell is None:
                continue
            claims += [
                (f"{name}: times the module", times, LIMIT),
                (f"{name}: ms more", single["predict"] - single["module"], LIMIT_MS),
            ]
    images = f"{len(X)} images s"
    print_table(
        ["classifier", images, "over the module", "one image ms", "module ms"], rows
    )
    assert_limits(claims)


if __name__ == "__main__":
    main()
