import re
import sys

from conftest import draw, make

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.commands.epochs import EpochLine
from sk_rnnimage.commands.progress import Line


def test_epochs_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Line() as line:
        callbacks = [EpochLine(line)]
        make(RNNImageClassifier, max_epochs=2, callbacks=callbacks).fit(*draw())
    texts = re.split(r" *\r", capsys.readouterr().err)
    assert texts[1] == "training"
    for number, text in enumerate(texts[2:4], start=1):
        assert re.fullmatch(rf"epoch {number} of 2, loss \d\.\d{{4}}, \d+ s", text)
    assert set(texts[4:]) == {""}
