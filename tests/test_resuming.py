"""A fit that was interrupted, or killed, ends as one that never was."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training import checkpoint as files
from sk_rnnimage._training.checkpoint import Checkpoint
from sk_rnnimage._training.resuming import SaveEpochs

BOTH = [RNNImageClassifier, CRNNImageClassifier]
KINDS = [
    {},
    {"early_stopping": True, "max_epochs": 12, "n_iter_no_change": 4},
    {"augment": "flip", "dropout": 0.2},
    {"random_state": None},
    {"cell": "lru", "class_weight": "balanced", "augment": "affine"},
]


def draw(n=150, side=8):
    rng = np.random.RandomState(0)
    return rng.randint(0, 256, (n, side, side), dtype=np.uint8), rng.choice(3, n)


def assert_same(one, other):
    """Same weights, and the same history but for the clock."""
    for name, weights in one.weights_.items():
        assert_array_equal(weights, other.weights_[name], err_msg=name)
    ours, theirs = (
        [
            {k: v for k, v in row.items() if k not in ("duration", "resumed")}
            for row in m
        ]
        for m in (one.history_, other.history_)
    )
    assert ours == theirs
    assert one.best_epoch_ == other.best_epoch_


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C after every second epoch that is saved; counts them."""
    saved, save = [], Checkpoint.save

    def save_and_stop(checkpoint, state):
        save(checkpoint, state)
        saved.append(checkpoint.path)
        if len(saved) % 2 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_and_stop)
    return saved


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("parameters", KINDS, ids=str)
def test_it_ends_in_the_same_bits(cls, parameters, tmp_path, interrupted):
    X, y = draw()
    whole = cls(**{"random_state": 0, "max_epochs": 5, **parameters})
    model = clone(whole).set_params(checkpoint=tmp_path)
    np.random.seed(0)
    whole.fit(X, y)
    np.random.seed(0)
    n_stops = 0
    for _ in range(20):
        try:
            model.fit(X, y)
            break
        except KeyboardInterrupt:
            n_stops += 1
            assert not hasattr(model, "weights_")  # it is as it was
            assert len(list(tmp_path.iterdir())) == 1
    assert n_stops >= 2
    assert_same(whole, model)
    assert not any(tmp_path.iterdir())
    taken_up = [row["epoch"] for row in model.history_ if "resumed" in row]
    assert taken_up == [1 + 2 * (i + 1) for i in range(n_stops)][: len(taken_up)]
    assert len(set(interrupted)) == 1


def test_images_of_unequal_size(tmp_path, interrupted):
    X, y = draw(40)
    X = [image[: 5 + i % 4] for i, image in enumerate(X)]
    model = RNNImageClassifier(8, max_epochs=3, random_state=0, checkpoint=tmp_path)
    whole = clone(model).set_params(checkpoint=None).fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_same(whole, model.fit(X, y))


def test_warm_start_goes_on_with_it(tmp_path, interrupted):
    X, y = draw(60)
    first = RNNImageClassifier(8, max_epochs=1, random_state=0, warm_start=True)
    whole, model = (clone(first).fit(X, y) for _ in range(2))
    whole.set_params(max_epochs=3).fit(X, y)
    model.set_params(max_epochs=3, checkpoint=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(model.history_) == 1
    assert_same(whole, model.fit(X, y))


def test_other_data_or_parameters_begin_anew(tmp_path, interrupted):
    X, y = draw(60)
    model = RNNImageClassifier(8, max_epochs=2, random_state=0, checkpoint=tmp_path)
    changes = [
        (model, X, y, None),
        (clone(model).set_params(hidden_size=9), X, y, None),
        (clone(model).set_params(random_state=1), X, y, None),
        (model, X + 1, y, None),
        (model, X, y[::-1], None),
        (model, X, y, 1 + np.arange(60.0)),
    ]
    for n, (each, *data) in enumerate(changes, start=1):
        with pytest.raises(KeyboardInterrupt):
            clone(each).fit(*data)
        assert len(list(tmp_path.iterdir())) == n


def test_flat_images_are_the_same_images(tmp_path, interrupted):
    X, y = draw(60)
    model = RNNImageClassifier(8, max_epochs=3, random_state=0, checkpoint=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    model.fit(X.reshape(60, -1), y)
    assert [row.get("resumed") for row in model.history_] == [None, None, 1]


def test_a_search_shares_a_folder(tmp_path):
    X, y = draw(60)
    model = RNNImageClassifier(8, max_epochs=1, random_state=0, checkpoint=tmp_path)
    search = GridSearchCV(model, {"hidden_size": [4, 8]}, cv=2).fit(X, y)
    other = clone(search).set_params(estimator__checkpoint=None).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"]
    )
    assert not any(tmp_path.iterdir())


def test_callbacks_are_refused(tmp_path):
    model = RNNImageClassifier(callbacks=[], checkpoint=str(tmp_path), max_epochs=1)
    model.fit(*draw(20))
    from skorch.callbacks import EpochTimer

    with pytest.raises(ValueError, match="^checkpoint does not go with callbacks"):
        model.set_params(callbacks=[EpochTimer()]).fit(*draw(20))


def fill(folder, at):
    """A disk that is full at the saves ``at``, counted from 1: the system's words."""
    write, n = files.write_whole, iter(range(1, 100))

    def write_or_fail(path, content):
        if next(n) in at:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content)

    return write_or_fail


