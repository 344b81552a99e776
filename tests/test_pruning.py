"""prune()."""

import pickle
import re

import numpy as np
import pytest
import torch
from conftest import draw, draw_clips, draw_unequal, make, pickled
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, prune
from sk_rnnimage.deployment import pruning
from sk_rnnimage.deployment.neurons import axes_of, deciding
from sk_rnnimage.networks.network import empty_network


def n_weights(model):
    return sum(weight.size for weight in model.weights_.values())


@pytest.mark.parametrize("given", [False, True], ids=["norms", "effects"])
def test_a_smaller_network_of_the_same_kind(cls, given):
    X, y = draw(n=140)
    model = make(cls).fit(X, y)
    before = pickle.dumps(model)
    smaller = prune(model, 0.5, **({"X": X, "y": y} if given else {}))
    assert type(smaller) is cls
    changed = {"hidden_size": 4} | ({"filters": 2} if "filters" in vars(model) else {})
    assert smaller.get_params() == model.get_params() | changed
    assert smaller.module_.recipe == model.module_.recipe | {
        name: (size,) for name, size in changed.items()
    }
    assert n_weights(smaller) < 0.7 * n_weights(model)
    assert pickle.dumps(model) == before
    assert_array_equal(pickled(smaller).predict_proba(X), smaller.predict_proba(X))
    n_epochs = 2 if given else 0
    assert smaller.history_[:3] == model.history_
    assert [row["epoch"] for row in smaller.history_] == list(range(1, 4 + n_epochs))
    assert smaller.partial_fit(X, y).hidden_size == 4
    assert smaller.set_params(warm_start=True).fit(X, y).n_iter_ == 7 + n_epochs


def test_nothing_that_goes_changes_nothing(cls):
    X, y = draw()
    model = make(cls, max_epochs=1, attention_heads=2).fit(X, y)
    same = prune(model, 0)
    assert_allclose(same.predict_proba(X), model.predict_proba(X), rtol=1e-6)
    assert same.get_params() == model.get_params()
    assert not any(
        np.shares_memory(same.weights_[name], model.weights_[name])
        for name in model.weights_
    )


@pytest.mark.parametrize(
    "parameters, amount, sizes",
    [
        ({"hidden_size": (8, 5)}, 0.5, {"hidden_size": (4, 3)}),
        ({"hidden_size": 8}, 0.99, {"hidden_size": 1}),
        ({"attention_heads": 4}, 0.7, {"hidden_size": 2}),
        ({"attention_heads": 4, "bidirectional": False}, 0.7, {"hidden_size": 4}),
        ({"filters": (8, 8, 10)}, 0.9, {"filters": (1, 1, 2)}),
        ({"filters": (1, 2, 3), "hidden_size": 3}, 0.6, {"filters": (1, 2, 3)}),
        ({"filters": "auto"}, 0.5, {"filters": (8, 16, 32)}),
    ],
)
def test_the_sizes(parameters, amount, sizes):
    """Heads divide a state, and maps are halved by the layers that halved them."""
    cls = CRNNImageClassifier if "filters" in sizes else RNNImageClassifier
    X, y = draw()
    model = make(cls, max_epochs=1, **parameters).fit(X, y)
    smaller = prune(model, amount)
    assert {name: getattr(smaller, name) for name in sizes} == sizes
    if "filters" in sizes:
        shapes = [each.module_.stem.output_shape[:2] for each in (model, smaller)]
        assert shapes[0] == shapes[1]
    assert smaller.set_params(warm_start=True).fit(X, y).n_iter_ == 2


def test_a_group_of_filters_that_puts_out_nothing_goes_without_a_trace():
    """Also those that the next convolution standardises over, and frames embed."""
    X, y = draw_clips(frame=(16, 20))
    model = make(CRNNImageClassifier, filters=(32, 4), scan="frames", max_epochs=1)
    model.fit(X, y)
    weights = {name: w.copy() for name, w in model.weights_.items()}
    for parameter in ("weight", "bias"):
        weights[f"stem.layers.0.normalize.{parameter}"][16:] = 0
        weights[f"stem.layers.1.normalize.{parameter}"][:] = 1
    second = weights["stem.layers.1.convolution.weight"]
    second[:, 16:] = 0
    second -= second.mean(axis=(1, 2, 3), keepdims=True) * 2 * (second != 0)
    model.__setstate__({**model.__getstate__(), "weights_": weights})
    smaller = empty_network({**model._fitted_recipe, "filters": (16, 4)})
    axes = axes_of(model.module_, smaller)
    rescaled = pruning._rescaled(model.module_, weights, -1)
    left = pruning.cut(axes, rescaled, pruning._norms(axes, model.module_))
    left = pruning._rescaled(smaller, left, 1)
    pruned = pruning.refitted(model, smaller.recipe, left, filters=(16, 4))
    before, after = (each.decision_function(X) for each in (model, pruned))
    assert_allclose(before, after, rtol=0, atol=1e-5)
    assert np.ptp(before) > 0


