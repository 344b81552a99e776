"""The check of clips, sequences of frames: (T, H, W) or (T, H, W, C).

A set of clips is one array of shape (B, T, H, W), (B, T, H, W, C) or, flat,
(B, T*H*W*C), or a list of clips whose numbers of frames may differ. Everything behind
this file works on ``Images`` or ``UnequalImages`` with a ``frame_height``.
"""

import numpy as np

from sk_rnnimage.images.arrays import to_numpy
from sk_rnnimage.images.checking import check_flat, check_images, learn_shape
from sk_rnnimage.images.inputs import check_numbers, of_array_like, to_array
from sk_rnnimage.images.kinds import Images, UnequalImages
from sk_rnnimage.images.orders import evenly
from sk_rnnimage.images.shapes import CLIP, full_shape, plain_shape


def check_items(estimator, X, layout, *, bounded=(False, False), **options):
    """Images or clips, whatever the layout says, as their own checks give them."""
    if layout is CLIP:
        return check_clips(estimator, X, bounded=bounded[0], **options)
    options["allow_unequal"] = True
    return check_images(estimator, X, bounded=bounded, **options)


def check_clips(
    estimator,
    X,
    *,
    image_shape=None,
    reset=False,
    name="X",
    bounded=False,
    alike=False,
):
    """Validate X and give its clips back, without a copy where possible.

    Parameters
    ----------
    estimator : estimator
        Named in the messages. With ``reset=True`` it gets ``image_shape_``,
        ``n_features_in_`` and, for a DataFrame, ``feature_names_in_``; else X is held
        against them.
    X : array-like of shape (B, T, H, W), (B, T, H, W, C) or (B, T*H*W*C), or list
        Clips in any real dtype, which is kept. NaN is a missing value, and a frame of
        nothing else is left out.
    image_shape : tuple (T, H, W) or (T, H, W, C), default=None
        How flat clips are to be shaped, and how many frames others may have at most.
        None reads a flat clip as one frame of one row, and takes the longest of others.
    reset : bool, default=False
        Whether to learn the shape from X.
    name : str, default="X"
        The argument's name in the messages.
    bounded : bool, default=False
        Whether clips may have no more frames than ``image_shape_``.
    alike : bool, default=False
        Whether all must have so many, whatever is missing in them.

    Returns
    -------
    Images or UnequalImages
        Frames one below the other, ``frame_height`` lines each.

    Raises
    ------
    ValueError, TypeError
        Where X is no set of clips, or does not fit the shape.
    """
    X = to_array(X, name, CLIP)
    if not isinstance(X, list) and len(getattr(X, "shape", ())) <= 2:
        clips = check_flat(estimator, X, image_shape, reset, name, CLIP)
    else:
        clips = _check_shaped(estimator, X, name, reset)
        if reset:
            _learn_shape(estimator, clips, image_shape, name)
    if bounded:
        _check_length(clips, estimator, name)
    if alike:
        _refuse_other_lengths(clips, estimator, name)
        return _one_below_the_other(clips)
    return _one_below_the_other(*_without_missing_frames(clips, name))


def resampled(clips, n_frames):
    """Clips, as ``check_clips`` gives them, of so many frames each: Images."""
    _, height, width, channels = clips.item_shape
    array = np.empty((len(clips), n_frames, height, width, channels), clips.dtype)
    for where, part in clips.parts():
        frames = part.reshape(len(part), -1, height, width, channels)
        array[where] = frames[:, evenly(frames.shape[1], n_frames)]
    return _one_below_the_other(array)


def check_frame(estimator, frame, name):
    """One frame (H, W) or (H, W, C) as a clip of one, or None where it is missing.

    Raises
    ------
    ValueError, TypeError
        Where it is no frame of the shape that the estimator was fitted on.
    """
    frame = of_array_like(to_numpy(frame, name), name)
    shape = full_shape(estimator.image_shape_, CLIP)[1:]
    if frame.ndim not in (2, 3) or full_shape(frame.shape) != shape:
        raise ValueError(
            f"{name} has shape {frame.shape}, but this {type(estimator).__name__} was "
            f"fitted on frames of shape {plain_shape(shape)}. Pass one frame after "
            "another, of that shape."
        )
    clip = check_numbers(estimator, frame, name).reshape(1, *shape)
    return _one_below_the_other(clip[None]) if _present(clip).all() else None


