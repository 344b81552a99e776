"""The callbacks of our own, and the check of the user's."""

import re
import sys
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
)
from torch import nn

WARM_UP = 0.15  # fraction of the updates in which the learning rate rises
# those that skorch adds, and the watchers of train()
NAMES_TAKEN = {"epoch_timer", "train_loss", "valid_loss", "print_log"}
NAMES_TAKEN |= {"watcher", "saving"}


def own_callbacks(settings, target=None, n_updates=1, validated=True):
    """Pairs (name, callback), called in this order and before the user's.

    Parameters
    ----------
    settings : Settings
        Of the training.
    target : Classes, default=None
        Gives the score of the validation and the temperature. None is enough for the
        names of the callbacks.
    n_updates : int, default=1
        Updates of all epochs together.
    validated : bool, default=True
        Whether there are validation images.
    """
    callbacks = [
        ("gradient_clipping", ClipGradients()),
        ("calibration", Calibrate(target)),
    ]
    if settings.schedule and not any(map(_is_schedule, settings.callbacks or ())):
        cycle = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            step_every="batch",
            max_lr=settings.learning_rate,
            pct_start=WARM_UP,
            total_steps=n_updates + 1,  # the scheduler counts its first step too
        )
        callbacks.append(("schedule", cycle))
    if settings.patience is not None:
        callbacks.append(("anneal", Anneal(settings.patience)))
    if validated:
        score, function = ("accuracy", None) if target is None else target.score
        name = f"valid_{score}"
        callbacks += [
            ("score", ValidationScore(name, function)),
            (name, PassthroughScoring(name, lower_is_better=False)),
        ]
    if settings.patience is not None:
        callbacks.append(("early_stopping", StopEarly(settings.patience)))
    callbacks.append(("learning_rate", RecordLearningRate()))
    return [*callbacks, ("divergence", StopAtDivergence())]


def own_names(settings):
    """The names that no callback of the user's may have: a training has some of them.

    One name is ours in each training, if it is in some.
    """
    whole = replace(settings, schedule=True, patience=1, callbacks=None)
    return NAMES_TAKEN | {name for name, _ in own_callbacks(whole)}


def _is_schedule(item):
    """Whether an item of the user's callbacks sets the learning rate."""
    _, _, kind = _unpacked(item)
    return issubclass(kind, LRScheduler)


def _unpacked(item):
    """Name (or None), callback and class of an item of the user's callbacks."""
    pair = isinstance(item, tuple) and len(item) == 2
    name, callback = item if pair else (None, item)
    return name, callback, callback if isinstance(callback, type) else type(callback)


def check_callbacks(settings, validated):
    """Raise where the user's callbacks hold what skorch cannot call, or cannot work.

    Parameters
    ----------
    settings : Settings
        Of the training.
    validated : bool
        Whether there will be validation images.
    """
    names = own_names(settings)
    for item in settings.callbacks or ():
        name, callback, kind = _unpacked(item)
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
        if issubclass(kind, (EpochScoring, BatchScoring)):
            _check_scoring(callback, kind.__name__, validated)
        monitor = getattr(callback, "monitor", None)
        if not validated and isinstance(monitor, str) and monitor.startswith("valid"):
            raise ValueError(
                f"callbacks holds an {kind.__name__} that monitors {monitor!r}, but "
                "there are no validation images. Pass X_val and y_val to fit, set "
                "early_stopping=True, or monitor 'train_loss'."
            )


def _check_scoring(callback, name, validated):
    """Raise where a callback that scores the net has nothing to score."""
    if not getattr(callback, "use_caching", True):
        raise ValueError(
            f"callbacks holds {name}(use_caching=False), but the net can only be "
            "scored on what it gave for the batches of the epoch. Leave "
            "use_caching=True; to score the training images after each epoch, pass "
            "them to fit as X_val and y_val too."
        )
    if not validated and not getattr(callback, "on_train", False):
        raise ValueError(
            f"callbacks holds {name}(on_train=False), which scores validation images, "
            "but there are none. Pass X_val and y_val to fit, set early_stopping=True, "
            "or score the training images: on_train=True."
        )


