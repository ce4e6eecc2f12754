"""Arrays and shapes, as the annotations call them."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # all types of numpy.typing take longer to be made than an epoch
Shape = tuple[int, ...]
"""Without the batch axis, which is axis 0."""


def keep_freed_memory() -> None:
    """Let arrays below 32 MiB get the memory of freed ones.

    Otherwise glibc hands large arrays back to the system, and each step of a training pays for
    new pages, which can take longer than all else.  Freeing one large array raises its limits
    for good; where there is another `malloc`, nothing happens.
    """
    np.empty(31 << 20, np.uint8)


def give_back_freed_memory() -> None:
    """Hand the memory of what was freed back to the system, after work that left much of it.

    glibc keeps what lies between arrays that are still there; another `malloc` does nothing here.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def sum_of_rows(rows: Array, out: Array) -> None:
    """out (D,) = Σ of rows (N, D): a product with ones, several times faster than `np.sum`."""
    np.matmul(_ones(len(rows), rows.dtype), rows, out=out)


def sum_of_each_row(rows: Array) -> Array:
    """Σ over the last axis, (…, D) -> (…, 1), as such a product too."""
    flat = rows.reshape(-1, rows.shape[-1])
    total: Array = flat @ _ones(flat.shape[1], rows.dtype)
    return total.reshape(*rows.shape[:-1], 1)


@lru_cache(maxsize=8)
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones
