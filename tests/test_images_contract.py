"""The contract of scikit-learn's checks, repeated on (n, H, W) and (n, H, W, C)."""

import copy
import io
import pickle
import pickletools
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback, EarlyStopping

from sk_rnnimage._training import LABEL_SMOOTHING

SHAPES = [(8, 8), (8, 8, 3), (6, 9), (5, 8, 2)]


def flat(X):
    return X.reshape(len(X), -1)


# Flat or shaped


def _memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def _read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "flat": lambda X, _: flat(X),
    "data frame": lambda X, _: pd.DataFrame(flat(X)),
    "tensor": lambda X, _: torch.from_numpy(X),
    "flat tensor": lambda X, _: torch.from_numpy(flat(X)),
    "list": lambda X, _: X.tolist(),
    "list of arrays": lambda X, _: list(X),
    "list of tensors": lambda X, _: [torch.from_numpy(x) for x in X],
    "memory map": _memory_map,
    "flat memory map": lambda X, tmp_path: _memory_map(flat(X), tmp_path),
    "read-only": _read_only,
    "Fortran": lambda X, _: np.asfortranarray(X),
    "moved axes": lambda X, _: np.moveaxis(np.moveaxis(X, -1, 1).copy(), 1, -1),
    "every second": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "one channel": lambda X, _: X[..., np.newaxis] if X.ndim == 3 else X,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_agree_to_the_bit(cls, layout, shape, tmp_path):
    X, y = draw(shape=shape, dtype=np.int64 if layout == "list" else np.uint8)
    other = LAYOUTS[layout](X, tmp_path)
    reference = make(cls, image_shape=shape).fit(X, y)
    model = make(cls, image_shape=shape)
    if layout == "one channel" and len(shape) == 2:
        model.set_params(image_shape=(*shape, 1))
    model.fit(other, y)
    assert weights_equal(model, reference)
    assert model.image_shape_ == reference.image_shape_ == shape
    assert model.n_features_in_ == np.prod(shape)
    expected = reference.predict_proba(X)
    assert_array_equal(model.predict_proba(X), expected)
    with warnings.catch_warnings():  # names of a DataFrame that fit has not seen
        warnings.filterwarnings("ignore", "X has feature names")
        assert_array_equal(reference.predict_proba(other), expected)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)], ids=str)
def test_flat_squares_need_no_image_shape(cls, shape):
    X, y = draw(shape=shape)
    shaped, unshaped = make(cls).fit(X, y), make(cls).fit(flat(X), y)
    assert unshaped.image_shape_ == shape
    assert weights_equal(shaped, unshaped)
    assert_array_equal(shaped.predict_proba(flat(X)), unshaped.predict_proba(X))


def test_other_flat_images_are_one_row_of_pixels(cls):
    X, y = draw(shape=(1, 10))
    model = make(cls).fit(flat(X), y)
    assert model.image_shape_ == (1, 10)
    assert weights_equal(model, make(cls).fit(X, y))


def test_flat_prefers_grey_to_rgb(cls):
    X, y = draw(shape=(6, 6))  # 36 values; 12 would be 2 x 2 RGB
    assert make(cls).fit(flat(X), y).image_shape_ == (6, 6)
    assert make(cls).fit(flat(X)[:, :12], y).image_shape_ == (2, 2, 3)