class ClipGradients(Callback):
    """Clip the norm of the gradient to 1.

    skorch's own GradientNormClipping lists the parameters anew for each update.
    """

    def on_train_begin(self, net, **kwargs):
        self.parameters_ = list(net.module_.parameters())

    def on_grad_computed(self, net, **kwargs):
        nn.utils.clip_grad_norm_(self.parameters_, 1.0)


class Calibrate(Callback):
    """Set the network's temperature, and record losses of calibrated logits.

    The criterion's smoothed labels hold the confidence down; what is recorded as
    ``train_loss`` is, like the validation's, the loss of the probabilities that the
    network would give.

    Parameters
    ----------
    target : Classes
        Gives the temperature for the mean confidence of an epoch.

    Attributes
    ----------
    temperatures_ : list of float
        One for each epoch.
    """

    MOST = 2**18  # logits that wait, as many batches at once cost less than one by one

    def __init__(self, target):
        self.target = target

    def on_train_begin(self, net, **kwargs):
        self.temperature_ = net.module_.temperature  # that of the epoch before
        self.temperatures_ = []

    def on_epoch_begin(self, net, **kwargs):
        self.waiting_, self.n_waiting_ = [], 0
        self.confidence_, self.weight_, self.loss_, self.n_ = 0.0, 0.0, 0.0, 0
        self.updated_ = False

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        if training:
            self.waiting_.append((y_pred.detach(), *batch[1]))
            self.n_waiting_ += y_pred.numel()
            if self.n_waiting_ > self.MOST:
                self._add_waiting()

    def on_batch_begin(self, net, training=False, **kwargs):
        if not training:  # the first validation batch comes after all training batches
            self._update(net)

    def on_epoch_end(self, net, **kwargs):
        self._update(net)
        net.history.record("train_loss", self.loss_ / self.n_)

    def _add_waiting(self):
        logits, codes, weights = (torch.cat(parts) for parts in zip(*self.waiting_))
        self.waiting_, self.n_waiting_ = [], 0
        confidence = self.target.confidence(logits)
        self.confidence_ += float((confidence * weights).sum())
        self.weight_ += float(weights.sum())
        calibrated = logits / self.temperature_
        self.loss_ += float(self.target.loss(calibrated, (codes, weights))) * len(codes)
        self.n_ += len(codes)

    def _update(self, net):
        if self.updated_:
            return
        if self.waiting_:
            self._add_waiting()
        temperature = self.target.temperature(self.confidence_ / self.weight_)
        # rounded as in weights_, so that a loaded network gives the same bits
        dtype = net.module_.dtype
        net.module_.temperature = float(torch.tensor(temperature, dtype=dtype))
        self.temperature_, self.updated_ = net.module_.temperature, True
        self.temperatures_.append(self.temperature_)


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


class RecordLearningRate(Callback):
    """Record the learning rate of the last update of each epoch, as ``event_lr``."""

    def on_grad_computed(self, net, **kwargs):
        self.rate_ = net.optimizer_.param_groups[0]["lr"]

    def on_epoch_end(self, net, **kwargs):
        net.history.record("event_lr", self.rate_)


class PlainLog(PrintLog):
    """skorch's table of epochs, in colour on a terminal alone."""

    def format_row(self, row, key, color):
        """A value of the table as text."""
        text = super().format_row(row, key, color)
        return text if sys.stdout.isatty() else re.sub(r"\x1b\[\d*m", "", text)


