"""The two classifiers, and what both say of images."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted
from torch import Generator, Tensor

from sk_rnnimage._base import BaseImageEstimator, random_state_restored_on_error
from sk_rnnimage._data.labels import check_same_kind, read_labels
from sk_rnnimage._data.read import held_out
from sk_rnnimage._data.targets import Classes
from sk_rnnimage._data.weights import check_weights
from sk_rnnimage._environment.borrowed import StrOptions, _fit_context
from sk_rnnimage._environment.parameters import check_parameters
from sk_rnnimage._prediction.logits import (
    attention_weights,
    check_outputs,
    warn_of_unit,
)
from sk_rnnimage._prediction.stages import StagedPrediction
from sk_rnnimage._training.agreement import read_agreed
from sk_rnnimage._training.auto import resolve_auto
from sk_rnnimage._training.train import train
from sk_rnnimage.images.checking import unchanged_on_error
from sk_rnnimage.networks.recipe import make_recipe


class ImageClassifier(ClassifierMixin, StagedPrediction, BaseImageEstimator):
    """An image estimator whose target is class labels."""

    _parameter_constraints = {
        **BaseImageEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on some images, at a constant learning rate.

        The first call fixes the image shape, the classes and the standardisation of the
        pixels. The optimiser's state is kept, so that k calls equal one loop over the
        same mini-batches.

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
        self
            Fitted.

        Raises
        ------
        ValueError, TypeError
            As for ``fit``, and where y holds a label that is not in ``classes``.
        """
        check_parameters(self)
        goes_on = hasattr(self, "weights_")
        with random_state_restored_on_error(self.random_state):
            target = self._target_of_all(classes, goes_on)
            recipe = self._recipe(target, goes_on, one_epoch=True)
            recipe, *sets = read_agreed(self, recipe, X, y, sample_weight)
            data, _ = held_out(recipe, *sets)
            recipe = resolve_auto(self, recipe, data)
            network = self._start(recipe, data)
            if goes_on:
                warn_of_unit(network, data.images)
            state = self._optimizer_state if goes_on else None
            results = train(network, data, None, target, recipe.training, state)
            with unchanged_on_error(self):
                return self._keep(recipe, network, *results)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Logits, before the softmax.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.
            With ``scan="frames"`` clips, as in ``fit``, of any length.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            Logits; for two classes the second minus the first, positive where the
            second is predicted.
        """
        logits = self._outputs(X)
        if len(self.classes_) == 2:  # as every binary classifier of scikit-learn
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Log probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.
            With ``scan="frames"`` clips, as in ``fit``, of any length.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of ``classes_``.
        """
        return log_softmax(self._outputs(X), axis=1)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.
            With ``scan="frames"`` clips, as in ``fit``, of any length.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of ``classes_``; each row sums to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Class labels.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images of the shape that ``fit`` saw; those of a list of any size, but no
            larger than ``image_shape_`` where a step is a whole line or ``cell=None``.
            With ``scan="frames"`` clips, as in ``fit``, of any length.

        Returns
        -------
        ndarray of shape (n,)
            The most probable label of each image.
        """
        logits = self._outputs(X)
        return self._classes(self.classes_).decode(logits)

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of the predicted labels.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``predict``.
        y : array-like of shape (n,)
            Their labels, as in ``fit``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        float
            The weighted share of images whose label is predicted.
        """
        y = read_labels(y)
        weights = check_weights(sample_weight, y)
        predicted = self.predict(X)
        self._classes().check(y, predicted)
        check_same_kind(y, self.classes_)
        return float(accuracy_score(y, predicted, sample_weight=weights))

    def attention_weights(
        self, X: ArrayLike, *, layer: str = "auto"
    ) -> np.ndarray | tuple[np.ndarray, ...]:
        """Attention weights of the steps.

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
            places of the grid, row by row). In the pooling those of an image sum to 1;
            in self-attention those of a query step (third axis) over all key steps
            (last axis). An image with fewer steps than another has zeros at the end.
            For several scans, as in the ``scan="auto"`` of RNNImageClassifier, a tuple
            of such arrays.

        Raises
        ------
        ValueError
            Where the network has no such attention.
        """
        check_is_fitted(self)
        pooling = self._fitted_recipe["pooling"]
        n_heads = self._fitted_recipe["attention_heads"]
        layers = ["pooling"] if pooling == "attention" else []
        layers += ["heads"] if n_heads else []
        known = layer if isinstance(layer, str) else ""  # "in" asks arrays for a truth
        layer_read = layers[0] if layers and known == "auto" else known
        if layer_read not in layers:
            raise ValueError(
                "attention_weights needs pooling='attention' or attention_heads in the "
                f"network that was fitted, and layer='auto', 'pooling' or 'heads'. It "
                f"has pooling={pooling!r} and attention_heads={n_heads!r}, and layer "
                f"is {layer!r:.80}."
            )
        # of the images themselves: the views of n_views have no weights in common
        images, network = self._images(X), self.module_
        weights = attention_weights(network, images, layer_read)
        for of_reading in weights:
            check_outputs(network, of_reading, images)
        warn_of_unit(network, images)
        return weights[0] if len(weights) == 1 else weights

    def _make_target(self, goes_on):
        return self._classes(expected=self.classes_ if goes_on else None)

    def _classes(self, classes=None, expected=None):
        name = type(self).__name__
        return Classes(name, self.class_weight, classes, expected)

    def _target_of_all(self, classes, goes_on):
        """The target of ``partial_fit``, whose classes do not depend on y."""
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' does not go with partial_fit, which cannot "
                "know how many images of each class will come. Pass a dict of weights."
            )
        if classes is None and not goes_on:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels "
                "that will ever come."
            )
        if classes is None:
            return self._classes(self.classes_)
        classes = np.unique(read_labels(classes, "classes"))
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} is not the same as on the last call to "
                f"partial_fit, which was {self.classes_.tolist()}."
            )
        return self._classes(classes)


