import builtins
import io
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    list_images,
)

RNG = np.random.RandomState(0)
COLOUR = RNG.randint(0, 256, (5, 7, 3)).astype(np.uint8)
GREY = RNG.randint(0, 256, (5, 7)).astype(np.uint8)


def write(path, pixels, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **how)
    return path


def as_bytes(image, form="png", **how):
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


@pytest.fixture
def colour_file(tmp_path):
    return write(tmp_path / "colour.png", COLOUR)


@pytest.fixture
def grey_file(tmp_path):
    return write(tmp_path / "grey.png", GREY)


def test_every_kind_of_item_gives_the_same_pixels(colour_file):
    data = colour_file.read_bytes()
    items = [
        str(colour_file),
        pathlib.Path(colour_file),
        np.str_(colour_file),
        data,
        bytearray(data),
        io.BytesIO(data),
        Image.open(colour_file),
        Image.fromarray(COLOUR),
    ]
    images = ImageReader().fit_transform(items)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, [COLOUR] * len(items))


def test_every_kind_of_container_gives_the_same_pixels(colour_file, grey_file):
    paths = [str(colour_file), str(grey_file)]
    expected = [COLOUR, np.stack([GREY] * 3, axis=2)]
    frame = pd.DataFrame({"path": paths})
    for X in (
        paths,
        tuple(paths),
        np.array(paths),
        np.array(paths, dtype=object)[:, np.newaxis],
        frame,
        frame["path"],
    ):
        np.testing.assert_array_equal(ImageReader().transform(X), expected)


def test_a_file_object_is_read_twice(colour_file):
    file = io.BytesIO(colour_file.read_bytes())
    reader = ImageReader()
    np.testing.assert_array_equal(reader.transform([file]), reader.transform([file]))


def test_grey_stays_grey_where_all_are(grey_file, colour_file):
    np.testing.assert_array_equal(ImageReader().transform([grey_file]), [GREY])
    rgb = ImageReader(mode="RGB").transform([grey_file])
    np.testing.assert_array_equal(rgb, [np.stack([GREY] * 3, axis=2)])
    grey = ImageReader(mode="L").transform([colour_file])
    np.testing.assert_array_equal(
        grey, [np.asarray(Image.fromarray(COLOUR).convert("L"))]
    )


def test_size_is_height_and_width():
    left_white = np.zeros((40, 80), dtype=np.uint8)
    left_white[:, :40] = 255
    resized = ImageReader(size=(2, 4)).transform([Image.fromarray(left_white)])
    assert resized.shape == (1, 2, 4)
    np.testing.assert_array_equal(resized[0, :, [0, 3]], [[255, 255], [0, 0]])


def test_shrinking_averages():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = Image.fromarray(checks.astype(np.uint8))
    shrunk = ImageReader(size=(4, 4)).transform([image])
    np.testing.assert_allclose(shrunk.astype(float), 127.5, atol=1)


def test_a_large_jpeg_is_decoded_small(tmp_path, monkeypatch):
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    path = write(tmp_path / "big.jpg", np.tile(ramp, (320, 1)), quality=95)
    loaded = []
    load = Image.Image.load
    monkeypatch.setattr(
        Image.Image, "load", lambda self: (loaded.append(self.size), load(self))[1]
    )
    small = ImageReader(size=(20, 40)).transform([path])
    assert max(loaded) == (80, 40)  # twice what was asked for
    expected = ImageReader(size=(20, 40)).transform([Image.open(path)])
    np.testing.assert_allclose(small.astype(float), expected, atol=3)


def test_a_pil_image_stays_as_it_was(tmp_path):
    path = write(tmp_path / "big.jpg", np.zeros((320, 640), dtype=np.uint8))
    image = Image.open(path)
    ImageReader(size=(2, 2)).transform([image])
    assert image.size == (640, 320)


@pytest.mark.parametrize("size", [None, (7, 5)])
def test_exif_orientation_is_applied(size):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    data = as_bytes(Image.fromarray(COLOUR), exif=exif)
    images = ImageReader(size=size).transform([data])
    np.testing.assert_array_equal(images, [np.rot90(COLOUR, -1)])


def test_transparent_pixels_lie_over_white():
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = [0, 51, 255]  # absent, a fifth, opaque: all black
    data = as_bytes(Image.fromarray(rgba))
    expected = np.array([[[255] * 3, [204] * 3, [0] * 3]])
    np.testing.assert_array_equal(ImageReader().transform([data]), [expected])
    data = as_bytes(Image.fromarray(rgba).convert("LA"))
    np.testing.assert_array_equal(ImageReader().transform([data]), [expected[..., 0]])