@pytest.mark.parametrize("shape", [(8, 8), (6, 7, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "uint16", "int16", "float16"])
def test_dtypes_with_the_same_values_agree_to_the_bit(cls, shape, dtype):
    X, y = draw(shape=shape)
    models = [make(cls).fit(images, y) for images in (X, X.astype(dtype))]
    assert weights_equal(*models)
    assert_array_equal(models[0].predict_proba(X.astype(dtype)),
                       models[1].predict_proba(X))  # fmt: skip


def test_scale_of_the_pixels_does_not_matter(cls):
    X, y = draw(n=30)
    of_255 = make(cls).fit(X, y).predict_proba(X)
    of_1 = make(cls).fit(X / 255, y).predict_proba(X / 255)
    assert_allclose(of_1, of_255, atol=1e-5)


def test_bool_images(cls):
    X, y = draw()
    model = make(cls).fit(X > 90, y)
    assert weights_equal(model, make(cls).fit((X > 90).astype("uint8"), y))


def test_fit_leaves_the_images_as_they_were(cls):
    X, y = draw(dtype=np.float32)
    before = X.copy()
    make(cls).fit(X, y).predict(X)
    assert_array_equal(X, before)


# Labels


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_string_labels(cls, shape):
    X, y = draw(shape=shape)
    names = np.array(["cat", "ape", "dog"])
    model = make(cls, max_epochs=40, learning_rate=0.02).fit(X, names[y])
    assert_array_equal(model.classes_, ["ape", "cat", "dog"])
    assert model.score(X, names[y]) > 0.9
    # the same network as for the codes of the sorted names
    codes = np.searchsorted(model.classes_, names[y])
    coded = make(cls, max_epochs=40, learning_rate=0.02).fit(X, codes)
    assert weights_equal(model, coded)
    assert_array_equal(model.classes_[coded.predict(X)], model.predict(X))


TWO_LABELS = [[True, False], [-1, 1], [5, 90], np.array(["b", "a"], dtype=object)]


@pytest.mark.parametrize("labels", TWO_LABELS, ids=str)
def test_two_classes(cls, labels):
    X, codes = draw(n_classes=2)
    y = np.asarray(labels)[codes]
    model = make(cls, max_epochs=30, learning_rate=0.02).fit(X, y)
    assert_array_equal(model.classes_, np.unique(y))
    decision = model.decision_function(X)
    assert decision.shape == (len(X),)
    proba = model.predict_proba(X)
    assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)), atol=1e-12)
    assert_array_equal(model.predict(X), model.classes_[(decision > 0).astype(int)])
    assert model.score(X, y) > 0.9


def test_ten_classes(cls):
    X, y = draw(n=40, shape=(6, 20), n_classes=10)
    model = make(cls, max_epochs=60, learning_rate=0.03).fit(X, y)
    proba, decision = model.predict_proba(X), model.decision_function(X)
    assert proba.shape == decision.shape == (40, 10)
    assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert_allclose(np.exp(model.predict_log_proba(X)), proba, atol=1e-12)
    assert_array_equal(model.classes_[proba.argmax(1)], model.predict(X))
    assert_array_equal(decision.argmax(1), proba.argmax(1))
    assert model.score(X, y) > 0.6


def test_one_class(cls):
    X, _ = draw()
    model = make(cls).fit(X, np.full(len(X), "only"))
    assert_array_equal(model.classes_, ["only"])
    assert_array_equal(model.predict(X), np.full(len(X), "only"))
    assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_single_image(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls).fit(X[:1], y[:1])
    assert_array_equal(model.predict(X[:1]), y[:1])
    many = make(cls).fit(X, y)
    assert_allclose(many.predict_proba(X[:1]), many.predict_proba(X)[:1], atol=1e-7)


def test_labels_as_a_column_warn(cls):
    X, y = draw()
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        model = make(cls).fit(X, y[:, np.newaxis])
    assert weights_equal(model, make(cls).fit(X, y))


# scikit-learn's manners


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_clone_and_idempotent_fit(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls, dropout=0.2).fit(X, y)
    first = copy.deepcopy(model)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    other_X, other_y = draw(shape=(4, 4), seed=1)
    assert weights_equal(model.fit(X, y), first)
    assert weights_equal(clone(model).fit(X, y), first)
    assert weights_equal(model.fit(other_X, other_y).fit(X, y), first)
    assert model.history_[-1]["train_loss"] == first.history_[-1]["train_loss"]


def test_different_seeds_differ(cls):
    X, y = draw()
    one, two = (make(cls, random_state=s).fit(X, y) for s in (0, 1))
    assert not weights_equal(one, two)