class WatchLoss(Callback):
    """What callbacks share that wait for a lower validation loss.

    Parameters
    ----------
    patience : int
        Epochs without a lower validation loss before training stops.

    Attributes
    ----------
    best_epoch_ : int
        The epoch with the lowest validation loss, counted from 1; 0 where each was NaN.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.best_epoch_, self.best_loss_ = 0, np.inf

    def n_misses(self, net):
        """Look at the epoch that ends: epochs since that of the lowest loss."""
        epoch, loss = len(net.history), net.history[-1, "valid_loss"]
        if loss < self.best_loss_:  # never true for NaN
            self.best_epoch_, self.best_loss_ = epoch, loss
        return epoch - self.best_epoch_


class Anneal(WatchLoss):
    """Let the learning rate fall to 0 once the validation loss stalls, then stop.

    Early stopping at the height of a cycle would keep weights that are still noisy, and
    lose what the fall of the learning rate brings. So where the loss has not fallen for
    half of the patience, the learning rate goes to 0 in the other half, linearly from
    where it is; with it training ends.
    """

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net)
        self.rates_ = None  # of the updates that are left, once it anneals

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and self.rates_ is not None:
            rate = self.rates_.pop(0)
            for group in net.optimizer_.param_groups:
                group["lr"] = rate  # in place of the schedule's

    def on_epoch_end(self, net, **kwargs):
        n_misses = self.n_misses(net)
        if self.rates_ is None and n_misses >= -(-self.patience // 2) < self.patience:
            n_updates = net.history[-1, "train_batch_count"]
            n_updates *= self.patience - n_misses
            rate = net.optimizer_.param_groups[0]["lr"]
            self.rates_ = list(np.linspace(rate, 0, n_updates + 1)[:-1])
        elif self.rates_ == []:
            net.stopped_ = True


class StopEarly(WatchLoss):
    """Stop without a lower validation loss, and restore the weights of the best epoch.

    skorch's own EarlyStopping stops by the exception of Ctrl-C, and ahead of the
    callbacks that come after it; this one lets the epoch be completed.
    """

    def on_epoch_end(self, net, **kwargs):
        n_misses = self.n_misses(net)
        if n_misses == 0:
            self.best_weights_ = deepcopy(net.module_.state_dict())
        if n_misses >= self.patience:
            net.stopped_ = True

    def on_train_end(self, net, **kwargs):
        if self.best_epoch_ not in (0, len(net.history)):
            net.module_.load_state_dict(self.best_weights_)
        self.best_weights_ = None  # on a GPU they would stay there


class StopAtDivergence(Callback):
    """Raise where the loss or, in the end, a weight is no longer finite.

    In the end the loss must also be one that a training can have: a rate that is far
    too high need not end in infinity, but the probabilities mean nothing.
    """

    WORST = 1e4  # times the loss of equal probabilities

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
        self._raise(net, "The training loss is no longer finite")

    def on_train_end(self, net, **kwargs):
        if not all(weights.isfinite().all() for weights in net.module_.parameters()):
            self._raise(net, "The weights are no longer finite")
        restored = restored_epoch(net)
        row = net.history[(restored or 0) - 1]
        key = "valid_loss" if restored and "valid_loss" in row else "train_loss"
        loss = row[key]
        if loss > self.WORST * max(1, np.log(len(net.classes_))):
            self._raise(net, f"{key} is {loss:.3g}")

    def _is_spoiled(self, net, network_input):
        """Whether images are no longer finite that were."""
        x = network_input["x"] if isinstance(network_input, dict) else network_input
        missing = net.module_.expects_missing()
        return bool(x.isinf().any() or (x.isnan().any() and not missing))

    def _raise(self, net, what):
        decay = net.optimizer__weight_decay
        name, value = "learning_rate", net.lr
        if net.lr * decay > 1 >= net.lr:  # each update then turns the weights round
            name, value = "weight_decay", decay
        raise ValueError(
            f"{what} in epoch {len(net.history)}: the training diverged. "
            f"{name}={value} is probably too high; try a tenth of it."
        )


def is_stop_of_skorch(net):
    """Whether a KeyboardInterrupt is that of a user's EarlyStopping, not Ctrl-C."""
    return any(
        isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
        for _, callback in net.callbacks_
    )


def restored_epoch(net):
    """The epoch whose weights a callback has restored, counted from 1, or None.

    Of several callbacks the last one's weights stay.
    """
    for _, callback in reversed(net.callbacks_):
        restores = getattr(callback, "load_best", False)
        if isinstance(callback, Checkpoint) and restores and callback.monitor:
            return _last_checkpoint(net.history, callback)
        if isinstance(callback, EarlyStopping) and restores:
            return callback.best_epoch_ or None  # 0 where each loss was NaN
        if isinstance(callback, StopEarly):
            return callback.best_epoch_ or None
    return None


def _last_checkpoint(history, callback):
    """The last epoch that a Checkpoint has saved, or None where it does not say."""
    event = callback.event_name or callback.monitor
    saved = [i for i, row in enumerate(history, 1) if row.get(event)]
    return saved[-1] if saved else None
