"""A fitted classifier in a server: loaded, forked, asked by several threads at once."""

import copy
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from conftest import draw, make
from numpy.testing import assert_array_equal

from sk_rnnimage._environment import process
from sk_rnnimage._environment.process import _denormals_flushed, one_thread

FLUSHES = torch.set_flush_denormal(False)

# A parent forks a child that predicts: when it has loaded a model, and when it has
# predicted itself.
FORK = """
import os, sys, joblib, numpy as np, torch
torch.set_num_threads(2)

def fork(model, X, expected):
    child = os.fork()
    if not child:
        os._exit(0 if np.allclose(model.predict_proba(X), expected) else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

for path in sys.argv[1:]:
    model, X, expected = joblib.load(path)
    fork(model, X, expected)
    model.predict(X)
    fork(model, X, expected)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_predicts(cls, tmp_path):
    X, y = draw(n=30)
    paths = [tmp_path / f"{cell}.joblib" for cell in ("lstm", "lmu")]
    for path in paths:
        model = make(cls, cell=path.stem).fit(X, y)
        joblib.dump((model, X, model.predict_proba(X)), path)
    command = [sys.executable, "-W", "ignore", "-c", FORK, *paths]
    subprocess.run(command, timeout=60, check=True)  # a hang ends in TimeoutExpired


def test_few_images_are_predicted_on_one_thread(cls, monkeypatch):
    X, y = draw(n=40)
    model, seen = make(cls).fit(X, y), []
    forward = type(model.module_).forward

    def watched(self, *args, **kwargs):
        seen.append(torch.get_num_threads())
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(model.module_), "forward", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model.predict(X[:1])
        assert seen == [1]
        monkeypatch.setattr("sk_rnnimage._prediction.logits.FEW_PIXELS", 10)
        model.predict(X)
        assert seen == [1, 2]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_limit_of_a_thread_is_no_other_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    inside, outside, counts = threading.Event(), threading.Event(), []

    def other():
        torch.ones(1)
        inside.wait(60)
        counts.append(torch.get_num_threads())
        outside.set()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            inside.set()
            assert outside.wait(60)
        assert torch.get_num_threads() == 2
    finally:
        thread.join()
        torch.set_num_threads(before)
    assert counts == [2]


def test_threads_that_share_a_classifier_get_the_same_answers(cls):
    X, y = draw(n=60)
    model = make(cls).fit(X, y)
    expected = model.predict_proba(X)
    loaded = copy.deepcopy(model)  # its network is built by those who ask first
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: loaded.predict_proba(X), range(16)))
    for answer in answers:
        assert_array_equal(answer, expected)


def count_zeros():
    return int((torch.full((10**6,), 1e-39) * 0.5 == 0).sum())


@pytest.mark.skipif(not FLUSHES, reason="this processor cannot flush denormals")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_what_other_threads_compute_keeps_its_denormals(n_threads):
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    inside, outside, counts = threading.Event(), threading.Event(), []

    def other():  # started before: a new thread inherits the flags of its parent
        counts.append(count_zeros())
        inside.wait(60)
        counts.append(count_zeros())
        tiny = np.full(10**5, 1e-310)
        counts.append(int((tiny * 0.5 == 0).sum()))
        outside.set()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        with _denormals_flushed():
            assert count_zeros() == 10**6
            inside.set()
            assert outside.wait(60)
            assert count_zeros() == 10**6
        assert count_zeros() == 0
    finally:
        thread.join()
        torch.set_num_threads(before)
    assert counts == [0, 0, 0]


def test_without_gnu_openmp_the_calling_thread_alone_flushes(monkeypatch):
    monkeypatch.setattr(process, "_openmp_parallel", lambda: None)
    with _denormals_flushed():
        assert not FLUSHES or count_zeros() >= 1
    assert count_zeros() == 0
