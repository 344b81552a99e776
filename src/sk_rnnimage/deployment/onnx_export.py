"""to_onnx: a fitted classifier, or a pipeline that ends in one, as an ONNX model."""

import math
import os
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_rnnimage._environment.versions import __version__
from sk_rnnimage._environment.writing import write_whole
from sk_rnnimage.classifiers import ImageClassifier
from sk_rnnimage.deployment.onnx_graph import IR_VERSION, OPSET, Graph, import_onnx
from sk_rnnimage.deployment.onnx_network import network_logits
from sk_rnnimage.deployment.onnx_readings import cut
from sk_rnnimage.files import ClipReader, ImageReader
from sk_rnnimage.images.shapes import CLIP, full_shape, layout_of
from sk_rnnimage.scan import ImageToSequence

if TYPE_CHECKING:
    import onnx


def to_onnx(
    estimator: BaseEstimator, path: str | os.PathLike[str] | None = None
) -> "onnx.ModelProto":
    """Export a fitted classifier as an ONNX model.

    The model has one input, ``images``, float32 pixel values in the unit of ``fit``,
    of shape ``(n, *image_shape_)``; for ``scan="frames"`` clips with any number of
    frames T. It has two outputs: ``label`` (n,), in the dtype of ``classes_``, and
    ``probabilities`` (n, n_classes), in their order. The number of images n is free.
    The standardisation of the pixels, the views of ``n_views``, the temperature and
    the class labels are in the model. NaN is a missing pixel, and a frame that is all
    NaN is left out, as in ``predict``.

    Parameters
    ----------
    estimator : RNNImageClassifier, CRNNImageClassifier or Pipeline
        Fitted. A pipeline may have :class:`ImageToSequence` before the classifier: the
        input then holds the images that this reads. An ``ImageReader`` or
        ``ClipReader`` in front is left out: the input holds the pixels that it gives.
    path : str or path-like, default=None
        Where to write the model. An existing file is replaced once the new one is
        complete. None writes no file.

    Returns
    -------
    onnx.ModelProto
        Of opset 18, which ONNX Runtime reads from version 1.14 on.

    Raises
    ------
    TypeError
        Where the estimator, or a step of the pipeline, has no counterpart in ONNX.
    ValueError
        Where it is not fitted, or ``path`` is a folder or in none.
    OSError
        Where the system cannot write: no space left, no permission.
    ImportError
        Where the package ``onnx`` is missing.

    See Also
    --------
    RNNImageClassifier, CRNNImageClassifier : The classifiers.

    Notes
    -----
    Probabilities differ from those of ``predict_proba`` by less than 1e-5: the model
    computes in single precision, whatever the precision of the fit. The images of one
    call have one size, ``image_shape_``, also where ``fit`` took a list of unequal
    ones. Of an image or a clip whose pixels are all missing, which ``predict`` refuses,
    the probabilities are NaN. The unit of the pixels is not checked.

    LSTMs (with peepholes or without), GRUs and Elman's cells become ONNX's own
    operators; minGRU, LRU and LMU a loop over the steps, ``Scan``.

    References
    ----------
    .. [1] ONNX operators, https://onnx.ai/onnx/operators/.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier, to_onnx
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(8, max_epochs=1, random_state=0).fit(X, y)
    >>> model = to_onnx(classifier)
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']

    ``onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"images":
    images})`` then gives both.
    """
    onnx = import_onnx()
    transformers, classifier = _steps_of(estimator)
    g, x = Graph(), "images"
    for transformer in transformers:
        x = _sequences(g, transformer, x)
    logits = _logits(g, classifier, x)
    classes = _labels(classifier.classes_)
    label = g.Gather(g.constant(classes), g.ArgMax(logits, axis=1, keepdims=0))
    g.name_outputs({"label": label, "probabilities": g.Softmax(logits, axis=1)})
    shape = _input_shape(transformers[0] if transformers else classifier)
    inputs = [g.tensor("images", np.float32, ["n", *shape])]
    outputs = [
        g.tensor("label", classes.dtype, ["n"]),
        g.tensor("probabilities", np.float32, ["n", len(classes)]),
    ]
    model = onnx.helper.make_model(
        g.proto(type(classifier).__name__, inputs, outputs),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sk_rnnimage",
        producer_version=__version__,
    )
    if path is not None:
        write_whole(path, model.SerializeToString())
    return model


def _steps_of(estimator):
    """The transformers of an estimator that are exported, and its classifier."""
    steps = list(_flattened(estimator))
    while steps and isinstance(steps[0], (ImageReader, ClipReader)):
        del steps[0]
    kinds = [ImageToSequence] * (len(steps) - 1) + [ImageClassifier]
    for step, kind in zip(steps or [estimator], kinds):
        if not isinstance(step, kind):
            raise TypeError(
                f"estimator: {type(step).__name__} has no counterpart in ONNX here: "
                "to_onnx takes a fitted RNNImageClassifier or CRNNImageClassifier, or "
                "a pipeline of ImageToSequence and one of them."
            )
    for step in steps:
        check_is_fitted(step)
    return steps[:-1], steps[-1]


def _flattened(estimator):
    """The steps of a pipeline, and of those in it."""
    if not isinstance(estimator, Pipeline):
        yield estimator
        return
    for _, step in estimator.steps:
        if step is not None and not isinstance(step, str):  # "passthrough"
            yield from _flattened(step)


def _input_shape(step):
    """The shape of what the first step reads; T is free where nothing rests on it."""
    if isinstance(step, ImageClassifier) and step._layout() is CLIP:
        return "T", *step.image_shape_[1:]
    return step.image_shape_


def _sequences(g, transformer, x):
    """What ImageToSequence makes of images, or of clips: (B, T, F)."""
    layout = layout_of(transformer.scan)
    *sides, width, channels = full_shape(transformer.image_shape_, layout)
    shape = math.prod(sides), width, channels
    x = g.reshape(x, 0, *shape)
    x = cut(g, x, shape, transformer._patch)
    return g.Gather(x, transformer._order, axis=1)


def _logits(g, classifier, x):
    """The logits of a classifier, (B, K)."""
    layout = classifier._layout()
    shape = full_shape(classifier.image_shape_, layout)
    x = g.reshape(x, 0, *((0, *shape[1:]) if layout is CLIP else shape))
    return network_logits(g, classifier.module_, x, classifier._views())


def _labels(classes):
    """Class labels in a dtype that ONNX has."""
    if classes.dtype.kind in "UO":  # all are strings
        return classes.astype(object)
    return classes.astype(np.float64) if classes.dtype.kind == "f" else classes
