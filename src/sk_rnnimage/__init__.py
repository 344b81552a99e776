"""Recurrent networks that read images, as scikit-learn estimators."""

from importlib import import_module
from typing import TYPE_CHECKING

from sk_rnnimage._environment.versions import __version__ as __version__

if TYPE_CHECKING:
    from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
    from sk_rnnimage.comparison import (
        classic_classifiers,
        compare_classifiers,
        search_space,
    )
    from sk_rnnimage.deployment import prune, quantize, to_onnx
    from sk_rnnimage.files import ClipReader, ImageReader, list_clips, list_images
    from sk_rnnimage.inspection import (
        ComparisonDisplay,
        EvidenceDisplay,
        OcclusionDisplay,
        ScanOrderDisplay,
        TrainingCurveDisplay,
    )
    from sk_rnnimage.persistence import load, save
    from sk_rnnimage.scan import ImageToSequence

__all__ = [
    "CRNNImageClassifier",
    "ClipReader",
    "ComparisonDisplay",
    "EvidenceDisplay",
    "ImageReader",
    "ImageToSequence",
    "OcclusionDisplay",
    "RNNImageClassifier",
    "ScanOrderDisplay",
    "TrainingCurveDisplay",
    "classic_classifiers",
    "compare_classifiers",
    "list_clips",
    "list_images",
    "load",
    "prune",
    "quantize",
    "save",
    "search_space",
    "to_onnx",
]

# Imported at their first use: torch and scikit-learn take seconds, for which neither
# `python -m sk_rnnimage --help` nor reading image files should wait.
_MODULES = {
    "CRNNImageClassifier": "classifiers",
    "ClipReader": "files",
    "ComparisonDisplay": "inspection",
    "EvidenceDisplay": "inspection",
    "ImageReader": "files",
    "ImageToSequence": "scan",
    "OcclusionDisplay": "inspection",
    "RNNImageClassifier": "classifiers",
    "ScanOrderDisplay": "inspection",
    "TrainingCurveDisplay": "inspection",
    "classic_classifiers": "comparison",
    "compare_classifiers": "comparison",
    "list_clips": "files",
    "list_images": "files",
    "load": "persistence",
    "prune": "deployment",
    "quantize": "deployment",
    "save": "persistence",
    "search_space": "comparison",
    "to_onnx": "deployment",
}


def __getattr__(name):
    """Import a public name, or a module that holds some."""
    if name in _MODULES:
        value = getattr(import_module(f"sk_rnnimage.{_MODULES[name]}"), name)
        globals()[name] = value  # Python does not ask again
        return value
    if name in _MODULES.values():
        return import_module(f"sk_rnnimage.{name}")
    raise AttributeError(f"module 'sk_rnnimage' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