def test_sixteen_bits_become_eight():
    values = np.array([[0, 257, 257 * 100, 65535]], dtype=np.uint16)
    data = as_bytes(Image.fromarray(values))
    np.testing.assert_array_equal(ImageReader().transform([data]), [[[0, 1, 100, 255]]])


def test_what_is_transparent_in_sixteen_bits_is_white():
    image = Image.fromarray(np.array([[0, 257, 128]], dtype=np.uint16))
    data = as_bytes(image, transparency=0)
    np.testing.assert_array_equal(ImageReader().transform([data]), [[[255, 1, 0]]])


def test_threads_change_nothing(tmp_path):
    pixels = RNG.randint(0, 256, (20, 6, 6, 3)).astype(np.uint8)
    paths = [write(tmp_path / f"{i}.png", image) for i, image in enumerate(pixels)]
    np.testing.assert_array_equal(ImageReader(n_jobs=2).transform(paths), pixels)


def test_it_is_an_estimator(grey_file):
    reader = ImageReader(size=(5, 7), mode="L", n_jobs=2)
    assert clone(reader).get_params() == {"size": (5, 7), "mode": "L", "n_jobs": 2}
    pipeline = make_pipeline(ImageReader(), ImageToSequence())
    np.testing.assert_array_equal(pipeline.fit_transform([grey_file]), [GREY])
    tags = reader.__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


