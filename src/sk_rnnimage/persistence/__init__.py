"""One file for an estimator or a pipeline, which runs no code when it is loaded."""

from sk_rnnimage.persistence.saving import load, save

__all__ = ["load", "save"]
