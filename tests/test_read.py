"""From X, y and weights to sets: what counts, what is held out, what it weighs."""

import re

import numpy as np
import pytest
from conftest import draw, draw_unequal, make_settings
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._base import Recipe
from sk_rnnimage._data.read import held_out, read_sets
from sk_rnnimage._data.targets import Classes


def recipe(class_weight=None, goes_on=False, reader=None, **training):
    """What read_sets looks at of a recipe; nothing is held out."""
    target = Classes("Name", class_weight)
    reader = reader or RNNImageClassifier()
    return Recipe(
        reader, target, {}, make_settings(**training), goes_on, (False, False)
    )


def pixels(data):
    """The images of a set, each as an array."""
    return [
        part[0]
        for i in range(len(data))
        for _, part in data.images.parts(np.array([i]))
    ]


def assert_sets_equal(one, other):
    for image, expected in zip(pixels(one), pixels(other), strict=True):
        assert_array_equal(image, expected)
    assert_array_equal(one.codes, other.codes)
    assert_array_equal(one.weights, other.weights)
    for part, expected in zip(one.target, other.target, strict=True):
        assert_array_equal(part, expected)


# Rows of weight 0


@pytest.mark.parametrize("listed", [False, True])
def test_rows_of_weight_zero_are_absent(listed):
    X, y = draw(n=12)
    X = list(X) if listed else X
    if listed:  # the largest, and the only one of its class
        X[5] = np.zeros((40, 30), np.uint8)
    y[5] = 9
    weights = np.random.RandomState(0).rand(12)
    weights[[2, 5]] = 0
    kept = np.flatnonzero(weights)
    with_zeros, without = recipe(), recipe()
    found, _ = read_sets(with_zeros, X, y, weights)
    X = [X[i] for i in kept] if listed else X[kept]
    expected, _ = read_sets(without, X, y[kept], weights[kept])
    assert_sets_equal(found, expected)
    assert with_zeros.reader.image_shape_ == without.reader.image_shape_ == (8, 8)
    assert with_zeros.reader.n_features_in_ == 64
    assert_array_equal(with_zeros.target.classes, [0, 1, 2])


def test_the_declared_shape_stays_whatever_counts():
    X, y = draw_unequal(n=6, sides=(4, 9))
    one = recipe(reader=RNNImageClassifier(image_shape=(12, 20)))
    read_sets(one, X, y, np.arange(6) % 2)
    assert one.reader.image_shape_ == (12, 20)


def test_what_was_fitted_is_not_learned_again():
    X, y = draw()
    fitted = recipe()
    read_sets(fitted, X, y, None)
    later = recipe(reader=fitted.reader, goes_on=True)
    data, _ = read_sets(later, [x[:5, :6] for x in X], y, None)
    assert fitted.reader.image_shape_ == (8, 8)
    assert data.images.image_shape == (5, 6, 1)


# Validation sets


def test_half_a_validation_set_is_refused():
    X, y = draw()
    sentence = "X_val and y_val must be passed together."
    for half in ({"X_val": X}, {"y_val": y}):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            read_sets(recipe(patience=2), X, y, None, **half)
    sentence = "sample_weight_val needs X_val and y_val."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_sets(recipe(patience=2), X, y, None, sample_weight_val=np.ones(24))


def test_nothing_is_held_out_where_training_does_not_stop_on_it():
    X, y = draw()
    data, valid = read_sets(recipe(patience=None), X, y, None)
    assert valid is None
    assert len(data) == 24


def test_nothing_is_held_out_where_validation_images_are_given():
    X, y = draw()
    X_val, y_val = draw(n=9, seed=1)
    weights = np.arange(9)
    given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weights}
    data, valid = read_sets(recipe(patience=2), X, y, None, **given)
    assert_sets_equal(data, read_sets(recipe(), X, y, None)[0])
    assert_sets_equal(valid, read_sets(recipe(), X_val, y_val, weights)[0])
    assert len(valid) == 8  # one weighs nothing


@pytest.mark.parametrize("unequal", [False, True])
def test_what_is_held_out_is_split_off(unequal):
    n = 30
    X, y = draw_unequal(n=n) if unequal else draw(n=n)
    for i, image in enumerate(X):
        image.flat[0] = i
    weights = np.random.RandomState(0).rand(n) + 0.1
    one = recipe(patience=2, validation_fraction=0.2, seed=5)
    data, valid = held_out(one, *read_sets(one, X, y, weights))
    train_rows, valid_rows = (
        [int(image.flat[0]) for image in pixels(part)] for part in (data, valid)
    )
    for part, rows in zip((train_rows, valid_rows), one.target.split(y, 0.2, seed=5)):
        assert_array_equal(part, rows)
    assert sorted(train_rows + valid_rows) == list(range(n))
    assert_array_equal(np.bincount(valid.codes), [2, 2, 2])
    assert_array_equal(valid.codes, y[valid_rows])
    assert_array_equal(valid.weights, weights[valid_rows] / weights.max())
    other = recipe(patience=2, validation_fraction=0.2, seed=6)
    _, another = held_out(other, *read_sets(other, X, y, weights))
    assert [int(image.flat[0]) for image in pixels(another)] != valid_rows


# What a row weighs in the loss


def mean_one(weights):
    return weights / weights.mean()


def test_class_weights_count_in_the_training_loss_alone():
    X, y = draw()
    weights = np.random.RandomState(0).rand(24) + 0.1
    given = {"X_val": X, "y_val": y, "sample_weight_val": weights}
    one = recipe(class_weight={0: 2.0, 2: 0.5})
    data, valid = held_out(one, *read_sets(one, X, y, weights, **given))
    factors = np.array([2, 1, 0.5])[y]
    assert_allclose(data.target[1], mean_one(weights * factors))
    assert_allclose(valid.target[1], mean_one(weights))
    assert_allclose(data.weights, weights / weights.max())  # of the pixels' moments


def test_classes_are_balanced_over_what_is_trained_on():
    X, y = draw(n=40, n_classes=2)
    y[:16] = 0  # 28 of 40
    one = recipe(class_weight="balanced", patience=2, validation_fraction=0.3)
    data, valid = held_out(one, *read_sets(one, X, y, None))
    totals = np.bincount(data.codes, data.target[1])
    assert totals[0] == pytest.approx(totals[1])
    assert_array_equal(valid.target[1], np.ones(len(valid)))
