"""What 100 million images and 1,000 workers would need, from rates measured here.

    python benchmarks/plan.py [--images 1e8] [--workers 1000] [--epochs 3] [--rounds 5]

Measures on one thread, with the default ``CRNNImageClassifier`` on colour images of
64 x 64: decoding JPEG and PNG files (photographs that scikit-learn brings, cut up),
taking mini-batches from a memory map, the steps of a training, predictions, and, of two
processes on this machine, the exchange of gradients over gloo (which waits, so that it
needs two idle cores; all else are CPU seconds). Medians over the rounds.
Then it computes, for data-parallel training where each worker is one core, how long an
epoch takes and what limits it. Asserts only that all rates are above 0: it is a plan.
"""

import argparse
import io
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from _tools import assert_limits, describe, print_table
from PIL import Image
from sklearn.datasets import load_sample_images

from sk_rnnimage import CRNNImageClassifier, ImageReader
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage._training.checkpoint import digest_of
from sk_rnnimage.images.kinds import Images

SIDE, N_FILES, N_CLASSES = 64, 1024, 10
BATCH = 128  # of each worker; batch_size is that of all of them
LINKS = {"1 Gbit/s": 0.125e9, "10 Gbit/s": 1.25e9, "100 Gbit/s": 12.5e9}


def draw_images(n, seed=0):
    """Cut n pieces of SIDE x SIDE out of two photographs: (B, H, W, C), labels."""
    rng = np.random.default_rng(seed)
    photographs = load_sample_images().images
    X = np.empty((n, SIDE, SIDE, 3), dtype=np.uint8)
    for i in range(n):
        photograph = photographs[i % 2]
        top, left = (rng.integers(side - SIDE) for side in photograph.shape[:2])
        X[i] = photograph[top : top + SIDE, left : left + SIDE]
    return X, np.arange(n) % N_CLASSES


def encoded(images, kind):
    """Encode images as the bytes of files."""
    files = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, kind)
        files.append(buffer.getvalue())
    return files


def seconds_of(run, rounds, clock=time.process_time):
    """Return the median time of a call: CPU seconds, which others do not lengthen."""
    seconds = []
    for _ in range(rounds):
        start = clock()
        run()
        seconds.append(clock() - start)
    return statistics.median(seconds)


def decoding(X, rounds):
    """Return by format images a second, and bytes a file."""
    found = {}
    for kind in ("JPEG", "PNG"):
        files = encoded(X, kind)
        seconds = seconds_of(lambda files=files: ImageReader().transform(files), rounds)
        found[kind] = len(X) / seconds, np.mean([len(file) for file in files])
    return found


