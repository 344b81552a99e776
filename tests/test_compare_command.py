import re
import sys

import joblib
import numpy as np
import pytest
from comparisons_by_hand import Presses
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits

from sk_rnnimage import classic_classifiers
from sk_rnnimage.__main__ import main
from sk_rnnimage.commands import compare_command as command

QUICK = ["--classifiers", "k nearest neighbours", "svc"]


DIGITS = load_digits()


def compare(*arguments):
    return main(["compare", *map(str, arguments)])


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def folds_file(tmp_path):
    return save(tmp_path / "folds.npz", X=DIGITS.images[:300], y=DIGITS.target[:300])


@pytest.fixture
def split_file(tmp_path):
    return save(
        tmp_path / "split.npz",
        X_train=DIGITS.images[:300],
        y_train=DIGITS.target[:300, np.newaxis],
        X_test=DIGITS.images[300:400],
        y_test=DIGITS.target[300:400, np.newaxis],
    )


@pytest.fixture
def folder(tmp_path):
    rng = np.random.RandomState(0)
    for label, darkest in (("dark", 0), ("light", 150)):
        (tmp_path / label).mkdir()
        for i in range(10):
            side = 12 if i == 3 and label == "light" else 6
            pixels = rng.randint(darkest, darkest + 100, (side, side, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / label / f"{i}.png")
    return tmp_path


def test_without_data_it_compares_on_the_digits(capsys):
    assert compare(*QUICK) == 0
    out, err = capsys.readouterr()
    assert "1797 images of 8 x 8, 10 classes; 5 folds" in out
    assert re.search(r"^SVC +0\.98\d\d  0\.00\d\d ", out, re.MULTILINE)
    assert "SVC is level with k nearest neighbours: a lead of 0." in out
    assert max(map(len, out.splitlines())) < 80
    assert err == ""  # no progress in a pipe


def test_a_terminal_shows_the_progress(folds_file, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert compare("--data", folds_file, "--cv", 2, *QUICK) == 0
    err = capsys.readouterr().err
    assert re.search(r"\[2/2\] SVC +0\.9\d\d\d +\d+\.\d s", err)


def test_a_search_comes_before(folds_file, capsys):
    names = ["--classifiers", "svc", "k nearest neighbours", "majority class"]
    options = ["--data", folds_file, "--cv", 2, *names]
    outputs = []
    for search in ([], ["--search", 3], ["--search", 3]):
        assert compare(*options, *search) == 0
        outputs.append(re.findall(r"0\.\d{4}  0\.\d{4}", capsys.readouterr().out))
    plain, searched, again = outputs
    assert len(plain) == 3
    assert plain != searched == again


def test_arrays_of_an_npz_are_folded(folds_file, capsys):
    assert compare("--data", folds_file, "--cv", 3, *QUICK) == 0
    assert "300 images of 8 x 8, 10 classes; 3 folds" in capsys.readouterr().out


def test_a_given_split_is_one_fit_each(split_file, capsys):
    assert compare("--data", split_file, *QUICK) == 0
    out = capsys.readouterr().out
    assert "300 + 100 images of 8 x 8, 10 classes; one fit each" in out
    svc = classic_classifiers()["SVC"].fit(DIGITS.images[:300], DIGITS.target[:300])
    score = svc.score(DIGITS.images[300:400], DIGITS.target[300:400])
    assert re.search(rf"^SVC +{score:.4f} +- ", out, re.MULTILINE)


def test_a_folder_of_class_folders_is_read(folder, capsys):
    assert compare("--data", folder, "--size", 6, 5, "--cv", 2, *QUICK) == 0
    out = capsys.readouterr().out
    assert "20 images of 6 x 5 x 3, 2 classes; 2 folds" in out
    assert re.search(r"^SVC +1\.0000 ", out, re.MULTILINE)


def test_a_broken_file_of_a_folder_is_left_out_with_a_warning(folder, capsys):
    (folder / "dark" / "0.png").write_bytes(b"no image")
    assert compare("--data", folder, "--size", 6, 5, "--cv", 2, *QUICK) == 0
    out, err = capsys.readouterr()
    assert "19 images" in out
    assert "warning: 1 files are left out, which Pillow cannot read:" in err


def test_the_same_seed_gives_the_same_scores(folds_file, capsys):
    names = ["--classifiers", "random forest", "mlp"]
    scores = []
    for seed in (1, 1, 2):
        compare("--data", folds_file, "--cv", 2, "--seed", seed, *names)
        scores.append(re.findall(r"0\.\d{4}", capsys.readouterr().out)[:4])
    assert scores[0] == scores[1] != scores[2]


def test_the_plot_is_written(folds_file, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    assert compare("--data", folds_file, "--cv", 2, "--plot", picture, *QUICK) == 0
    with Image.open(picture) as image:
        assert image.width > 1000
    assert f"The picture is in {picture}." in capsys.readouterr().out


def test_all_rivals_run_on_tiny_images(tmp_path, capsys):
    X = np.repeat(np.array([0, 200], dtype=np.uint8), 60)[:, np.newaxis, np.newaxis]
    X = X + np.random.RandomState(0).randint(0, 50, (120, 4, 4)).astype(np.uint8)
    data = save(tmp_path / "tiny.npz", X=X, y=np.repeat(["dark", "light"], 60))
    networks = ["RNNImageClassifier", "CRNN without recurrence (control)"]
    names = [*classic_classifiers(), *networks]
    assert compare("--data", data, "--cv", 2, "--classifiers", *names) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r" 1\.0000 +0\.0000 ", out)) == len(names)
    assert "The best network without recurrence scores 1.0000" in out


@pytest.fixture
def clips():
    """Clips that become brighter or darker, of unequal length, and their labels."""
    random = np.random.RandomState(0)
    y = np.arange(40) % 2
    X = []
    for label in y:
        n_frames = random.randint(3, 8)
        slope = 20 * np.arange(n_frames) * (1 if label else -1) + 120
        noise = random.randint(0, 10, (n_frames, 3, 4))
        X.append((slope[:, None, None] + noise).clip(0, 255).astype(np.uint8))
    return X, y


OF_CLIPS = ["SVC", "RNNImageClassifier", "RNN without recurrence (control)"]


def test_clips_that_lie_one_after_another(clips, tmp_path, capsys):
    X, y = clips
    ends = np.cumsum([len(clip) for clip in X])
    data = save(tmp_path / "a.npz", frames=np.concatenate(X), ends=ends, labels=y)
    options = ["--frames", 3, "--cv", 2, "--classifiers", *OF_CLIPS]
    assert compare("--data", data, *options) == 0
    out = capsys.readouterr().out
    assert "40 clips of 3 to 7 frames of 3 x 4, 2 classes; 2 folds" in out
    assert len(re.findall(r" 1\.0000 +0\.0000 ", out)) == 3


def test_clips_of_one_length(clips, tmp_path, capsys):
    grey = np.stack([clip[:3] for clip in clips[0]])
    for X in (grey, grey[..., None].repeat(3, axis=-1)):
        data = save(tmp_path / "a.npz", X=X, y=clips[1])
        options = ["--frames", 2, "--cv", 2, "--classifiers", *OF_CLIPS[:2]]
        assert compare("--data", data, *options) == 0
        shape = " x ".join(map(str, X.shape[2:]))
        assert f"40 clips of 3 frames of {shape}, 2" in capsys.readouterr().out


def test_a_folder_of_clips(clips, tmp_path, capsys):
    for i, (clip, label) in enumerate(zip(*clips)):
        folder = tmp_path / "clips" / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        first, *others = map(Image.fromarray, clip)
        path = folder / f"{i}.webp"
        first.save(path, save_all=True, append_images=others, lossless=True)
    options = ["--frames", 3, "--cv", 2, "--size", 4, 4, "--classifiers", *OF_CLIPS]
    assert compare("--data", tmp_path / "clips", *options) == 0
    out = capsys.readouterr().out
    assert "40 clips of 3 to 7 frames of 4 x 4" in out


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        ({"X": np.zeros((4, 3, 3)), "y": [0, 1] * 2}, "X must hold clips, grey (n, T,"),
        (
            {"frames": np.zeros((4, 3, 3)), "ends": [2, 3], "labels": [0, 1]},
            "ends must hold, for each label, the number of frames up to the end of its "
            "clip, and rise to the 4 frames that there are.",
        ),
        ({"frames": np.zeros((4, 3, 3))}, "y_test, or frames, ends and labels."),
    ],
)
def test_files_without_clips(arrays, sentence, tmp_path, capsys):
    data = save(tmp_path / "a.npz", **arrays)
    assert compare("--data", data, "--frames", 2) == 2
    assert sentence in capsys.readouterr().err