def _check_shaped(estimator, X, name, reset):
    """An array (B, T, H, W, C), or a list of such clips (T, H, W, C).

    Without ``reset`` they are held against the shape of fit.
    """
    if isinstance(X, list):
        _check_alike(X, name)
        clips = [
            check_numbers(estimator, clip, f"{name}[{i}]") for i, clip in enumerate(X)
        ]
        clips = _together(
            [clip if clip.ndim == 4 else clip[..., None] for clip in clips]
        )
        if not reset:
            _check_shape(estimator, clips, name)
        return clips
    if len(X.shape) not in (4, 5):
        raise ValueError(
            f"{name} must hold clips: flat (n, T*H*W*C), grey (n, T, H, W) or with "
            f"channels (n, T, H, W, C). Got an array of shape {X.shape}"
            f"{_way_out(X.shape, name)}"
        )
    if 0 in X.shape[1:]:
        raise ValueError(
            f"{name} holds clips without {'frames' if not X.shape[1] else 'pixels'}: "
            f"its shape is {X.shape}. Leave such clips out."
        )
    if len(X.shape) == 4:
        X = X[..., np.newaxis]  # (B, T, H, W, C)
    if not reset:  # before its values, however many there are
        _check_shape(estimator, X, name)
    return check_numbers(estimator, X, name)


def _together(clips):
    """A list of clips (T, H, W, C); one array where they are of one length."""
    return np.stack(clips) if len({len(clip) for clip in clips}) == 1 else clips


def _way_out(shape, name):
    """What to do with an array of other dimensions."""
    if len(shape) != 3:
        return "."
    return (
        f": read images, or sequences (n, T, F), with scan='rows'; one clip is "
        f"{name}[None], and images of one frame each are {name}[:, None]."
    )


def _check_alike(X, name):
    """Raise where the items of a list are no clips of one frame size and channels."""
    for i, clip in enumerate(X):
        if clip.ndim not in (3, 4):
            raise ValueError(
                f"{name}[{i}] has shape {clip.shape}, which is no clip: with "
                f"scan='frames' each item must be {CLIP.shapes}. Read images with "
                "another scan, such as scan='rows'."
            )
        if not clip.size:
            what = "pixels" if len(clip) else "frames"
            raise ValueError(
                f"{name}[{i}] is a clip without {what}: its shape is {clip.shape}. "
                "Leave it out."
            )
        first, frame = (full_shape(item.shape, CLIP)[1:] for item in (X[0], clip))
        if frame[2] != first[2]:
            raise ValueError(
                f"All clips of {name} must be grey (T, H, W), or have the same number "
                f"of channels (T, H, W, C). {name}[0] has shape {X[0].shape}, "
                f"{name}[{i}] has shape {clip.shape}."
            )
        if frame != first:
            raise ValueError(
                f"All clips of {name} must have frames of one height and width. Those "
                f"of {name}[0] are {first[0]} x {first[1]}, those of {name}[{i}] are "
                f"{frame[0]} x {frame[1]}. Resize them, for instance with "
                "ClipReader(size=(height, width))."
            )


def _shape_of(clips):
    """(T, H, W, C), T the most frames of a clip."""
    if not isinstance(clips, list):
        return tuple(clips.shape[1:])
    return (max(map(len, clips)), *clips[0].shape[1:])


def _learn_shape(estimator, clips, image_shape, name):
    """Take the shape of clips, held against ``image_shape``."""
    shape = _shape_of(clips)
    if image_shape is None:
        _refuse_channels_first(clips, name)
        return learn_shape(estimator, shape, CLIP)
    declared = full_shape(image_shape, CLIP)
    if shape[1:] != declared[1:]:
        raise ValueError(
            f"{name} holds frames of shape {plain_shape(shape, CLIP)[1:]}, but "
            f"image_shape={tuple(image_shape)}. Leave image_shape=None to take the "
            f"shape from {name}, or reshape {name}."
        )
    if shape[0] > declared[0]:
        _refuse_long(clips, declared[0], name, f"image_shape={tuple(image_shape)} says")
    learn_shape(estimator, declared, CLIP)