@pytest.mark.parametrize(
    "item, error, sentence",
    [
        ("no/such.png", ValueError, "X[1] ('no/such.png') does not exist."),
        (b"hello", ValueError, "X[1] (5 bytes) is not an image that Pillow can read"),
        (3, TypeError, "X[1] (of type int) must be a path, the bytes of a file"),
        (None, TypeError, "X[1] (of type NoneType) must be a path"),
        (
            Image.new("L", (0, 3)),
            ValueError,
            "X[1] (of type Image) is an image without pixels.",
        ),
        (
            Image.new("F", (2, 3)),
            ValueError,
            "X[1] (of type Image) holds floats, which have no common scale.",
        ),
    ],
)
def test_a_bad_item_is_named(grey_file, item, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        ImageReader().transform([grey_file, item])


def test_a_file_that_breaks_off_is_named(tmp_path):
    noise = RNG.randint(0, 256, (99, 99)).astype(np.uint8)
    path = write(tmp_path / "half.png", noise)
    path.write_bytes(path.read_bytes()[:4000])
    sentence = f"X[0] ({str(path)!r}) is not an image that Pillow can read: "
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ImageReader().transform([path])


def test_an_open_image_that_breaks_off_is_named(tmp_path):
    path = write(tmp_path / "half.png", RNG.randint(0, 256, (99, 99)).astype("uint8"))
    path.write_bytes(path.read_bytes()[:4000])
    sentence = "X[1] (of type PngImageFile) is not an image that Pillow can read: "
    with (
        Image.open(path) as image,
        pytest.raises(ValueError, match=re.escape(sentence)),
    ):
        ImageReader().transform([Image.new("L", (2, 2)), image])


@pytest.mark.parametrize("size", [None, (5, 7)])
def test_exif_that_cannot_be_read_is_ignored(size):
    data = as_bytes(Image.fromarray(GREY), exif=b"garbage")
    np.testing.assert_array_equal(ImageReader(size).transform([data])[0], GREY)


def test_an_item_that_comes_often_is_read_once(tmp_path):
    path = write(tmp_path / "a.png", GREY)
    with open(path, "rb") as file, Image.open(path) as image:
        items = [image] * 20 + [file] * 20
        found = ImageReader(n_jobs=4).transform(items)
    np.testing.assert_array_equal(found, [GREY] * 40)


def test_the_images_of_a_list_can_be_written(grey_file):
    for image in ImageReader().transform([grey_file, Image.new("L", (9, 8))]):
        image += 1


def test_sizes_that_differ_come_as_a_list(grey_file):
    other = Image.new("RGB", (9, 8), "white")
    images = ImageReader().fit_transform([grey_file, other])
    assert [image.shape for image in images] == [(5, 7, 3), (8, 9, 3)]
    np.testing.assert_array_equal(images[0][..., 1], GREY)
    assert (images[1] == 255).all()
    grey = ImageReader(mode="L").fit_transform([grey_file, other])
    assert [image.shape for image in grey] == [(5, 7), (8, 9)]


def test_a_search_over_files_of_unequal_size(tmp_path):
    labels = np.array(["dark", "light"] * 6)
    paths = [
        write(
            tmp_path / f"{i}.png", np.full((5 + i % 3, 6 + i), 200 * (i % 2), "uint8")
        )
        for i in range(12)  # one fold does not see the widest
    ]
    reader = make_pipeline(
        ImageReader(),
        CRNNImageClassifier(
            4, filters=4, image_shape=(7, 17), max_epochs=30, random_state=0
        ),
    )
    search = GridSearchCV(reader, {"crnnimageclassifier__cell": ["lstm", None]}, cv=2)
    search.fit(paths, labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert list(search.predict(paths[:4])) == ["dark", "light"] * 2


@pytest.mark.parametrize(
    "X, error, sentence",
    [
        ([], ValueError, "X is empty: at least one image is needed."),
        ("a.png", TypeError, "Got one str instead: for a single image"),
        (3, TypeError, "Got one int instead"),
        (np.array("a.png"), TypeError, "Got one ndarray instead"),
        (bytearray(b"ab"), TypeError, "Got one bytearray instead"),
        (io.BytesIO(b"ab"), TypeError, "Got one BytesIO instead"),
        (np.zeros((2, 4, 4)), ValueError, "Got an array of shape (2, 4, 4) instead"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "shape (1, 2) instead"),
    ],
)
def test_a_bad_X_is_refused(X, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        ImageReader().transform(X)


@pytest.mark.parametrize("size", [5, (5,), (0, 5), (5.0, 5), (True, 5), "55"])
def test_a_bad_size_is_refused(size, grey_file):
    sentence = f"size must be None or (height, width) with whole numbers of at least 1. Got {size!r}"  # noqa: E501
    for call in (ImageReader(size).fit, ImageReader(size).transform):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            call([grey_file])


def test_a_bad_mode_is_refused(grey_file):
    with pytest.raises(ValueError, match="The 'mode' parameter of ImageReader must"):
        ImageReader(mode="CMYK").transform([grey_file])


def test_without_pillow_the_install_line_is_given(monkeypatch):
    plain = builtins.__import__

    def without_pillow(name, *args, **kwargs):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    line = re.escape('pip install "sk_rnnimage[images]"')
    with pytest.raises(ImportError, match=line):
        ImageReader().transform(["a.png"])
    with pytest.raises(ImportError, match=line):
        list_images(".")


@pytest.fixture
def folder(tmp_path):
    for name in ("dog/2.PNG", "dog/1.png", "cat/3.png", ".git/4.png", "cat/.5.png"):
        write(tmp_path / name, GREY)
    (tmp_path / "cat" / "notes.txt").write_text("a note")
    (tmp_path / "cat" / "deeper.png").mkdir()
    (tmp_path / "readme.txt").write_text("a note")
    return tmp_path


def test_list_images_gives_sorted_paths_and_labels(folder):
    for given in (folder, str(folder)):
        paths, labels = list_images(given)
        assert paths == [
            str(folder / name) for name in ("cat/3.png", "dog/1.png", "dog/2.PNG")
        ]
        np.testing.assert_array_equal(labels, ["cat", "dog", "dog"])


def test_a_broken_file_is_named_or_left_out(folder):
    broken = folder / "dog" / "0.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(ValueError, match=re.escape(repr(str(broken)))):
        list_images(folder)
    sentence = f"1 files are left out, which Pillow cannot read: {str(broken)!r}"
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        paths, labels = list_images(folder, broken="skip")
    assert str(broken) not in paths
    np.testing.assert_array_equal(labels, ["cat", "dog", "dog"])


def test_a_file_that_breaks_off_is_left_out(folder):
    half = folder / "dog" / "half.png"
    write(half, RNG.randint(0, 256, (99, 99)).astype(np.uint8))
    half.write_bytes(half.read_bytes()[:4000])
    with pytest.warns(UserWarning, match=re.escape(repr(str(half)))):
        paths, _ = list_images(folder, broken="skip")
    assert len(paths) == 3
    assert str(half) not in paths
    assert str(half) in list_images(folder)[0]  # headers alone; the reader names it


def test_a_bad_folder_is_refused(folder):
    with pytest.raises(ValueError, match="There is no folder 'no/such'"):
        list_images("no/such")
    (folder / "empty").mkdir()
    sentence = f"The class folder {str(folder / 'empty')!r} holds no images"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        list_images(folder)
    sentence = f"The folder {str(folder / 'empty')!r} holds no class folders."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        list_images(folder / "empty")
    with pytest.raises(ValueError, match="The 'broken' parameter of list_images must"):
        list_images(folder, broken="ignore")


def test_a_decompression_bomb_is_named(grey_file, monkeypatch):
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 10
    )  # Pillow raises beyond twice that
    sentence = f"X[1] ({str(grey_file)!r}) is not an image that Pillow can read: "
    with pytest.raises(ValueError, match=re.escape(sentence) + ".*bomb"):
        ImageReader().transform([Image.new("L", (2, 2)), grey_file])


def test_a_list_that_mixes_paths_and_arrays_is_named(grey_file):
    with pytest.raises(TypeError, match=re.escape("X[1] (of type ndarray) must be")):
        ImageReader().transform([grey_file, GREY])
