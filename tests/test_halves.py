"""Predictions where memory ends: fewer images at once, and the same answers."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._prediction import logits
from sk_rnnimage._prediction.halves import in_halves

ENDS = {
    "NumPy": MemoryError("Unable to allocate 9. GiB"),
    "a CPU": RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    "oneDNN": RuntimeError("could not create a primitive"),
    "a GPU": torch.OutOfMemoryError("CUDA out of memory."),
}


def holds(most, error=ENDS["NumPy"]):
    """Work that memory holds up to so many images, and the numbers that were tried."""
    tried = []

    def work(indices):
        tried.append(len(indices))
        if len(indices) > most:
            raise error
        return indices.tolist()

    return work, tried


@pytest.mark.parametrize("error", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("most", [1, 3, 8, 20])
def test_all_is_done_once_and_in_its_order(most, error):
    work, _ = holds(most, error)
    batches = [np.arange(8), np.arange(8, 20), np.arange(20, 21)]
    done = list(in_halves(work, batches))
    assert sum((part for _, part in done), []) == list(range(21))
    for indices, part in done:
        assert indices.tolist() == part


def test_what_was_too_much_once_is_not_tried_again():
    work, tried = holds(3)
    list(in_halves(work, [np.arange(12), np.arange(12, 24)]))
    assert tried == [12, 6] + 8 * [3]


def test_one_image_that_memory_does_not_hold():
    work, tried = holds(0)
    with pytest.raises(MemoryError, match="Unable to allocate 9. GiB"):
        list(in_halves(work, [np.arange(5)]))
    assert tried == [5, 3, 2, 1]


def test_any_other_error_is_raised_at_once():
    work, tried = holds(2, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        list(in_halves(work, [np.arange(5)]))
    assert tried == [5]


@pytest.fixture
def little_memory(monkeypatch):
    """Let the network read no more than ``most`` images at once."""

    def set_most(most, error=ENDS["a CPU"]):
        run, sizes = logits._run, []

        def run_few(function, network_input):
            x = network_input
            n = len(x["x"] if isinstance(x, dict) else x)
            if n > most:
                raise error
            sizes.append(n)
            return run(function, network_input)

        monkeypatch.setattr(logits, "_run", run_few)
        return sizes

    return set_most


METHODS = {
    "predict_proba": lambda model, X: model.predict_proba(X),
    "decision_function": lambda model, X: model.decision_function(X),
    "predict": lambda model, X: model.predict(X),
    "staged": lambda model, X: list(model.staged_predict_proba(X)),
    "attention": lambda model, X: model.attention_weights(X),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("images", [draw, draw_unequal])
def test_the_answers_are_the_same(cls, method, images, little_memory):
    X, y = images(n=30)
    settings = {"pooling": "attention", "scan": "snake", "patch_size": 3, "n_views": 2}
    model = make(cls, **settings).fit(X, y)
    expected = method(model, X)
    sizes = little_memory(4)
    assert_allclose(method(model, X), expected, rtol=1e-9, atol=1e-12)
    assert 1 < max(sizes) <= 4


def test_stages_too_are_classified_in_parts(cls, monkeypatch):
    X, y = draw_unequal(n=30)
    model = make(cls, scan="snake", patch_size=3).fit(X, y)
    expected = list(model.staged_predict_proba(X))
    network = type(model.module_)
    classify = network.classify

    def classify_few(self, sequences):
        if sequences[0][0].shape[1] > 4:
            raise ENDS["a CPU"]
        return classify(self, sequences)

    monkeypatch.setattr(network, "classify", classify_few)
    monkeypatch.setattr(network, "forward", lambda *_: pytest.fail("no stage"))
    found = list(model.staged_predict_proba(X))
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_down_to_one_image_and_then_a_sentence(cls, little_memory):
    X, y = draw(n=9)
    model = make(cls, max_epochs=1).fit(X, y)
    expected = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(9)])
    sizes = little_memory(1)
    assert_array_equal(model.predict_proba(X), expected)
    assert sizes == 9 * [1]
    little_memory(0)
    sentence = "The memory does not hold what the network makes of an image of 8 x 8. "
    for error in (MemoryError, ValueError):  # as a bad argument, and as what it is
        with pytest.raises(error, match=sentence):
            model.predict(X)


LIMITED = textwrap.dedent(
    """
    import ctypes, resource
    import numpy as np
    from sk_rnnimage import CRNNImageClassifier
    from sk_rnnimage._prediction import logits

    rng = np.random.RandomState(0)
    X = rng.randint(0, 256, (1200, 28, 28), dtype=np.uint8)
    model = CRNNImageClassifier(256, max_epochs=1, batch_size=128, random_state=0)
    model.fit(X[:140], np.arange(140) % 10)
    expected = model.predict_proba(X)
    run, sizes = logits._run, []
    logits._run = lambda f, x: sizes.append(len(x)) or run(f, x)
    for megabytes in range(120, 0, -12):  # what the libraries need besides varies
        sizes.clear()
        ctypes.CDLL(None).malloc_trim(0)
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * resource.getpagesize() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        found = model.predict_proba(X)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
        if len(sizes) > 2:
            print("halved")
            break
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
def test_a_process_that_the_system_gives_no_more():
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ran.stdout == "halved\n", ran.stderr
