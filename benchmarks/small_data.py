"""All defaults on 1,200 digits of 8 x 8, scored on the other 597.

    python benchmarks/small_data.py [--seeds 3]

Asserts that both classifiers score 0.95 or more at every seed.
"""

import argparse
import time

import numpy as np
from _tools import assert_limits, describe, print_table, seeds_from
from sklearn.datasets import load_digits

from sk_rnnimage import (
    CRNNImageClassifier,
    RNNImageClassifier,
    classic_classifiers,
)

LIMIT = 0.05  # of errors


def rivals(seed):
    return {
        "RNNImageClassifier": RNNImageClassifier(random_state=seed),
        "RNN, cell=None": RNNImageClassifier(cell=None, random_state=seed),
        "CRNNImageClassifier": CRNNImageClassifier(random_state=seed),
        "CRNN, cell=None": CRNNImageClassifier(cell=None, random_state=seed),
        **classic_classifiers(random_state=seed),
    }


def run(classifier, X, y):
    start = time.perf_counter()
    classifier.fit(X[:1200], y[:1200])
    seconds = time.perf_counter() - start
    return classifier.score(X[1200:], y[1200:]), seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    X, y = load_digits(return_X_y=True)
    describe(images=1200, test_images=597, seeds=seeds_from(0, seeds))
    found = {name: [] for name in rivals(0)}
    for seed in range(seeds):
        for name, classifier in rivals(seed).items():
            found[name].append(run(classifier, X, y))
    rows = []
    for name, runs in found.items():
        scores, seconds = np.array(runs).T
        spread = f"{scores.min():.4f} to {scores.max():.4f}"
        rows.append([name, f"{scores.mean():.4f}", spread, f"{np.median(seconds):.2f}"])
    print_table(["classifier", "accuracy", "range", "fit s"], rows)
    assert_limits(
        [
            (f"errors of {name}", 1 - min(score for score, _ in found[name]), LIMIT)
            for name in ("RNNImageClassifier", "CRNNImageClassifier")
        ]
    )


if __name__ == "__main__":
    main()
