"""Seen: what values training rows had, so that it can be told where new rows leave that behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

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


LONG = 4096  # numbers: NumPy passes over shorter rows in a fraction of the speed

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
    if cells[:1].size == channels and is_grid(cells):
        _look_at_vectors(cells.reshape(-1, channels), seen, report)
        return
    least, most = _ends_of_rows(cells, channels)
    inside = (least.min(axis=1) >= seen.low) & (most.max(axis=1) <= seen.high)
    for channel in np.flatnonzero(~inside).tolist():
        low, high = seen.low[channel], seen.high[channel]
        beyond = (least[channel] < low) | (most[channel] > high)  # NaN is neither
        a, b = least[channel][beyond], most[channel][beyond]
        farthest = np.where(low - a > b - high, a, b)
        report.add_outside(_channel(seen, channel), farthest, low, high, unit="row")


def _channel(seen: Seen, channel: int) -> str:
    return seen.name if len(seen.low) == 1 else f"{seen.name}, channel {channel}"


def _look_at_vectors(cells: Array, seen: Seen, report: Report) -> None:
    """Count the rows of vectors (N, C), each number of which is a channel."""
    count, least, most = _beyond(cells, seen.low, seen.high)
    for channel in np.flatnonzero(count).tolist():
        low, high = seen.low[channel], seen.high[channel]
        a, b = least[channel], most[channel]
        farthest = a if low - a > b - high else b
        report.count_outside(_channel(seen, channel), count[channel], farthest, low, high, "row")


def _beyond(cells: Array, low: Sequence[float], high: Sequence[float]) -> tuple[list[Any], ...]:
    """Of each channel of vectors (N, C): how many numbers are not from low to high, the least
    number and the largest."""
    width = cells.shape[1]
    many = max(1, min(LONG // width, len(cells)))
    ends = [np.tile(np.array(end, np.result_type(cells, np.float32)), many) for end in (low, high)]
    count, least, most = np.zeros(width, np.int64), *(np.array(end) for end in (low, high))
    for rows in _long_rows(cells, many):
        lows, highs = (end[: rows.shape[1]] for end in ends)
        beyond = ((rows < lows) | (rows > highs)).view(np.uint8)  # NaN is neither
        counted = np.add.reduce(beyond, axis=0, dtype=np.uint8)
        count += counted.reshape(-1, width).sum(axis=0, dtype=np.int64)
        np.minimum(least, rows.min(axis=0).reshape(-1, width).min(axis=0), out=least)
        np.maximum(most, rows.max(axis=0).reshape(-1, width).max(axis=0), out=most)
    return count.tolist(), least.tolist(), most.tolist()


def _long_rows(cells: Array, many: int) -> Iterator[Array]:
    """So many rows (N, C) side by side as one, and at most 255 of these, which a byte can count."""
    whole = len(cells) - len(cells) % many
    long = cells[:whole].reshape(-1, many * cells.shape[1])
    yield from (long[some] for some in stretches(len(long), 255))
    if whole < len(cells):
        yield cells[whole:].reshape(1, -1)


def _ends_of_rows(cells: Array, channels: int) -> tuple[Array, Array]:
    """The least and the largest value of each channel and row, (C, N) each.

    So turned, NumPy goes through a channel several times as fast.
    """
    if is_grid(cells):
        flat = cells.reshape(len(cells), -1, channels)
        least, most = flat.min(axis=1), flat.max(axis=1)
        return np.ascontiguousarray(least.T), np.ascontiguousarray(most.T)
    ends = [_ends(np.asarray(one).reshape(-1, channels)) for one in cells]
    least, most = (np.array(side, dtype=np.float64).T for side in zip(*ends, strict=True))
    return least, most
