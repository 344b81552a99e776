"""The task of a fit and those of its epochs, which scikit-learn's callbacks watch.

scikit-learn has callbacks from version 1.9 on, and says that they may still change:
nothing but this file knows how an estimator speaks to them. Before 1.9 nobody watches,
and estimators have no ``set_callbacks``.
"""

from collections.abc import Callable
from typing import TypeVar

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """A mixin without ``set_callbacks``."""

        def _init_callback_context(self, **options):
            return _Unwatched()

    class _Unwatched:
        """A task that no callback is told of."""

        def subcontext(self, **options):
            return self

        def call_on_fit_task_begin(self, **data):
            return self

        def call_on_fit_task_end(self, **data):
            return False

    def _with_callbacks(method):
        return method


__all__ = ["CallbackSupportMixin", "FitTask", "with_callbacks", "without_task"]

# scikit-learn has no hints: a fit keeps its own
F = TypeVar("F", bound=Callable)
with_callbacks: Callable[[F], F] = _with_callbacks


def without_task(state):
    """The state of an estimator that may be in the midst of a ``fit``, for a copy.

    ``fit`` or ``partial_fit`` of the copy would else end the tasks of the estimator.
    """
    of_a_fit = "_callback_fit_ctx", "_skl_callbacks_to_teardown"
    return {name: value for name, value in state.items() if name not in of_a_fit}


class FitTask:
    """The task of one ``fit``, which begins here; a context in which it is done.

    ``fit`` must be decorated by ``with_callbacks``, its class inherit from
    ``CallbackSupportMixin``.

    Parameters
    ----------
    estimator : estimator
        What is fitted; with its learned attributes when the context ends.
    X, y, sample_weight : object
        As the user passed them to ``fit``.
    n_epochs : int, default=0
        The most epochs that there will be.
    """

    def __init__(self, estimator, X, y=None, sample_weight=None, n_epochs=0):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._context = estimator._init_callback_context(max_subtasks=n_epochs)
        self._context.call_on_fit_task_begin(**self._data)

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error is None:
            self._end(self._context, {})  # the estimator is complete

    def begin_epoch(self):
        """Tell the callbacks that an epoch begins."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._data)

    def end_epoch(self, learned):
        """Tell the callbacks that an epoch is over; whether one asks for a stop.

        Parameters
        ----------
        learned : callable
            Gives a dict of the attributes of an estimator that is fitted up to here. It
            is called where a callback asks for such an estimator.
        """
        return self._end(self._epoch, learned)

    def _end(self, context, learned):
        data = {**self._data, "reconstruction_attributes": learned}
        return context.call_on_fit_task_end(**data)
