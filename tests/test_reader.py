import builtins
import io
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
from files_by_hand import COLOUR, GREY, as_bytes, png, tiff, write, write_half
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    list_images,
)

RNG = np.random.RandomState(0)
LEVELS = {
    dtype: np.array([[low, 0, 1], [7, 100, high]], dtype=dtype)
    for dtype, low, high in (
        ("uint8", 0, 255),
        ("int8", -128, 127),
        ("uint16", 0, 65535),
        ("int16", -1024, 3071),
        ("int32", -(2**31), 2**31 - 1),
        ("uint32", 0, 2**32 - 1),
        ("float32", -0.5, np.nan),
    )
}


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


@pytest.mark.parametrize("dtype", LEVELS)
def test_the_dtype_is_that_of_the_files(dtype):
    images = ImageReader().transform([tiff(LEVELS[dtype])] * 2)
    assert images.dtype == dtype
    np.testing.assert_array_equal(images, [LEVELS[dtype]] * 2)


@pytest.mark.parametrize(
    "dtypes, expected",
    [
        (("uint8", "uint16"), "uint16"),
        (("uint16", "int16"), "int32"),
        (("uint8", "int8"), "int16"),
        (("uint16", "float32"), "float32"),
        (("int32", "float32", "uint8"), "float64"),
        (("uint32", "int32"), "int64"),
    ],
)
def test_mixed_files_get_a_dtype_that_holds_all(dtypes, expected):
    files = [tiff(LEVELS[dtype]) for dtype in dtypes]
    sentence = (
        f"The files of X differ in depth: X[0] ({len(files[0])} bytes) holds "
        f"{dtypes[0]}, X[1] ({len(files[1])} bytes) holds {dtypes[1]}"
    )
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        images = ImageReader().transform(files)
    assert images.dtype == expected
    for image, dtype in zip(images, dtypes):
        np.testing.assert_array_equal(image, LEVELS[dtype])
    with pytest.warns(UserWarning, match="differ in depth"):
        unequal = ImageReader().transform([*files, Image.new("L", (4, 4))])
    assert {image.dtype.name for image in unequal} == {expected}


def test_deep_grey_beside_colours_gets_three_channels(colour_file):
    deep = GREY.astype(np.uint16) * 256
    with pytest.warns(UserWarning, match="differ in depth"):
        images = ImageReader().transform([tiff(deep), colour_file])
    assert images.dtype == np.uint16
    np.testing.assert_array_equal(images, [np.stack([deep] * 3, axis=2), COLOUR])


def test_colours_that_lose_bits_are_named(tmp_path, grey_file):
    files = []
    for i in range(4):
        files.append(tmp_path / f"{i}.png")
        files[i].write_bytes(png(np.full((5, 7, 3), 300 * i), 2))
    sentence = (
        "Pillow reduces 16 bits a channel to 8 bits in 4 images: X[1] "
        f"({str(files[0])!r}), X[2] ({str(files[1])!r}), X[3] ({str(files[2])!r}) "
        "and 1 more. To keep them, read these files with another library"
    )
    with pytest.warns(UserWarning, match=re.escape(sentence)) as caught:
        images = ImageReader().transform([grey_file, *files])
    assert images.dtype == np.uint8
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32"])
def test_a_classifier_learns_from_deep_files(dtype, tmp_path):
    """And predicts what it predicts for the arrays."""
    noise = np.random.RandomState(0).randint(0, 40, (24, 6, 6))
    y = np.arange(24) % 2
    X = (noise + 20 * y[:, np.newaxis, np.newaxis] - (dtype == "int16") * 900).astype(
        dtype
    )
    paths = [tmp_path / f"{i}.tif" for i in range(24)]
    for path, image in zip(paths, X):
        path.write_bytes(tiff(image))
    classifier = RNNImageClassifier(4, max_epochs=20, random_state=0)
    pipeline = make_pipeline(ImageReader(), classifier).fit(paths, y)
    assert pipeline.score(paths, y) == 1
    np.testing.assert_array_equal(
        pipeline.predict_proba(paths), clone(classifier).fit(X, y).predict_proba(X)
    )


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
        (GREY, TypeError, "X[1] (of type ndarray) must be a path"),
        (
            Image.new("L", (0, 3)),
            ValueError,
            "X[1] (of type Image) is an image without pixels.",
        ),
        (
            Image.new("F", (2, 3), float("inf")),
            ValueError,
            "X[1] (of type Image) holds infinite values: replace them, with NaN where "
            "a pixel is missing.",
        ),
    ],
)
def test_a_bad_item_is_named(grey_file, item, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}"):
        ImageReader().transform([grey_file, item])


