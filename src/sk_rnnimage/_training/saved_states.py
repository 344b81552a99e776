"""Whether a state that was read from a file is one that such a training has left.

A file with the right checksum may still hold anything, and the kernels of torch and
NumPy follow shapes and positions wherever they point.
"""

import numpy as np

NUMBER = int, float  # also bool
ROW = {"epoch", "dur", "train_loss", "train_batch_count"}
MOMENTS = {False: {"step", "exp_avg", "exp_avg_sq"}, True: {"momentum"}}  # of Muon


def has_seed(saved):
    """Whether what a file holds is a seed of ours and a training."""
    if not _is_named(saved, ("seed", "training")):
        return False
    seed = saved["seed"]
    return type(seed) is int and 0 <= seed < 2**31


def is_state(saved, own, net, known, n_images):
    """Whether a state has the form of ``own``, that of a net before its first epoch.

    Parameters
    ----------
    saved : object
        What a file holds.
    own : dict
        The parts that look alike in each epoch.
    net : Net
        That is to go on from the state.
    known : dict
        The names of what is kept of each callback.
    n_images : int
        On which it is trained.
    """
    parts = {*own, "history", "moments", "callbacks", "mirrored"}
    return (
        _is_named(saved, parts)
        and all(is_like(saved[key], form) for key, form in own.items())
        and 0 <= saved["order"][2] <= 624  # NumPy reads at any position
        and _is_history(saved["history"], "score" in dict(net.callbacks_))
        and _are_moments(saved["moments"], net)
        and _is_known(saved["callbacks"], saved, known)
        and _is_mask(saved["mirrored"], n_images)
    )


def is_like(saved, own):
    """Whether a value has another's types, words, keys, lengths, shapes and dtypes."""
    if isinstance(own, dict):
        alike = isinstance(saved, dict) and saved.keys() == own.keys()
        return alike and all(is_like(saved[key], own[key]) for key in own)
    if isinstance(own, (list, tuple)):
        alike = isinstance(saved, list) and len(saved) == len(own)
        return alike and all(map(is_like, saved, own))
    if isinstance(own, np.ndarray):
        alike = isinstance(saved, np.ndarray)
        return alike and (saved.dtype, saved.shape) == (own.dtype, own.shape)
    if isinstance(own, NUMBER):
        return isinstance(saved, NUMBER)
    return saved == own if isinstance(own, str) else type(saved) is type(own)


def _is_history(rows, is_validated):
    """Whether rows of numbers have what each epoch records."""
    names = ROW | ({"valid_loss"} if is_validated else set())
    return (
        isinstance(rows, list)
        and len(rows) > 0
        and all(isinstance(row, dict) and names <= set(row) for row in rows)
        and all(isinstance(key, str) for row in rows for key in row)
        and all(_are_numbers(list(row.values())) for row in rows)
    )


def _are_moments(moments, net):
    """Whether all that there is of a parameter has its shape, and nothing lacks."""
    groups = net.optimizer_.param_groups
    muon = {id(p) for g in groups if g.get("muon") for p in g["params"]}
    parameters = dict(net.get_all_learnable_params())
    if not isinstance(moments, dict):
        return False
    names = {str(key).rpartition(":")[0] for key in moments}
    wanted = {
        f"{name}:{key}": (key, parameters[name])
        for name in names & set(parameters)
        for key in MOMENTS[id(parameters[name]) in muon]
    }
    return moments.keys() == wanted.keys() and all(
        _is_moment(moments[name], *pair) for name, pair in wanted.items()
    )


def _is_moment(array, key, parameter):
    if key == "step":
        return is_like(array, np.zeros((), np.float32))
    dtypes = np.float32, np.float64
    shape = tuple(parameter.shape)
    return any(is_like(array, np.empty(shape, dtype)) for dtype in dtypes)


def _is_known(callbacks, saved, known):
    """Whether each callback of our own finds what it has left."""
    forms = {
        "temperature_": lambda value: isinstance(value, NUMBER),
        "temperatures_": lambda value: (
            _are_numbers(value) and len(value) == len(saved["history"])
        ),
        "best_epoch_": lambda value: value in range(len(saved["history"]) + 1),
        "best_loss_": lambda value: isinstance(value, NUMBER),
        "rates_": lambda value: value is None or _are_numbers(value),
        "best_weights_": lambda value: (
            value is None or is_like(value, saved["weights"])
        ),
    }
    return _is_named(callbacks, known) and all(
        _is_named(callbacks[name], keys)
        and all(forms[key](value) for key, value in callbacks[name].items())
        for name, keys in known.items()
    )


def _is_named(value, names):
    """Whether a value is a dict of just these keys."""
    return isinstance(value, dict) and set(value) == set(names)


def _is_mask(mirrored, n_images):
    return mirrored is None or is_like(mirrored, np.zeros(n_images, bool))


def _are_numbers(values):
    return isinstance(values, list) and all(isinstance(v, NUMBER) for v in values)
