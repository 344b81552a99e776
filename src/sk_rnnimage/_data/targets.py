"""Targets: what an estimator learns, from the check of y to the decoding of outputs.

A target is an object with the methods and attributes of :class:`Classes`; nothing but
it and the estimators' public methods knows what is learned.
"""

import math
import numbers

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils.multiclass import type_of_target
from torch import nn

from sk_rnnimage._data.labels import check_one_each, read_labels
from sk_rnnimage._data.weights import of_maximum_one

LABEL_SMOOTHING = 0.1
# The temperature of a network that has learned its smoothed labels by heart, and how
# fast it gets there: chosen by the calibration error on held-out images of eight sets.
TEMPERATURE, SHARPNESS = 0.55, 8


class Classes:
    """The target of a classifier: class labels and their codes.

    Parameters
    ----------
    estimator_name : str
        Named in the messages.
    class_weight : dict, "balanced" or None
        As in the classifiers.
    classes : ndarray of shape (K,), default=None
        The labels, sorted. None learns them from the first y that is encoded.
    expected : ndarray of shape (K,), default=None
        What the learned labels must be where training goes on.

    Attributes
    ----------
    n_outputs : int
        K, the number of logits.
    score : tuple (name, function)
        What validation is scored by: a function of logits (b, K) and codes (b,) that
        gives a score for each image, of which the weighted mean is recorded.
    """

    score = ("accuracy", lambda logits, codes: logits.argmax(1) == codes)

    def __init__(self, estimator_name, class_weight, classes=None, expected=None):
        self.estimator_name = estimator_name
        self.class_weight = class_weight
        self.classes = classes
        self.expected = expected

    @property
    def n_outputs(self):
        return len(self.classes)

    def check(self, y, images, suffix=""):
        """The labels (B,), checked to be one for each image."""
        if y is None:
            raise ValueError(
                f"This {self.estimator_name} estimator requires y to be passed, but "
                "the target y is None."
            )
        y = read_labels(y, "y" + suffix)
        check_one_each(y, len(images), "y" + suffix)
        _refuse_continuous(y, "y" + suffix)
        return y

    def encode(self, y, name="y"):
        """Labels to their indices among the classes, which are learned if need be."""
        if self.classes is None:
            return self._learn(y)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            way_out = {
                "y": "Name every label in classes at the first partial_fit",
                "y_val": "Let y hold every label",
            }
            raise ValueError(
                f"{name} holds the label {unknown.tolist()[0]!r}, which is not among "
                f"the classes {self.classes.tolist()}. {way_out[name]}, or leave these "
                "images out."
            )
        return np.searchsorted(self.classes, y)

    def _learn(self, y):
        self.classes, codes = np.unique(y, return_inverse=True)
        if self.expected is not None and not np.array_equal(
            self.expected, self.classes
        ):
            raise ValueError(
                "warm_start=True can go on only with the classes of the last fit, "
                f"{self.expected.tolist()}. Got {self.classes.tolist()} in y."
            )
        return codes

    def decode(self, logits):
        """The label with the largest logit of each row (n, K)."""
        return self.classes[logits.argmax(axis=1)]

    def learned(self):
        """The fitted attributes that tell what was learned of y."""
        return {"classes_": self.classes}

    def loss_weights(self, codes, weights):
        """Sample weights times class weights."""
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, dict):
            factors = _given_weights(self.class_weight, self.classes.tolist())
        else:
            # n / (K * n_k) of scikit-learn, with weights in place of counts
            totals = np.bincount(codes, weights, minlength=len(self.classes))
            n_present = np.count_nonzero(totals)
            factors = weights.sum() / (n_present * totals.clip(1e-300))
        weights = weights * factors[codes]
        if not weights.any():
            raise ValueError(
                "class_weight and sample_weight together leave no image with a weight."
            )
        return weights

    def split(self, codes, fraction, seed):
        """Indices to train on and to validate on, stratified by class.

        Raises
        ------
        ValueError
            Where a class would be missing on one side.
        """
        n, n_valid = len(codes), math.ceil(fraction * len(codes))
        counts = np.bincount(codes)
        n_classes = len(counts)
        if min(n_valid, n - n_valid) < n_classes or min(counts) < 2:
            raise ValueError(
                f"early_stopping=True holds out {n_valid} of {n} images, too "
                f"few to have each of the {n_classes} classes on both sides. Pass "
                "X_val and y_val, or set early_stopping=False."
            )
        splitter = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
        train, valid = next(splitter.split(codes, codes))
        return np.sort(train), np.sort(valid)  # a memory map is read in order

    @staticmethod
    def loss(logits, target, label_smoothing=0.0):
        """The sum of weight * cross-entropy over images, divided by their number.

        Not divided by the batch's weights, so that a light batch takes a light update.

        Parameters
        ----------
        logits : tensor of shape (b, K)
        target : tuple of tensors (codes, weights), each of shape (b,)
        label_smoothing : float, default=0.0
            Fraction of each label that is spread evenly over all classes.
        """
        codes, weights = target
        losses = nn.functional.cross_entropy(
            logits, codes, reduction="none", label_smoothing=label_smoothing
        )
        return (losses * weights.to(losses.dtype)).mean()

    @staticmethod
    def criterion():
        """A module from logits and (codes, weights) to the loss of a mini-batch."""
        return _SmoothedCrossEntropy()

    @staticmethod
    def confidence(logits):
        """The largest probability of each image, (b,)."""
        return logits.softmax(1).amax(1)

    def temperature(self, confidence):
        r"""What logits are divided by in prediction, to be calibrated.

        .. math:: T = 1 - 0.45 \, (c / (1 - \epsilon + \epsilon / K))^8

        where :math:`c` is the mean confidence on the training images and
        :math:`\epsilon` the label smoothing, which allows no more than the
        denominator. A network that reaches it is right far more often than it says,
        and 0.55 makes up for that; one that does not is about calibrated as it is.
        Temperature scaling [1]_ proper needs images that were held out.

        References
        ----------
        .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
        """
        most = 1 - LABEL_SMOOTHING + LABEL_SMOOTHING / self.n_outputs
        ratio = min(confidence / most, 1.0)
        return 1 - (1 - TEMPERATURE) * ratio**SHARPNESS


