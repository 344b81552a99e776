"""Odd arguments by the thousand, for every public function.

    python benchmarks/fuzz.py [--cases 20000] [--seed 0] [--only FAMILY ...]

Arrays of every dtype, shape, stride and container, values of any type for each
parameter, damaged files of images, clips and models, drawn by the strategies of
``tests/fuzzed_families.py``. Each case must end in a right answer, that of a plain
float64 copy of the same pixels, or in a ValueError or TypeError worded by this package
or by scikit-learn's checks, within a second of processor time (the second time, where
the first is slower: a first use imports). Each family runs in a process of its own
that may take 4 GB of memory more than it has at its start; one that crashes or hangs is
broken. Asserts that no case is broken.
"""

import argparse
import contextlib
import faulthandler
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

from _tools import assert_limits, describe, print_head, print_row

TESTS = Path(__file__).resolve().parents[1] / "tests"
FAMILIES = {  # name -> share of the cases
    "images in any form": 0.15,
    "there and back": 0.05,
    "no images": 0.15,
    "odd training sets": 0.1,
    "parameters": 0.15,
    "methods": 0.15,
    "image files": 0.06,
    "clip files": 0.03,
    "model files": 0.06,
    "checkpoints": 0.02,
    "headers that lie": 0.03,
    "command lines": 0.05,
}
LIMIT, HANGING = 1.0, 120  # seconds
MEMORY = 4 * 2**30
COLUMNS = "family cases answered refused broken s cases/s slowest_s GB".split()


def limit_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def run(name, n, seed, channel):
    """Judge the cases of a family, and send what came of them."""
    from fuzzed import Broken, judge
    from fuzzed_families import FAMILIES as strategies
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    warnings.simplefilter("ignore")
    limit_memory()
    found = {"answered": 0, "refused": 0, "slowest": 0.0, "broken": []}

    def judge_in_time(case):
        seconds, answered = judge(case)
        if seconds > LIMIT:
            seconds, answered = judge(case)
        if seconds > LIMIT:
            raise Broken(f"{case.words}: takes {seconds:.1f} s")
        found["slowest"] = max(found["slowest"], seconds)
        found["answered" if answered else "refused"] += 1

    @seeded(seed)
    @settings(
        max_examples=n,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies[name])
    def go_through(case):
        faulthandler.dump_traceback_later(HANGING, exit=True)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # verbose=True
                judge_in_time(case)
        except Broken as error:
            found["broken"].append(str(error))

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        go_through()
        faulthandler.cancel_dump_traceback_later()
    found["seconds"] = time.perf_counter() - start
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    channel.send(found)


def in_a_process(name, n, seed):
    """What came of a family, or one broken case where its process died."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    arguments = name, n, seed, theirs
    process = multiprocessing.get_context("spawn").Process(target=run, args=arguments)
    process.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        found = None
    process.join()
    if found is None:
        return {"broken": [f"the process of {name} ended with {process.exitcode}"]}
    return found


def as_row(name, found):
    if "seconds" not in found:
        return [name, "-", "-", "-", 1, "-", "-", "-", "-"]
    counts = found["answered"], found["refused"], len(found["broken"])
    return [
        name,
        f"{sum(counts):,}",
        *(f"{count:,}" for count in counts),
        f"{found['seconds']:.0f}",
        f"{sum(counts) / found['seconds']:.0f}",
        f"{found['slowest']:.2f}",
        f"{found['memory']:.2f}",
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    sys.path.insert(0, str(TESTS))
    describe(cases=f"{options.cases:,}", seed=options.seed, runs=1)
    widths = [max(map(len, FAMILIES)), *(max(8, len(name)) for name in COLUMNS[1:])]
    print_head(COLUMNS, widths)
    broken = []
    for name in options.only:
        n = max(1, round(options.cases * FAMILIES[name]))
        found = in_a_process(name, n, options.seed)
        print_row(map(str, as_row(name, found)), widths)
        broken += found["broken"]
    print("\n".join(["", *broken]))
    assert_limits([("broken cases", len(broken), 0)])


if __name__ == "__main__":
    main()
