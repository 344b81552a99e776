"""Work that is interrupted, for real: by signals, in processes of their own."""

import gc
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from conftest import draw, global_state, make, pickled, weights_equal
from joblib import Memory
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, cross_val_score

from sk_rnnimage import RNNImageClassifier

posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")


@pytest.fixture
def ctrl_c():
    """Press Ctrl-C so many seconds from now.

    The garbage collector rests meanwhile: Python loses what is raised in its callbacks,
    of which hypothesis has one.
    """

    def press(*_):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, press)
    gc.disable()
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    gc.enable()
    torch.set_grad_enabled(True)  # a press amid torch's restoring leaves them off
    signal.signal(signal.SIGALRM, before)


@posix
@pytest.mark.parametrize("way", ["fit", "warm fit", "partial_fit"])
def test_ctrl_c_at_any_moment_leaves_all_as_it_was(cls, way, ctrl_c):
    X, y = draw(n=60)
    model = make(cls, warm_start=way == "warm fit", batch_size=8, dropout=0.1)
    (model.partial_fit if way == "partial_fit" else model.fit)(
        X, y, **({"classes": [0, 1, 2]} if way == "partial_fit" else {})
    )
    method = way.split()[-1]
    whole = getattr(pickled(model), method)(X, y)
    before, everywhere = pickled(model), global_state()
    n_stopped, random = 0, np.random.RandomState(0)
    while n_stopped < 8:
        attempt = pickled(before)
        with pytest.raises(KeyboardInterrupt) as raised:
            while True:
                ctrl_c(random.uniform(0.001, 0.03))
                getattr(attempt, method)(X, y)
                attempt = pickled(before)
        n_stopped += 1
        if any(entry.name == "fit_loop" for entry in raised.traceback):
            assert global_state() == everywhere  # else it came amid their restoring
        if attempt.n_iter_ == before.n_iter_:  # not after its end
            assert vars(attempt).keys() == vars(before).keys()
            assert weights_equal(attempt, before)
            getattr(attempt, method)(X, y)
            assert weights_equal(attempt, whole)


FIT = textwrap.dedent(
    """
    import sys
    import numpy as np
    from sk_rnnimage import CRNNImageClassifier

    X = np.random.RandomState(0).randint(0, 256, (150, 8, 8), dtype=np.uint8)
    y = np.arange(150) % 3
    model = CRNNImageClassifier(
        8, filters=(8,), max_epochs={epochs}, random_state=0, verbose=1,
        checkpoint=sys.argv[1] if len(sys.argv) > 1 else None,
    )
    try:
        model.fit(X, y)
    except KeyboardInterrupt:
        print("interrupted", sorted(set(vars(model)) & {{"weights_", "history_"}}))
        raise
    print("resumed", sum("resumed" in row for row in model.history_))
    print("weights", [float(np.abs(w).sum()) for w in model.weights_.values()])
    """
)


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_fit_that_a_terminal_interrupts_goes_on(tmp_path):
    code = FIT.format(epochs=60)
    first = start(code, tmp_path)
    while not first.stdout.readline().lstrip().startswith("3 "):  # the third epoch
        pass
    first.send_signal(signal.SIGINT)
    out, err = first.communicate()
    assert "interrupted []\n" in out
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert len(list(tmp_path.iterdir())) == 1
    second, whole = (start(code, *where).communicate() for where in ([tmp_path], []))
    *_, resumed, weights, _ = second[0].split("\n")
    assert resumed == "resumed 1"
    assert weights == whole[0].split("\n")[-2]
    assert not any(tmp_path.iterdir())


def test_candidates_that_are_done_are_kept(tmp_path, monkeypatch):
    """The recipe of docs/guide/faults.md."""
    X, y = draw(n=60)
    model = RNNImageClassifier(8, max_epochs=2, random_state=0)
    fits, fit = [], RNNImageClassifier.fit

    def search(stop_at=None):
        score = Memory(tmp_path, verbose=0).cache(cross_val_score, ignore=["n_jobs"])
        found = []
        for number, parameters in enumerate(ParameterGrid({"hidden_size": [4, 6, 8]})):
            if number == stop_at:
                raise KeyboardInterrupt
            found.append(score(clone(model).set_params(**parameters), X, y, cv=2))
        return found

    def counted(model, *arguments, **options):
        fits.append(model.hidden_size)
        return fit(model, *arguments, **options)

    monkeypatch.setattr(RNNImageClassifier, "fit", counted)
    with pytest.raises(KeyboardInterrupt):
        search(stop_at=2)
    found = search()
    assert fits == [4, 4, 6, 6, 8, 8]  # none twice
    expected = [
        cross_val_score(clone(model).set_params(hidden_size=n), X, y, cv=2)
        for n in (4, 6, 8)
    ]
    assert_array_equal(found, expected)


SEARCH = textwrap.dedent(
    """
    import os, signal, sys
    import numpy as np
    from joblib.externals.loky.process_executor import TerminatedWorkerError
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sk_rnnimage import RNNImageClassifier

    def count(images, generator, log=sys.argv[1] + "/log", dead=sys.argv[1] + "/dead"):
        with open(log, "a") as file:
            print(len(images), file=file)
        if sum(1 for _ in open(log)) >= 10 and not os.path.exists(dead):
            open(dead, "x").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return images

    X = np.random.RandomState(0).randint(0, 256, (40, 6, 6), dtype=np.uint8)
    y = np.arange(40) % 2
    folder = sys.argv[1] + "/checkpoints"
    model = RNNImageClassifier(
        4, max_epochs=20, random_state=0, augment=count, checkpoint=folder
    )
    search = GridSearchCV(model, {"hidden_size": [4, 8]}, cv=2, n_jobs=2, refit=False)
    try:
        search.fit(X, y)
    except TerminatedWorkerError:
        print("died with", len(os.listdir(folder)) > 0)
    search.fit(X, y)
    print("left", os.listdir(folder))
    print("batches", sum(1 for _ in open(sys.argv[1] + "/log")))
    model.set_params(checkpoint=None)
    whole = clone(search).set_params(n_jobs=1, estimator=model).fit(X, y)
    one, other = (s.cv_results_["mean_test_score"].tolist() for s in (search, whole))
    print("same", one == other)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_search_goes_on_after_a_worker_was_killed(tmp_path):
    out, err = start(SEARCH, tmp_path).communicate()
    died, left, batches, same = out.splitlines() or [err]
    assert died == "died with True"
    assert left == "left []"
    # the 80 of all fits, and those of the killed ones that were not saved
    assert 80 <= int(batches.split()[1]) < 80 + 10
    assert same == "same True"