class _SmoothedCrossEntropy(nn.Module):
    """The loss, in training with smoothed labels.

    C. Szegedy et al., "Rethinking the Inception architecture for computer vision",
    CVPR 2016, sec. 7.
    """

    def forward(self, logits, target):
        return Classes.loss(logits, target, LABEL_SMOOTHING if self.training else 0.0)


def _given_weights(given, labels):
    """The dict ``class_weight`` as an array; classes it leaves out weigh 1."""
    unknown = [label for label in given if label not in labels]
    if unknown and any(label not in given for label in labels):
        raise ValueError(
            f"class_weight names the label {unknown[0]!r}, which is not among the "
            f"classes {labels}."
        )
    weights = [given.get(label, 1.0) for label in labels]
    if not all(isinstance(w, numbers.Real) and 0 <= w < math.inf for w in weights):
        raise ValueError(
            f"class_weight must hold finite weights of at least 0. Got {given!r}."
        )
    weights = np.array(weights, dtype=np.float64)
    return of_maximum_one(weights) if weights.any() else weights


def _refuse_continuous(y, name):
    """Raise where labels are numbers with fractions, or larger than any int."""
    with np.errstate(invalid="ignore"):  # numbers of any size are cast to int
        if type_of_target(y, input_name=name) != "continuous":
            return
        value = float(y[y != y.astype(int)][0])
    raise ValueError(
        f"Unknown label type: continuous. {name} holds {value!r} where classes should "
        "be. Pass strings or whole numbers below 2**63; of values to be put into "
        f"classes, numpy.digitize({name}, bins)."
    )
