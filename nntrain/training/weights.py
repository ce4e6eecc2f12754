"""How much each row of a batch counts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from nntrain.families import Array, Loss


def shares(loss: Loss, target: Array, dtype: np.dtype[Any], weights: Array | None = None) -> Array:
    """Shares (N,) of the rows of a batch in its loss, which sum to 1: equal but for class weights
    and `weights` (N,) of their own; all 0 where no row counts."""
    factors = loss.row_weights(target)
    if weights is not None:
        factors = weights if factors is None else factors * weights
    if factors is None:
        return equal(len(target), dtype)
    return (factors / (factors.sum() or 1.0)).astype(dtype)


@lru_cache(maxsize=8)
def equal(rows: int, dtype: np.dtype[Any]) -> Array:
    """The shares of rows that all count the same."""
    return np.full(rows, 1.0 / rows, dtype)
