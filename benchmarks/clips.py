"""Clips of real movements, read frame by frame: recurrence beside its control.

    python benchmarks/clips.py [swipes distances sprites early] [--seeds 3] [--validate]

``swipes``: hand swipes over 3 x 3 light sensors, in four directions or none; trained
where the light is low and medium, tested where it is high. ``raw`` are the sensors'
values; ``normalised``, each sensor's values in a clip have mean 0 and standard
deviation 1, which takes the light out of them; ``saturated``: each clip of the training
stands there twice more as it would be in a light too bright for the sensors, its values
cut off at a random share of the largest, of an eighth at least, before the same.
``distances``: normalised, with each distance between hand and sensors left out of the
training in turn, and tested alone.

``sprites``: drawn figures in motion, cut to 5 consecutive frames from a random start,
as their length would give the action away; tested on characters that were never seen.
The tasks are the action, the direction, and whether a clip is played backwards; for the
last all are trained on up to five cuts of each training clip, played both ways, and the
networks for 10 epochs with colours mixed at random and figures mirrored, which says
nothing of the time.

``early``: after how many frames of a swipe, and after what part of it, 90 % of the
final accuracy is reached. Draws ``early.png`` beside this file.

Each network is otherwise fitted with default parameters, beside its control without
recurrence (``cell=None``); the classic classifiers read 16 frames of each swipe, and
one of the sprites' five. ``--validate`` scores the swipes on medium light after
training on low, and the sprites on characters held out of the training, and never on a
test clip. Asserts the accuracies in ``GOALS``.
"""

import argparse
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from _sets import (
    SWIPES_MOST,
    another_figure,
    both_ways,
    each_sensor,
    hand_swipes,
    saturated,
    sprites,
)
from _tools import assert_limits, clocks, describe, print_head, print_row, seeds_from

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, classic_classifiers

READ = {"scan": "frames"}
SWIPED = {**READ, "image_shape": (SWIPES_MOST, 3, 3)}  # what the control must know
BACKWARDS = {**READ, "augment": another_figure, "max_epochs": 10}
HUNDREDTHS = np.arange(1, 101) / 100
PICTURE = Path(__file__).with_name("early.png")
GOALS = {"swipes": 0.85, "action": 0.97, "direction": 0.99, "backwards": 0.95}


def networks(seed, parameters):
    """Return both classifiers and their controls by name."""
    return {
        f"{cls.__name__[:-15]}{'' if cell else ', cell=None'}": cls(
            cell=cell, random_state=seed, **parameters
        )
        for cls in (CRNNImageClassifier, RNNImageClassifier)
        for cell in ("lstm", None)
    }


def rivals(seed, n_frames):
    """Return the two classic classifiers that do best on so few values."""
    classic = classic_classifiers(seed, n_frames=n_frames)
    names = "Random forest", "Gradient boosting"
    return {f"{name}, {n_frames} frame(s)": classic[name] for name in names}


def score(classifiers, X, y, X_test, y_test):
    """Yield each name with the accuracy and the CPU seconds of its fit."""
    for name, classifier in classifiers.items():
        start = clocks()
        classifier.fit(X, y)
        _, seconds = clocks() - start
        yield name, classifier.score(X_test, y_test), seconds


def run(title, splits, seeds, make):
    """Print a table row for each classifier: the mean over splits and seeds.

    ``splits`` is a function of the seed, ``make`` one of the seed to classifiers.
    """
    found = {}
    for seed in seeds:
        for split in splits(seed):
            for name, accuracy, seconds in score(make(seed), *split):
                found.setdefault(name, []).append((accuracy, seconds))
    for name, results in found.items():
        accuracies, seconds = np.transpose(results)
        n_clips = f"{len(split[0])}/{len(split[2])}"
        cells = f"{accuracies.mean():.4f}", f"{accuracies.std():.4f}"
        print_row([title, name, *cells, f"{np.median(seconds):.0f}", n_clips], WIDTHS)
    return {name: np.mean(results, axis=0)[0] for name, results in found.items()}


HEAD = "task", "classifier", "accuracy", "std", "fit, CPU s", "clips"
WIDTHS = 26, 30, 8, 6, 10, 10


def choose_light(validate):
    """Return the light of the training clips, and that of the others."""
    return (["low"], "medium") if validate else (["low", "medium"], "high")


def swipes(seeds, validate):
    """Low and medium light for training, high light for the test."""
    X, y, light, _ = hand_swipes()
    train, test = choose_light(validate)
    split = take(X, y, np.isin(light, train), light == test)
    ways = {"raw": lambda _: [split], "normalised": lambda _: [normalised(*split)]}
    ways["saturated"] = lambda seed: [normalised(*in_brighter_light(seed, *split))]
    for name, splits in ways.items():
        found = run(f"swipes, {name}", splits, seeds, swipe_classifiers)
    accuracy = max(found["CRNN"], found["RNN"])  # saturated
    return [("swipes: error", 1 - accuracy, 1 - GOALS["swipes"])]


def normalised(X, y, X_test, y_test):
    """Take the light out of a split."""
    X, X_test = ([each_sensor(clip) for clip in part] for part in (X, X_test))
    return X, y, X_test, y_test


