"""Memory used by fitting 60,000 uint8 images, beyond torch and the images.

    python benchmarks/memory.py

Runs itself twice as a child process: one fits MNIST, the other loads the images and
trains the same network on one batch of them, which gives the memory needed by torch and
the images. The difference between the two peaks is the memory added by fitting; asserts
at most 150 MB.
"""

import argparse
import resource
import subprocess
import sys

import numpy as np
from _tools import assert_limits, describe, mnist, print_table

LIMIT = 150


def child(kind):
    from sk_rnnimage import RNNImageClassifier

    X, y, _, _ = mnist()
    classifier = RNNImageClassifier(
        128,
        scan="rows",
        bidirectional=False,
        pooling="last",
        max_epochs=1,
        random_state=0,
    )
    if kind == "fit":
        classifier.fit(X, y)
    else:
        classifier.fit(np.array(X[:256]), y[:256])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} {X.nbytes / 2**20:.0f}")


def measure(kind):
    output = subprocess.run(
        [sys.executable, __file__, "--child", kind],
        capture_output=True,
        text=True,
        check=True,
    )
    return map(int, output.stdout.split())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", choices=["fit", "torch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    child(options.child) if options.child else parent()


def parent():
    describe(images=60000, epochs=1, runs=1, seed=0)
    base, images = measure("torch")
    peak, _ = measure("fit")
    print_table(
        ["images MB", "torch, images and a batch", "fit", "more", "a float32 copy"],
        [[images, base, peak, peak - base, 4 * images]],
    )
    assert_limits([("MB more than torch and the images", peak - base, LIMIT)])


if __name__ == "__main__":
    main()
