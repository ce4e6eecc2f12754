"""Numbers with a decimal comma, as `1234,5`, turned into what is read everywhere: `1234.5`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.wording import quoted

NUMBER = re.compile(r"[-+]?(\d+,\d*|,\d+)([eE][-+]?\d+)?")
POINTED = re.compile(r"[-+]?(\d*\.\d+|\d+\.|\d{1,3}(\.\d{3})+,\d*)([eE][-+]?\d+)?")
HINT = "leave out the points between thousands; numbers with a decimal point need no `decimal`"


def with_points(cells: Array, names: Sequence[str], lines: Array, file: str) -> Array:
    """The cells (n, width), numbers in them with a decimal point; one that has a point is refused.

    Other text stays as it is.  It does not matter which kind a column is, so that any portion of
    the rows can be read by itself.
    """
    points = np.strings.find(cells, ".") >= 0
    for number, text in enumerate(cells[points].tolist()):
        if POINTED.fullmatch(text):
            row, column = np.argwhere(points)[number]
            where = f"column {quoted(names[column])}: line {lines[row]} has {quoted(text)}"
            message = f"{where}, a number with a point, and `decimal` is a comma"
            raise DataError(message, file, int(lines[row]), HINT)
    commas = np.strings.find(cells, ",") >= 0
    if commas.any():
        texts = cells[commas].tolist()
        cells[commas] = [t.replace(",", ".") if NUMBER.fullmatch(t) else t for t in texts]
    return cells
