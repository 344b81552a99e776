"""What a random search of hyperparameters draws from, for each classifier."""

from typing import Any

from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.comparison.rivals import is_search
from sk_rnnimage.scan import ImageToSequence

_OURS = {
    "hidden_size": [48, 64, 96, 128],
    "pooling": ["mean", "max", "attention"],
    "dropout": [0.0, 0.1, 0.2],
    "learning_rate": loguniform(0.004, 0.025),
    "weight_decay": loguniform(0.02, 0.5),
    "augment": ["auto", "affine", "shift", "flip"],
}

# Of images whose pixels are standardized with one mean and one standard deviation.
_SPACES = {
    RNNImageClassifier: {
        **_OURS,
        "cell": ["lstm", "gru", "rnn"],
        "scan": ["auto", "rows", ("rows", "columns")],
    },
    CRNNImageClassifier: {
        **_OURS,
        "cell": ["lstm", "gru", "lru", "lmu"],
        "filters": ["auto", (16, 32), (32, 64), (32, 64, 128)],
    },
    LogisticRegression: {"C": loguniform(1e-3, 10)},
    KNeighborsClassifier: {
        "n_neighbors": [1, 2, 3, 5, 7, 10, 15],
        "weights": ["uniform", "distance"],
    },
    SVC: {"C": loguniform(0.3, 300), "gamma": loguniform(1e-4, 1e-1)},
    RandomForestClassifier: {
        "max_features": ["sqrt", "log2", 0.05, 0.1],
        "min_samples_leaf": [1, 2, 4],
        "max_depth": [None, 10, 20],
    },
    HistGradientBoostingClassifier: {
        "learning_rate": loguniform(0.03, 0.5),
        "max_iter": [60, 120],
        "max_leaf_nodes": [7, 15, 31],
        "min_samples_leaf": [5, 10, 20, 40],
        "l2_regularization": loguniform(1e-3, 10),
    },
    MLPClassifier: {
        "hidden_layer_sizes": [(128,), (256,), (512,), (256, 128)],
        "alpha": loguniform(1e-5, 1),
        "learning_rate_init": loguniform(1e-3, 1e-2),
    },
}


def search_space(estimator: BaseEstimator) -> dict[str, Any]:
    """What to search for a classifier with ``RandomizedSearchCV``.

    Parameters
    ----------
    estimator : estimator
        An :class:`RNNImageClassifier`, a :class:`CRNNImageClassifier`, a classifier of
        the kinds that :func:`classic_classifiers` builds, or a pipeline that ends in
        one of these. A parameter of ours that is not at its default, such as
        ``cell=None`` or ``scan="frames"``, is not searched: it says what the network
        is. After a step :class:`ImageToSequence`, whose sequences are no pictures,
        neither are ``scan`` and ``augment``.

    Returns
    -------
    dict
        Lists and distributions of scipy by the name of a parameter, for a pipeline with
        the name of its step in front. Learning rates, penalties and kernel widths are
        drawn log-uniformly. The gammas of an SVC suit standardized pixels.

    Raises
    ------
    TypeError
        Where there is no space for a classifier.

    See Also
    --------
    compare_classifiers : With ``search=20`` it compares classifiers after a search.

    References
    ----------
    J. Bergstra and Y. Bengio (2012). "Random Search for Hyper-Parameter Optimization".
    Journal of Machine Learning Research 13, 281-305.

    Examples
    --------
    >>> from sk_rnnimage import CRNNImageClassifier, classic_classifiers, search_space
    >>> list(search_space(classic_classifiers()["SVC"]))
    ['svc__C', 'svc__gamma']
    >>> search_space(CRNNImageClassifier())["cell"]
    ['lstm', 'gru', 'lru', 'lmu']
    >>> "cell" in search_space(CRNNImageClassifier(cell=None))
    False
    """
    if isinstance(estimator, Pipeline):
        return _space_of_pipeline(estimator)
    if isinstance(estimator, CalibratedClassifierCV):
        return _prefixed("estimator", search_space(estimator.estimator))
    space = _find_space(estimator)
    if space is None:
        name = type(estimator).__name__
        known = ", ".join(sorted(known.__name__ for known in _SPACES))
        reason = "is a search already" if is_search(estimator) else "is not among these"
        raise TypeError(
            f"estimator must be one of {known}, or a pipeline that ends in one. Got "
            f"{name}, which {reason}. Write the space of a RandomizedSearchCV for it "
            "by hand."
        )
    return space


def _space_of_pipeline(pipeline):
    """The spaces of the steps; of a transformer that has none nothing is searched."""
    space, as_sequences = {}, False
    for name, step in pipeline.steps[:-1]:
        space |= _prefixed(name, _space_of_transformer(step))
        as_sequences |= isinstance(step, ImageToSequence)
    name, last = pipeline.steps[-1]
    of_last = search_space(last)
    if as_sequences:
        of_last = {k: v for k, v in of_last.items() if k not in ("scan", "augment")}
    return space | _prefixed(name, of_last)


def _space_of_transformer(step):
    if isinstance(step, PCA) and isinstance(step.n_components, float):
        return {"n_components": uniform(0.7, 0.28)}  # from 0.7 to 0.98 of the variance
    if isinstance(step, ImageToSequence) and step.scan == "rows":
        over_patches = ["snake", "hilbert", "spiral"] if step.patch_size else []
        return {"scan": ["rows", "columns", *over_patches]}
    return {}


def _find_space(estimator):
    """The space of a class, without the parameters of ours that are not at default."""
    for known in type(estimator).__mro__:
        if known in _SPACES:
            break
    else:
        return None
    if not issubclass(known, (RNNImageClassifier, CRNNImageClassifier)):
        return dict(_SPACES[known])
    params, defaults = estimator.get_params(deep=False), known().get_params(deep=False)
    return {k: v for k, v in _SPACES[known].items() if params[k] == defaults[k]}


def _prefixed(name, space):
    return {f"{name}__{key}": values for key, values in space.items()}
