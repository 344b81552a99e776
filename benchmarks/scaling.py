"""Fit time as a function of the number of images, pixels, steps and units.

    python benchmarks/scaling.py [--rounds 7] [--points 6]

Four sweeps over images of random pixels in ten classes, one epoch with mini-batches of
128:

- images: one LSTM of 64 units over the rows of images of 28 x 28;
- pixels: the CRNN with default parameters on 512 square images of increasing size;
- steps: one LSTM of 64 units over 512 images with an increasing number of rows of 28
  pixels;
- units: one LSTM with an increasing number of units over the rows of 1,024 images of
  28 x 28.

Complete fits are timed, interleaved. A time is the median over the rounds, of CPU time
with one thread and of wall time otherwise. The exponent of a sweep is the slope of a
least-squares line through the logarithms of its last four points: 1 means linear. For
the sweep over the units the floating-point operations of the LSTM's matrix products are
counted: the forward pass, and twice as many for the backward pass except for the
gradient with respect to the pixels, which is not computed. Divided by the time of the
complete fit, they give a rate, which is compared with that of a large float32 matrix
product timed in the same rounds.

Draws ``scaling.png`` beside this file. Asserts that the exponent of the images is at
most 1.05.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _tools import assert_limits, describe, print_table, time_interleaved

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier

LIMIT = 1.05
N_FITTED = 4
PICTURE = Path(__file__).with_name("scaling.png")
SWEEPS = {
    "images": (1280, 2560, 5120, 10240, 20480, 40960),
    "pixels": tuple(side**2 for side in (32, 48, 64, 96, 128, 160)),
    "steps": (16, 32, 64, 128, 256, 512),
    "units": (32, 64, 128, 256, 512, 1024),
}
MATMUL, MATMUL_SIDE = ("matmul", 0), 2048


def lstm(units):
    return RNNImageClassifier(
        units,
        scan="rows",
        bidirectional=False,
        pooling="last",
        batch_size=128,
        max_epochs=1,
        random_state=0,
    )


def task(sweep, value):
    """Return the classifier of one point and the shape of its images (B, H, W)."""
    if sweep == "images":
        return lstm(64), (value, 28, 28)
    if sweep == "pixels":
        side = round(value**0.5)
        return CRNNImageClassifier(max_epochs=1, random_state=0), (512, side, side)
    if sweep == "steps":
        return lstm(64), (512, value, 28)
    return lstm(value), (1024, 28, 28)


def make_fit(sweep, value):
    """Return a function without arguments that fits one point."""
    classifier, shape = task(sweep, value)
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=shape, dtype=np.uint8)
    y = np.arange(len(X)) % 10
    return lambda: classifier.fit(X, y)


def make_matmul():
    a, b = torch.randn(2, MATMUL_SIDE, MATMUL_SIDE)
    return lambda: a @ b


def lstm_flops(units, steps=28, features=28, images=1024):
    """Return the FLOP of the matrix products of one epoch, forward and backward."""
    forward = 2 * 4 * units * (features + units)
    backward = 2 * forward - 2 * 4 * units * features
    return images * steps * (forward + backward)


def measure(n_points, rounds):
    """Return median times by (sweep, value), and the name of the clock."""
    single_thread = torch.get_num_threads() == 1
    points = [(s, value) for s, values in SWEEPS.items() for value in values[:n_points]]
    tasks = {point: make_fit(*point) for point in points} | {MATMUL: make_matmul()}
    smallest = {(s, values[0]): tasks[s, values[0]] for s, values in SWEEPS.items()}
    time_interleaved(smallest, 1)  # warm up
    clock = time.process_time if single_thread else time.perf_counter
    times = time_interleaved(tasks, rounds, clock)
    seconds = {point: float(np.median(values)) for point, values in times.items()}
    return seconds, "CPU s" if single_thread else "s"


def power_law(values, seconds):
    """Fit seconds = factor * value ** exponent to the last points.

    By least squares on the logarithms; returns exponent and factor.
    """
    values, seconds = values[-N_FITTED:], seconds[-N_FITTED:]
    exponent, offset = np.polyfit(np.log(values), np.log(seconds), 1)
    return exponent, np.exp(offset)


def print_sweeps(curves, clock):
    rows = [
        (sweep, f"{value:,}", f"{seconds:.3f}", f"{1e6 * seconds / value:.1f}")
        for sweep, points in curves.items()
        for value, seconds in zip(*points, strict=True)
    ]
    print_table(("sweep", "value", f"fit {clock}", "µs each"), rows)
    exponents = [(s, f"{power_law(*points)[0]:.3f}") for s, points in curves.items()]
    print_table((f"sweep, last {N_FITTED} points", "exponent"), exponents)


def print_rates(units, seconds, matmul_seconds):
    """Print the rate of the LSTM in a complete fit, relative to a matrix product."""
    peak = 2 * MATMUL_SIDE**3 / matmul_seconds / 1e9
    rates = [lstm_flops(n) / s / 1e9 for n, s in zip(units, seconds, strict=True)]
    rows = [(n, f"{rate:.1f}", f"{rate / peak:.0%}") for n, rate in zip(units, rates)]
    product = f"product of {MATMUL_SIDE} x {MATMUL_SIDE}"
    print_table(("units", "GFLOP/s", "share"), [*rows, (product, f"{peak:.1f}", "")])


def draw(curves, clock):
    """Plot the measured points and the fitted line of each sweep, in four panels."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(8.4, 6.4), layout="constrained")
    for panel, (sweep, points) in zip(panels.flat, curves.items(), strict=True):
        draw_sweep(panel, sweep, *points)
        panel.set_ylabel(f"fit ({clock})")
    figure.suptitle(
        f"Whole fits, one pass. Lines: least squares on the last {N_FITTED} points",
        fontsize="medium",
    )
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


def tick_label(sweep, value):
    """Return the label of a value on its axis; pixels are labelled as side squared."""
    return f"{value**0.5:.0f}$^2$" if sweep == "pixels" else f"{value:,.0f}"


def draw_sweep(panel, sweep, values, seconds):
    from matplotlib.ticker import LogLocator

    exponent, factor = power_law(values, seconds)
    values = np.array(values, dtype=float)
    fitted = values[-N_FITTED:]
    panel.loglog(values, factor * values**exponent, ":", color="0.6", linewidth=1.5)
    panel.loglog(fitted, factor * fitted**exponent, color="tab:orange", linewidth=2)
    panel.loglog(values, seconds, "o", color="tab:blue", markersize=6)
    panel.set_xticks(values, [tick_label(sweep, value) for value in values])
    panel.set_xticks([], minor=True)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.set_yticks([], minor=True)
    panel.margins(y=0.08)
    panel.set_xlabel(sweep)
    panel.set_title(f"time grows as {sweep}$^{{{exponent:.2f}}}$")
    panel.grid(color="0.92")
    panel.spines[["top", "right"]].set_visible(False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--points", type=int, default=6, choices=[4, 5, 6])
    options = parser.parse_args()
    describe(rounds=options.rounds, points=options.points, seed=0)
    seconds, clock = measure(options.points, options.rounds)
    curves = {
        sweep: (values, [seconds[sweep, value] for value in values])
        for sweep, values in ((s, v[: options.points]) for s, v in SWEEPS.items())
    }
    print_sweeps(curves, clock)
    print_rates(*curves["units"], seconds[MATMUL])
    draw(curves, clock)
    exponent, _ = power_law(*curves["images"])
    assert_limits([("exponent of the images", exponent, LIMIT)])


if __name__ == "__main__":
    main()
