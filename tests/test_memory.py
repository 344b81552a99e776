"""Peaks of memory, and sizes of models."""

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from sk_rnnimage.comparison import memory
from sk_rnnimage.comparison.memory import PeakMemory, pickled_size

MB = 10**6
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's proc(5)")


def peak_of(n_bytes):
    with PeakMemory() as peak:
        np.ones(n_bytes, dtype=np.uint8)
    return peak.bytes


def check_a_block_that_gives_back():
    for n_bytes in (40 * MB, 20 * MB, 40 * MB):  # whatever came before
        assert n_bytes - 2 * MB < peak_of(n_bytes) < n_bytes + 5 * MB


def check_memory_that_the_c_library_kept():
    with PeakMemory() as peak:
        small = [bytearray(1000) for _ in range(40_000)]
    taken, kept = peak.bytes, small[::1000]
    del small  # most of its pages are free, between some that are not
    with PeakMemory() as peak:
        again = [bytearray(1000) for _ in range(40_000)]
    assert taken > 35 * MB
    assert peak.bytes > 35 * MB
    assert len(kept) * 1000 == len(again)


@linux
@pytest.mark.parametrize(
    "check", [check_a_block_that_gives_back, check_memory_that_the_c_library_kept]
)
def test_the_peak_of_a_block(check):
    """In a new process: one that has done much before may hold memory that is free."""
    code = f"import test_memory; test_memory.{check.__name__}()"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=True)


@linux
def test_what_was_there_before_does_not_count():
    there = np.ones(40 * MB, dtype=np.uint8)
    with PeakMemory() as peak:
        there += 1
    assert peak.bytes < 5 * MB


def test_blocks_at_the_same_time_in_threads_are_not_told_apart():
    inside, leave = threading.Event(), threading.Event()
    peaks = []

    def measure():
        with PeakMemory() as peak:
            inside.set()
            leave.wait()
        peaks.append(peak)

    thread = threading.Thread(target=measure)
    thread.start()
    inside.wait()
    assert np.isnan(peak_of(MB))
    leave.set()
    thread.join()
    assert np.isnan(peaks[0].bytes)


def test_where_the_mark_cannot_be_reset_the_peak_is_nan(monkeypatch):
    def refuse(*args):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(memory, "open", refuse, raising=False)
    assert np.isnan(peak_of(MB))


def test_an_error_in_the_block_ends_the_measurement():
    with pytest.raises(ZeroDivisionError), PeakMemory():
        _ = 1 / 0
    assert not memory._RUNNING


def test_the_size_is_that_of_the_pickle():
    X, y = load_digits(return_X_y=True)
    model = KNeighborsClassifier(algorithm="brute").fit(X, y)
    assert pickled_size(model) == len(pickle.dumps(model, pickle.HIGHEST_PROTOCOL))
    assert pickled_size(model) > X.nbytes


def test_what_cannot_be_pickled_has_no_size():
    assert np.isnan(pickled_size(KNeighborsClassifier(weights=lambda d: 1 / d)))
