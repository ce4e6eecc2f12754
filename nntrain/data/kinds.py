"""The kinds of features and targets, and how each is written into a model file."""

from __future__ import annotations

from typing import Any, get_args

from nntrain.data import plain
from nntrain.data.arrays import ArrayFeature, Grid, Series
from nntrain.data.categories import Embedded, Hashed, OneHot, Ordinal
from nntrain.data.dates import Dates
from nntrain.data.features import Scaled
from nntrain.data.ranks import Ranked
from nntrain.data.several import Several, Target
from nntrain.data.targets import Amounts, Classes
from nntrain.data.texts import Texts
from nntrain.data.tokens import Tokens

Scalar = Scaled | Ranked | OneHot | Ordinal | Hashed | Embedded | Dates
"""Kinds that fill some inputs of a row: `inputs`, `note`, `write(table, na_values, out, …)`."""

Feature = Scalar | ArrayFeature | Texts | Tokens
KINDS: dict[str, type[Any]] = {
    "numeric": Scaled, "ranks": Ranked, "categorical": OneHot, "ordinal": Ordinal,
    "hashed": Hashed, "embedded": Embedded, "date": Dates, "grid": Grid, "series": Series,
    "text": Texts, "classes": Classes, "amounts": Amounts, "tokens": Tokens,
}  # fmt: skip


def encode(value: Feature | Target) -> dict[str, Any]:
    """A feature or a target as JSON types, with its kind."""
    if isinstance(value, Several):
        return {"kind": "several", "parts": [encode(part) for part in value.parts]}
    kind = next(kind for kind, cls in KINDS.items() if type(value) is cls)
    return {"kind": kind, **plain.encode(value)}


def decode(value: Any, family: Any, where: str) -> Any:
    """The way back: one of a union of kinds; a MachineError where this is none of them."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "several" and Several in get_args(family):
        parts = value.get("parts")
        if set(value) != {"kind", "parts"} or not isinstance(parts, list) or len(parts) < 2:
            raise plain.damaged(f"{where}: no list of targets")
        return Several(tuple(decode(part, Classes | Amounts, where) for part in parts))
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None or cls not in get_args(family):
        raise plain.damaged(f"{where}: unknown kind {kind!r:.60}")
    rest = {key: item for key, item in value.items() if key != "kind"}
    return plain.decode(cls, rest, where)
