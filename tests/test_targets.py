"""The target of a classifier: checked, encoded, split, weighed, decoded."""

import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data.targets import LABEL_SMOOTHING, Classes


def test_encode_learns_the_classes_once():
    target = Classes("Name", None)
    codes = target.encode(np.array(["b", "a", "b"]))
    assert_array_equal(codes, [1, 0, 1])
    assert_array_equal(target.classes, ["a", "b"])
    assert target.n_outputs == 2
    assert target.learned() == {"classes_": target.classes}
    assert_array_equal(target.encode(np.array(["b"])), [1])
    message = "y holds the label 'c', which is not among the classes ['a', 'b']."
    with pytest.raises(ValueError, match=re.escape(message)):
        target.encode(np.array(["c"]))


def test_decode_undoes_encode():
    y = np.array([7, 3, 3, 9])
    target = Classes("Name", None)
    logits = np.eye(3)[target.encode(y)]
    assert_array_equal(target.decode(logits), y)


def test_other_classes_are_refused_where_training_goes_on():
    target = Classes("Name", None, expected=np.array([0, 1]))
    message = "only with the classes of the last fit, [0, 1]. Got [0, 2] in y."
    with pytest.raises(ValueError, match=re.escape(message)):
        target.encode(np.array([0, 2]))


def test_split_is_stratified_and_seeded():
    codes = np.repeat([0, 1, 2], [60, 30, 10])
    target = Classes("Name", None)
    train, valid = target.split(codes, 0.1, seed=3)
    assert_array_equal(np.bincount(codes[valid]), [6, 3, 1])
    assert_array_equal(np.sort(np.r_[train, valid]), np.arange(100))
    assert (np.diff(train) > 0).all() and (np.diff(valid) > 0).all()
    again, other = (target.split(codes, 0.1, seed)[1] for seed in (3, 4))
    assert_array_equal(again, valid)
    assert not np.array_equal(other, valid)


@pytest.mark.parametrize(
    ("counts", "fraction"), [([9, 1], 0.5), ([20, 20], 0.01), ([3, 2], 0.9)]
)
def test_split_refuses_a_side_without_a_class(counts, fraction):
    codes = np.repeat([0, 1], counts)
    with pytest.raises(ValueError, match="too few to have each of the 2 classes"):
        Classes("Name", None).split(codes, fraction, 0)


def test_loss_weights():
    codes, weights = np.array([0, 0, 1, 1, 1]), np.array([1.0, 1, 1, 1, 2])

    def weighed(class_weight):
        target = Classes("Name", class_weight, np.array(["a", "b"]))
        return target.loss_weights(codes, weights)

    assert weighed(None) is weights
    balanced = weighed("balanced")
    assert balanced[:2].sum() == pytest.approx(balanced[2:].sum())
    given = weighed({"b": 4.0})
    assert_allclose(given / given[0], [1, 1, 4, 4, 8])
    equal = weighed({"a": 0.3, "b": 0.3})
    assert_array_equal(equal, weights)  # by construction, not by rounding


def test_the_criterion_is_a_weighted_cross_entropy():
    criterion = Classes.criterion()
    logits = torch.tensor([[2.0, 0.0], [0.5, 1.0]], dtype=torch.float64)
    codes, weights = torch.tensor([0, 0]), torch.tensor([1.0, 3.0])
    losses = -logits.log_softmax(1)
    expected = (losses[:, 0] * weights).mean()
    assert criterion.eval()(logits, (codes, weights)).item() == pytest.approx(
        expected.item()
    )
    smooth = (1 - LABEL_SMOOTHING) * losses[:, 0] + LABEL_SMOOTHING * losses.mean(1)
    expected = (smooth * weights).mean()
    assert criterion.train()(logits, (codes, weights)).item() == pytest.approx(
        expected.item()
    )


def test_the_score_counts_correct_predictions():
    name, score = Classes.score
    assert name == "accuracy"
    logits = torch.tensor([[2.0, 0.0], [0.5, 1.0], [0.0, 3.0]])
    assert score(logits, torch.tensor([0, 0, 1])).tolist() == [True, False, True]
