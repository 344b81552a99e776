"""A fit that several processes share is that of one process, to rounding."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw, draw_clips, draw_unequal, make, weights_equal, with_missing
from numpy.testing import assert_allclose, assert_array_equal
from process_groups import Group, group
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochScoring
from torch import distributed

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training import agreement
from sk_rnnimage._training.checkpoint import Checkpoint
from sk_rnnimage._training.ranks import LostRank, rank

DOCS = Path(__file__).parents[1] / "docs"

RNN = partial(make, RNNImageClassifier, batch_size=64, precision="float32")
CRNN = partial(make, CRNNImageClassifier, batch_size=64, precision="float32")


def brightened(images, generator):
    """An augmentation of a user's."""
    by = torch.rand(len(images), 1, 1, 1, generator=generator)
    return images + 50 * by


def many(n=155, **options):
    """So many that a network is in single precision, unless it is asked for less."""
    return draw(n, **options)


def weighted():
    X, y = many()
    return X, y, 1 + np.arange(len(y)) % 4.0


def validated(n_valid=31):
    return (*many(), None, *draw(n_valid, seed=1))


CASES = {
    "RNN": (RNN, {}, many),
    "CRNN": (CRNN, {}, many),
    "in double precision": (CRNN, {}, draw),
    "unequal sizes": (RNN, {}, partial(draw_unequal, 150)),
    "unequal sizes, CRNN": (CRNN, {}, partial(draw_unequal, 150)),
    "clips": (RNN, {"scan": "frames"}, partial(draw_clips, 60)),
    "missing pixels": (CRNN, {}, lambda: (with_missing(many()[0]), many()[1])),
    "weights": (CRNN, {"class_weight": "balanced"}, weighted),
    "validated": (CRNN, {}, validated),
    "validated on one image": (RNN, {}, partial(validated, 1)),
    "early stopping": (
        RNN,
        {"early_stopping": True, "max_epochs": 12, "n_iter_no_change": 4},
        many,
    ),
    "stops on X_val": (
        CRNN,
        {"early_stopping": True, "max_epochs": 12, "n_iter_no_change": 2},
        validated,
    ),
    "affine": (CRNN, {"augment": "affine"}, many),
    "flip": (CRNN, {"augment": "flip"}, partial(many, shape=(8, 8, 3))),
    "shift, unequal sizes": (RNN, {"augment": "shift"}, partial(draw_unequal, 150)),
    "a user's augmentation": (RNN, {"augment": brightened}, many),
    "batches of one row": (RNN, {"batch_size": 1}, partial(draw, 5)),
    "two rows and one": (CRNN, {"batch_size": 2}, partial(draw, 3)),
    "no recurrence": (RNN, {"cell": None}, many),
    "several scans": (CRNN, {"scan": ("rows", "sweep"), "pooling": "attention"}, many),
}


def fitted(case, **parameters):
    maker, own, data = CASES[case]
    model = maker(**own, **parameters)
    return model.fit(**dict(zip(("X", "y", "sample_weight", "X_val", "y_val"), data())))


def curves(model):
    """All that is recorded of each epoch, but for the clock."""
    rows = [{**row, "duration": 0, "epoch": row["epoch"]} for row in model.history_]
    return np.array([[row[name] for name in sorted(rows[0])] for row in rows])


