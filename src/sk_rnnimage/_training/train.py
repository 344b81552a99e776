"""train(): from data and settings to a trained network."""

import numbers
from contextlib import nullcontext

import numpy as np
import torch
from skorch.helper import predefined_split

from sk_rnnimage._data.augmentation import make_augmentation
from sk_rnnimage._data.batches import Batches
from sk_rnnimage._environment.process import (
    keep_freed_memory,
    left_empty,
    memory_error_as,
    one_thread,
    reproducible,
    warn_of_memory,
)
from sk_rnnimage._training.callbacks import (
    PlainLog,
    own_callbacks,
    own_names,
    restored_epoch,
)
from sk_rnnimage._training.net import Net
from sk_rnnimage._training.optimizer import MuonAdamW, load_moments, moments_of
from sk_rnnimage._training.ranks import n_ranks, read_rows
from sk_rnnimage._training.shared_net import SharedNet

# Multiplications of an update's forward pass up to which two threads are at most 1.4
# times as fast as one where nothing else runs, and several times slower where it does:
# OpenMP's threads spin while they wait for one that has no core.
FEW_PRODUCTS = 2 * 10**8


def train(network, data, valid, target, settings, optimizer_state=None, watchers=()):
    """Train a network in place and leave it on the CPU.

    Parameters
    ----------
    network : ImageNetwork
        Standardisation and initial weights set.
    data, valid : ImageSet
        What is learned from, and what is scored after each epoch, or None.
    target : Classes
        Gives the criterion and the score of the validation.
    settings : Settings
        A GPU in ``device`` holds the images while it trains, where they take no more
        than half of its free memory; else each mini-batch is copied. Nothing stays.
    optimizer_state : dict of ndarray, default=None
        As an earlier call returned it.
    watchers : pairs (name, skorch callback), default=()
        Called after our own callbacks and before the user's.

    Returns
    -------
    history : list of dict
        One an epoch.
    best_epoch : int
        The epoch, counted from 1, whose weights the network now has, or that had the
        lowest validation loss where training did not stop on it.
    optimizer_state : dict of ndarray or None
        None after a schedule, at whose end the learning rate is 0.
    """
    device = torch.device(settings.device)
    message = (
        f"The memory of device {settings.device!r} does not hold a batch of "
        f"batch_size={settings.batch_size} images and what the network makes of it. "
        "Choose a smaller batch_size or hidden_size, or smaller images."
    )
    n_together = -(-min(settings.batch_size, len(data)) // n_ranks())
    height, width, _ = data.images.image_shape
    if device.type == "cpu":
        warn_of_memory(
            network.n_bytes_training(height, width, n_together),
            f"A mini-batch of {n_together} images of {height} x {width}",
            "Choose a smaller batch_size, or resize the images: ImageReader(size).",
        )
    few = n_together * network.n_products(height, width) <= FEW_PRODUCTS
    threads = one_thread() if few and device.type == "cpu" else nullcontext()
    with left_empty(network, device), memory_error_as(message), threads:
        data = data.on(device)
        valid = None if valid is None else valid.on(device)
        net = make_net(network, data, valid, target, settings, watchers)
        keep_freed_memory()
        with reproducible(settings.seed, device):
            net.initialize()
            load_moments(net, optimizer_state)
            net.train_through(data)
        restored = restored_epoch(net)
        if restored is not None:
            temperatures = dict(net.callbacks_)["calibration"].temperatures_
            # counted from the end: a callback may have loaded an earlier history
            network.temperature = temperatures[restored - len(net.history) - 1]
        history = plain_history(net)
        state = None if settings.schedule else moments_of(net)
        return history, restored or best_epoch(history), state


def make_net(network, data, valid, target, settings, watchers=()):
    """The skorch net that trains a network; the arguments are those of ``train``."""
    device = torch.device(settings.device)
    n_batches = data.n_batches(settings.batch_size)
    n_epochs = settings.n_epochs(n_batches)
    n_updates = n_epochs * n_batches
    callbacks = own_callbacks(settings, target, n_updates, valid is not None)
    callbacks += watchers  # an EarlyStopping of skorch's ends an epoch before its end
    # each of several processes reads its rows of a mini-batch
    kind, rows = (Net, None) if n_ranks() == 1 else (SharedNet, read_rows)
    net = kind(
        network,
        criterion=target.criterion(),
        optimizer=MuonAdamW,
        optimizer__fused=True,  # one loop over all weights, not one operation each
        optimizer__betas=(0.9, 0.98),  # a memory of 50 updates: fits are short
        optimizer__weight_decay=settings.weight_decay,
        # decay would pull biases to 0, and shorten the memory of an LRU (log_*)
        optimizer__param_groups=[
            *((name, {"weight_decay": 0.0}) for name in ("*bias*", "*.log_*")),
            # of which the updates never come to rest: in double precision, on few
            # images, a weight of k would no longer train as k copies
            ("*convolution.weight", {"muon": network.dtype == torch.float32}),
        ],
        lr=settings.learning_rate,
        max_epochs=n_epochs,
        batch_size=settings.batch_size,
        iterator_train=Batches,
        iterator_train__device=device,
        iterator_train__random_state=np.random.RandomState(settings.seed),
        iterator_train__augment=make_augmentation(
            settings.augment, network.expects_missing()
        ),
        # of its own, so that augmentation changes neither dropout nor the order
        iterator_train__generator=torch.Generator().manual_seed(settings.seed),
        iterator_train__mirrored=None,
        iterator_train__rows=rows,
        iterator_valid=Batches,
        iterator_valid__device=device,
        iterator_valid__rows=rows,
        train_split=None if valid is None else predefined_split(valid),
        callbacks=callbacks + list(settings.callbacks or []),
        callbacks__print_log=PlainLog(keys_ignored="event_lr"),
        verbose=settings.verbose,
        device=device,
    )
    return net.set_target(target, own_names(settings))


def plain_history(net):
    """The history of a net as plain numbers: a dict for each epoch."""
    return [_plain_row(row) for row in net.history]


def _plain_row(row):
    plain = {
        key: float(value)
        for key, value in row.items()
        if isinstance(value, numbers.Real)  # also NumPy's, of a user's score
        and not isinstance(value, bool)
        and not key.endswith("_batch_count")
    }
    plain["epoch"] = row["epoch"]
    plain["duration"] = plain.pop("dur")  # skorch's name, spelled out
    return plain


def best_epoch(history):
    """The epoch with the lowest validation loss, or the last one without any."""
    if "valid_loss" in history[-1]:
        return 1 + int(np.argmin([row["valid_loss"] for row in history]))
    return len(history)
