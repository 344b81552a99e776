"""Default parameters on 1,200 digits of 8 x 8, scored on the other 597.

    python benchmarks/small_data.py [--seeds 3]

Asserts that both classifiers score at least 0.95 for every seed.
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

LIMIT = 0.05  # error rate


def classifiers(seed):
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
    results = {name: [] for name in classifiers(0)}
    for seed in range(seeds):
        for name, classifier in classifiers(seed).items():
            results[name].append(run(classifier, X, y))
    rows = []
    for name, runs in results.items():
        scores, seconds = np.array(runs).T
        score_range = f"{scores.min():.4f} to {scores.max():.4f}"
        mean, fit_time = f"{scores.mean():.4f}", f"{np.median(seconds):.2f}"
        rows.append([name, mean, score_range, fit_time])
    print_table(["classifier", "accuracy", "range", "fit s"], rows)
    assert_limits(
        [
            (f"errors of {name}", 1 - min(score for score, _ in results[name]), LIMIT)
            for name in ("RNNImageClassifier", "CRNNImageClassifier")
        ]
    )


if __name__ == "__main__":
    main()