@pytest.mark.parametrize("full_at", [[1], [2, 3], [1, 2, 3, 4, 5]], ids=str)
def test_a_full_disk_loses_no_training(cls, full_at, tmp_path, monkeypatch):
    X, y = draw(60)
    model = cls(8, max_epochs=5, random_state=0, checkpoint=tmp_path)
    whole = clone(model).set_params(checkpoint=None).fit(X, y)
    monkeypatch.setattr(files, "write_whole", fill(tmp_path, full_at))
    with pytest.warns(UserWarning) as caught:
        model.fit(X, y)
    assert_same(whole, model)
    assert [str(w.message).partition(" could not ")[2] for w in caught] == [
        "be written: No space left on device. The training goes on; if it is stopped, "
        "it begins again after the last epoch that was saved."
    ]
    assert not any(tmp_path.iterdir())


def test_stopped_after_the_disk_was_full(tmp_path, monkeypatch):
    """It goes on after the last epoch that was saved."""
    X, y = draw(60)
    model = RNNImageClassifier(8, max_epochs=5, random_state=0, checkpoint=tmp_path)
    whole = clone(model).set_params(checkpoint=None).fit(X, y)
    save = SaveEpochs.on_epoch_end

    def save_and_stop(callback, net, **kwargs):
        save(callback, net, **kwargs)
        if len(net.history) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", fill(tmp_path, [3, 4]))
        patch.setattr(SaveEpochs, "on_epoch_end", save_and_stop)
        with pytest.warns(UserWarning, match="could not be written"):
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, y)
    assert_same(whole, model.fit(X, y))
    assert [row.get("resumed") for row in model.history_] == [None, None, 1, None, None]


FULL = textwrap.dedent(
    """
    import resource, signal, sys, warnings
    import numpy as np
    from sk_rnnimage import RNNImageClassifier

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    X, y = np.eye(24).reshape(24, 4, 6), np.arange(24) % 2
    model = RNNImageClassifier(8, max_epochs=3, random_state=0)
    whole = model.fit(X, y).predict_proba(X)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(checkpoint=sys.argv[1]).fit(X, y)
    print(len(caught), caught[0].message, (model.predict_proba(X) == whole).all())
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_process_that_may_write_no_file(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("1 The checkpoint ")
    assert "could not be written: File too large. " in ran.stdout
    assert ran.stdout.endswith(" True\n")
    assert not any(tmp_path.iterdir())


KILLED = textwrap.dedent(
    """
    import sys
    import numpy as np
    from sk_rnnimage import CRNNImageClassifier
    from sk_rnnimage._training import resuming

    def draw(n=150, side=8):
        rng = np.random.RandomState(0)
        return rng.randint(0, 256, (n, side, side), dtype=np.uint8), rng.choice(3, n)

    model = CRNNImageClassifier(
        8, filters=(8,), max_epochs=40, random_state=0, augment="shift",
        checkpoint=sys.argv[1],
    )
    print("begins", flush=True)
    model.fit(*draw())
    arrays = {f"w.{name}": array for name, array in model.weights_.items()}
    resumed = [row["epoch"] for row in model.history_ if "resumed" in row]
    np.savez(sys.argv[2], epochs=len(model.history_), resumed=resumed, **arrays)
    """
)


def run_killed(folder, result, seconds):
    """Start a fit in a process of its own, and kill it; whether it had ended before."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(result)],
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    process.stdout.readline()  # it begins
    if seconds is not None:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    process.stdout.close()
    return process.wait() == 0


N_KILLS = int(os.environ.get("SK_RNNIMAGE_KILLS", 3))  # 50 take some minutes


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_fit_loses_nothing(tmp_path):
    """At random moments, started again each time until enough were killed."""
    rng = np.random.RandomState(0)
    n_kills = 0
    assert run_killed(tmp_path / "whole", tmp_path / "whole.npz", None)
    expected = dict(np.load(tmp_path / "whole.npz"))
    while n_kills < N_KILLS:
        ended = False
        while not ended:
            enough = n_kills >= N_KILLS
            seconds = None if enough else rng.uniform(0, 0.6)
            ended = run_killed(tmp_path / "some", tmp_path / "some.npz", seconds)
            n_kills += not ended
        found = dict(np.load(tmp_path / "some.npz"))
        assert found["epochs"] == expected["epochs"]
        for name in expected.keys() - {"resumed"}:
            assert_array_equal(found[name], expected[name], err_msg=name)
        assert not any((tmp_path / "some").glob("*.checkpoint"))
