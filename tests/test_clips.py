"""Clips, read frame by frame: what counts as one, and what must be equal."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import CLASSIFIERS, draw_clips, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
)
from sk_rnnimage._data.augmentation import AUGMENTATIONS, augmented, shifted
from sk_rnnimage.images.clips import check_clips, resampled
from sk_rnnimage.images.orders import evenly
from sk_rnnimage.networks.pooling import POOLINGS

CELLS = ["lstm", "gru", "rnn", "irnn", "peephole", "mingru", "lru", "lmu"]


def stacked(X, n_frames=2):
    return np.stack([clip[:n_frames] for clip in X])


def fitted(cls, X, y, **parameters):
    return make(cls, scan="frames", **parameters).fit(X, y)


# What counts as clips


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("frame", [(4, 5), (4, 5, 1), (4, 5, 3)], ids=str)
def test_flat_and_shaped_clips_are_the_same_to_the_bit(cls, frame):
    X, y = draw_clips(frame=frame)
    X = stacked(X)
    flat, shape = X.reshape(len(X), -1), X.shape[1:]
    wanted = fitted(cls, X, y)
    assert wanted.n_features_in_ == np.prod(shape)
    assert wanted.image_shape_ == (shape if frame[2:] == (3,) else shape[:3])
    readonly = np.asfortranarray(X)
    readonly.flags.writeable = False
    model = fitted(cls, flat, y, image_shape=shape)
    layouts = [X, flat, pd.DataFrame(flat), torch.tensor(X), readonly, list(X)]
    for given in layouts:
        names = isinstance(given, pd.DataFrame)
        one = fitted(cls, given, y, image_shape=shape) if names else model
        assert_array_equal(one.predict_proba(given), wanted.predict_proba(X))
    assert weights_equal(model, wanted)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_flat_clips_without_a_shape_are_one_frame_of_one_row(cls):
    X, y = draw_clips(frame=(3, 5))
    flat = stacked(X).reshape(len(X), -1)  # 30 columns: no warning
    model = fitted(cls, flat, y)
    assert model.image_shape_ == (1, 1, 30)
    one_row = flat[:, None, None]
    assert_array_equal(model.predict_proba(flat), model.predict_proba(one_row))
    many = np.hstack([flat, flat])
    expected = "do not tell how many frames there are, nor of which size"
    with pytest.warns(UserWarning, match=expected):
        fitted(cls, many, y)


def test_clips_are_checked_without_a_copy():
    X, _ = draw_clips()
    array = stacked(X)
    images = check_clips(ImageToSequence("frames"), array, reset=True)
    assert np.shares_memory(images.array, array)
    assert images.array.shape == (18, 2 * 4, 5, 1)
    assert images.frame_height == 4
    assert images.item_shape == (2, 4, 5, 1)
    assert images.dtype == np.uint8


def test_the_shape_is_that_of_the_longest_clip_that_counts():
    X, y = draw_clips(lengths=(2, 5))
    X[0] = np.concatenate([X[0]] * 5)
    most = max(len(clip) for clip in X[1:])
    model = make(RNNImageClassifier, scan="frames")
    weights = np.r_[0, np.ones(len(X) - 1)]
    model.fit(X, y, weights)
    assert model.image_shape_ == (most, 4, 5)
    declared = fitted(RNNImageClassifier, X, y, image_shape=(40, 4, 5))
    assert declared.image_shape_ == (40, 4, 5)
    assert declared.n_features_in_ == 40 * 4 * 5


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_clips_of_any_length_are_predicted(cls):
    X, y = draw_clips(lengths=(2, 4))
    model = fitted(cls, X, y)
    longer = [np.concatenate([clip, clip, clip]) for clip in X]
    together = model.predict_proba(longer)
    alone = [model.predict_proba(clip[None])[0] for clip in longer]
    assert_allclose(together, alone, rtol=0, atol=1e-6)


# Equal by construction


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", [*CELLS, None])
def test_padding_changes_nothing(cls, cell, pooling):
    X, y = draw_clips()
    parameters = {"hidden_size": (8, 4), "max_epochs": 1, "learning_rate": 0.1}
    model = fitted(cls, X, y, cell=cell, pooling=pooling, **parameters)
    alone = [model.predict_proba(clip[None])[0] for clip in X]
    assert_allclose(model.predict_proba(X), alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_batch_of_unequal_clips_has_the_gradients_of_its_clips(cls):
    """One batch of equal weight: its loss is the mean of the losses of the clips."""
    X, y = draw_clips(n=6)
    model = fitted(cls, X, y, max_epochs=1)
    network = model.module_.train().double()
    codes = torch.as_tensor(y)
    images = check_clips(model, X)
    tall = [torch.as_tensor(image[None]) for image in images.images]
    losses = [
        torch.nn.functional.cross_entropy(network(x), codes[i : i + 1])
        for i, x in enumerate(tall)
    ]
    wanted = torch.autograd.grad(sum(losses) / len(losses), network.parameters())
    height = max(x.shape[1] for x in tall)
    x = torch.full((len(X), height, *tall[0].shape[2:]), 200, dtype=torch.uint8)
    for row, clip in zip(x, tall):
        row[: clip.shape[1]] = clip[0]
    logits = network(x, torch.as_tensor(images.sizes))
    loss = torch.nn.functional.cross_entropy(logits, codes)
    found = torch.autograd.grad(loss, network.parameters())
    for one, other in zip(found, wanted):
        assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_weight_of_two_is_two_copies_and_of_zero_is_none(cls):
    X, y = draw_clips()
    X = stacked(X)  # one mini-batch
    weights = np.ones(len(X))
    weights[[1, 4]], weights[7] = 2, 0
    one = make(cls, scan="frames").fit(X, y, weights)
    rows = np.repeat(np.arange(len(X)), weights.astype(int))
    other = make(cls, scan="frames").fit(X[rows], y[rows])
    assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=0, atol=1e-7)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_missing_frame_is_left_out(cls):
    X, y = draw_clips(dtype=np.float32)
    gaps = [np.insert(clip, [0, 1, 1], np.nan, axis=0) for clip in X]
    model, other = fitted(cls, X, y), fitted(cls, gaps, y)
    assert weights_equal(model, other)
    assert other.image_shape_ == model.image_shape_
    assert_array_equal(model.predict_proba(gaps), model.predict_proba(X))
    stages, full = (list(model.staged_predict_proba(Z)) for Z in (gaps, X))
    assert len(stages) == len(full) + 3
    assert_array_equal(stages[0], np.full((len(X), 3), 1 / 3))
    for k, stage in zip([0, 0, 0, 1], stages[1:]):
        assert_allclose(stage, full[k], rtol=0, atol=1e-6)
    assert_array_equal(stages[-1], model.predict_proba(X))


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_missing_pixels_of_a_frame_are_read_as_in_images(cls):
    X, y = draw_clips(dtype=np.float32)
    X[0][1, 2, 3] = np.nan
    model = fitted(cls, X, y)
    assert model._fitted_recipe["missing"]
    assert np.isfinite(model.predict_proba(X)).all()


# Augmentation and views


@pytest.mark.parametrize("augment", ["shift", "affine", "flip"])
def test_all_frames_of_a_clip_are_changed_alike(augment):
    frame = np.random.RandomState(0).randint(0, 255, (9, 8, 3))
    X = np.repeat(frame[None, None], 4, axis=1)  # (1, T, H, W, C), alike
    images = torch.as_tensor(X.reshape(1, -1, 8, 3), dtype=torch.float32)
    generator = torch.Generator().manual_seed(3)
    out = augmented(images, AUGMENTATIONS[augment], generator, frame_height=9)
    frames = out.view(4, 9, 8, 3)
    assert (frames == frames[:1]).all()
    assert (frames != images.view(4, 9, 8, 3)).any()


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_callable_takes_frames_and_channels(cls):
    X, y = draw_clips(frame=(4, 5, 3))
    X = stacked(X)
    shapes = set()

    def nothing(clips, generator):
        shapes.add(tuple(clips.shape[1:]))
        frames = clips[0].permute(0, 2, 3, 1).to(torch.uint8).numpy()
        assert any((frames == clip).all() for clip in X)
        return clips

    one = fitted(cls, X, y, augment=nothing)
    assert shapes == {(2, 3, 4, 5)}
    assert weights_equal(one, fitted(cls, X, y, augment=None))
    with pytest.raises(ValueError, match=re.escape("(B, T, C, H, W). It got")):
        fitted(cls, X, y, augment=lambda clips, generator: clips[:, 0])


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_views_move_each_frame(cls):
    X, y = draw_clips()
    X = stacked(X)
    model = fitted(cls, X, y)
    x = torch.as_tensor(X)
    ones, zeros = torch.ones(len(x), dtype=int), torch.zeros(len(x), dtype=int)
    moved = shifted(x, zeros, ones).numpy()
    wanted = (model.decision_function(X) + model.decision_function(moved)) / 2
    model.set_params(n_views=2)
    assert_allclose(model.decision_function(X), wanted, rtol=1e-6)


# The rest of the contract


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_tools_take_lists_of_clips(cls):
    X, y = draw_clips(n=24)
    assert len(cross_val_score(make(cls, scan="frames"), X, y, cv=2)) == 2
    search = GridSearchCV(make(cls, scan="frames"), {"cell": ["gru", None]}, cv=2)
    model = search.fit(X, y).best_estimator_
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_partial_fit_goes_on_with_longer_clips(cls):
    X, y = draw_clips(lengths=(2, 3))
    model = make(cls, scan="frames").partial_fit(X, y, classes=[0, 1, 2])
    assert model.image_shape_ == (3, 4, 5)
    longer, _ = draw_clips(lengths=(5, 6))
    model.partial_fit(longer, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_early_stopping_and_validation_take_clips(cls):
    X, y = draw_clips(n=36)
    model = fitted(cls, X, y, early_stopping=True, n_iter_no_change=1)
    assert "valid_loss" in model.history_[0]
    model = make(cls, scan="frames").fit(X, y, X_val=X[:9], y_val=y[:9])
    assert "valid_accuracy" in model.history_[0]


def test_attention_weights_are_those_of_frames():
    X, y = draw_clips()
    model = fitted(CRNNImageClassifier, X, y, pooling="attention")
    weights = model.attention_weights(X)
    assert weights.shape == (len(X), max(map(len, X)))
    for clip, row in zip(X, weights):
        assert_allclose(row.sum(), 1, atol=1e-6)
        assert not row[len(clip) :].any()


def test_a_network_on_frames_knows_their_order():
    X, y = draw_clips(n=240, lengths=(4, 7))
    settings = {"max_epochs": 40, "hidden_size": 16, "random_state": 0}
    model = CRNNImageClassifier(scan="frames", filters=8, **settings).fit(X, y)
    X_test, y_test = draw_clips(n=120, lengths=(4, 7), seed=1)
    assert model.score(X_test, y_test) > 0.9
    control = CRNNImageClassifier(scan="frames", filters=8, cell=None, **settings)
    assert control.fit(X, y).score(X_test, y_test) < model.score(X_test, y_test)


# Bad input

CLIPS, LABELS = draw_clips()
BAD = {
    "images": (
        np.zeros((18, 4, 5)),
        "must hold clips: flat (n, T*H*W*C), grey (n, T, H, W) or with channels (n, T, "
        "H, W, C). Got an array of shape (18, 4, 5): read images, or sequences (n, T, "
        "F), with scan='rows'; one clip is X[None], and images of one frame each are "
        "X[:, None].",
    ),
    "six dimensions": (np.zeros((18, 2, 2, 2, 2, 2)), "of shape (18, 2, 2, 2, 2, 2)."),
    "no frames": (np.zeros((18, 0, 4, 5)), "X holds clips without frames"),
    "an empty item": (
        [*CLIPS[:-1], CLIPS[0][:0]],
        "X[17] is a clip without frames: its shape is (0, 4, 5). Leave it out.",
    ),
    "images in a list": (
        [clip[0] for clip in CLIPS],
        "X[0] has shape (4, 5), which is no clip: with scan='frames' each item must be "
        "(T, H, W) or (T, H, W, C).",
    ),
    "mixed channels": (
        [*CLIPS[:-1], np.zeros((3, 4, 5, 3))],
        "All clips of X must be grey (T, H, W), or have the same number of channels",
    ),
    "frames of unequal size": (
        [*CLIPS[:-1], np.zeros((3, 4, 6))],
        "Those of X[0] are 4 x 5, those of X[17] are 4 x 6. Resize them, for instance "
        "with ClipReader(size=(height, width)).",
    ),
    "all frames missing": (
        [*CLIPS[:-1], np.full((3, 4, 5), np.nan)],
        "All pixels of X[17] are missing (NaN). Leave that clip out.",
    ),
    "channels before the sides": (
        np.zeros((18, 2, 3, 8, 9)),
        "pass np.moveaxis(X, 2, -1)",
    ),
    "paths": (["a.gif"] * 18, "For paths to clip files, put a ClipReader in front"),
    "one path": ("a.gif", "pass a list of them to a ClipReader in front"),
    "a ragged list": ([[[[1, 2], [3]]]] * 18, "Pass each clip as an array of shape"),
}


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("X, sentence", BAD.values(), ids=BAD)
def test_no_clips(cls, X, sentence):
    with pytest.raises((ValueError, TypeError)) as caught:
        make(cls, scan="frames").fit(X, LABELS)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_clips_with_another_scan(cls):
    with pytest.raises(ValueError, match=re.escape("are read with scan='frames'.")):
        make(cls).fit(np.zeros((6, 2, 4, 5, 3)), np.arange(6) % 2)


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize(
    "parameters, sentence",
    [
        ({"scan": ("frames", "rows")}, "goes with no other scan"),
        ({"scan": ("frames",)}, "pass 'frames' alone"),
        ({"patch_size": 2}, "patch_size must be None with scan='frames'"),
        ({"image_shape": (4, 5)}, "image_shape must be None, (frames, height, width)"),
        ({"image_shape": (1, 4, 5)}, "frames, more than the 1 that image_shape="),
        ({"image_shape": (9, 4, 6)}, "X holds frames of shape (4, 5), but image_shape"),
    ],
    ids=str,
)
def test_bad_parameters(cls, parameters, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, **({"scan": "frames"} | parameters)).fit(CLIPS, LABELS)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_later_clips_must_fit(cls):
    model = fitted(cls, CLIPS, LABELS)
    colour = np.zeros((2, 3, 4, 5, 3))
    expected = "X holds frames of shape (4, 5, 3), but this "
    with pytest.raises(ValueError, match=re.escape(expected)):
        model.predict(colour)
    control = fitted(cls, CLIPS, LABELS, cell=None)
    most = control.image_shape_[0]
    expected = f"X[0] has {most + 1} frames, more than the {most} that cell=None"
    with pytest.raises(ValueError, match=re.escape(expected)):
        control.predict([np.zeros((most + 1, 4, 5))])
    in_colour = fitted(cls, [c[..., None].repeat(3, -1) for c in CLIPS], LABELS)
    with pytest.raises(ValueError, match=re.escape("For one clip pass X[None].")):
        in_colour.predict(np.zeros((2, 4, 5, 3)))
    with pytest.raises(ValueError, match="scan='rows' does not go with the"):
        model.set_params(warm_start=True, scan="rows").fit(np.zeros((6, 4, 5)), [0] * 6)


# The transformer and the classic classifiers


@pytest.mark.parametrize("frame", [(4, 5), (4, 5, 1), (4, 5, 3)], ids=str)
def test_frames_as_sequences_and_exactly_back(frame):
    X = stacked(draw_clips(frame=frame)[0])
    reader = ImageToSequence("frames").fit(X)
    sequences = reader.transform(X)
    assert_array_equal(sequences, X.reshape(len(X), 2, -1))
    assert (reader.n_steps_, reader.step_size_) == (2, np.prod(frame))
    back = reader.inverse_transform(sequences)
    assert back.dtype == X.dtype
    assert_array_equal(back, X)
    flat = X.reshape(len(X), -1)
    reader = ImageToSequence("frames", image_shape=X.shape[1:]).fit(flat)
    assert_array_equal(reader.transform(flat), sequences)
    assert_array_equal(reader.inverse_transform(sequences), flat)
    assert_array_equal(ImageToSequence("frames").fit_transform(list(X)), sequences)


def test_a_transformer_needs_clips_of_one_length():
    expected = "ImageToSequence needs clips of one length, here 7 frames. X["
    with pytest.raises(ValueError, match=re.escape(expected)):
        ImageToSequence("frames").fit(CLIPS)
    with pytest.raises(ValueError, match="patch_size must be None"):
        ImageToSequence("frames", patch_size=2).fit(stacked(CLIPS))


def test_frames_are_picked_evenly():
    assert_array_equal(evenly(5, 3), [0, 2, 4])
    assert_array_equal(evenly(2, 4), [0, 0, 1, 1])
    assert_array_equal(evenly(7, 1), [3])
    X, _ = draw_clips(frame=(4, 5, 3), dtype=np.float32)
    X[0] = np.insert(X[0], 1, np.nan, axis=0)
    images = resampled(check_clips(ImageToSequence("frames"), X, reset=True), 3)
    X[0] = np.delete(X[0], 1, axis=0)
    wanted = [clip[evenly(len(clip), 3)].reshape(12, 5, 3) for clip in X]
    assert_array_equal(images.array, wanted)


def test_no_clips_at_all():
    model = ImageToSequence("frames").fit(np.ones((2, 3, 4, 5)))
    for none in (np.ones((0, 3, 4, 5)), np.ones((0, 3, 4, 5, 1)), np.ones((0, 60))):
        with pytest.raises(ValueError, match="^X is empty: at least one clip is need"):
            model.transform(none)


def test_classic_classifiers_take_clips():
    X, y = draw_clips(n=36)
    for name, classifier in classic_classifiers(0, n_frames=3).items():
        if name in ("SVC", "Random forest"):
            probabilities = classifier.fit(X, y).predict(X)
            assert probabilities.shape == y.shape
    for wrong in (0, 2.5, True, 10_001):
        with pytest.raises(ValueError, match="n_frames must be None or a whole number"):
            classic_classifiers(n_frames=wrong)