def assert_shared(models, alone, X):
    """Equal to the bit in all ranks, and to rounding to that of one process."""
    first, *others = models
    for other in others:
        assert weights_equal(first, other)
        assert_array_equal(curves(first), curves(other))
    assert_allclose(first.loss_curve_, alone.loss_curve_, rtol=1e-5, atol=1e-6)
    assert_allclose(curves(first), curves(alone), rtol=1e-4, atol=1e-5)
    assert first.best_epoch_ == alone.best_epoch_
    # a weight that changes nothing, as the bias under a softmax, drifts by rounding
    assert_allclose(first.predict_proba(X), alone.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_fit_of_one_process(case):
    assert_shared(group(2).run(fitted, case), fitted(case), CASES[case][2]()[0])


def test_a_group_of_one_gives_the_bits_of_none(tmp_path):
    method = f"file://{tmp_path}/store"
    distributed.init_process_group("gloo", init_method=method, rank=0, world_size=1)
    try:
        one = fitted("CRNN", dropout=0.2)
    finally:
        distributed.destroy_process_group()
    assert weights_equal(one, fitted("CRNN", dropout=0.2))


class Masks(Callback):
    """What the dropout before the head leaves out of each training batch."""

    def initialize(self):
        self.seen = []

    def on_train_begin(self, net, **kwargs):
        net.module_.dropout.register_forward_hook(self.look)

    def look(self, module, given, output):
        if module.training:
            self.seen.append((output == 0).numpy())


def dropped_out():
    masks, before = Masks(), torch.get_rng_state()
    model = RNN(dropout=0.5, callbacks=[masks]).fit(*many(150))
    model.set_params(callbacks=None)
    return model, masks.seen, torch.equal(before, torch.get_rng_state())


def test_dropout_is_another_one_in_each_rank():
    (one, mine, restored), (other, yours, also) = group(2).run(dropped_out)
    assert weights_equal(one, other)
    assert restored and also
    assert len(mine) == len(yours) == 9
    for masks in zip(mine, yours):
        assert masks[0].shape == masks[1].shape == (25, masks[0].shape[1])
        assert 0.4 < np.mean(masks) < 0.6
        assert not np.array_equal(*masks)
    assert not np.array_equal(mine[0], mine[1])


def partially_fitted():
    X, y = many()
    model = RNN()
    for rows in (slice(0, 70), slice(70, 150)):
        model.partial_fit(X[rows], y[rows], [0, 1, 2])
    return model


def warm_started():
    model = CRNN(warm_start=True).fit(*many())
    return model.fit(*many(seed=1))


@pytest.mark.parametrize("function", [partially_fitted, warm_started])
def test_a_training_that_goes_on(function):
    models = group(2).run(function)
    alone = function()
    assert weights_equal(*models)
    assert_allclose(models[0].loss_curve_, alone.loss_curve_, rtol=1e-5)


def search():
    grid = GridSearchCV(RNN(), {"hidden_size": [4, 8]}, cv=2).fit(*many())
    return grid.cv_results_["mean_test_score"], grid.best_estimator_


def test_a_search_in_a_group():
    (scores, best), (others, other) = group(2).run(search)
    expected, _ = search()
    assert_array_equal(scores, others)
    assert_allclose(scores, expected)
    assert weights_equal(best, other)


# Callbacks


class Look(Callback):
    """What it is given of each training batch."""

    def initialize(self):
        self.seen = []

    def on_batch_end(
        self, net, batch=None, training=False, y_pred=None, loss=None, **_
    ):
        if training:
            x, labels = batch
            size = net.history[-1, "batches", -1, "train_batch_size"]
            self.seen.append((len(x), labels, y_pred.numpy().copy(), loss.item(), size))


def looked_at():
    look = Look()
    accuracy = EpochScoring("accuracy", on_train=True, name="train_accuracy")
    model = RNN(callbacks=[look, accuracy], max_epochs=2).fit(*many(129))
    return look.seen, [row["train_accuracy"] for row in model.history_]


def test_callbacks_see_the_whole_batch_but_for_its_images():
    (one, accuracies), (other, same) = group(2).run(looked_at)
    alone, expected = looked_at()
    assert accuracies == same == expected
    assert [seen[0] for seen in alone] == [43] * 6
    for mine, yours, ours in zip(one, other, alone, strict=True):
        assert (mine[0], yours[0]) == (21, 22)
        for seen in (mine, yours):
            assert_array_equal(seen[1], ours[1])
            assert_allclose(seen[2], ours[2], rtol=1e-3, atol=1e-4)
            assert_allclose(seen[3], ours[3], rtol=1e-5)
            assert seen[4] == ours[4] == 43


def in_one_rank(do, event):
    """A callback that does something in the second epoch of the second rank."""

    def method(self, net, **kwargs):
        if rank() == 1 and len(net.history) == 2:
            do(net)

    return type("InOneRank", (Callback,), {event: method})()


def stop(net):
    net.stopped_ = True


def fail(net):
    raise OSError("The disk is full.")


def interrupt(net):
    signal.raise_signal(signal.SIGINT)


def die(net):
    os.kill(os.getpid(), signal.SIGKILL)


def disturbed(do, event):
    """A fit, or its error, and another one that works."""
    model = RNN(callbacks=[in_one_rank(do, event)])
    try:
        result = model.fit(*many()).set_params(callbacks=None)
    except (OSError, LostRank, KeyboardInterrupt) as error:
        assert not hasattr(model, "weights_")
        result = error
    return result, fitted("RNN")


def test_a_stop_in_one_rank_is_obeyed_in_all():
    (one, _), (other, _) = group(2).run(disturbed, stop, "on_epoch_end")
    assert one.n_iter_ == other.n_iter_ == 2
    assert weights_equal(one, other)


@pytest.mark.parametrize("do", [fail, interrupt])
@pytest.mark.parametrize(
    "event", ["on_epoch_begin", "on_batch_begin", "on_grad_computed", "on_epoch_end"]
)
def test_an_error_in_one_rank_ends_the_fit_in_all(do, event):
    (told, one), (error, other) = group(2).run(disturbed, do, event)
    assert isinstance(told, LostRank)
    assert isinstance(error, KeyboardInterrupt if do is interrupt else OSError)
    assert weights_equal(one, other)  # the group is as good as before


def lone_fit(do):
    return RNN(callbacks=[in_one_rank(do, "on_batch_end")]).fit(*many())


def test_three_and_then_one_is_killed(tmp_path):
    three = Group(3, tmp_path)
    for case in ("CRNN", "two rows and one"):
        X = CASES[case][2]()[0]
        assert_shared(three.run(fitted, case), fitted(case), X)
    one, dead, other = three.run(lone_fit, die)
    assert isinstance(one, LostRank) and isinstance(other, LostRank)
    assert dead is None


def diverged():
    return RNN(learning_rate=1e30, max_epochs=20).fit(*many())


def test_an_error_that_all_have_is_raised_in_all():
    for error in group(2).run(diverged):
        assert isinstance(error, ValueError)
        assert "the training diverged" in str(error)


def in_another_order():
    """The second rank has come to another fit, as threads may."""
    X, y = many()
    agreement._digests, before = lambda *_: {}, agreement._digests
    try:
        return RNN().fit(X, y[::-1] if rank() == 1 else y)
    finally:
        agreement._digests = before


def test_fits_of_several_threads_that_have_met():
    message = (
        "The processes of the group have begun different fits. Let each call the same "
        "fits in the same order, not in several threads."
    )
    for error in group(2).run(in_another_order):
        assert isinstance(error, ValueError)
        assert str(error) == message


def printed():
    with contextlib.redirect_stdout(io.StringIO()) as output:
        RNN(verbose=1).fit(*many())
    return output.getvalue()


def test_the_first_rank_prints():
    first, second = group(2).run(printed)
    assert "train_loss" in first
    assert second == ""


# Checkpoints


def fit_until(model, stop):
    """A fit that ends in all ranks where ``stop`` raises, once a state is saved."""
    save = Checkpoint.save

    def save_and_stop(checkpoint, state):
        save(checkpoint, state)
        stop(checkpoint, state)

    Checkpoint.save = save_and_stop
    try:
        model.fit(*many())
    except (KeyboardInterrupt, LostRank):
        pass
    finally:
        Checkpoint.save = save


def interrupted(folder):
    """A fit that ends after its second epoch, in all ranks, and goes on."""

    def stop(checkpoint, state):
        if len(state["training"]["history"]) == 2:
            raise KeyboardInterrupt

    model = CRNN(
        max_epochs=4, checkpoint=folder, dropout=0.2, random_state=None, augment="flip"
    )
    np.random.seed(3)
    fit_until(model, stop)
    n_files = len(os.listdir(folder))
    distributed.barrier()
    model.fit(*many())
    np.random.seed(3)
    whole = model.set_params(checkpoint=None).fit
    resumed = [row.get("resumed") for row in model.history_], model.weights_
    whole(*many())
    distributed.barrier()
    return n_files, resumed, model.weights_, os.listdir(folder)


def test_a_checkpoint_is_written_by_the_first_and_read_by_all(tmp_path):
    for n_files, (resumed, weights), whole, left in group(2).run(interrupted, tmp_path):
        assert n_files == 1
        assert resumed == [None, None, 1, None]
        assert left == []
        for name in whole:
            assert_array_equal(weights[name], whole[name])


def damaged(folder):
    model = RNN(checkpoint=folder, max_epochs=4)

    def stop(checkpoint, state):
        checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-1] + b"?")
        raise KeyboardInterrupt

    fit_until(model, stop)
    distributed.barrier()
    return model.fit(*many())


def test_a_damaged_checkpoint_is_refused_in_all(tmp_path):
    for error in group(2).run(damaged, tmp_path):
        assert isinstance(error, ValueError)
        assert "is damaged. Remove the file" in str(error)


# The documentation


def test_the_script_of_the_guide(tmp_path):
    page = (DOCS / "guide" / "many_devices.md").read_text()
    script = re.search(r"^```python\n(# train.py\n.*?)^```", page, re.M | re.S)[1]
    command = re.search(r"^torchrun (.* train.py)$", page, re.M)[1]
    (tmp_path / "train.py").write_text(script)
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"accuracy (0\.9\d|1\.00)\n", run.stdout)
