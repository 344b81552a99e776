"""Labelled images from a folder of class folders, or from an .npz of arrays."""

import sys
import warnings
import zipfile


def list_folder(path, of_clips=False):
    """List the paths and labels of a folder that has one subfolder per class."""
    from sk_rnnimage.files import list_clips, list_images

    noun = "clips" if of_clips else "images"
    # Printed without the file name and source line that Python adds to a warning.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        paths, labels = (
            list_clips(path) if of_clips else list_images(path, broken="skip")
        )
    for warning in caught:
        print("warning:", warning.message, file=sys.stderr)
    if labels is None:
        raise ValueError(
            f"{path} holds {noun}, but no class folders, which are the labels. Put the "
            f"{noun} of each class into a folder of its own."
        )
    return paths, labels


def read_folder(path, size):
    """Read images and labels of a folder that has one subfolder per class."""
    from sk_rnnimage.files import ImageReader

    paths, labels = list_folder(path)
    # All cores: reading ends before any classifier is timed.
    reader = ImageReader(size=None if size is None else tuple(size), n_jobs=-1)
    images = reader.transform(paths)
    first = images[0]
    for file, image in zip(paths, images):
        if image.shape != first.shape:
            sizes = [" x ".join(map(str, i.shape[:2])) for i in (first, image)]
            raise ValueError(
                f"The images differ in size: {paths[0]!r} is {sizes[0]} and "
                f"{file!r} is {sizes[1]}. The classic classifiers need one size: "
                "--size HEIGHT WIDTH."
            )
    return images, labels


def read_clips(path, size, n_frames=None):
    """Read clips and labels of a folder that has one subfolder per class."""
    from sk_rnnimage.files import ClipReader

    paths, labels = list_folder(path, of_clips=True)
    # All cores: reading ends before any classifier is timed.
    size = None if size is None else tuple(size)
    clips = ClipReader(size, n_frames=n_frames, n_jobs=-1).transform(paths)
    first = clips[0]
    for file, clip in zip(paths, clips):
        if clip.shape[1:] != first.shape[1:]:
            sizes = [" x ".join(map(str, c.shape[1:3])) for c in (first, clip)]
            raise ValueError(
                f"The clips differ in size: the frames of {paths[0]!r} are {sizes[0]} "
                f"and those of {file!r} are {sizes[1]}. Choose one size: --size HEIGHT "
                "WIDTH."
            )
    return clips, labels


def read_npz(path, of_clips=False):
    """Read images, labels and the splits: None, or a list of the one in the file."""
    import numpy as np

    arrays = _load_arrays(path)
    if of_clips and {"frames", "ends", "labels"} <= set(arrays):
        return *_split_frames(arrays["frames"], arrays["ends"], arrays["labels"]), None
    if {"X", "y"} <= set(arrays):
        return *_check_data(arrays["X"], arrays["y"], "X", "y", of_clips), None
    names = ("X_train", "y_train", "X_test", "y_test")
    if not set(names) <= set(arrays):
        or_clips = ", or frames, ends and labels" if of_clips else ""
        raise ValueError(
            f"{path} must hold the arrays X and y, or X_train, y_train, X_test and "
            f"y_test{or_clips}. It holds {', '.join(arrays) or 'none'}."
        )
    X_train, y_train = _check_data(
        arrays["X_train"], arrays["y_train"], *names[:2], of_clips
    )
    X_test, y_test = _check_data(
        arrays["X_test"], arrays["y_test"], *names[2:], of_clips
    )
    shapes = X_train.shape[1:], X_test.shape[1:]
    of_one_item = [shape[1:] if of_clips else shape for shape in shapes]
    if of_one_item[0] != of_one_item[1]:
        raise ValueError(
            f"X_train and X_test hold {'clips' if of_clips else 'images'} of different "
            f"shapes: {shapes[0]} and {shapes[1]}."
        )
    # clips may differ in length
    X = (
        np.concatenate([X_train, X_test])
        if shapes[0] == shapes[1]
        else [*X_train, *X_test]
    )
    y = np.concatenate([y_train, y_test])
    train, test = np.split(np.arange(len(X)), [len(X_train)])
    return X, y, [(train, test)]


def _split_frames(frames, ends, labels):
    """The clips of frames that lie one after another, and their labels."""
    import numpy as np

    n, whole = frames.shape[0] if frames.ndim else 0, ends.dtype.kind in "iu"
    fits = whole and ends.ndim == 1 and ends.size and labels.shape == ends.shape
    if not fits or (np.diff(ends, prepend=0) <= 0).any() or ends[-1] != n:
        raise ValueError(
            "ends must hold, for each label, the number of frames up to the end of its "
            f"clip, and rise to the {n} frames that there are. labels has the shape "
            f"{labels.shape}, ends {ends.shape} and dtype {ends.dtype}."
        )
    return np.split(frames, ends[:-1]), labels


def _load_arrays(path):
    """Load the arrays of an .npz file as a dict."""
    import numpy as np

    _refuse_huge(path)
    try:
        # np.load(path) of an .npz keeps the file open. A pickle could run any code.
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
    # a single array, other files, damaged ones, and what claims more than any memory
    except Exception as error:
        if getattr(error, "filename", None) is not None:  # the system may not open it
            raise
        raise ValueError(
            f"{path} is not an .npz of plain arrays, nor a folder of images."
        ) from error


def _refuse_huge(path):
    """Raise where the arrays of an .npz, which may be compressed, fill the memory."""
    from sk_rnnimage._environment.process import refuse_over_memory

    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
    except Exception:  # np.load says more
        return
    refuse_over_memory(n_bytes, f"{path} holds arrays of", " Take a part of them.")


def _check_data(X, y, X_name, y_name, of_clips=False):
    """Check that X holds images and y one label each; return y flattened, if a column.

    Some data sets, CIFAR-10 of Keras among them, store labels with shape (n, 1).
    """
    if of_clips and X.ndim not in (4, 5):
        raise ValueError(
            f"{X_name} must hold clips, grey (n, T, H, W) or with channels (n, T, H, "
            f"W, C). Its shape is {X.shape}."
        )
    if not of_clips and X.ndim not in (2, 3, 4):
        raise ValueError(
            f"{X_name} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Its shape is {X.shape}."
        )
    if y.shape[:1] != (len(X),) or y.size != len(X):
        raise ValueError(
            f"{y_name} must hold one label for each of the {len(X)} images in "
            f"{X_name}. Its shape is {y.shape}."
        )
    return X, y.ravel()
