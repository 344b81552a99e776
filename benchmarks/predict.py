"""Predictions against the bare module: 10,000 images, and one at a time.

    python benchmarks/predict.py [--rounds 7]

For both classifiers with all defaults (fitted on 2,000 MNIST images). The bare module
gets the same batches as float tensors, made beforehand. Asserts at most 1.05 times the
module's time on 10,000 images and at most 1.0 ms more on a single one.
"""

import argparse
import statistics

import torch
from _tools import describe, in_turns, mnist, ratio

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
    found = {}
    for cls in (RNNImageClassifier, CRNNImageClassifier):
        classifier = cls(max_epochs=1, random_state=0)
        classifier.fit(X_train[:2000], y_train[:2000])
        many, one = compare(classifier, X, rounds)
        seconds = statistics.median(many["predict"])
        single = {name: 10 * statistics.median(times) for name, times in one.items()}
        found[cls.__name__] = ratio(many, "predict", "module"), single
        print(
            f"{cls.__name__:20s} {len(X)} images {seconds:.2f} s, "
            f"{found[cls.__name__][0]:.3f} times the module; one image "
            f"{single['predict']:.2f} ms, the module {single['module']:.2f} ms"
        )
    for name, (many, one) in found.items():
        assert many <= LIMIT, f"{name}: {many:.3f} times the module, limit {LIMIT}"
        more = one["predict"] - one["module"]
        assert more <= LIMIT_MS, f"{name}: {more:.2f} ms more, limit {LIMIT_MS} ms"


if __name__ == "__main__":
    main()