def test_a_file_that_breaks_off_is_named_with_the_way_out(tmp_path):
    path = write_half(tmp_path / "half.png")
    sentence = f"^X[0] ({str(path)!r}) is not an image that Pillow can read: "
    way_out = " list_images(folder, broken='skip') leaves such files out."
    with pytest.raises(ValueError, match=re.escape(sentence[1:])) as caught:
        ImageReader().transform([path])
    assert str(caught.value).endswith(way_out)


def test_all_files_that_cannot_be_read_are_named(tmp_path, grey_file):
    half = write_half(tmp_path / "half.png")
    infinite = tmp_path / "infinite.tif"
    infinite.write_bytes(tiff(np.full((2, 2), np.inf, dtype=np.float32)))
    with pytest.raises(ValueError) as caught:
        ImageReader(n_jobs=2).transform(["no/such.png", grey_file, half, infinite])
    message = str(caught.value)
    assert message.startswith(
        "3 of 4 items of X cannot be read: X[0] ('no/such.png') does not exist; "
        f"X[2] ({str(half)!r}) is not an image that Pillow can read: "
    )
    assert f"; X[3] ({str(infinite)!r}) holds infinite values: " in message
    assert message.endswith(
        ". list_images(folder, broken='skip') leaves such files out."
    )


def test_broken_files_are_left_out_before_the_pipeline(tmp_path):
    for i in range(12):
        write(tmp_path / "new" / f"{i}.png", np.full((4, 4), 20 * (i % 2), "uint8"))
    write_half(tmp_path / "new" / "half.png")
    with pytest.warns(UserWarning, match="1 files are left out"):
        paths, labels = list_images(tmp_path / "new", broken="skip")
    assert labels is None
    assert ImageReader().transform(paths).shape == (12, 4, 4)


def test_an_open_image_that_breaks_off_is_named(tmp_path):
    path = write_half(tmp_path / "half.png")
    sentence = "X[1] (of type PngImageFile) is not an image that Pillow can read: "
    with (
        Image.open(path) as image,
        pytest.raises(ValueError, match=re.escape(sentence)),
    ):
        ImageReader().transform([Image.new("L", (2, 2)), image])


def test_an_item_that_comes_often_is_read_once(tmp_path):
    path = write(tmp_path / "a.png", GREY)
    with open(path, "rb") as file, Image.open(path) as image:
        items = [image] * 20 + [file] * 20
        found = ImageReader(n_jobs=4).transform(items)
    np.testing.assert_array_equal(found, [GREY] * 40)


def test_the_images_of_a_list_can_be_written(grey_file):
    deep = tiff(np.zeros((2, 3), dtype=np.uint16))
    for image in ImageReader().transform([grey_file, Image.new("L", (9, 8))]):
        image += 1
    for image in ImageReader().transform([deep, as_bytes(Image.new("I;16", (3, 1)))]):
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


def test_a_decompression_bomb_is_named(grey_file, monkeypatch):
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 10
    )  # Pillow raises beyond twice that
    sentence = f"X[1] ({str(grey_file)!r}) is not an image that Pillow can read: "
    with pytest.raises(ValueError, match=re.escape(sentence) + ".*bomb"):
        ImageReader().transform([Image.new("L", (2, 2)), grey_file])
