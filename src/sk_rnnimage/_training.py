"""train(): the skorch net, its schedule, stopping, seeds and device."""

import threading
import warnings
from contextlib import contextmanager

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    LRScheduler,
    PassthroughScoring,
)
from skorch.helper import predefined_split
from skorch.utils import noop
from torch import nn

from sk_rnnimage._batches import Batches, resident

LABEL_SMOOTHING = 0.1
WARM_UP = 0.15  # share of the steps in which the rate rises
AUTO_STEPS, AUTO_EPOCHS = 400, (3, 100)


def auto_epochs(n_batches):
    """Passes for ``max_epochs="auto"``: 400 steps, in at least 3 and at most 100."""
    fewest, most = AUTO_EPOCHS
    return min(max(fewest, -(-AUTO_STEPS // n_batches)), most)


def train(
    network,
    data,
    *,
    valid=None,
    max_epochs,
    batch_size,
    learning_rate,
    weight_decay,
    schedule=True,
    patience=None,
    moments=None,
    augment=None,
    callbacks=None,
    device="cpu",
    verbose=0,
    seed=0,
):
    """Train a network in place and leave it on the CPU.

    Parameters
    ----------
    network : ImageNetwork
        Standardisation and initial weights set.
    data, valid : ImageSet
        What is learned from, and what is scored after each epoch.
    max_epochs, batch_size, learning_rate, weight_decay
        As in the classifiers, ``max_epochs`` a number.
    schedule : bool, default=True
        One cycle of the learning rate (up for 15 % of the steps, then down to 0), or
        a constant rate.
    patience : int, default=None
        Epochs without a better validation loss before training stops and the best
        epoch's weights are restored. None does neither.
    moments : dict of arrays, default=None
        The optimiser's state as an earlier call returned it.
    augment : callable, default=None
        Changes the images of each training batch.
    callbacks : list of skorch callbacks, default=None
    device : str, default="cpu"
        A GPU holds the images while it trains, where they take no more than half of
        its free memory; else each batch is copied.
    verbose : int, default=0
    seed : int, default=0
        Of the order of the batches, of augmentation and of dropout.

    Returns
    -------
    history : list of dict
        One an epoch.
    best_epoch : int
        Place in ``history`` of the epoch whose weights the network now has (1 is the
        first), or that validated best where training did not stop on it.
    moments : dict of arrays or None
        The optimiser's state; None after a schedule, which leads nowhere further.
    """
    device = torch.device(device)
    data = resident(data, device)
    valid = None if valid is None else resident(valid, device)
    net = _Net(
        network,
        criterion=_WeightedCrossEntropy,
        optimizer=torch.optim.AdamW,
        optimizer__fused=True,
        optimizer__betas=(0.9, 0.98),  # a memory of 50 steps: fits are short
        optimizer__weight_decay=weight_decay,
        optimizer__param_groups=[
            (name, {"weight_decay": 0.0}) for name in ("*bias*", "*.log_*")
        ],
        lr=learning_rate,
        max_epochs=max_epochs,
        batch_size=batch_size,
        iterator_train=Batches,
        iterator_train__device=device,
        iterator_train__random_state=np.random.RandomState(seed),
        iterator_train__augment=augment,
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid=Batches,
        iterator_valid__device=device,
        train_split=None if valid is None else predefined_split(valid),
        callbacks=_callbacks(
            data, valid, max_epochs, batch_size, learning_rate, schedule, patience
        )
        + list(callbacks or []),
        verbose=verbose,
        device=device,
    )
    with _reproducible(seed, device):
        net.initialize()
        _load_moments(net, moments)
        with _memory_named(batch_size, device):
            net.train_through(data)
    network.zero_grad()
    network.cpu().eval()
    history = _history(net)
    best = _best_epoch(net, history)
    moments = None if schedule else _get_moments(net)
    del net, data, valid  # all that is left on a GPU
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return history, best, moments


def check_callbacks(callbacks, validated):
    """Raise where ``callbacks`` holds what skorch cannot call, or what cannot work."""
    for item in callbacks or ():
        pair = isinstance(item, tuple) and len(item) == 2
        callback = item[1] if pair else item
        kind = callback if isinstance(callback, type) else type(callback)
        if callback is not None and not issubclass(kind, Callback):
            raise ValueError(
                "callbacks must hold skorch callbacks, alone or as pairs "
                f"(name, callback). Got {item!r} instead."
            )
        monitor = getattr(callback, "monitor", None)
        if not validated and isinstance(monitor, str) and monitor.startswith("valid"):
            raise ValueError(
                f"callbacks holds an {kind.__name__} that monitors {monitor!r}, but "
                "there are no validation images. Pass X_val and y_val to fit, set "
                "early_stopping=True, or monitor 'train_loss'."
            )


def _callbacks(data, valid, epochs, batch_size, learning_rate, schedule, patience):
    callbacks = [("gradient_clipping", _ClipGradients())]
    if schedule:
        cycle = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            step_every="batch",
            max_lr=learning_rate,
            pct_start=WARM_UP,
            total_steps=epochs * data.n_batches(batch_size) + 1,
        )
        callbacks.append(("schedule", cycle))
    if valid is not None:
        accuracy = PassthroughScoring("valid_accuracy", lower_is_better=False)
        callbacks += [
            ("correct", _ValidAccuracy()),
            ("valid_accuracy", accuracy),
        ]
    if patience is not None:
        stopping = EarlyStopping(
            patience=patience, threshold=0.0, load_best=True, sink=noop
        )
        callbacks.append(("early_stopping", stopping))
    return [*callbacks, ("divergence", _StopAtDivergence())]


class _Net(NeuralNet):
    """skorch's net, but that Ctrl-C reaches the caller and a stop completes its epoch.

    skorch's EarlyStopping and a user at the keyboard both raise KeyboardInterrupt.
    The mode of the modules is set where it changes, not in each batch.
    """

    def train_through(self, data):
        self.notify("on_train_begin", X=data, y=None)
        try:
            self.fit_loop(data)
        except _Stop:
            pass
        self.notify("on_train_end", X=data, y=None)

    def notify(self, method_name, **kwargs):
        getattr(self, method_name)(self, **kwargs)
        stop = False
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt:
                if not _has_stopped(callback, method_name):
                    raise
                stop = True
        if stop:
            raise _Stop

    def _set_training(self, training=True):
        if self.module_.training != training or self.criterion_.training != training:
            super()._set_training(training)


class _Stop(Exception):
    """A callback ended the training."""


def _has_stopped(callback, method_name):
    return (
        isinstance(callback, EarlyStopping)
        and method_name == "on_epoch_end"
        and callback.misses_ >= callback.patience
    )


class _WeightedCrossEntropy(nn.Module):
    """The sum of weight * cross-entropy over the rows, divided by their number.

    In training a share of each label is spread over all classes (C. Szegedy et al.,
    "Rethinking the Inception architecture for computer vision", CVPR 2016, sec. 7).
    """

    def forward(self, logits, target):
        codes, weights = target
        losses = nn.functional.cross_entropy(
            logits,
            codes,
            reduction="none",
            label_smoothing=LABEL_SMOOTHING if self.training else 0.0,
        )
        return (losses * weights.to(losses.dtype)).mean()


class _ClipGradients(Callback):
    """Shorten the gradient to a norm of 1; skorch's own lists the parameters anew."""

    def on_train_begin(self, net, **kwargs):
        self.parameters_ = list(net.module_.parameters())

    def on_grad_computed(self, net, **kwargs):
        nn.utils.clip_grad_norm_(self.parameters_, 1.0)


class _StopAtDivergence(Callback):
    """Raise where the loss or, in the end, a weight is no longer a number."""

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if not training or np.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            return
        if net.iterator_train__augment and self._spoiled(net, batch[0]):
            raise ValueError(
                "augment must give finite values. In epoch "
                f"{len(net.history)} it gave NaN or infinity: look for a division by "
                "zero, or a root or logarithm of a negative number in it."
            )
        self._stop(net, "The training loss is")

    def on_train_end(self, net, **kwargs):
        if not all(weights.isfinite().all() for weights in net.module_.parameters()):
            self._stop(net, "The weights are")

    def _spoiled(self, net, batch):
        x = batch["x"] if isinstance(batch, dict) else batch
        known = net.module_.standardize.mask  # NaN is a missing pixel
        return bool(x.isinf().any() or (x.isnan().any() and not known))

    def _stop(self, net, what):
        raise ValueError(
            f"{what} no longer finite in epoch {len(net.history)}: the training "
            f"diverged. learning_rate={net.lr} is probably too high; try a tenth of it."
        )


class _ValidAccuracy(Callback):
    """Write the weighted share of correct predictions of each validation batch."""

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        if not training:
            codes, weights = batch[1]
            correct = y_pred.argmax(1) == codes
            accuracy = float((correct * weights).mean())
            net.history.record_batch("valid_accuracy", accuracy)


_TURN = threading.RLock()


@contextmanager
def seeded(seed, device="cpu"):
    """Seed torch's generators of the CPU and of a device, and put them back after.

    They belong to the whole process, so threads take turns.
    """
    devices = [torch.device(device)] if str(device) != "cpu" else []
    with _TURN, torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds every GPU
        for gpu in devices:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def _reproducible(seed, device):
    """Seed torch and flush denormals, and put both back as they were found."""
    flushed = bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0)
    with seeded(seed, device), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(flushed)


@contextmanager
def _memory_named(batch_size, device):
    """Say what needs the memory where torch's allocators have no more."""
    try:
        yield
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise ValueError(
            f"The memory of device {str(device)!r} does not hold a batch of "
            f"batch_size={batch_size} images and what the network makes of it. Choose "
            "a smaller batch_size or hidden_size, or smaller images."
        ) from error


def _history(net):
    """skorch's history as plain numbers, one dict an epoch."""
    return [_numbers(row) for row in net.history]


def _numbers(row):
    kept = {
        key: float(value)
        for key, value in row.items()
        if isinstance(value, (int, float))
        and not isinstance(value, bool)
        and not key.endswith("_batch_count")
    }
    kept["epoch"] = row["epoch"]
    kept["duration"] = kept.pop("dur")
    return kept


def _best_epoch(net, history):
    for _, callback in net.callbacks_:
        if isinstance(callback, EarlyStopping) and callback.load_best:
            return callback.best_epoch_
    if "valid_loss" in history[-1]:
        return 1 + int(np.argmin([row["valid_loss"] for row in history]))
    return len(history)


def _get_moments(net):
    return {
        f"{name}:{key}": value.detach().cpu().numpy().copy()
        for name, tensor in net.get_all_learnable_params()
        for key, value in net.optimizer_.state[tensor].items()
    }


def _load_moments(net, moments):
    if moments is None:
        return
    for name, tensor in net.get_all_learnable_params():
        net.optimizer_.state[tensor] = {
            key: torch.tensor(moments[f"{name}:{key}"], device=tensor.device)
            for key in ("step", "exp_avg", "exp_avg_sq")
        }
