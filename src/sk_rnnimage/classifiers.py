"""The two classifiers."""

from sk_rnnimage._base import BaseImageClassifier, positive_ints


class RNNImageClassifier(BaseImageClassifier):
    """TODO."""

    def __init__(
        self,
        hidden_size=96,
        *,
        cell="lstm",
        scan="auto",
        patch_size=None,
        bidirectional=True,
        pooling="mean",
        dropout=0.0,
        image_shape=None,
        max_epochs="auto",
        batch_size=128,
        learning_rate=0.01,
        weight_decay=0.1,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.hidden_size = hidden_size
        self.cell = cell
        self.scan = scan
        self.patch_size = patch_size
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.image_shape = image_shape
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _configure(self):
        return self._configuration(("overlapping rows", "overlapping columns"))


class CRNNImageClassifier(BaseImageClassifier):
    """TODO."""

    _parameter_constraints = {
        **BaseImageClassifier._parameter_constraints,
        "filters": "no_validation",  # by positive_ints
        "kernel_size": "no_validation",  # by positive_ints
    }

    def __init__(
        self,
        hidden_size=64,
        *,
        filters=(16, 32),
        kernel_size=(5, 3),
        cell="lstm",
        scan="auto",
        patch_size=None,
        bidirectional=True,
        pooling="mean",
        dropout=0.0,
        image_shape=None,
        max_epochs="auto",
        batch_size=128,
        learning_rate=0.01,
        weight_decay=0.1,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.hidden_size = hidden_size
        self.filters = filters
        self.kernel_size = kernel_size
        self.cell = cell
        self.scan = scan
        self.patch_size = patch_size
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.image_shape = image_shape
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _configure(self):
        filters = positive_ints("filters", self.filters)
        return {
            **self._configuration(("rows",)),
            "filters": filters,
            "kernel_size": positive_ints("kernel_size", self.kernel_size, len(filters)),
        }
