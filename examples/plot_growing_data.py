"""
More files than memory holds: ``partial_fit``
=============================================

``partial_fit`` learns from a batch of files, forgets it and takes the next. Memory
holds one batch, however many files there are.

Measured on 8,000 MNIST digits as PNG files and 2,000 test digits, one seed::

    pass 1: 8,000 files, test accuracy 0.9360
    pass 2: 8,000 files, test accuracy 0.9655
    pass 3: 8,000 files, test accuracy 0.9710
    pass 4: 8,000 files, test accuracy 0.9745
    fit, all at once: test accuracy 0.9855

``fit`` is ahead by a point: its learning rate falls to 0, that of ``partial_fit`` does
not fall by itself; ``set_params`` can lower it between two passes.

Limits: one seed, and on 2,000 images a score is known to 0.3 points. Each pass decodes
every file again.
"""

# ruff: noqa: D205, D400

# %%
# Files, in a temporary folder
# ----------------------------
# Your own files would be there already: one folder a class.
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from _data import mnist, sized, write_files

from sk_rnnimage import CRNNImageClassifier, ImageReader, list_images

BATCH = sized(500, 100)
PASSES = sized(4, 2)
X, y, X_test, y_test = mnist(sized(8000, 300), sized(2000, 100))
temporary = tempfile.TemporaryDirectory()
paths, labels = list_images(write_files(X, y, temporary.name))
paths = np.array(paths)
del X, y  # from here on there are files alone

# %%
# One batch of files after another
# --------------------------------
# A batch is read, learned and forgotten: never are there more than ``BATCH`` images in
# memory. The files come in a new order at each pass, for files sorted by class would
# teach one class after another. The first call must name all classes, and it fixes the
# scale of the pixels; the learning rate is constant.
reader = ImageReader(mode="L")
classifier = CRNNImageClassifier(learning_rate=0.003, random_state=0)
rng = np.random.RandomState(0)
scores = []
for number in range(1, PASSES + 1):
    order = rng.permutation(len(paths))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        images = reader.transform(paths[rows])
        classifier.partial_fit(images, labels[rows].astype(int), classes=np.arange(10))
        seen = start + len(rows)
        print(f"\rpass {number}: {seen:,} of {len(order):,} files", end="", flush=True)
    scores.append(classifier.score(X_test, y_test))
    print(f"\rpass {number}: {len(order):,} files, test accuracy {scores[-1]:.4f}")

# %%
# Beside a fit that holds all
# ---------------------------
# The same number of passes, the same images at once, and ``fit``'s own schedule of the
# learning rate.
images = reader.transform(paths)
at_once = CRNNImageClassifier(max_epochs=PASSES, random_state=0)
at_once.fit(images, labels.astype(int))
print(f"fit, all at once: test accuracy {at_once.score(X_test, y_test):.4f}")
print(f"held at once: {images.nbytes / 1e6:.2f} MB of pixels", end="")
print(f" against {images[:BATCH].nbytes / 1e6:.2f} MB a batch")
temporary.cleanup()

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(range(1, PASSES + 1), scores, "o-", label="partial_fit, a batch at a time")
ax.axhline(at_once.score(X_test, y_test), color="grey", linestyle="--", label="fit")
ax.set(xlabel="pass", ylabel="test accuracy", xticks=range(1, PASSES + 1))
ax.legend()
plt.show()
