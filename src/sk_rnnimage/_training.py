"""train(): the skorch net, its schedule, stopping, seeds and device."""

import gc
import threading
import warnings
from contextlib import contextmanager
from ctypes import CDLL
from functools import cache
from traceback import clear_frames

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
from threadpoolctl import threadpool_info
from torch import nn

from sk_rnnimage._batches import Batches, resident

LABEL_SMOOTHING = 0.1
WARM_UP = 0.15  # share of the steps in which the rate rises
AUTO_STEPS, AUTO_EPOCHS = 400, (3, 100)
OWN_CALLBACKS = (
    "gradient_clipping", "schedule", "correct", "valid_accuracy", "early_stopping",
    "divergence",
)  # fmt: skip


def auto_epochs(n_batches):
    """Passes for ``max_epochs="auto"``: 400 steps, in at least 3 and at most 100."""
    fewest, most = AUTO_EPOCHS
    return min(max(fewest, -(-AUTO_STEPS // n_batches)), most)


def train(
    network, data, valid=None, *, schedule=True, moments=None, device="cpu", seed=0,
    **settings,
):  # fmt: skip
    """Train a network in place and leave it on the CPU.

    Parameters
    ----------
    network : ImageNetwork
        Standardisation and initial weights set.
    data, valid : ImageSet
        What is learned from, and what is scored after each epoch.
    schedule : bool, default=True
        One cycle of the learning rate (up for 15 % of the steps, then down to 0), or
        a constant rate.
    moments : dict of arrays, default=None
        The optimiser's state as an earlier call returned it.
    device : str, default="cpu"
        A GPU holds the images while it trains, where they take no more than half of
        its free memory; else each batch is copied. Nothing stays on it.
    seed : int, default=0
        Of the order of the batches, of augmentation and of dropout.
    **settings
        Of ``_make_net``: ``max_epochs``, ``batch_size``, ``learning_rate``,
        ``weight_decay``, ``patience``, ``augment``, ``callbacks``, ``verbose``.

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
    with _left_empty(network, device), _memory_named(settings["batch_size"], device):
        return _train(network, data, valid, schedule, moments, device, seed, settings)


def _train(network, data, valid, schedule, moments, device, seed, settings):
    data = resident(data, device)
    valid = None if valid is None else resident(valid, device)
    net = _make_net(network, data, valid, schedule, device, seed, **settings)
    with _reproducible(seed, device):
        net.initialize()
        _load_moments(net, moments)
        net.train_through(data)
    history = _history(net)
    moments = None if schedule else _get_moments(net)
    return history, _best_epoch(net, history), moments


def _make_net(
    network, data, valid, schedule, device, seed, *, max_epochs, batch_size,
    learning_rate, weight_decay, patience=None, augment=None, callbacks=None, verbose=0,
):  # fmt: skip
    """The skorch net that trains a network.

    Parameters
    ----------
    max_epochs, batch_size, learning_rate, weight_decay, verbose
        As in the classifiers, ``max_epochs`` a number.
    patience : int, default=None
        Epochs without a better validation loss before training stops and the best
        epoch's weights are restored. None does neither.
    augment : callable, default=None
        Changes the images of each training batch.
    callbacks : list of skorch callbacks, default=None
        Called after our own.
    """
    return _Net(
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


def check_callbacks(callbacks, validated):
    """Raise where ``callbacks`` holds what skorch cannot call, or what cannot work."""
    names = set(OWN_CALLBACKS)
    for item in callbacks or ():
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
    """Seed torch and flush denormals, and put both back as they were found.

    The number of threads stays the caller's: other numbers round otherwise, and tools
    that fit in parallel, such as joblib, choose it.
    """
    with seeded(seed, device), _denormals_flushed(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        yield


@contextmanager
def _denormals_flushed():
    """Let all threads take tiny numbers as 0, which are up to 27 times as slow."""
    flushed = bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0)
    _flush_denormals(True)
    try:
        yield
    finally:
        _flush_denormals(flushed)


def _flush_denormals(flush):
    """Set the calling thread's flag, and start the others anew, who take it over."""
    torch.set_flush_denormal(flush)
    if torch.get_num_threads() > 1:
        for end_threads in _openmp_pauses():
            end_threads(1)  # omp_pause_soft


@cache
def _openmp_pauses():
    """``omp_pause_resource_all`` of the OpenMP libraries in this process."""
    paths = [
        lib["filepath"] for lib in threadpool_info() if lib["user_api"] == "openmp"
    ]
    found = [getattr(CDLL(path), "omp_pause_resource_all", None) for path in paths]
    return [pause for pause in found if pause is not None]


@contextmanager
def _left_empty(network, device):
    """Bring the network back to the CPU and leave nothing on a GPU.

    Also after an error: the frames of its traceback hold what lies there.
    """
    try:
        yield
    except BaseException as error:
        if device.type == "cuda":
            for link in (error, error.__cause__, error.__context__):
                clear_frames(getattr(link, "__traceback__", None))
            gc.collect()
        raise
    finally:
        network.zero_grad()
        network.cpu().eval()
        if device.type == "cuda":
            torch.cuda.empty_cache()


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
        step, *means = (
            torch.tensor(moments[f"{name}:{key}"], device=tensor.device)
            for key in ("step", "exp_avg", "exp_avg_sq")
        )
        mean, square = (values.to(tensor.dtype) for values in means)
        net.optimizer_.state[tensor] = {
            "step": step, "exp_avg": mean, "exp_avg_sq": square
        }  # fmt: skip