def _check_shape(estimator, clips, name):
    """Raise where frames have not the shape that an estimator was fitted on."""
    shape, expected = _shape_of(clips), full_shape(estimator.image_shape_, CLIP)
    if shape[1:] == expected[1:]:
        return
    if not isinstance(clips, list) and clips.shape[1:] == (*expected[1:], 1):
        raise ValueError(
            f"{name} has the shape of one clip, {clips.shape[:-1]}, but must hold "
            f"several. For one clip pass {name}[None]."
        )
    _refuse_channels_first(clips, name)
    raise ValueError(
        f"{name} holds frames of shape {plain_shape(shape, CLIP)[1:]}, but this "
        f"{type(estimator).__name__} was fitted on {estimator.image_shape_[1:]}. "
        "Resize or convert them; files are read alike by ClipReader(size, mode=mode)."
    )


def _refuse_channels_first(clips, name):
    """Raise where frames look like (C, H, W), torch's layout."""
    _, height, _, channels = _shape_of(clips)
    if height in (1, 3, 4) and channels > 4:
        raise ValueError(
            f"{name} holds clips of shape {clips[0].shape}, which look like channels "
            "before the sides. Channels come last here: pass "
            f"np.moveaxis({name}, 2, -1), or say image_shape if it is meant so."
        )


def _check_length(clips, estimator, name):
    """Raise where a clip has more frames than the control without recurrence knows."""
    most = estimator.image_shape_[0]
    if _shape_of(clips)[0] > most:
        _refuse_long(clips, most, name, "cell=None learned the places of in fit")


def _refuse_long(clips, most, name, why):
    """Raise for the first clip of more than so many frames."""
    i = next(i for i, clip in enumerate(clips) if len(clip) > most)
    raise ValueError(
        f"{name}[{i}] has {len(clips[i])} frames, more than the {most} that {why}. "
        f"Declare the most that will come in fit (image_shape), or pick frames: "
        f"ClipReader(n_frames={most})."
    )


def _refuse_other_lengths(clips, estimator, name):
    """Raise where a clip has not as many frames as ``image_shape_`` says."""
    n_frames = estimator.image_shape_[0]
    i = next((i for i, clip in enumerate(clips) if len(clip) != n_frames), None)
    if i is not None:
        raise ValueError(
            f"{type(estimator).__name__} needs clips of one length, here {n_frames} "
            f"frames. {name}[{i}] has {len(clips[i])}. Pick as many frames of each, "
            f"for instance with ClipReader(n_frames={n_frames})."
        )


def _without_missing_frames(clips, name):
    """Clips without the frames that are all NaN, and how many are read after each.

    The latter, (B, T), is None where no frame is missing.
    """
    if isinstance(clips, np.ndarray) and clips.dtype.kind != "f":
        return clips, None
    present = [_present(clip) for clip in clips]
    if all(frames.all() for frames in present):
        return clips, None
    for i, frames in enumerate(present):
        if not frames.any():
            raise ValueError(
                f"All pixels of {name}[{i}] are missing (NaN). Leave that clip out."
            )
    n_read = np.zeros((len(clips), max(map(len, clips))), dtype=int)
    for row, frames in zip(n_read, present):
        row[: len(frames)] = frames.cumsum()
        row[len(frames) :] = frames.sum()
    kept = [
        clip if frames.all() else clip[frames] for clip, frames in zip(clips, present)
    ]
    return _together(kept), n_read


def _present(clip):
    """Which frames of a clip (T, H, W, C) have a pixel that is a number: (T,)."""
    if clip.dtype.kind != "f":
        return np.ones(len(clip), dtype=bool)
    return ~np.isnan(clip.reshape(len(clip), -1)).all(axis=1)


def _one_below_the_other(clips, n_read=None):
    """Clips as tall images of one kind."""
    height = clips[0].shape[1]
    if isinstance(clips, np.ndarray):
        n, n_frames, _, width, channels = clips.shape
        images = Images(clips.reshape(n, n_frames * height, width, channels))
    else:
        images = UnequalImages([clip.reshape(-1, *clip.shape[2:]) for clip in clips])
    images.frame_height, images.n_read = height, n_read
    return images
