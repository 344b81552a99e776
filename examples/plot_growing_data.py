"""
More files than memory holds: ``partial_fit``
=============================================

``partial_fit`` trains on one batch of files at a time. Only one batch is in memory,
however many files there are.

Measured on 8,000 MNIST digits as PNG files and 2,000 test digits, one seed; a pass is
an epoch::

    pass 1: 8,000 files, test accuracy 0.9490
    pass 2: 8,000 files, test accuracy 0.9720
    pass 3: 8,000 files, test accuracy 0.9805
    pass 4: 8,000 files, test accuracy 0.9755
    fit, all at once: test accuracy 0.9850

``fit`` is one point ahead: its learning rate decays to 0, while that of ``partial_fit``
is constant; ``set_params`` can lower it between two epochs.

Limits: one seed; the standard error of a score on 2,000 images is 0.3 points. Each
epoch decodes every file again.
"""

# ruff: noqa: D205, D400

# %%
# Files in a temporary folder
# ---------------------------
# The digits are written as PNG files, one sub-folder per class, to stand for your own
# files.
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from _data import mnist, sized, write_files

from sk_rnnimage import CRNNImageClassifier, ImageReader, list_images

BATCH = sized(500, 100)
N_EPOCHS = sized(4, 2)
X, y, X_test, y_test = mnist(sized(8000, 300), sized(2000, 100))
temporary = tempfile.TemporaryDirectory()
paths, labels = list_images(write_files(X, y, temporary.name))
paths = np.array(paths)
del X, y  # from here on only the files are used

# %%
# Training batch by batch
# -----------------------
# At most ``BATCH`` images are in memory at any time. The files are shuffled in each
# epoch: if they were sorted by class, the network would be trained on one class after
# another. The first call of ``partial_fit`` must list all classes, and it sets the mean
# and standard deviation used to standardise the pixels. The learning rate is constant.
reader = ImageReader(mode="L")
classifier = CRNNImageClassifier(filters=(16, 32), learning_rate=0.003, random_state=0)
rng = np.random.RandomState(0)
scores = []
for epoch in range(1, N_EPOCHS + 1):
    order = rng.permutation(len(paths))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        images = reader.transform(paths[batch])
        classifier.partial_fit(images, labels[batch].astype(int), classes=np.arange(10))
    scores.append(classifier.score(X_test, y_test))
    print(f"pass {epoch}: {len(order):,} files, test accuracy {scores[-1]:.4f}")

# %%
# Comparison with ``fit``
# -----------------------
# The same number of epochs with all images in memory, and the learning-rate schedule of
# ``fit``.
images = reader.transform(paths)
at_once = CRNNImageClassifier(filters=(16, 32), max_epochs=N_EPOCHS, random_state=0)
at_once.fit(images, labels.astype(int))
print(f"fit, all at once: test accuracy {at_once.score(X_test, y_test):.4f}")
print(f"held at once: {images.nbytes / 1e6:.2f} MB of pixels", end="")
print(f" against {images[:BATCH].nbytes / 1e6:.2f} MB a batch")
temporary.cleanup()

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(range(1, N_EPOCHS + 1), scores, "o-", label="partial_fit, batch by batch")
ax.axhline(at_once.score(X_test, y_test), color="grey", linestyle="--", label="fit")
ax.set(xlabel="epoch", ylabel="test accuracy", xticks=range(1, N_EPOCHS + 1))
ax.legend()
plt.show()