def test_defaults_are_idempotent(cls):
    X, y = draw(n=20)
    one, two = (cls(random_state=3).fit(X, y) for _ in range(2))
    assert weights_equal(one, two)
    assert one.score(X, y) > 0.9


def _pickled(model):
    return pickle.loads(pickle.dumps(model))


def _dumped(model):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("through", [_pickled, _dumped, copy.deepcopy, copy.copy])
def test_copies_predict_the_same(cls, shape, through):
    X, y = draw(shape=shape)
    model = make(cls).fit(X, y)
    other = through(model)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    expected = copy.deepcopy(model).predict_proba(X)
    other.partial_fit(X, y)  # the copy learns, the original does not
    assert_array_equal(model.predict_proba(X), expected)
    assert not np.array_equal(other.predict_proba(X), expected)


@pytest.mark.parametrize("learned", ["fit", "partial_fit"])
def test_a_pickle_holds_no_torch_object(cls, learned):
    X, y = draw()
    model = make(cls)
    model.fit(X, y) if learned == "fit" else model.partial_fit(X, y, classes=[0, 1, 2])
    held = pickle.dumps(model)
    words = {str(argument) for _, argument, _ in pickletools.genops(held)}
    assert not [word for word in words if "torch" in word or "skorch" in word]
    assert all(type(w) is np.ndarray for w in model.weights_.values())


def test_the_network_is_rebuilt_from_weights(cls):
    X, y = draw()
    model, other = (make(cls, random_state=seed).fit(X, y) for seed in (0, 1))
    expected = model.predict_proba(X)
    state = model.__getstate__()
    bare = cls.__new__(cls)
    vars(bare).update(state)  # as a loader that calls no __setstate__
    assert_array_equal(bare.predict_proba(X), expected)
    state["weights_"] = other.weights_
    bare = cls.__new__(cls)
    bare.__setstate__(state)
    assert_array_equal(bare.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_predict_changes_no_attribute(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls).fit(X, y)
    model = _pickled(model)
    before = {name: (id(value), pickle.dumps(value)) for name, value in
              vars(model).items() if name != "_module"}  # fmt: skip
    names = set(vars(model))
    module = vars(model).get("_module")
    for method in ("predict", "predict_proba", "predict_log_proba",
                   "decision_function"):  # fmt: skip
        getattr(model, method)(X)
    assert model.score(X, y) >= 0
    assert set(vars(model)) == names
    assert vars(model).get("_module") is module
    for name, (identity, value) in before.items():
        assert id(vars(model)[name]) == identity
        assert pickle.dumps(vars(model)[name]) == value


def _global_state():
    return (
        torch.get_rng_state().numpy().tobytes(),
        str(np.random.get_state()),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0),
    )


@pytest.mark.parametrize("early_stopping", [False, True])
def test_global_state_is_left_alone(cls, early_stopping):
    X, y = draw(n=60)
    before = _global_state()
    model = make(cls, dropout=0.3, early_stopping=early_stopping, batch_size=8)
    model.fit(X, y)
    model.predict(X)
    model.partial_fit(X, y)
    _pickled(model).predict(X)
    assert _global_state() == before


def test_threads_do_not_disturb_each_other(cls):
    X, y = draw(n=200)
    before = _global_state()

    def fit(seed):
        return make(cls, dropout=0.3, random_state=seed).fit(X, y)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(4)))
    assert _global_state() == before
    for seed, model in enumerate(together):
        assert weights_equal(model, fit(seed))


def test_other_devices_are_not_seeded(cls, monkeypatch):
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    _pickled(make(cls).fit(*draw()))
    assert seeds == []


