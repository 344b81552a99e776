"""Plots in the manner of scikit-learn's Display classes, one file per class."""

from sk_rnnimage.inspection.comparison_display import ComparisonDisplay
from sk_rnnimage.inspection.evidence import EvidenceDisplay
from sk_rnnimage.inspection.occlusion import OcclusionDisplay
from sk_rnnimage.inspection.scan_order import ScanOrderDisplay
from sk_rnnimage.inspection.training_curve import TrainingCurveDisplay

__all__ = [
    "ComparisonDisplay",
    "EvidenceDisplay",
    "OcclusionDisplay",
    "ScanOrderDisplay",
    "TrainingCurveDisplay",
]
