"""Recurrent networks that read images, as scikit-learn estimators."""

from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.scan import ImageToSequence

__version__ = "0.1.0"

__all__ = ["CRNNImageClassifier", "ImageToSequence", "RNNImageClassifier"]
