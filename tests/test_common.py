"""scikit-learn's own checks, none excused."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
)

SHORT = {"max_epochs": 20}  # the defaults, 400 steps, are for the first of each class
ESTIMATORS = [
    RNNImageClassifier(),
    RNNImageClassifier((16, 8), cell="gru", scan="rows", pooling="last", **SHORT),
    RNNImageClassifier(32, cell=None, **SHORT),
    RNNImageClassifier(8, scan="sweep", pooling="attention", **SHORT),
    CRNNImageClassifier(),
    CRNNImageClassifier(cell="rnn", filters=8, kernel_size=3, pooling="max", **SHORT),
    RNNImageClassifier(scan="frames"),
    CRNNImageClassifier(scan="frames", **SHORT),
    ImageToSequence(),
    ImageToSequence("hilbert", patch_size=(1, None)),
    ImageToSequence("frames"),
]


@parametrize_with_checks(ESTIMATORS)
def test_sklearn_checks(estimator, check):
    check(estimator)


# scikit-learn has no files to give to a transformer of files: what needs no X
@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
@pytest.mark.parametrize("reader", [ImageReader, ClipReader])
def test_sklearn_checks_of_the_readers(reader, check):
    estimator = reader((4, 4), mode="L")
    if check == "check_parameters_default_constructible":
        estimator = reader()
    getattr(estimator_checks, check)(reader.__name__, estimator)
