"""
A million images, block by block
================================

A Dask array stands for images that are never held as a whole: each block is made, or
read, when its turn comes, and ``map_blocks`` predicts it.

Here a camera takes 1,000,000 pictures of 28 x 28 pixels, 0.78 GB, of digits, and its
lens grows dirty from the left: each picture has lost a little more light, in a larger
part of it, than the one before. The classifier was fitted on clean ones. The process
holds one block at a time, so that its memory stays flat, and the labels show when the
lens should have been cleaned.

Measured with one thread on two shared cores: 24 CPU seconds for all, and 22 MB more at
the peak than before the first block, against 748 MB of images.

Limits: the pictures are made of 450 digits, over and over. They are drawn in memory,
where yours would come from a disk.
"""

# ruff: noqa: D205, D400

# %%
# A classifier, fitted on clean images
# ------------------------------------
# The digits of 8 x 8 are drawn larger. A small network is enough for them: four steps
# of seven lines.
import resource
import time

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from _data import sized
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_rnnimage import RNNImageClassifier

N, BLOCK = sized(1_000_000, 2_000), sized(10_000, 500)
digits = load_digits()
clean = np.kron(digits.images * 15, np.ones((3, 3))).astype(np.uint8)  # (n, 24, 24)
clean = np.pad(clean, ((0, 0), (2, 2), (2, 2)))  # (n, 28, 28)
X, X_new, y, y_new = train_test_split(clean, digits.target, random_state=0)
classifier = RNNImageClassifier(
    32, scan="rows", patch_size=(7, None), max_epochs=sized(30, 2), random_state=0
)
classifier.fit(X, y)
print(f"clean digits: accuracy {classifier.score(X_new, y_new):.4f}")

# %%
# A million images that exist only when they are asked for
# --------------------------------------------------------
# ``from_zarr``, ``from_array`` of a memory map, or ``from_delayed`` of a loader give
# the same kind of array.
rows = np.random.RandomState(0).randint(len(X_new), size=N)


def taken(first):
    """Take the pictures of a block: from the left, the lens grows dirty."""
    picture = X_new[rows[first : first + BLOCK]]
    n_dirty = int(28 * first / N)
    light = np.ones(28, dtype=np.float32)
    light[:n_dirty] = 1 - 0.8 * first / N
    return (picture * light).astype(np.uint8)


blocks = [
    da.from_delayed(dask.delayed(taken)(first), (BLOCK, 28, 28), np.uint8)
    for first in range(0, N, BLOCK)
]
images = da.concatenate(blocks)
print(f"{len(images):,} images in {len(blocks)} blocks: {images.nbytes / 1e9:.2f} GB")

# %%
# Predictions, and the memory that they take
# ------------------------------------------
# One block at a time here; ``scheduler="threads"`` has as many in work as there are
# cores, and a cluster as many as it has workers.


def predicted(block):
    """Predict a block, and note how much memory this process has taken so far."""
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return classifier.predict(block)


peaks = []
labels = images.map_blocks(
    predicted, drop_axis=[1, 2], dtype=int, meta=np.array([], int)
)
start = time.perf_counter()
labels = labels.compute(scheduler="synchronous")
seconds = time.perf_counter() - start
print(
    f"{len(labels):,} labels in {seconds:.0f} s, {len(labels) / seconds:,.0f} a second"
)
print(f"memory: {peaks[0]:.0f} MB before, {peaks[-1]:.0f} MB at most")

# %%
# What the labels tell
# --------------------
# No true label is needed to see that something is wrong: the share of each digit, which
# should be a tenth, drifts.
share = np.stack(
    [np.bincount(part, minlength=10) for part in labels.reshape(-1, BLOCK)]
)
right = (labels == y_new[rows]).reshape(-1, BLOCK).mean(axis=1)
print(f"accuracy: {right[0]:.3f} at first, {right[-1]:.3f} in the end")
taken_so_far = np.arange(1, len(blocks) + 1) * BLOCK / N
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
lost = [
    taken(int(place * (N - BLOCK)) // BLOCK * BLOCK)[0] for place in (0, 0.4, 0.7, 1)
]
axes[0].imshow(np.block([lost[:2], lost[2:]]), cmap="gray")
axes[0].set_title("pictures 0, 0.4, 0.7 and 1 of the way", fontsize=9)
axes[0].set_axis_off()
axes[1].stackplot(taken_so_far, share.T / BLOCK, colors=plt.cm.tab10.colors)
axes[1].plot(taken_so_far, right, color="black", linewidth=2)
axes[1].set(xlabel="part of the images", ylabel="share of each digit", ylim=(0, 1))
axes[1].set_title("labels by digit; black: the accuracy", fontsize=9)
axes[2].plot(taken_so_far, peaks[-len(blocks) :], label="this process, peak so far")
axes[2].axhline(
    peaks[0] + images.nbytes / 2**20,
    color="grey",
    linestyle="--",
    label="with all images at once",
)
axes[2].set(xlabel="part of the images", ylabel="MB", ylim=(0, None))
axes[2].legend(fontsize=8)
plt.show()
