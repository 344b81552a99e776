"""Where units and filters are in the weights."""

import numpy as np
import pytest
from conftest import draw, draw_clips, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.deployment.neurons import axes_of, cut, deciding, sums
from sk_rnnimage.networks.cells import CELLS
from sk_rnnimage.networks.network import empty_network, load_network

READINGS = {
    "rows": {},
    "one way": {"bidirectional": False, "pooling": "last"},
    "layers": {"hidden_size": (8, 6), "pooling": "max"},
    "sweep": {"scan": "sweep", "patch_size": 3, "hidden_size": (4, 6)},
    "ends": {"scan": "sweep", "patch_size": 3, "pooling": "last"},
    "scans": {"scan": ("snake", "columns"), "patch_size": 2, "pooling": "attention"},
    "heads": {"attention_heads": 4, "pooling": "attention"},
    "frames": {"scan": "frames"},
}


def fitted(cls, **parameters):
    """A fitted classifier, its images, and the network of half its hidden units."""
    X, y = draw_clips() if parameters.get("scan") == "frames" else draw(shape=(8, 9))
    model = make(cls, **{"max_epochs": 1, **parameters}).fit(X, y)
    recipe = model._fitted_recipe
    halves = tuple(n // 2 for n in recipe["hidden_size"])
    return model, X, empty_network({**recipe, "hidden_size": halves})


def without(axes, weights, gone):
    """Weights that multiply the units that are gone by 0."""
    weights = {name: weight.copy() for name, weight in weights.items()}
    for name, axis, units, _ in deciding(axes):
        rows = np.moveaxis(weights[name], axis, 0)
        rows[np.concatenate([gone[u] for u in units]) == 1] = 0
    return weights


def drawn(axes, seed=0):
    """For each unit 1 if it goes, as many as the smaller network has less; else 0."""
    rng, gone = np.random.RandomState(seed), {}
    for axis in axes:
        for units in axis.units:
            if units not in gone:
                order = rng.permutation(units.size)
                gone[units] = (order >= units.n_left).astype(int)
    return gone


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_units_that_put_out_nothing_go_without_a_trace(cell, reading):
    model, X, smaller = fitted(RNNImageClassifier, cell=cell, **READINGS[reading])
    axes = axes_of(model.module_, smaller)
    gone = drawn(axes)
    weights = without(axes, model.weights_, gone)
    stay = {units: 1 - goes for units, goes in gone.items()}
    left = cut(axes, weights, stay)
    n_heads = model.attention_heads
    if n_heads:  # queries are divided by the root of the width of a head
        for name, products in left.items():
            if "in_proj" in name:
                products[: len(products) // 3] /= np.sqrt(2)
    networks = (
        load_network(model._fitted_recipe, weights),
        load_network(smaller.recipe, left),
    )
    both = []
    for network in networks:
        model._module = lambda network=network: network
        both.append(model.decision_function(X))
    assert_allclose(*both, rtol=0, atol=1e-6)
    assert np.ptp(both[0]) > 0


@pytest.mark.parametrize("filters", [(2,), (2, 4), (1, 1, 1)])
def test_filters_go_wherever_they_are(filters):
    """Every weight has the shape that the smaller network wants."""
    many = tuple(3 * n for n in filters)
    options = {"filters": many, "kernel_size": 3}
    for scan in ("rows", "sweep", "auto", "hilbert"):
        model, _, _ = fitted(CRNNImageClassifier, scan=scan, **options)
        smaller = empty_network({**model._fitted_recipe, "filters": filters})
        axes = axes_of(model.module_, smaller)
        weights = cut(axes, model.weights_, {u: -g for u, g in drawn(axes).items()})
        load_network(smaller.recipe, weights)


def test_the_highest_scores_stay_in_their_order():
    model, _, smaller = fitted(RNNImageClassifier, bidirectional=False, scan="rows")
    axes = axes_of(model.module_, smaller)
    (units,) = {u for axis in axes for u in axis.units}
    scores = {units: np.array([3, 9, 0, 1, 8, 7, 2, 4])}
    weights = cut(axes, model.weights_, scores)
    stay = [1, 4, 5, 7]
    head = model.weights_["head.weight"]
    assert_array_equal(weights["head.weight"], head[:, stay])
    name = "readings.0.layers.0.rnn.bias_ih_l0"
    gates = model.weights_[name].reshape(4, 8)
    assert_array_equal(weights[name], gates[:, stay].ravel())
    assert weights["head.bias"] is not model.weights_["head.bias"]


def test_sums_are_over_all_places_of_a_unit():
    model, _, smaller = fitted(RNNImageClassifier, bidirectional=False, scan="rows")
    axes = axes_of(model.module_, smaller)
    squares = {name: w**2 for name, w in model.weights_.items()}
    (total,) = sums(deciding(axes), squares).values()
    head = squares["head.weight"].sum(axis=0)
    recurrent = squares["readings.0.layers.0.rnn.weight_hh_l0"].sum(axis=0)
    assert_allclose(total, head + recurrent, rtol=1e-6)
