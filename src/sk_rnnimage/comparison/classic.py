"""Classic image classifiers, each a pipeline that takes images."""

import numbers

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.borrowed import _fit_context
from sk_rnnimage._environment.tasks import (
    CallbackSupportMixin,
    FitTask,
    with_callbacks,
)
from sk_rnnimage.images.checking import check_images
from sk_rnnimage.images.clips import check_clips, resampled
from sk_rnnimage.images.orders import MOST_FRAMES
from sk_rnnimage.images.shapes import is_positive_int


def classic_classifiers(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_frames: int | None = None,
) -> dict[str, BaseEstimator]:
    """Build classic classifiers that accept images.

    Each is a pipeline whose first step flattens the images. For the classifiers that
    depend on the scale of their features, this step also standardizes the pixels, with
    one mean and one standard deviation over all pixels of the training images: a
    standard deviation per pixel would amplify the noise of pixels that are almost
    constant, such as those at the border. A missing pixel (NaN) gets the mean of that
    pixel over the training images that have it. The hyperparameters suit training sets
    from a few hundred to 60,000 images; at that size the ``"SVC"`` is the slowest and
    takes minutes to fit and to predict.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seed of the random forest, the gradient boosting and the MLP. Pass an int for
        reproducible results.
    n_frames : int from 1 to 10,000, default=None
        With an int the pipelines take clips, as ``scan="frames"`` does, (n, T, H, W[,
        C]) or a list of clips of unequal length. They pick this many frames of each,
        evenly from the first to the last (one is that in the middle), and flatten them;
        a shorter clip repeats some. A frame that is all NaN is left out before. None
        takes images.

    Returns
    -------
    dict
        Unfitted pipelines by name: logistic regression, k nearest neighbours, an SVC
        with an RBF kernel, the same SVC on the principal components that explain 90 %
        of the variance, a random forest, gradient boosting and a multi-layer
        perceptron with 256 hidden units.

    Raises
    ------
    ValueError
        Where ``n_frames`` is no whole number from 1 to 10,000.

    See Also
    --------
    compare_classifiers : Cross-validate them next to other classifiers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import classic_classifiers
    >>> X, y = load_digits(return_X_y=True)
    >>> images = X.reshape(-1, 8, 8)
    >>> svc = classic_classifiers(random_state=0)["SVC"]
    >>> float(svc.fit(images[:1200], y[:1200]).score(images[1200:], y[1200:]))
    0.96...
    """
    if n_frames is not None and not (
        is_positive_int(n_frames) and n_frames <= MOST_FRAMES
    ):
        raise ValueError(
            f"n_frames must be None or a whole number from 1 to {MOST_FRAMES:,}. Got "
            f"{n_frames!r} instead."
        )

    def scaled(*steps):
        return make_pipeline(FlatImages(scale=True, n_frames=n_frames), *steps)

    def flat(*steps):
        return make_pipeline(FlatImages(scale=False, n_frames=n_frames), *steps)

    seed = random_state
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=60,
        max_leaf_nodes=15,
        max_bins=32,  # 7 times as fast as 255 on 3,072 pixel values, and no worse
        random_state=seed,
    )
    # Reaches `tol` before `max_iter` on small sets too: no ConvergenceWarning.
    perceptron = MLPClassifier(
        256, learning_rate_init=0.003, tol=0.001, max_iter=200, random_state=seed
    )
    return {
        "Logistic regression": scaled(LogisticRegression(tol=1e-3, max_iter=1000)),
        "k nearest neighbours": scaled(KNeighborsClassifier()),
        "SVC": scaled(SVC(C=10)),
        "PCA + SVC": scaled(PCA(0.9), SVC(C=10)),
        # Trees split at thresholds, so the scale of the pixels does not matter to them.
        "Random forest": flat(RandomForestClassifier(200, random_state=seed)),
        "Gradient boosting": flat(boosting),
        "MLP": scaled(perceptron),
    }


class FlatImages(TransformerMixin, CallbackSupportMixin, BaseEstimator):
    """Flatten images (n, H, W[, C]) to (n, H*W*C), fill and standardize them.

    A missing pixel (NaN) gets the mean of that pixel over the training images that have
    it; where none has it, the mean over all pixels. Trees could do without, but gain
    nothing from it, and gradient boosting fails on a pixel that is always missing.

    With ``scale=True`` the mean over all pixels of the training images is subtracted
    and the result divided by their standard deviation, in float32.

    With an int ``n_frames`` X holds clips, of which so many frames are flattened.
    """

    _parameter_constraints = {
        "scale": ["boolean"],
        "n_frames": [numbers.Integral, None],
    }

    def __init__(self, scale=True, n_frames=None):
        self.scale = scale
        self.n_frames = n_frames

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the mean of each pixel, and the spread of all."""
        with FitTask(self, X, y):
            return self._fit(X)

    def _fit(self, X):
        images = self._check(X, reset=True)
        array = images.array  # (B, H, W, C)
        # In float64: a float32 sum over millions of pixels loses digits.
        present = ~np.isnan(array) if images.has_missing() else None
        if present is None:
            fill = array.mean(axis=0, dtype=np.float64)
            self.mean_ = fill.mean()
        else:
            self.mean_ = array.mean(dtype=np.float64, where=present)
            fill = _mean_of_each_pixel(array, present, self.mean_)
        self.fill_ = fill.ravel()  # (H*W*C,)
        if self.scale:
            where = True if present is None else present
            # Pixels that are all equal have none and are only centred.
            self.scale_ = array.std(dtype=np.float64, where=where) or 1.0
        return self

    def transform(self, X):
        """Flatten images, or clips: (n, H*W*C), filled and standardized."""
        check_is_fitted(self)
        images = self._check(X)
        flat = images.array.reshape(len(images), -1)  # (B, H*W*C)
        if self.scale:
            flat = flat.astype(np.float32)
        if images.has_missing():
            flat = np.where(np.isnan(flat), self.fill_.astype(flat.dtype), flat)
        if self.scale:
            flat -= np.float32(self.mean_)  # in place: no second copy of the images
            flat /= np.float32(self.scale_)
        return flat

    def _check(self, X, **options):
        if self.n_frames is None:
            _refuse_clips(X)
            return check_images(self, X, **options)
        if getattr(X, "ndim", 0) == 2:
            raise ValueError(
                "X must hold clips (n, T, H, W) or (n, T, H, W, C), or be a list of "
                "clips, where classic_classifiers has n_frames: flat rows do not say "
                "what a frame is."
            )
        return resampled(check_clips(self, X, **options), self.n_frames)


def _refuse_clips(X):
    """Raise where X can hold nothing but clips."""
    listed = isinstance(X, list) and any(getattr(x, "ndim", 0) == 4 for x in X)
    if getattr(X, "ndim", 0) == 5 or listed:
        raise ValueError(
            "X holds clips, of which a classic classifier reads a fixed number of "
            "frames: pass n_frames to classic_classifiers, such as n_frames=16."
        )


def _mean_of_each_pixel(array, present, mean):
    """The mean of each pixel (H, W, C) over the images that have it, else ``mean``."""
    counts = present.sum(axis=0)
    sums = array.sum(axis=0, dtype=np.float64, where=present)
    return np.where(counts, sums / np.maximum(counts, 1), mean)
