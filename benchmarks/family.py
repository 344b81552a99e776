"""Comparison of cells, scans and poolings, one factor at a time.

    python benchmarks/family.py [--seconds 20] [--seeds 3] [--images N] [--data ...]

Each classifier of the table differs from ``CRNNImageClassifier(filters=(8, 32))`` or
``RNNImageClassifier()``, without augmentation, in the parameter named by its row. One
epoch of each is timed first (CPU seconds, after a warm-up epoch), and ``max_epochs`` is
set so that every fit takes about the same CPU time, with at least one epoch; all are
trained on the same images. The score is the accuracy on the last sixth of the training
images of MNIST and of CIFAR-10 (a JPEG copy) and on a stratified third of the
photographs of hands, resized to 32 x 32: the table is for model selection, so it does
not use the test sets. The control without recurrence is among the cells
(``cell=None``). The seed determines the initial weights and the order of the images.
"""

import argparse
import time

import numpy as np
from _tools import cifar10, describe, hands, mnist, print_table, seeds_from
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier

FACTORS = {
    "cell": ["rnn", "irnn", "gru", "peephole", "mingru", "lru", "lmu", None],
    "scan": ["rows", "columns", ("rows", "columns"), "snake", "hilbert", "sweep"],
    "pooling": ["last", "max", "attention"],
    "bidirectional": [False],
    "attention_heads": [4],
}
# of the RNN; the CRNN reads one pixel of its feature map per step
PATCH = {"snake": 4, "hilbert": 4, "sweep": 4}
BASES = {
    "CRNN": CRNNImageClassifier(filters=(8, 32), augment=None),
    "RNN": RNNImageClassifier(augment=None),
}


def variants(base, name):
    """Yield (label, classifier): the default, then variants with one change each."""
    yield "default", clone(base)
    for factor, values in FACTORS.items():
        for value in values:
            variant = clone(base).set_params(**{factor: value})
            label = f"{factor}={value!r}"
            if factor == "scan" and value in PATCH and name == "RNN":
                variant.set_params(patch_size=PATCH[value])
                label += f", patch_size={PATCH[value]}"
            yield label, variant


def a_third(images):
    """Split off a stratified third of the images for validation."""
    X, y = images()
    return train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)


def held_out(images):
    """Split off the last sixth of the training images for validation."""
    X, y, _, _ = images()
    n = len(X) - len(X) // 6
    return X[:n], X[n:], y[:n], y[n:]


DATASETS = {
    "mnist": lambda: held_out(mnist),
    "cifar10": lambda: held_out(cifar10),
    "hands": lambda: a_third(hands),
}


def epochs_for(classifier, X, y, seconds):
    """Return how many epochs fit into ``seconds`` of CPU time, and the time of one."""
    subset = slice(0, max(len(X) // 20, 256))
    classifier.set_params(max_epochs=1).fit(X[subset], y[subset])  # warm up
    subset = slice(0, max(len(X) // 10, 512))
    start = time.process_time()
    classifier.fit(X[subset], y[subset])
    one = (time.process_time() - start) * len(X) / len(X[subset])
    return max(1, round(seconds / one)), one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=None)
    parser.add_argument("--data", nargs="*", default=list(DATASETS), choices=DATASETS)
    options = parser.parse_args()
    describe(seconds=options.seconds, seeds=seeds_from(0, options.seeds))
    for data in options.data:
        X, X_valid, y, y_valid = DATASETS[data]()
        X, y = X[: options.images], y[: options.images]
        for name, base in BASES.items():
            print(f"{name} on {data}: {len(X)} images, {len(X_valid)} to score")
            rows = []
            for label, classifier in variants(base, name):
                epochs, _ = epochs_for(classifier, X, y, options.seconds)
                scores, start = [], time.process_time()
                for seed in range(options.seeds):
                    classifier.set_params(max_epochs=epochs, random_state=seed)
                    classifier.fit(X, y)
                    scores.append(classifier.score(X_valid, y_valid))
                took = (time.process_time() - start) / options.seeds
                rows.append(
                    [
                        f"`{label}`",
                        f"{np.mean(scores):.4f}",
                        f"{min(scores):.4f} to {max(scores):.4f}",
                        epochs,
                        f"{took:.0f}",
                    ]
                )
                print(*rows[-1], flush=True)
            print()
            print_table([name, "accuracy", "range", "passes", "CPU s"], rows)


if __name__ == "__main__":
    main()
