"""Arrays and shapes, as the annotations call them."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
"""Without the batch axis, which is axis 0."""
