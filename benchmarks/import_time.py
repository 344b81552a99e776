"""How long the import takes, relative to torch, scikit-learn and skorch alone.

    python benchmarks/import_time.py [--rounds 15] [--clock wall]

Each import is in a new process, whose own start is not counted; both imports take
turns, after a round that is not counted and leaves files and bytecode in the cache of
the system. Ours imports both classifiers, which ``import sk_rnnimage`` alone would put
off. On a busy machine ``--clock cpu`` is fairer. The ratio is that of the medians.

Asserts at most 1.1 times.
"""

import argparse
import statistics
import subprocess
import sys

from _tools import assert_limits, describe, print_table

BASE = "torch, scikit-learn, skorch"
IMPORTS = {
    BASE: "import torch, sklearn, skorch",
    "sk_rnnimage": "from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier",
}
SCRIPT = "import time; start = time.{clock}(); {imports}; print(time.{clock}() - start)"
CLOCKS = {"wall": "perf_counter", "cpu": "process_time"}
LIMIT = 1.1


def seconds_of(imports, clock):
    """Return the seconds that imports take in a new process."""
    script = SCRIPT.format(imports=imports, clock=CLOCKS[clock])
    command = [sys.executable, "-c", script]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def main():
    """Measure in turns, print the table, assert the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    describe(rounds=options.rounds, clock=options.clock)
    seconds = {name: [] for name in IMPORTS}
    for counted in [False, *[True] * options.rounds]:
        for name, imports in IMPORTS.items():
            found = seconds_of(imports, options.clock)
            if counted:
                seconds[name].append(found)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    rows = [
        [name, *(f"{s:.2f}" for s in (medians[name], min(found), max(found)))]
        for name, found in seconds.items()
    ]
    print_table(["imports", "median s", "least s", "most s"], rows)
    ratio = medians["sk_rnnimage"] / medians[BASE]
    assert_limits([("import of sk_rnnimage, relative", ratio, LIMIT)])


if __name__ == "__main__":
    main()
