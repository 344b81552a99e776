"""Names that are private to other libraries, and what stands in for each.

Nothing else in the package imports a private name of scikit-learn, skorch or Pillow.
They are few, as each may change without a deprecation:

``sklearn.base._fit_context``
    Validates the parameters before ``fit``. Stand-in: call
    ``self._validate_params()`` first thing in each ``fit``.
``sklearn.utils._param_validation``
    ``Interval`` and ``StrOptions`` state constraints of parameters,
    ``validate_params`` holds a function to them, ``validate_parameter_constraints``
    an estimator's. Stand-in: one ``if`` and one error for each parameter.
``sklearn.utils.metaestimators._safe_split``
    Slices X and y, also a kernel matrix. Stand-in: ``cross_validate`` on one fold,
    which cannot tell the memory of the fit from that of the slices.
``skorch.NeuralNet._set_training``
    Sets modules to training or evaluation before each batch. Stand-in: none is
    needed; without :class:`ModeOnce` each batch walks through all modules.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from sklearn import base
from sklearn.utils import _param_validation
from sklearn.utils._param_validation import (
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.metaestimators import _safe_split

__all__ = [
    "Interval",
    "ModeOnce",
    "StrOptions",
    "_fit_context",
    "_safe_split",
    "validate_parameter_constraints",
    "validate_params",
]

# scikit-learn has no hints: what its decorators wrap keeps its own
F = TypeVar("F", bound=Callable)
_fit_context: Callable[..., Callable[[F], F]] = base._fit_context
validate_params: Callable[..., Callable[[F], F]] = _param_validation.validate_params


class Interval(_param_validation.Interval):
    """A range of numbers: not of durations, which NumPy registers as whole numbers."""

    def is_satisfied_by(self, val):
        """Whether a value lies in it."""
        return not isinstance(val, np.timedelta64) and super().is_satisfied_by(val)


class ModeOnce:
    """For a skorch net: modules change between training and evaluation once.

    skorch sets the mode in each batch, which for a small network takes as long as a
    tenth of its forward pass.
    """

    def _set_training(self, training=True):
        if self.module_.training != training or self.criterion_.training != training:
            super()._set_training(training)
