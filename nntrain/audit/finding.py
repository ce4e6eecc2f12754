"""Finding: something in the data that spoils results, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from nntrain.values import dataclass


@dataclass(frozen=True)
class Finding:
    """kind: one word for it.  serious: scores are worth nothing while it stands.

    message: what was found, with numbers.  examples: rows and their lines.
    advice: what to do.  figures: the numbers of the message, for scripts.
    """

    kind: str
    message: str
    advice: str
    serious: bool = False
    examples: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        return {**asdict(self), "examples": list(self.examples), "figures": dict(self.figures)}
