"""What the ranks must agree on: where they do not, all of them say so."""

import re

import numpy as np
import pytest
from conftest import draw, make
from process_groups import group

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training import agreement
from sk_rnnimage._training.ranks import LostRank, rank

CHANGES = {
    "X": lambda X, y: (X + 1, y),
    "y": lambda X, y: (X, y[::-1]),
    "a part of X": lambda X, y: (X[:12], y[:12]),
    "labels of equal codes": lambda X, y: (X, y + 1),
    "sample_weight": lambda X, y: (X, y, 1 + np.arange(24.0)),
    "X_val": lambda X, y: (X, y, None, X, y),
    "hidden_size": {"hidden_size": 9},
    "augment": {"augment": "shift"},
    "random_state": {"random_state": 1},
    "cell": {"cell": "gru"},
}
NAMES = {"a part of X": "X", "labels of equal codes": "y"}


def fitted(change=None, method="fit", **parameters):
    """A fit in which the second rank has something of its own."""
    X, y = draw()
    model = make(RNNImageClassifier, max_epochs=1, **parameters)
    arguments = {} if method == "fit" else {"classes": [0, 1, 2, 3]}
    data = X, y
    if rank() == 1 and isinstance(CHANGES.get(change), dict):
        model.set_params(**CHANGES[change])
    elif rank() == 1 and change in CHANGES:
        data = CHANGES[change](X, y)
    names = "X", "y", "sample_weight", "X_val", "y_val"
    return getattr(model, method)(**dict(zip(names, data)), **arguments)


def going_on():
    """The second rank has been fitted on its own seed before."""
    first = fitted()
    first.random_state = 5
    first.set_params(warm_start=True)
    if rank() == 1:
        first.weights_ = {k: v + 1 for k, v in first.weights_.items()}
    return first.fit(*draw())


def bad_in_one(bad):
    X, y = draw()
    X = X.astype(str) if rank() == bad else X
    return make(RNNImageClassifier).fit(X, y)


def on_nccl():
    agreement.distributed.get_backend, before = (
        lambda: "nccl",
        agreement.distributed.get_backend,
    )
    try:
        return make(RNNImageClassifier).fit(*draw())
    finally:
        agreement.distributed.get_backend = before


def quietly(own):
    """Fits in which what may differ does."""
    parameters = [{}, own][rank()]
    return fitted(**parameters)


def unseeded(kind):
    np.random.seed(rank())
    X, y = draw(40)
    if kind == "partial_fit":
        model = make(RNNImageClassifier, random_state=None)
        return [model.partial_fit(X, y, [0, 1, 2]).weights_ for _ in range(2)][1]
    early = {"early_stopping": True} if kind == "held out" else {}
    return make(CRNNImageClassifier, random_state=None, **early).fit(X, y).weights_


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_named_in_all_ranks(change):
    message = (
        f"{NAMES.get(change, change)} differs between the 2 processes that share this "
        "fit. Pass the same arguments and the same parameters in each, and all images: "
        "fit itself gives each process its part of the work."
    )
    for error in group(2).run(fitted, change):
        assert isinstance(error, ValueError)
        assert str(error) == message


def test_partial_fit_must_agree_too():
    for error in group(2).run(fitted, "X", "partial_fit"):
        assert str(error).startswith("X differs between the 2 processes")


def test_a_training_goes_on_from_the_same_weights():
    for error in group(2).run(going_on):
        assert str(error).startswith("The fitted network differs between the 2")


@pytest.mark.parametrize("bad", [0, 1])
def test_bad_images_in_one_rank_end_the_fit_in_all(bad):
    errors = group(2).run(bad_in_one, bad)
    assert type(errors[bad]) is ValueError
    assert re.match("X holds strings where pixels should be", str(errors[bad]))
    assert isinstance(errors[1 - bad], LostRank)


def test_nccl_needs_gpus():
    message = (
        "device='cpu' does not go with a process group of the backend 'nccl'. "
        "Initialise it with 'gloo', or give each process a GPU, for instance "
        "device=f\"cuda:{os.environ['LOCAL_RANK']}\"."
    )
    assert [str(error) for error in group(2).run(on_nccl)] == [message] * 2


def test_what_may_differ():
    own = {"verbose": 1, "callbacks": [], "device": "auto"}
    one, other = group(2).run(quietly, own)
    assert one.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize("kind", ["fit", "held out", "partial_fit"])
def test_without_a_seed_they_take_that_of_the_first(kind):
    one, other = group(2).run(unseeded, kind)
    for name, weights in one.items():
        np.testing.assert_array_equal(weights, other[name])
