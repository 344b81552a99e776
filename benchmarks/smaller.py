"""Pruned networks and networks in 8 bits: accuracy, bytes and time on MNIST.

    python benchmarks/smaller.py [--seeds 2] [--validate]

``CRNNImageClassifier(64, filters=(16, 64))`` and ``RNNImageClassifier(128)``, fitted on
MNIST, then pruned by half with the training images, in 8 bits, and both; beside them
the half without images, and a network of these sizes that was fitted from the start.
Bytes are those of a pickle; milliseconds an image are the median of five predictions of
the test images, and of 200 single images. Asserts that half of the units cost at most
0.2 points and bring 1.5 times the speed, and that 8 bits cost at most 0.1 points. With
``--validate`` the last 10,000 training images are held out and scored in place of the
test images: prune was chosen so.
"""

import argparse
import pickle
import statistics
import time

import numpy as np
from _tools import (
    assert_limits,
    describe,
    mnist,
    print_table,
    seeds_from,
    time_interleaved,
)
from sklearn import clone

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, prune, quantize

POINTS_PRUNED, POINTS_QUANTIZED, TIMES_AS_FAST = 0.2, 0.1, 1.5
CLASSIFIERS = {
    "CRNN": CRNNImageClassifier(64, filters=(16, 64)),
    "RNN": RNNImageClassifier(128),
}


def variants(classifier, X, y):
    """Return the fitted classifier and what is made of it, with the seconds of each."""
    seconds = {}

    def timed(name, make):
        start = time.perf_counter()
        made = make()
        seconds[name] = time.perf_counter() - start
        return made

    fitted = timed("fitted", lambda: classifier.fit(X, y))
    half = timed("half", lambda: prune(fitted, 0.5, X=X, y=y))
    models = {
        "fitted": fitted,
        "half": half,
        "8 bits": timed("8 bits", lambda: quantize(fitted)),
        "half, 8 bits": timed("half, 8 bits", lambda: quantize(half)),
        "half, no images": timed("half, no images", lambda: prune(fitted, 0.5)),
        "half from the start": timed(
            "half from the start", lambda: clone(half).fit(X, y)
        ),
    }
    return models, seconds


def times(models, X, rounds=5):
    """Return milliseconds an image of each model: of many, and of single images."""
    many = {name: lambda m=m: m.predict(X) for name, m in models.items()}
    one = {
        name: lambda m=m: [m.predict(X[i : i + 1]) for i in range(200)]
        for name, m in models.items()
    }
    time_interleaved(one, 1)  # warm up
    many, one = time_interleaved(many, rounds), time_interleaved(one, rounds)
    return {
        name: (
            1000 * statistics.median(many[name]) / len(X),
            1000 * statistics.median(one[name]) / 200,
        )
        for name in models
    }


def measure(classifier, X, y, X_test, y_test):
    """Return a row of numbers for each variant of a classifier."""
    models, seconds = variants(classifier, X, y)
    milliseconds = times(models, X_test)
    return {
        name: (
            100 * model.score(X_test, y_test),
            len(pickle.dumps(model)),
            *milliseconds[name],
            seconds[name],
        )
        for name, model in models.items()
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--validate", action="store_true")
    options = parser.parse_args()
    X, y, X_test, y_test = mnist()
    if options.validate:
        X, y, X_test, y_test = X[:50_000], y[:50_000], X[50_000:], y[50_000:]
    describe(images=len(X), scored=len(X_test), seeds=seeds_from(0, options.seeds))
    rows, claims = [], []
    for kind, classifier in CLASSIFIERS.items():
        runs = []
        for seed in range(options.seeds):
            seeded = clone(classifier).set_params(random_state=seed)
            runs.append(measure(seeded, X, y, X_test, y_test))
        means = {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}
        base = means["fitted"]
        for name, (score, n_bytes, many, one, seconds) in means.items():
            numbers = f"{score:.2f}", f"{score - base[0]:+.2f}", f"{n_bytes:,.0f}"
            ms = f"{many:.4f}", f"{base[2] / many:.2f}", f"{one:.2f}"
            rows.append([f"{kind}, {name}", *numbers, *ms, f"{seconds:.1f}"])
        half, small = means["half"], means["8 bits"]
        claims += [
            (f"{kind}: points that half costs", base[0] - half[0], POINTS_PRUNED),
            (f"{kind}: time of half", half[2] / base[2], 1 / TIMES_AS_FAST),
            (f"{kind}: points of 8 bits", base[0] - small[0], POINTS_QUANTIZED),
            (f"{kind}: bytes in 8 bits", small[1] / base[1], 0.5),
        ]
    columns = ["classifier", "%", "points", "bytes", "ms an image", "times as fast"]
    print_table([*columns, "one image ms", "made in s"], rows)
    assert_limits(claims)


if __name__ == "__main__":
    main()
