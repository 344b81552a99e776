"""Fitted models handed over: smaller ones, and to other runtimes."""

from sk_rnnimage.deployment.onnx_export import to_onnx
from sk_rnnimage.deployment.pruning import prune
from sk_rnnimage.deployment.quantization import quantize

__all__ = ["prune", "quantize", "to_onnx"]
