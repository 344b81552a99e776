"""Lists of images of unequal size: what pads, groups and masks them changes nothing."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import CLASSIFIERS, draw, draw_unequal, make, one_by_one, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._data.batches import Batch, Batches
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.tensors import to_float
from sk_rnnimage.images import kinds
from sk_rnnimage.images.kinds import UnequalImages
from sk_rnnimage.networks.pooling import POOLINGS

SIDES = {RNNImageClassifier: (4, 9), CRNNImageClassifier: (9, 21)}


def unequal(cls, **settings):
    """Images that a CRNN pools, smaller ones for an RNN."""
    return draw_unequal(**({"sides": SIDES[cls]} | settings))


def trained(cls, X, y, **parameters):
    """A classifier whose weights and biases are all far from where they started."""
    settings = {"hidden_size": 4, "max_epochs": 1, "learning_rate": 0.05}
    return make(cls, **(settings | parameters)).fit(X, y)


def images_of(X):
    return UnequalImages([x if x.ndim == 3 else x[..., None] for x in X])


def padded(images, rows, transform):
    """Some images as one batch, and their sizes."""
    x = Batch(images, rows).network_input(lambda part, _: transform(part))
    return (x["x"], x["sizes"]) if isinstance(x, dict) else (x, None)


def with_sizes(network_input):
    """Images and their sizes, which are left out where no image is padded."""
    if isinstance(network_input, dict):
        return network_input["x"], network_input["sizes"]
    height, width = network_input.shape[1:3]
    return network_input, torch.tensor([[height, width]] * len(network_input))


def probabilities_in_one_batch(model, X):
    """Of all images padded to the largest, with nonsense behind their edges."""
    x, sizes = padded(images_of(X), np.arange(len(X)), to_float)
    nonsense = torch.full_like(x, 1e3)
    for i, (height, width) in enumerate(sizes.tolist()):
        nonsense[i, :height, :width] = x[i, :height, :width]
    with torch.no_grad():
        return model.module_(nonsense, sizes).softmax(1).numpy()


def check_padding(model, X, atol=1e-9):
    expected = one_by_one(model, X)
    assert_allclose(model.predict_proba(X), expected, atol=atol)
    assert_allclose(probabilities_in_one_batch(model, X), expected, atol=atol)
    assert np.ptp(expected, axis=0).max() > 1e-3


# Padding changes no prediction


READINGS = [
    ("auto", None),
    ("auto", 3),
    ("rows", None),
    ("rows", 2),
    ("rows", (3, None)),
    ("columns", None),
    ("columns", (None, 2)),
    ("snake", None),
    ("spiral", (2, 3)),
    ("hilbert", None),
    ("diagonal", 3),
    ("random", 2),
    ("sweep", None),
    ("sweep", (2, 3)),
    (("rows", "hilbert"), None),
    (("sweep", "columns"), 2),
]


@pytest.mark.parametrize("cell", ["lstm", "gru", "lmu", "peephole", None])
@pytest.mark.parametrize("scan, patch_size", READINGS, ids=str)
def test_padding_changes_no_prediction(cls, scan, patch_size, cell):
    X, y = unequal(cls, n=6)
    for pooling in POOLINGS if cell == "lstm" else ["last" if cell else "attention"]:
        settings = {"scan": scan, "patch_size": patch_size, "pooling": pooling}
        check_padding(trained(cls, X, y, cell=cell, **settings), X)


@pytest.mark.parametrize("cell", ["rnn", "irnn", "mingru", "lru"])
@pytest.mark.parametrize("scan", ["rows", "hilbert", "sweep"])
def test_padding_changes_no_prediction_of_other_cells(cls, scan, cell):
    X, y = unequal(cls, n=9)
    check_padding(trained(cls, X, y, cell=cell, scan=scan, pooling="last"), X)


@pytest.mark.parametrize("scan", ["auto", "rows", "snake", "sweep"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_size": (4, 6)},
        {"hidden_size": (4, 4), "pooling": "last"},
        {"bidirectional": False, "pooling": "last"},
        {"bidirectional": False, "hidden_size": (6, 4), "cell": "lru"},
        {"attention_heads": 2},
        {"attention_heads": 4, "pooling": "last"},
        {"attention_heads": 1, "pooling": "attention", "hidden_size": (4, 4)},
        {"attention_heads": 2, "pooling": "max", "cell": None},
        {"dropout": 0.5, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_padding_changes_no_prediction_of_larger_networks(cls, scan, parameters):
    X, y = unequal(cls, n=6)
    check_padding(trained(cls, X, y, scan=scan, **parameters), X)


@pytest.mark.parametrize("scan", ["rows", "sweep"])
@pytest.mark.parametrize(
    "filters, kernel_size",
    [
        (3, 1),
        (3, 2),
        (3, 4),
        ((3, 6), (3, 5)),
        ((4, 4, 6), (3, 4, 1)),
        ((2, 3, 4, 5), (4, 2, 3, 4)),
        (32, 3),
    ],
    ids=str,
)
def test_padding_changes_no_prediction_of_convolutions(scan, filters, kernel_size):
    X, y = draw_unequal(n=9, sides=(7, 24), channels=(3,))
    settings = {"filters": filters, "kernel_size": kernel_size, "scan": scan}
    check_padding(trained(CRNNImageClassifier, X, y, **settings), X)


@pytest.mark.parametrize("n_views", [2, 9])
def test_padding_changes_no_prediction_over_views(cls, n_views):
    X, y = unequal(cls)
    model = trained(cls, X, y, n_views=n_views)
    assert_allclose(model.predict_proba(X), one_by_one(model, X), atol=1e-9)


@pytest.mark.parametrize("scan", ["auto", "hilbert", "sweep"])
def test_padding_changes_no_prediction_in_single_precision(cls, scan):
    X, y = unequal(cls, n=150)
    model = trained(cls, X, y, scan=scan)
    assert model.weights_["head.weight"].dtype == np.float32
    check_padding(model, X[:20], atol=1e-5)


def test_images_of_one_pixel_and_of_one_line(cls):
    sizes = [(1, 1), (1, 9), (9, 1), (2, 3), (12, 12), (1, 2)]
    X = [np.random.RandomState(i).rand(*size) for i, size in enumerate(sizes)]
    for scan in ("auto", "rows", "columns", "spiral", "sweep"):
        check_padding(trained(cls, X, [0, 1, 0, 1, 0, 1], scan=scan), X)


@pytest.mark.parametrize(
    "method", ["predict", "decision_function", "predict_log_proba"]
)
def test_every_prediction_comes_in_the_order_of_the_list(cls, method):
    X, y = unequal(cls, n=20)
    model = trained(cls, X, y)
    whole = getattr(model, method)(X)
    assert_allclose(whole, one_by_one(model, X, method), atol=1e-8)
    assert_allclose(getattr(model, method)(X[::-1]), whole[::-1], atol=1e-8)


@pytest.mark.parametrize("scan", ["rows", "hilbert", "sweep"])
def test_a_step_of_training_takes_the_gradients_of_the_images_alone(cls, scan):
    X, y = unequal(cls, n=6)
    network = trained(cls, X, y, scan=scan).module_
    images = images_of(X)

    def gradients(rows):
        network.zero_grad()
        x, sizes = padded(images, rows, lambda x: to_float(x).double())
        logits = network(x, sizes)
        torch.nn.functional.cross_entropy(
            logits, torch.as_tensor(y[rows]), reduction="sum"
        ).backward()
        return {k: p.grad.numpy().copy() for k, p in network.named_parameters()}

    together = gradients(np.arange(6))
    alone = [gradients(np.array([i])) for i in range(6)]
    for name, gradient in together.items():
        expected = sum(one[name] for one in alone)
        assert np.isfinite(gradient).all()
        assert_allclose(gradient, expected, atol=1e-8 * max(1, np.abs(expected).max()))


# A list of equal images is the array


LISTS = {
    "list": list,
    "tuple": tuple,
    "series": lambda X: pd.Series(list(X)),
    "tensors": lambda X: [torch.as_tensor(x) for x in X],
    "lists": lambda X: X.tolist(),
}


def without_times(history):
    return [{**row, "duration": None} for row in history]


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("shape", [(8, 8), (9, 12, 3)], ids=str)
def test_an_equal_list_is_the_array(cls, shape, kind):
    X, y = draw(n=40, shape=shape, dtype=np.int64)
    listed, settings = LISTS[kind](X), {"batch_size": 9, "augment": "shift"}
    whole = make(cls, early_stopping=True, **settings).fit(X, y)
    parts = make(cls, early_stopping=True, **settings).fit(listed, y)
    assert weights_equal(whole, parts)
    assert without_times(whole.history_) == without_times(parts.history_)
    assert whole.image_shape_ == parts.image_shape_ == shape
    for method in ("predict_proba", "predict"):
        expected = getattr(whole, method)(X)
        assert_array_equal(getattr(whole, method)(listed), expected)


def test_partial_fit_of_an_equal_list_is_that_of_the_array(cls):
    X, y = draw(n=40)
    whole, parts = make(cls, batch_size=9), make(cls, batch_size=9)
    for _ in range(2):
        whole.partial_fit(X, y, classes=[0, 1, 2])
        parts.partial_fit(list(X), y, classes=[0, 1, 2])
    assert weights_equal(whole, parts)


def objects(X):
    held = np.empty(len(X), dtype=object)
    held[:] = X
    return held


UNEQUAL_LISTS = {
    "tuple": tuple,
    "objects": objects,
    "column of objects": lambda X: objects(X)[:, None],
    "series": pd.Series,
    "data frame": lambda X: pd.DataFrame({"image": pd.Series(X)}),
    "tensors": lambda X: [torch.as_tensor(x) for x in X],
    "some tensors": lambda X: [torch.as_tensor(X[0]), *X[1:]],
    "lists": lambda X: [x.tolist() for x in X],
    "one channel": lambda X: [x[..., None] for x in X],
    "objects in items": lambda X: [x.astype(object) for x in X],
    "read only": lambda X: [
        np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape) for x in X
    ],
    "strided": lambda X: [np.repeat(x, 2, axis=1)[:, ::2] for x in X],
}


@pytest.mark.parametrize("kind", UNEQUAL_LISTS)
def test_lists_of_all_kinds_are_alike(cls, kind):
    X, y = unequal(cls, dtype=np.int64)
    expected = make(cls, max_epochs=1).fit(X, y)
    model = make(cls, max_epochs=1).fit(UNEQUAL_LISTS[kind](X), y)
    assert model.image_shape_ == expected.image_shape_
    for name, weight in expected.weights_.items():  # objects are read as floats
        assert_allclose(model.weights_[name], weight, atol=1e-6)
    found = expected.predict_proba(UNEQUAL_LISTS[kind](X))
    assert_allclose(found, expected.predict_proba(X), atol=1e-6)


def test_mixed_dtypes_are_read_as_one_that_holds_all(cls):
    X, y = unequal(cls)
    mixed = [x.astype([np.uint8, np.float32, np.int16][i % 3]) for i, x in enumerate(X)]
    expected = make(cls).fit([x.astype(np.float32) for x in X], y)
    model = make(cls).fit(mixed, y)
    assert weights_equal(model, expected)
    assert_array_equal(model.predict_proba(mixed), expected.predict_proba(mixed))


def test_a_list_of_colour_images(cls):
    X, y = unequal(cls, channels=(3,))
    model = trained(cls, X, y)
    assert model.image_shape_[2] == 3
    assert model.weights_["standardize.mean"].shape == (3,)
    check_padding(model, X)


# The sizes


def test_image_shape_is_the_largest_height_and_width(cls):
    X, y = draw_unequal(n=3)
    X = [X[0][:9, :7], X[1][:4, :9], X[2][:6, :8]]
    model = make(cls).fit(X, y)
    assert model.image_shape_ == (9, 9)
    assert model.n_features_in_ == 81
    colour = [np.repeat(x[..., None], 3, axis=2) for x in X]
    model.fit(colour, y)
    assert model.image_shape_ == (9, 9, 3)
    assert model.n_features_in_ == 243
    assert make(cls, image_shape=(9, 9)).fit(X, y).image_shape_ == (9, 9)
    sentence = "X[1] is 4 x 9, larger than image_shape=(9, 8), which bounds the images"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, image_shape=(9, 8)).fit(X, y)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("scan", ["hilbert", "sweep", ("snake", "spiral")], ids=str)
def test_sizes_are_free_after_equal_images(cls, scan, listed):
    X, y = draw(shape=(10, 10))
    model = make(cls, scan=scan, learning_rate=0.05).fit(list(X) if listed else X, y)
    check_padding(model, draw_unequal(sides=(5, 21))[0])
    same = draw(n=5, shape=(13, 7))[0]
    assert_allclose(model.predict_proba(list(same)), one_by_one(model, same), atol=1e-9)


def test_an_array_of_another_shape_stays_an_error(cls):
    model = make(cls, scan="hilbert").fit(*draw_unequal(sides=(9, 9)))
    with pytest.raises(ValueError, match=re.escape("fitted on (9, 9). Resize or pad")):
        model.predict(np.ones((2, 9, 8)))


def test_a_list_is_of_the_channels_of_fit(cls):
    model = make(cls).fit(*unequal(cls))
    sentence = "They have 3 channel(s) for 1: convert them; files are read alike by"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.predict(unequal(cls, channels=(3,))[0])


@pytest.mark.parametrize("settings", [{}, {"scan": "rows"}, {"cell": None}], ids=str)
def test_the_largest_size_may_be_declared(cls, settings):
    X, y = draw_unequal(sides=(6, 13))
    declared = make(cls, image_shape=(20, 30), learning_rate=0.05, **settings)
    alike = [x[:6, :6] for x in X]
    for few in (X, alike):  # of equal size: a list all the same
        model = clone(declared).fit(few, y)
        assert model.image_shape_ == (20, 30)
        check_padding(model, [*X[:2], draw(n=1, shape=(20, 30))[0][0]])
    parts = clone(declared).partial_fit(alike, y, classes=[0, 1, 2]).partial_fit(X, y)
    alone = one_by_one(parts, X)
    assert_allclose(parts.predict_proba(X), alone, atol=1e-5)
    largest = [*X, np.ones((20, 30), X[0].dtype)]  # of weight 0: gives the shape alone
    other = make(cls, image_shape=(20, 30), learning_rate=0.05, **settings)
    other.fit(largest, [*y, 0], sample_weight=[1] * len(X) + [0])
    expected = clone(declared).fit(X, y).predict_proba(X)
    assert_allclose(other.predict_proba(X), expected, atol=1e-9)


def test_a_declared_size_is_kept_to(cls):
    X, y = draw_unequal(sides=(6, 13))
    i = next(i for i, x in enumerate(X) if x.shape[1] > 9)
    height, width = X[i].shape
    sentence = (
        f"X[{i}] is {height} x {width}, larger than image_shape=(13, 9), which bounds "
        "the images of a list. Raise it, or resize: ImageReader(size)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, image_shape=(13, 9)).fit(X, y)
    with pytest.raises(ValueError, match=re.escape("image_shape=(20, 20, 3)")):
        make(cls, image_shape=(20, 20, 3)).fit(X, y)


@pytest.mark.parametrize(
    "scan, patch_size, cell, higher, wider",
    [
        ("rows", None, "gru", True, False),
        ("columns", None, "gru", False, True),
        ("rows", (2, None), "gru", True, False),
        ("columns", (None, 2), "gru", False, True),
        ("rows", 3, "gru", True, True),
        ("hilbert", None, "gru", True, True),
        ("sweep", None, "lmu", True, True),
        ("auto", 2, "lmu", True, True),
        (("rows", "columns"), None, "gru", False, False),
        (("hilbert", "rows"), None, "gru", True, False),
        ("hilbert", 2, None, False, False),
        ("sweep", 2, None, False, False),
    ],
    ids=str,
)
def test_which_sides_may_be_larger(cls, scan, patch_size, cell, higher, wider):
    X, y = draw(shape=(10, 10))
    settings = {"scan": scan, "patch_size": patch_size, "cell": cell}
    model = make(cls, learning_rate=0.05, **settings).fit(X, y)
    before = pickle.dumps(model)
    for size, allowed in {(21, 10): higher, (10, 21): wider, (6, 3): True}.items():
        larger = [*X[:2], draw(n=1, shape=size)[0][0]]
        if allowed:
            check_padding(model, larger)
            continue
        patches = "read patches (patch_size), use scan='sweep', " if cell else ""
        sentence = (
            f"X[2] is {size[0]} x {size[1]}, larger than the images of fit, 10 x 10, "
            f"along a side that scan={scan!r} with cell={cell!r} takes as a whole. "
            f"Declare the largest size in fit (image_shape), {patches}or resize: "
            "ImageReader(size)."
        )
        for use in (model.predict, model.staged_predict_proba):
            if use == model.predict or cell and scan != "sweep":
                with pytest.raises(ValueError, match=re.escape(sentence)):
                    use(larger)
        with pytest.raises(ValueError, match=re.escape(sentence)):
            model.partial_fit(larger, y[:3])
        with pytest.raises(ValueError, match=re.escape("X_val" + sentence[1:])):
            make(cls, **settings).fit(X, y, X_val=larger, y_val=y[:3])
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("cls, higher", [*zip(CLASSIFIERS, [False, True])])
def test_which_sides_may_be_larger_with_auto(cls, higher):
    X, y = draw(shape=(10, 10))
    model = make(cls, learning_rate=0.05).fit(X, y)
    check_padding(model, draw_unequal(sides=(2, 10))[0])
    with pytest.raises(ValueError, match=re.escape("X[0] is 10 x 11, larger")):
        model.predict([np.ones((10, 11))])
    if higher:
        check_padding(model, [*X[:3], *draw(n=2, shape=(21, 10))[0]])
    else:
        with pytest.raises(ValueError, match=re.escape("X[1] is 11 x 10, larger")):
            model.predict([np.ones((10, 10)), np.ones((11, 10))])


@pytest.mark.parametrize("scan, cut", [("rows", np.s_[:, :5]), ("columns", np.s_[:5])])
def test_what_a_line_lacks_is_the_mean(scan, cut):
    X, y = draw(dtype=np.float64)
    model = trained(RNNImageClassifier, X, y, scan=scan)
    filled = np.full_like(X, model.weights_["standardize.mean"][0])
    for image, part in zip(filled, X):
        image[cut] = part[cut]
    found = model.predict_proba([x[cut] for x in X])
    assert_allclose(found, model.predict_proba(filled), atol=1e-9)


# Training


@pytest.mark.parametrize("batch_size", [5, 64])
def test_the_same_seed_gives_the_same_bits(cls, batch_size):
    X, y = unequal(cls, n=30)
    settings = {"batch_size": batch_size, "augment": "affine", "dropout": 0.2}
    assert weights_equal(*(make(cls, **settings).fit(X, y) for _ in range(2)))


def test_images_of_weight_zero_are_absent(cls):
    X, y = unequal(cls, n=20)
    huge = np.full((30, 30), 255.0)
    more = [huge, *X[:7], X[3], *X[7:], huge.T[:, :2]]
    y_more = [7, *y[:7], 1, *y[7:], 2]
    weights = np.ones(23)
    weights[[0, 8, 22]] = 0
    plain = make(cls, batch_size=6).fit(X, y)
    model = make(cls, batch_size=6).fit(more, y_more, sample_weight=weights)
    assert model.image_shape_ == plain.image_shape_
    assert model.n_features_in_ == plain.n_features_in_
    assert weights_equal(model, plain)
    plain = make(cls, batch_size=6).partial_fit(X, y, classes=[0, 1, 2])
    model = make(cls, batch_size=6)
    model.partial_fit(more, y_more, classes=[0, 1, 2], sample_weight=weights)
    assert weights_equal(model, plain)


def test_equal_images_among_others_of_weight_zero_are_the_array(cls):
    X, y = draw(n=20)
    odd = np.full((5, 13), 255, np.uint8)
    plain = make(cls, batch_size=6).fit(X, y)
    weights = np.append(np.ones(20), 0)
    model = make(cls, batch_size=6).fit([*X, odd], [*y, 0], sample_weight=weights)
    assert weights_equal(model, plain)
    X_val, y_val = [*X[:5], odd[:, :7]], [*y[:5], 0]
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights[-6:])
    plain.fit(X, y, X_val=X[:5], y_val=y[:5])
    assert without_times(model.history_) == without_times(plain.history_)


def test_a_weight_of_two_is_two_copies(cls):
    X, y = unequal(cls, n=9)
    weights = 1 + (np.arange(9) % 2)
    copies = [x for x, w in zip(X, weights) for _ in range(w)]
    model = make(cls).fit(X, y, sample_weight=weights)
    plain = make(cls).fit(copies, np.repeat(y, weights))
    same = make(cls).fit(X, y, sample_weight=np.ones(9))
    assert weights_equal(same, make(cls).fit(X, y))
    assert_allclose(
        model.weights_["standardize.mean"],
        plain.weights_["standardize.mean"],
        atol=1e-9,
    )


def test_validation_images_may_be_unequal(cls):
    X, y = unequal(cls, n=20)
    X_val, y_val = X[:9], y[:9]
    weights = np.arange(9.0)
    model = make(cls, early_stopping=True)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    proba, best = model.predict_proba(X_val), model.history_[model.best_epoch_ - 1]
    expected = log_loss(y_val, proba, sample_weight=weights)
    assert best["valid_loss"] == pytest.approx(expected, abs=1e-5)
    right = np.average(model.predict(X_val) == y_val, weights=weights)
    assert best["valid_accuracy"] == pytest.approx(right, abs=1e-6)


def test_early_stopping_holds_out_images_of_a_list(cls):
    X, y = unequal(cls, n=60)
    settings = {"early_stopping": True, "validation_fraction": 0.2}
    model = make(cls, batch_size=16, **settings).fit(X, y)
    assert {"valid_loss", "valid_accuracy"} <= model.history_[0].keys()
    assert weights_equal(model, make(cls, batch_size=16, **settings).fit(X, y))


def test_partial_fit_goes_on_with_other_sizes(cls):
    X, y = unequal(cls, n=20)
    model = make(cls, scan="sweep", batch_size=4)
    model.partial_fit(X[:10], y[:10], classes=[0, 1, 2])
    shape = model.image_shape_
    model.partial_fit([x[:3, :4] for x in X], y)
    model.partial_fit(draw(n=6, shape=shape)[0], np.arange(6) % 3)
    model.partial_fit(draw_unequal(sides=(12, 25))[0], np.arange(12) % 3)
    assert model.image_shape_ == shape
    assert model.n_iter_ == 4
    check_padding(model, X, atol=1e-5)


def test_warm_start_goes_on_with_a_list(cls):
    X, y = unequal(cls, n=20)
    model = make(cls, warm_start=True, max_epochs=1, scan="hilbert").fit(X, y)
    shape = model.image_shape_
    model.fit([np.pad(x, 3, mode="edge") for x in X], y)
    assert model.image_shape_ == shape
    assert model.n_iter_ == 2


def test_an_augmentation_sees_images_without_padding(cls):
    X, y = unequal(cls, n=30)
    seen = []

    def nothing(images, generator):
        seen.extend([tuple(images.shape[1:])] * len(images))
        return images

    model = make(cls, augment=nothing, max_epochs=1, batch_size=8).fit(X, y)
    assert sorted(seen) == sorted((1, *x.shape) for x in X)
    assert weights_equal(model, make(cls, max_epochs=1, batch_size=8).fit(X, y))


@pytest.mark.parametrize("augment", ["shift", "affine", "flip"])
def test_named_augmentations_vary_lists(cls, augment):
    X, y = unequal(cls)
    model = make(cls, augment=augment).fit(X, y)
    assert np.isfinite(model.loss_curve_).all()
    assert not weights_equal(model, make(cls).fit(X, y))


# scikit-learn's tools


def test_a_score_over_folds_is_the_loop_by_hand(cls):
    X, y = unequal(cls, n=18)
    folds = StratifiedKFold(3)
    model, expected = make(cls, patch_size=4, max_epochs=1), []
    for train, test in folds.split(X, y):
        model.fit([X[i] for i in train], y[train])
        expected.append(model.score([X[i] for i in test], y[test]))
    assert_array_equal(cross_val_score(model, X, y, cv=folds), expected)
    assert_array_equal(cross_val_score(model, objects(X), y, cv=folds), expected)


def test_a_search_over_a_list(cls):
    X, y = unequal(cls, n=18)
    model = make(cls, patch_size=3, max_epochs=1)
    search = GridSearchCV(model, {"cell": ["gru", "lstm"]}, cv=2)
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = model.set_params(**search.best_params_).fit(X, y)
    assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_pickled_and_loaded(cls):
    X, y = unequal(cls)
    model = make(cls).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.image_shape_ == model.image_shape_


# Batches and moments


@pytest.mark.parametrize("n", [1, 2, 7, 64, 200])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_batches_hold_every_row_once(n, batch_size):
    X, _ = draw_unequal(n=n + 3, sides=(1, 40))
    for i, image in enumerate(X):
        image.flat[0] = i
    rows = np.arange(3, n + 3)
    data = ImageSet(images_of(X).take(rows), rows % 3, 1.0 + rows)
    batches, seen = Batches(data, batch_size, np.random.RandomState(0)), []
    for passed, (codes, weights) in batches:
        x, sizes = with_sizes(passed)
        assert x.dtype == torch.float32
        assert len(x) == len(sizes) == len(codes) == len(weights) <= batch_size
        assert x.shape[1:3] == tuple(sizes.amax(0))
        for image, (height, width), code, weight in zip(x, sizes, codes, weights):
            i = int(image[0, 0, 0])
            seen.append(i)
            assert_array_equal(image[:height, :width, 0], X[i])
            assert image.sum() == X[i].sum(dtype=float)  # and zeros elsewhere
            assert code == i % 3
            assert weight == pytest.approx((1 + i) / (1.0 + rows).mean())
    assert sorted(seen) == rows.tolist()
    assert len(batches) == data.n_batches(batch_size)
    if n > 60:
        again = [int(x) for b, _ in batches for x in with_sizes(b)[0][:, 0, 0, 0]]
        assert again != seen  # another order in each epoch
        assert sorted(again) == rows.tolist()


def test_bytes_stay_bytes_until_their_batch():
    images = images_of(draw_unequal()[0])
    assert images.dtype == np.uint8
    batch = Batch(images, np.arange(12))
    assert {part.dtype for _, part in batch.parts} == {torch.uint8}


def padded_share(images, batches):
    """The pixels of padded batches, as many times those of the images."""
    sides = [images.sizes[places] for places in batches]
    padded = sum(len(part) * part.max(0).prod() for part in sides)
    return padded / sum(part.prod(1).sum() for part in sides)


def test_a_large_image_does_not_blow_up_the_batch():
    X = [np.zeros((10, 10), np.uint8) for _ in range(99)]
    X.insert(50, np.zeros((300, 300), np.uint8))
    images = images_of(X)
    batches = images.batches(64, np.random.RandomState(0))
    assert sorted(map(len, batches)) == [1, 49, 50]
    assert padded_share(images, batches) == 1
    batches = images.chunks(lambda height, width: 2**20 // (height * width))
    assert padded_share(images, batches) == 1


def test_padding_at_most_doubles_the_pixels():
    rng = np.random.RandomState(0)
    X = [np.empty(size, np.uint8) for size in rng.randint(1, 300, (500, 2))]
    images, rows = images_of(X), np.arange(500)
    for batch_size in (1, 16, 500):
        for places in images.batches(batch_size):
            assert padded_share(images, [places]) <= 2
    batches = images.chunks(lambda height, width: 2**16 // (height * width))
    assert_array_equal(np.sort(np.concatenate(batches)), rows)
    for places in batches:
        assert padded_share(images, [places]) <= 2
        largest = images.sizes[places].max(0).prod()
        assert len(places) == 1 or len(places) * largest <= 2**16


def test_batches_of_large_images_are_small(monkeypatch):
    monkeypatch.setattr(kinds, "BATCH_PIXELS", 1000)
    images, rows = images_of(draw_unequal(n=60)[0]), np.arange(60)
    data = ImageSet(images, rows % 2, np.ones(60))
    batches = data.batches(64)
    assert len(batches) == data.n_batches(64)
    assert max(len(b) * images.sizes[b].max(0).prod() for b in batches) <= 1000
    assert_array_equal(np.sort(np.concatenate(batches)), rows)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("n_pixels", [1, 500, 2**20])
def test_moments_are_those_of_all_pixels(dtype, n_pixels):
    X, _ = draw_unequal(n=20, channels=(2,), dtype=dtype)
    rows = np.arange(0, 20, 2)
    weights = np.random.RandomState(0).rand(10) + 0.1
    found = pixel_moments(images_of(X).take(rows), weights, n_values=n_pixels)
    pixels = np.concatenate([X[i].reshape(-1, 2) for i in rows]).astype(float)
    each = np.repeat(weights, [X[i].size // 2 for i in rows])
    mean = np.average(pixels, axis=0, weights=each)
    square = np.average((pixels - mean) ** 2, axis=0, weights=each)
    assert_allclose(found[0], mean, rtol=1e-5)
    assert_allclose(found[1], np.sqrt(square), rtol=1e-5)


def test_moments_of_a_fit_count_pixels_not_images(cls):
    X, y = unequal(cls)
    model = make(cls).fit(X, y)
    pixels = np.concatenate([x.ravel() for x in X]).astype(float)
    assert_allclose(model.weights_["standardize.mean"], pixels.mean(), rtol=1e-6)
    assert_allclose(model.weights_["standardize.scale"], pixels.std(), rtol=1e-6)


def test_predictions_do_not_depend_on_how_many_fit_in_memory(cls, monkeypatch):
    X, y = unequal(cls, n=30)
    model = make(cls).fit(X, y)
    expected = model.predict_proba(X)
    monkeypatch.setattr("sk_rnnimage._prediction.logits.PIXELS_AT_ONCE", 300)
    assert_allclose(model.predict_proba(X), expected, atol=1e-12)
