"""prune(): a smaller network of the same kind, of the units that matter most."""

import math
import numbers
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from sk_rnnimage._base import BaseImageEstimator, check_own, refitted
from sk_rnnimage._data.batches import Batches
from sk_rnnimage._data.read import held_out, read_sets
from sk_rnnimage._training.auto import resolve_auto
from sk_rnnimage.deployment.neurons import axes_of, cut, deciding, sums
from sk_rnnimage.networks.network import empty_network, weights_of
from sk_rnnimage.networks.steps import EmbeddedLines

MEASURED = 4096  # images that effects are measured on

T = TypeVar("T", bound=BaseImageEstimator)


def prune(
    estimator: T,
    amount: float,
    *,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
) -> T:
    r"""A smaller and faster network of the same kind, as a new estimator.

    Of each layer's hidden units and filters the fraction ``amount`` goes, as a whole:
    what is left are smaller weights, not weights with zeros.

    Without images those go whose outputs are multiplied by the smallest weights, by
    their norm. With images those go whose loss changes the loss least [1]_: the effect
    of a unit is the sum over mini-batches of

    .. math:: \Big( \frac{\partial L}{\partial g} \Big)^2
        = \Big( \sum_w w \, \frac{\partial L}{\partial w} \Big)^2

    where :math:`g = 1` is a factor on what the unit puts out and :math:`w` runs over
    the weights that multiply it; of a filter, over the scale and the shift of its
    normalisation. Then the network is trained further on the images, for half of the
    epochs that a ``fit`` on them takes.

    Parameters
    ----------
    estimator : RNNImageClassifier or CRNNImageClassifier
        Fitted. It is not changed.
    amount : float
        The fraction of hidden units and filters that go, in [0, 1). At least one stays
        in each layer, and with ``attention_heads`` a number that they divide.
    X : array-like, default=None
        Images, as in ``fit``, best those that it was fitted on. None neither measures
        nor trains.
    y : array-like of shape (n,), default=None
        Their labels.

    Returns
    -------
    RNNImageClassifier or CRNNImageClassifier
        Fitted, with the new sizes in ``hidden_size`` and ``filters``. All else is as it
        was, but ``history_``, which goes on where the network was trained, and what
        ``partial_fit`` keeps of the optimiser, which starts anew.

    Raises
    ------
    ValueError, TypeError
        Where the estimator is no fitted image classifier, ``amount`` is not such a
        number, X comes without y or y without X, or they are not as ``fit`` takes them.

    See Also
    --------
    quantize : A smaller file of the same network.

    References
    ----------
    .. [1] P. Molchanov et al., "Importance estimation for neural network pruning",
       CVPR 2019, sec. 3.1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier, prune
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(32, max_epochs=10, random_state=0)
    >>> smaller = prune(classifier.fit(X[:1200], y[:1200]), 0.5, X=X[:1200], y=y[:1200])
    >>> smaller.hidden_size
    16
    >>> smaller.score(X[1200:], y[1200:]) > 0.9
    True
    """
    check_own(estimator)
    _check_amount(amount)
    if (X is None) != (y is None):
        given, absent = ("y", "X") if X is None else ("X", "y")
        raise ValueError(
            f"{given} is given without {absent}. Pass images X and their labels y to "
            "measure what each unit is worth and to train further, or neither of them."
        )
    network, recipe = estimator.module_, estimator._fitted_recipe
    smaller = empty_network(_smaller(recipe, amount))
    axes = axes_of(network, smaller)
    if X is None:
        scores = _norms(axes, network)
    else:
        copy = refitted(estimator, recipe, estimator.weights_)
        training, criterion, data = _read(copy, X, y)
        scores = _effects(axes, network, criterion, _batches(data, training))
    weights = cut(axes, _rescaled(network, weights_of(network), -1), scores)
    weights = _rescaled(smaller, weights, 1)
    pruned = refitted(estimator, smaller.recipe, weights, **_sizes(smaller.recipe))
    if X is None:
        return pruned
    n_epochs = training.n_epochs(data.n_batches(training.batch_size))
    return _trained(pruned, X, y, -(-n_epochs // 2))


def _check_amount(amount):
    real = isinstance(amount, numbers.Real) and not isinstance(amount, bool)
    if not real or not 0 <= amount < 1:
        raise ValueError(
            "amount must be the fraction of units and filters that go, at least 0 and "
            f"below 1. Got {amount!r} instead."
        )


def _smaller(recipe, amount):
    """The recipe of the smaller network."""
    *sizes, last = recipe["hidden_size"]
    n_directions = 1 + recipe["bidirectional"]
    heads = recipe["attention_heads"] or 1
    multiple = heads // math.gcd(heads, n_directions)  # heads divide a whole state
    hidden_size = *(_left(n, amount) for n in sizes), _left(last, amount, multiple)
    filters, before = [], math.inf
    for n in recipe["filters"]:
        # downsample="auto" halves where a layer has more filters than the one before
        least = filters[-1] + 1 if n > before else 1
        filters.append(max(_left(n, amount), least))
        before = n
    return {**recipe, "hidden_size": hidden_size, "filters": tuple(filters)}


def _left(n, amount, multiple=1):
    """How many of n units are left: at least one, or a multiple."""
    n_multiples = math.floor((1 - amount) * n / multiple + 0.5)
    return multiple * max(1, n_multiples)


def _sizes(recipe):
    """The parameters that give a recipe its sizes: an int for a single layer."""
    return {
        name: recipe[name] if len(recipe[name]) > 1 else recipe[name][0]
        for name in ("hidden_size", "filters")
        if recipe[name]
    }


def _read(estimator, X, y):
    """How the estimator would go on with training on images, its loss, the images."""
    recipe = estimator._recipe(estimator._make_target(True), True)
    data, _ = held_out(recipe, *read_sets(recipe, X, y, None))
    training = resolve_auto(estimator, recipe, data).training
    return training, recipe.target.criterion().eval(), data


def _batches(data, training):
    """Mini-batches of some of the images, evenly taken and mixed."""
    rows = np.unique(np.linspace(0, len(data) - 1, MEASURED).astype(int))
    return Batches(data.take(rows), training.batch_size, np.random.RandomState(0))


def _norms(axes, network):
    """For each unit, the squared norm of the weights that say what it is worth."""
    return sums(deciding(axes), {n: w**2 for n, w in weights_of(network).items()})


def _effects(axes, network, criterion, batches):
    """For each unit, how much the loss changes without it, to first order, squared."""
    axes, scores = deciding(axes), {}
    weights = dict(network.named_parameters())
    for network_input, target in batches:
        if not isinstance(network_input, dict):
            network_input = {"x": network_input}
        loss = criterion(network(**network_input), target)
        # of all weights: torch 2.13 crashes in a group normalisation whose scale needs
        # a gradient while its input needs none
        gradients = torch.autograd.grad(loss, list(weights.values()))
        pairs = zip(weights.items(), gradients)
        changes = {n: (w * g).detach().numpy() for (n, w), g in pairs}
        for units, change in sums(axes, changes).items():
            scores[units] = scores.get(units, 0) + change**2
    return scores


def _rescaled(network, weights, power):
    """Weights without what a network divides them by for its size; with power 1, with.

    So the others keep the size that they have when some go.
    """
    weights = dict(weights)
    for name, module in network.named_modules():
        if isinstance(module, EmbeddedLines):
            embed = f"{name}.embed.weight"
            weights[embed] = weights[embed] * module.scale**-power
        elif isinstance(module, nn.MultiheadAttention):
            factor = module.head_dim ** (power / 2)  # of the queries, which come first
            for products in (f"{name}.in_proj_weight", f"{name}.in_proj_bias"):
                weights[products] = weights[products].copy()
                weights[products][: module.embed_dim] *= factor
    return weights


def _trained(estimator, X, y, n_epochs):
    """The same estimator, trained further."""
    given = {"max_epochs": estimator.max_epochs, "warm_start": estimator.warm_start}
    estimator.set_params(max_epochs=n_epochs, warm_start=True).fit(X, y)
    return estimator.set_params(**given)
