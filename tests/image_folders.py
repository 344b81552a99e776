"""Folders of small image files, one for each class."""

import numpy as np
from PIL import Image

CLASSES = ("dark", "light")


def write_images(folder, n=8, shape=(6, 5, 3), seed=0):
    """Dark and light images in a folder each; return their paths."""
    rng, paths = np.random.RandomState(seed), []
    for label, darkest in zip(CLASSES, (0, 150)):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            pixels = rng.randint(darkest, darkest + 100, shape).astype(np.uint8)
            paths.append(folder / label / f"{i}.png")
            Image.fromarray(pixels).save(paths[-1])
    return paths


def write_clips(folder, n=8, n_frames=4, seed=0):
    """Clips that stay dark or light, as files of several frames; return their paths."""
    rng, paths = np.random.RandomState(seed), []
    for label, darkest in zip(CLASSES, (0, 150)):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            shape = n_frames + i % 2, 4, 5
            frames = rng.randint(darkest, darkest + 100, shape).astype(np.uint8)
            first, *others = map(Image.fromarray, frames)
            paths.append(folder / label / f"{i}.webp")
            first.save(paths[-1], save_all=True, append_images=others, lossless=True)
    return paths