def test_embeddings_of_frames_keep_their_size():
    """They divide their weights by a number that depends on the filters."""
    X, y = draw_clips(frame=(16, 20))
    model = make(CRNNImageClassifier, filters=32, scan="frames", max_epochs=1)
    model.fit(X, y)
    smaller = prune(model, 0.5)
    embeddings = [each.module_.readings[0].steps for each in (model, smaller)]
    before, after = (steps.scale * steps.embed.weight for steps in embeddings)
    assert embeddings[0].scale != embeddings[1].scale
    columns = {tuple(column) for column in before.detach().numpy().round(6).T}
    assert columns.issuperset(map(tuple, after.detach().numpy().round(6).T))


def test_effects_are_measured_on_what_a_fit_trains_on(cls):
    """With the weights of the classes, and without the images that are held out."""
    X, y = draw(n=40)
    weights = {label: 1.0 + i for i, label in enumerate(np.unique(y))}
    model = make(cls, class_weight=weights, early_stopping=True).fit(X, y)
    _, _, data = pruning._read(model, X, y)
    assert len(data) == 36
    expected = np.array([weights[label] for label in model.classes_])[data.codes]
    assert_allclose(data.target[1], expected / expected.mean(), rtol=1e-6)


def test_effects_are_slopes_of_the_loss(cls):
    """By finite differences, in double precision: a factor on all that a unit gives."""
    X, y = draw()
    model = make(cls).fit(X, y)
    network = model.module_
    recipe = pruning._smaller(model._fitted_recipe, 0.5)
    axes = axes_of(network, empty_network(recipe))
    training, criterion, data = pruning._read(model, X, y)
    (x, target), *_ = batches = list(pruning._batches(data, training))
    effects = pruning._effects(axes, network, criterion, batches)
    parameters = dict(network.named_parameters())
    step = 1e-5

    def loss(units, i, factor):
        changed = {name: p.detach().clone() for name, p in parameters.items()}
        for name, axis, along, multiplies in deciding(axes):
            assert multiplies
            rows = changed[name].movedim(axis, 0)
            start = 0
            for each in along:
                if each is units:
                    rows[start + i] *= factor
                start += each.size
        logits = torch.func.functional_call(network, changed, (x,))
        return float(criterion(logits, target))

    for units, found in effects.items():
        for i in range(units.size):
            slope = loss(units, i, 1 + step) - loss(units, i, 1 - step)
            assert found[i] == pytest.approx((slope / (2 * step)) ** 2, rel=1e-3)


@pytest.mark.parametrize("kind", ["unequal", "clips"])
def test_lists(cls, kind):
    X, y = draw_unequal() if kind == "unequal" else draw_clips()
    scan = {"unequal": "snake", "clips": "frames"}[kind]
    patch_size = 4 if scan == "snake" else None
    model = make(cls, scan=scan, patch_size=patch_size, max_epochs=1).fit(X, y)
    smaller = prune(model, 0.5, X=X, y=y)
    assert smaller.predict(X).shape == (len(X),)


def test_a_generator_is_not_drawn_from():
    X, y = draw()
    generator = np.random.RandomState(0)
    model = make(RNNImageClassifier, random_state=generator).fit(X, y)
    before = pickle.dumps(generator)
    one, other = (prune(model, 0.5, X=X, y=y) for _ in range(2))
    assert pickle.dumps(generator) == before
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("amount", [1, -0.1, np.nan, True, "0.5", None, np.inf])
def test_an_amount_that_is_no_fraction_is_refused(amount):
    model = make(RNNImageClassifier, max_epochs=1).fit(*draw())
    message = (
        "amount must be the fraction of units and filters that go, at least 0 and "
        f"below 1. Got {amount!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        prune(model, amount)


def test_images_and_labels_come_together():
    X, y = draw()
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"^X is given without y\. Pass images X and"):
        prune(model, 0.5, X=X)
    with pytest.raises(ValueError, match=r"^y is given without X\. Pass images X and"):
        prune(model, 0.5, y=y)
    with pytest.raises(ValueError, match="shape"):
        prune(model, 0.5, X=X[:, :-1], y=y)


def test_what_is_no_fitted_classifier_is_refused():
    message = (
        "estimator must be an RNNImageClassifier or a CRNNImageClassifier; of a "
        "pipeline, its last step. Got Pipeline instead."
    )
    pipeline = make_pipeline(FunctionTransformer(), RNNImageClassifier())
    with pytest.raises(TypeError, match=re.escape(message)):
        prune(pipeline, 0.5)
    with pytest.raises(NotFittedError):
        prune(RNNImageClassifier(), 0.5)
