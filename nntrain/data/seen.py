"""Seen: what values training rows had, so that it can be told where new rows leave that behind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nntrain.data import plain
from nntrain.data.arrays import AT_A_TIME, ArrayFeature
from nntrain.data.cells import absent, read_numbers
from nntrain.data.features import Scaled
from nntrain.data.ranks import Ranked
from nntrain.data.report import Report
from nntrain.data.table import Table, is_array, is_grid
from nntrain.families import Array
from nntrain.room import stretches
from nntrain.values import dataclass

if TYPE_CHECKING:
    from nntrain.data.preprocessing import Preprocessor


@dataclass(frozen=True)
class Seen:
    """A feature in training rows.

    low, high: the least and the largest value; of images and series by channel; none of
        categories, and where no row has a value.
    missing: the share of the rows without a value.
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    missing: float


def learn_seen(
    training: Table, features: Sequence[object], na: Collection[str]
) -> tuple[Seen, ...]:
    """What the training rows have of each feature."""
    found = []
    for feature in features:
        name = getattr(feature, "name", "")
        if isinstance(feature, ArrayFeature):
            found.append(Seen(name, *_extremes(training.columns[name], feature.shape[-1]), 0.0))
        elif isinstance(feature, Scaled | Ranked):
            values = read_numbers(training, name, na)
            low, high = (float(end.reduce(values)) for end in (np.fmin, np.fmax))  # NaN is neither
            there = low <= high  # else no row has a value
            gone = sum(np.isnan(values[some]).sum() for some in stretches(len(values)))
            share = float(gone / len(values))
            found.append(Seen(name, (low,) * there, (high,) * there, share))
        elif training.is_stored_text(name) or not is_array(training.columns[name]):
            gone = training.by_cell(name, lambda cells: absent(cells, na))
            found.append(Seen(name, (), (), _share(gone)))
    return tuple(found)


def look(table: Table, preprocessor: Preprocessor, report: Report) -> Table:
    """Count in `report` what is outside of what was seen; the table, its numbers now read."""
    read = dict[str, Array]()
    for seen in preprocessor.seen:
        if seen.name not in table.columns:
            continue
        report.usual_missing[seen.name] = seen.missing
        if not seen.low:
            continue
        if not table.is_stored_text(seen.name) and is_array(table.columns[seen.name]):
            _look_at_arrays(table.columns[seen.name], seen, report)
            continue
        values = read[seen.name] = read_numbers(table, seen.name, preprocessor.na_values)
        outside = values[(values < seen.low[0]) | (values > seen.high[0])]  # NaN is neither
        report.add_outside(seen.name, outside, seen.low[0], seen.high[0])
    return table.keep(list(table.columns), read)


def check(found: Sequence[Seen], names: Collection[str]) -> None:
    """Refuse what no learning could have given."""
    for seen in found:
        sound = len(seen.low) == len(seen.high) and 0.0 <= seen.missing <= 1.0
        ordered = all(low <= high for low, high in zip(seen.low, seen.high, strict=False))
        if not sound or not ordered or seen.name not in names:
            raise plain.damaged(f"seen: {seen.name!r:.60}")


def _share(gone: Array) -> float:
    return float(gone.mean()) if len(gone) else 0.0


Ends = tuple[tuple[float, ...], tuple[float, ...]]


def _extremes(cells: Array, channels: int) -> Ends:
    """The least and the largest value by channel of a grid or of series."""
    lows, highs = np.full(channels, np.inf), np.full(channels, -np.inf)
    rows = max(1, AT_A_TIME // max(1, cells[:1].size)) if is_grid(cells) else 1
    for start in range(0, len(cells), rows):
        some = cells[start : start + rows] if is_grid(cells) else cells[start]
        flat = np.asarray(some).reshape(-1, channels)
        if len(flat):
            least, most = _ends(flat)
            np.minimum(lows, least, out=lows)
            np.maximum(highs, most, out=highs)
    ends = tuple(lows.tolist()), tuple(highs.tolist())
    return ends if np.isfinite([lows, highs]).all() else ((), ())


def _ends(flat: Array) -> tuple[Array, Array]:
    """The least and the largest value of each channel, (C,) each; quick where there is one."""
    if flat.shape[1] == 1:
        return np.array([flat.min()]), np.array([flat.max()])
    return flat.min(axis=0), flat.max(axis=0)


def _look_at_arrays(cells: Array, seen: Seen, report: Report) -> None:
    """Count the rows of which a channel goes beyond its range."""
    channels = len(seen.low)
    sizes = [cells[:1].size] if is_grid(cells) else map(np.size, cells)
    if any(size == 0 or size % channels for size in sizes):
        return  # `Grid.read` and `Series.read` say what is wrong with them
    least, most = _ends_of_rows(cells, channels)
    inside = (least.min(axis=1) >= seen.low) & (most.max(axis=1) <= seen.high)
    for channel in np.flatnonzero(~inside).tolist():
        low, high = seen.low[channel], seen.high[channel]
        beyond = (least[channel] < low) | (most[channel] > high)  # NaN is neither
        a, b = least[channel][beyond], most[channel][beyond]
        farthest = np.where(low - a > b - high, a, b)
        name = seen.name if channels == 1 else f"{seen.name}, channel {channel}"
        report.add_outside(name, farthest, low, high, unit="row")


def _ends_of_rows(cells: Array, channels: int) -> tuple[Array, Array]:
    """The least and the largest value of each channel and row, (C, N) each.

    So turned, NumPy goes through a channel several times as fast.
    """
    if is_grid(cells):
        flat = cells.reshape(len(cells), -1, channels)
        if flat.shape[1] == 1:
            values = np.ascontiguousarray(flat[:, 0].T)
            return values, values
        least, most = flat.min(axis=1), flat.max(axis=1)
        return np.ascontiguousarray(least.T), np.ascontiguousarray(most.T)
    ends = [_ends(np.asarray(one).reshape(-1, channels)) for one in cells]
    least, most = (np.array(side, dtype=np.float64).T for side in zip(*ends, strict=True))
    return least, most
