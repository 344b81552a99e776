"""scikit-learn's own checks, none excused."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
)

ESTIMATORS = [
    RNNImageClassifier(),
    RNNImageClassifier(cell="gru", hidden_size=(16, 8), scan="rows", pooling="last"),
    RNNImageClassifier(cell=None, hidden_size=32),
    RNNImageClassifier(scan="sweep", hidden_size=8, pooling="attention"),
    CRNNImageClassifier(),
    CRNNImageClassifier(cell="rnn", filters=8, kernel_size=3, pooling="max"),
    ImageToSequence(),
    ImageToSequence("hilbert", patch_size=(1, None)),
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
def test_sklearn_checks_of_the_reader(check):
    estimator = ImageReader((4, 4), mode="L")
    if check == "check_parameters_default_constructible":
        estimator = ImageReader()
    getattr(estimator_checks, check)("ImageReader", estimator)
