"""The process's state around torch: memory that ends, denormals, what is left."""

import os
import platform
import re
import subprocess
import sys
import warnings
import weakref

import pytest
import torch
from conftest import draw, make
from skorch.callbacks import Callback

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._environment import process
from sk_rnnimage._environment.process import (
    generators_kept,
    keep_freed_memory,
    left_empty,
    memory_error_as,
    multiplies_bfloat16,
    seeded,
)
from sk_rnnimage._training import train

ALLOCATORS = [
    lambda: torch.empty(2**50, dtype=torch.uint8),
    lambda: torch.empty(2**40, 2**40),
    lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory.")),
    lambda: (_ for _ in ()).throw(MemoryError()),
]


@pytest.mark.parametrize("allocate", ALLOCATORS)
def test_an_allocators_error_gets_the_message(allocate):
    with pytest.raises(ValueError, match="choose less") as error:
        with memory_error_as("choose less"):
            allocate()
    assert error.value.__cause__ is not None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the shared memory of a worker is gone"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("memory"),
    ],
)
def test_any_other_error_stays(error):
    with pytest.raises(type(error)) as raised:
        with memory_error_as("choose less"):
            raise error
    assert raised.value is error


# Generators


def test_what_is_seeded_is_restored():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(5)
        with pytest.raises(KeyError), seeded(4):
            torch.rand(7)
            raise KeyError
        second = torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)
    expected = torch.rand(10, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.cat([first, second]), expected)


def test_draws_that_leave_no_trace():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), generators_kept() as gpus:
        torch.manual_seed(3)
        torch.rand(7)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
    assert gpus == []


# Denormals and threads


FLUSHES = torch.set_flush_denormal(False)


class CountZeros(Callback):
    """How many of a million numbers, each as small as a denormal, are taken as 0."""

    def on_batch_end(self, net, **kwargs):
        self.found = zeros()


def zeros():
    return int((torch.full((10**6,), 1e-39) * 0.5 == 0).sum())


@pytest.mark.skipif(not FLUSHES, reason="this processor cannot flush denormals")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_denormals_are_flushed_in_all_threads_while_a_fit_lasts(n_threads):
    before, count = torch.get_num_threads(), CountZeros()
    torch.set_num_threads(n_threads)
    try:
        assert zeros() == 0
        make(RNNImageClassifier, callbacks=[count]).fit(*draw())
        assert count.found == 10**6
        assert zeros() == 0
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)


# Memory that is kept


FAULTS = """
import resource
import numpy as np
from sk_rnnimage._environment.process import keep_freed_memory

keep_freed_memory()
np.ones(2**20).sum()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(2**20)  # 2,048 pages, which are touched
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_a_batch_frees_is_kept_also_in_a_worker_of_dask():
    """Whose environment tells the C library to give it back."""
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", FAULTS]
    found = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert int(found.stdout) < 2_000  # of 40,960 pages


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(process, "CDLL", lambda name: object())
    process._mallopt.cache_clear()
    try:
        keep_freed_memory()
    finally:
        process._mallopt.cache_clear()


def test_a_fit_keeps_the_memory_of_its_batches(cls, monkeypatch):
    kept = []
    monkeypatch.setattr(train, "keep_freed_memory", lambda: kept.append(True))
    make(cls).fit(*draw())
    assert kept == [True]


# Processors


@pytest.mark.parametrize(
    "capabilities, expected",
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx512_bf16": False, "avx2": True}, False),
        ({}, False),
    ],
)
def test_processors_that_multiply_bfloat16(capabilities, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert multiplies_bfloat16("cpu") is expected


def test_gpus_that_multiply_bfloat16(monkeypatch):
    for native in (True, False):

        def is_supported(including_emulation, native=native):
            return native or including_emulation

        monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
        assert multiplies_bfloat16("cuda:0") is native


# What is left behind


class Held:
    """Something that lies on a GPU."""


def test_nothing_stays_on_a_gpu_after_an_error(monkeypatch):
    emptied, held = [], []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))

    def work():
        tensor = Held()
        tensor.itself = tensor  # as a net and its callbacks hold each other
        held.append(weakref.ref(tensor))
        try:
            raise RuntimeError("CUDA out of memory")
        except RuntimeError as cause:
            raise ValueError("choose a smaller batch") from cause

    network = torch.nn.Linear(1, 1)
    with pytest.raises(ValueError, match="smaller batch") as error:
        with left_empty(network, torch.device("cuda")):
            work()
    assert held[0]() is None
    assert emptied
    assert error.value.__cause__ is not None
    assert not network.training


def test_what_an_image_needs_is_said_before_it_is_tried(cls, monkeypatch):
    X, y = draw(shape=(16, 16))
    model = make(cls, batch_size=10).fit(X, y)
    needed = model.module_.n_bytes_predicting(16, 16)
    for gibibytes, warned in ((needed / 2**30 - 1e-6, True), (1.0, False)):
        memory = int(gibibytes * 2**30)
        monkeypatch.setattr(process, "physical_memory", lambda memory=memory: memory)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.predict(X)
        sentences = [str(warning.message) for warning in caught]
        assert warned == any("To predict one image of 16 x 16" in s for s in sentences)
    monkeypatch.setattr(process, "physical_memory", lambda: 100)
    sentence = "A mini-batch of 10 images of 16 x 16 needs about 0.0 GiB, and this"
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        model.fit(X, y)
    monkeypatch.setattr(process, "physical_memory", lambda: None)
    model.fit(X, y).predict(X)


def test_this_machine_says_how_much_memory_it_has():
    memory = process.physical_memory()
    assert memory is None or memory > 2**28
