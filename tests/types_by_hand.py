"""What type checkers know of the package; nothing here is run."""

from collections.abc import Iterator
from typing import assert_type

import numpy as np

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    list_clips,
    list_images,
)

X, y = np.zeros((4, 8, 8)), np.arange(4)


def of_classifiers() -> None:
    model = RNNImageClassifier((16, 8), max_epochs=3, random_state=0)
    assert_type(model.fit(X, y), RNNImageClassifier)
    assert_type(model.partial_fit(X, y, classes=[0, 1]), RNNImageClassifier)
    assert_type(CRNNImageClassifier(filters=(4, 8)).fit(X, y), CRNNImageClassifier)
    assert_type(model.predict(X), np.ndarray)
    assert_type(model.staged_predict_proba([X[0], X[1]]), Iterator[np.ndarray])
    assert_type(model.score(X, y), float)
    assert_type(model.n_iter_, int)
    assert_type(model.loss_curve_, list[float])


def of_transformers() -> None:
    reader = ImageToSequence("hilbert", patch_size=(2, None)).fit(X)
    assert_type(reader, ImageToSequence)
    assert_type(reader.transform(X), np.ndarray)
    assert_type(ImageReader((4, 4)).fit(["a.png"]), ImageReader)
    assert_type(ClipReader().transform([b"GIF"]), np.ndarray | list[np.ndarray])
    assert_type(list_images("folder"), tuple[list[str], np.ndarray | None])
    assert_type(list_clips("folder"), tuple[list[str], np.ndarray | None])


def of_mistakes() -> None:
    RNNImageClassifier(hiden_size=8)  # type: ignore[call-arg]
    RNNImageClassifier("8")  # type: ignore[arg-type]
    RNNImageClassifier().fit(X)  # type: ignore[call-arg]
    ImageReader(4)  # type: ignore[arg-type]
    list_images(3)  # type: ignore[arg-type]
