"""The process's state around torch: memory that ends."""

import pytest
import torch

from sk_rnnimage._environment.process import memory_error_as

ALLOCATORS = [
    lambda: torch.empty(2**50, dtype=torch.uint8),
    lambda: torch.empty(2**40, 2**40),
    lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory.")),
    lambda: (_ for _ in ()).throw(MemoryError()),
]


@pytest.mark.parametrize("allocate", ALLOCATORS)
def test_an_allocators_error_gets_the_message(allocate):
    with pytest.raises(ValueError, match="choose less") as error:
        with memory_error_as("choose less"):
            allocate()
    assert error.value.__cause__ is not None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the shared memory of a worker is gone"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("memory"),
    ],
)
def test_any_other_error_stays(error):
    with pytest.raises(type(error)) as raised:
        with memory_error_as("choose less"):
            raise error
    assert raised.value is error
