"""Features that are arrays: grids of one shape (images, vectors) and series of any length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from nntrain.data.cells import FLOAT32_MAX
from nntrain.data.settings import Numeric
from nntrain.data.table import Table, is_grid
from nntrain.data.transforms import transformed
from nntrain.families import Array, Shape
from nntrain.room import empty, stretches
from nntrain.values import dataclass
from nntrain.wording import plural, quoted

AT_A_TIME = 1 << 20  # numbers that are float64 at once
NO_FLOAT = "that is no finite number of 32 bits"


@dataclass(frozen=True)
class Grid:
    """Arrays of one shape: x = (f(v) - shift) / scale, one shift and scale a channel.

    Channels are the last axis; an image without one, (H, W), becomes (H, W, 1).
    """

    kind: ClassVar[str] = "grid"
    name: str
    shape: tuple[int, ...]
    shifts: tuple[float, ...]
    scales: tuple[float, ...]
    transform: str = "none"

    @classmethod
    def learn(cls, table: Table, name: str, how: Numeric) -> Grid:
        """The statistics of the rows of `table`, over all places of a channel."""
        _check_scale(table, name, how)
        cells = table.columns[name]
        shape = cells.shape[1:] if cells.ndim != 3 else (*cells.shape[1:], 1)
        blocks = _Blocks(table, name, shape, how.transform)
        return cls(name, shape, *statistics(blocks, shape[-1], how.scale), how.transform)

    @property
    def note(self) -> str:
        return f"{' × '.join(map(str, self.shape))}{_scaling(self.shifts, self.scales)}"

    def read(self, table: Table) -> Array:
        """The network's inputs, (N, *shape) float32."""
        cells = table.columns[self.name]
        found = (*cells.shape[1:], 1) if cells.ndim == 3 else cells.shape[1:]
        if not is_grid(cells) or found != self.shape:
            raise table.error(
                f"column {quoted(self.name)} holds {_shown(found) or 'single values'}, "
                f"the model needs {_shown(self.shape)}"
            )
        blocks = _Blocks(table, self.name, self.shape, self.transform)
        return _scaled(blocks, self.shifts, self.scales)

    def lengths(self, table: Table) -> None:
        return None


@dataclass(frozen=True)
class Series:
    """Series (T, C) of any length: x = (f(v) - shift) / scale by channel, then zeros to the end.

    longest: steps of the longest training row.
    varies: whether training rows have different lengths; where not, all rows must have `longest`.
    """

    kind: ClassVar[str] = "series"
    name: str
    longest: int
    varies: bool
    shifts: tuple[float, ...]
    scales: tuple[float, ...]
    transform: str = "none"

    @classmethod
    def learn(cls, table: Table, name: str, how: Numeric) -> Series:
        """The statistics of the rows of `table`, over all steps that they have."""
        _check_scale(table, name, how)
        cells = table.columns[name]
        lengths, channels = [len(one) for one in cells], cells[0].shape[1]
        blocks = _Blocks(_steps(table, name, channels), name, (channels,), how.transform)
        found = statistics(blocks, channels, how.scale)
        return cls(name, max(lengths), min(lengths) < max(lengths), *found, how.transform)

    @property
    def shape(self) -> Shape:
        return (self.longest, len(self.shifts))

    @property
    def note(self) -> str:
        steps = f"up to {self.longest}" if self.varies else str(self.longest)
        return f"{steps} steps × {len(self.shifts)}{_scaling(self.shifts, self.scales)}"

    def read(self, table: Table) -> Array:
        """The network's inputs, (N, T, C) float32; T is the longest of these rows."""
        channels, lengths = len(self.shifts), self._lengths(table)
        steps = _steps(table, self.name, channels)
        blocks = _Blocks(steps, self.name, (channels,), self.transform)
        x = np.zeros((len(table), lengths.max(), channels), dtype=np.float32)
        is_step = np.arange(x.shape[1]) < lengths[:, None]  # (N, T)
        x[is_step] = _scaled(blocks, self.shifts, self.scales)
        return x

    def lengths(self, table: Table) -> Array | None:
        """How many steps each row has, (N,) int64; None where all have the same."""
        return self._lengths(table) if self.varies else None

    def _lengths(self, table: Table) -> Array:
        cells = table.columns[self.name]
        if cells.dtype != object and cells.ndim != 3:
            raise table.error(f"column {quoted(self.name)} holds no series, which the model needs")
        lengths = np.array([len(one) for one in cells], dtype=np.int64)
        if not self.varies and (lengths != self.longest).any():
            row = int((lengths != self.longest).argmax())
            raise table.error(
                f"column {quoted(self.name)}: {table.place(row)} has {lengths[row]} steps, "
                f"every training row has {self.longest}",
                row,
            )
        return lengths