class RNNImageClassifier(ImageClassifier):
    r"""A recurrent network that reads an image step by step.

    Each image is a sequence of steps (lines or patches along a path); a recurrent cell
    reads them, its hidden states are pooled, and a linear layer gives the logits.

    Parameters
    ----------
    hidden_size : int or tuple of int, default=64
        Hidden units of the cell in each direction; a tuple stacks one layer for each
        entry.
    cell : str or None, default="lstm"
        The recurrent cell: ``"lstm"``, ``"gru"``, ``"rnn"`` (Elman's), ``"irnn"``
        (ReLU, with recurrent weights that start as the identity), ``"peephole"`` (an
        LSTM whose gates see its cell state) or, linear in their state and made for long
        sequences, ``"mingru"``, ``"lru"`` and ``"lmu"``.
        :mod:`sk_rnnimage.networks.cells` and :mod:`sk_rnnimage.networks.linear_cells`
        give the equations. None is the control without recurrence: each step goes
        through a feed-forward layer of the same width with a learned position
        embedding, then the pooling.
    scan : str or tuple of str, default="auto"
        What a step is and in which order they come. ``"rows"`` and ``"columns"`` read
        one whole line a step; ``"snake"``, ``"spiral"``, ``"hilbert"``,
        ``"diagonal"`` and ``"random"`` read patches along a path as
        :class:`ImageToSequence` does; ``"sweep"`` runs the cell along every row and
        every column of the grid (ReNet [1]_) and pools over the grid. A tuple reads
        the image along each path and concatenates their outputs. ``"auto"`` is the
        reading that was measured best: rows and columns, four lines a step of which two
        overlap with the next step, each step embedded by a linear layer of 64 ReLU
        units. ``"frames"`` reads clips, (n, T, H, W) or (n, T, H, W, C) or a list of
        clips whose T differ: a step is a whole frame, embedded in the same way.
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step in pixels; None in a tuple is the whole extent.
        None alone is a whole line for rows and columns, else one pixel. Edges are
        padded with the mean. Where it is given, ``scan="auto"`` reads
        ``("rows", "columns")`` in such patches. Must be None for frames.
    bidirectional : bool, default=True
        Whether a second cell reads the steps in reverse order.
    pooling : {"mean", "last", "max", "attention"}, default="mean"
        How the hidden states of all steps become one vector: their mean, the last
        state, the maximum of each unit, or a weighted mean with learned attention
        weights [2]_. For the control ``"last"`` means ``"mean"``; a sweep averages the
        last states of its rows and columns.
    attention_heads : int, default=None
        Heads of a self-attention layer over the hidden states [6]_, whose output is
        concatenated to the states before they are pooled. None has no such layer. The
        number must divide the size of a state (``hidden_size``, twice that with two
        directions); a sweep with heads takes ``pooling="last"`` as ``"mean"``.
    dropout : float, default=0.0
        Probability of zeroing a value between layers and before the last linear layer,
        in [0, 1).
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat X that is neither square grey nor
        square RGB: without it such X is read as one row of pixels, from 32 columns on
        with a warning. For a list of images, the largest height and width that will
        ever come, which matters where a step is a whole line; None takes the largest
        that ``fit`` sees. Of clips (T, H, W) or (T, H, W, C), where T is the most
        frames that will ever come, which matters with ``cell=None``; without it a flat
        clip is one frame of one row.
    augment : {"auto", "shift", "affine", "flip"}, callable or None, default="auto"
        Random augmentation of each training mini-batch in ``fit``, seeded. ``"shift"``
        translates each image by up to a twelfth of its sides, at least a pixel;
        ``"affine"`` translates by up to a twelfth, rotates by up to 10 degrees and
        scales by up to 10 %; ``"flip"``, for natural images, mirrors left and right in
        every other epoch (in which ones is drawn for each image) and translates by up
        to an eighth, at least a pixel. Edges are repeated. ``"auto"`` is ``"affine"``
        where all sides have at least 16 pixels, ``scan="auto"``, and each image is read
        in at least 8 epochs: an image that comes back often is better varied, and of a
        smaller one a translation by a pixel takes too much away. Images of several
        channels that are read in fewer than 20 epochs get ``"shift"``, which does not
        blur their texture. It never mirrors, which turns one letter into another.
        ``warm_start`` keeps what it meant. A callable ``augment(images, generator)``
        takes and returns float tensors (B, C, H, W), of clips (B, T, C, H, W), in pixel
        values before standardisation, on the device that trains; the
        ``torch.Generator`` lives on the CPU. Images of unequal size, or clips of
        unequal length, come to it one size at a time. All frames of a clip are varied
        alike. None varies nothing.
    n_views : int, default=1
        Test-time augmentation: predictions average the logits of this many views of an
        image, each translated by at most one pixel; from 1, the image itself, to 9.
        After training with ``augment="flip"`` each translated view is followed by its
        mirror image.
    max_epochs : int or "auto", default="auto"
        Epochs. ``"auto"`` gives 400 updates of the optimiser, 900 where ``augment``
        varies the images, in at least 3 and at most 100 epochs, since small sets need
        updates, not epochs. Varied images of several channels, most of which are
        photographs and harder to tell apart, get 2,000 updates in at least 8 epochs
        (clips do not).
    batch_size : int, default=64
        Largest mini-batch. The mini-batches of an epoch are of nearly equal size; those
        of clips hold at most 2**20 pixels.
    learning_rate : float, default=0.01
        Largest learning rate of AdamW [3]_ in ``fit``, where it rises over the first
        15 % of the updates and then falls to 0 (one cycle [4]_); the constant rate in
        ``partial_fit``. AdamW's beta2 is 0.98; beta1 goes from 0.95 to 0.85 and back as
        the rate rises and falls, and is 0.9 in ``partial_fit``. The gradient is clipped
        to a norm of 1.
    weight_decay : float, default=0.1
        AdamW's weight decay, of all weights but the biases and the LRU's decay rates.
    early_stopping : bool, default=False
        Whether to stop when the validation loss has not fallen for
        ``n_iter_no_change`` epochs, and to restore the weights of the best epoch. The
        validation images are ``X_val`` where ``fit`` gets them, else held out of X.
        After half of these epochs the learning rate falls linearly to 0 in the other
        half, with which training ends.
    validation_fraction : float, default=0.1
        Fraction of X held out for early stopping, stratified by class.
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss after which training stops.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the training loss. ``"balanced"`` gives each class a
        weight inversely proportional to the sum of its sample weights (in ``fit``
        only). The validation loss uses the sample weights alone. ``partial_fit``
        normalises the weights of each call to a mean of 1.
    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the last ``fit`` (and its
        standardisation of the pixels), with the same classes and the same network.
    callbacks : list of skorch callbacks, default=None
        Passed to the skorch net that trains, after the estimator's own. An
        ``LRScheduler`` replaces the cycle of the learning rate. They see the labels of
        a mini-batch as an array. ``EpochScoring`` counts each image once, whatever its
        weight; its scores come into ``history_``. scikit-learn's own callbacks (from
        its version 1.9 on) are set by ``set_callbacks``: each epoch of ``fit`` is a
        task, and a stop that one asks for ends it.
    checkpoint : str or path-like, default=None
        A folder, made where it is missing, in which ``fit`` saves its state after each
        epoch. A ``fit`` that was killed and is started again with the same arguments
        goes on from there, and ends in the same weights, to the bit. Each fit has a
        file of its own, named by a digest of the parameters, the data, the weights and
        the seed, so that the fits of a search share a folder; it is removed when
        ``fit`` ends. ``partial_fit`` saves nothing. Does not go with ``callbacks``.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}, default="auto"
        Where ``fit`` trains. ``"auto"`` takes a GPU where torch sees one. The images
        stay on it during training if they have one size and take at most half of its
        free memory, else each mini-batch is copied. On a GPU training is in single
        precision. Predictions are made on the CPU.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the large products in training. With ``"bfloat16"`` the
        convolutions of a CRNN and the embeddings of lines are computed in bfloat16; the
        recurrence, the statistics of the normalisation, the loss and the weights stay
        in float32, and so do predictions. ``"auto"`` is bfloat16 for convolutions of at
        least 16 filters and embeddings of at least 256 values a step, where the
        processor (AVX512-BF16, AMX) or the GPU multiplies it natively, and else
        float32: a rule that looks at no clock. Up to 128 images train in float64 all
        the same.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the images, augmentation, dropout and
        the held-out images. An int gives the same bits at every call on one CPU with
        one number of threads.
    verbose : int, default=0
        1 prints a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others; of clips T comes first.
    n_features_in_ : int
        Pixel values of an image, H * W * C, or of a clip, T * H * W * C.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``fit`` saw a DataFrame.
    weights_ : dict of ndarray
        All learned arrays, the standardisation of the pixels and the temperature of
        the logits included.
    module_ : torch.nn.Module
        The network with these weights, on the CPU and in evaluation mode.
    history_ : list of dict
        One for each epoch: ``epoch``, ``train_loss``, ``duration`` in seconds,
        ``event_lr`` (the learning rate of the last update) and, with validation images,
        ``valid_loss`` and ``valid_accuracy``; ``resumed``, 1, in the epoch with which a
        ``fit`` with ``checkpoint`` went on.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Training loss of each epoch: the cross-entropy of the probabilities, averaged
        over the mini-batches as they are trained on, like ``valid_loss`` without label
        smoothing.
    best_epoch_ : int
        Epoch of the last ``fit`` with the lowest validation loss, counted from 1
        over ``history_``; the last epoch without validation images. With
        ``early_stopping=True`` the fitted weights are those of this epoch.

    See Also
    --------
    CRNNImageClassifier : Convolutions first.
    ImageToSequence : The scans as a transformer.

    Notes
    -----
    Pixels are standardised per channel with the mean and the standard deviation of
    the training images, so 0-255 and 0-1 are both fine. With a named scan and one layer
    the network is the cell over the steps, the pooling and a linear layer, nothing
    else.

    Training minimises the cross-entropy with label smoothing 0.1 [5]_, which makes a
    network say less than it knows. Predictions divide its logits by a temperature
    :math:`T = 1 - 0.45 \, (c / c_{max})^8`, where :math:`c` is the mean confidence on
    the training images in the last epoch and :math:`c_{max}` the highest that smoothing
    allows: a network that has learned its images by heart is calibrated at about 0.55,
    one that has not at about 1. Where it has learned few images of a hard problem by
    heart, its probabilities are too confident all the same: see scikit-learn's
    ``CalibratedClassifierCV``.

    Clips: a frame that is all NaN is missing, and is left out of the reading, as if it
    had never been recorded; single missing pixels are read as in images. Where there is
    a cell, clips of any length can be predicted; ``cell=None`` knows the place of each
    frame among those that are not missing, and reads at most T of ``image_shape_``.
    Clips of similar length make a mini-batch, and padding changes nothing.

    Few images (up to 65,536 pixels in all) are predicted on one thread. More are
    predicted in batches of which no tensor holds more than 2**25 values (128 MiB).

    Later images (predictions, ``X_val``, further training) are held against that
    standardisation: a UserWarning says where they cannot be in the same unit. That is
    where, in each channel that varies, a sample of up to 256 images lies more than 50
    standard deviations from the mean, or has a mean and a standard deviation that are
    both more than 50 times smaller; not where it is constant or has at most 8 values,
    as noise on a blank image does, unless these are 0 and 1. Outputs that are not
    finite raise a ValueError.

    On a CPU ``fit`` trains in float64 on up to 128 images, else in float32, whatever
    the batch size; ``partial_fit`` starts in float32, and after ``fit`` keeps its
    precision. On a GPU convolutions and cells may round to TF32, as torch allows by
    default; the tests let probabilities differ by 0.02 from a CPU's.

    References
    ----------
    .. [1] F. Visin et al., "ReNet: a recurrent neural network based alternative to
       convolutional networks", arXiv:1505.00393, 2015.
    .. [2] D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly
       learning to align and translate", ICLR 2015.
    .. [3] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR
       2019.
    .. [4] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural
       networks using large learning rates", arXiv:1708.07120, 2017.
    .. [5] C. Szegedy et al., "Rethinking the Inception architecture for computer
       vision", CVPR 2016, sec. 7.
    .. [6] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, sec. 3.2.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(16, max_epochs=10, random_state=0)
    >>> classifier.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.9
    True
    """

    def __init__(
        self,
        hidden_size: int | tuple[int, ...] = 64,
        *,
        cell: str | None = "lstm",
        scan: str | tuple[str, ...] = "auto",
        patch_size: int | tuple[int | None, int | None] | None = None,
        bidirectional: bool = True,
        pooling: str = "mean",
        attention_heads: int | None = None,
        dropout: float = 0.0,
        image_shape: tuple[int, ...] | None = None,
        augment: str | Callable[[Tensor, Generator], Tensor] | None = "auto",
        n_views: int = 1,
        max_epochs: int | str = "auto",
        batch_size: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 0.1,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict[Any, float] | str | None = None,
        warm_start: bool = False,
        callbacks: Sequence[Any] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_size = hidden_size
        self.cell = cell
        self.scan = scan
        self.patch_size = patch_size
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.attention_heads = attention_heads
        self.dropout = dropout
        self.image_shape = image_shape
        self.augment = augment
        self.n_views = n_views
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def _network_recipe(self):
        lines = ("rows", "columns")
        if self.patch_size is None:
            lines = ("overlapping rows", "overlapping columns")
        return make_recipe(**self.get_params(deep=False), auto_scans=lines)


class CRNNImageClassifier(ImageClassifier):
    r"""Convolutions, then a recurrent network that reads their feature map.

    The convolutions turn an image into a smaller feature map (CRNN [1]_), a recurrent
    cell reads that map step by step, its hidden states are pooled, and a linear layer
    gives the logits.

    Parameters
    ----------
    hidden_size : int or tuple of int, default=32
        Hidden units of the cell in each direction; a tuple stacks one layer for each
        entry.
    filters : int, tuple of int or "auto", default="auto"
        Filters of each convolution, which normalisation and ReLU follow. ``"auto"`` is
        ``(32, 64, 128)`` for images of several channels, whose texture and colour take
        more filters to tell; for grey images ``(16, 32, 64)``, or ``(16, 32)`` where
        there are more than 20,000: so many teach a smaller stem well, and it saves a
        quarter of the time. ``partial_fit`` takes that for many images, and
        ``warm_start`` what was fitted.
    kernel_size : int or tuple of int, default=3
        Height and width of each convolution; an int is for all of them.
    downsample : tuple of bool or "auto", default="auto"
        Which convolutions are followed by 2 x 2 max-pooling, ahead of normalisation and
        ReLU: one bool for each of ``filters``, and True halves every side of more than
        one pixel. ``"auto"`` is the first, and each that has more filters than the one
        before it; it halves every side that is longer than 8. With
        ``(False, True, ...)`` the first layer reads at full resolution.
    cell : str or None, default="lstm"
        The recurrent cell: ``"lstm"``, ``"gru"``, ``"rnn"`` (Elman's), ``"irnn"``
        (ReLU, with recurrent weights that start as the identity), ``"peephole"`` (an
        LSTM whose gates see its cell state) or, linear in their state and made for long
        sequences, ``"mingru"``, ``"lru"`` and ``"lmu"``.
        :mod:`sk_rnnimage.networks.cells` and :mod:`sk_rnnimage.networks.linear_cells`
        give the equations. None is the control without recurrence: each step goes
        through a feed-forward layer of the same width with a learned position
        embedding, then the pooling.
    scan : str or tuple of str, default="auto"
        What a step is and in which order they come, on the feature map. ``"rows"``
        and ``"columns"`` read one whole line a step; ``"snake"``, ``"spiral"``,
        ``"hilbert"``, ``"diagonal"`` and ``"random"`` read patches along a path as
        :class:`ImageToSequence` does; ``"sweep"`` runs the cell along every row and
        every column (ReNet [2]_) and pools over the map. A tuple reads the map along
        each path and concatenates their outputs. ``"auto"`` is the reading that was
        measured best: the rows, each embedded by a linear layer of 64 ReLU units.
        ``"frames"`` reads clips, (n, T, H, W) or (n, T, H, W, C) or a list of clips
        whose T differ: the convolutions see each frame by itself, and a step is a whole
        frame of their maps, embedded in the same way (LRCN [11]_).
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step on the feature map; None in a tuple is the whole
        extent. None alone is a whole line for rows and columns, else one position.
        Edges are padded with zeros. Where it is given, ``scan="auto"`` reads ``"rows"``
        in such patches. Must be None for frames.
    bidirectional : bool, default=True
        Whether a second cell reads the steps in reverse order.
    pooling : {"mean", "last", "max", "attention"}, default="mean"
        How the hidden states of all steps become one vector: their mean, the last
        state, the maximum of each unit, or a weighted mean with learned attention
        weights [3]_. For the control ``"last"`` means ``"mean"``; a sweep averages the
        last states of its rows and columns.
    attention_heads : int, default=None
        Heads of a self-attention layer over the hidden states [8]_, whose output is
        concatenated to the states before they are pooled. None has no such layer. The
        number must divide the size of a state (``hidden_size``, twice that with two
        directions); a sweep with heads takes ``pooling="last"`` as ``"mean"``.
    dropout : float, default=0.0
        Probability of zeroing a value between layers and before the last linear layer,
        and a whole filter's output after a convolution, in [0, 1).
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat X that is neither square grey nor
        square RGB: without it such X is read as one row of pixels, from 32 columns on
        with a warning. For a list of images, the largest height and width that will
        ever come, which matters where a step is a whole line; None takes the largest
        that ``fit`` sees. Of clips (T, H, W) or (T, H, W, C), where T is the most
        frames that will ever come, which matters with ``cell=None``; without it a flat
        clip is one frame of one row.
    augment : {"auto", "shift", "affine", "flip"}, callable or None, default="auto"
        Random augmentation of each training mini-batch in ``fit``, seeded. ``"shift"``
        translates each image by up to a twelfth of its sides, at least a pixel;
        ``"affine"`` translates by up to a twelfth, rotates by up to 10 degrees and
        scales by up to 10 %; ``"flip"``, for natural images, mirrors left and right in
        every other epoch (in which ones is drawn for each image) and translates by up
        to an eighth, at least a pixel. Edges are repeated. ``"auto"`` is ``"affine"``
        where all sides have at least 16 pixels, ``scan="auto"``, and each image is read
        in at least 8 epochs: an image that comes back often is better varied, and of a
        smaller one a translation by a pixel takes too much away. Images of several
        channels that are read in fewer than 20 epochs get ``"shift"``, which does not
        blur their texture. It never mirrors, which turns one letter into another.
        ``warm_start`` keeps what it meant. A callable ``augment(images, generator)``
        takes and returns float tensors (B, C, H, W), of clips (B, T, C, H, W), in pixel
        values before standardisation, on the device that trains; the
        ``torch.Generator`` lives on the CPU. Images of unequal size, or clips of
        unequal length, come to it one size at a time. All frames of a clip are varied
        alike. None varies nothing.
    n_views : int, default=1
        Test-time augmentation: predictions average the logits of this many views of an
        image, each translated by at most one pixel; from 1, the image itself, to 9.
        After training with ``augment="flip"`` each translated view is followed by its
        mirror image.
    max_epochs : int or "auto", default="auto"
        Epochs. ``"auto"`` gives 400 updates of the optimiser, 900 where ``augment``
        varies the images, in at least 3 and at most 100 epochs, since small sets need
        updates, not epochs. Varied images of several channels, most of which are
        photographs and harder to tell apart, get 2,000 updates in at least 8 epochs
        (clips do not).
    batch_size : int, default=128
        Largest mini-batch. The mini-batches of an epoch are of nearly equal size; those
        of clips hold at most 2**20 pixels.
    learning_rate : float, default=0.01
        Largest learning rate of AdamW [4]_ in ``fit``, where it rises over the first
        15 % of the updates and then falls to 0 (one cycle [5]_); the constant rate in
        ``partial_fit``. AdamW's beta2 is 0.98; beta1 goes from 0.95 to 0.85 and back as
        the rate rises and falls, and is 0.9 in ``partial_fit``. The gradient is clipped
        to a norm of 1. The filters of the convolutions are updated by Muon [10]_, with
        a momentum of 0.6: an update turns them by 10 times the rate, in relation to
        their norm, whatever their number. Up to 128 images, which train in float64,
        are left to AdamW: its updates come to rest, so that a weight trains as copies.
    weight_decay : float, default=0.1
        AdamW's weight decay, of all weights but the biases and the LRU's decay rates.
    early_stopping : bool, default=False
        Whether to stop when the validation loss has not fallen for
        ``n_iter_no_change`` epochs, and to restore the weights of the best epoch. The
        validation images are ``X_val`` where ``fit`` gets them, else held out of X.
        After half of these epochs the learning rate falls linearly to 0 in the other
        half, with which training ends.
    validation_fraction : float, default=0.1
        Fraction of X held out for early stopping, stratified by class.
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss after which training stops.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the training loss. ``"balanced"`` gives each class a
        weight inversely proportional to the sum of its sample weights (in ``fit``
        only). The validation loss uses the sample weights alone. ``partial_fit``
        normalises the weights of each call to a mean of 1.
    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the last ``fit`` (and its
        standardisation of the pixels), with the same classes and the same network.
    callbacks : list of skorch callbacks, default=None
        Passed to the skorch net that trains, after the estimator's own. An
        ``LRScheduler`` replaces the cycle of the learning rate. They see the labels of
        a mini-batch as an array. ``EpochScoring`` counts each image once, whatever its
        weight; its scores come into ``history_``. scikit-learn's own callbacks (from
        its version 1.9 on) are set by ``set_callbacks``: each epoch of ``fit`` is a
        task, and a stop that one asks for ends it.
    checkpoint : str or path-like, default=None
        A folder, made where it is missing, in which ``fit`` saves its state after each
        epoch. A ``fit`` that was killed and is started again with the same arguments
        goes on from there, and ends in the same weights, to the bit. Each fit has a
        file of its own, named by a digest of the parameters, the data, the weights and
        the seed, so that the fits of a search share a folder; it is removed when
        ``fit`` ends. ``partial_fit`` saves nothing. Does not go with ``callbacks``.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}, default="auto"
        Where ``fit`` trains. ``"auto"`` takes a GPU where torch sees one. The images
        stay on it during training if they have one size and take at most half of its
        free memory, else each mini-batch is copied. On a GPU training is in single
        precision. Predictions are made on the CPU.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the large products in training. With ``"bfloat16"`` the
        convolutions of a CRNN and the embeddings of lines are computed in bfloat16; the
        recurrence, the statistics of the normalisation, the loss and the weights stay
        in float32, and so do predictions. ``"auto"`` is bfloat16 for convolutions of at
        least 16 filters and embeddings of at least 256 values a step, where the
        processor (AVX512-BF16, AMX) or the GPU multiplies it natively, and else
        float32: a rule that looks at no clock. Up to 128 images train in float64 all
        the same.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the images, augmentation, dropout and
        the held-out images. An int gives the same bits at every call on one CPU with
        one number of threads.
    verbose : int, default=0
        1 prints a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others; of clips T comes first.
    n_features_in_ : int
        Pixel values of an image, H * W * C, or of a clip, T * H * W * C.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``fit`` saw a DataFrame.
    weights_ : dict of ndarray
        All learned arrays, the standardisation of the pixels and the temperature of
        the logits included.
    module_ : torch.nn.Module
        The network with these weights, on the CPU and in evaluation mode.
    history_ : list of dict
        One for each epoch: ``epoch``, ``train_loss``, ``duration`` in seconds,
        ``event_lr`` (the learning rate of the last update) and, with validation images,
        ``valid_loss`` and ``valid_accuracy``; ``resumed``, 1, in the epoch with which a
        ``fit`` with ``checkpoint`` went on.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Training loss of each epoch: the cross-entropy of the probabilities, averaged
        over the mini-batches as they are trained on, like ``valid_loss`` without label
        smoothing.
    best_epoch_ : int
        Epoch of the last ``fit`` with the lowest validation loss, counted from 1
        over ``history_``; the last epoch without validation images. With
        ``early_stopping=True`` the fitted weights are those of this epoch.

    See Also
    --------
    RNNImageClassifier : No convolutions.
    ImageToSequence : The scans as a transformer.

    Notes
    -----
    Pixels are standardised per channel with the mean and the standard deviation of
    the training images, so 0-255 and 0-1 are both fine. Each convolution has weight
    standardisation [9]_, and is followed by 2 x 2 max-pooling where it halves the map,
    by group normalisation [7]_ over groups of at least 16 filters (or over all), and by
    a ReLU.

    Later images (predictions, ``X_val``, further training) are held against the
    standardisation: a UserWarning says where they cannot be in the same unit. That is
    where, in each channel that varies, a sample of up to 256 images lies more than 50
    standard deviations from the mean, or has a mean and a standard deviation that are
    both more than 50 times smaller; not where it is constant or has at most 8 values,
    as noise on a blank image does, unless these are 0 and 1. Outputs that are not
    finite raise a ValueError.

    Receptive field: with the three layers of ``filters="auto"`` a line of the feature
    map sees 22 lines of an image of more than 32 lines, with a stride of 8 (18 and 4
    from 17 to 32 lines, 12 and 2 from 9 to 16, 7 and 1 up to 8). The normalisation
    takes its mean and standard deviation from the whole image, also in
    ``staged_predict_proba``, which advances by lines of the feature map.

    Training minimises the cross-entropy with label smoothing 0.1 [6]_, which makes a
    network say less than it knows. Predictions divide its logits by a temperature
    :math:`T = 1 - 0.45 \, (c / c_{max})^8`, where :math:`c` is the mean confidence on
    the training images in the last epoch and :math:`c_{max}` the highest that smoothing
    allows: a network that has learned its images by heart is calibrated at about 0.55,
    one that has not at about 1. Where it has learned few images of a hard problem by
    heart, its probabilities are too confident all the same: see scikit-learn's
    ``CalibratedClassifierCV``.

    Clips: a frame that is all NaN is missing, and is left out of the reading, as if it
    had never been recorded; single missing pixels are read as in images. Where there is
    a cell, clips of any length can be predicted; ``cell=None`` knows the place of each
    frame among those that are not missing, and reads at most T of ``image_shape_``.
    Clips of similar length make a mini-batch, and padding changes nothing.

    Few images (up to 65,536 pixels in all) are predicted on one thread. More are
    predicted in batches of which no tensor holds more than 2**25 values (128 MiB).

    On a CPU ``fit`` trains in float64 on up to 128 images, else in float32, whatever
    the batch size; ``partial_fit`` starts in float32, and after ``fit`` keeps its
    precision. On a GPU convolutions and cells may round to TF32, as torch allows by
    default; the tests let probabilities differ by 0.02 from a CPU's.

    References
    ----------
    .. [1] B. Shi, X. Bai, C. Yao, "An end-to-end trainable neural network for
       image-based sequence recognition", IEEE TPAMI 39, 2017.
    .. [2] F. Visin et al., "ReNet: a recurrent neural network based alternative to
       convolutional networks", arXiv:1505.00393, 2015.
    .. [3] D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly
       learning to align and translate", ICLR 2015.
    .. [4] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR
       2019.
    .. [5] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural
       networks using large learning rates", arXiv:1708.07120, 2017.
    .. [6] C. Szegedy et al., "Rethinking the Inception architecture for computer
       vision", CVPR 2016, sec. 7.
    .. [7] Y. Wu, K. He, "Group normalization", ECCV 2018.
    .. [8] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, sec. 3.2.
    .. [9] S. Qiao et al., "Micro-batch training with batch-channel normalization and
       weight standardization", arXiv:1903.10520, 2019.
    .. [10] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
       2024. In torch: ``torch.optim.Muon``.
    .. [11] J. Donahue et al., "Long-term recurrent convolutional networks for visual
       recognition and description", CVPR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import CRNNImageClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = CRNNImageClassifier(16, max_epochs=10, random_state=0)
    >>> classifier.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.9
    True
    """

    _parameter_constraints = {
        **ImageClassifier._parameter_constraints,
        "filters": "no_validation",  # by make_recipe
        "kernel_size": "no_validation",  # by make_recipe
        "downsample": "no_validation",  # by make_recipe
    }

    def __init__(
        self,
        hidden_size: int | tuple[int, ...] = 32,
        *,
        filters: int | tuple[int, ...] | str = "auto",
        kernel_size: int | tuple[int, ...] = 3,
        downsample: tuple[bool, ...] | str = "auto",
        cell: str | None = "lstm",
        scan: str | tuple[str, ...] = "auto",
        patch_size: int | tuple[int | None, int | None] | None = None,
        bidirectional: bool = True,
        pooling: str = "mean",
        attention_heads: int | None = None,
        dropout: float = 0.0,
        image_shape: tuple[int, ...] | None = None,
        augment: str | Callable[[Tensor, Generator], Tensor] | None = "auto",
        n_views: int = 1,
        max_epochs: int | str = "auto",
        batch_size: int = 128,
        learning_rate: float = 0.01,
        weight_decay: float = 0.1,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict[Any, float] | str | None = None,
        warm_start: bool = False,
        callbacks: Sequence[Any] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_size = hidden_size
        self.filters = filters
        self.kernel_size = kernel_size
        self.downsample = downsample
        self.cell = cell
        self.scan = scan
        self.patch_size = patch_size
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.attention_heads = attention_heads
        self.dropout = dropout
        self.image_shape = image_shape
        self.augment = augment
        self.n_views = n_views
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def _network_recipe(self):
        lines = ("single rows",) if self.patch_size is None else ("rows",)
        return make_recipe(**self.get_params(deep=False), auto_scans=lines)
