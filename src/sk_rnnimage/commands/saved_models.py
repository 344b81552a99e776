"""Models in files of ``save``, as the commands use them."""

import os


class Failed(Exception):
    """What was asked for could not be done, though it was asked rightly."""


def load_model(path):
    """The model in a file, or an error that says whose fault it is."""
    from sk_rnnimage.persistence.saving import load

    if not os.path.exists(path):
        raise ValueError(f"There is no file {path!r}.")
    try:
        return load(path)
    except ValueError as error:
        raise Failed(str(error)) from error


def that_reads_files(model, path):
    """A pipeline from files to predictions: the model, with a reader in front.

    A model that was fitted on arrays gets one that reads images of their size.
    """
    from sklearn.pipeline import Pipeline, make_pipeline

    from sk_rnnimage.files import ClipReader, ImageReader

    first = model[0] if isinstance(model, Pipeline) else model
    if isinstance(first, (ImageReader, ClipReader)):
        return model
    shape = getattr(first, "image_shape_", None)
    if shape is None:
        raise Failed(
            f"{path} holds a {type(first).__name__} that was fitted on arrays, and "
            "does not say the size of an image. Fit it behind an ImageReader."
        )
    of_clips = first.scan == "frames"
    n_sides = 3 if of_clips else 2
    mode = {(): "L", (3,): "RGB"}.get(shape[n_sides:])
    if mode is None:
        raise Failed(
            f"{path} was fitted on arrays of shape {shape}: no image file has "
            f"{shape[n_sides]} channels."
        )
    reader = ClipReader if of_clips else ImageReader
    return make_pipeline(reader(shape[n_sides - 2 : n_sides], mode=mode), model)
