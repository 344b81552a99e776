"""Constructor parameters: held to their constraints, and as plain Python values."""

import numpy as np

from sk_rnnimage._environment.borrowed import validate_parameter_constraints


def check_parameters(estimator, names=None):
    """Hold an estimator's parameters to its constraints.

    scikit-learn does so too, but neither where ``skip_parameter_validation`` is set nor
    in a ``partial_fit`` that goes on; then a wrong value would reach torch.

    Parameters
    ----------
    estimator : estimator
        With ``_parameter_constraints``.
    names : sequence of str, default=None
        Which parameters. None takes all.
    """
    caller_name = type(estimator).__name__
    for name, value in estimator.get_params(deep=False).items():
        if names is None or name in names:
            validate_parameter_constraints(
                estimator._parameter_constraints, {name: value}, caller_name=caller_name
            )
            _refuse_huge(name, value, caller_name)


def _refuse_huge(name, value, caller_name):
    """Raise where a whole number is larger than any of torch's."""
    for number in value if isinstance(value, (tuple, list)) else (value,):
        if isinstance(number, int) and abs(number) >= 2**63:
            raise ValueError(
                f"The {name!r} parameter of {caller_name} must be below 2**63. Got "
                f"{value!r} instead."
            )


def n_workers(n_jobs, n_tasks):
    """The parameter ``n_jobs``, but no more workers than tasks, which joblib starts."""
    if n_jobs == 0:
        raise ValueError(
            "n_jobs must be None, a number of workers or, below 0, -1 for one per "
            "core. Got 0 instead."
        )
    return None if n_jobs is None else min(int(n_jobs), n_tasks)


def plain(value):
    """A NumPy scalar as a Python value, also in a tuple; anything else as it is."""
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic) else value
