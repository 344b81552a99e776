"""Cases of images in odd forms, for what is fitted and for what is to be fitted."""

import functools

import numpy as np
from conftest import draw, draw_clips, make
from fuzzed import Case
from fuzzed_pixels import cleaned, odd_images, representations
from fuzzed_values import ANYTHING, DTYPES, shown
from hypothesis import strategies as st

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
)
from sk_rnnimage.images.orders import SCANS

RNN, CRNN = RNNImageClassifier, CRNNImageClassifier
MODELS = {  # the shape of fit, then what is fitted
    "rows": ((8, 8), RNN, {"scan": "rows"}),
    "auto": ((6, 9), RNN, {}),
    "sweep": ((5, 8, 3), RNN, {"scan": "sweep", "cell": "gru"}),
    "attention": ((8, 8), CRNN, {"pooling": "attention"}),
    "convolutions": ((5, 8, 2), CRNN, {"n_views": 1}),
    "views": ((8, 8, 3), CRNN, {"n_views": 3, "cell": "mingru"}),
    "control": ((6, 9), CRNN, {"cell": None}),
    "frames": ((3, 4, 5), RNN, {"scan": "frames", "cell": "gru"}),
    "heads": ((8, 8), RNN, {"attention_heads": 2, "scan": "hilbert", "patch_size": 4}),
}
METHODS = {
    "predict": lambda model, X: model.predict(X),
    "predict_proba": lambda model, X: model.predict_proba(X),
    "predict_log_proba": lambda model, X: model.predict_log_proba(X),
    "decision_function": lambda model, X: model.decision_function(X),
    "staged_predict_proba": lambda model, X: list(model.staged_predict_proba(X))[-1],
}


def _clips(n):
    X, y = draw_clips(n, lengths=(3, 3))
    return np.stack(X), y


@functools.cache
def fitted(name):
    shape, cls, parameters = MODELS[name]
    X, y = draw(n=12, shape=shape) if name != "frames" else _clips(n=12)
    return make(cls, hidden_size=4, max_epochs=1, **parameters).fit(X, y)


@functools.cache
def ways(name):
    """The methods that a model has: a sweep and the control have no stages."""
    stages = name not in ("sweep", "control")
    return [way for way in METHODS if stages or not way.startswith("staged")]


@functools.cache
def classic(shape):
    X, y = draw(n=12, shape=shape)
    return classic_classifiers()["k nearest neighbours"].fit(X, y)


@functools.cache
def reader(shape):
    return ImageToSequence("snake", patch_size=2).fit(draw(n=3, shape=shape)[0])


@st.composite
def _calls(draw, name):
    """The name of a method, and the method of something fitted on such images."""
    others = [] if name == "frames" else ["transform", "classic"]
    way = draw(st.sampled_from([*ways(name), *others]))
    if way == "transform":
        return way, reader(MODELS[name][0]).transform
    if way == "classic":
        return way, classic(MODELS[name][0]).predict
    return way, functools.partial(METHODS[way], fitted(name))


def _is_like(expected):
    def check(answer):
        if np.asarray(expected).dtype.kind == "f":
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(answer, expected)

    return check


@st.composite
def any_form(draw):
    """Images in one of the forms that an array may have are answered rightly."""
    name = draw(st.sampled_from(sorted(MODELS)))
    shape = MODELS[name][0]
    words, X, clean = draw(representations(shape))
    way, call = draw(_calls(name))
    check = _is_like(call(clean))
    return Case(f"{way} of {name}: {words}", lambda: call(X), check, valid=True)


@st.composite
def no_images(draw):
    """What is no set of images is refused; else the answer is that for its numbers."""
    name = draw(st.sampled_from(sorted(MODELS)))
    shape = MODELS[name][0]
    X = draw(odd_images(shape))
    way, call = draw(_calls(name))

    def check(answer):
        _is_like(call(cleaned(X)))(answer)

    words = f"{way} of {name}: {_described(X)}"
    return Case(words, lambda: call(X), check)


def _described(X):
    if isinstance(X, np.ndarray):
        return f"array of {X.dtype}, shape {X.shape}, strides {X.strides}"
    return shown(X)


# Training


TRAINED = [
    lambda: make(RNN, hidden_size=3, max_epochs=1),
    lambda: make(CRNN, hidden_size=3, max_epochs=1),
    lambda: make(RNN, hidden_size=3, max_epochs=1, scan="frames"),
    lambda: ImageToSequence("spiral"),
    lambda: ImageToSequence("frames"),
]


@st.composite
def trained(draw_value):
    """A fit on odd images, labels or weights learns finite numbers or refuses."""
    model = draw_value(st.sampled_from(TRAINED))()
    frames = getattr(model, "scan", "") == "frames"
    X, y = _clips(6) if frames else draw(6, (4, 5))
    given = {"X": X, "y": y}
    odd = draw_value(st.sampled_from(["X", "y", "sample_weight", "X_val", "classes"]))
    if odd == "X_val":
        given |= {"X_val": X, "y_val": y}
        odd = draw_value(st.sampled_from(["X_val", "y_val", "sample_weight_val"]))
    shape = np.shape(X)[1:]
    images = odd in ("X", "X_val")
    given[odd] = draw_value(odd_images(shape, vast=False) if images else odd_labels())
    if isinstance(model, ImageToSequence):
        given = {"X": given[odd] if images else X, "y": given.get("y")}
    words = f"fit of {model}, {odd}={_described(given.get(odd))}"
    call = model.partial_fit if "classes" in given else model.fit
    return Case(words, lambda: call(**given), is_finite)


def is_finite(model):
    for name, values in getattr(model, "weights_", {}).items():
        assert np.isfinite(values).all(), name


@st.composite
def odd_labels(draw_value, n=6):
    kind = draw_value(st.sampled_from(["anything", "list", "array", "classes"]))
    if kind == "anything":
        return draw_value(ANYTHING)
    if kind == "classes":
        return draw_value(st.lists(st.sampled_from([0, 1, 2, 7, "a"]), max_size=5))
    values = [0, 1, 2, -1, 1.5, 1e300, np.nan, np.inf, "a", b"b", None, True, (1,), [2]]
    items = draw_value(st.lists(st.sampled_from(values), min_size=n, max_size=n))
    if kind == "list":
        return items
    array = np.empty(n, object)
    array[:] = items
    try:
        return array.astype(draw_value(DTYPES))
    except (TypeError, ValueError, OverflowError):
        return array


# There and back


@st.composite
def round_trips(draw_value):
    """Images in any form come back from the sequences of any scan."""
    sides = draw_value(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    shape = (*sides, *draw_value(st.sampled_from([(), (3,)])))
    words, X, clean = draw_value(representations(shape, flat=False))
    part = st.one_of(st.none(), st.integers(1, min(sides)))
    model = ImageToSequence(
        draw_value(st.sampled_from(sorted(SCANS))),
        patch_size=draw_value(st.one_of(part, st.tuples(part, part))),
        image_shape=shape,
    )

    def check(images):
        images = np.asarray(images, np.float64)
        np.testing.assert_array_equal(images.reshape(clean.shape), clean)

    def call():
        return model.inverse_transform(model.fit_transform(X))

    return Case(f"{model}: {words}", call, check, valid=True)
