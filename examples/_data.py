"""Images and clips for the examples.

Real images are read from the folder that the environment variable ``SK_RNNIMAGE_DATA``
names: ``mnist.npz``, ``cifar10_jpeg.npz``, ``hand_swipes.npz`` and ``sign_digits/``.
Nothing is downloaded. Missing data is replaced by images bundled with scikit-learn, or
by drawn clips, with a printed note.

``SK_RNNIMAGE_SMALL=1`` shrinks every example, to test that it runs; the results then
mean nothing.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import train_test_split

from sk_rnnimage import ImageReader

DATA = os.environ.get("SK_RNNIMAGE_DATA")
SMALL = os.environ.get("SK_RNNIMAGE_SMALL", "0") not in ("", "0")


def sized(full, small):
    """Return ``full``, or ``small`` for a quick test."""
    return small if SMALL else full


def mnist(n_train, n_test, seed=0):
    """Sample digits from MNIST, or from scikit-learn's 1,797 digits of 8 x 8.

    Returns X_train, y_train, X_test, y_test; the test images are from the test set.
    """
    file = _find("mnist.npz")
    if file:
        with np.load(file) as f:
            train, test = (
                (f[f"X_{part}"], f[f"y_{part}"]) for part in ("train", "test")
            )
    else:
        _print_once("mnist.npz is not there: scikit-learn's digits of 8 x 8 instead.")
        digits = load_digits()
        X_train, X_test, y_train, y_test = train_test_split(
            digits.images.astype(np.uint8),
            digits.target,
            test_size=500,
            random_state=0,
            stratify=digits.target,
        )
        train, test = (X_train, y_train), (X_test, y_test)
    return *_sample(*train, n_train, seed), *_sample(*test, n_test, seed)


def photographs(names, n_train, n_test, seed=0):
    """Sample colour photographs of the named classes from a JPEG copy of CIFAR-10.

    If it is missing, sample crops of scikit-learn's two photographs: the class is the
    photograph, and the test crops come from its right third.
    """
    file = _find("cifar10_jpeg.npz")
    if not file:
        _print_once(
            "cifar10_jpeg.npz is not there: pieces of scikit-learn's two photographs."
        )
        return *_crops(n_train, 0, 2 / 3, seed), *_crops(n_test, 2 / 3, 1, seed)
    classes = "airplane automobile bird cat deer dog frog horse ship truck".split()
    parts = []
    with np.load(file) as f:
        for split, n in (("train", n_train), ("test", n_test)):
            data, offsets = f[f"{split}_jpeg"], f[f"{split}_offsets"]
            labels = np.array(classes)[f[f"{split}_labels"]]
            indices, y = _sample(np.arange(len(labels)), labels, n, seed, names)
            files = [data[offsets[i] : offsets[i + 1]].tobytes() for i in indices]
            parts += [ImageReader(mode="RGB").fit_transform(files), y]
    return tuple(parts)


def hands(folder):
    """Return the folder of photographs of hands, or write digits to ``folder``."""
    found = _find("sign_digits")
    if found:
        return found
    _print_once("sign_digits is not there: scikit-learn's digits of 8 x 8 instead.")
    digits = load_digits()
    return write_files(digits.images * 15, digits.target, folder)


def swipes():
    """Return all clips of hand swipes, as a list, or drawn ones.

    Returns clips (T, 3, 3), labels, and the brightness of each: low, medium or high.
    """
    file = _find("hand_swipes.npz")
    if not file:
        _print_once("hand_swipes.npz is not there: drawn clips instead.")
        return draw_swipes(600)
    with np.load(file) as f:
        clips = np.split(f["frames"], f["ends"][:-1])
        labels, conditions = f["labels"], f["conditions"]
    brightness = [name.split("Brightness")[0] for name in conditions]
    return clips, labels, np.array(brightness)


def draw_swipes(n, seed=0):
    """Draw clips of a shadow that crosses 3 x 3 sensors, or (NULL) comes and goes.

    Returns the same as ``swipes``.
    """
    rng = np.random.RandomState(seed)
    levels = {"low": 90, "medium": 500, "high": 900}
    directions = {"BT": (-1, 0), "TB": (1, 0), "LR": (0, 1), "RL": (0, -1)}
    directions["NULL"] = (0, 0)
    y, x = np.mgrid[-1:2, -1:2]
    brightness, labels = rng.choice(list(levels), n), rng.choice(list(directions), n)
    clips = []
    for name, label in zip(brightness, labels):
        T, (dy, dx) = rng.randint(8, 31), directions[label]
        t = np.linspace(-3, 3, T)[:, None, None]
        shadow = rng.uniform(0.4, 0.9) * np.exp(-((t - dy * y - dx * x) ** 2))
        clip = levels[name] * rng.uniform(0.8, 1.2) * (1 - shadow)  # (T, 3, 3)
        clips.append((clip + rng.normal(0, 2, clip.shape)).astype(np.uint16))
    return clips, labels, brightness


def write_files(images, labels, folder):
    """Write grey images as PNG files to ``folder``, one sub-folder per class."""
    for label in np.unique(labels):
        Path(folder, str(label)).mkdir(parents=True, exist_ok=True)
    for i, (image, label) in enumerate(zip(images, labels)):
        pixels = np.asarray(image, dtype=np.uint8)
        Image.fromarray(pixels).save(Path(folder, str(label), f"{i:05d}.png"))
    return Path(folder)


def _find(name):
    """Return the path of a file or folder of images, or None where it is missing."""
    path = Path(DATA, name) if DATA else None
    return path if path and path.exists() else None


@cache
def _print_once(line):
    """Print a line, but not again if it is the same."""
    print(line)


def _sample(X, y, n, seed, names=None):
    """Sample n images at random, from all classes or from those in ``names``."""
    rows = np.arange(len(y)) if names is None else np.flatnonzero(np.isin(y, names))
    rows = np.random.RandomState(seed).permutation(rows)[:n]
    return X[rows], y[rows]


def _crops(n, start, stop, seed):
    """Sample 32 x 32 crops between two fractions of the width of each photograph."""
    rng = np.random.RandomState(seed)
    photographs = load_sample_images().images
    y = np.arange(n) % len(photographs)
    X = []
    for photograph in (photographs[label] for label in y):
        height, width = photograph.shape[:2]
        top = rng.randint(height - 32)
        left = rng.randint(start * width, stop * width - 32)
        X.append(photograph[top : top + 32, left : left + 32])
    return np.stack(X), np.array(["china", "flower"])[y]
