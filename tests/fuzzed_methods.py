"""Cases of odd arguments of every public method."""

import copy
import functools
import inspect
import numbers

import numpy as np
from conftest import draw, draw_clips, make, weights_equal
from fuzzed import Case
from fuzzed_images import fitted, is_finite, odd_labels
from fuzzed_parameters import comparison, folder
from fuzzed_pixels import odd_images
from fuzzed_values import ANYTHING, shown
from hypothesis import strategies as st

from sk_rnnimage import (
    ClipReader,
    ComparisonDisplay,
    EvidenceDisplay,
    ImageReader,
    ImageToSequence,
    OcclusionDisplay,
    RNNImageClassifier,
    ScanOrderDisplay,
    TrainingCurveDisplay,
)

SHAPE = (8, 8)  # of what "rows" was fitted on


@functools.cache
def _training():
    return draw(9, SHAPE)


@functools.cache
def streaming():
    """A classifier that reads clips of 4 x 5 pixels in one direction."""
    X, y = draw_clips(12, lengths=(3, 3))
    causal = {"scan": "frames", "bidirectional": False, "cell": "gru"}
    model = make(RNNImageClassifier, hidden_size=4, max_epochs=1, **causal)
    return model.fit(np.stack(X), y)


@functools.cache
def _attentive():
    X, y = _training()
    attention = {"scan": "rows", "pooling": "attention", "attention_heads": 2}
    return make(RNNImageClassifier, hidden_size=4, max_epochs=1, **attention).fit(X, y)


@functools.cache
def _sequences():
    return ImageToSequence("spiral", patch_size=3).fit(_training()[0])


@functools.cache
def _display(cls):
    """A Display whose figure is gone."""
    import matplotlib.pyplot as plt

    if cls is ComparisonDisplay:
        display = cls.from_comparison(comparison())
    elif cls is TrainingCurveDisplay:
        display = cls.from_estimator(fitted("rows"))
    else:
        display = cls.from_estimator(fitted("rows"), _training()[0][:1])
    plt.close("all")
    return display


def _good(parameter):
    """What a parameter takes."""
    X, y = _training()
    values = {"X": X, "y": y, "X_val": X, "y_val": y, "frames": np.ones((3, 4, 5))}
    return values.get(parameter)


def _closing(plot):
    def call(**given):
        import matplotlib.pyplot as plt

        try:
            return plot(**given)
        finally:
            plt.close("all")

    return call


def _taking_all(method):
    """All that a generator yields."""
    return lambda **given: list(method(**given))


def _learning(name):
    """A fit that goes on, of a copy that an error must leave as it was."""

    def call(**given):
        model = copy.deepcopy(fitted("rows")).set_params(warm_start=True)
        try:
            return getattr(model, name)(**given)
        except (ValueError, TypeError):
            assert weights_equal(model, fitted("rows"))
            raise

    return call


def _from_scan(scan="rows", height=4, width=5, **given):
    return ScanOrderDisplay.from_scan(scan, height, width, **given)


def _of(make_model, *names):
    return {name: lambda n=name: getattr(make_model(), n) for name in names}


def _methods():
    """The bound methods by their class and name, made when they are called."""
    predictions = "predict predict_proba predict_log_proba decision_function".split()
    of_classifier = _of(_attentive, *predictions, "score", "attention_weights")
    staged = _of(_attentive, "staged_predict", "staged_predict_proba")
    stream = _of(streaming, "stream_predict_proba")
    methods = {
        **{f"classifier.{k}": m for k, m in of_classifier.items()},
        **{
            f"classifier.{k}": lambda m=m: _taking_all(m())
            for k, m in (staged | stream).items()
        },
        "classifier.fit": lambda: _learning("fit"),
        "classifier.partial_fit": lambda: _learning("partial_fit"),
        "ScanOrderDisplay.from_scan": lambda: _closing(_from_scan),
    }
    of_sequences = _of(_sequences, "transform", "inverse_transform")
    of_sequences |= _of(ImageToSequence, "fit", "fit_transform")
    methods |= {f"ImageToSequence.{k}": m for k, m in of_sequences.items()}
    for cls in (ImageReader, ClipReader):
        of_reader = _of(cls, "fit", "transform", "fit_transform")
        methods |= {f"{cls.__name__}.{k}": m for k, m in of_reader.items()}
    for cls in (
        ComparisonDisplay,
        EvidenceDisplay,
        OcclusionDisplay,
        ScanOrderDisplay,
        TrainingCurveDisplay,
    ):
        methods[f"{cls.__name__}.plot"] = lambda c=cls: _closing(_display(c).plot)
    return methods


