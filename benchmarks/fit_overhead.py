"""Fit time of one LSTM compared with other training loops, and of the other cells.

    python benchmarks/fit_overhead.py [--rounds 7] [--images 20000] [--clock wall]

One layer of 128 units over 28 rows, unidirectional, last hidden state, mini-batches of
128, one epoch. The hand-written torch loop does the same work: index uint8 images,
standardise, LSTM, linear layer, cross-entropy, backward pass, gradient clipping, AdamW,
one-cycle schedule. skorch's NeuralNetClassifier trains the same module with AdamW and
its own defaults except ``train_split=None``. Keras trains its own LSTM with Adam: once
with a new model, as all others do, and once with a model that is already traced. Both
get float32 images that were scaled beforehand. Keras comes with the extra
``benchmark``; without it its rows are left out. All fits run interleaved in one
process; a ratio is the median over the rounds of the ratio of two times of one round.
The last two rows fit clips, 2,000 of 16 frames of 16 x 16 (random pixels): the CRNN
with ``scan="frames"``, one convolution of 16 filters, an embedding of 64 units and a
bidirectional LSTM of 32, against a loop that does the same with torch's modules and the
same optimiser, in batches of 64. On a busy machine ``--clock cpu`` (with one thread) is
fairer: wall time then includes the time that fits with helper threads wait for a core.

Asserts at most 1.03 times the loop, 1.0 times skorch, 0.5 times Keras, 1.05 times the
loop over clips, and that no other cell takes longer than the LSTM.
"""

import argparse

import numpy as np
import torch
from _tools import (
    assert_limits,
    clocks,
    describe,
    mnist,
    print_table,
    ratio,
    start_keras,
    time_interleaved,
)
from skorch import NeuralNetClassifier
from torch import nn

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training.optimizer import MuonAdamW
from sk_rnnimage.networks.stem import StandardConvolution

LSTM = "sk_rnnimage LSTM"
LIMITS = {"hand-written loop": 1.03, "skorch": 1.0, "Keras": 0.5}
CELLS = {"sk_rnnimage GRU": "gru", "sk_rnnimage tanh RNN": "rnn"}
CONTROL = "sk_rnnimage cell=None (control)"
CLIPS, LOOP_OF_CLIPS = "sk_rnnimage clips", "hand-written loop over clips"
LIMIT_OF_CLIPS = 1.05