def in_brighter_light(seed, X, y, *test):
    """Add each training clip of a split twice more, too bright for the sensors."""
    shares = np.random.RandomState(seed).uniform(1 / 8, 1, 2 * len(X))
    brighter = [saturated(clip, share) for clip, share in zip(2 * X, shares)]
    return X + brighter, np.tile(y, 3), *test


def swipe_classifiers(seed):
    return networks(seed, SWIPED) | rivals(seed, 16)


def distances(seeds, validate):
    """Each distance left out of low and medium light, and tested in high light."""
    X, y, light, distance = hand_swipes()
    X = [each_sensor(clip) for clip in X]
    train, test = choose_light(validate)

    def splits(_):
        for left_out in np.unique(distance):
            known = np.isin(light, train) & (distance != left_out)
            yield take(X, y, known, (light == test) & (distance == left_out))

    make = partial(networks, parameters=SWIPED)
    run("swipes, distance left out", splits, seeds, make)
    return []


def take(X, y, train, test):
    """Split a list of clips, and its labels, by masks."""
    parts = []
    for mask in (train, test):
        rows = np.flatnonzero(mask)
        parts += [[X[i] for i in rows], y[rows]]
    return parts


def figures(seeds, validate):
    """Action, direction and play of drawn figures, for characters never seen."""
    claims = []
    for task in ("action", "direction", "backwards"):
        splits = partial(split_sprites, task=task, validate=validate)
        parameters = BACKWARDS if task == "backwards" else READ
        make = partial(sprite_classifiers, parameters=parameters)
        found = run(f"sprites, {task}", splits, seeds, make)
        accuracy = max(found["CRNN"], found["RNN"])
        claims.append((f"sprites, {task}: error", 1 - accuracy, 1 - GOALS[task]))
    return claims


def split_sprites(seed, task, validate):
    """Cut to five frames, a third of the characters for the test: one split."""
    X, targets, character = sprites(seed)
    order = np.random.RandomState(0).permutation(np.unique(character))
    test, held = (np.isin(character, part) for part in (order[:20], order[20:30]))
    train, test = (~test & ~held, held) if validate else (~test, test)
    split = take(*targets[task](X), train, test)
    if task == "backwards":
        split[:2] = both_ways(np.flatnonzero(train), seed)
    return [split]


def sprite_classifiers(seed, parameters):
    return networks(seed, parameters) | rivals(seed, 1)


def early(seeds, validate):
    """When a swipe is known, as frames and as a part of the clip."""
    X, y, light, _ = hand_swipes()
    train, test = choose_light(validate)
    # what comes is not known yet: each sensor is set against its first value
    X = [clip / clip[0] for clip in X]
    X, y, X_test, y_test = take(X, y, np.isin(light, train), light == test)
    curves = []
    for seed in seeds:
        classifier = RNNImageClassifier(
            random_state=seed, bidirectional=False, pooling="last", **SWIPED
        )
        stages = np.stack(list(classifier.fit(X, y).staged_predict(X_test)))  # (T, B)
        curves.append(accuracies(stages == y_test, X_test))
        print_early(seed, *curves[-1], [len(clip) for clip in X_test])
    draw_early(*(np.transpose(each) for each in zip(*curves)))
    return []


def accuracies(right, X):
    """Accuracy after each frame (T,), and after each hundredth of a clip (100,)."""
    lengths = np.array([len(clip) for clip in X])
    rows = np.ceil(HUNDREDTHS[:, None] * lengths).astype(int) - 1  # (100, B)
    return right.mean(axis=1), right[rows, np.arange(len(X))].mean(axis=1)


def print_early(seed, of_frame, of_part, lengths):
    """Print when nine tenths of the final accuracy are reached."""
    n_frames = 1 + int((of_frame >= 0.9 * of_frame[-1]).argmax())
    part = HUNDREDTHS[(of_part >= 0.9 * of_part[-1]).argmax()]
    print(
        f"\nseed {seed}: {of_frame[-1]:.4f} in the end; 90 % of it after {n_frames} "
        f"frames (clips have {min(lengths)} to {max(lengths)}, in the median "
        f"{np.median(lengths):.0f}), or after {part:.0%} of each clip",
        flush=True,
    )


def draw_early(of_frame, of_part):
    """Draw the accuracy as clips come in, (T, seeds) and (100, seeds), a line each."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="tight")
    for ax, curves, x, label in (
        (axes[0], of_frame, 1 + np.arange(len(of_frame)), "frames read"),
        (axes[1], of_part, 100 * HUNDREDTHS, "part of the clip read, %"),
    ):
        ax.plot(x, curves, color="C0", linewidth=1)
        ax.axhline(0.9 * curves[-1].mean(), color="0.5", linestyle="--", linewidth=1)
        ax.set(xlabel=label, xlim=(0, min(x[-1], 100)))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy")
    axes[0].set_title("dashed: nine tenths of the end", fontsize=9, loc="left")
    figure.savefig(PICTURE, dpi=120)


PARTS = {
    "swipes": swipes,
    "distances": distances,
    "sprites": figures,
    "early": early,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validate", action="store_true")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {sorted(unknown)[0]!r}, but {', '.join(PARTS)}")
    describe(validate=options.validate, seeds=seeds_from(0, options.seeds))
    print_head(HEAD, WIDTHS)
    claims = []
    for name in options.parts or PARTS:
        claims += PARTS[name](range(options.seeds), options.validate)
    print()
    if claims and not options.validate:
        assert_limits(claims)


if __name__ == "__main__":
    main()
