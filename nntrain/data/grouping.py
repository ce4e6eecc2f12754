"""Rows that the cells of a column put into parts: by group, by word, by hash."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from nntrain.data.cells import absent
from nntrain.data.settings import Data
from nntrain.data.table import Table, is_array
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.rng import permutation
from nntrain.wording import quoted

WORDS = {"train": 0, "validation": 1, "val": 1, "valid": 1, "test": 2}  # what cells may say
DRAWS = 20  # of groups, where classes are to have their shares
ODD_SIZE = 0.01  # a share of all rows, by which a part may miss its own before it is told
ODD_CLASS = 0.05


class BadCellError(ValueError):
    """A cell that puts its row into no part: its row, what is wrong, and a hint."""

    def __init__(self, row: int, message: str, hint: str):
        self.row, self.message, self.hint = row, message, hint


def cells_of(table: Table, settings: Data) -> Array | None:
    """The cells of `data.split.column` as the file has them, (N,) text, empty where missing; None
    without one."""
    name = settings.split.column
    if name is None or name not in table.columns:  # told by `columns.check_names`
        return None
    cells = table.columns[name]
    if is_array(cells):
        raise table.error(f"{quoted(name)} is an array, it can not say which part a row is in")
    return np.where(absent(cells, settings.na_values), "", cells).astype(cells.dtype)


def check_whole(cells: Array, name: str) -> None:
    """Every row has a cell that says where it belongs."""
    empty = cells == ""
    if empty.any():
        hint = "fill the cell, or split `by: random`"
        raise BadCellError(
            int(empty.argmax()), f"{quoted(name)}, which splits the rows, is empty", hint
        )


def by_word(cells: Array, name: str) -> Array:
    """The part of each row, (N,): 0 trains, 1 validates, 2 tests; as its cell says."""
    words = cells.tolist()
    known = {word: WORDS.get(word.lower(), -1) for word in set(words)}
    part = np.fromiter((known[word] for word in words), dtype=np.int64, count=len(words))
    if (part < 0).any():
        row = int((part < 0).argmax())
        message = f"column {quoted(name)} has {quoted(words[row])}, which is no part of the data"
        raise BadCellError(row, message, "the cells say `train`, `validation` or `test`")
    return part


def uniform(cells: Array, seed: int, purpose: str) -> Array:
    """A number in [0, 1) for each cell, (N,), which nothing changes but its text and the seed."""
    key = f"{purpose}/{seed}".encode()
    texts = cells.tolist()
    known = {text: _digest(text, key) for text in set(texts)}
    words = np.fromiter((known[text] for text in texts), dtype=np.uint64, count=len(texts))
    return (words >> np.uint64(11)) * 2.0**-53


def _digest(text: str, key: bytes) -> int:
    found = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key)
    return int.from_bytes(found.digest(), "little")


def groups_of(cells: Array) -> Array:
    """The number of each row's group, (N,), which does not depend on the order of the rows."""
    found: Array = np.unique(cells, return_inverse=True)[1]
    return found


def cut_groups(
    groups: Array, classes: Array | None, shares: Sequence[float], seed: int, purpose: str
) -> Array:
    """The part of each row, (N,) from 0: groups (N,) stay whole, parts come near their shares.

    One part after the other takes groups in random order: first those that bring no class above
    its share, then those that fit into its size, at last the smallest one, if that is nearer.  So
    a part misses its size by half of the smallest group that is left at most.  The last part with
    a share has the rest, and each of them a group at least.  Of several such draws the one is
    taken that comes nearest to the shares of all classes.
    """
    wanted = [part for part, share in enumerate(shares) if share > 0]
    count = int(groups.max()) + 1
    if count < len(wanted):
        raise DataError(
            f"{count} groups can not be split into {len(wanted)} parts",
            hint="every part needs a group of its own",
        )
    strata = np.zeros(len(groups), dtype=np.int64) if classes is None else classes
    width = int(strata.max()) + 1
    cells = np.bincount(groups * width + strata, minlength=count * width)
    table = cells.reshape(count, width)  # rows of each class in each group
    part_of = np.full(count, wanted[-1])
    left, rest = np.arange(count), sum(shares)
    for later, part in zip(range(len(wanted) - 1, 0, -1), wanted, strict=False):
        room = table[left].sum(axis=0) * (shares[part] / rest)
        best, least = left, np.inf
        for draw in range(1 if width == 1 else DRAWS):
            drawn = left[permutation(len(left), seed, purpose, part, draw)]
            taken = drawn[_near(table[drawn], room, len(left) - later)]
            missed = float(np.abs(table[taken].sum(axis=0) - room).sum())
            if missed < least:
                best, least = taken, missed
        part_of[best] = part
        left, rest = np.setdiff1d(left, best), rest - shares[part]
    return part_of[groups]


def _near(table: Array, room: Array, most: int) -> Array:
    """Which of the groups (G, C), in their order, fill `room` (C,) best, (G,) bool; 1 … most."""
    taken = _fitting(table, room)
    sizes = table.sum(axis=1)
    if np.count_nonzero(taken) < most:
        missing = float(room.sum() - sizes[taken].sum())
        others = np.flatnonzero(~taken)
        taken[others[_fitting(sizes[others, None], np.array([missing]))]] = True
        missing = float(room.sum() - sizes[taken].sum())
        others = np.flatnonzero(~taken)
        if len(others):
            least = others[sizes[others].argmin()]
            taken[least] = not taken.any() or sizes[least] < 2.0 * missing
    taken[np.flatnonzero(taken)[most:]] = False
    return taken


def _fitting(table: Array, room: Array) -> Array:
    """Which of the groups (G, C), taken in their order, bring no class above `room` (C,)."""
    taken = np.zeros(len(table), dtype=bool)
    others = np.arange(len(table))
    while len(others := others[(table[others] <= room).all(axis=1)]):
        sums = table[others].cumsum(axis=0)
        beyond = np.flatnonzero((sums > room).any(axis=1))
        count = int(beyond[0]) if len(beyond) else len(others)
        taken[others[:count]] = True
        room, others = room - sums[count - 1], others[count:]
    return taken


def what_came_out(
    sizes: dict[str, int], wanted: dict[str, float], counts: dict[str, Array]
) -> list[str]:
    """What to tell of a split by groups or hashes: parts and classes that miss their share.

    sizes, wanted: rows of each part, and its share.  counts: rows of each class in it, (C,).
    """
    n, notes = sum(sizes.values()), []
    if any(abs(sizes[part] / n - wanted[part]) > ODD_SIZE for part in sizes):
        shown = ", ".join(f"{part} {rows / n:.1%}" for part, rows in sizes.items())
        notes.append(f"the split comes out as {shown} of the rows")
    if counts:
        table = np.array(list(counts.values()))
        shares = table / table.sum(axis=1, keepdims=True)
        odd = np.abs(shares - table.sum(axis=0) / table.sum()).max()
        if odd > ODD_CLASS:
            notes.append(
                f"whole groups can not be stratified: a class's share differs by {odd:.1%} of "
                "the rows between a part and the whole"
            )
    return notes