def test_random_state_none_follows_numpy(cls):
    X, y = draw()
    models = []
    for _ in range(2):
        np.random.seed(5)
        models.append(make(cls, random_state=None).fit(X, y))
    assert weights_equal(*models)
    assert not weights_equal(models[0], make(cls, random_state=None).fit(X, y))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_subset_invariance(cls, shape):
    X, y = draw(n=150, shape=shape)  # float32 beyond 128 rows
    model = make(cls).fit(X, y)
    for method in ("predict_proba", "decision_function", "predict_log_proba"):
        whole = getattr(model, method)(X)
        parts = [getattr(model, method)(X[i : i + 7]) for i in range(0, 150, 7)]
        assert_allclose(np.concatenate(parts), whole, atol=1e-7, rtol=1e-4)
        order = np.random.RandomState(0).permutation(150)
        assert_allclose(getattr(model, method)(X[order]), whole[order], atol=1e-7,
                        rtol=1e-4)  # fmt: skip


def test_predictions_do_not_depend_on_how_many_fit_in_memory(cls, monkeypatch):
    X, y = draw(n=30)
    model = make(cls).fit(X, y)
    expected = model.predict_proba(X)
    monkeypatch.setattr("sk_rnnimage._prediction.PIXELS_AT_ONCE", 7 * 64)
    assert_allclose(model.predict_proba(X), expected, atol=1e-12)


def test_feature_names(cls):
    X, y = draw()
    frame = pd.DataFrame(flat(X), columns=[f"p{i}" for i in range(64)])
    model = make(cls).fit(frame, y)
    assert_array_equal(model.feature_names_in_, frame.columns)
    model.predict(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(flat(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])
    model.fit(X, y)  # shaped images have none
    assert not hasattr(model, "feature_names_in_")
    model.predict(X)


def test_precision_follows_the_number_of_rows(cls):
    X, y = draw(n=140)
    for n, dtype in ((128, "float64"), (129, "float32")):
        for batch_size in (16, 512):
            model = make(cls, max_epochs=1, batch_size=batch_size).fit(X[:n], y[:n])
            kinds = {w.dtype for name, w in model.weights_.items()
                     if "standardize" not in name}  # fmt: skip
            assert kinds == {np.dtype(dtype)}
    weights = np.r_[np.ones(100), np.zeros(40)]  # 100 rows count
    model = make(cls, max_epochs=1).fit(X, y, sample_weight=weights)
    assert model.weights_["head.weight"].dtype == "float64"


def test_fitted_attributes(cls):
    X, y = draw()
    model = make(cls, max_epochs=4).fit(X, y)
    assert model.n_iter_ == len(model.history_) == model.best_epoch_ == 4
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4]
    assert model.loss_curve_ == [row["train_loss"] for row in model.history_]
    assert {type(value) for row in model.history_ for value in row.values()} <= {
        int, float,
    }  # fmt: skip
    for name in ("loss_curve_", "n_iter_"):
        assert not hasattr(make(cls), name)


# A wrong shape at predict


@pytest.mark.parametrize("wrong", [(8, 7), (7, 8), (8, 8, 3), (8, 8, 2)], ids=str)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function",
                                    "partial_fit"])  # fmt: skip
