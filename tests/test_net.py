"""The skorch net: what the user's callbacks see of it, and how it ends."""

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make, make_settings
from skorch.callbacks import Callback

from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.targets import Classes
from sk_rnnimage._training.train import make_net
from sk_rnnimage.images.kinds import Images
from sk_rnnimage.networks.network import new_network

LABELS = np.array(["ant", "bee", "cow"])


class Seen(Callback):
    """Keep what each method is called with."""

    def __init__(self):
        self.batches, self.logits, self.names = [], [], set()

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.names |= kwargs.keys()
        self.begun = training, batch[1]

    def on_grad_computed(self, net, named_parameters, batch=None, **kwargs):
        assert (
            dict(named_parameters).keys() == dict(net.module_.named_parameters()).keys()
        )
        assert batch[1] is not None

    def on_batch_end(self, net, batch, training, y_pred, loss, **kwargs):
        assert self.begun[0] is training
        assert (self.begun[1] == batch[1]).all()
        self.batches.append((training, *batch))
        self.logits.append((training, y_pred, net.module_.temperature))
        assert loss.item() > 0


@pytest.mark.parametrize("images", [draw, draw_unequal])
def test_users_see_the_labels_of_a_batch(cls, images):
    X, y = images(n=36)
    seen = Seen()
    model = make(cls, callbacks=[seen], batch_size=8, max_epochs=2)
    model.fit(X, LABELS[y], X_val=X, y_val=LABELS[y], sample_weight=1 + y)
    for epoch in range(2):
        n = len(seen.batches) // 2
        batches = seen.batches[epoch * n : (epoch + 1) * n]
        for training in (True, False):
            labels = [labels for kind, _, labels in batches if kind is training]
            labels = np.concatenate(labels)
            assert labels.dtype == LABELS.dtype
            assert sorted(labels) == sorted(LABELS[y])
    assert seen.names == set()


def test_users_see_calibrated_logits(cls):
    X, y = draw(n=60)
    seen = Seen()
    model = make(cls, callbacks=[seen], max_epochs=12, batch_size=60)
    model.fit(X, LABELS[y], X_val=X, y_val=LABELS[y])
    losses = {True: [], False: []}
    for (training, _, labels), (_, logits, _) in zip(seen.batches, seen.logits):
        assert not logits.requires_grad
        codes = torch.from_numpy(np.searchsorted(LABELS, labels))
        loss = torch.nn.functional.cross_entropy(logits, codes)
        losses[training].append(float(loss))
    assert losses[True] == pytest.approx(model.loss_curve_, rel=1e-5)
    valid = [row["valid_loss"] for row in model.history_]
    assert losses[False] == pytest.approx(valid, rel=1e-5)
    assert seen.logits[-1][2] < 1  # there was something to calibrate


def test_the_net_is_a_classifier_of_labels(cls):
    X, codes = draw()
    data = ImageSet(Images(X[..., None]), codes, np.ones(24))
    target = Classes("Name", None, LABELS)
    network = new_network(make(cls)._network_recipe(), (8, 8), 3, data, seed=0)
    net = make_net(network, data, None, target, make_settings()).initialize()
    assert list(net.classes_) == list(LABELS)
    proba = net.predict_proba(data)
    assert proba.sum(1) == pytest.approx(1, abs=1e-6)
    assert (net.predict(data) == LABELS[proba.argmax(1)]).all()
    assert net.score(data, LABELS[codes]) == (proba.argmax(1) == codes).mean()
