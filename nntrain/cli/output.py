"""Results on stdout."""

from __future__ import annotations

from typing import Any


def print_json(value: Any) -> None:
    """One JSON object on a line of its own."""
    import json  # here, since most commands start without it

    print(json.dumps(value, allow_nan=False))
