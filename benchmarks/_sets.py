"""The image sets of the suite: where they come from, and how they are split."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from _tools import cifar10, hands, mnist, need
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split

from sk_rnnimage import ImageReader


def digits():
    """Load the digits of 8 x 8; a stratified third is the test part."""
    X, y = load_digits(return_X_y=True)
    return split_off(597, X.reshape(-1, 8, 8), y)


def photographs_of_hands():
    """Load the photographs of hands; a stratified third is the test part."""
    return split_off(1 / 3, *hands())


def split_off(size, X, y):
    """Split off a stratified test part: X_train, y_train, X_test, y_test."""
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=size, stratify=y, random_state=0
    )
    return X, y, X_test, y_test


def hand_movements():
    """Load the radar images of hand movements; another person's are the test part."""
    with np.load(need("hand_movements.npz")) as arrays:
        return tuple(arrays[k] for k in ("X_train", "y_train", "X_test", "y_test"))


def blood_cells():
    """Load the white blood cells at 64 x 64, (B, 64, 64, 3), and their classes."""
    with np.load(need("blood_cells.npz")) as arrays:
        labels = arrays["labels"]
        files = [arrays[f"i{i + 1:03d}"].tobytes() for i in range(len(labels))]
    return ImageReader((64, 64), mode="RGB").fit_transform(files), labels


SWIPES_MOST = 105  # frames of the longest


def hand_swipes():
    """Load the swipes over 3 x 3 light sensors: clips, labels, light, distance."""
    X, labels, conditions = load_clips("hand_swipes.npz", "labels", "conditions")
    light, distance, _ = np.transpose([name.split("_") for name in conditions])
    light = np.char.replace(light, "Brightness", "")
    return [clip.astype(np.float32) for clip in X], labels, light, distance


def each_sensor(clip):
    """Give each sensor's values in a clip (T, H, W) mean 0 and standard deviation 1."""
    return (clip - clip.mean(axis=0)) / (clip.std(axis=0) + 1e-3)


def saturated(clip, share):
    """Show a swipe (T, H, W) as in brighter light, where the sensors reach their end.

    Values are cut off at a share of the largest, and frames in which no sensor is below
    95 % of its largest go, but for two before and three after the movement.
    """
    most = share * clip.max()
    clip = np.minimum(clip, most)
    moving = np.flatnonzero((clip < 0.95 * clip.max(axis=0)).any(axis=(1, 2)))
    if len(moving):
        clip = clip[max(0, moving[0] - 2) : moving[-1] + 4]
    return clip


def another_figure(clips, generator):
    """Mix the colours of clips (B, T, C, H, W) at random, and mirror half of them."""
    n, channels = len(clips), clips.shape[2]
    mix = torch.eye(channels) + 0.4 * torch.randn(
        n, channels, channels, generator=generator
    )
    mean = clips.mean((1, 3, 4), keepdim=True)
    clips = torch.einsum("bij,btjhw->btihw", mix.to(clips), clips - mean) + mean
    mirrored = torch.rand(n, generator=generator) < 0.5
    return torch.where(mirrored[:, None, None, None, None], clips.flip(4), clips)


def sprites(seed):
    """Load the figures in motion, five frames each (B, 5, 32, 32, 3).

    Returns the clips; for each task a function from these to clips and labels, which
    turns half of them around where the task is to tell that; and the characters.
    """
    names = "actions", "directions", "characters"
    X, actions, directions, characters = load_clips("sprites.npz", *names)
    random = np.random.RandomState(seed)
    starts = [random.randint(len(clip) - 4) for clip in X]
    X = np.stack([clip[start : start + 5] for clip, start in zip(X, starts)])
    backwards = random.rand(len(X)) < 0.5

    def turned(X):
        turn = backwards[:, None, None, None, None]
        return np.where(turn, X[:, ::-1], X), backwards

    tasks = {
        "action": lambda X: (X, actions),
        "direction": lambda X: (X, directions),
        "backwards": turned,
    }
    return X, tasks, characters


