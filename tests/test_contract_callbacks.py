"""What is printed, what callbacks see, and Ctrl-C."""

from importlib.util import find_spec

import pytest
from conftest import draw, make, pickled, weights_equal
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback, EarlyStopping

from sk_rnnimage import ClipReader, ImageReader, ImageToSequence


def test_silent_by_default(cls, capfd):
    X, y = draw(n=40)
    make(cls, early_stopping=True, n_iter_no_change=1, max_epochs=9).fit(X, y)
    make(cls).partial_fit(X, y, classes=[0, 1, 2]).predict(X)
    assert capfd.readouterr() == ("", "")


def test_verbose_writes_a_line_an_epoch(cls, capfd):
    X, y = draw(n=40)
    make(cls, verbose=1, max_epochs=3).fit(X, y, X_val=X, y_val=y)
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert [line[0] for line in lines if line and line[0].isdigit()] == ["1", "2", "3"]


class Recorder(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(net.history[-1]["train_loss"])


def test_callbacks_see_each_epoch(cls):
    X, y = draw()
    recorder = Recorder()
    model = make(cls, callbacks=[recorder]).fit(X, y)
    assert recorder.seen == model.loss_curve_
    assert weights_equal(model, make(cls).fit(X, y))


def test_a_stop_by_skorch_ends_the_fit(cls):
    X, y = draw(n=40)
    stop = EarlyStopping(
        "train_loss",
        patience=2,
        threshold=10.0,
        threshold_mode="abs",
        sink=lambda line: None,
    )
    model = make(cls, max_epochs=30, callbacks=[stop]).fit(X, y)
    assert 1 < model.n_iter_ < 6
    assert all("train_loss" in row and "duration" in row for row in model.history_)
    model.predict(X)


def test_callbacks_of_scikit_learn_are_there_where_it_has_them(cls):
    has_them = find_spec("sklearn.callback") is not None  # from 1.9 on
    for kind in (cls, ImageToSequence, ImageReader, ClipReader):
        assert hasattr(kind(), "set_callbacks") is has_them


class Interrupt(Callback):
    """A user at the keyboard, at one of the moments that a callback sees."""

    def __init__(self, moment, epoch=2):
        self.moment, self.epoch = moment, epoch

    def initialize(self):
        setattr(self, self.moment, self._strike)

    def _strike(self, net, **kwargs):
        if len(net.history) >= self.epoch:
            raise KeyboardInterrupt


MOMENTS = [
    "on_epoch_begin",
    "on_batch_begin",
    "on_grad_computed",
    "on_batch_end",
    "on_epoch_end",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_reaches_the_caller(cls, moment):
    X, y = draw(n=40)
    with pytest.raises(KeyboardInterrupt):
        make(cls, callbacks=[Interrupt(moment)]).fit(X, y)
    stop = EarlyStopping("train_loss", patience=9, sink=lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        make(cls, callbacks=[stop, Interrupt(moment)]).fit(X, y)


@pytest.mark.parametrize("way", ["fit", "warm fit", "partial_fit"])
def test_ctrl_c_leaves_the_estimator_as_it_was(cls, way):
    X, y = draw(n=40)
    model = make(cls, warm_start=way == "warm fit").fit(X, y)
    before, expected = pickled(model), model.predict_proba(X)
    model.set_params(callbacks=[Interrupt("on_batch_end", epoch=1)], batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, way.split()[-1])(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    assert weights_equal(model, before)
    assert model.history_ == before.history_
    unfitted = make(cls, callbacks=[Interrupt("on_batch_end")])
    names = set(vars(unfitted))
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, y)
    assert set(vars(unfitted)) == names
