"""The task of a fit and those of its epochs, as scikit-learn's callbacks see them."""

import importlib.util
import sys

import numpy as np
import pytest
from conftest import draw, draw_clips, make, pickled
from PIL import Image
from sklearn.base import BaseEstimator, clone
from watchers import Watcher, at_epochs, epochs

from sk_rnnimage import ClipReader, ImageReader, ImageToSequence, RNNImageClassifier
from sk_rnnimage._environment import tasks

TRANSFORMERS = [
    (ImageToSequence(), draw()[0]),
    (ImageToSequence("frames"), draw_clips(lengths=(4, 4))[0]),
    (ImageReader(), [Image.new("L", (4, 3))] * 2),
    (ClipReader(), [Image.new("L", (4, 3))] * 2),
]


@pytest.fixture
def watcher():
    pytest.importorskip("sklearn.callback", reason="scikit-learn has it from 1.9 on")
    return Watcher()


def test_the_tasks_of_a_fit(cls, watcher):
    X, y = draw()
    weights = np.arange(24) % 3
    model = make(cls).set_callbacks(watcher).fit(X, y, weights)
    assert watcher.events == epochs(3)
    assert len(watcher.data) == 8
    for seen in watcher.data:  # what the user passed, not what became of it
        assert seen[0] is X
        assert seen[1] is y
        assert seen[2].keys() == {"sample_weight"}
        assert seen[2]["sample_weight"] is weights
    assert vars(model).keys() - vars(make(cls).fit(X, y)).keys() == {"_skl_callbacks"}
    model.fit(X, y)
    assert watcher.events == epochs(3) * 2
    assert watcher.data[-1][2] is None
    model.set_callbacks().fit(X, y)
    assert len(watcher.events) == 2 * len(epochs(3))


def test_the_number_of_epochs_is_known_before(watcher):
    seen = []
    watcher.setup = lambda estimator, context: seen.append(context.max_subtasks)
    X, y = draw(n=40)
    model = make(RNNImageClassifier, max_epochs="auto", batch_size=5)
    model.set_callbacks(watcher).fit(X, y)
    assert seen == [model.n_iter_] == [50]


@pytest.mark.parametrize("transformer, X", TRANSFORMERS)
def test_the_task_of_a_transformer(transformer, X, watcher):
    transformer = clone(transformer).set_callbacks(watcher)
    transformer.fit(X, "y")
    assert watcher.events == epochs(0)
    for seen in watcher.data:
        assert seen[0] is X
        assert seen[1:] == ("y", None)
    transformer.fit_transform(X)
    assert watcher.events == epochs(0) * 2
    watched_attributes = vars(transformer).keys() - {"_skl_callbacks"}
    plain = clone(transformer).set_callbacks().fit(X)
    assert watched_attributes == vars(plain).keys()


def test_partial_fit_has_no_tasks(cls, watcher):
    X, y = draw()
    make(cls).set_callbacks(watcher).partial_fit(X, y, classes=[0, 1, 2])
    assert watcher.events == []


def test_clones_and_pickles_are_watched_too(cls, watcher):
    X, y = draw()
    model = make(cls).set_callbacks(watcher)
    clone(model).fit(X, y)
    assert watcher.events == epochs(3)
    restored = pickled(model.fit(X, y))
    assert restored._skl_callbacks[0].events == epochs(3) * 2
    restored.fit(X, y)
    assert restored._skl_callbacks[0].events == epochs(3) * 3
    assert watcher.events == epochs(3) * 2


class Fault(Exception):
    """An error of a callback."""


def fail(*_):
    raise Fault


def at_the_end(context, fitted):
    if context.task_name == "fit":
        raise Fault


@pytest.mark.parametrize("way", ["fit", "warm fit"])
@pytest.mark.parametrize("act", [at_epochs(fail), at_the_end], ids=["epoch", "end"])
def test_an_error_of_a_callback_leaves_the_estimator_as_it_was(cls, act, way, watcher):
    X, y = draw()
    model = make(cls)
    before = set(vars(model))
    watcher.act = act
    with pytest.raises(Fault):
        model.set_callbacks(watcher).fit(X, y)
    assert watcher.events[-1] == "teardown"
    assert set(vars(model)) == before | {"_skl_callbacks"}
    model.set_callbacks().set_params(warm_start=way == "warm fit").fit(X, y)
    before = vars(model).copy()
    with pytest.raises(Fault):
        model.set_callbacks(watcher).fit(X[:, :, :6] if way == "fit" else X, y)
    assert vars(model.set_callbacks()) == before


def test_an_error_before_any_task_calls_nobody(watcher):
    X, y = draw()
    with pytest.raises(ValueError, match="batch_size"):
        make(RNNImageClassifier, batch_size=0).set_callbacks(watcher).fit(X, y)
    with pytest.raises(ValueError, match="one label for each of the"):
        make(RNNImageClassifier).set_callbacks(watcher).fit(X, y[1:])
    assert watcher.events == []


def test_nobody_watches_before_1_9(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("tasks_before_1_9", tasks.__file__)
    before = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(before)

    class Estimator(before.CallbackSupportMixin, BaseEstimator):
        @before.with_callbacks
        def fit(self, X, y=None):
            with before.FitTask(self, X, y, n_epochs=2) as task:
                task.begin_epoch()
                self.stop_ = task.end_epoch(fail)
            return self

    assert not hasattr(Estimator(), "set_callbacks")
    assert Estimator().fit([1]).stop_ is False
