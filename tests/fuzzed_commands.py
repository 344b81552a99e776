"""Cases of odd command lines, and of data that are none."""

import contextlib
import functools
import io
import struct
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
from conftest import draw
from fuzzed import Case, is_own
from fuzzed_files import damaged
from fuzzed_pixels import odd_arrays
from fuzzed_values import DTYPES
from hypothesis import strategies as st
from image_folders import write_images

from sk_rnnimage.__main__ import _report, main

SMALL = ["--set", "max_epochs=1", "hidden_size=2"]
CONVOLUTIONS = ["filters=2", "kernel_size=3"]


@functools.cache
def _data():
    """A folder with images, arrays and a model, all of them good."""
    root = Path("commands").absolute()
    write_images(root / "images", n=3)
    X, y = draw(12, (6, 5))
    np.savez(root / "all.npz", X=X, y=y)
    np.savez(root / "split.npz", X_train=X, y_train=y, X_test=X[:4], y_test=y[:4])
    np.savez(
        root / "clips.npz", frames=X, ends=np.arange(2, 13, 2), labels=y[:6], other=y
    )
    model = str(root / "model.sk")
    assert _run(["fit", str(root / "all.npz"), "--model", model, *SMALL])[0] == 0
    return root


def _run(arguments):
    """The exit status of a command line, what it has said of errors, and the error."""
    raised = []

    def report(error, status):
        raised.append(error)
        return _report(error, status)

    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace")
    reported = mock.patch("sk_rnnimage.__main__._report", report)
    with reported, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as end:  # of argparse
            status = end.code
    err.flush()
    return status, err.buffer.getvalue().decode(), raised


def _ends_well(answer):
    """Status 0; or 1 or 2 and one line that says why, below the usage where need be."""
    status, said, raised = answer
    errors = [line for line in said.splitlines() if "error: " in line]
    assert status in (0, 1, 2), status
    assert bool(errors) == (status != 0), said
    assert "Traceback" not in said
    for error in raised:
        of_system = isinstance(error, OSError) and error.filename is not None
        assert of_system or is_own(error), repr(error)
    if status:
        assert said.endswith("\n") and said.splitlines()[-1] == errors[-1], said
        assert len(errors[-1]) > len("error: ")


COMMANDS = {  # with DATA, MODEL and OUT for what is there
    "fit": ["fit", "DATA", "--model", "OUT", *SMALL, *CONVOLUTIONS],
    "rnn": ["fit", "DATA", "--model", "OUT", "--classifier", "rnn", *SMALL],
    "predict": ["predict", "MODEL", "IMAGE"],
    "compare": [
        *("compare", "--data", "DATA", "--cv", "2", "--classifiers"),
        *("majority class", "k nearest neighbours"),
    ],
    "export": ["export", "MODEL", "OUT"],
}
OPTIONS = {
    "fit": "--size --frames --test-fraction --seed --set --classifier --model --what",
    "rnn": "--set --set --frames --test-fraction --seed",
    "predict": "--format --model",
    "compare": "--size --frames --cv --seed --scoring --search --jobs --plot --data",
    "export": "--format",
}
WORDS = ["", "-", "--", "0", "-1", "1", "2", "3", "0.5", "nan", "1e400", "x", "9" * 30]
WORDS += ["None", "True", "(1,", "9" * 5000, "a" * 5000, "=", "a=", "é", "\udcff"]
WORDS += ["accuracy", "roc_auc", "f1", "neg_log_loss", "svc", "[" * 300, "__import__"]
PATHS = ["/", ".", "..", "/dev/null", "/proc/self/mem", "no/such", "x.npz", "\udcff.sk"]
PATHS += ["/proc/self/environ", "~", "x.onnx", "x.png", "x.sk", "http://a.b/c", "/dev"]
SETTINGS = "hidden_size cell scan patch_size pooling attention_heads dropout filters"
SETTINGS += " image_shape augment n_views batch_size learning_rate early_stopping"
SETTINGS += " validation_fraction class_weight warm_start callbacks device downsample"
SETTINGS += " precision random_state verbose kernel_size bidirectional what max_epoch"


