"""Cases of a value of any type for each parameter of every public name."""

import functools
import inspect
from pathlib import Path

import numpy as np
from conftest import draw, make
from fuzzed import Case
from fuzzed_images import fitted
from fuzzed_values import ANYTHING, shown
from hypothesis import strategies as st
from PIL import Image
from sklearn.dummy import DummyClassifier

import sk_rnnimage
from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
)

CLASSIFIERS = RNNImageClassifier, CRNNImageClassifier
READERS = ImageReader, ClipReader
OTHERS = {"n_jobs": [0, 1], "max_epochs": [*range(-3, 4), 2**63]}


@functools.cache
def folder():
    """A folder of two classes of images, and of clips in ``clips``."""
    root = Path("fuzzed").absolute()
    for path in ("images/a/1.png", "images/b/1.png", "clips/a/c/1.png"):
        (root / path).parent.mkdir(parents=True)
        Image.new("L", (4, 5), 7).save(root / path)
    sk_rnnimage.save(fitted("rows"), root / "model.sk")
    return root


@functools.cache
def comparison():
    X, y = draw(12)
    return sk_rnnimage.compare_classifiers([DummyClassifier()], X, y, cv=2)


def _classifier(cls):
    X, y = draw(6, (4, 4))
    small = {"hidden_size": 2, "max_epochs": 1}
    return lambda **given: make(cls, **(small | given)).fit(X, y)


def _reader(cls):
    return lambda **given: cls(**given).fit_transform([folder() / "images/a/1.png"])


def _transformer(**given):
    return ImageToSequence(**given).fit_transform(draw(3)[0])


def _compare(**given):
    X, y = draw(15)
    given = {"classifiers": [DummyClassifier()], "X": X, "y": y, "cv": 2, **given}
    return sk_rnnimage.compare_classifiers(**given)


def _shown_by(name, **defaults):
    """A call of a Display, whose figure is closed."""

    def call(**given):
        import matplotlib.pyplot as plt

        display = getattr(sk_rnnimage, name)
        try:
            return _constructing(display)(**(_made(defaults) | given))
        finally:
            plt.close("all")

    return call


def _constructing(public):
    """What makes a Display, or the public function or class itself."""
    for method in ("from_estimator", "from_comparison"):
        public = getattr(public, method, public)
    return public


def _made(defaults):
    return {name: value() for name, value in defaults.items()}


def _one_image():
    return draw(1)[0]


def _a_model():
    return fitted("rows")


def _call(name, **defaults):
    """A call of a public function, with good arguments but for those that are given."""

    def call(**given):
        function = getattr(sk_rnnimage, name)
        return function(**(_made(defaults) | given))

    return call


CALLS = {
    **{cls.__name__: _classifier(cls) for cls in CLASSIFIERS},
    **{cls.__name__: _reader(cls) for cls in READERS},
    "ImageToSequence": _transformer,
    "compare_classifiers": _compare,
    "classic_classifiers": _call("classic_classifiers"),
    "search_space": _call("search_space", estimator=_a_model),
    "list_images": _call("list_images", folder=lambda: folder() / "images"),
    "list_clips": _call("list_clips", folder=lambda: folder() / "clips"),
    "save": _call("save", estimator=_a_model, path=lambda: folder() / "m.sk"),
    "load": _call("load", path=lambda: folder() / "model.sk"),
    "prune": _call("prune", estimator=_a_model, amount=lambda: 0.5),
    "quantize": _call("quantize", estimator=_a_model),
    "to_onnx": _call("to_onnx", estimator=_a_model, path=lambda: folder() / "m.onnx"),
    "ScanOrderDisplay": _shown_by("ScanOrderDisplay", estimator=_a_model),
    "TrainingCurveDisplay": _shown_by("TrainingCurveDisplay", estimator=_a_model),
    "EvidenceDisplay": _shown_by("EvidenceDisplay", estimator=_a_model, X=_one_image),
    "OcclusionDisplay": _shown_by("OcclusionDisplay", estimator=_a_model, X=_one_image),
    "ComparisonDisplay": _shown_by("ComparisonDisplay", comparison=comparison),
}


def parameters_of(name):
    """The parameters of a public name: those of a Display's constructing method."""
    function = _constructing(getattr(sk_rnnimage, name))
    return list(inspect.signature(function).parameters)


PAIRS = [(name, parameter) for name in CALLS for parameter in parameters_of(name)]


@st.composite
def parameters(draw_value):
    """A value of any type for one parameter is taken, or refused by its name."""
    name, parameter = draw_value(st.sampled_from(PAIRS))
    value = draw_value(ANYTHING)
    if parameter in OTHERS and isinstance(value, (int, np.integer)):
        value = draw_value(st.sampled_from(OTHERS[parameter]))
    words = f"{name}({parameter}={shown(value)})"
    # scikit-learn's sentence on the axes of an array names none; a path is shown
    named = "" if parameter in ("X", "path") else parameter
    return Case(words, lambda: CALLS[name](**{parameter: value}), named=named)