def batches(X, rounds):
    """Return images a second of random mini-batches from a memory map."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "X.npy"), X)
        mapped = np.load(Path(folder, "X.npy"), mmap_mode="r")
        order = np.random.default_rng(0).permutation(len(X))

        def take():
            for start in range(0, len(X), BATCH):
                torch.from_numpy(mapped[order[start : start + BATCH]]).float()

        return len(X) / seconds_of(take, rounds)


def passes(X, rounds):
    """Return images a second of the two passes over all images before a training."""
    images, weights = Images(X), np.ones(len(X))
    seconds = seconds_of(lambda: pixel_moments(images, weights), rounds)
    return len(X) / (seconds + seconds_of(lambda: digest_of(images), rounds))


def training(X, y, rounds):
    """Return images a second of training and of predictions, and the parameters."""
    # so many images are read too seldom for augmentation ("auto")
    model = CRNNImageClassifier(augment=None, random_state=0)
    model.partial_fit(X, y, classes=range(N_CLASSES))
    steps = len(X) / seconds_of(lambda: model.partial_fit(X, y), rounds)
    predictions = len(X) / seconds_of(lambda: model.predict(X), rounds)
    n_parameters = sum(p.numel() for p in model.module_.parameters())
    return steps, predictions, n_parameters


def exchange(rank, file, n_parameters, rounds, results):
    """Sum a gradient over two processes and put down the median time."""
    dist.init_process_group("gloo", f"file://{file}", rank=rank, world_size=2)
    torch.set_num_threads(1)
    gradient = torch.ones(n_parameters)
    dist.all_reduce(gradient)
    exchanges = 10 * rounds
    seconds = seconds_of(
        lambda: dist.all_reduce(gradient), exchanges, time.perf_counter
    )
    if rank == 0:
        results.put(seconds)
    dist.destroy_process_group()


def seconds_of_exchange(n_parameters, rounds):
    """Return the time in which two processes here sum their gradients."""
    context = mp.get_context("spawn")
    results = context.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = str(Path(folder, "meeting")), n_parameters, rounds, results
        mp.spawn(exchange, arguments, nprocs=2)
    return results.get()


def ring_seconds(n_bytes, n_workers, bytes_a_second, latency):
    """Return the time of a ring all-reduce.

    Each worker sends and receives 2 (N - 1) / N times the gradient, in 2 (N - 1) steps
    (Patarasu and Yuan, 2009).
    """
    steps = 2 * (n_workers - 1)
    return steps * (n_bytes / n_workers / bytes_a_second + latency)


def tree_seconds(n_bytes, n_workers, bytes_a_second, latency):
    """Return the time of a tree all-reduce: up and down, all bytes at each level."""
    levels = 2 * math.ceil(math.log2(n_workers))
    return levels * (n_bytes / bytes_a_second + latency)


def told(seconds):
    """Say how long it takes in the largest unit of which there are two."""
    units = {"days": 86400, "h": 3600, "min": 60}
    fitting = ((n, unit) for unit, n in units.items() if seconds >= 2 * n)
    n, unit = next(fitting, (1, "s"))
    return f"{seconds / n:,.1f} {unit}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=float, default=1e8)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=50e-6, help="of a message, s")
    options = parser.parse_args()
    torch.set_num_threads(1)
    describe(files=N_FILES, side=SIDE, batch=BATCH, rounds=options.rounds, seed=0)
    X, y = draw_images(N_FILES)
    decode = decoding(X, options.rounds)
    batch, both = batches(X, options.rounds), passes(X, options.rounds)
    step, predict, n_parameters = training(X, y, options.rounds)
    gloo = seconds_of_exchange(n_parameters, options.rounds)
    print_rates(decode, batch, both, step, predict, n_parameters, gloo)
    print_needs(options, decode, both, step, predict)
    print_steps(options, step, 4 * n_parameters)
    print_bottlenecks(options, decode, batch, step)
    assert_limits([("time of an exchange, s", gloo, 1.0)])


def print_rates(decode, batch, both, step, predict, n_parameters, gloo):
    """Print what was measured on one core."""
    rows = [
        (f"decode {kind}, {size:,.0f} bytes a file", f"{rate:,.0f}")
        for kind, (rate, size) in decode.items()
    ]
    rows += [
        ("take mini-batches from a memory map", f"{batch:,.0f}"),
        ("mean, spread and digest of all, before a training", f"{both:,.0f}"),
        ("training: forward, backward and update", f"{step:,.0f}"),
        ("predict", f"{predict:,.0f}"),
    ]
    print_table(("one core", "images a second"), rows)
    megabytes = 4 * n_parameters / 1e6
    print(
        f"gradient: {n_parameters:,} numbers, {megabytes:.2f} MB; two processes here "
        f"sum theirs in {1e3 * gloo:.2f} ms, {megabytes / gloo:,.0f} MB/s\n"
    )


def print_needs(options, decode, both, step, predict):
    """Print how much there is to hold, and to compute."""
    n, workers = options.images, options.workers
    pixels = n * SIDE * SIDE * 3
    rows = [("pixels, uint8", f"{pixels / 1e12:,.2f} TB")]
    rows += [(f"{k} files", f"{n * s / 1e12:,.2f} TB") for k, (_, s) in decode.items()]
    for kind, (rate, _) in decode.items():
        shared = told(n / rate / workers)
        rows.append((f"decode all, {kind}, one core", told(n / rate)))
        rows.append((f"decode all, {kind}, {workers:,} cores", shared))
    rows += [
        (f"train {options.epochs} epochs, one core", told(options.epochs * n / step)),
        (f"predict all, {workers:,} cores", told(n / predict / workers)),
        ("mean, spread and digest, each core over all", told(n / both)),
        (
            f"read for these by {workers:,} cores",
            f"{2 * pixels * workers / 1e15:.2f} PB",
        ),
    ]
    print_table((f"{n:,.0f} images", "needs"), rows)


def print_steps(options, step, n_bytes):
    """Print how long a step of all workers takes, and all epochs, by their network."""
    n, workers, alone = options.images, options.workers, BATCH / step
    rows = []
    for link, speed in LINKS.items():
        arguments = n_bytes, workers, speed, options.latency
        ring, tree = ring_seconds(*arguments), tree_seconds(*arguments)
        best = min(ring, tree)
        epoch = n / (BATCH * workers) * (alone + best)
        share = best / (alone + best)
        seconds = [f"{1e3 * value:.1f}" for value in (alone, ring, tree)]
        rows.append((link, *seconds, f"{share:.0%}", told(options.epochs * epoch)))
    columns = "link", "step ms", "ring ms", "tree ms", "exchange", "all epochs"
    print_table(columns, rows)


def print_bottlenecks(options, decode, batch, step):
    """Print what all workers together read, and how far each part is from a limit."""
    n, workers = options.images, options.workers
    jpeg, size = decode["JPEG"]
    read = workers * step
    print(
        f"A step of all takes {BATCH * workers:,} images: an epoch has "
        f"{n / BATCH / workers:,.0f} updates. They read {read:,.0f} images a second, "
        f"{read * size / 1e9:.1f} GB/s of JPEG files or {read * SIDE**2 * 3 / 1e9:.1f} "
        f"GB/s of pixels. A core decodes JPEG {jpeg / step:.1f} times, and takes "
        f"mini-batches {batch / step:.0f} times, as fast as it trains.\n"
    )


if __name__ == "__main__":
    main()
