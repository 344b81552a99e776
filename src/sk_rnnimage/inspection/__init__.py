"""Plots in the manner of scikit-learn's Display classes, one file per class."""

from sk_rnnimage.inspection.comparison_display import ComparisonDisplay
from sk_rnnimage.inspection.scan_order import ScanOrderDisplay

__all__ = ["ComparisonDisplay", "ScanOrderDisplay"]