def test_wrong_height_width_or_channels(cls, wrong, method):
    X, y = draw()
    other, _ = draw(shape=wrong)
    model = make(cls).fit(X, y)
    arguments = (other, y) if method == "partial_fit" else (other,)
    way = "Resize or pad them first."
    if len(wrong) == 3:
        way = f"They have {wrong[2]} channel(s) for 1: convert them; files are read"
    sentence = (
        f"X holds images of shape {wrong}, but this {cls.__name__} was fitted on "
        f"(8, 8). {way}"
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        getattr(model, method)(*arguments)


def test_wrong_number_of_flat_pixels(cls):
    X, y = draw()
    model = make(cls).fit(X, y)
    sentence = f"X has 63 features, but {cls.__name__} is expecting 64 features"
    with pytest.raises(ValueError, match=sentence):
        model.predict(flat(X)[:, :63])


# Weights


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_weight_k_is_k_copies(cls, shape, dtype):
    X, y = draw(n=12, shape=shape, dtype=dtype)
    weights = np.arange(12) % 4
    copied = np.repeat(np.arange(12), weights)
    weighted = make(cls, max_epochs=10).fit(X, y, sample_weight=weights)
    repeated = make(cls, max_epochs=10).fit(X[copied], y[copied])
    assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7, rtol=1e-7
    )
    plain = make(cls, max_epochs=10).fit(X, y)
    assert np.abs(weighted.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


def test_weight_k_is_k_copies_with_defaults(cls):
    X, y = draw(n=10)
    weights = np.arange(10) % 3 + 1
    weighted = cls(random_state=0).fit(X, y, sample_weight=weights)
    repeated = cls(random_state=0).fit(X.repeat(weights, 0), y.repeat(weights))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size", [16, 128])
def test_weight_zero_is_absence(cls, batch_size, early_stopping):
    X, y = draw(n=150)
    weights = np.random.RandomState(0).randint(0, 3, 150).astype(float)
    kept = weights > 0
    settings = {"batch_size": batch_size, "early_stopping": early_stopping}
    with_zeros = make(cls, **settings).fit(X, y, sample_weight=weights)
    without = make(cls, **settings).fit(X[kept], y[kept], sample_weight=weights[kept])
    assert weights_equal(with_zeros, without)


@pytest.mark.parametrize("value", [1, 1.0, True])
@pytest.mark.parametrize("n", [24, 150])
def test_all_ones_is_none(cls, n, value):
    X, y = draw(n=n)
    settings = {"batch_size": 32, "early_stopping": n > 100}
    ones = make(cls, **settings).fit(X, y, sample_weight=np.full(n, value))
    assert weights_equal(ones, make(cls, **settings).fit(X, y))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_common_factor_of_the_weights_does_not_matter(cls, method):
    X, y = draw(n=30)
    weights = np.random.RandomState(0).randint(1, 5, 30)
    more = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    one, two = (
        getattr(make(cls), method)(X, y, sample_weight=weights * factor, **more)
        for factor in (1.0, 1e-3)
    )
    assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-310, 1e308])
def test_the_scale_of_the_weights_does_not_matter(cls, scale):
    X, y = draw()
    model = make(cls).fit(X, y)
    weighted = make(cls).fit(X, y, np.full(len(y), scale))
    by_class = make(cls, class_weight=dict.fromkeys(range(3), scale)).fit(X, y)
    assert weights_equal(model, weighted)
    assert weights_equal(model, by_class)


def test_labels_of_weight_zero_are_no_classes(cls):
    X, y = draw()
    model = make(cls).fit(X, y, sample_weight=(y != 1).astype(float))
    assert_array_equal(model.classes_, [0, 2])
    assert weights_equal(model, make(cls).fit(X[y != 1], y[y != 1]))


def test_balanced_counts_weights(cls):
    X, y = draw(n=30)
    weights = np.where(y == 0, 4.0, 1.0)
    balanced = make(cls, class_weight="balanced").fit(X, y, sample_weight=weights)
    # sum of weights / (classes * weight of the class): 60 / 120, 60 / 30, 60 / 30
    factors = np.array([0.5, 2, 2])
    by_hand = make(cls, class_weight=dict(enumerate(factors)))
    by_hand.fit(X, y, sample_weight=weights)
    assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-9)
    unit = make(cls).fit(X, y, sample_weight=np.ones(30) * 2)
    far = np.abs(unit.weights_["head.bias"] - balanced.weights_["head.bias"]).max()
    plain = make(cls).fit(X, y, sample_weight=weights)
    assert np.abs(
        plain.weights_["head.bias"] - balanced.weights_["head.bias"]
    ).max() > max(1e-4, 10 * far)


def test_balanced_equals_copies(cls):
    X, y = draw(n=12)
    weights = np.arange(12) % 3 + 1
    settings = {"class_weight": "balanced", "max_epochs": 8}
    weighted = make(cls, **settings).fit(X, y, sample_weight=weights)
    repeated = make(cls, **settings).fit(X.repeat(weights, 0), y.repeat(weights))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7)


