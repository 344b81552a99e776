"""Jobs in processes: forks of a parent that has computed, and what they compute with.

Each parent is a process of its own, as its threads would be those of the tests.
"""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system cannot fork"
)

# What all parents begin with: a fit and a prediction by two threads of OpenMP.
PARENT = """
import os, sys, threading
import joblib, numpy as np, torch
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from skorch.callbacks import Callback
from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage._environment.process import seeded
from sk_rnnimage._prediction import logits
from sk_rnnimage._training import train
train.FEW_PRODUCTS = logits.FEW_PIXELS = 0  # all work on all threads
torch.set_num_threads(2)
rng = np.random.RandomState(0)
y = np.arange(64) % 2
X = rng.rand(64, 16, 16) + y[:, None, None] * 0.3
model = CRNNImageClassifier(8, filters=16, max_epochs=2, random_state=0).fit(X, y)
proba = model.predict_proba(X)
"""

# Four jobs at once under each backend, and how many threads each computes with.
BACKENDS = """
class Threads(Callback):
    def on_batch_end(self, net, **kwargs):
        assert torch.get_num_threads() == 1

def score(backend, n_jobs):
    watched = clone(model).set_params(callbacks=[Threads()])
    with joblib.parallel_config(backend):
        found = cross_validate(
            watched, X, y, cv=4, n_jobs=n_jobs, scoring="neg_log_loss",
            error_score="raise",
        )
    return found["test_score"]

found = [score("multiprocessing", 2)]
torch.set_num_threads(1)
found += [score(backend, 2) for backend in ("multiprocessing", "threading")]
found.append(score("threading", 1))
assert all(np.array_equal(each, found[-1]) for each in found), found
"""

# A fork while another thread is in the midst of a fit, which holds a lock.
FORK_IN_A_FIT = """
inside, done = threading.Event(), threading.Event()

def hold():
    with seeded(0):
        inside.set()
        done.wait(60)

thread = threading.Thread(target=hold)
thread.start()
inside.wait(60)
child = os.fork()
if not child:
    again = clone(model).fit(X, y)
    same = np.allclose(again.predict_proba(X), proba, atol=1e-5)
    os._exit(0 if same and torch.get_num_threads() == 1 else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert torch.get_num_threads() == 2
done.set()
thread.join()
"""


@pytest.mark.parametrize(
    "script", [BACKENDS, FORK_IN_A_FIT], ids=["backends", "fork in a fit"]
)
def test_jobs_of_a_parent_that_has_computed(script):
    command = [sys.executable, "-W", "ignore", "-c", PARENT + script]
    subprocess.run(command, timeout=300, check=True)  # a hang ends in TimeoutExpired