@st.composite
def _assignments(draw_value):
    name = draw_value(st.sampled_from(SETTINGS.split()))
    value = draw_value(st.sampled_from([*WORDS, "(3,4)", "rows,columns", "lru", "{}"]))
    return f"{name}={value}"


@st.composite
def command_lines(draw_value):
    """A command line with odd words ends with a status and a line that explains it."""
    command = draw_value(st.sampled_from(sorted(COMMANDS)))
    words, data = draw_value(_data_sets())
    root = _data()
    known = {
        "DATA": str(data),
        "MODEL": str(root / "model.sk"),
        "OUT": str(root / "out"),
        "IMAGE": str(root / "images/dark/0.png"),
    }
    arguments = [known.get(each, each) for each in COMMANDS[command]]
    odd = st.one_of(st.sampled_from(WORDS), st.sampled_from(PATHS), _assignments())
    for _ in range(draw_value(st.integers(0, 2))):
        place = draw_value(st.integers(1, len(arguments)))
        way = draw_value(st.sampled_from("replace insert remove option".split()))
        if way == "option":
            option = draw_value(st.sampled_from(OPTIONS[command].split()))
            arguments += [option, draw_value(odd)]
        elif way == "insert":
            arguments.insert(place, draw_value(odd))
        elif way == "remove":
            del arguments[place : place + 1]
        else:
            arguments[place : place + 1] = [draw_value(odd)]
    if command in ("fit", "rnn"):  # others would take their time
        arguments += [*SMALL, *(CONVOLUTIONS if command == "fit" else [])]
    said = [each[:60] for each in arguments]
    return Case(f"{said} on {words}", lambda: _run(arguments), _ends_well)


@st.composite
def _data_sets(draw_value):
    """Words and a path: of good data, of odd arrays, of a damaged or forged file."""
    root = _data()
    good = ["images", "all.npz", "split.npz", "clips.npz"]
    name = draw_value(st.sampled_from(good))
    kind = draw_value(st.sampled_from(["good", "odd", "damaged", "forged"]))
    if kind == "good" or name == "images":
        return name, root / name
    path = root / "odd.npz"
    if kind == "odd":
        words = draw_value(_odd_archive(root / name, path))
        return f"{name} with {words}", path
    if kind == "damaged":
        data = draw_value(damaged((root / name).read_bytes()))
    else:
        data = draw_value(_forged())
    path.write_bytes(data)
    return f"{kind} {name} {data[:200].hex()}", path


@st.composite
def _odd_archive(draw_value, good, path):
    """Write a file of which one array is another; return words for it."""
    with np.load(good) as file:
        arrays = dict(file)
    name = draw_value(st.sampled_from(sorted(arrays)))
    array = arrays[name] = draw_value(odd_arrays(arrays[name].shape[1:] or (3,)))
    if array.nbytes > 2**20:
        arrays[name] = array = array[:1]
    np.savez(path, **arrays)
    return f"{name} of {array.dtype}, shape {array.shape}"


@st.composite
def _forged(draw_value):
    """An .npz whose arrays claim any shape and dtype, and hold a few bytes."""
    file = io.BytesIO()
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]
    method = draw_value(st.sampled_from(methods))
    sides = st.sampled_from([0, 1, 2, 6, 12, -1, 10**6, 2**40, 2**62, 10**30])
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in ("X", "y"):
            dtype = np.dtype(draw_value(DTYPES)).str
            shape = tuple(draw_value(st.lists(sides, max_size=4)))
            text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}"
            text = draw_value(st.sampled_from([text, text, text[:-1], "[" * 999, ""]))
            version = draw_value(st.sampled_from([1, 2, 7]))
            size = struct.pack("<H" if version == 1 else "<I", len(text))
            head = b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()
            content = head + bytes(draw_value(SIZES))
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


SIZES = st.sampled_from([0, 12, 96, 2**16])