def test_frames_need_data(capsys):
    assert compare("--frames", 2) == 2
    assert "--frames needs --data with clips" in capsys.readouterr().err


def test_ours_and_their_controls_stand_beside_the_classics():
    rivals = command._rivals(0)
    assert set(classic_classifiers()) < set(rivals)
    cells = {
        name: rival.cell for name, rival in rivals.items() if hasattr(rival, "cell")
    }
    assert cells == {
        "RNNImageClassifier": "lstm",
        "RNN without recurrence (control)": None,
        "CRNNImageClassifier": "lstm",
        "CRNN without recurrence (control)": None,
    }


def test_the_majority_class_is_the_baseline(folds_file, capsys):
    names = ["k nearest neighbours", "majority class"]
    assert compare("--data", folds_file, "--cv", 2, "--classifiers", *names) == 0
    out = capsys.readouterr().out
    assert re.search(r"^Majority class +0\.1\d\d\d ", out, re.MULTILINE)
    assert "k nearest neighbours was compared with nobody." in out


def test_several_scores_and_jobs(folds_file, capsys):
    options = ["--cv", 2, "--scoring", "neg_log_loss", "accuracy", "--jobs", 2]
    with joblib.parallel_config("threading"):  # which start faster than processes
        assert compare("--data", folds_file, *options, *QUICK) == 0
    out, err = capsys.readouterr()
    columns = r"neg_log_loss +std +accuracy +fit s +test s +fit MB +model kB$"
    assert re.search(rf"^ +{columns}", out, re.MULTILINE)
    assert re.search(r"^SVC +-\d\.\d{4} ", out, re.MULTILINE)


