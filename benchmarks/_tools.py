"""What every benchmark prints and shares: machine, versions, data, rounds."""

import os
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def describe(**more):
    """Print machine, threads, versions and whatever else the figures depend on."""
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
    print("; ".join(f"{key}: {value}" for key, value in more.items()))


def mnist():
    """MNIST as X_train, y_train, X_test, y_test, or a stop that says what to do."""
    file = DATA / "mnist.npz"
    if not file.exists():
        sys.exit(f"This benchmark needs MNIST as {file.name} (X_train, y_train, ...).")
    with np.load(file) as arrays:
        return tuple(arrays[k] for k in ("X_train", "y_train", "X_test", "y_test"))


def in_turns(rivals, rounds):
    """Run each rival once a round, in turns; seconds of each as a dict of lists."""
    seconds = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds, name, base):
    """Median over the rounds of one rival's time over another's of the same round."""
    pairs = zip(seconds[name], seconds[base], strict=True)
    return statistics.median(a / b for a, b in pairs)