ArrayFeature = Grid | Series
"""Kinds that are a network's only input: `shape`, `note`, `read(table)`, `lengths(table)`."""


def _check_scale(table: Table, name: str, how: Numeric) -> None:
    if how.scale in ("robust", "rank_normal"):
        message = f"{quoted(name)} is an array, which `scale: {how.scale}` does not scale"
        raise table.error(message, hint="write `standard`, `min_max` or `none`")


class _Blocks:
    """The rows of a grid, some at a time as float64 and bent; can be gone through again."""

    def __init__(self, table: Table, name: str, shape: Shape, transform: str):
        self.table, self.name, self.shape, self.transform = table, name, shape, transform
        self.rows = max(1, AT_A_TIME // math.prod(shape))

    def __iter__(self) -> Iterator[Array]:
        for start in range(0, len(self.table), self.rows):
            some = self.table.take(slice(start, start + self.rows))
            values = some.columns[self.name].astype(np.float64)
            _check(
                np.abs(values) <= FLOAT32_MAX,
                self.name,
                some,
                NO_FLOAT,
            )
            values = transformed(values, self.transform, self.name, some)
            yield values.reshape(-1, *self.shape)


def _steps(table: Table, name: str, channels: int) -> Table:
    """The steps of all series one below the other, (ΣT, C), each with the line of its row."""
    cells = table.columns[name]
    for row, one in enumerate(cells):
        if one.shape[1] != channels:
            found = f"{table.place(row)} has {plural(one.shape[1], 'channel')}"
            raise table.error(f"column {quoted(name)}: {found}, expected {channels}", row)
    lines = np.repeat(table.lines, [len(one) for one in cells])
    return replace(table, lines=lines, columns={name: np.concatenate(cells)})


def _scaled(blocks: _Blocks, shifts: Sequence[float], scales: Sequence[float]) -> Array:
    """The network's inputs, (N, *shape) float32; the table's own array where it is just that."""
    table, shift, scale = blocks.table, np.array(shifts), np.array(scales)
    cells = table.columns[blocks.name]
    same = not shift.any() and (scale == 1.0).all() and blocks.transform == "none"
    if same and cells.dtype == np.float32 and cells.flags.c_contiguous:
        for rows in stretches(len(cells), blocks.rows):
            some = table.take(rows)
            _check(np.isfinite(cells[rows]), blocks.name, some, NO_FLOAT)
        own: Array = cells.reshape(-1, *blocks.shape)
        return own
    x = empty((len(table), *blocks.shape), np.float32)
    at = 0
    for block in blocks:
        rows = slice(at, at + len(block))
        with np.errstate(over="ignore"):
            x[rows] = (block - shift) / scale
        _check(
            np.isfinite(x[rows]), blocks.name, table.take(rows), "too far from the training rows"
        )
        at += len(block)
    return x


def _check(sound: Array, name: str, table: Table, what: str) -> None:
    """An error that names the first row with a value that is not sound, (N, …) bool."""
    if not sound.all():
        row = int((~sound).reshape(len(sound), -1).any(axis=1).argmax())
        raise table.error(f"column {quoted(name)}: {table.place(row)} has a value {what}", row)


Pairs = tuple[tuple[float, ...], tuple[float, ...]]


def statistics(blocks: Iterable[Array], channels: int, how: str) -> Pairs:
    """Shift and scale of each channel (the last axis) of arrays that come block by block.

    Goes through the blocks twice, so that a large mean costs the deviation no digits; a channel
    that is constant gets scale 1.
    """
    if how == "none":
        return (0.0,) * channels, (1.0,) * channels
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    total, count = np.zeros(channels), 0
    for block in blocks:
        flat = block.reshape(-1, channels)
        np.minimum(low, flat.min(axis=0), out=low)
        np.maximum(high, flat.max(axis=0), out=high)
        total += flat.sum(axis=0)
        count += len(flat)
    shift, scale = low, high - low
    if how == "standard":
        shift = np.where(low == high, low, total / count)
        squares = np.zeros(channels)
        for block in blocks:
            squares += np.square(block.reshape(-1, channels) - shift).sum(axis=0)
        scale = np.sqrt(squares / count)
    scale = np.where(low == high, 1.0, scale)
    return tuple(shift.tolist()), tuple(scale.tolist())


def _shown(shape: Shape) -> str:
    return " × ".join(map(str, shape))


def _scaling(shifts: tuple[float, ...], scales: tuple[float, ...]) -> str:
    if len(shifts) == 1:
        return f", (x - {shifts[0]:.4g}) / {scales[0]:.4g}"
    return f", {len(shifts)} channels scaled one by one"
