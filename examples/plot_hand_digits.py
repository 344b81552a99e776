"""
Files in, labels out: hands that show a digit
=============================================

2,062 colour photographs of hands lie in one folder a class. A pipeline reads the files
at 32 x 32 pixels and classifies them; scikit-learn cross-validates it from paths.

Measured in three folds, one seed::

                          accuracy  each fold
    CRNN                    0.9753  0.9724  0.9796  0.9738
    CRNN, no recurrence     0.9753  0.9782  0.9767  0.9709
    PCA + SVC               0.8822  0.8735  0.8850  0.8879

Limits: 12 passes, to keep this short (the defaults make three times as many and reach
0.98). One person shows several digits, and the folds do not keep persons apart: the
hand of a new person is probably read worse.
"""

# ruff: noqa: D205, D400

# %%
# A folder of class folders
# -------------------------
# ``list_images`` gives paths and labels; the reader is the first step of a pipeline, so
# a path is all that ``predict`` needs, and each fold reads its own files.
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from _data import hands, sized
from PIL import Image
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    classic_classifiers,
    list_images,
)

temporary = tempfile.TemporaryDirectory()
paths, labels = list_images(hands(temporary.name))
if sized(False, True):
    paths, _, labels, _ = train_test_split(
        paths, labels, train_size=90, stratify=labels, random_state=0
    )

# %%
# Cross-validated from paths
# --------------------------
settings = {"max_epochs": sized(12, 2), "random_state": 0}
classifiers = {
    "CRNN": CRNNImageClassifier(**settings),
    "CRNN, no recurrence": CRNNImageClassifier(cell=None, **settings),
    "PCA + SVC": classic_classifiers()["PCA + SVC"],
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
said = {}
print(f"{len(paths):,} files, {len(np.unique(labels))} classes, 3 folds")
print(f"{'':22s}accuracy  each fold")
for name, classifier in classifiers.items():
    pipeline = make_pipeline(ImageReader(size=(32, 32), mode="RGB"), classifier)
    said[name] = cross_val_predict(pipeline, paths, labels, cv=folds)
    right = said[name] == labels
    each = "  ".join(f"{right[t].mean():.4f}" for _, t in folds.split(paths, labels))
    print(f"{name:22s}{right.mean():8.4f}  {each}")

# %%
# Where the CRNN errs
# -------------------
# The first eight files that it named wrongly while it had not seen them.
wrong = np.flatnonzero(said["CRNN"] != labels)[:8]
print(f"{(said['CRNN'] != labels).sum()} files are named wrongly, for instance")
fig, axes = plt.subplots(2, 4, figsize=(8, 4.6), layout="constrained")
for ax in axes.flat:
    ax.set_axis_off()
for ax, i in zip(axes.flat, wrong):
    ax.imshow(Image.open(paths[i]), cmap="gray")
    ax.set_title(f"said {said['CRNN'][i]}, is {labels[i]}")
temporary.cleanup()
plt.show()
