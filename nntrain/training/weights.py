"""How much each row of a batch counts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from nntrain.families import Array, Loss


def shares(loss: Loss, target: Array, dtype: np.dtype[Any]) -> Array:
    """Weights (N,) of the rows of a batch, which sum to 1; equal but for class weights."""
    factors = loss.row_weights(target)
    if factors is None:
        return _equal(len(target), dtype)
    weights: Array = factors / factors.sum()
    return weights.astype(dtype)


@lru_cache(maxsize=8)
def _equal(rows: int, dtype: np.dtype[Any]) -> Array:
    return np.full(rows, 1.0 / rows, dtype)
