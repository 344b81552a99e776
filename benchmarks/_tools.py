"""Shared by the benchmarks: data sets, timing, tables, description of the machine."""

import importlib.util
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml


def describe(**details):
    """Print machine, number of threads, versions and the details of the run."""
    import sklearn
    import skorch
    import torch

    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if "model name" in line]
    print(
        f"machine: {models[0]}, {os.cpu_count()} cores, "
        f"{torch.backends.cpu.get_cpu_capability()}; threads: "
        f"{torch.get_num_threads()}; Python {platform.python_version()}, "
        f"torch {torch.__version__}, scikit-learn {sklearn.__version__}, "
        f"skorch {skorch.__version__}, NumPy {np.__version__}"
    )
    print("; ".join(f"{key}: {value}" for key, value in details.items()) + "\n")


def seeds_from(first, n):
    """Return n consecutive seeds as text, for ``describe``."""
    return ", ".join(map(str, range(first, first + n)))


class MissingData(SystemExit):
    """Ends a benchmark with a sentence, unless it can do without the images."""


def find(name):
    """Return the path of a file or folder of images, or None where it is missing."""
    folder = os.environ.get("SK_RNNIMAGE_DATA")
    path = Path(folder, name) if folder else None
    return path if path and path.exists() else None


def need(name):
    """Return the path of a file or folder of images; exit if it is missing."""
    path = find(name)
    if path is None:
        raise MissingData(
            f"{name} is missing: set SK_RNNIMAGE_DATA to the folder that holds it."
        )
    return path


def fetch(file, **which):
    """Download a data set from OpenML as X, y; exit if that fails."""
    print(f"SK_RNNIMAGE_DATA holds no {file}: from OpenML instead.", flush=True)
    try:
        return fetch_openml(**which, return_X_y=True, as_frame=False)
    except (OSError, ValueError) as error:  # no connection; an answer that is no data
        raise MissingData(
            f"{file} is missing, and OpenML failed ({error}). Set SK_RNNIMAGE_DATA to "
            "the folder that holds the file, or try again."
        ) from error


def split_at(n, X, y):
    """Split images and integer labels into the first n and the others."""
    X, y = X.astype(np.uint8), y.astype(np.int64)
    return X[:n], y[:n], X[n:], y[n:]


def mnist():
    """Load MNIST, (B, 28, 28), as X_train, y_train, X_test, y_test."""
    file = find("mnist.npz")
    if file is None:
        X, y = fetch("mnist.npz", name="mnist_784", version=1)
        return split_at(60_000, X.reshape(-1, 28, 28), y)
    with np.load(file) as arrays:
        return tuple(arrays[k] for k in ("X_train", "y_train", "X_test", "y_test"))


def cifar10():
    """Load CIFAR-10, (B, 32, 32, 3), as X_train, y_train, X_test, y_test.

    From a JPEG copy, or from OpenML, where it is not compressed.
    """
    from sk_rnnimage import ImageReader

    file = find("cifar10_jpeg.npz")
    if file is None:
        X, y = fetch("cifar10_jpeg.npz", data_id=40927)
        channels_first = X.reshape(-1, 3, 32, 32)  # (B, C, H, W)
        return split_at(50_000, channels_first.transpose(0, 2, 3, 1), y)
    parts = []
    with np.load(file) as arrays:
        for split in ("train", "test"):
            data, offsets = arrays[f"{split}_jpeg"], arrays[f"{split}_offsets"]
            files = [data[a:b].tobytes() for a, b in zip(offsets[:-1], offsets[1:])]
            parts += [ImageReader().fit_transform(files), arrays[f"{split}_labels"]]
    return tuple(parts)


def hands():
    """Load the photographs of hands at 32 x 32, (B, 32, 32, 3), and their digits."""
    from sk_rnnimage import ImageReader, list_images

    paths, labels = list_images(need("sign_digits"))
    return ImageReader((32, 32), n_jobs=-1).fit_transform(paths), labels.astype(int)


def start_keras():
    """Return whether Keras is installed; if so, give it as many threads as torch."""
    if importlib.util.find_spec("tensorflow") is None:
        print('Keras is left out: pip install -c constraints.txt ".[benchmark]"\n')
        return False
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras
    import tensorflow
    import torch

    print(f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}\n")
    threading = tensorflow.config.threading
    threading.set_intra_op_parallelism_threads(torch.get_num_threads())
    threading.set_inter_op_parallelism_threads(1)
    return True


def time_interleaved(functions, rounds, clock=time.perf_counter):
    """Call each function once per round; return the times as a dict of lists.

    Interleaved, so that a slow phase of the machine affects all functions alike.
    """
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, run in functions.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return seconds


def clocks():
    """Return wall time and CPU time of this process, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def ratio(seconds, name, base):
    """Return the median over the rounds of the ratio of two times of one round."""
    pairs = zip(seconds[name], seconds[base], strict=True)
    return statistics.median(a / b for a, b in pairs)


def calibration_error(confidence, correct, n_bins=15):
    """Return the expected calibration error in bins of equal width.

    The mean, over the images, of the difference between accuracy and mean confidence
    in the bin of the image.
    """
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return sum(
        inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
        for inside in (bins == b for b in np.unique(bins))
    )


def print_table(columns, rows):
    """Print a Markdown table: first column left-aligned, others right-aligned."""
    cells = [columns, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print_head(columns, widths)
    for row in cells[1:]:
        print_row(row, widths)
    print()


def print_head(columns, widths):
    """Print the header of a Markdown table."""
    print_row(columns, widths)
    print_row(["-" * widths[0], *["-" * (w - 1) + ":" for w in widths[1:]]], widths)


def print_row(cells, widths):
    """Print a row of a Markdown table, flushed so that log files show it at once."""
    first, *others = zip(cells, widths, strict=True)
    padded = [f"{first[0]:<{first[1]}}", *[f"{c:>{width}}" for c, width in others]]
    print(f"| {' | '.join(padded)} |", flush=True)


def assert_limits(claims):
    """Print claims (description, value, limit) and assert value <= limit for each."""
    print_table(
        ["claim", "found", "at most"],
        [[what, f"{value:.4f}", f"{limit:.4g}"] for what, value, limit in claims],
    )
    broken = [
        f"{what}: {value:.4f}, limit {limit:.4g}"
        for what, value, limit in claims
        if not value <= limit  # also catches NaN
    ]
    assert not broken, "; ".join(broken)
