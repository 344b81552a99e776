"""Go on with a training from the state that its last epoch has left."""

import warnings
from dataclasses import replace

import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler

from sk_rnnimage._training.checkpoint import Checkpoint, digest_of
from sk_rnnimage._training.optimizer import load_moments, moments_of
from sk_rnnimage._training.ranks import of_first, rank
from sk_rnnimage._training.saved_states import has_seed, is_state

# What the callbacks of our own know from one epoch to the next
KNOWN = {
    "calibration": ("temperature_", "temperatures_"),
    "anneal": ("best_epoch_", "best_loss_", "rates_"),
    "early_stopping": ("best_epoch_", "best_loss_", "best_weights_"),
}


# What does not change the weights that a training ends with, or is there as the seed
NOT_IN_DIGEST = {"checkpoint", "random_state", "verbose", "warm_start"}


def check_checkpoint(estimator):
    """Raise where the parameters say that a state is kept which no checkpoint knows."""
    if estimator.checkpoint is not None and estimator.callbacks:
        raise ValueError(
            "checkpoint does not go with callbacks, which may keep a state of their "
            "own that no checkpoint knows. Set one of them to None."
        )


def checkpoint_of(estimator, recipe, *sets):
    """The checkpoint of a training, or None, and the recipe with the seed in it.

    Parameters
    ----------
    estimator : BaseImageEstimator
        With ``checkpoint``, a folder or None.
    recipe : Recipe
        With ``random_state=None`` its seed becomes that of the checkpoint, where there
        is one.
    *sets : ImageSet or None
        What is trained and validated on.
    """
    if estimator.checkpoint is None:
        return None, recipe
    parameters = estimator.get_params(deep=False)
    kept = {key: v for key, v in parameters.items() if key not in NOT_IN_DIGEST}
    seed = None if estimator.random_state is None else recipe.training.seed
    before = estimator.weights_ if recipe.goes_on else None
    there = [each for each in sets if each is not None]
    arrays = [[each.images, each.codes, each.weights] for each in there]
    parts = type(estimator).__name__, kept, seed, before, arrays
    # of the first alone: the digest reads all images
    checkpoint = of_first(lambda: Checkpoint(estimator.checkpoint, digest_of(*parts)))
    if checkpoint.state is not None:
        if not has_seed(checkpoint.state):
            raise checkpoint.damage()
        training = replace(recipe.training, seed=checkpoint.state["seed"])
        recipe = recipe._replace(training=training)
    return checkpoint, recipe


class SaveEpochs(Callback):
    """Save the state after each epoch, and begin with the one that was saved.

    It comes last, when all other callbacks have seen the epoch. Its records are rows of
    the history: ``resumed`` in the first epoch after the training was taken up again.
    Where the state cannot be saved the training goes on: a stop would lose more.

    Parameters
    ----------
    checkpoint : Checkpoint
        Where the state is.
    seed : int
        Of the training, which another one must have to go on with it.
    """

    def __init__(self, checkpoint, seed):
        self.checkpoint = checkpoint
        self.seed = seed

    def on_train_begin(self, net, X=None, **kwargs):
        state = self.checkpoint.state
        self.resumed_ = state is not None
        self.failed_ = False
        if self.resumed_:
            if not is_state(state["training"], _form(net), net, _known(net), len(X)):
                raise self.checkpoint.damage()
            _load(net, state["training"])

    def on_epoch_end(self, net, **kwargs):
        if self.resumed_:
            net.history.record("resumed", 1)
            self.resumed_ = False
        if rank() > 0:
            return
        try:
            self.checkpoint.save({"seed": self.seed, "training": _state(net)})
        except (OSError, MemoryError) as error:
            self._warn(error)

    def _warn(self, error):
        """Warn of the first epoch that could not be saved; each next one is tried."""
        if self.failed_:
            return
        self.failed_ = True
        warnings.warn(
            f"The checkpoint {str(self.checkpoint.path)!r} could not be written: "
            f"{getattr(error, 'strerror', None) or error}. The training goes on; if it "
            "is stopped, it begins again after the last epoch that was saved.",
            UserWarning,
            stacklevel=2,
        )


def _state(net):
    """All that the epochs to come depend on."""
    callbacks = dict(net.callbacks_)
    return {
        **_form(net),
        "history": [
            {key: _plain(value) for key, value in row.items() if key != "batches"}
            for row in net.history
        ],
        "moments": moments_of(net),
        "callbacks": {
            name: _arrays({key: getattr(callbacks[name], key, None) for key in keys})
            for name, keys in _known(net).items()
        },
        "mirrored": _arrays(net.batches_.mirrored),
    }


def _form(net):
    """What looks alike in each epoch."""
    return {
        "stopped": net.stopped_,
        "weights": _arrays(net.module_.state_dict()),
        "temperature": net.module_.temperature,
        "groups": [[each["lr"], each["betas"]] for each in net.optimizer_.param_groups],
        "schedules": [each.lr_scheduler_.state_dict() for each in _schedules(net)],
        "order": net.iterator_train__random_state.get_state(),
        "generators": [each.get_state().numpy() for each in _generators(net)],
    }


def _known(net):
    """The names of what is kept of each callback."""
    return {name: KNOWN[name] for name, _ in net.callbacks_ if name in KNOWN}


def _load(net, state):
    """The inverse of ``_state``, after all callbacks have begun."""
    for row in state["history"]:
        net.history.append({**row, "batches": []})
    net.stopped_ = state["stopped"]
    net.module_.load_state_dict(_tensors(state["weights"]))
    net.module_.temperature = state["temperature"]
    load_moments(net, state["moments"])
    for each, saved in zip(_schedules(net), state["schedules"]):
        each.lr_scheduler_.load_state_dict(saved)
    for group, (rate, betas) in zip(net.optimizer_.param_groups, state["groups"]):
        group.update(lr=rate, betas=tuple(betas))
    for name, callback in net.callbacks_:
        vars(callback).update(_tensors(state["callbacks"].get(name, {})))
    net.iterator_train__random_state.set_state(tuple(state["order"]))
    net.iterator_train__mirrored = _tensors(state["mirrored"])
    for each, saved in zip(_generators(net), state["generators"]):
        each.set_state(torch.from_numpy(saved))


def _plain(number):
    """A number of the history as one of Python's, which JSON knows."""
    return number.item() if isinstance(number, np.generic) else number


def _schedules(net):
    return [each for _, each in net.callbacks_ if isinstance(each, LRScheduler)]


def _generators(net):
    """Torch's generators that a training draws from."""
    device = torch.device(net.device)
    on_gpu = torch.cuda.default_generators[device.index or 0 :][:1]
    return [
        net.iterator_train__generator,
        torch.default_generator,
        *(on_gpu if device.type == "cuda" else []),
    ]


def _arrays(value):
    """Tensors as arrays, those of a dict too."""
    if isinstance(value, dict):
        return {key: _arrays(entry) for key, entry in value.items()}
    return value.cpu().numpy() if isinstance(value, torch.Tensor) else value


def _tensors(value):
    """The inverse of ``_arrays``."""
    if isinstance(value, dict):
        return {key: _tensors(entry) for key, entry in value.items()}
    return torch.tensor(value) if isinstance(value, np.ndarray) else value
