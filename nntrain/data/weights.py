"""Weights of rows, from a column: how much each counts in the loss and in all metrics."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from nntrain.data.cells import read_numbers
from nntrain.data.table import Table
from nntrain.families import Array
from nntrain.wording import quoted


def read_weights(table: Table, name: str, na_values: Collection[str]) -> Array:
    """The weights of the rows of a table, (N,) float64: none missing, none below 0."""
    values = read_numbers(table, name, na_values)
    for wrong, found in ((np.isnan(values), "no value"), (values < 0, "a number below 0")):
        if wrong.any():
            row = int(wrong.argmax())
            message = f"column {quoted(name)}: {table.place(row)} has {found}"
            raise table.error(message, row, "a row's weight is 0, which leaves it out, or more")
    return values
