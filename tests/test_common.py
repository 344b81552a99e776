"""scikit-learn's own checks, none excused."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier

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