def test_class_weight_by_label(cls):
    X, y = draw()
    names = np.array(["a", "b", "c"])[y]
    heavy = make(cls, class_weight={"b": 3.0}).fit(X, names)
    by_weight = make(cls).fit(X, names, sample_weight=np.where(names == "b", 3.0, 1))
    assert_array_equal(heavy.weights_["head.bias"].shape, (3,))
    # alike but for the standardisation, which counts images, not classes
    moments = [m.weights_["standardize.mean"] for m in (heavy, by_weight)]
    assert not np.array_equal(*moments)
    assert_allclose(moments[0], X.mean(), rtol=1e-6)


# Validation


def scores(model):
    return [
        (row["valid_loss"], row["valid_accuracy"]) for row in model.history_
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
def test_validation_images_are_scored(cls, shape):
    X, y = draw(n=40, shape=shape)
    X_val, y_val = draw(n=15, shape=shape, seed=1)
    model = make(cls).fit(X, y, X_val=X_val, y_val=y_val)
    unwatched = make(cls).fit(X, y)
    assert weights_equal(model, unwatched)  # watching changes nothing
    assert "valid_loss" not in unwatched.history_[0]
    proba = model.predict_proba(X_val)
    loss = -np.log(proba[np.arange(15), y_val]).mean()
    assert scores(model)[-1] == pytest.approx((loss, model.score(X_val, y_val)))
    losses = [loss for loss, _ in scores(model)]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))


def test_validation_images_may_be_flat(cls):
    X, y = draw(n=40, shape=(5, 8, 3))
    X_val, y_val = draw(n=15, shape=(5, 8, 3), seed=1)
    shaped = make(cls).fit(X, y, X_val=X_val, y_val=y_val)
    assert scores(make(cls).fit(X, y, X_val=flat(X_val), y_val=y_val)) == scores(shaped)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size", [7, 128])
