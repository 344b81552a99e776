"""Recurrent networks that read images, as scikit-learn estimators."""

from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.comparison import classic_classifiers, compare_classifiers
from sk_rnnimage.files import ImageReader, list_images
from sk_rnnimage.inspection import ComparisonDisplay, ScanOrderDisplay
from sk_rnnimage.scan import ImageToSequence

__version__ = "0.1.0"

__all__ = [
    "CRNNImageClassifier",
    "ComparisonDisplay",
    "ImageReader",
    "ImageToSequence",
    "RNNImageClassifier",
    "ScanOrderDisplay",
    "classic_classifiers",
    "compare_classifiers",
    "list_images",
]
