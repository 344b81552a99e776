"""What both classifiers share: validation, fit, forward, tags."""

import math
import numbers
import re
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._batches import AUGMENTATIONS, VIEWS, image_set, pixel_moments
from sk_rnnimage._prediction import logits_of, staged_logits, weights_of
from sk_rnnimage._targets import check_targets, encode, loss_weights
from sk_rnnimage._training import auto_epochs, check_callbacks, seeded, train
from sk_rnnimage.cells import CELLS, n_outputs
from sk_rnnimage.images import (
    check_image_shape,
    check_images,
    common_shape,
    full_shape,
    has_missing,
    is_positive_int,
    set_shape,
    sizes_of,
    unchanged_on_error,
)
from sk_rnnimage.networks import ImageNetwork
from sk_rnnimage.readings import POOLINGS, bounded_sides
from sk_rnnimage.scan import SCANS, check_patch_size

DOUBLE_PRECISION_ROWS = 128

_SCAN_NAMES = [*SCANS, "sweep"]


class BaseImageClassifier(ClassifierMixin, BaseEstimator):
    """An estimator that holds a network: a subclass says which, in ``_configure``."""

    _parameter_constraints = {
        "hidden_size": "no_validation",  # by positive_ints
        "cell": [StrOptions({name for name in CELLS if name}), None],
        "scan": "no_validation",  # by _scans
        "patch_size": "no_validation",  # by check_patch_size
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS))],
        "attention_heads": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
        "image_shape": "no_validation",  # by check_image_shape
        "augment": [StrOptions(set(AUGMENTATIONS)), callable, None],
        "n_views": [Interval(numbers.Integral, 1, len(VIEWS), closed="both")],
        "max_epochs": [
            Interval(numbers.Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "batch_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "weight_decay": [Interval(numbers.Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(numbers.Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(numbers.Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "device": "no_validation",  # by _resolve_device
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None,
        sample_weight_val=None,
    ):  # fmt: skip
        """Train on images and their labels.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, of any real dtype; the dtype is kept, uint8 is best. NaN is a
            missing pixel. The images (H, W) or (H, W, C) of a list, or of one column of
            dtype object, may differ in height and width.
        y : array-like of shape (n,)
            Class labels, numbers or strings.
        sample_weight : array-like of shape (n,), default=None
            A weight of k trains as k copies of the image, 0 as its absence.
        X_val, y_val : array-like, default=None
            Images and labels that are scored into ``history_`` after each epoch; with
            ``early_stopping=True`` they are what training stops on, and nothing is
            held out of X.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation images.

        Returns
        -------
        self : estimator
            Fitted.

        Raises
        ------
        ValueError, TypeError
            Where an input or a parameter is not as described, before any training;
            and where the training loss becomes infinite. The estimator then stays as
            it was.
        """
        with self._unchanged_on_error():
            return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def _fit(self, X, y, sample_weight, validation):
        go_on = self.warm_start and hasattr(self, "weights_")
        classes_before = self.classes_ if go_on else None
        images, y, weights, rows = self._to_learn(X, y, sample_weight, not go_on)
        self.classes_, codes = np.unique(y[rows], return_inverse=True)
        device = self._resolve_device()
        seed = self._draw_seed()
        valid = self._validation_set(*validation)
        if valid is None and self.early_stopping:
            rows, codes, valid = self._hold_out(images, rows, codes, weights, seed)
        check_callbacks(self.callbacks, validated=valid is not None)
        data = self._training_set(images, rows, codes, weights)
        if go_on:
            self._check_warm_start(classes_before)
            network, history = self._network_to_train_on(images, rows), self.history_
        else:
            network, history = self._fresh_network(seed, images, rows, weights), []
        small = len(rows) <= DOUBLE_PRECISION_ROWS and device == "cpu"
        set_precision(network, torch.float64 if small else torch.float32)
        epochs, best, self._moments = train(
            network,
            data,
            valid=valid,
            max_epochs=self._n_epochs(data),
            patience=self.n_iter_no_change if self.early_stopping else None,
            augment=self._augmentation(network.standardize),
            **self._training_settings(device, seed),
        )
        return self._finish(network, history, epochs, best)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Go through some images once, at a constant learning rate.

        The first call fixes the image shape, the classes and the scaling of the
        pixels. The optimiser's moments are kept, so k calls equal one loop over the
        same batches.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``fit``.
        y : array-like of shape (n,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed at the first call.
        sample_weight : array-like of shape (n,), default=None
            A weight of k trains as k copies of the image, 0 as its absence.

        Returns
        -------
        self : estimator
            Fitted.

        Raises
        ------
        ValueError, TypeError
            As for ``fit``, and where y holds a label that is not in ``classes``.
        """
        with self._unchanged_on_error():
            return self._partial_fit(X, y, classes, sample_weight)

    def _partial_fit(self, X, y, classes, sample_weight):
        first = not hasattr(self, "weights_")
        images, y, weights, rows = self._to_learn(X, y, sample_weight, first)
        self._check_classes(classes, first)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' does not go with partial_fit, which cannot "
                "know how many images of each class will come. Pass a dict of weights."
            )
        check_callbacks(self.callbacks, validated=False)
        codes = encode(y[rows], self.classes_, "y")
        device = self._resolve_device()
        if first:
            seed = self._draw_seed()
            network = self._fresh_network(seed, images, rows, weights)
            history, moments = [], None
        else:
            seed = self._seed + len(self.history_)
            network = self._network_to_train_on(images, rows)
            history, moments = self.history_, self._moments
        if first or device != "cpu":
            set_precision(network, torch.float32)
        data = self._training_set(images, rows, codes, weights)
        epochs, best, self._moments = train(
            network,
            data,
            max_epochs=1,
            schedule=False,
            moments=moments,
            **self._training_settings(device, seed),
        )
        return self._finish(network, history, epochs, best)

    def decision_function(self, X):
        """What the network says for each class, before it is made a probability.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            Logits; for two classes the second minus the first, positive where the
            second is predicted.
        """
        logits = self._logits(X)
        if len(self.classes_) == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_log_proba(self, X):
        """Logarithms of the class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of ``classes_``.
        """
        return log_shares(self._logits(X))

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of ``classes_``; each row sums to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X):
        """Class labels.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.

        Returns
        -------
        ndarray of shape (n,)
            The most probable label of each image.
        """
        places = self._logits(X).argmax(axis=1)
        return self.classes_[places]

    def staged_predict_proba(self, X):
        """Class probabilities after each step that is read.

        Later steps are treated as absent: at stage t the first t steps are all there
        is, and a second cell begins backwards at step t. The scans of a tuple step
        together; a shorter one waits at its end. Behind convolutions a step is one of
        their feature map, which is computed from the whole image: the notes of
        CRNNImageClassifier say what a line of it sees.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``predict``. Their steps are held in memory meanwhile.

        Yields
        ------
        ndarray of shape (n, n_classes)
            One for each step, as many as the image with the most has. The last one
            equals ``predict_proba``.

        Raises
        ------
        ValueError
            With ``scan="sweep"``, whose passes have no common step, and with
            ``cell=None``, which reads in no order.
        """
        check_is_fitted(self)
        if "sweep" in self._config["scans"] or self._config["cell"] is None:
            what = "cell=None" if self._config["cell"] is None else "scan='sweep'"
            raise ValueError(
                f"staged_predict_proba needs a cell that reads one step after another; "
                f"with {what} there is no such order. Choose a cell, and a path such "
                "as scan='rows'."
            )
        stages = staged_logits(self._network(), *self._to_predict(X))
        return (np.exp(log_shares(logits)) for logits in stages)

    def attention_weights(self, X, *, layer="auto"):
        """What each step weighs in attention.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``predict``.
        layer : {"auto", "pooling", "heads"}, default="auto"
            The weights of ``pooling="attention"`` or those of ``attention_heads``;
            ``"auto"`` is the pooling's where there is one.

        Returns
        -------
        ndarray of shape (n, T), or (n, heads, T, T)
            Weights of the T steps in the order in which they are read (of a sweep the
            places, row by row): in the pooling, where those of an image sum to 1, or
            of each step (third axis) for all (last axis), which sum to 1 as well. An
            image of fewer steps than another has zeros at the end. For several
            scans, as in the ``scan="auto"`` of RNNImageClassifier, a tuple of such.

        Raises
        ------
        ValueError
            Where the network has no such attention.
        """
        check_is_fitted(self)
        has = ["pooling"] if self._config["pooling"] == "attention" else []
        has += ["heads"] if self._config["attention_heads"] else []
        layer = has[0] if has and layer == "auto" else layer
        if layer not in has:
            raise ValueError(
                "attention_weights needs pooling='attention' or attention_heads in the "
                f"network that was fitted, and layer='auto', 'pooling' or 'heads'. It "
                f"has pooling={self._config['pooling']!r} and attention_heads="
                f"{self._config['attention_heads']!r}, and layer is {layer!r}."
            )
        weights = weights_of(self._network(), self._images(X), layer)
        return weights[0] if len(weights) == 1 else weights

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        check_is_fitted(self)
        return [row["train_loss"] for row in self.history_]

    @property
    def n_iter_(self):
        """Epochs trained."""
        check_is_fitted(self)
        return len(self.history_)

    def _logits(self, X):
        check_is_fitted(self)
        return logits_of(self._network(), *self._to_predict(X))

    def _to_predict(self, X):
        """X as images, and the number of views of each."""
        validate_parameter_constraints(
            {"n_views": self._parameter_constraints["n_views"]},
            {"n_views": self.n_views},
            caller_name=type(self).__name__,
        )
        return self._images(X), self.n_views

    def _images(self, X, reset=False, name="X", config=None):
        """X as images that a network can read: the fitted one, or that of a config."""
        shape = self._image_shape() if reset else None
        images = check_images(
            self, X, image_shape=shape, reset=reset, name=name, allow_unequal=True
        )
        if not reset:
            self._check_bounds(images, name, config or self._config)
        return images

    def _check_bounds(self, images, name, config):
        """Raise where an image is larger than a step or a place can be."""
        sizes = sizes_of(images)
        bounds = [bounded_sides(scan, config) for scan in config["scans"]]
        bounded = np.any(bounds, axis=0)
        wrong = (sizes > self.image_shape_[:2]) & bounded  # (B, 2)
        if not wrong.any():
            return
        i = wrong.any(axis=1).argmax()
        cell = config["cell"]
        patches = "read patches (patch_size), use scan='sweep', " if cell else ""
        raise ValueError(
            f"{name}[{i}] is {sizes[i][0]} x {sizes[i][1]}, larger than the images of "
            f"fit, {self.image_shape_[0]} x {self.image_shape_[1]}, along a side that "
            f"scan={self.scan!r} with cell={cell!r} takes as a whole. Declare the "
            f"largest size in fit (image_shape), {patches}or resize: ImageReader(size)."
        )

    def _image_shape(self):
        check_image_shape(self.image_shape)
        return self.image_shape

    def _to_learn(self, X, y, sample_weight, reset):
        """Images, labels, weights and the rows that count; they give the shape."""
        images = self._images(X, reset=reset)
        images, y, weights, rows = self._targets(images, y, sample_weight)
        if reset and self.image_shape is None:
            set_shape(self, common_shape(images))
        return images, y, weights, rows

    def _targets(self, *args):
        return check_targets(type(self).__name__, *args)

    def _training_set(self, images, rows, codes, weights):
        """The rows that count, with sample weights times class weights."""
        weights = loss_weights(codes, weights[rows], self.class_weight, self.classes_)
        return image_set(images, rows, codes, weights)

    def _check_classes(self, classes, first):
        if classes is None and first:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels "
                "that will ever come."
            )
        if classes is None:
            return
        classes = np.unique(column_or_1d(classes))
        if not first and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} is not the same as on the last call to "
                f"partial_fit, which was {self.classes_.tolist()}."
            )
        self.classes_ = classes

    def _check_warm_start(self, classes):
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True can go on only with the classes of the last fit, "
                f"{classes.tolist()}. Got {self.classes_.tolist()} in y."
            )

    def _validation_set(self, X_val, y_val, sample_weight_val):
        if X_val is None and y_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val needs X_val and y_val.")
            return None
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be passed together.")
        images = self._images(X_val, name="X_val", config=self._configure())
        images, y, weights, rows = self._targets(
            images, y_val, sample_weight_val, "_val"
        )
        codes = encode(y[rows], self.classes_, "y_val")
        return image_set(images, rows, codes, weights[rows])

    def _hold_out(self, images, rows, codes, weights, seed):
        """Split rows in two, stratified where every class has two rows."""
        n_valid = math.ceil(self.validation_fraction * len(rows))
        counts = np.bincount(codes)
        if (
            n_valid < len(counts)
            or len(rows) - n_valid < len(counts)
            or min(counts) < 2
        ):
            raise ValueError(
                f"early_stopping=True holds out {n_valid} of {len(rows)} images, too "
                f"few to have each of the {len(counts)} classes on both sides. Pass "
                "X_val and y_val, or set early_stopping=False."
            )
        split = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
        train_, valid_ = (np.sort(part) for part in next(split.split(rows, codes)))
        held = rows[valid_]
        valid = image_set(images, held, codes[valid_], weights[held])
        return rows[train_], codes[train_], valid

    def _scans(self, auto):
        """``scan`` as a tuple of names."""
        if isinstance(self.scan, str) and self.scan == "auto":
            return auto
        scans = self.scan if isinstance(self.scan, (tuple, list)) else (self.scan,)
        if not scans or not all(isinstance(s, str) and s in _SCAN_NAMES for s in scans):
            raise ValueError(
                "scan must be 'auto', one of "
                f"{', '.join(map(repr, _SCAN_NAMES))}, or a tuple of these. "
                f"Got {self.scan!r} instead."
            )
        return tuple(scans)

    def _configuration(self, auto_scans):
        """The parameters that make the network, checked, in plain values."""
        check_patch_size(self.patch_size)
        listed = isinstance(self.patch_size, list)
        patch_size = tuple(self.patch_size) if listed else self.patch_size
        hidden_size = positive_ints("hidden_size", self.hidden_size)
        scans = self._scans(auto_scans)
        self._check_heads(hidden_size[-1])
        return {
            "cell": self.cell,
            "hidden_size": hidden_size,
            "patch_size": patch_size,
            "scans": scans,
            "attention_heads": self.attention_heads,
            "bidirectional": bool(self.bidirectional),
            "pooling": self.pooling,
            "dropout": float(self.dropout),
            "filters": (),
            "kernel_size": (),
        }

    def _check_heads(self, n_units):
        """Raise where the states cannot be shared among the heads of attention."""
        width = n_outputs(n_units, self.bidirectional)
        if self.attention_heads and width % self.attention_heads:
            raise ValueError(
                f"attention_heads={self.attention_heads} must divide the {width} "
                f"values of a state: hidden_size={self.hidden_size!r} in "
                f"{1 + self.bidirectional} direction(s)."
            )

    def _resolve_device(self):
        """The name of the torch device that ``device`` means."""
        name = str(self.device)
        if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", name):
            raise ValueError(
                "device must be 'auto', 'cpu', 'cuda' or 'cuda:0', 'cuda:1', .... "
                f"Got {self.device!r} instead."
            )
        n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
        kind, _, number = name.partition(":")
        if kind == "cuda" and int(number or 0) >= n_gpus:
            raise ValueError(
                f"device={self.device!r} asks for a GPU that is not there: torch sees "
                f"{n_gpus}. Use device='auto' or 'cpu'."
            )
        return ("cuda" if n_gpus else "cpu") if kind == "auto" else name

    def _draw_seed(self):
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return self._seed

    def _n_epochs(self, data):
        if self.max_epochs == "auto":
            return auto_epochs(data.n_batches(self.batch_size))
        return self.max_epochs

    def _augmentation(self, standardize):
        """What varies a batch, told where pixels of the images are missing."""
        if self.augment == "affine" and (standardize.mask or standardize.fill):
            return partial(AUGMENTATIONS["affine"], missing=True)
        named = isinstance(self.augment, str)
        return AUGMENTATIONS[self.augment] if named else self.augment

    def _training_settings(self, device, seed):
        return {
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "callbacks": self.callbacks,
            "device": device,
            "verbose": self.verbose,
            "seed": seed,
        }

    def _new_network(self, seed=0):
        """A network with fresh weights that depend on the seed alone."""
        shape, n_classes = full_shape(self.image_shape_), len(self.classes_)
        with seeded(seed):
            try:
                return ImageNetwork(self._config, shape, n_classes)
            except RuntimeError as error:  # torch's allocator
                raise ValueError(
                    f"There is not enough memory for the weights of a network with "
                    f"hidden_size={self.hidden_size!r} on images of shape "
                    f"{self.image_shape_}. Choose a smaller hidden_size."
                ) from error

    def _fresh_network(self, seed, images, rows, weights):
        """A network as the parameters ask for it, which knows the pixels' scale."""
        missing = has_missing(images, rows)
        self._config = {**self._configure(), "missing": missing}
        network = self._new_network(seed)
        set_pixel_moments(network, images, rows, weights[rows])
        return network

    def _network(self):
        """The fitted network: the one at hand, or one built from ``weights_``."""
        if hasattr(self, "_module"):
            return self._module
        return self._network_of_weights()

    def _network_of_weights(self):
        network = self._new_network()
        weights = {name: torch.tensor(w) for name, w in self.weights_.items()}
        network.load_state_dict(weights, assign=True)
        network.standardize.precision = torch.empty(0, dtype=network.head.weight.dtype)
        return network.eval()

    def _network_to_train_on(self, images, rows):
        """The fitted network, of which no parameter but dropout may have changed."""
        config = {**self._configure(), "missing": self._config["missing"]}
        changed = [
            "scan" if key == "scans" else key
            for key, value in self._config.items()
            if key != "dropout" and config[key] != value
        ]
        shape = self._image_shape()
        if shape is not None and full_shape(shape) != full_shape(self.image_shape_):
            changed.append("image_shape")
        if changed:
            raise ValueError(
                f"{changed[0]}={getattr(self, changed[0])!r} does not go with the "
                "network that was fitted, and training can only go on with that one. "
                f"Set {changed[0]} back, or call fit with warm_start=False."
            )
        self._config = config
        network = self._network_of_weights()
        network.standardize.fill = has_missing(images, rows)
        return network

    def _finish(self, network, history, epochs, best):
        """Keep what training found."""
        for row in epochs:
            row["epoch"] += len(history)
        self._module = network
        self.weights_ = {k: v.numpy() for k, v in network.state_dict().items()}
        self.best_epoch_ = len(history) + best
        self.history_ = history + epochs
        return self

    @contextmanager
    def _unchanged_on_error(self):
        """Keep the attributes and the random generator where something goes wrong."""
        generator = check_random_state(self.random_state)
        state = generator.get_state()
        try:
            with unchanged_on_error(self):
                yield
        except BaseException:
            generator.set_state(state)
            raise

    def __getstate__(self):
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k != "_module"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "weights_" in state:
            self._module = self._network_of_weights()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def positive_ints(name, value, length=None):
    """A parameter that is an int or a tuple of ints, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,) * (length or 1)
    whole = all(map(is_positive_int, values))
    if not values or not whole or (length and len(values) != length):
        count = f"a tuple of {length}" if length else "a tuple, one for each layer,"
        raise ValueError(
            f"{name} must be a whole number of at least 1 or {count} of such. "
            f"Got {value!r} instead."
        )
    return tuple(int(v) for v in values)


def log_shares(logits):
    """Logarithms of the softmax of each row."""
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def set_pixel_moments(network, images, rows, weights):
    """Give the network the mean and the spread of the pixels it is trained on."""
    mean, scale = pixel_moments(images, rows, weights)
    network.standardize.mean = torch.as_tensor(mean, dtype=torch.float64)
    network.standardize.scale = torch.as_tensor(scale, dtype=torch.float64)


def set_precision(network, dtype):
    """Cast the network but for its standardisation, which stays in float64."""
    mean, scale = network.standardize.mean, network.standardize.scale
    network.to(dtype)
    network.standardize.mean, network.standardize.scale = mean, scale
