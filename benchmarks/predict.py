"""Prediction time of images, compared with the bare module, and of frames that come in.

    python benchmarks/predict.py [--rounds 7]

For both classifiers with default parameters and their controls without recurrence,
fitted on 2,000 MNIST images. The bare module gets the same batches as float tensors
prepared beforehand. Asserts that each classifier takes at most 1.05 times the module's
time on 10,000 images and at most 1.0 ms more on a single image. Then the time of one
more frame of 32 x 32 (random pixels), by ``stream_predict_proba`` after 1 and after 100
frames, beside the prediction of the 100 frames as a clip.
"""

import argparse
import statistics
import time

import numpy as np
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
from sk_rnnimage._prediction.logits import PIXELS_AT_ONCE

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


def time_frames(cls, rounds):
    """Return the milliseconds of an early frame, a late one, and the whole clip."""
    random = np.random.RandomState(0)
    X = random.randint(0, 255, (64, 10, 32, 32)).astype(np.uint8)
    classifier = cls(
        scan="frames", bidirectional=False, max_epochs=1, random_state=0
    ).fit(X, np.arange(64) % 4)
    clip = X[:10].reshape(100, 32, 32)
    times = {"early": [], "late": [], "clip": []}
    for _ in range(rounds):
        stream, seconds = classifier.stream_predict_proba(clip), []
        for _ in clip:
            start = time.perf_counter()
            next(stream)
            seconds.append(time.perf_counter() - start)
        times["early"] += seconds[1:11]
        times["late"] += seconds[-10:]
        start = time.perf_counter()
        classifier.predict_proba(clip[None])
        times["clip"].append(time.perf_counter() - start)
    return [1000 * statistics.median(seconds) for seconds in times.values()]


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
    rows = [
        [cls.__name__[:-15], *(f"{ms:.2f}" for ms in time_frames(cls, rounds))]
        for cls in (RNNImageClassifier, CRNNImageClassifier)
    ]
    columns = "classifier", "ms of a frame", "after 90 more", "ms of the clip of 100"
    print_table(columns, rows)
    assert_limits(claims)


if __name__ == "__main__":
    main()
