"""Calibration of the probabilities of default fits, on MNIST and photographs of hands.

    python benchmarks/calibration.py [--seeds 2]

MNIST: 6,000 training images, scored on 10,000 other training images. Hands: 2,062
photographs at 32 x 32, the probabilities of three folds together. The error is the
expected calibration error in 15 bins of confidence. Asserts that its mean over the
seeds is at most 0.02 in each row.
"""

import argparse

import numpy as np
from _tools import (
    assert_limits,
    calibration_error,
    describe,
    hands,
    mnist,
    print_table,
    seeds_from,
)
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier

LIMIT = 0.02


def mnist_probabilities(classifier):
    X, y, _, _ = mnist()
    X, X_other, y, y_other = train_test_split(
        X, y, train_size=6000, test_size=10_000, stratify=y, random_state=0
    )
    return classifier.fit(X, y).predict_proba(X_other), y_other


def hands_probabilities(classifier):
    images, y = hands()
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return cross_val_predict(classifier, images, y, cv=folds, method="predict_proba"), y


def measure(probabilities, y):
    """Return accuracy, mean confidence, expected calibration error, mean log loss."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    log_loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
    error = calibration_error(confidence, correct)
    return correct.mean(), confidence.mean(), error, log_loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    seeds = parser.parse_args().seeds
    describe(seeds=seeds_from(0, seeds))
    rows, claims = [], []
    for data, probabilities in (
        ("MNIST", mnist_probabilities),
        ("hands", hands_probabilities),
    ):
        for kind in (RNNImageClassifier, CRNNImageClassifier):
            runs = [
                measure(*probabilities(kind(random_state=seed)))
                for seed in range(seeds)
            ]
            means = np.mean(runs, axis=0)
            rows.append([f"{data}, {kind.__name__}", *(f"{m:.4f}" for m in means)])
            claims.append((f"calibration error of {rows[-1][0]}", means[2], LIMIT))
    print_table(["default fit", "accuracy", "confidence", "error", "log loss"], rows)
    assert_limits(claims)


if __name__ == "__main__":
    main()
