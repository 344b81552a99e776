"""The callbacks of our own, and the check of the user's."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler, PassthroughScoring
from torch import nn

WARM_UP = 0.15  # fraction of the updates in which the learning rate rises


def own_callbacks(settings, n_updates=1, score=None):
    """Pairs (name, callback), called in this order and before the user's.

    Parameters
    ----------
    settings : Settings
        Of the training.
    n_updates : int
        Updates of all epochs together.
    score : tuple (name, function), default=None
        What is recorded of the validation set, where there is one.
    """
    callbacks = [("gradient_clipping", ClipGradients())]
    if settings.schedule:
        cycle = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            step_every="batch",
            max_lr=settings.learning_rate,
            pct_start=WARM_UP,
            total_steps=n_updates + 1,  # the scheduler counts its first step too
        )
        callbacks.append(("schedule", cycle))
    if score is not None:
        name = f"valid_{score[0]}"
        callbacks += [
            ("score", ValidationScore(name, score[1])),
            (name, PassthroughScoring(name, lower_is_better=False)),
        ]
    if settings.patience is not None:
        callbacks.append(("early_stopping", StopEarly(settings.patience)))
    return [*callbacks, ("divergence", StopAtDivergence())]


def check_callbacks(settings, validated):
    """Raise where the user's callbacks hold what skorch cannot call, or cannot work.

    Parameters
    ----------
    settings : Settings
        Of the training.
    validated : bool
        Whether there will be validation images.
    """
    # a name that some training of ours uses is taken in each
    whole = replace(settings, schedule=True, patience=1)
    names = {name for name, _ in own_callbacks(whole, score=("accuracy", None))}
    for item in settings.callbacks or ():
        pair = isinstance(item, tuple) and len(item) == 2
        name, callback = item if pair else (None, item)
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback) or not isinstance(name, (str, type(None))):
            raise ValueError(
                "callbacks must hold skorch callbacks, alone or as pairs "
                f"(name, callback). Got {item!r} instead."
            )
        if name in names:
            raise ValueError(
                f"callbacks holds a callback of the name {name!r}, which another has. "
                "Choose another name, or pass the callback without one."
            )
        names |= {name} - {None}
        monitor = getattr(callback, "monitor", None)
        if not validated and isinstance(monitor, str) and monitor.startswith("valid"):
            raise ValueError(
                f"callbacks holds an {kind.__name__} that monitors {monitor!r}, but "
                "there are no validation images. Pass X_val and y_val to fit, set "
                "early_stopping=True, or monitor 'train_loss'."
            )


class ClipGradients(Callback):
    """Clip the norm of the gradient to 1.

    skorch's own GradientNormClipping lists the parameters anew for each update.
    """

    def on_train_begin(self, net, **kwargs):
        self.parameters_ = list(net.module_.parameters())

    def on_grad_computed(self, net, **kwargs):
        nn.utils.clip_grad_norm_(self.parameters_, 1.0)


class ValidationScore(Callback):
    """Record the weighted mean score of each validation batch.

    Parameters
    ----------
    name : str
        The name in the history.
    function : callable
        From logits (b, K) and codes (b,) to a score for each image.
    """

    def __init__(self, name, function):
        self.name = name
        self.function = function

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        if not training:
            codes, weights = batch[1]
            score = float((self.function(y_pred, codes) * weights).mean())
            net.history.record_batch(self.name, score)


class StopEarly(Callback):
    """Stop without a lower validation loss, and restore the weights of the best epoch.

    skorch's own EarlyStopping stops by the exception of Ctrl-C, and ahead of the
    callbacks that come after it; this one lets the epoch be completed.

    Parameters
    ----------
    patience : int
        Epochs without a lower validation loss before training stops.

    Attributes
    ----------
    best_epoch_ : int
        The epoch with the lowest validation loss, counted from 1.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.best_epoch_, self.best_loss_ = 0, np.inf

    def on_epoch_end(self, net, **kwargs):
        epoch, loss = len(net.history), net.history[-1, "valid_loss"]
        if loss < self.best_loss_:  # never true for NaN
            self.best_epoch_, self.best_loss_ = epoch, loss
            self.best_weights_ = deepcopy(net.module_.state_dict())
        net.stopped_ = epoch - self.best_epoch_ >= self.patience

    def on_train_end(self, net, **kwargs):
        if self.best_epoch_ not in (0, len(net.history)):
            net.module_.load_state_dict(self.best_weights_)
        self.best_weights_ = None  # on a GPU they would stay there


class StopAtDivergence(Callback):
    """Raise where the loss or, in the end, a weight is no longer finite."""

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if not training or np.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            return
        # a fault of the augmentation looks like a learning rate that is too high
        if net.iterator_train__augment and self._is_spoiled(net, batch[0]):
            raise ValueError(
                "augment must give finite values. In epoch "
                f"{len(net.history)} it gave NaN or infinity: look for a division by "
                "zero, or a root or logarithm of a negative number in it."
            )
        self._raise(net, "The training loss is")

    def on_train_end(self, net, **kwargs):
        if not all(weights.isfinite().all() for weights in net.module_.parameters()):
            self._raise(net, "The weights are")

    def _is_spoiled(self, net, network_input):
        """Whether images are no longer finite that were."""
        x = network_input["x"] if isinstance(network_input, dict) else network_input
        missing = net.module_.expects_missing()
        return bool(x.isinf().any() or (x.isnan().any() and not missing))

    def _raise(self, net, what):
        raise ValueError(
            f"{what} no longer finite in epoch {len(net.history)}: the training "
            f"diverged. learning_rate={net.lr} is probably too high; try a tenth of it."
        )


def is_stop_of_skorch(net):
    """Whether a KeyboardInterrupt is that of a user's EarlyStopping, not Ctrl-C."""
    return any(
        isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
        for _, callback in net.callbacks_
    )


def restored_epoch(net):
    """The epoch whose weights a callback has restored, counted from 1, or None."""
    for _, callback in net.callbacks_:
        restores = isinstance(callback, EarlyStopping) and callback.load_best
        if restores or isinstance(callback, StopEarly):
            return callback.best_epoch_
    return None
