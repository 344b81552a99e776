"""What the estimators share, whatever their target: one ``fit``, and its steps.

The parameters become a recipe, X and y a set, the recipe a network, and the trained
network the fitted attributes, which are set all at once in the end.
"""

import numbers
import os
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import NamedTuple, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch.nn import Module

from sk_rnnimage._data.augmentation import (
    AUGMENTATIONS,
    VIEWS,
    check_augment,
    views_of,
)
from sk_rnnimage._data.read import held_out
from sk_rnnimage._environment.borrowed import Interval, StrOptions, _fit_context
from sk_rnnimage._environment.documentation import LinkedEstimator
from sk_rnnimage._environment.parameters import check_parameters, plain
from sk_rnnimage._environment.process import resolve_device
from sk_rnnimage._environment.tasks import (
    CallbackSupportMixin,
    FitTask,
    with_callbacks,
    without_task,
)
from sk_rnnimage._environment.versions import current_versions, warn_of_other_versions
from sk_rnnimage._prediction.logits import check_outputs, logits_of, warn_of_unit
from sk_rnnimage._training.agreement import read_agreed
from sk_rnnimage._training.auto import precision_of, resolve_auto, set_products
from sk_rnnimage._training.callbacks import check_callbacks
from sk_rnnimage._training.resuming import SaveEpochs, check_checkpoint, checkpoint_of
from sk_rnnimage._training.settings import Settings
from sk_rnnimage._training.train import train
from sk_rnnimage._training.watching import ReportEpochs
from sk_rnnimage.images.checking import unchanged_on_error
from sk_rnnimage.images.clips import check_items
from sk_rnnimage.images.shapes import check_image_shape, full_shape, layout_of
from sk_rnnimage.networks.cells import CELLS
from sk_rnnimage.networks.network import (
    LazyNetwork,
    load_network,
    new_network,
    weights_of,
)
from sk_rnnimage.networks.pooling import POOLINGS
from sk_rnnimage.networks.readings import bounded_sides
from sk_rnnimage.networks.recipe import changed_parameter


class Recipe(NamedTuple):
    """What a fit is made of, checked, before any image is read.

    ``reader`` is what images are held against, and learns their shape where it is not
    the estimator itself; ``target`` what is learned of y; ``network`` the parameters of
    the network in plain values; ``training`` those of the training; ``goes_on`` tells
    whether the fitted network is trained further; ``bounded`` whether images may be no
    higher, and no wider, than the largest of ``fit``.
    """

    reader: BaseEstimator
    target: object
    network: dict
    training: Settings
    goes_on: bool
    bounded: tuple


