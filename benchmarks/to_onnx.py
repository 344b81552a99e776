"""Exported models in ONNX Runtime: their probabilities and their speed, beside ours.

    python benchmarks/to_onnx.py [--rounds 5] [--only NAME ...]

Each classifier is fitted on 2,000 MNIST images, and exported. Both predict the
probabilities of 10,000 test images (ONNX Runtime a batch of 1,000 at a time), and of
one image a hundred times, with the same number of threads. The classifiers over pixels
read MNIST in a fixed random order, 784 steps, and predict 1,000 images. Asserts that no
probability differs by more than 1e-5.
"""

import argparse
import statistics

import numpy as np
import torch
from _tools import (
    MissingData,
    assert_limits,
    describe,
    mnist,
    print_table,
    ratio,
    time_interleaved,
)
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    to_onnx,
)

LIMIT, BATCH = 1e-5, 1000


def classifiers():
    """Return the classifiers by name, and whether each reads pixel after pixel."""
    options = {"max_epochs": 3, "random_state": 0}
    for cls in (RNNImageClassifier, CRNNImageClassifier):
        yield f"{cls.__name__}()", cls(**options), False
        yield f"{cls.__name__}(n_views=5)", cls(n_views=5, **options), False
    for cell in ("gru", "rnn", "peephole", "mingru", "lru", "lmu", None):
        yield f"RNN, cell={cell!r}", RNNImageClassifier(cell=cell, **options), False
    yield "RNN, scan='sweep', patch_size=4", patches("sweep"), False
    yield "RNN, scan='hilbert', patch_size=4", patches("hilbert"), False
    for cell in ("lstm", "mingru", "lru", "lmu"):
        classifier = RNNImageClassifier(
            cell=cell, scan="rows", bidirectional=False, pooling="last", **options
        )
        pixels = make_pipeline(ImageToSequence("random"), classifier)
        yield f"RNN over pixels, cell={cell!r}", pixels, True


def patches(scan):
    """Return a classifier that reads patches."""
    return RNNImageClassifier(scan=scan, patch_size=4, max_epochs=3, random_state=0)


def start(model):
    """Return a function from images to ONNX Runtime's probabilities."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingData("onnxruntime is missing: install the extra onnx.") from error

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )

    def predict_proba(X):
        parts = np.split(X, range(BATCH, len(X), BATCH))
        return np.concatenate(
            [
                session.run(["probabilities"], {"images": part.astype(np.float32)})[0]
                for part in parts
            ]
        )

    return predict_proba, len(content)


def compare(classifier, predict_proba, X, rounds):
    """Return the largest difference, and the times of many images and of one."""
    runs = {"ours": classifier.predict_proba, "onnx": predict_proba}
    difference = np.abs(runs["ours"](X) - runs["onnx"](X)).max()
    many = {name: lambda f=f: f(X) for name, f in runs.items()}
    one = {name: lambda f=f: [f(X[:1]) for _ in range(100)] for name, f in runs.items()}
    time_interleaved(one, 1)  # warm up
    return difference, time_interleaved(many, rounds), time_interleaved(one, rounds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[""])
    options = parser.parse_args()
    X_train, y_train, X_test, _ = mnist()
    describe(rounds=options.rounds, seed=0)
    rows, differences = [], []
    for name, classifier, slow in classifiers():
        if not any(part in name for part in options.only):
            continue
        classifier.fit(X_train[:2000], y_train[:2000])
        predict_proba, n_bytes = start(to_onnx(classifier))
        X = X_test[:1000] if slow else X_test
        difference, many, one = compare(classifier, predict_proba, X, options.rounds)
        differences.append(difference)
        seconds = [statistics.median(times) for times in many.values()]
        # milliseconds per call, from seconds per 100 calls
        milliseconds = [10 * statistics.median(times) for times in one.values()]
        rows.append(
            [name, f"{difference:.1e}", f"{n_bytes / 1000:.0f}", len(X)]
            + [f"{s:.2f}" for s in seconds]
            + [f"{ratio(many, 'onnx', 'ours'):.2f}"]
            + [f"{ms:.2f}" for ms in milliseconds]
        )
    columns = "classifier", "largest difference", "kB", "images", "ours s", "ONNX s"
    print_table([*columns, "times", "one image, ours ms", "ONNX ms"], rows)
    worst = max(differences) / LIMIT
    assert_limits([(f"largest difference, in units of {LIMIT}", worst, 1)])


if __name__ == "__main__":
    main()
