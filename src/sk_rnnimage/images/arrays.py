"""What users hold numbers in besides arrays: tensors, masked arrays, blocks of Dask.

Neither torch nor Dask need be imported for theirs to be known.
"""

from contextlib import contextmanager

import numpy as np

# what becomes an array has one of these
ARRAY_LIKE = ("__len__", "__array__", "__array_interface__", "__array_struct__")


def to_numpy(X, name):
    """A tensor or a masked array as an array; anything else as it is.

    Masked values become NaN, which is a missing value.

    Raises
    ------
    TypeError
        Where a tensor holds no values, or such as no array can hold.
    """
    if is_tensor(X):
        return _of_tensor(X, name)
    if isinstance(X, np.ma.MaskedArray):
        return _of_masked(X)
    return X


@contextmanager
def making_array(X, expected):
    """Raise a TypeError where NumPy fails to make an array of X in this block.

    Whatever it raises: the code that gives the values may be another's. ``expected`` is
    the sentence that says what X should be.
    """
    try:
        yield
    except Exception as error:
        raise TypeError(
            f"{expected} Got a value of type {type(X).__name__}, of which NumPy can "
            f"make no array ({type(error).__name__}: {str(error):.200})."
        ) from error


def refuse_blocks(X, name):
    """Raise a TypeError where X is a Dask collection, perhaps larger than memory.

    NumPy would load all of it without a word. xarray, which may hold one, answers the
    question for its graph with None where it does not.
    """
    if not hasattr(X, "__dask_graph__") or X.__dask_graph__() is None:
        return
    of_blocks = "map_blocks" if hasattr(X, "map_blocks") else "map_partitions"
    raise TypeError(
        f"{name} is a Dask {type(X).__name__}, all of which would be loaded into "
        f"memory. Predict block by block, {name}.{of_blocks}(model.predict, ...), and "
        "train on one block after the other with partial_fit; or pass "
        f"{name}.compute() where it fits into memory."
    )


def is_tensor(X):
    """Whether X is a torch tensor."""
    return hasattr(X, "detach") and hasattr(X, "numpy")


def _of_tensor(X, name):
    if X.is_nested:
        raise TypeError(
            f"{name} is a nested tensor. Pass its tensors as a list: {name}.unbind()."
        )
    layout = str(X.layout)
    if layout != "torch.strided":
        kind = "sparse" if "sparse" in layout else layout
        raise TypeError(
            f"{name} is a {kind} tensor. Pass a dense one: {name}.to_dense()."
        )
    if X.is_meta:
        raise TypeError(
            f"{name} is a tensor on the meta device, which holds no values. Pass one "
            "that has been loaded to 'cpu' or a GPU."
        )
    if X.is_quantized:
        raise TypeError(
            f"{name} is a quantised tensor of dtype {X.dtype}. Pass its values: "
            f"{name}.dequantize()."
        )
    X = X.detach().cpu()
    # what NumPy does not have: these types, and views of conjugated or negated memory
    if str(X.dtype) == "torch.bfloat16":
        X = X.float()
    elif str(X.dtype) == "torch.complex32":
        X = X.cfloat()
    try:
        return X.resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"{name} is a {type(X).__name__} of dtype {X.dtype}, of which NumPy has no "
            f"twin. Pass a plain tensor of floats: {name}.float()."
        ) from error


def _of_masked(X):
    if X.dtype.kind not in "biufO" or not np.ma.is_masked(X):
        return X.data
    dtype = X.dtype
    if dtype.kind in "biu":  # only floats have a NaN
        dtype = np.promote_types(dtype, np.float32)
    return X.astype(dtype).filled(np.nan)