class BaseImageEstimator(CallbackSupportMixin, LinkedEstimator, BaseEstimator):
    """An estimator that holds a network; ``fit`` makes the network anew.

    A subclass says which network, in ``_network_recipe``, and which target, in
    ``_make_target``.
    """

    _parameter_constraints = {
        "hidden_size": "no_validation",  # by make_recipe, like scan and patch_size
        "cell": [StrOptions({name for name in CELLS if name}), None],
        "scan": "no_validation",
        "patch_size": "no_validation",
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS))],
        "attention_heads": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
        "image_shape": "no_validation",  # by check_image_shape
        "augment": [StrOptions({*AUGMENTATIONS, "auto"}), callable, None],
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
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "checkpoint": [str, os.PathLike, None],
        "device": "no_validation",  # by resolve_device
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train on images and their labels.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, of any real dtype; the dtype is kept, uint8 is best. NaN and what a
            masked array masks are missing pixels. The images (H, W) or (H, W, C) of a
            list, or of one column of dtype object, may differ in height and width. With
            ``scan="frames"`` clips (n, T, H, W) or (n, T, H, W, C), or a list of clips,
            which may differ in T.
        y : array-like of shape (n,)
            Class labels, numbers or strings.
        sample_weight : array-like of shape (n,), default=None
            A weight of k trains as k copies of the image, 0 as its absence.
        X_val, y_val : array-like, default=None
            Images and labels that are scored into ``history_`` after each epoch; with
            ``early_stopping=True`` training stops on them, and nothing is held out of
            X.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation images.

        Returns
        -------
        self
            This estimator, fitted.

        Raises
        ------
        ValueError, TypeError
            Where an input or a parameter is not as described, before any training;
            and where the training diverges: its loss becomes infinite, or ends 10,000
            times above that of guessing. The estimator then stays as it was.
        RuntimeError
            Where another process of torch's process group leaves the fit.
        """
        check_parameters(self)
        check_checkpoint(self)
        goes_on = bool(self.warm_start) and hasattr(self, "weights_")
        validated = self.early_stopping or X_val is not None
        with random_state_restored_on_error(self.random_state):
            recipe = self._recipe(self._make_target(goes_on), goes_on, validated)
            validation = X_val, y_val, sample_weight_val
            recipe, data, valid = read_agreed(
                self, recipe, X, y, sample_weight, *validation
            )
            checkpoint, recipe = checkpoint_of(self, recipe, data, valid)
            data, valid = held_out(recipe, data, valid)
            recipe = resolve_auto(self, recipe, data)
            network = self._start(recipe, data)
            if goes_on:
                warn_of_unit(network, data.images)
            if X_val is not None:
                warn_of_unit(network, valid.images, "X_val")
            n_epochs = recipe.training.n_epochs(
                data.n_batches(recipe.training.batch_size)
            )
            task = FitTask(self, X, y, sample_weight, n_epochs)
            with unchanged_on_error(self), task:
                report = ReportEpochs(task, partial(self._learned_so_far, recipe))
                watchers = [("watcher", report)]
                if checkpoint is not None:
                    save = SaveEpochs(checkpoint, recipe.training.seed)
                    watchers.append(("saving", save))
                sets = data, valid, recipe.target, recipe.training
                results = train(network, *sets, watchers=watchers)
                self._keep(recipe, network, *results)
            if checkpoint is not None:
                checkpoint.remove()
            return self

    def _recipe(self, target, goes_on, validated=False, one_epoch=False):
        """All that does not depend on the images, checked.

        ``one_epoch`` is a call of ``partial_fit``, at a constant learning rate.
        """
        check_image_shape(self.image_shape, layout_of(self.scan))
        network = self._network_recipe()
        if goes_on:
            self._check_same_network(network)
        training = self._settings(goes_on, one_epoch)
        check_callbacks(training, validated)
        reader = self if goes_on else _unfitted(self)
        bounded = bounded_sides(network)
        return Recipe(reader, target, network, training, goes_on, bounded)

    def _settings(self, goes_on, one_epoch):
        """The parameters of the training in plain values."""
        check_augment(self.augment)
        stops_early = self.early_stopping and not one_epoch
        return Settings(
            max_epochs=1 if one_epoch else plain(self.max_epochs),
            batch_size=int(self.batch_size),
            learning_rate=float(self.learning_rate),
            weight_decay=float(self.weight_decay),
            augment=self.augment,
            callbacks=self.callbacks,
            device=resolve_device(self.device),
            precision=str(self.precision),
            # partial_fit after pickling goes on as if it had not been pickled
            seed=self._seed + 1 if one_epoch and goes_on else self._draw_seed(),
            verbose=int(self.verbose),
            patience=int(self.n_iter_no_change) if stops_early else None,
            validation_fraction=float(self.validation_fraction),
            schedule=not one_epoch,
        )

    def _check_same_network(self, network):
        """Raise where a parameter of the fitted network has changed, dropout aside."""
        changed = changed_parameter(self._fitted_recipe, network)
        shape, layout = self.image_shape, self._layout()
        if changed is None and shape is not None:
            if full_shape(shape, layout) != full_shape(self.image_shape_, layout):
                changed = "image_shape"
        if changed is not None:
            raise ValueError(
                f"{changed}={getattr(self, changed)!r} does not go with the "
                "network that was fitted, and training can only go on with that one. "
                f"Set {changed} back, or call fit with warm_start=False."
            )

    def _draw_seed(self):
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _start(self, recipe, data):
        """The network to train: a new one, or the fitted one."""
        reader, target, settings = recipe.reader, recipe.target, recipe.training
        dtype = precision_of(recipe, len(data))
        if recipe.goes_on:
            fitted = {**self._fitted_recipe, "dropout": recipe.network["dropout"]}
            network = load_network(fitted, self.weights_)
            network.expect_missing(data.has_missing())
            network.cast(dtype or network.dtype)
        else:
            shape = full_shape(reader.image_shape_, layout_of(reader.scan))
            n_outputs = target.n_outputs
            drawn = settings.seed, dtype
            network = new_network(recipe.network, shape, n_outputs, data, *drawn)
        set_products(network, settings)
        return network

    def _keep(self, recipe, network, history, best_epoch, optimizer_state):
        """Set all that was learned, at once: a copy made before is wholly as before."""
        learned = self._learned(recipe, network, history, best_epoch)
        vars(self).pop("feature_names_in_", None)  # shaped images have none
        vars(self).update(learned, _optimizer_state=optimizer_state)
        return self

    def _learned_so_far(self, recipe, network, history, best_epoch):
        """What is learned in the midst of a training, for a copy of this estimator."""
        learned = self._learned(recipe, network, history, best_epoch)
        # names of an earlier fit, which a copy has too, can only be set to none
        return {"feature_names_in_": None, **learned, "_optimizer_state": None}

    def _learned(self, recipe, network, history, best_epoch):
        """All attributes that training gives, but for the state of the optimiser."""
        before = self.history_ if recipe.goes_on else []  # warm_start, partial_fit
        for row in history:
            row["epoch"] += len(before)
        weights = weights_of(network)
        names = ("image_shape_", "n_features_in_", "feature_names_in_")
        format_ = {n: v for n, v in vars(recipe.reader).items() if n in names}
        return {
            **format_,
            **recipe.target.learned(),
            "weights_": weights,
            "history_": before + history,
            "best_epoch_": len(before) + best_epoch,
            "_fitted_recipe": network.recipe,
            "_seed": recipe.training.seed,
            "_augment": recipe.training.augment,
            "_module": LazyNetwork(network.recipe, weights, network),
        }

    @property
    def module_(self) -> Module:
        """The fitted torch network, on the CPU and in evaluation mode."""
        check_is_fitted(self)
        if hasattr(self, "_module"):
            return self._module()
        # unpickled by something that calls no __setstate__
        return load_network(self._fitted_recipe, self.weights_)

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss of each epoch."""
        check_is_fitted(self)
        return [row["train_loss"] for row in self.history_]

    @property
    def n_iter_(self) -> int:
        """Epochs trained."""
        check_is_fitted(self)
        return len(self.history_)

    def _images(self, X):
        """X as images that the fitted network can read."""
        check_is_fitted(self)
        bounded = bounded_sides(self._fitted_recipe)
        return check_items(self, X, self._layout(), bounded=bounded)

    def _layout(self):
        """Whether the fitted network reads images or clips."""
        return layout_of(self._fitted_recipe["scans"][0])

    def _outputs(self, X):
        """The outputs of the network, averaged over the views of each image: (n, K)."""
        images, network = self._images(X), self.module_
        outputs = logits_of(network, images, self._views())
        check_outputs(network, outputs, images)
        warn_of_unit(network, images)
        return outputs

    def _views(self):
        """The views of ``n_views``, which may have changed since ``fit``."""
        check_parameters(self, ["n_views"])
        trained_mirrored = getattr(self, "_augment", None) == "flip"
        return views_of(self.n_views, trained_mirrored)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")

    def __getstate__(self):
        state = without_task(super().__getstate__())
        state.pop("_module", None)
        return {**state, "_versions": current_versions()}

    def __setstate__(self, state):
        state = dict(state)
        warn_of_other_versions(type(self).__name__, state.pop("_versions", None))
        super().__setstate__(state)
        if "weights_" in state:
            self._module = LazyNetwork(self._fitted_recipe, self.weights_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def check_own(estimator):
    """Raise where this is no fitted estimator of this package."""
    if not isinstance(estimator, BaseImageEstimator):
        raise TypeError(
            "estimator must be an RNNImageClassifier or a CRNNImageClassifier; of a "
            f"pipeline, its last step. Got {type(estimator).__name__} instead."
        )
    check_is_fitted(estimator)


def refitted(estimator, recipe, weights, **parameters):
    """A clone that has learned the same as a fitted estimator, in another network.

    Parameters
    ----------
    estimator : BaseImageEstimator
        Fitted. It is not changed, and shares nothing with the clone.
    recipe : dict
        The recipe of the network.
    weights : dict of ndarray
        Its weights.
    **parameters
        Parameters of the clone that differ.
    """
    new = clone(estimator).set_params(**parameters)
    learned = vars(estimator).keys() - vars(new).keys() - {"weights_", "_module"}
    vars(new).update(
        {name: deepcopy(vars(estimator)[name]) for name in learned},
        weights_=weights,
        _fitted_recipe=recipe,
        _optimizer_state=None,  # of other weights
        _module=LazyNetwork(recipe, weights),
    )
    return new


@contextmanager
def random_state_restored_on_error(random_state):
    """Undo the draws from a RandomState that is shared with others."""
    generator = check_random_state(random_state)  # None: NumPy's global one
    state = generator.get_state()
    try:
        yield
    except BaseException:
        generator.set_state(state)
        raise


def _unfitted(estimator):
    """An estimator with the same parameters that has learned nothing.

    Unlike ``clone`` it copies no parameter: it only reads images.
    """
    unfitted = type(estimator).__new__(type(estimator))
    vars(unfitted).update(estimator.get_params(deep=False))
    return unfitted
