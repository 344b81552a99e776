"""quantize(): the same network with weights in 8 bits."""

from typing import TypeVar

from sk_rnnimage._base import BaseImageEstimator, check_own, refitted
from sk_rnnimage.networks.eight_bits import quantized

T = TypeVar("T", bound=BaseImageEstimator)


def quantize(estimator: T) -> T:
    """The same network with weights in 8 bits, as a new estimator.

    Each row of a matrix of weights is kept as whole numbers from -127 to 127, and a
    scale; biases and all else that is no matrix stays as it is. So ``weights_``, a
    pickle and a file take little more than a quarter of the bytes. The arithmetic is
    that of floats: the network is made of the products of numbers and scales when it is
    first used, and predicts as fast as before.

    Parameters
    ----------
    estimator : RNNImageClassifier or CRNNImageClassifier
        Fitted. It is not changed.

    Returns
    -------
    RNNImageClassifier or CRNNImageClassifier
        Fitted. In ``weights_`` a weight of dtype int8 has its scales beside it, under
        its name and ``":scale"``. Training that goes on, by ``warm_start`` or
        ``partial_fit`` (which starts without the optimiser's moments), makes floats of
        them again.

    Raises
    ------
    TypeError, NotFittedError
        Where the estimator is no image classifier, or not fitted.

    See Also
    --------
    prune : A smaller and faster network.

    Notes
    -----
    Why no arithmetic of whole numbers: torch's scales what comes in by the largest
    value of a whole batch, so that what is predicted of an image would depend on the
    images beside it. It is deprecated there, and an LSTM that reads lines of grey
    images gains nothing by it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier, quantize
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(max_epochs=10, random_state=0)
    >>> classifier.fit(X[:1200], y[:1200])
    RNNImageClassifier(max_epochs=10, random_state=0)
    >>> small = quantize(classifier)
    >>> small.weights_["head.weight"].dtype, small.weights_["head.weight:scale"].dtype
    (dtype('int8'), dtype('float32'))
    >>> small.score(X[1200:], y[1200:]) > 0.9
    True
    """
    check_own(estimator)
    return refitted(estimator, estimator._fitted_recipe, quantized(estimator.weights_))
