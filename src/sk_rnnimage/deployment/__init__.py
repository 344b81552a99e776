"""Fitted models handed over: smaller ones, in other forms."""

from sk_rnnimage.deployment.pruning import prune
from sk_rnnimage.deployment.quantization import quantize

__all__ = ["prune", "quantize"]