class Network(nn.Module):
    """The network trained by the hand-written loop and by skorch."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        """Map images (B, 28, 28) to logits (B, 10)."""
        return self.head(self.lstm(x)[0][:, -1])


def loop(X, y, batch_size=128):
    torch.manual_seed(0)
    network = Network()
    pixels, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    chunks = [part.float() for part in pixels[:2000].split(500)]
    mean = torch.stack([chunk.mean() for chunk in chunks]).mean()
    scale = torch.stack([chunk.std() for chunk in chunks]).mean()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=0.01, weight_decay=0.1, fused=True
    )
    train(network, optimizer, (pixels, labels), (mean, scale), batch_size)
    return network


def train(network, optimizer, images, moments, batch_size, **options_of_loss):
    """Train for one epoch, with one cycle of the learning rate."""
    (pixels, labels), (mean, scale) = images, moments
    n_updates = -(-len(pixels) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, total_steps=n_updates + 1
    )
    for rows in torch.randperm(len(pixels)).split(batch_size):
        x = (pixels[rows].float() - mean) / scale
        loss = nn.functional.cross_entropy(network(x), labels[rows], **options_of_loss)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()


class ClipNetwork(nn.Module):
    """The network on clips (B, T, H, W) that the hand-written loop trains."""

    def __init__(self):
        super().__init__()
        self.convolution = StandardConvolution(1, 16, 3)
        self.normalize = nn.GroupNorm(1, 16)
        self.embed = nn.Linear(16 * 64, 64)
        self.lstm = nn.LSTM(64, 32, bidirectional=True)
        self.head = nn.Linear(64, 5)

    def forward(self, x):
        """Map clips (B, T, H, W) to logits (B, 5)."""
        n, n_frames, height, width = x.shape
        x = x.reshape(-1, height, width, 1).permute(0, 3, 1, 2)  # channels last
        x = nn.functional.max_pool2d(self.convolution(x), 2)
        x = torch.relu(self.normalize(x)).permute(0, 2, 3, 1).flatten(1)
        x = torch.relu(self.embed(x)).view(n, n_frames, -1).transpose(0, 1)
        return self.head(self.lstm(x)[0].mean(0))


def loop_over_clips(X, y, batch_size=64):
    torch.manual_seed(0)
    network = ClipNetwork()
    pixels, labels = torch.from_numpy(X), torch.from_numpy(y)
    mean, scale = pixels.float().mean(), pixels.float().std()
    named = dict(network.named_parameters())
    filters = [named.pop("convolution.weight")]
    optimizer = MuonAdamW(
        [{"params": filters, "muon": True}, {"params": list(named.values())}],
        lr=0.01,
        weight_decay=0.1,
        fused=True,
    )
    images, moments = (pixels, labels), (mean, scale)
    train(network, optimizer, images, moments, batch_size, label_smoothing=0.1)
    return network


def ours_of_clips():
    return CRNNImageClassifier(
        filters=16,
        scan="frames",
        batch_size=64,
        max_epochs=1,
        precision="float32",
        random_state=0,
    )


def fits_of_clips():
    random = np.random.RandomState(0)
    X = random.randint(0, 255, (2000, 16, 16, 16)).astype(np.uint8)
    y = np.arange(len(X)) % 5
    return {
        LOOP_OF_CLIPS: lambda: loop_over_clips(X, y),
        CLIPS: lambda: ours_of_clips().fit(X, y),
    }


def skorch_net():
    return NeuralNetClassifier(
        Network,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        batch_size=128,
        max_epochs=1,
        train_split=None,
        verbose=0,
    )


def ours(cell="lstm"):
    return RNNImageClassifier(
        128,
        cell=cell,
        scan="rows",
        bidirectional=False,
        pooling="last",
        batch_size=128,
        max_epochs=1,
        random_state=0,
    )


def keras_fits(X, y):
    """Return fits of Keras' LSTM, with a new model and with one already traced."""
    if not start_keras():
        return {}
    import keras

    def new_model():
        layers = [keras.Input((28, 28)), keras.layers.LSTM(128)]
        model = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        return model

    def fit(model):
        model.fit(X, y, batch_size=128, epochs=1, verbose=0)

    traced = new_model()
    return {
        "Keras": lambda: fit(new_model()),
        "Keras, already traced": lambda: fit(traced),
    }


def make_fits(X, y):
    scaled, codes = X.astype(np.float32) / 255, y.astype(np.int64)
    others = {**CELLS, CONTROL: None}
    return {
        "hand-written loop": lambda: loop(X, y),
        LSTM: lambda: ours().fit(X, y),
        "skorch": lambda: skorch_net().fit(scaled, codes),
        **keras_fits(scaled, codes),
        **{name: lambda cell=c: ours(cell).fit(X, y) for name, c in others.items()},
        **fits_of_clips(),
    }


def print_times(times):
    """Print one row per fit: wall times, then CPU times."""
    rows = []
    for name in times["wall"]:
        row = [name]
        for seconds in times.values():
            median, least = np.median(seconds[name]), min(seconds[name])
            relative = ratio(seconds, name, LSTM)
            row += [f"{median:.2f}", f"{least:.2f}", f"{relative:.3f}"]
        rows.append(row)
    columns = ("s", "least s", "/ LSTM", "CPU s", "least CPU s", "/ LSTM by CPU")
    print_table(("fit (median)", *columns), rows)


def claims(seconds):
    """Return the claims about the times as (description, ratio, limit)."""
    pairs = [(LSTM, name, limit) for name, limit in LIMITS.items() if name in seconds]
    pairs += [(name, LSTM, 1.0) for name in CELLS]
    pairs.append((CLIPS, LOOP_OF_CLIPS, LIMIT_OF_CLIPS))
    return [(f"{a} / {b}", ratio(seconds, a, b), limit) for a, b, limit in pairs]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()
    X, y, _, _ = mnist()
    X, y = X[: options.images], y[: options.images]
    describe(rounds=options.rounds, images=len(X), seed=0)
    fits = make_fits(X, y)
    time_interleaved(fits, 1)  # warm up
    pairs = time_interleaved(fits, options.rounds, clocks)
    times = {
        clock: {name: [pair[i] for pair in pairs[name]] for name in pairs}
        for i, clock in enumerate(["wall", "cpu"])
    }
    print_times(times)
    assert_limits(claims(times[options.clock]))


if __name__ == "__main__":
    main()