def test_validation_weights_are_copies(cls, early_stopping, batch_size):
    X, y = draw(n=40)
    X_val, y_val = draw(n=15, seed=1)
    weights = np.arange(15) % 3
    settings = {"early_stopping": early_stopping, "batch_size": batch_size}
    weighted = make(cls, **settings).fit(
        X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights
    )
    repeated = make(cls, **settings).fit(
        X, y, X_val=X_val.repeat(weights, 0), y_val=y_val.repeat(weights)
    )
    plain = make(cls, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(scores(weighted), scores(repeated), rtol=1e-6)
    assert not np.allclose(scores(weighted), scores(plain), rtol=1e-4)


def test_early_stopping_on_given_images(cls):
    X, y = draw(n=60)
    X_val, y_val = draw(n=30, seed=1)
    y_val = np.random.RandomState(0).permutation(y_val)  # nothing to be learned of
    settings = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 50}
    model = make(cls, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    losses = [loss for loss, _ in scores(model)]
    assert model.n_iter_ < 50
    assert model.best_epoch_ == 1 + int(np.argmin(losses)) == model.n_iter_ - 3
    best_loss, best_accuracy = scores(model)[model.best_epoch_ - 1]
    assert model.score(X_val, y_val) == pytest.approx(best_accuracy)
    proba = model.predict_proba(X_val)
    loss = -np.log(proba[np.arange(30), y_val]).mean()
    assert loss == pytest.approx(best_loss)
    assert loss < losses[-1]


def test_early_stopping_on_a_held_out_fraction(cls):
    X, y = draw(n=60)
    y = np.random.RandomState(0).permutation(y)
    settings = {"early_stopping": True, "n_iter_no_change": 2, "max_epochs": 50}
    model = make(cls, validation_fraction=0.3, **settings).fit(X, y)
    losses = [loss for loss, _ in scores(model)]
    assert model.n_iter_ < 50
    assert model.best_epoch_ == 1 + int(np.argmin(losses)) == model.n_iter_ - 2
    for _, accuracy in scores(model):  # 18 of 60 images are held out
        assert accuracy * 18 == pytest.approx(round(accuracy * 18), abs=1e-6)


def test_nothing_is_held_out_without_early_stopping(cls):
    X, y = draw()
    assert weights_equal(make(cls, validation_fraction=0.5).fit(X, y),
                         make(cls, validation_fraction=0.1).fit(X, y))  # fmt: skip


# Going on


def test_warm_start_goes_on(cls):
    X, y = draw(n=40)
    model = make(cls, warm_start=True, max_epochs=5).fit(X, y)
    after_one = model.loss_curve_[-1]
    model.fit(X, y)
    assert model.n_iter_ == 10
    assert [row["epoch"] for row in model.history_] == list(range(1, 11))
    assert model.loss_curve_[5] < model.loss_curve_[0]
    assert model.loss_curve_[-1] < after_one
    model.set_params(warm_start=False).fit(X, y)
    assert model.n_iter_ == 5
    assert weights_equal(model, make(cls, max_epochs=5).fit(X, y))


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_dropout_may_change_where_training_goes_on(cls, way):
    X, y = draw(n=40)
    one = make(cls, warm_start=True).fit(X, y)
    other = copy.deepcopy(one).set_params(dropout=0.5)
    assert not weights_equal(getattr(one, way)(X, y), getattr(other, way)(X, y))


def test_warm_start_keeps_the_pixel_scaling(cls):
    X, y = draw(n=40)
    model = make(cls, warm_start=True).fit(X, y)
    mean = model.weights_["standardize.mean"].copy()
    model.fit(X // 2, y)
    assert_array_equal(model.weights_["standardize.mean"], mean)


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
@pytest.mark.parametrize("through", [lambda m: m, _pickled, _dumped])
@pytest.mark.parametrize("batch_size", [5, 128])
def test_pickling_between_partial_fits_changes_nothing(cls, shape, through, batch_size):
    X, y = draw(n=36, shape=shape)
    model, other = (make(cls, dropout=0.1, batch_size=batch_size) for _ in range(2))
    for part in np.split(np.arange(36), 4):
        model.partial_fit(X[part], y[part], classes=[0, 1, 2])
        other = through(other).partial_fit(X[part], y[part], classes=[0, 1, 2])
    assert weights_equal(model, other)
    assert model.n_iter_ == 4


def _loop(network, batches, learning_rate, weight_decay):
    """A plain torch loop: AdamW at a constant rate, gradients clipped to norm 1."""
    named = list(network.named_parameters())
    plain = [p for name, p in named if "bias" not in name]
    biases = [p for name, p in named if "bias" in name]
    optimizer = torch.optim.AdamW(
        [{"params": plain}, {"params": biases, "weight_decay": 0.0}],
        lr=learning_rate,
        betas=(0.9, 0.98),
        weight_decay=weight_decay,
    )
    network.train()
    for X, y in batches:
        optimizer.zero_grad()
        images = torch.from_numpy(X.astype(np.float32))
        logits = network(images.unsqueeze(3) if X.ndim == 3 else images)
        torch.nn.functional.cross_entropy(
            logits, torch.from_numpy(y), label_smoothing=LABEL_SMOOTHING
        ).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
def test_partial_fits_equal_one_loop(cls, shape):
    X, y = draw(n=40, shape=shape)
    model = make(cls, learning_rate=0.02, weight_decay=0.1).fit(X, y)
    network = copy.deepcopy(model._network())
    parts = np.split(np.random.RandomState(0).permutation(40), 5) * 2
    _loop(network, [(X[part], y[part]) for part in parts], 0.02, 0.1)
    for part in parts:
        model.partial_fit(X[part], y[part])
    for name, weight in network.state_dict().items():
        assert_allclose(model.weights_[name], weight.numpy(), atol=1e-9, rtol=1e-9)


def test_partial_fit_keeps_the_first_scaling_and_classes(cls):
    X, y = draw(n=40)
    model = make(cls).partial_fit(X[:20], y[:20] % 2, classes=[0, 1, 2])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert_allclose(model.weights_["standardize.mean"], X[:20].mean(), rtol=1e-6)
    model.partial_fit(X[20:] // 3, y[20:])
    assert_allclose(model.weights_["standardize.mean"], X[:20].mean(), rtol=1e-6)
    assert_array_equal(model.classes_, [0, 1, 2])


def test_partial_fit_learns(cls):
    X, y = draw(n=60)
    model = make(cls, learning_rate=0.02)
    for _ in range(40):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.score(X, y) > 0.9


# What is printed, and callbacks


def test_silent_by_default(cls, capfd):
    X, y = draw(n=40)
    make(cls, early_stopping=True, n_iter_no_change=1, max_epochs=9).fit(X, y)
    make(cls).partial_fit(X, y, classes=[0, 1, 2]).predict(X)
    assert capfd.readouterr() == ("", "")


def test_verbose_writes_a_line_an_epoch(cls, capfd):
    X, y = draw(n=40)
    make(cls, verbose=1, max_epochs=3).fit(X, y, X_val=X, y_val=y)
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert [line[0] for line in lines if line and line[0].isdigit()] == ["1", "2", "3"]


class Recorder(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(net.history[-1]["train_loss"])


def test_callbacks_see_each_epoch(cls):
    X, y = draw()
    recorder = Recorder()
    model = make(cls, callbacks=[recorder]).fit(X, y)
    assert recorder.seen == model.loss_curve_
    assert weights_equal(model, make(cls).fit(X, y))


def test_a_stop_by_skorch_ends_the_fit(cls):
    X, y = draw(n=40)
    stop = EarlyStopping("train_loss", patience=2, threshold=10.0,
                         threshold_mode="abs", sink=lambda line: None)  # fmt: skip
    model = make(cls, max_epochs=30, callbacks=[stop]).fit(X, y)
    assert 1 < model.n_iter_ < 6
    assert all("train_loss" in row and "duration" in row for row in model.history_)
    model.predict(X)


class Interrupt(Callback):
    """A user at the keyboard, at one of the moments that a callback sees."""

    def __init__(self, moment, epoch=2):
        self.moment, self.epoch = moment, epoch

    def initialize(self):
        setattr(self, self.moment, self._strike)

    def _strike(self, net, **kwargs):
        if len(net.history) >= self.epoch:
            raise KeyboardInterrupt


MOMENTS = ["on_epoch_begin", "on_batch_begin", "on_grad_computed", "on_batch_end",
           "on_epoch_end"]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_reaches_the_caller(cls, moment):
    X, y = draw(n=40)
    with pytest.raises(KeyboardInterrupt):
        make(cls, callbacks=[Interrupt(moment)]).fit(X, y)
    stop = EarlyStopping("train_loss", patience=9, sink=lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        make(cls, callbacks=[stop, Interrupt(moment)]).fit(X, y)


@pytest.mark.parametrize("way", ["fit", "warm fit", "partial_fit"])
def test_ctrl_c_leaves_the_estimator_as_it_was(cls, way):
    X, y = draw(n=40)
    model = make(cls, warm_start=way == "warm fit").fit(X, y)
    before, expected = _pickled(model), model.predict_proba(X)
    model.set_params(callbacks=[Interrupt("on_batch_end", epoch=1)], batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, way.split()[-1])(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    assert weights_equal(model, before)
    assert model.history_ == before.history_
    unfitted = make(cls, callbacks=[Interrupt("on_batch_end")])
    names = set(vars(unfitted))
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, y)
    assert set(vars(unfitted)) == names


def test_earlier_weights_are_not_written_over(cls):
    X, y = draw(n=40)
    model = make(cls).fit(X, y)
    held = model.weights_["head.weight"]
    values = held.copy()
    model.partial_fit(X, y)
    assert_array_equal(held, values)
    assert not np.array_equal(model.weights_["head.weight"], values)
