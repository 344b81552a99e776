"""Memory used by fitting 60,000 uint8 images, or clips, beyond torch and the images.

    python benchmarks/memory.py

Runs itself twice as a child process: one fits MNIST, the other loads the images and
trains the same network on one batch of them, which gives the memory needed by torch and
the images. The difference between the two peaks is the memory added by fitting; asserts
at most 150 MB. Then the same for 10,000 clips of 16 frames of 32 x 32 (random pixels),
where the other child trains on nothing: at most 500 MB over torch and the clips.
"""

import argparse
import resource
import subprocess
import sys

import numpy as np
from _tools import assert_limits, describe, mnist, print_table

LIMIT, LIMIT_OF_CLIPS = 150, 500


def child(kind):
    fit_clips(kind == "clips") if "clips" in kind else fit_images(kind == "fit")


def report(X):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} {X.nbytes / 2**20:.0f}")


def fit_clips(whole):
    from sk_rnnimage import CRNNImageClassifier

    random = np.random.RandomState(0)
    X = np.empty((10_000, 16, 32, 32), dtype=np.uint8)
    for part in np.array_split(X, 100):  # random numbers are drawn as 64 bits
        part[:] = random.randint(0, 255, part.shape)
    if whole:
        classifier = CRNNImageClassifier(scan="frames", max_epochs=1, random_state=0)
        classifier.fit(X, np.arange(len(X)) % 5)
    report(X)


def fit_images(whole):
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
    if whole:
        classifier.fit(X, y)
    else:
        classifier.fit(np.array(X[:256]), y[:256])
    report(X)


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
    parser.add_argument(
        "--child", choices=["fit", "torch", "clips", "no clips"], help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    child(options.child) if options.child else parent()


def parent():
    describe(images=60000, clips=10000, epochs=1, runs=1, seed=0)
    base, images = measure("torch")
    peak, _ = measure("fit")
    print_table(
        ["images MB", "torch, images and a batch", "fit", "more", "a float32 copy"],
        [[images, base, peak, peak - base, 4 * images]],
    )
    without, clips = measure("no clips")
    of_clips, _ = measure("clips")
    print_table(
        ["clips MB", "torch and the clips", "fit", "more", "a float32 copy"],
        [[clips, without, of_clips, of_clips - without, 4 * clips]],
    )
    assert_limits(
        [
            ("MB more than torch and the images", peak - base, LIMIT),
            ("MB more than torch and the clips", of_clips - without, LIMIT_OF_CLIPS),
        ]
    )


if __name__ == "__main__":
    main()
