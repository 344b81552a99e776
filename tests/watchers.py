"""Callbacks of scikit-learn's protocol that tests set on estimators."""


class Watcher:
    """Write down what it is told of, and do something at the end of a task.

    ``act(context, fitted_estimator)`` may ask for a stop.
    """

    def __init__(self, act=None):
        self.events, self.data, self.act = [], [], act

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))
        self.data.append((X, y, metadata))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator
    ):
        self.events.append(("end", context.task_name, context.task_id))
        self.data.append((X, y, metadata))
        return self.act is not None and self.act(context, fitted_estimator)


def at_epochs(act):
    """An action at the end of epochs alone."""
    return lambda context, fitted: context.task_name == "epoch" and act(context, fitted)


def epochs(n):
    """The events of a fit of n epochs."""
    each = [(when, "epoch", i) for i in range(n) for when in ("begin", "end")]
    return ["setup", ("begin", "fit", 0), *each, ("end", "fit", 0), "teardown"]
