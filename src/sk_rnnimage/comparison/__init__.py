"""Classic image classifiers, and cross-validation of several classifiers at once."""

from sk_rnnimage.comparison.classic import classic_classifiers
from sk_rnnimage.comparison.compare import compare_classifiers
from sk_rnnimage.comparison.result import Comparison
from sk_rnnimage.comparison.spaces import search_space

__all__ = ["Comparison", "classic_classifiers", "compare_classifiers", "search_space"]
