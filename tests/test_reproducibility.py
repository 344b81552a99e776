"""What the guide promises of one seed: in new processes, and on other processors."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from conftest import draw, make
from numpy.testing import assert_allclose

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier

# A process that fits models, predicts with others, and writes down what came out.
SCRIPT = """
import sys, joblib, torch
given, out = sys.argv[1:]
torch.set_num_threads(1)
found = []
for model, fitted, X, y in joblib.load(given):
    model.fit(X, y)
    found.append((model.weights_, model.loss_curve_, fitted.predict_proba(X)))
joblib.dump((found, torch.backends.cpu.get_cpu_capability()), out)
"""

PREDICTED, TRAINED = 1e-5, 1e-3  # differences of probabilities, of losses
PLAIN = {  # the instructions that every processor has
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}


def start(folder, name, **variables):
    """A new process in a folder of its own, with variables in its environment."""
    out = folder / name
    out.mkdir()
    command = [sys.executable, "-c", SCRIPT, folder / "given", out / "found"]
    return subprocess.Popen(command, cwd=out, env=os.environ | variables)


def work(given, n_threads):
    """What the script does, in this process."""
    found, before = [], torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        for model, fitted, X, y in given:
            model.fit(X, y)
            results = model.weights_, model.loss_curve_, fitted.predict_proba(X)
            found.append(results)
    finally:
        torch.set_num_threads(before)
    return found, torch.backends.cpu.get_cpu_capability()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """By name what a computation found, and the instructions that it used."""
    folder = tmp_path_factory.mktemp("processes")
    X, y = draw(n=300, shape=(16, 16), dtype=np.float32)  # more than FEW_PIXELS
    given = []
    for cls, parameters in (
        (RNNImageClassifier, {"hidden_size": 64, "dropout": 0.2}),
        (CRNNImageClassifier, {"filters": (16, 32), "augment": "affine"}),
    ):
        model = make(cls, precision="float32", **parameters)
        given.append((model, make(cls, **parameters).fit(X, y), X, y))
    joblib.dump(given, folder / "given")
    processes = {
        "new process": start(folder, "new process", PYTHONHASHSEED="7"),
        "plain": start(folder, "plain", **PLAIN),
    }
    found = {"here": work(given, 1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sk_rnnimage._training.train.FEW_PRODUCTS", 0)
        found["two threads"] = work(given, 2)
    for name, process in processes.items():
        assert process.wait(300) == 0
        found[name] = joblib.load(folder / name / "found")
    return found


def test_the_same_seed_gives_the_same_bits_in_a_new_process(found):
    (here, _), (new, _) = found["here"], found["new process"]
    for one, other in zip(here, new, strict=True):
        assert joblib.hash(one) == joblib.hash(other)


@pytest.mark.parametrize("name", ["plain", "two threads"])
def test_other_instructions_and_threads_agree_to_rounding(found, name):
    for one, other in zip(found["here"][0], found[name][0], strict=True):
        assert_allclose(other[1], one[1], rtol=0, atol=TRAINED)
        assert_allclose(other[2], one[2], rtol=0, atol=PREDICTED)


def test_a_process_was_held_to_plain_instructions(found):
    assert found["plain"][1] in ("DEFAULT", "NO AVX")
    if found["here"][1] != found["plain"][1]:  # so that agreement shows something
        assert joblib.hash(found["here"][0]) != joblib.hash(found["plain"][0])
