"""The two classifiers."""

from sk_rnnimage._base import BaseImageClassifier, positive_ints


class RNNImageClassifier(BaseImageClassifier):
    """A recurrent network that reads an image step by step.

    Each image is a sequence of steps (lines or patches along a path); a recurrent cell
    reads them, its states are pooled and a linear layer gives the classes.

    Parameters
    ----------
    hidden_size : int or tuple of int, default=64
        Units of the cell in each direction; a tuple stacks one layer each.
    cell : str or None, default="lstm"
        The recurrent cell: ``"lstm"``, ``"gru"``, ``"rnn"`` (Elman's), ``"irnn"`` (a
        rectifier that starts as the identity), ``"peephole"`` (an LSTM whose gates see
        its cell state) or, linear in their state and made for long sequences,
        ``"mingru"``, ``"lru"`` and ``"lmu"``. :mod:`sk_rnnimage.cells` and
        :mod:`sk_rnnimage.linear_cells` have the equations.
        None is the control without recurrence: each step goes through a feed-forward
        layer of the same width with a learned position, then the pooling.
    scan : str or tuple of str, default="auto"
        What a step is and in which order they come. ``"rows"`` and ``"columns"`` read
        one whole line a step; ``"snake"``, ``"spiral"``, ``"hilbert"``,
        ``"diagonal"`` and ``"random"`` read patches along a path as
        :class:`ImageToSequence` does; ``"sweep"`` runs the cell along every row and
        every column of the grid (ReNet [1]_) and pools over the places. A tuple reads
        the image along each and joins what they found. ``"auto"`` is the
        reading measured best: rows and columns, four lines a step of which two are
        shared with the next step, each step embedded in 64 rectified units.
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step in pixels; None in a tuple is the whole extent.
        None alone is a whole line for rows and columns, else one pixel. Edges are
        padded with the mean. Where it is given, ``scan="auto"`` reads
        ``("rows", "columns")`` in such patches.
    bidirectional : bool, default=True
        Whether a second cell reads the steps backwards.
    pooling : {"mean", "last", "max", "attention"}, default="mean"
        How the states of all steps become one: their mean, the last state, the
        largest values, or a learned weighted mean [2]_. The control reads
        ``"last"`` as ``"mean"``; a sweep averages the last states of its passes.
    attention_heads : int, default=None
        Heads of a layer of self-attention over the states of all steps [6]_, whose
        result is put beside the states before they are pooled. None has no such layer.
        The heads share a state's values among themselves, so their number must divide
        that; a sweep with heads reads ``"last"`` as ``"mean"``.
    dropout : float, default=0.0
        Share of values dropped between layers and before the head, in [0, 1).
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat X that is neither square grey nor
        square RGB: without it that is read as one row of pixels. Of images in a list
        the largest height and width that will ever come, where a step is a whole line;
        without it those of the largest that ``fit`` sees.
    augment : {"shift", "affine", "flip"}, callable or None, default=None
        How each training batch of ``fit`` is varied, by chance and seeded. ``"shift"``
        moves each image by up to a twelfth of its sides, but at least a pixel;
        ``"affine"`` moves by up to a twelfth, turns by up to 10 degrees and scales by
        up to 10 %; ``"flip"``, for natural images, mirrors about half of them left and
        right and moves by up to an eighth, but at least a pixel. Edges are repeated.
        A callable ``augment(images, generator)`` takes and gives float tensors
        (B, C, H, W), in pixel values before scaling, on the device that trains; the
        generator belongs to the CPU. Of a list it gets images of one size at a time.
    n_views : int, default=1
        Views of an image, each moved by at most one pixel, over whose logits
        predictions are averaged, up to 9; 1 is the image as it is.
    max_epochs : int or "auto", default="auto"
        Passes over the training images. ``"auto"`` gives 400 steps of the optimiser,
        in at least 3 and at most 100 passes: small sets need steps, not epochs.
    batch_size : int, default=64
        Most images in a step. Batches are of nearly equal size.
    learning_rate : float, default=0.01
        Largest rate of AdamW [3]_ in ``fit``, where it rises over the first 15 % of
        the steps and falls to 0 after (one cycle [4]_); the constant rate in
        ``partial_fit``. AdamW's second moment remembers 50 steps (beta 0.98); its
        first beta goes from 0.95 to 0.85 and back as the rate rises and falls, and is
        0.9 in ``partial_fit``. The norm of the gradient is clipped to 1.
    weight_decay : float, default=0.1
        AdamW's decay of all weights but the biases and the LRU's decay rates.
    early_stopping : bool, default=False
        Whether to stop once the validation loss has not fallen for
        ``n_iter_no_change`` epochs, and to restore the weights of the best one. The
        validation images are ``X_val`` where ``fit`` gets them, else held out of X.
    validation_fraction : float, default=0.1
        Share of the images held out of X for early stopping, stratified by class.
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss before training stops.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the training loss. ``"balanced"`` weighs each class by
        the inverse of the sum of its sample weights (in ``fit`` alone). The validation
        loss has the sample weights alone, and each call of ``partial_fit`` weighs its
        images against each other, not against those of other calls.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit`` (and its scaling
        of the pixels), with the same classes and the same network.
    callbacks : list of skorch callbacks, default=None
        Passed to the skorch net that trains, after the estimator's own. They see the
        net and its history; those that score the net as a classifier do not fit, as
        its targets carry weights: ``X_val`` gives the validation accuracy.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}, default="auto"
        Where ``fit`` trains. ``"auto"`` takes a GPU where torch sees one, which holds
        the images while it trains where they have one size and take no more than half
        of its free memory. Training is in single precision on every GPU. Predictions
        are made on the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the images, dropout and the
        held-out images. The same seed gives the same bits on one CPU at one number of
        threads.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others.
    n_features_in_ : int
        Pixel values of an image, H * W * C.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, where ``fit`` saw a DataFrame.
    weights_ : dict of ndarray
        All that was learned, the scaling of the pixels included.
    history_ : list of dict
        One an epoch: ``epoch``, ``train_loss``, ``duration`` in seconds,
        ``event_lr`` and, with validation images, ``valid_loss`` and
        ``valid_accuracy``.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Training loss of each epoch (cross-entropy, labels smoothed by 0.1 [5]_).
    best_epoch_ : int
        Epoch of the last ``fit`` with the lowest validation loss, counted from 1
        over ``history_``; the last one without validation. With
        ``early_stopping=True`` its weights are the fitted ones.

    See Also
    --------
    CRNNImageClassifier : Convolutions first.
    ImageToSequence : The scans as a transformer.

    Notes
    -----
    Pixels are standardised per channel with the mean and the standard deviation of
    the training images, so 0-255 and 0-1 are both fine. With a
    named scan and one layer the network is the cell over the steps, the pooling and a
    linear layer, nothing else.

    ``fit`` trains sets of up to 128 images in float64 on a CPU, all others in float32,
    whatever the batch size; ``partial_fit`` starts in float32, and on a CPU goes on in
    what it finds. On a GPU convolutions and cells may round their factors to TF32, as
    torch allows by default; the tests let probabilities differ by 0.02 from a CPU's.

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
        hidden_size=64,
        *,
        cell="lstm",
        scan="auto",
        patch_size=None,
        bidirectional=True,
        pooling="mean",
        attention_heads=None,
        dropout=0.0,
        image_shape=None,
        augment=None,
        n_views=1,
        max_epochs="auto",
        batch_size=64,
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _configure(self):
        if self.patch_size is not None:
            return self._configuration(("rows", "columns"))
        return self._configuration(("overlapping rows", "overlapping columns"))


class CRNNImageClassifier(BaseImageClassifier):
    """Convolutions, then a recurrent network that reads their feature map.

    The convolutions turn an image into a smaller map of features (CRNN [1]_), a
    recurrent cell reads that map step by step, its states are pooled and a linear
    layer gives the classes.

    Parameters
    ----------
    hidden_size : int or tuple of int, default=32
        Units of the cell in each direction; a tuple stacks one layer each.
    filters : int or tuple of int, default=(8, 32)
        Filters of each convolution. The first, and each that has more filters than
        the one before it, halves every side that is longer than 8: the largest of
        2 x 2 values stays, ahead of normalisation and rectifier.
    kernel_size : int or tuple of int, default=3
        Height and width of each convolution; an int is for all of them.
    cell : str or None, default="lstm"
        The recurrent cell: ``"lstm"``, ``"gru"``, ``"rnn"`` (Elman's), ``"irnn"`` (a
        rectifier that starts as the identity), ``"peephole"`` (an LSTM whose gates see
        its cell state) or, linear in their state and made for long sequences,
        ``"mingru"``, ``"lru"`` and ``"lmu"``. :mod:`sk_rnnimage.cells` and
        :mod:`sk_rnnimage.linear_cells` have the equations.
        None is the control without recurrence: each step goes through a feed-forward
        layer of the same width with a learned position, then the pooling.
    scan : str or tuple of str, default="auto"
        What a step is and in which order they come, on the feature map. ``"rows"``
        and ``"columns"`` read one whole line a step; ``"snake"``, ``"spiral"``,
        ``"hilbert"``, ``"diagonal"`` and ``"random"`` read patches along a path as
        :class:`ImageToSequence` does; ``"sweep"`` runs the cell along every row and
        every column (ReNet [2]_) and pools over the places. A tuple reads the map
        along each and joins what they found. ``"auto"`` is the reading
        measured best: the rows, each embedded in 64 rectified units.
    patch_size : int, tuple (h, w) or None, default=None
        Height and width of a step on the feature map; None in a tuple is the whole
        extent. None alone is a whole line for rows and columns, else one place. Edges
        are padded with zeros. Where it is given, ``scan="auto"`` reads ``"rows"`` in
        such patches.
    bidirectional : bool, default=True
        Whether a second cell reads the steps backwards.
    pooling : {"mean", "last", "max", "attention"}, default="mean"
        How the states of all steps become one: their mean, the last state, the
        largest values, or a learned weighted mean [3]_. The control reads
        ``"last"`` as ``"mean"``; a sweep averages the last states of its passes.
    attention_heads : int, default=None
        Heads of a layer of self-attention over the states of all steps [8]_, whose
        result is put beside the states before they are pooled. None has no such layer.
        The heads share a state's values among themselves, so their number must divide
        that; a sweep with heads reads ``"last"`` as ``"mean"``.
    dropout : float, default=0.0
        Share of values dropped between layers and before the head, and of feature
        maps dropped after convolutions, in [0, 1).
    image_shape : tuple (H, W) or (H, W, C), default=None
        The shape of one image, needed for flat X that is neither square grey nor
        square RGB: without it that is read as one row of pixels. Of images in a list
        the largest height and width that will ever come, where a step is a whole line;
        without it those of the largest that ``fit`` sees.
    augment : {"shift", "affine", "flip"}, callable or None, default=None
        How each training batch of ``fit`` is varied, by chance and seeded. ``"shift"``
        moves each image by up to a twelfth of its sides, but at least a pixel;
        ``"affine"`` moves by up to a twelfth, turns by up to 10 degrees and scales by
        up to 10 %; ``"flip"``, for natural images, mirrors about half of them left and
        right and moves by up to an eighth, but at least a pixel. Edges are repeated.
        A callable ``augment(images, generator)`` takes and gives float tensors
        (B, C, H, W), in pixel values before scaling, on the device that trains; the
        generator belongs to the CPU. Of a list it gets images of one size at a time.
    n_views : int, default=1
        Views of an image, each moved by at most one pixel, over whose logits
        predictions are averaged, up to 9; 1 is the image as it is.
    max_epochs : int or "auto", default="auto"
        Passes over the training images. ``"auto"`` gives 400 steps of the optimiser,
        in at least 3 and at most 100 passes: small sets need steps, not epochs.
    batch_size : int, default=128
        Most images in a step. Batches are of nearly equal size.
    learning_rate : float, default=0.02
        Largest rate of AdamW [4]_ in ``fit``, where it rises over the first 15 % of
        the steps and falls to 0 after (one cycle [5]_); the constant rate in
        ``partial_fit``. AdamW's second moment remembers 50 steps (beta 0.98); its
        first beta goes from 0.95 to 0.85 and back as the rate rises and falls, and is
        0.9 in ``partial_fit``. The norm of the gradient is clipped to 1.
    weight_decay : float, default=0.1
        AdamW's decay of all weights but the biases and the LRU's decay rates.
    early_stopping : bool, default=False
        Whether to stop once the validation loss has not fallen for
        ``n_iter_no_change`` epochs, and to restore the weights of the best one. The
        validation images are ``X_val`` where ``fit`` gets them, else held out of X.
    validation_fraction : float, default=0.1
        Share of the images held out of X for early stopping, stratified by class.
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss before training stops.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the training loss. ``"balanced"`` weighs each class by
        the inverse of the sum of its sample weights (in ``fit`` alone). The validation
        loss has the sample weights alone, and each call of ``partial_fit`` weighs its
        images against each other, not against those of other calls.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit`` (and its scaling
        of the pixels), with the same classes and the same network.
    callbacks : list of skorch callbacks, default=None
        Passed to the skorch net that trains, after the estimator's own. They see the
        net and its history; those that score the net as a classifier do not fit, as
        its targets carry weights: ``X_val`` gives the validation accuracy.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}, default="auto"
        Where ``fit`` trains. ``"auto"`` takes a GPU where torch sees one, which holds
        the images while it trains where they have one size and take no more than half
        of its free memory. Training is in single precision on every GPU. Predictions
        are made on the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the images, dropout and the
        held-out images. The same seed gives the same bits on one CPU at one number of
        threads.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    image_shape_ : tuple
        (H, W) of grey images, (H, W, C) of others.
    n_features_in_ : int
        Pixel values of an image, H * W * C.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, where ``fit`` saw a DataFrame.
    weights_ : dict of ndarray
        All that was learned, the scaling of the pixels included.
    history_ : list of dict
        One an epoch: ``epoch``, ``train_loss``, ``duration`` in seconds,
        ``event_lr`` and, with validation images, ``valid_loss`` and
        ``valid_accuracy``.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Training loss of each epoch (cross-entropy, labels smoothed by 0.1 [6]_).
    best_epoch_ : int
        Epoch of the last ``fit`` with the lowest validation loss, counted from 1
        over ``history_``; the last one without validation. With
        ``early_stopping=True`` its weights are the fitted ones.

    See Also
    --------
    RNNImageClassifier : No convolutions.
    ImageToSequence : The scans as a transformer.

    Notes
    -----
    Pixels are standardised per channel with the mean and the standard deviation of
    the training images, so 0-255 and 0-1 are both fine. Each convolution has filters
    of mean 0 and one length (weight standardisation [9]_), keeps the largest of 2 x 2
    values where it halves, and is followed by a group normalisation [7]_ over at least
    16 filters, or all, and a rectifier.

    Receptive field: with the default filters a line of the feature map sees 10 lines of
    an image of more than 16, and the next one begins 4 lines further (8 and 2 from 9 to
    16 lines, 5 and 1 up to 8). The normalisation takes its mean and spread from the
    whole image, also for ``staged_predict_proba``, which steps over those lines.

    ``fit`` trains sets of up to 128 images in float64 on a CPU, all others in float32,
    whatever the batch size; ``partial_fit`` starts in float32, and on a CPU goes on in
    what it finds. On a GPU convolutions and cells may round their factors to TF32, as
    torch allows by default; the tests let probabilities differ by 0.02 from a CPU's.

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
        **BaseImageClassifier._parameter_constraints,
        "filters": "no_validation",  # by positive_ints
        "kernel_size": "no_validation",  # by positive_ints
    }

    def __init__(
        self,
        hidden_size=32,
        *,
        filters=(8, 32),
        kernel_size=3,
        cell="lstm",
        scan="auto",
        patch_size=None,
        bidirectional=True,
        pooling="mean",
        attention_heads=None,
        dropout=0.0,
        image_shape=None,
        augment=None,
        n_views=1,
        max_epochs="auto",
        batch_size=128,
        learning_rate=0.02,
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _configure(self):
        filters = positive_ints("filters", self.filters)
        auto = "single rows" if self.patch_size is None else "rows"
        return {
            **self._configuration((auto,)),
            "filters": filters,
            "kernel_size": positive_ints("kernel_size", self.kernel_size, len(filters)),
        }