def test_two_classes_of_a_folder_have_an_f1(folder, capsys):
    options = ["--size", 6, 6, "--cv", 2, "--scoring", "f1"]
    assert compare("--data", folder, *options, *QUICK) == 0
    assert re.search(r"^SVC +1\.0000 ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.filterwarnings("default:The comparison was interrupted")
def test_ctrl_c_prints_what_is_done(folds_file, tmp_path, monkeypatch, capsys):
    neighbours = classic_classifiers()["k nearest neighbours"]
    rivals = {"Neighbours": neighbours, "Pressed": Presses()}
    monkeypatch.setattr(command, "_rivals", lambda *_: rivals)
    monkeypatch.setattr(Presses, "n_fits", 0)
    assert compare("--data", folds_file, "--plot", tmp_path / "plot.png") == 130
    out, err = capsys.readouterr()
    assert re.search(r"^Neighbours +0\.\d{4} ", out, re.M)
    assert re.search(r"^Pressed +interrupted$", out, re.M)
    assert (tmp_path / "plot.png").stat().st_size > 0
    assert err.startswith("warning: The comparison was interrupted, with 5 of 10 ")
    assert err.endswith("\ninterrupted\n")


def test_a_classifier_that_fails_does_not_end_it(tmp_path, monkeypatch, capsys):
    class Broken(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise RuntimeError("out of luck")

    rivals = {"broken": Broken(), "SVC": classic_classifiers()["SVC"]}
    monkeypatch.setattr(command, "_rivals", lambda seed, n_frames=None: rivals)
    assert compare("--cv", 2, "--plot", tmp_path / "plot.png") == 0
    out, err = capsys.readouterr()
    assert re.search(r"^broken +failed: RuntimeError: out of luck$", out, re.MULTILINE)
    assert "SVC was compared with nobody." in out


def one_error_line(capsys, *arguments):
    assert compare(*arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err[len("error: ") :].strip()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--data", "no/such"], "There is no file or folder 'no/such'."),
        (
            ["--plot", "a.doc", "--cv", 1, "--size", 3, 3, "--data", "no/such"],
            "There is no file or folder 'no/such'.",
        ),
        (["--jobs", 0], "--jobs must be at least 1, or -1 for all cores. Got 0."),
        (["--search", 0], "--search must be at least 1. Got 0."),
        (["--scoring", "acuracy"], "scoring must be among sklearn.metrics.get_scorer"),
        (["--scoring", "f1"], "scoring='f1' is for two classes, but y holds 10. Take"),
        (["--cv", 1], "--cv must be at least 2. Got 1 instead."),
        (["--classifiers", "svm"], "--classifiers: there is no 'svm'. There are 'Log"),
        (["--plot", "no/such/a.png"], "--plot: there is no folder 'no/such'."),
        (["--plot", "a.doc"], "--plot: the name must end in one of ."),
        (["--size", 3, 3], "--size needs --data with a folder of images."),
    ],
)
def test_bad_arguments_end_with_one_line(arguments, sentence, capsys):
    assert one_error_line(capsys, *arguments).startswith(sentence)


def test_an_error_of_a_classifier_stands_on_its_own_line(tmp_path, capsys):
    X = np.full((6, 2, 2), np.inf)
    path = save(tmp_path / "infinite.npz", X=X, y=[0, 1] * 3)
    assert compare("--data", path, "--cv", 2, "--classifiers", "SVC") == 2
    assert capsys.readouterr().err.startswith("error: SVC: Input X contains infinity")


def test_sizes_that_differ_end_with_one_line(folder, capsys):
    error = one_error_line(capsys, "--data", folder)
    assert error.endswith(
        "is 12 x 12. The classic classifiers need one size: --size HEIGHT WIDTH."
    )


def test_folds_of_a_given_split_end_with_one_line(split_file, capsys):
    error = one_error_line(capsys, "--data", split_file, "--cv", 3)
    assert error.startswith("--cv has no use:")
