"""A grid in two jobs of one thread, relative to two bare processes that do the same.

    python benchmarks/jobs.py [--rounds 3] [--candidates 8] [--images 20000]

The grid is ``GridSearchCV`` over learning rates of a CRNN of three epochs, two folds
each, ``n_jobs=2`` under loky, which gives each worker one thread. A bare process has
half of the same fits and scores as a plain loop. Images are random, 28 x 28. Workers
and processes are started, and have imported everything, before the clock runs; both
ways take turns. The ratio is that of the medians; the second one, of CPU seconds, tells
what the jobs cost where other processes disturb the clock.

Asserts at least 0.95 times as fast.
"""

import argparse
import multiprocessing
import statistics
import time

import joblib
import numpy as np
import psutil
import torch
from _tools import assert_limits, describe, print_table
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sk_rnnimage import CRNNImageClassifier

N_JOBS = 2
LIMIT = 1 / 0.95
MODEL = CRNNImageClassifier(filters=(8, 32), max_epochs=3, random_state=0)
FOLDS = StratifiedKFold(2)


def draw(n):
    """Return random images whose brightness is their class, and the classes."""
    rng = np.random.RandomState(0)
    y = np.arange(n) % 10
    X = rng.randint(0, 128, (n, 28, 28)) + 12 * y[:, None, None]
    return X.astype(np.uint8), y


def rates(n):
    """Return so many learning rates."""
    return [float(rate) for rate in np.geomspace(0.005, 0.02, n)]


def bare(share, n_candidates, n_images, barrier, scores):
    """Do the fits of one bare process, after all have come to the barrier."""
    torch.set_num_threads(1)
    X, y = draw(2 * n_images)
    CRNNImageClassifier(max_epochs=1).fit(X[:100], y[:100])
    tasks = [(r, fold) for r in rates(n_candidates) for fold in FOLDS.split(X, y)]
    barrier.wait()
    for rate, (train, test) in tasks[share::N_JOBS]:
        model = clone(MODEL).set_params(learning_rate=rate).fit(X[train], y[train])
        scores.put((rate, model.score(X[test], y[test])))
    barrier.wait()
    barrier.wait()  # until the CPU seconds are read


def run_bare(n_candidates, n_images):
    """Return wall and CPU seconds of two bare processes, and the score of each rate."""
    context = multiprocessing.get_context("spawn")
    barrier, scores = context.Barrier(N_JOBS + 1), context.Queue()
    arguments = n_candidates, n_images, barrier, scores
    processes = [
        context.Process(target=bare, args=(share, *arguments))
        for share in range(N_JOBS)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    before = clocks()
    barrier.wait()
    seconds = clocks() - before
    pairs = [scores.get() for _ in range(2 * n_candidates)]
    barrier.wait()
    for process in processes:
        process.join()
    return seconds, [np.mean([s for r, s in pairs if r == rate]) for rate, _ in pairs]


def begin(X, y):
    """Let a worker import everything; return its number of threads."""
    time.sleep(1)  # so that the other worker takes the next call
    CRNNImageClassifier(max_epochs=1).fit(X, y)
    return torch.get_num_threads()


def run_jobs(n_candidates, n_images):
    """Return wall and CPU seconds of the search, and the score of each rate."""
    X, y = draw(2 * n_images)
    search = GridSearchCV(
        MODEL,
        {"learning_rate": rates(n_candidates)},
        cv=FOLDS,
        n_jobs=N_JOBS,
        refit=False,
        error_score="raise",
    )
    with joblib.parallel_config("loky", n_jobs=N_JOBS):
        calls = [joblib.delayed(begin)(X[:100], y[:100])] * (2 * N_JOBS)
        assert set(joblib.Parallel()(calls)) == {1}  # thread in each worker
        before = clocks()
        search.fit(X, y)
        seconds = clocks() - before
    joblib.externals.loky.get_reusable_executor().shutdown()
    return seconds, list(search.cv_results_["mean_test_score"])


def clocks():
    """Return wall seconds, and CPU seconds of this process and all that it started."""
    me = psutil.Process()
    times = [p.cpu_times() for p in [me, *me.children(recursive=True)]]
    return np.array([time.perf_counter(), sum(t.user + t.system for t in times)])


def main():
    """Measure in turns, print the table, assert the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--images", type=int, default=20_000, help="of a fit")
    options = parser.parse_args()
    describe(**vars(options))
    ways = {"two bare processes": run_bare, "GridSearchCV, n_jobs=2": run_jobs}
    seconds = {name: [] for name in ways}
    for _ in range(options.rounds):
        scores = []
        for name, run in ways.items():
            found, of_rates = run(options.candidates, options.images)
            seconds[name].append(found)
            scores.append(sorted(set(of_rates)))
        assert scores[0] == scores[1], scores
    medians = {}
    for name, found in seconds.items():
        medians[name] = [statistics.median(column) for column in zip(*found)]
    rows = [
        [name, *(f"{s:.1f}" for s in medians[name]), len(seconds[name])]
        for name in ways
    ]
    print_table(["way", "wall s", "CPU s", "rounds"], rows)
    base, jobs = (medians[name] for name in ways)
    print(f"CPU seconds: {jobs[1] / base[1]:.3f} times those of the bare processes\n")
    assert base[0] >= 60 or options.candidates < 8, "the grid is too small to tell"
    assert_limits([("wall time, relative", jobs[0] / base[0], LIMIT)])


if __name__ == "__main__":
    main()
