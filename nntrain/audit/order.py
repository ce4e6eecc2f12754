"""Rows in the order of time that a random split mixes: the past is judged by the future."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from nntrain.arrays import Array
from nntrain.audit.finding import Finding
from nntrain.audit.material import Material
from nntrain.data.cells import as_number
from nntrain.data.table import TEXT, is_array
from nntrain.wording import in_yaml, listed, quoted

YEAR_FIRST = r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([T ]\d{1,2}:\d{2}.*)?"
YEAR_LAST = r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( .*)?"
DATE = re.compile(f"{YEAR_FIRST}|{YEAR_LAST}")
MOST = 0.9  # of the cells
TRIED = 500
FEWEST_ROWS = 50
ALIKE = 0.3  # the correlation of neighbours' errors that is worth a word


def time_order(material: Material) -> Iterator[Finding]:
    """Columns of dates, and errors that neighbouring rows share, under a random split."""
    if material.settings.split.by != "random" or not material.held_out:
        return
    dates = [name for name in material.tables["train"].columns if _is_date(material, name)]
    if dates:
        yield Finding(
            "time_order",
            f"the rows have dates ({listed(dates)}), and the split is random: rows for the test "
            "lie between training rows",
            "if the network is to foretell, say `data.split: {by: time}` with the file in order "
            f"of {in_yaml(dates[0])}",
            figures={"columns": dates},
        )
    yield from _alike_neighbours(material)


def _is_date(material: Material, name: str) -> bool:
    cells = material.tables["train"].columns[name][:TRIED]
    if is_array(cells) or cells.dtype != TEXT:
        return False
    known = [cell for cell in cells.tolist() if cell]
    if all(as_number(cell) is not None for cell in known):
        return False  # 1950.12 is a number
    return len(known) > 1 and sum(map(bool, map(DATE.fullmatch, known))) >= MOST * len(known)


def _alike_neighbours(material: Material) -> Iterator[Finding]:
    """What a linear model of other rows does not explain, should not hang on the row's place."""
    few = len(material) < FEWEST_ROWS
    if not material.columns or few or material.left_out or not material.can_be_modelled:
        return
    in_file = material.own_file
    for target in material.targets:
        values = target.values[in_file]
        if target.classes or _is_sorted(values):
            continue
        error = (target.values - material.out_of_fold(target))[in_file]
        alike = _lag(error)
        if alike > max(ALIKE, 4 / np.sqrt(len(error))):
            yield Finding(
                "time_order",
                f"rows that stand next to each other have alike {quoted(target.name)}: what a "
                f"linear model leaves of it correlates by {alike:.2f}, and the split is random",
                "if the file is in order of time, or of groups, scores are too good: say "
                "`data.split: {by: time}`",
                figures={"target": target.name, "correlation": alike},
            )


def _is_sorted(values: Array) -> bool:
    """Rows that were sorted by the target are alike for another reason."""
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _lag(values: Array) -> float:
    """How each value correlates with the next."""
    values = values - values.mean()
    size = float(values @ values)
    return float(values[:-1] @ values[1:]) / size if size else 0.0
