"""A fitted classifier in a server: loaded, forked, asked by several threads at once."""

import copy
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from conftest import draw, draw_clips, global_state, make, weights_equal
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from sk_rnnimage import quantize
from sk_rnnimage._environment import process
from sk_rnnimage._environment.process import _denormals_flushed, one_thread
from sk_rnnimage.networks.cells import CELLS

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


def test_a_thread_that_computes_for_the_first_time_keeps_the_limit():
    """torch sets the number of a thread's threads when it first computes there."""
    before, counts = torch.get_num_threads(), []
    torch.set_num_threads(2)

    def compute():
        with one_thread():
            torch.ones(10**6).sum()
            counts.append(torch.get_num_threads())
        counts.append(torch.get_num_threads())

    try:
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    finally:
        torch.set_num_threads(before)
    assert counts == [1, 2]


@pytest.fixture
def switching():
    """Threads that take turns a thousand times as often as they would."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def ask(model, X):
    """All that a fitted classifier says of images or clips, as a list of arrays."""
    answers = [model.predict(X), model.predict_proba(X), model.decision_function(X)]
    if model.cell is not None:
        answers += model.staged_predict_proba(X)
    if model.pooling == "attention":
        answers.append(model.attention_weights(X))
    if model.scan == "frames":
        answers += model.stream_predict_proba(X[0])
    return answers


def assert_shared(model, X):
    """Hold eight threads, which share a model that is not loaded yet, to one."""
    expected = ask(model, X)
    loaded = copy.deepcopy(model)  # its network is built by those who ask first
    all_here = threading.Barrier(8)

    def work(_):
        all_here.wait(60)
        return ask(loaded, X)

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(work, range(8)):
            for answer, right in zip(answers, expected, strict=True):
                assert_array_equal(answer, right)


@pytest.mark.parametrize("cell", CELLS)
def test_threads_that_share_a_classifier_get_the_same_answers(cls, cell, switching):
    X, y = draw(n=30)
    assert_shared(make(cls, cell=cell, pooling="attention").fit(X, y), X)


def test_threads_share_what_reads_missing_pixels_in_views_and_8_bits(cls, switching):
    X, y = draw(n=30, dtype=float)
    X[::3, 2:4, 1:5] = np.nan
    assert_shared(quantize(make(cls, n_views=2).fit(X, y)), X)


@pytest.mark.parametrize("cell", ["lstm", "lmu"])
def test_threads_share_what_reads_clips(cls, cell, switching):
    X, y = draw_clips()
    clips = {"scan": "frames", "bidirectional": False}
    assert_shared(make(cls, cell=cell, **clips).fit(X, y), X)


def test_fits_in_threads_give_the_bits_of_one_after_another(cls, switching):
    X, y = draw(n=30)
    models = [
        make(cls, dropout=0.3, augment="affine", random_state=i, max_epochs=2)
        for i in range(6)
    ]
    expected = [clone(model).fit(X, y) for model in models]
    before = global_state()
    # scikit-learn's check of the labels changes the filters of warnings and restores
    # them, and of two threads at once the later restores those of the earlier.
    with joblib.parallel_config("threading", n_jobs=6), warnings.catch_warnings():
        fitted = joblib.Parallel()(
            joblib.delayed(clone(model).fit)(X, y) for model in models
        )
    assert global_state() == before
    for one, other in zip(expected, fitted):
        assert weights_equal(one, other)


def test_the_filters_of_warnings_belong_to_the_user(cls):
    """A fit that restored them would undo what other threads set meanwhile."""
    seen = []

    class Look(Callback):
        def on_batch_end(self, net, **kwargs):
            seen.append(warnings.filters)

    before = warnings.filters
    make(cls, callbacks=[Look()], max_epochs=1).fit(*draw())
    assert all(filters is before for filters in seen)


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
