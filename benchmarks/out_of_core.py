"""Training on ten times as many images as the process may allocate.

    python benchmarks/out_of_core.py [--megabytes 128] [--folder FOLDER]

Writes colour images of 64 x 64, ten times the limit, to a temporary folder (deleted at
the end): noise with one brighter quadrant, which is the class. Then three new processes
train a small CRNN on them for one epoch: ``fit`` on a read-only memory map;
``partial_fit`` on slices of the map; ``partial_fit`` on what ``ImageReader`` reads of
JPEG files of 256 x 256, some hundred at a time. The system refuses each process more
memory of its own than the limit (RLIMIT_DATA) above what it has after its imports and
a first fit; the pages of a map belong to the system's page cache, which can drop them.
Prints the peak of that memory above the same (VmData, of which each page need not be
touched, and the resident part of it, RssAnon). Asserts that the error rate is at most
0.1, and that a copy of the images in memory is refused.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _tools import assert_limits, describe, print_table
from PIL import Image

from sk_rnnimage import CRNNImageClassifier, ImageReader

SIDE, LARGE, N_TEST, CHUNK, N_TIMES = 64, 256, 1000, 2048, 10
MEGABYTE = 2**20
ERROR_LIMIT = 0.1


def draw_images(y, rng, side=SIDE):
    """Return noise images (B, H, W, C) with one quadrant brighter."""
    images = rng.integers(192, size=(len(y), side, side, 3), dtype=np.uint8)
    half = side // 2
    for label in range(4):
        top, left = half * (label // 2), half * (label % 2)
        quadrant = np.s_[:, top : top + half, left : left + half]
        images[quadrant][y == label] += 32
    return images


def write_map(folder, n_images, rng):
    """Write images, chunk by chunk, and their labels."""
    y = rng.integers(4, size=n_images)
    shape = n_images, SIDE, SIDE, 3
    path = folder / "X.npy"
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, n_images, CHUNK):
        X[start : start + CHUNK] = draw_images(y[start : start + CHUNK], rng)
    X.flush()
    np.save(folder / "y.npy", y)


def write_files(folder, n_images, rng):
    """Write larger images as JPEG files, whose names end in their labels."""
    (folder / "files").mkdir()
    for start in range(0, n_images, 64):
        y = rng.integers(4, size=min(64, n_images - start))
        for i, image in enumerate(draw_images(y, rng, LARGE), start):
            path = folder / "files" / f"{i:06d}_{y[i - start]}.jpg"
            Image.fromarray(image).save(path, quality=75)


def memory():
    """Return this process's own memory in bytes: what it asked for, what it touched."""
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return [1024 * int(fields[name].split()[0]) for name in ("VmData", "RssAnon")]


@contextmanager
def memory_samples(every=0.01):
    """Sample the memory in a thread while the context is active."""
    samples, done = [memory()], threading.Event()

    def sample():
        while not done.wait(every):
            samples.append(memory())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def new_classifier():
    return CRNNImageClassifier(
        16, filters=(8, 16), kernel_size=3, max_epochs=1, random_state=0
    )


def fit_map(folder):
    """Call ``fit`` on the map; return the classifier, and test images and labels."""
    X, y = np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy")
    model = new_classifier().fit(X[:-N_TEST], y[:-N_TEST])
    return model, X[-N_TEST:], y[-N_TEST:]


def fit_slices(folder):
    """Call ``partial_fit`` on slices of the map."""
    X, y = np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy")
    model = new_classifier()
    for start in range(0, len(X) - N_TEST, CHUNK):
        chunk = slice(start, min(start + CHUNK, len(X) - N_TEST))
        model.partial_fit(X[chunk], y[chunk], classes=range(4))
    return model, X[-N_TEST:], y[-N_TEST:]


def fit_files(folder):
    """Call ``partial_fit`` on what is read of the files, some hundred at a time."""
    paths = np.array(sorted(map(str, (folder / "files").iterdir())))
    y = np.array([int(path[-5]) for path in paths])
    reader, model = ImageReader((SIDE, SIDE)), new_classifier()
    for start in range(0, len(paths) - N_TEST, CHUNK // 4):
        chunk = slice(start, min(start + CHUNK // 4, len(paths) - N_TEST))
        images = reader.transform(paths[chunk])
        model.partial_fit(images, y[chunk], classes=range(4))
    return model, reader.transform(paths[-N_TEST:]), y[-N_TEST:]


WAYS = {"fit": fit_map, "partial_fit": fit_slices, "files": fit_files}


def run(way, folder, n_bytes):
    """Train within the limit, and print what it took as JSON."""
    rng = np.random.default_rng(1)
    y = np.arange(256) % 4
    new_classifier().fit(draw_images(y, rng), y).predict(draw_images(y, rng))
    before, start = memory(), time.perf_counter()
    resource.setrlimit(resource.RLIMIT_DATA, (before[0] + n_bytes,) * 2)
    with memory_samples() as samples:
        model, X, y = WAYS[way](folder)
        errors = 1 - model.score(X, y)
    seconds = time.perf_counter() - start
    more = np.max(samples, axis=0) - before
    print(json.dumps([seconds, *more.tolist(), errors, refuses(n_bytes)]))


def refuses(n_bytes):
    """Return whether the system refuses a copy of all images."""
    try:
        np.ones(N_TIMES * n_bytes, dtype=np.uint8)
    except MemoryError:
        return True
    return False


def check_space(folder, n_bytes):
    free = shutil.disk_usage(folder).free
    if free < 2 * n_bytes:
        sys.exit(
            f"The temporary folder has {free / MEGABYTE:.0f} MB free, but the images "
            f"take up to {2 * n_bytes / MEGABYTE:.0f} MB. Choose another one with "
            "--folder, or fewer --megabytes."
        )


def in_new_process(way, folder, megabytes):
    """Return what ``run`` prints in a process of its own."""
    command = [sys.executable, __file__, "--megabytes", str(megabytes)]
    command += ["--folder", folder, "--way", way]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(found.stdout)


def compare(megabytes, folder):
    """Write the images and train on them in each way; print and assert."""
    n_bytes = N_TIMES * megabytes * MEGABYTE
    counts = n_bytes // (3 * SIDE**2), n_bytes // (3 * LARGE**2)
    describe(limit=f"{megabytes} MB", images=f"{counts[0]:,}, {counts[1]:,}", seed=0)
    check_space(folder, n_bytes)
    rng = np.random.default_rng(0)
    write_map(Path(folder), counts[0], rng)
    write_files(Path(folder), counts[1], rng)
    rows, claims = [], []
    for way in WAYS:
        seconds, *more, errors, refused = in_new_process(way, folder, megabytes)
        allocated, touched = (f"{n / MEGABYTE:.0f}" for n in more)
        rows.append((way, f"{seconds:.0f}", allocated, touched, f"{1 - errors:.4f}"))
        claims.append((f"{way}: errors", errors, ERROR_LIMIT))
        claims.append((f"{way}: a copy in memory", 1 - refused, 0))
    print_table(("way", "s", "more MB", "touched MB", "accuracy"), rows)
    assert_limits(claims)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=128, help="the limit")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--way", choices=WAYS, help="used by the benchmark itself")
    options = parser.parse_args()
    if options.way:
        run(options.way, Path(options.folder), options.megabytes * MEGABYTE)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        compare(options.megabytes, folder)


if __name__ == "__main__":
    main()