def both_ways(rows, seed):
    """Cut figures to five frames at up to five places, and play each both ways.

    ``rows`` says which figures. Returns clips and whether they are played backwards.
    """
    X, _ = load_clips("sprites.npz", "actions")
    random = np.random.RandomState(seed)
    cuts = [
        X[row][start : start + 5]
        for row in rows
        for start in random.permutation(len(X[row]) - 4)[:5]
    ]
    X = np.stack(cuts + [cut[::-1] for cut in cuts])
    return X, np.arange(len(X)) >= len(cuts)


def load_clips(file, *keys):
    """Load clips that lie one after another in a file, and what describes them."""
    with np.load(need(file)) as arrays:
        clips = np.split(arrays["frames"], arrays["ends"][:-1])
        return clips, *(arrays[key] for key in keys)


def last_sixth(y):
    """Choose the images to hold out: the last sixth."""
    return np.arange(len(y)) >= len(y) - len(y) // 6


def stratified_quarter(y):
    """Choose the images to hold out: a stratified quarter."""
    rows = np.arange(len(y))
    _, held = train_test_split(rows, test_size=0.25, stratify=y, random_state=0)
    return np.isin(rows, held)


def third_quarter_of_each_class(y):
    """Choose the images to hold out: in each class, the third quarter in their order.

    Neighbours among the hand movements of a class are alike, as if in the order of
    recording: images chosen at random would be much easier than another person's.
    """
    held = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        held[rows[len(rows) // 2 : len(rows) * 3 // 4]] = True
    return held


class ImageSet(NamedTuple):
    """Where images come from, and how they are split.

    Without ``hold_out`` there is no test part: five folds are made of all images.
    """

    load: Callable
    hold_out: Callable | None
    n_train: int | None = None
    n_seeds: int = 3
    balanced: bool = False
    photographs: bool = False


LOAD_DIGITS, LOAD_MNIST, LOAD_CIFAR10 = cache(digits), cache(mnist), cache(cifar10)
SETS = {
    "digits-300": ImageSet(LOAD_DIGITS, stratified_quarter, 300),
    "digits-1200": ImageSet(LOAD_DIGITS, stratified_quarter),
    "mnist-300": ImageSet(LOAD_MNIST, last_sixth, 300),
    "mnist-3000": ImageSet(LOAD_MNIST, last_sixth, 3000),
    "mnist-60000": ImageSet(LOAD_MNIST, last_sixth, n_seeds=1),
    "cifar10-1000": ImageSet(LOAD_CIFAR10, last_sixth, 1000, photographs=True),
    "cifar10-10000": ImageSet(LOAD_CIFAR10, last_sixth, 10_000, 1, photographs=True),
    "cifar10-50000": ImageSet(LOAD_CIFAR10, last_sixth, n_seeds=1, photographs=True),
    "hands": ImageSet(
        cache(photographs_of_hands), stratified_quarter, photographs=True
    ),
    "hand-movements": ImageSet(cache(hand_movements), third_quarter_of_each_class),
    "blood-cells": ImageSet(cache(blood_cells), None, balanced=True, photographs=True),
}


def make_splits(images, seed, validate):
    """Return the splits of a set: a list of X_train, y_train, X_test, y_test."""
    if images.hold_out is None:
        return make_folds(*images.load(), validate)
    X, y, X_test, y_test = images.load()
    if validate:
        held = images.hold_out(y)
        X, y, X_test, y_test = X[~held], y[~held], X[held], y[held]
    rows = choose(images.n_train, y, seed)
    return [(X[rows], y[rows], X_test, y_test)]


def make_folds(X, y, validate):
    """Cross-validate in five folds; for validation among the last four of them."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    # a class of fewer images than folds counts as the largest: scikit-learn would warn
    classes, counts = np.unique(y, return_counts=True)
    strata = np.where(np.isin(y, classes[counts < 5]), classes[counts.argmax()], y)
    tests = [test for _, test in folds.split(X, strata)][validate:]
    splits = []
    for test in tests:
        train = np.setdiff1d(np.concatenate(tests), test)
        splits.append((X[train], y[train], X[test], y[test]))
    return splits


def choose(n, y, seed):
    """Choose n images, stratified; all of them where there are no more."""
    rows = np.arange(len(y))
    if n is None or n >= len(y):
        return rows
    return train_test_split(rows, train_size=n, stratify=y, random_state=seed)[0]
