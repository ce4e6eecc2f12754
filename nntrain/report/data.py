"""Data: the columns, what became of them, and the rows of each part."""

from __future__ import annotations

from collections import Counter

from nntrain.display import text
from nntrain.report.markup import Html, section, table, tag
from nntrain.report.told import Told

MOST_COLUMNS = 100
FIRST = {"target": 0, "id": 1}


def data(told: Told) -> Html | None:
    """Each column: its kind, missing cells, and what is done with it."""
    if not told.columns and not told.rows:
        return None
    ordered = sorted(told.columns, key=lambda column: FIRST.get(column.kind, 2))
    rows: list[list[object]] = [
        [c.name, c.kind, "" if c.missing < 0 else text.count(c.missing), c.note]
        for c in ordered[:MOST_COLUMNS]
    ]
    if rest := Counter(column.kind for column in ordered[MOST_COLUMNS:]):
        kinds = ", ".join(f"{count} {kind}" for kind, count in rest.items())
        rows.append([f"… and {kinds}", "", "", ""])
    counts = ", ".join(f"{name} {text.count(n)}" for name, n in told.rows.items())
    parts = [tag("p", f"Rows: {counts}.")] if counts else []
    whole = [table(("column", "kind", "missing", "what is done"), rows, "llrl")] if rows else []
    return section("Data", *parts, *whole)
