"""What a classifier says after each step of an image, or each frame of a clip."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._prediction.logits import (
    check_outputs,
    staged_logits,
    streamed_logits,
    warn_of_unit,
)
from sk_rnnimage.images.clips import check_frame
from sk_rnnimage.images.shapes import CLIP


class StagedPrediction(BaseEstimator):
    """The methods of a classifier that predict before an image or a clip is read."""

    def staged_predict_proba(self, X: ArrayLike) -> Iterator[np.ndarray]:
        """Class probabilities after each step of the sequence.

        At stage t the image is what its first t steps show: later ones are absent, and
        the reverse direction begins at step t. The scans of a tuple advance together; a
        shorter one waits at its end. Behind convolutions a step is one of their feature
        map, which is computed from the whole image: the notes of CRNNImageClassifier
        give the receptive field.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``predict``. Their sequences are held in memory meanwhile, and
            each stage reads them from the start: for long clips use
            ``stream_predict_proba``, which reads each frame once.

        Yields
        ------
        ndarray of shape (n, n_classes)
            One for each step, as many as the longest sequence has; of clips, one for
            each frame of the longest, while a shorter clip keeps its last values. The
            last one equals ``predict_proba``. Before its first frame that is not
            missing, a clip has equal probabilities.

        Raises
        ------
        ValueError
            With ``scan="sweep"``, whose passes have no common step, and with
            ``cell=None``, which reads in no order.
        """
        check_is_fitted(self)
        cell, scans = self._fitted_recipe["cell"], self._fitted_recipe["scans"]
        if "sweep" in scans or cell is None:
            what = "cell=None" if cell is None else "scan='sweep'"
            raise ValueError(
                f"staged_predict_proba needs a cell that reads one step after another; "
                f"with {what} there is no such order. Choose a cell, and a path such "
                "as scan='rows'."
            )
        # checked here, not at the first next(): this is no generator itself
        images, network = self._images(X), self.module_
        warn_of_unit(network, images)
        return _stages(network, images, self._views())

    def staged_predict(self, X: ArrayLike) -> Iterator[np.ndarray]:
        """Class labels after each step of the sequence.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, H*W*C), or list
            Images, as in ``predict``. Their sequences are held in memory meanwhile.

        Yields
        ------
        ndarray of shape (n,)
            The most probable label of each image, from the probabilities of
            ``staged_predict_proba``.

        Raises
        ------
        ValueError
            As ``staged_predict_proba``.
        """
        stages, target = self.staged_predict_proba(X), self._classes(self.classes_)
        return (target.decode(proba) for proba in stages)

    def stream_predict_proba(self, frames: Iterable[ArrayLike]) -> Iterator[np.ndarray]:
        """Class probabilities of one clip after each frame, as the frames come in.

        The state of the network is carried along, so that a frame costs the same
        however many came before it, and none is kept.

        Parameters
        ----------
        frames : iterable of array-like of shape (H, W) or (H, W, C)
            The frames of one clip, of a camera for instance. Each is taken when the
            next probabilities are asked for. One that is all NaN is missing, and is
            left out of the reading.

        Yields
        ------
        ndarray of shape (n_classes,)
            As ``staged_predict_proba`` gives them for the clip, to 1e-5.

        Raises
        ------
        ValueError
            Where the fitted network does not read clips in one direction: it needs
            ``scan="frames"``, a cell, ``bidirectional=False`` and no
            ``attention_heads``; and where a frame has another shape than those of
            ``fit``.
        """
        check_is_fitted(self)
        recipe = self._fitted_recipe
        names = "cell", "bidirectional", "attention_heads"
        cell, bidirectional, n_heads = (recipe[name] for name in names)
        if self._layout() is not CLIP or cell is None or bidirectional or n_heads:
            raise ValueError(
                "stream_predict_proba needs a network that reads clips in one "
                "direction: scan='frames', a cell, bidirectional=False and "
                f"attention_heads=None. This one has scan={recipe['scans'][0]!r}, "
                f"cell={cell!r}, bidirectional={bidirectional} and "
                f"attention_heads={n_heads}."
            )
        # an array without axes says that it is iterable
        if not isinstance(frames, Iterable) or getattr(frames, "ndim", 1) == 0:
            raise TypeError(
                "frames must be an iterable of frames, such as a clip (T, H, W) or a "
                f"generator. Got a value of type {type(frames).__name__}."
            )
        checked = (
            check_frame(self, frame, f"frames[{i}]") for i, frame in enumerate(frames)
        )
        stages = streamed_logits(self.module_, checked, self._views())
        return (np.exp(log_softmax(logits[0])) for logits in stages)


def _stages(network, images, views):
    """The probabilities of each stage."""
    for logits in staged_logits(network, images, views):
        check_outputs(network, logits, images)
        yield np.exp(log_softmax(logits, axis=1))
