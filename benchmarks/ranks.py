"""Fit time of two processes that share a fit, relative to one process.

    python benchmarks/ranks.py [--rounds 5] [--images 6000] [--epochs 2] [--only NAME]

The same fit, with the same mini-batches, by one process of one thread, by one process
of two threads, and by two processes of one thread each, which exchange their gradients
over gloo. The processes are started once and fit in turns; a ratio is the median over
the rounds of the ratio of two times of one round. "In messages" is the fraction of a
fit that the first process spends in messages, in which it also waits for the other
one; "a message" is the time of one alone, of the same length, measured after the fits.
It needs two cores on which nothing else runs: on a busy machine two processes get more
of it than one, and "2 x 1 CPU", the processor time of the first of two relative to that
of one, is the fairer figure. It is what the assertion is about: at most 0.75 with
``CRNNImageClassifier()`` in mini-batches of 256.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time

import torch
from _tools import assert_limits, clocks, describe, mnist, print_table, ratio
from torch import distributed

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training.exchange import Exchange

MODELS = {
    "CRNN, batches of 64": CRNNImageClassifier(batch_size=64),
    "CRNN, batches of 256": CRNNImageClassifier(batch_size=256),
    "CRNN, batches of 256, affine": CRNNImageClassifier(
        batch_size=256, augment="affine"
    ),
    "RNN, batches of 256": RNNImageClassifier(batch_size=256),
}
ALONE, THREADS, SHARED = "1 x 1", "1 x 2", "2 x 1"  # processes x threads
ARRANGEMENTS = {ALONE: (1, 1), THREADS: (1, 2), SHARED: (2, 1)}
LIMITED = "CRNN, batches of 256"


class Team:
    """Processes that fit the same model at the same time."""

    def __init__(self, n_processes, n_threads, folder):
        context = multiprocessing.get_context("spawn")
        self.pipes = []
        for rank in range(n_processes):
            here, there = context.Pipe()
            arguments = there, rank, n_processes, n_threads, folder
            context.Process(target=serve, args=arguments, daemon=True).start()
            self.pipes.append(here)

    def fit(self, *arguments):
        """Return what the first process measured, when all have ended."""
        for pipe in self.pipes:
            pipe.send(arguments)
        return [pipe.recv() for pipe in self.pipes][0]


def serve(pipe, rank, n_processes, n_threads, folder):
    """Fit what comes, as one of a team."""
    torch.set_num_threads(n_threads)
    if n_processes > 1:
        method = f"file://{folder}/store"
        distributed.init_process_group(
            "gloo", init_method=method, rank=rank, world_size=n_processes
        )
    messages = watch_messages()
    while True:
        try:
            model, X, y = pipe.recv()
        except EOFError:  # the first process has ended
            return
        messages.clear()
        start = clocks()
        model.fit(X, y)
        seconds, cpu = clocks() - start
        waited = sum(took for took, _ in messages)
        alone = message_alone(messages[0][1]) if messages else None
        pipe.send((seconds, cpu, waited / seconds, alone))


def watch_messages():
    """Return a list that fills with the time and the length of each message."""
    messages, send = [], Exchange._reduce

    def timed(exchange):
        start = time.perf_counter()
        send(exchange)
        took = time.perf_counter() - start
        messages.append((took, len(exchange.message)))

    Exchange._reduce = timed
    return messages


def message_alone(length, n=100):
    """Return the numbers of a message, and the median time of one in seconds."""
    message, times = torch.zeros(length), []
    for _ in range(n):
        start = time.perf_counter()
        distributed.all_reduce(message)
        times.append(time.perf_counter() - start)
    return length, statistics.median(times)


def compare(model, teams, X, y, rounds):
    """Return the times of each arrangement, and what was measured of the messages."""
    seconds, cpu = ({name: [] for name in teams} for _ in range(2))
    messages = []
    for number in range(rounds + 1):
        for name, team in teams.items():
            took, busy, fraction, alone = team.fit(model, X, y)
            if number:  # the first builds what is built once
                seconds[name].append(took)
                cpu[name].append(busy)
                messages += [(fraction, *alone)] if alone else []
    fraction, length, alone = (statistics.median(part) for part in zip(*messages))
    return seconds, cpu, [f"{fraction:.1%}", f"{length:,.0f}", f"{1000 * alone:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only", choices=MODELS, nargs="+", default=list(MODELS))
    options = parser.parse_args()
    X, y, _, _ = mnist()
    X, y = X[: options.images], y[: options.images]
    describe(rounds=options.rounds, images=len(X), epochs=options.epochs, seeds=0)
    rows, claims = [], []
    with tempfile.TemporaryDirectory() as folder:
        teams = {name: Team(*sizes, folder) for name, sizes in ARRANGEMENTS.items()}
        for name in options.only:
            model = MODELS[name].set_params(max_epochs=options.epochs, random_state=0)
            seconds, cpu, measured = compare(model, teams, X, y, options.rounds)
            ratios = [ratio(seconds, other, ALONE) for other in (THREADS, SHARED)]
            ratios.append(ratio(cpu, SHARED, ALONE))
            median = statistics.median(seconds[ALONE])
            rows.append(
                [name, f"{median:.2f}", *(f"{each:.2f}" for each in ratios), *measured]
            )
            if name == LIMITED:
                claims = [(f"processor time of one of 2 / 1, {name}", ratios[2], 0.75)]
    columns = [
        "fit",
        f"{ALONE} s",
        f"{THREADS} ratio",
        f"{SHARED} ratio",
        f"{SHARED} CPU",
    ]
    print_table([*columns, "in messages", "numbers", "a message ms"], rows)
    assert_limits(claims)


if __name__ == "__main__":
    main()
