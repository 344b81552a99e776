"""Write the files that later versions must read: once, by the version of their name."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier, save

HERE = Path(__file__).parent
SMALL = {"max_epochs": 4, "random_state": 0}


def write():
    """Fit three small estimators and keep them, with their predictions."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8).astype(np.uint8)
    names = np.array("zero one two three four five six seven eight nine".split())
    models = {
        "rnn": RNNImageClassifier(4, scan="rows", cell="gru", **SMALL),
        "crnn": CRNNImageClassifier(4, filters=4, **SMALL),
        "pipeline": make_pipeline(
            ImageToSequence("hilbert", patch_size=2),
            RNNImageClassifier(4, scan="rows", **SMALL),
        ),
    }
    predictions = {}
    for name, model in models.items():
        model.fit(X, names[y])
        save(model, HERE / f"{name}.sk")
        predictions[name] = model.predict_proba(X[:10])
    np.savez(HERE / "predictions.npz", X=X[:10], **predictions)


if __name__ == "__main__":
    write()
