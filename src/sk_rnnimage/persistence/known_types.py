"""The classes that a file may name, and what must hold of the state of each.

All of them are given their attributes as by pickle, and compute nothing
until they are used. None takes the name of a function from its attributes.
"""

from importlib import import_module

from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.comparison.classic import FlatImages
from sk_rnnimage.files.clip_reader import ClipReader
from sk_rnnimage.files.reader import ImageReader
from sk_rnnimage.networks.foreign import check_weights
from sk_rnnimage.scan import ImageToSequence

OURS = {
    f"sk_rnnimage.{cls.__name__}": cls
    for cls in (
        CRNNImageClassifier,
        ClipReader,
        FlatImages,
        ImageReader,
        ImageToSequence,
        RNNImageClassifier,
    )
}
# Those of scikit-learn whose attributes are plain values, arrays and each other. Not
# those that hold trees, whose compiled code follows any index that a file gives.
SCIKIT_LEARN = {
    "decomposition": ("FastICA", "IncrementalPCA", "NMF", "PCA", "TruncatedSVD"),
    "discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "dummy": ("DummyClassifier",),
    "ensemble": ("StackingClassifier", "VotingClassifier"),
    "impute": ("SimpleImputer",),
    "linear_model": ("LogisticRegression", "RidgeClassifier"),
    "naive_bayes": ("BernoulliNB", "GaussianNB", "MultinomialNB"),
    "neighbors": ("KNeighborsClassifier", "NearestCentroid"),
    "pipeline": ("FeatureUnion", "Pipeline"),
    "preprocessing": (
        "Binarizer",
        "LabelBinarizer",
        "LabelEncoder",
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    ),
    "random_projection": ("GaussianRandomProjection",),
    "svm": ("LinearSVC", "NuSVC", "SVC"),
}


def class_of(name):
    """The class that a file names, or None where it is not known."""
    package, _, module_and_class = name.partition(".")
    module, _, cls = module_and_class.partition(".")
    if package == "sklearn" and cls in SCIKIT_LEARN.get(module, ()):
        return getattr(import_module(f"sklearn.{module}"), cls)
    return OURS.get(name)


def name_of(cls):
    """The name of a class in a file, or None where it is not known."""
    package, *modules = cls.__module__.split(".")
    name = ".".join([package, *modules[:1], cls.__name__])
    if package == "sk_rnnimage":
        name = f"{package}.{cls.__name__}"
    return name if class_of(name) is cls else None


def construct(cls, state):
    """An estimator of a known class with such attributes, as unpickled.

    Parameters that an older file lacks take their defaults.
    """
    estimator = cls() if cls in OURS.values() else cls.__new__(cls)
    estimator.__setstate__(state)
    return estimator


def check_state(cls, state):
    """Raise where the attributes of an estimator must not come from a file.

    Parameters
    ----------
    cls : type
        A known class.
    state : dict
        Its attributes. Of arrays the shapes alone are looked at.

    Raises
    ------
    ValueError
        Where a network has other weights than its recipe says, or where the next
        ``fit`` would read pickles or write a file.
    """
    if state.get("memory") is not None:
        raise ValueError(
            f"memory={state['memory']!r} is a folder of pickles, which may run any "
            f"code in the next fit of a {cls.__name__}. Set it to None first: "
            "set_params(memory=None)."
        )
    if state.get("checkpoint") is not None:
        raise ValueError(
            f"checkpoint={state['checkpoint']!r} is a file that the next fit would "
            "write over, on whatever machine. Set it to None first: "
            "set_params(checkpoint=None)."
        )
    if "weights_" not in state or cls.__module__.split(".")[0] != "sk_rnnimage":
        return
    recipe = state["_fitted_recipe"]
    check_weights(recipe, state["weights_"])
    if len(state["classes_"]) != recipe["n_outputs"]:
        raise ValueError(
            f"There are {len(state['classes_'])} classes_, but the network has "
            f"{recipe['n_outputs']} outputs."
        )