METHODS = _methods()
SIGNATURES = {  # of what is wrapped
    "classifier.fit": RNNImageClassifier.fit,
    "classifier.partial_fit": RNNImageClassifier.partial_fit,
    "classifier.staged_predict": RNNImageClassifier.staged_predict,
    "classifier.staged_predict_proba": RNNImageClassifier.staged_predict_proba,
    "classifier.stream_predict_proba": RNNImageClassifier.stream_predict_proba,
    "ScanOrderDisplay.from_scan": ScanOrderDisplay.from_scan,
}


def _parameters(name):
    if name.endswith(".plot"):
        return ["ax"]
    function = SIGNATURES.get(name) or METHODS[name]()
    names = [each for each in inspect.signature(function).parameters if each != "self"]
    return [each for each in names if each != "fit_params"]


def _odd(name, parameter):
    """What a user may pass for a parameter, right or wrong."""
    if name.startswith(("ImageReader", "ClipReader")):
        return _odd_items() if parameter == "X" else ANYTHING
    if name == "ImageToSequence.inverse_transform":
        model = _sequences()
        return odd_images((model.n_steps_, model.step_size_))
    if parameter in ("X", "X_val"):
        return odd_images(SHAPE, vast=".fit" not in name)
    if parameter == "frames":
        frames = st.lists(odd_images((4, 5), vast=False), max_size=3)
        return st.one_of(odd_images((4, 5)), frames)
    if parameter in ("y", "y_val", "sample_weight", "sample_weight_val", "classes"):
        return odd_labels(9)
    return ANYTHING


@st.composite
def _odd_items(draw_value):
    """A list of files of which one is something else, or no list."""
    if draw_value(st.booleans()):
        return draw_value(ANYTHING)
    items = [folder() / "images/a/1.png"] * 2
    items[draw_value(st.integers(0, 1))] = draw_value(ANYTHING)
    return draw_value(st.sampled_from([list, tuple, _object_array]))(items)


def _object_array(items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _is_right(answer):
    """No NaN in what is predicted or learned from numbers that are finite."""
    if isinstance(answer, RNNImageClassifier):
        is_finite(answer)
    elif isinstance(answer, numbers.Real):
        assert 0 <= answer <= 1, answer
    elif isinstance(answer, list):
        for each in answer:
            _is_right(each)
    elif isinstance(answer, np.ndarray) and answer.dtype.kind == "f":
        assert not np.isnan(answer).any()


@st.composite
def methods(draw_value):
    """A value of any type for one argument of a method is taken, or refused."""
    name = draw_value(st.sampled_from(sorted(METHODS)))
    parameter = draw_value(st.sampled_from(_parameters(name)))
    given = {each: _good(each) for each in _parameters(name)}
    given = {each: value for each, value in given.items() if value is not None}
    value = given[parameter] = draw_value(_odd(name, parameter))
    if name.startswith(("ImageReader", "ClipReader")):
        given = {"X": [folder() / "images/a/1.png"]} | {parameter: value}
    words = f"{name}({parameter}={shown(value)})"
    pixels = ("X", "frames")  # scikit-learn's sentence on the axes of an array
    named = "" if parameter in pixels else parameter
    check = (lambda answer: None) if "Sequence" in name else _is_right
    return Case(words, lambda: METHODS[name]()(**given), check, named=named)
