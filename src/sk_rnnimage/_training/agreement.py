"""What the ranks must agree on before they share a fit."""

from dataclasses import replace

from torch import distributed

from sk_rnnimage._data.read import read_sets
from sk_rnnimage._training.checkpoint import digest_of
from sk_rnnimage._training.ranks import (
    failing_together,
    gathered,
    n_ranks,
    of_first,
    rank,
)

# What may differ from rank to rank, or is there as the seed
OWN = {"device", "verbose", "callbacks", "checkpoint", "random_state"}


def read_agreed(estimator, recipe, *arguments):
    """``read_sets``, of which the ranks make sure that all have read the same.

    Parameters
    ----------
    estimator : BaseImageEstimator
        That is fitted.
    recipe : Recipe
        Of the fit.
    *arguments
        The other arguments of ``read_sets``.

    Returns
    -------
    recipe : Recipe
        With ``random_state=None`` its seed is that of the first rank, which alone
        prints.
    data : ImageSet
    valid : ImageSet or None

    Raises
    ------
    ValueError
        In all ranks, where they differ.
    """
    if n_ranks() == 1:
        return recipe, *read_sets(recipe, *arguments)
    with failing_together():
        _check_backend(recipe.training.device)
        data, valid = read_sets(recipe, *arguments)
        digests = _digests(estimator, recipe, data, valid)
    first, *others = gathered(digests)
    for name in first:
        if any(other[name] != first[name] for other in others):
            raise ValueError(
                f"{name} differs between the {n_ranks()} processes that share this "
                "fit. Pass the same arguments and the same parameters in each, and "
                "all images: fit itself gives each process its part of the work."
            )
    training = recipe.training
    if estimator.random_state is None:
        training = replace(training, seed=of_first(lambda: training.seed))
    if rank() > 0:
        training = replace(training, verbose=0)
    return recipe._replace(training=training), data, valid


def _digests(estimator, recipe, data, valid):
    """A digest of each argument and each parameter, by its name."""
    parts = {}
    for suffix, each in [("", data), ("_val", valid)]:
        parts["X" + suffix] = None if each is None else each.images
        parts["y" + suffix] = None if each is None else each.codes
        parts["sample_weight" + suffix] = None if each is None else each.weights
    parts["y"] = [parts["y"], *(v.tolist() for v in recipe.target.learned().values())]
    parameters = estimator.get_params(deep=False)
    parts |= {name: value for name, value in parameters.items() if name not in OWN}
    drawn = estimator.random_state is not None
    parts["random_state"] = recipe.training.seed if drawn else None
    parts["checkpoint"] = estimator.checkpoint is None
    parts["The fitted network"] = estimator.weights_ if recipe.goes_on else None
    return {name: digest_of(part) for name, part in parts.items()}


def _check_backend(device):
    if device == "cpu" and distributed.get_backend() == "nccl":
        raise ValueError(
            "device='cpu' does not go with a process group of the backend 'nccl'. "
            "Initialise it with 'gloo', or give each process a GPU, for instance "
            "device=f\"cuda:{os.environ['LOCAL_RANK']}\"."
        )
