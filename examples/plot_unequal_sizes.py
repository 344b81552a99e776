"""
Images of unequal size
======================

Crops, scans and photographs often differ in size. ``ImageReader()`` without ``size``
returns them as a list, and the classifiers accept such a list: no image has to be
resized.

Measured on 2,000 test digits of MNIST, 2,000 training digits, cropped to their bounding
boxes of 12 to 20 rows and 2 to 20 columns, 8 epochs, one seed::

                          as they are   20 x 20
    CRNN                       0.9805    0.9835
    CRNN, no recurrence        0.9825    0.9830
    SVC                        cannot    0.9605

Resizing is not needed, and it does not hurt on these digits: cropped and resized to one
height and width, they score the same. Recurrence makes no measurable difference.

Limits: one seed; the standard error of a score is 0.3 points. The result may differ if
the aspect ratio distinguishes the classes, or if the files are much larger. A
mini-batch holds images of similar size, padded to the largest of them.
"""

# ruff: noqa: D205, D400

# %%
# Files of unequal size
# ---------------------
# Each digit is cropped to its bounding box and written to a file: a 1 becomes a narrow
# image, a 0 a wide one.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _data import mnist, sized, write_files
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    classic_classifiers,
    list_images,
)

SIDE = 20  # of the resized images


def crop(image):
    """Crop an image to the bounding box of the strokes."""
    strokes = image > image.max() / 4
    rows, columns = (np.flatnonzero(strokes.any(axis=axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


X_train, y_train, X_test, y_test = mnist(sized(2000, 150), sized(2000, 100))
temporary = tempfile.TemporaryDirectory()
files = []
for part, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
    folder = Path(temporary.name, part)
    files += list_images(write_files(map(crop, X), y, folder))
paths, labels, paths_test, labels_test = files

# %%
# A list of images
# ----------------
images = ImageReader(mode="L").transform(paths_test)
heights, widths = np.array([image.shape for image in images]).T
print(f"{len(paths):,} files to train, {len(images):,} to test, those", end=" ")
print(f"{heights.min()} to {heights.max()} high, {widths.min()} to {widths.max()} wide")

# %%
# Original size or resized
# ------------------------
# The reader is the first transformer of each pipeline; only its ``size`` differs.
settings = {"max_epochs": sized(8, 2), "random_state": 0}
classifiers = {
    "CRNN": CRNNImageClassifier(**settings),
    "CRNN, no recurrence": CRNNImageClassifier(cell=None, **settings),
    "SVC": classic_classifiers()["SVC"],
}
print(f"{'':22s}as they are   {SIDE} x {SIDE}")
scores = {}
for name, classifier in classifiers.items():
    print(f"{name:22s}", end="")
    for size in (None, (SIDE, SIDE)):
        if name == "SVC" and size is None:
            print(f"{'cannot':>11s}", end="")
            continue
        pipeline = make_pipeline(ImageReader(size, mode="L"), classifier)
        scores[name, size] = pipeline.fit(paths, labels).score(paths_test, labels_test)
        print(f"{scores[name, size]:11.4f}", end="", flush=True)
    print()

# %%
# Six crops, original and resized
# -------------------------------
# Resized to a square, a 1 is as wide as a 0.
shown = [np.flatnonzero(labels_test == digit)[0] for digit in "013467"]
resized = ImageReader((SIDE, SIDE), mode="L").transform(np.array(paths_test)[shown])
fig, axes = plt.subplots(2, 6, figsize=(8, 3), layout="constrained")
for (top, bottom), i, square in zip(axes.T, shown, resized):
    for ax, image in ((top, images[i]), (bottom, square)):
        ax.imshow(image, cmap="gray_r")
        ax.set(xticks=[], yticks=[], xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5))
    top.set_title("{} x {}".format(*images[i].shape))
axes[0, 0].set_ylabel("original")
axes[1, 0].set_ylabel("resized")
temporary.cleanup()
plt.show()
