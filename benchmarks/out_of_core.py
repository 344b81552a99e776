"""Memory used by fitting images in a read-only memory map of 4 GB.

    python benchmarks/memory_map.py [--gigabytes 4] [--folder FOLDER]

Writes colour images of 64 x 64 to a temporary file (deleted at the end). The images are
noise with one brighter quadrant, which is the class. A small CRNN is trained for one
epoch. The benchmark measures the anonymous memory of the process, which is the memory
it allocates itself; the pages of the map belong to the system's page cache, which can
drop them. Asserts that its peak during ``fit`` is at most 1 GB above its value before,
and that the error rate is at most 0.1.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _tools import assert_limits, describe, print_table

from sk_rnnimage import CRNNImageClassifier

SIDE, CHUNK, N_TEST = 64, 4096, 2000
LIMIT, ERROR_LIMIT = 1.0, 0.1
GIGABYTE = 2**30


def write_images(path, n_images, seed=0):
    """Write images chunk by chunk and return their labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=n_images)
    shape = n_images, SIDE, SIDE, 3
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, n_images, CHUNK):
        X[start : start + CHUNK] = draw_images(y[start : start + CHUNK], rng)
    X.flush()
    return y


def draw_images(y, rng):
    """Return noise images (B, H, W, C) with one quadrant slightly brighter."""
    images = rng.integers(192, size=(len(y), SIDE, SIDE, 3), dtype=np.uint8)
    half = SIDE // 2
    for label in range(4):
        top, left = half * (label // 2), half * (label % 2)
        quadrant = np.s_[:, top : top + half, left : left + half]
        images[quadrant][y == label] += 32
    return images


def anonymous_memory():
    """Return the size of this process's anonymous memory (not file-backed) in bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


@contextmanager
def memory_samples(every=0.01):
    """Sample the anonymous memory in a thread while the context is active."""
    samples, done = [anonymous_memory()], threading.Event()

    def sample():
        while not done.wait(every):
            samples.append(anonymous_memory())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def check_space(folder, n_bytes):
    free = shutil.disk_usage(folder).free
    if free < n_bytes + GIGABYTE:
        sys.exit(
            f"The temporary folder has {free / GIGABYTE:.1f} GB free, but the images "
            f"take {n_bytes / GIGABYTE:.1f} GB and 1 GB must be left. Choose another "
            "one with --folder, or fewer --gigabytes."
        )


def run(path, n_images):
    """Fit and score; return seconds, memory before fit, peak memory and error rate."""
    y = write_images(path, n_images)
    X = np.load(path, mmap_mode="r")
    classifier = CRNNImageClassifier(
        16, filters=(8, 16), kernel_size=3, max_epochs=1, random_state=0
    )
    before, start = anonymous_memory(), time.perf_counter()
    with memory_samples() as samples:
        classifier.fit(X[:-N_TEST], y[:-N_TEST])
    seconds = time.perf_counter() - start
    errors = 1 - classifier.score(X[-N_TEST:], y[-N_TEST:])
    return seconds, before / GIGABYTE, max(samples) / GIGABYTE, errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=4)
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    n_bytes = int(options.gigabytes * GIGABYTE)
    n_images = n_bytes // (3 * SIDE**2)
    describe(images=n_images, gigabytes=options.gigabytes, epochs=1, runs=1, seed=0)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        check_space(folder, n_bytes)
        seconds, before, peak, errors = run(Path(folder) / "images.npy", n_images)
    figures = f"{seconds:.0f}", f"{before:.2f}", f"{peak:.2f}", f"{peak - before:.2f}"
    print_table(
        ("map", "images", "fit s", "before GB", "peak GB", "more GB", "accuracy"),
        [(f"{options.gigabytes:g} GB", n_images, *figures, f"{1 - errors:.4f}")],
    )
    more = peak - before
    assert_limits([("GB more", more, LIMIT), ("errors", errors, ERROR_LIMIT)])


if __name__ == "__main__":
    main()
